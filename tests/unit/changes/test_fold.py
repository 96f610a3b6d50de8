"""The stream of one lake's records, brought in batches as Lambda may bring them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib.changes import fold
from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.data import Facts, Status, Type
from chalicelib.model.label import Label, LabelKind
from chalicelib.model.lake import Lake
from chalicelib.storage import buckets, counters, records, taggings
from chalicelib.upstream import intake
from tests.simulation import faults
from tests.simulation.fakes.events import s3_notification
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ARTIFACTS, OWNER, World, installed
from tests.simulation.interference import let

BUCKET = "photos"


@dataclass(slots=True)
class Stream:
    world: World
    lake: Lake

    def put(self, *names: str) -> None:
        for name in names:
            # Another one's bytes would be its own under another name.
            self.world.s3.put_object(Bucket=BUCKET, Key=name, Body=f"{name:>5}"[-5:].encode())
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

    def ids(self, *names: str) -> list[str]:
        return [self.lake.data_id(name) for name in names]

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


def test_a_batch_costs_three_requests_however_many_records_it_has(stream: Stream) -> None:
    stream.put(*(f"{n}.jpg" for n in range(50)))
    batch = stream.records
    stream.world.calls.clear()
    stream.fold(batch)
    assert [call.operation for call in stream.world.calls] == ["TransactWriteItems", "PutItem", "Query"]
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
    assert sum(call.operation == "TransactWriteItems" for call in stream.world.calls) == 2


def test_labels_are_counted_on_their_own(stream: Stream) -> None:
    stream.put("a", "b", "c")
    tag, other = _label(LabelKind.TAG, "car"), _label(LabelKind.TAG, "van")
    source = _label(LabelKind.SOURCE, "camera")
    taggings.attach(stream.lake.id, frozenset({tag.id, other.id}), stream.ids("a", "b"))
    taggings.detach(stream.lake.id, frozenset({other.id}), stream.ids("a"))
    _set_source(stream, "c", source)
    stream.fold(stream.records)
    assert counters.of_labels([tag, other, source]) == {tag.id: 2, other.id: 1, source.id: 1}
    assert stream.items == 3


def test_only_live_records_count_for_their_labels(stream: Stream) -> None:
    stream.put("a")
    tag = _label(LabelKind.TAG, "car")
    taggings.attach(stream.lake.id, frozenset({tag.id}), stream.ids("a"))
    stream.delete("a")
    stream.fold(stream.records)
    assert counters.of_labels([tag]) == {tag.id: 0}
    seen = len(stream.records)
    stream.put("a")
    stream.fold(stream.records[seen:])
    assert counters.of_labels([tag]) == {tag.id: 1}


def test_a_record_with_all_the_tags_there_can_be_is_one_transaction(stream: Stream) -> None:
    stream.put("a")
    most = frozenset(f"t{n}" for n in range(limits.TAGS_PER_RECORD))
    taggings.attach(stream.lake.id, most, stream.ids("a"))
    stream.delete("a")
    folded = stream.records
    stream.world.calls.clear()
    for record in folded:
        stream.fold([record])
    assert stream.world.called("TransactWriteItems") == 3


def test_a_tag_on_many_records_is_one_addition(stream: Stream) -> None:
    stream.put(*(f"{n}.jpg" for n in range(60)))
    seen = len(stream.records)
    taggings.attach(stream.lake.id, frozenset({"t"}), stream.ids(*(f"{n}.jpg" for n in range(60))))
    batch = stream.records[seen:]
    stream.world.calls.clear()
    stream.fold(batch)
    [call] = stream.world.calls
    assert (len(batch), len(call.parameters["TransactItems"])) == (60, 2)


def test_counts_of_many_labels_are_read_in_batches(stream: Stream) -> None:
    tags = [Label(id=str(n), kind=LabelKind.TAG, name=str(n), created_at="") for n in range(100)]
    stream.world.calls.clear()
    assert set(counters.of_labels(tags).values()) == {0}
    assert [call.operation for call in stream.world.calls] == ["BatchGetItem"] * 8


def test_taggings_stay_with_a_tombstone_and_go_when_it_expires(stream: Stream) -> None:
    stream.put("a", "b")
    taggings.attach(stream.lake.id, frozenset(f"t{n}" for n in range(40)), stream.ids("a", "b"))
    stream.delete("a")
    stream.fold(stream.records)
    assert len(stream.world.dynamodb.tables["taggings"].items) == 80
    seen = len(stream.records)
    stream.world.clock += (limits.TOMBSTONE_DAYS + 1) * 86_400
    assert stream.world.dynamodb.expire(stream.world.clock) == 4  # also the guard, and two traces
    stream.fold(stream.records[seen:])
    left = stream.world.dynamodb.tables["taggings"].items.values()
    assert {item["id"][1] for item in left} == set(stream.ids("b"))


@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.lost])
def test_taggings_that_cannot_be_deleted_make_the_shard_wait(stream: Stream, fault: faults.Fault) -> None:
    removal = _expired(stream)
    stream.let("BatchWriteItem", fault)
    with pytest.raises(StorageUnavailable):
        stream.fold(removal)
    stream.world.interpose = None
    stream.fold(removal)
    assert not stream.world.dynamodb.tables["taggings"].items


def test_taggings_that_were_left_over_are_deleted_in_the_next_request(stream: Stream) -> None:
    removal = _expired(stream)
    let(stream.world, "BatchWriteItem", faults.partial, faults.partial)
    stream.fold(removal)
    assert not stream.world.dynamodb.tables["taggings"].items


def _expired(stream: Stream) -> list[dict[str, Any]]:
    """The stream's record of a removal, of what had ten tags."""
    stream.put("a")
    taggings.attach(stream.lake.id, frozenset(f"t{n}" for n in range(10)), stream.ids("a"))
    stream.delete("a")
    stream.world.clock += (limits.TOMBSTONE_DAYS + 1) * 86_400
    stream.world.dynamodb.expire(stream.world.clock)
    return stream.records[-1:]


def _label(kind: LabelKind, name: str) -> Label:
    return Label(id=f"{name}-id", kind=kind, name=name, created_at="")


def _set_source(stream: Stream, name: str, source: Label) -> None:
    [data] = records.read_all(stream.ids(name)).values()
    assert records.write_edit(data, replace(data, source=source.id), "edit")


def _show_thumbnail(stream: Stream) -> None:
    record = records.read(stream.lake.data_id("a"))
    assert record
    buckets.put_thumbnail(record.thumbnail_key, b"picture")
    facts = Facts(status=Status.READY, type=Type.IMAGE)
    records.publish(record.id, record.content, facts, None, thumbnail=True)
