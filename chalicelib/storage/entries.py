"""What the index by name tells of a lake's data, without the records being read."""

from dataclasses import dataclass
from heapq import merge
from itertools import batched
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.model import limits
from chalicelib.model.data import Status
from chalicelib.storage import aws, records
from chalicelib.storage.records import Order
from chalicelib.storage.tables import DataItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.model.keyrange import Span
    from chalicelib.model.lake import Lake

FROM_SHARD = 5_000
"""Entries that are read of each shard at once, so that not all must be held: some megabytes."""


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    object_name: str
    etag: str | None
    """None: no object was seen yet."""
    size: int


@dataclass(frozen=True, slots=True)
class Entries:
    """All that is known from where they were begun up to their end, in order."""

    found: "Sequence[Entry]"
    end: str | None
    """None: to the end of what was asked for."""


def read(lake: "Lake", span: "Span") -> Entries:
    """The first objects of the span."""
    every = read_all(lake, span)
    # Others than objects have names, too.
    objects = [entry for entry in every.found if entry.id == lake.data_id(entry.object_name)]
    return Entries(objects, every.end)


def read_all(lake: "Lake", span: "Span") -> Entries:
    """The first data of the span, of whatever kind. What is no object is named as the index has it."""
    shards = parallel.for_each(lambda shard: _of_shard(shard, span), lake.all_shards())
    end = min((shard.end for shard in shards if shard.end is not None), default=None)
    merged = merge(*(shard.found for shard in shards), key=attrgetter("object_name"))
    found = [
        entry
        for entry in merged
        if span.after < entry.object_name and (end is None or entry.object_name <= end)
    ]
    return Entries(found, end)


def first(lake: "Lake", span: "Span") -> str | None:
    """The first name in the span, as the index has it."""
    pages = parallel.for_each(lambda shard: _ask(_query(shard, span, 2)), lake.all_shards())
    names = (item["object_name"]["S"] for page in pages for item in page["Items"])
    return min((name for name in names if name > span.after), default=None)


def is_long(lake: "Lake", span: "Span") -> bool:
    """Whether more is in the span than one page of each shard."""
    pages = parallel.for_each(lambda shard: _ask(_query(shard, span, FROM_SHARD)), lake.all_shards())
    return any("LastEvaluatedKey" in page for page in pages)


def waiting(entries: "Iterable[Entry]", *, since: str) -> set[str]:
    """The ids of those whose bytes were not looked at yet though nothing has happened to them since then."""

    def read(ids: "Sequence[str]") -> list[str]:
        with aws.calling("read records"):
            found = DataItem.batch_get(ids, attributes_to_get=["id", "status", "updated_at"])
            return [each.id for each in found if each.status == Status.INDEXED and each.updated_at <= since]

    batches = list(batched((entry.id for entry in entries), limits.READ_BATCH, strict=False))
    return {data_id for part in parallel.for_each(read, batches) for data_id in part}


def _of_shard(shard: str, span: "Span") -> Entries:
    start: dict[str, Any] = {}
    found: list[Entry] = []
    while True:
        answer = _ask(_query(shard, span, FROM_SHARD - len(found)) | start)
        found += map(_entry, answer["Items"])
        last = answer.get("LastEvaluatedKey")
        if last is None or len(found) >= FROM_SHARD:
            return Entries(found, last["object_name"]["S"] if last else None)
        start = {"ExclusiveStartKey": last}


def _query(shard: str, span: "Span", limit: int) -> dict[str, Any]:
    lowest, highest = records.span(Order.OBJECT_NAME, span.prefix)
    low, high = max(span.after, lowest), highest if span.upto is None else span.upto
    return {
        "TableName": config.data_table,
        "IndexName": "by_key",
        "KeyConditionExpression": "#shard = :shard AND object_name BETWEEN :low AND :high",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": {":shard": {"S": shard}, ":low": {"S": low}, ":high": {"S": high}},
        "Limit": limit,
    }


def _ask(query: dict[str, Any]) -> dict[str, Any]:
    with aws.calling("list records"):
        answer: dict[str, Any] = aws.client("dynamodb").query(**query)
    return answer


def _entry(item: dict[str, Any]) -> Entry:
    etag, size = item.get("etag", {}).get("S"), item.get("size", {}).get("N", "0")
    return Entry(item["id"]["S"], item["object_name"]["S"], etag, int(size))
