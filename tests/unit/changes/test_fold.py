"""The stream of one lake's records, brought in batches as Lambda may bring them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.changes import fold
from chalicelib.errors import StorageUnavailable
from chalicelib.model.data import Facts, Status, Type
from chalicelib.model.lake import Lake
from chalicelib.storage import buckets, counters, records
from chalicelib.upstream import intake
from tests.simulation import faults
from tests.simulation.fakes.events import s3_notification
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ARTIFACTS, OWNER, World, installed

BUCKET = "photos"


@dataclass(slots=True)
class Stream:
    world: World
    lake: Lake

    def put(self, *names: str) -> None:
        for name in names:
            self.world.s3.put_object(Bucket=BUCKET, Key=name, Body=b"12345")
            self._deliver()

    def delete(self, name: str) -> None:
        self.world.s3.delete_object(Bucket=BUCKET, Key=name)
        self._deliver()

    def _deliver(self) -> None:
        message = {"messageId": "m", "body": s3_notification(self.world.s3.events[-1])}
        intake.receive([message], lambda: 60_000)

    @property
    def records(self) -> list[dict[str, Any]]:
        """As if the table had one shard."""
        return [change.as_event(["id"]) for change in self.world.dynamodb.tables["data"].changes]

    def fold(self, records: list[dict[str, Any]], shard: str = "shard") -> None:
        fold.receive({"Records": records, "shardId": shard})

    @property
    def items(self) -> int:
        return counters.read(self.lake.id).items

    def let(self, operation: str, fault: faults.Fault) -> None:
        def decide(request: Any) -> Any:
            act = fault if request.operation == operation else faults.none
            return act(self.world, request)

        self.world.interpose = decide


@pytest.fixture
def stream() -> Iterator[Stream]:
    with installed(World()) as world:
        world.s3.buckets[BUCKET] = Bucket(OWNER)
        yield Stream(world, world.add_lake("default", BUCKET))


def test_a_batch_costs_one_transaction_however_many_records_it_has(stream: Stream) -> None:
    stream.put(*(f"{n}.jpg" for n in range(50)))
    batch = stream.records
    stream.world.calls.clear()
    stream.fold(batch)
    assert [call.operation for call in stream.world.calls] == ["TransactWriteItems"]
    counts = counters.read(stream.lake.id)
    assert (counts.items, counts.bytes, counts.by_status) == (50, 250, {"indexed": 50})


def test_a_removal_takes_back_what_its_record_added(stream: Stream) -> None:
    stream.put("a.jpg", "b.jpg")
    stream.delete("a.jpg")
    stream.fold(stream.records)
    assert stream.items == 1


@pytest.mark.parametrize("grown", [0, 1, 3])
def test_a_batch_that_comes_again_whole_or_grown_counts_once(stream: Stream, grown: int) -> None:
    stream.put(*"abcdef")
    stream.fold(stream.records[:3])
    stream.fold(stream.records[: 3 + grown])
    assert stream.items == 3 + grown


def test_a_batch_that_begins_before_what_was_applied_is_applied_from_there(stream: Stream) -> None:
    stream.put(*"abcd")
    stream.fold(stream.records[:3])
    stream.fold(stream.records[1:])
    assert stream.items == 4


def test_shards_have_guards_of_their_own(stream: Stream) -> None:
    stream.put(*"abcd")
    early, late = stream.records[:2], stream.records[2:]
    stream.fold(late, "one")
    stream.fold(early, "other")
    assert stream.items == 4


@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.lost, faults.partial])
def test_a_transaction_without_an_answer_makes_the_shard_wait_and_counts_once(
    stream: Stream, fault: faults.Fault
) -> None:
    stream.put(*"abc")
    batch = stream.records
    stream.let("TransactWriteItems", fault)
    with pytest.raises(StorageUnavailable):
        stream.fold(batch)
    stream.world.interpose = None
    stream.fold(batch)
    assert stream.items == 3


def test_a_transaction_that_botocore_repeated_counts_once(stream: Stream) -> None:
    stream.put(*"abc")
    batch = stream.records
    stream.let("TransactWriteItems", faults.repeated)
    stream.fold(batch)
    assert stream.items == 3


def test_records_that_change_no_count_cost_nothing(stream: Stream) -> None:
    stream.put("a")
    stream.put("a")
    overwritten = stream.records[1:]
    stream.world.calls.clear()
    stream.fold(overwritten)
    assert stream.world.calls == []


def test_a_thumbnail_is_swept_when_its_record_is_gone(stream: Stream) -> None:
    stream.put("a")
    _show_thumbnail(stream)
    stream.delete("a")
    stream.fold(stream.records)
    assert not stream.world.s3.buckets[ARTIFACTS].objects


def test_a_thumbnail_that_cannot_be_swept_makes_the_shard_wait_and_nothing_count_twice(
    stream: Stream,
) -> None:
    stream.put("a")
    _show_thumbnail(stream)
    stream.put("b")
    stream.delete("a")
    batch = stream.records
    stream.let("DeleteObjects", faults.partial)
    with pytest.raises(StorageUnavailable):
        stream.fold(batch)
    stream.world.interpose = None
    stream.fold(batch)
    assert (stream.items, len(stream.world.s3.buckets[ARTIFACTS].objects)) == (1, 0)


def test_many_lakes_in_one_batch_are_counted_in_several_transactions(stream: Stream) -> None:
    for n in range(120):
        stream.world.add_lake(f"lake-{n}", "others")
    stream.world.s3.buckets["others"] = Bucket(OWNER)
    stream.world.s3.put_object(Bucket="others", Key="a.jpg", Body=b"1")
    stream._deliver()
    stream.fold(stream.records)
    assert sum(call.operation == "TransactWriteItems" for call in stream.world.calls) == 3


def _show_thumbnail(stream: Stream) -> None:
    record = records.read(stream.lake.data_id("a"))
    assert record
    buckets.put_thumbnail(record.thumbnail_key, b"picture")
    facts = Facts(status=Status.READY, type=Type.IMAGE)
    records.publish(record.id, record.content, facts, None, thumbnail=True)
