from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.model.data import Data
from chalicelib.model.lake import Lake
from chalicelib.storage import records
from chalicelib.upstream import intake
from tests.simulation import faults
from tests.simulation.fakes.events import Event, s3_notification
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import OWNER, World, installed

BUCKET = "photos"


@dataclass(slots=True)
class Desk:
    """One lake on one bucket, whose events are delivered by hand."""

    world: World
    lake: Lake
    delivered: int = 0

    def put(self, key: str, body: bytes = b"bytes") -> Event:
        self.world.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return self.last_event()

    def delete(self, key: str, version_id: str | None = None) -> Event:
        self.world.s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version_id)
        return self.last_event()

    def last_event(self) -> Event:
        return self.world.s3.events[-1]

    def versions(self, key: str) -> list[str]:
        return [version.id for version in self.world.s3.buckets[BUCKET].objects[key]]

    def deliver(self, *messages: str | Event, remaining_ms: Callable[[], int] = lambda: 60_000) -> list[str]:
        """The bodies that must come again."""
        bodies = [s3_notification(each) if isinstance(each, Event) else each for each in messages]
        self.delivered += 1
        batch = {f"{self.delivered}-{n}": body for n, body in enumerate(bodies)}
        answer = intake.receive([_message(*each) for each in batch.items()], remaining_ms)
        return [batch[failure["itemIdentifier"]] for failure in answer["batchItemFailures"]]

    def record(self, key: str) -> Data | None:
        return records.read(self.lake.data_id(key))

    def names(self) -> set[str]:
        items = self.world.dynamodb.tables["data"].items.values()
        return {item["object_name"][1] for item in items if item["state"] == ("S", "live")}

    def complete(self, key: str) -> None:
        """As if preprocess had looked at the bytes."""
        table = self.world.dynamodb.tables["data"]
        [(at, item)] = [(at, item) for at, item in table.items.items() if item["object_name"] == ("S", key)]
        table.items[at] = {**item, "status": ("S", "ready")}

    def parked(self) -> list[tuple[str, str]]:
        letters = self.world.sqs.queues["events-dead-letters"].visible.values()
        return [(letter.body, letter.attributes["reason"]["StringValue"]) for letter in letters]

    def calls(self) -> dict[str, int]:
        """What was asked of AWS since the last time, by operation, the reading of lakes left out."""
        made = [call.operation for call in self.world.calls if call.parameters.get("TableName") != "lakes"]
        self.world.calls.clear()
        return {operation: made.count(operation) for operation in sorted(set(made))}

    def let(self, operation: str, *acts: faults.Fault) -> None:
        """The next calls of this operation meet these faults."""
        coming = list(acts)

        def decide(request: Any) -> Any:
            act = coming.pop(0) if coming and request.operation == operation else faults.none
            return act(self.world, request)

        self.world.interpose = decide


@pytest.fixture
def desk() -> Iterator[Desk]:
    with installed(World()) as world:
        world.s3.buckets[BUCKET] = Bucket(OWNER)
        yield Desk(world, world.add_lake("default", BUCKET))


@pytest.fixture
def versioned(desk: Desk) -> Desk:
    desk.world.s3.buckets[BUCKET].versioned = True
    return desk


def _message(name: str, body: str) -> dict[str, Any]:
    return {"messageId": name, "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
