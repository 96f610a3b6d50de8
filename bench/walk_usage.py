"""What a scan and a sync ask of AWS for each object, counted while their code runs in this process."""

import json
import time
from typing import TYPE_CHECKING, Any, Final

from bench import capacity, walking
from bench.results import figure
from chalicelib.model.job import JobKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.calls import Call, Calls
    from bench.results import Results
    from bench.stack import Stack
    from chalicelib.model.lake import Lake

BUDGET_SCAN: Final = 0.05
BUDGET_SYNC: Final = 0.003

_INCLUDED: Final = {"by_key": ("etag", "size")}
"""Attributes of an index beside its keys."""


def measure(
    cloud: "Stack", calls: "Calls", new: "Lake", known: "Lake", objects: "tuple[int, int]"
) -> "Results":
    """Of a lake that is scanned, and of one that is compared and does not differ."""
    scan, scan_seconds = _run(cloud, calls, new, JobKind.SCAN, objects[0])
    sync, sync_seconds = _run(cloud, calls, known, JobKind.SYNC, objects[1])
    items = [item for call in scan if call.operation == "BatchExecuteStatement" for item in _items(call)]
    indexes = cloud.index_keys()
    written = sum(
        capacity.count_write_units(None, item)
        + sum(capacity.count_index_units(None, item, keys) for keys in indexes)
        for item in items
    )
    entry = {name: items[0][name] for name in ("id", "shard", "object_name", "etag", "size")}
    unit = "requests/object"
    return {
        "scan_dynamodb": figure(_count(scan, "dynamodb") / objects[0], unit, BUDGET_SCAN, digits=4),
        "scan_s3": figure(_count(scan, "s3") / objects[0], unit, digits=5),
        "scan_sqs": figure(_count(scan, "sqs") / objects[0], unit, digits=5),
        "scan_write_units": figure(written / objects[0], "units/object"),
        "scan_processor": figure(scan_seconds * 1000 / objects[0], "ms/object", digits=4),
        "sync_dynamodb_and_s3": figure(
            (_count(sync, "dynamodb") + _count(sync, "s3")) / objects[1], unit, BUDGET_SYNC, digits=5
        ),
        "sync_s3": figure(_count(sync, "s3") / objects[1], unit, digits=5),
        "sync_entry_size": figure(capacity.measure_item(entry), "bytes", digits=0),
        "sync_processor": figure(sync_seconds * 1000 / objects[1], "ms/object", digits=4),
    }


def _run(
    cloud: "Stack", calls: "Calls", lake: "Lake", kind: JobKind, objects: int
) -> "tuple[list[Call], float]":
    """The requests, and seconds of processor time."""
    calls.take()
    start = time.process_time()
    walking.walk_here(cloud, lake, kind, objects)
    return calls.take()[0], time.process_time() - start


def _count(calls: "Sequence[Call]", service: str) -> int:
    return sum(call.service == service for call in calls)


def _items(call: "Call") -> "list[dict[str, Any]]":
    statements = json.loads(call.body)["Statements"]
    return [dict(zip(_names(each["Statement"]), each["Parameters"], strict=True)) for each in statements]


def _names(statement: str) -> list[str]:
    return statement.partition("{")[2].split("'")[1::2]
