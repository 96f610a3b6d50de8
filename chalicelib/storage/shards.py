"""Sort keys with their ids along several shards of an index, read side by side and merged in order."""

from dataclasses import dataclass
from heapq import merge
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.storage import aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chalicelib.storage.records import Entry, Position, Range

_DEVIATIONS = 4
"""By which a shard may be fuller than its mean, but for once in ten thousand times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    table: str
    name: str | None = None
    """None: the table itself."""
    shard: str
    key: str
    """The attributes that part and sort it."""
    binary: bool = False
    """Whether the sort keys are; as positions they are Latin-1."""


type Section = tuple[str, Range]
"""A part of one shard."""


def share(limit: int, shards: int) -> int:
    """How many of the first `limit` entries are in one shard, at most: ids spread them by chance."""
    mean = limit / shards
    return min(limit, ceil(mean + _DEVIATIONS * sqrt(mean * (1 - 1 / shards))))


def entries(
    index: Index, sections: "Sequence[Section]", *, descending: bool, share: int
) -> "Iterator[Entry]":
    """All that the sections hold. So many of each are read at first, all at once, and more only when those
    are taken."""
    requests = [_request(index, section, descending, share) for section in sections]
    found = parallel.for_each(lambda request: _follow(index, request, _ask(request)), requests)
    return merge(*found, key=_bytes, reverse=descending)


def _request(index: Index, section: Section, descending: bool, share: int) -> dict[str, Any]:
    shard, (low, high) = section
    request: dict[str, Any] = {
        "TableName": index.table,
        "KeyConditionExpression": "#shard = :shard AND #key BETWEEN :low AND :high",
        "ProjectionExpression": "#key, id",
        "ExpressionAttributeNames": {"#shard": index.shard, "#key": index.key},
        "ExpressionAttributeValues": {
            ":shard": {"S": shard},
            ":low": _value(index, low),
            ":high": _value(index, high),
        },
        "ScanIndexForward": not descending,
        "Limit": share,
    }
    return request | ({"IndexName": index.name} if index.name else {})


def _ask(request: "Mapping[str, Any]") -> "Mapping[str, Any]":
    with aws.calling("read index"):
        answer: Mapping[str, Any] = aws.client("dynamodb").query(**request)
    return answer


def _follow(index: Index, request: "Mapping[str, Any]", answer: "Mapping[str, Any]") -> "Iterator[Entry]":
    while True:
        yield from ((_position(index, item[index.key]), item["id"]["S"]) for item in answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        answer = _ask({**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]})


def _value(index: Index, position: "Position") -> dict[str, Any]:
    return {"B": position.encode("latin-1")} if index.binary else {"S": position}


def _position(index: Index, value: "Mapping[str, Any]") -> "Position":
    return value["B"].decode("latin-1") if index.binary else str(value["S"])


def _bytes(entry: "Entry") -> bytes:
    return entry[0].encode()
