"""What DynamoDB was asked, and what it says that cost."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from chalicelib.storage import aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(slots=True)
class Meter:
    requests: int = 0
    items: int = 0
    """Read, whether they were wanted or not."""
    capacity: float = 0.0
    """Read units, half a unit for each 4 KB that need not be the very latest."""
    _lock: Lock = field(default_factory=Lock)

    def count(self, parsed: "Mapping[str, Any]", **_: object) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        with self._lock:
            self.requests += 1
            self.items += _items(parsed)
            self.capacity += sum(
                each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed])
            )


@contextmanager
def metered() -> "Iterator[Meter]":
    """All that this process asks for meanwhile: one Lambda function answers one request at a time."""
    meter, events = Meter(), aws.client("dynamodb").meta.events
    events.register("provide-client-params.dynamodb.*", _ask_for_capacity)
    events.register("after-call.dynamodb.*", meter.count)
    try:
        yield meter
    finally:
        events.unregister("provide-client-params.dynamodb.*", _ask_for_capacity)
        events.unregister("after-call.dynamodb.*", meter.count)


def _ask_for_capacity(params: "Mapping[str, Any]", model: Any, **_: object) -> dict[str, Any]:
    known = "ReturnConsumedCapacity" in model.input_shape.members
    return {**params, "ReturnConsumedCapacity": "TOTAL"} if known else dict(params)


def _items(parsed: "Mapping[str, Any]") -> int:
    batches = parsed.get("Responses", {})
    looked_up = sum(map(len, batches.values())) if isinstance(batches, dict) else 0
    return int(parsed.get("ScannedCount", looked_up))
