"""What came into a lake and what went from it lately, by content.

A trace is a hint: it says which record to look at. Those of one batch share an item, as a million items would
cost more than what they are about. Readers find all that was written before they ask.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.model import limits, moment
from chalicelib.storage import aws
from chalicelib.storage.tables import TracesItem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from chalicelib.model.data import Data

_PRINT_BYTES = 8
_ID_BYTES = 16
_TRACE_BYTES = _PRINT_BYTES + _ID_BYTES
_KEPT_SECONDS = 3600 * limits.COUNTING_HOURS

type Print = bytes
"""Of a content. Different ones may have the same, if rarely."""

type Minute = str
"""A moment without its seconds."""


class Side(StrEnum):
    CAME = "came"
    WENT = "went"


@dataclass(frozen=True, slots=True)
class Trace:
    print: Print
    data_id: str
    minute: Minute


class TooMany(Exception):
    """There are more than limits.TRACES_READ."""


def trace(data: "Data") -> Trace:
    """Of a record that has just come or gone."""
    told = blake2b(f"{data.size}/{data.etag}".encode(), digest_size=_PRINT_BYTES)
    return Trace(told.digest(), data.id, _minute(data.updated_at))


def write(lake_id: str, side: Side, traces: "Iterable[Trace]", name: str) -> None:
    """Under the same name they are written again without becoming more."""
    by_minute: defaultdict[Minute, list[Trace]] = defaultdict(list)
    for each in traces:
        by_minute[each.minute].append(each)
    items = [
        TracesItem(
            trail=f"{lake_id}#{side}",
            entry=f"{minute}#{name}",
            traces=b"".join(each.print + UUID(each.data_id).bytes for each in found),
            expires_at=moment.end_of(_KEPT_SECONDS),
        )
        for minute, found in by_minute.items()
    ]
    with aws.calling("write traces"):
        parallel.for_each(lambda item: item.save(), items)


def read(lake_id: str, side: Side, prints: "Collection[Print]", first: Minute, last: Minute) -> "list[Trace]":
    """All traces with one of these prints. Raises TooMany."""
    found, count = [], 0
    with aws.calling("read traces"):
        for item in _items(f"{lake_id}#{side}", first, last):
            minute, _, _ = item["entry"]["S"].partition("#")
            octets = item["traces"]["B"]
            count += len(octets) // _TRACE_BYTES
            if count > limits.TRACES_READ:
                raise TooMany
            starts = range(0, len(octets), _TRACE_BYTES)
            found += [
                Trace(octets[at : at + _PRINT_BYTES], _id(octets[at : at + _TRACE_BYTES]), minute)
                for at in starts
                if octets[at : at + _PRINT_BYTES] in prints
            ]
    return found


def _items(trail: str, first: Minute, last: Minute) -> "Iterator[dict[str, Any]]":
    request = {
        "TableName": config.traces_table,
        "KeyConditionExpression": "trail = :trail AND entry BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":trail": {"S": trail},
            ":first": {"S": first},
            ":last": {"S": f"{last}~"},
        },
        "ConsistentRead": True,
    }
    while True:
        answer = aws.client("dynamodb").query(**request)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _id(octets: bytes) -> str:
    return str(UUID(bytes=octets[_PRINT_BYTES:]))


def _minute(text: str) -> Minute:
    return text[:16]
