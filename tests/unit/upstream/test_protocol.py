"""The rules by which the record of one key follows its object (design: the sync protocol)."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.model import limits
from chalicelib.model.data import State, Status
from tests.simulation import faults
from tests.simulation.fakes.events import eventbridge_event, s3_notification
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import Request
from tests.unit.upstream.conftest import BUCKET, Desk

HOUR = 3600
RECHECK = json.dumps({"source": "tidelake", "bucket": BUCKET, "object_name": "a.jpg"})


def test_a_new_object_is_recorded_as_its_event_tells(desk: Desk) -> None:
    event = desk.put("frames/a.jpg", b"12345")
    assert desk.deliver(event) == []
    record = desk.record("frames/a.jpg")
    assert record
    assert (record.live, record.status, record.rev) == (True, Status.INDEXED, 1)
    assert (record.size, record.etag, record.filename) == (5, event.etag, "a.jpg")


def test_an_overwritten_object_is_recorded_as_s3_has_it_now(desk: Desk) -> None:
    first, second = desk.put("a.jpg", b"1"), desk.put("a.jpg", b"22")
    for event in (second, first):
        desk.deliver(event)
    record = desk.record("a.jpg")
    assert record
    assert (record.size, record.etag) == (2, second.etag)


def test_a_late_creation_does_not_bring_back_a_deleted_object(desk: Desk) -> None:
    created, removed = desk.put("a.jpg"), desk.delete("a.jpg")
    for event in (removed, created, created):
        desk.deliver(event)
    assert desk.names() == set()


def test_a_late_delete_does_not_remove_a_newer_object(desk: Desk) -> None:
    desk.put("a.jpg", b"old")
    removed, created = desk.delete("a.jpg"), desk.put("a.jpg", b"new")
    for event in (created, removed, removed):
        desk.deliver(event)
    assert desk.names() == {"a.jpg"}


def test_a_creation_older_than_an_hour_is_not_believed_without_a_look(desk: Desk) -> None:
    """Its removal may have come and gone, tombstone and all."""
    created, removed = desk.put("a.jpg"), desk.delete("a.jpg")
    desk.deliver(created, removed)
    desk.world.clock += (limits.TOMBSTONE_DAYS + 1) * 24 * HOUR
    assert desk.world.dynamodb.expire(desk.world.clock) == 1
    desk.deliver(created)
    assert desk.names() == set()


def test_a_noncurrent_version_that_is_deleted_leaves_its_object_live(versioned: Desk) -> None:
    versioned.deliver(versioned.put("a.jpg", b"1"))
    versioned.deliver(versioned.put("a.jpg", b"22"))
    oldest = versioned.versions("a.jpg")[0]
    versioned.deliver(versioned.delete("a.jpg", oldest))
    record = versioned.record("a.jpg")
    assert record
    assert (record.live, record.size, record.version_id) == (True, 2, versioned.versions("a.jpg")[-1])


def test_a_current_version_that_is_deleted_uncovers_the_one_before(versioned: Desk) -> None:
    versioned.deliver(versioned.put("a.jpg", b"1"))
    versioned.deliver(versioned.put("a.jpg", b"22"))
    versioned.deliver(versioned.delete("a.jpg", versioned.versions("a.jpg")[-1]))
    record = versioned.record("a.jpg")
    assert record
    assert (record.live, record.size, record.version_id) == (True, 1, versioned.versions("a.jpg")[-1])


def test_a_delete_marker_makes_its_object_gone(versioned: Desk) -> None:
    versioned.deliver(versioned.put("a.jpg"))
    versioned.deliver(versioned.delete("a.jpg"))
    assert versioned.names() == set()


def test_a_marker_that_is_removed_brings_its_object_back_though_the_event_says_removed(
    versioned: Desk,
) -> None:
    versioned.deliver(versioned.put("a.jpg"))
    versioned.deliver(versioned.delete("a.jpg"))
    undeletion = versioned.delete("a.jpg", versioned.versions("a.jpg")[-1])
    assert undeletion.name == "ObjectRemoved:Delete"
    versioned.deliver(undeletion)
    assert versioned.names() == {"a.jpg"}


def test_the_same_bytes_under_a_new_version_are_new_content(versioned: Desk) -> None:
    versioned.deliver(versioned.put("a.jpg", b"1"))
    before = versioned.record("a.jpg")
    versioned.deliver(versioned.put("a.jpg", b"1"))
    after = versioned.record("a.jpg")
    assert before
    assert after
    assert (after.version_id, after.content) == (versioned.versions("a.jpg")[-1], "op3")
    assert before.content != after.content


def test_an_expiration_dated_back_to_midnight_still_counts(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"))
    expired = replace(desk.delete("a.jpg"), name="LifecycleExpiration:Delete")
    midnight = expired.occurred_at.replace(hour=0, minute=0, second=0) - timedelta(days=1)
    desk.deliver(replace(expired, occurred_at=midnight))
    assert desk.names() == set()


def test_an_event_that_is_repeated_costs_no_look(desk: Desk) -> None:
    event = desk.put("a.jpg")
    desk.deliver(event)
    desk.complete("a.jpg")
    desk.calls()
    desk.deliver(event)
    assert desk.calls() == {"BatchExecuteStatement": 1}


def test_a_sequencer_from_the_future_does_not_silence_what_comes_after_it(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"))
    desk.deliver(replace(desk.put("a.jpg"), sequencer="FF" * 9))
    desk.complete("a.jpg")
    desk.deliver(desk.delete("a.jpg"))
    assert desk.names() == set()


def test_an_event_of_another_channel_is_never_taken_for_covered(desk: Desk) -> None:
    event = desk.put("a.jpg")
    desk.deliver(event)
    desk.complete("a.jpg")
    desk.calls()
    desk.deliver(eventbridge_event(event))
    assert desk.calls()["HeadObject"] == 1


def test_an_old_event_does_not_hide_a_recheck_that_comes_with_it(desk: Desk) -> None:
    old = desk.put("a.jpg", b"1")
    desk.deliver(old)
    desk.complete("a.jpg")
    desk.put("a.jpg", b"22")  # and its event is lost
    desk.deliver(old, RECHECK)
    record = desk.record("a.jpg")
    assert record
    assert record.size == 2


def test_an_old_event_does_not_hide_a_new_one_of_another_channel(desk: Desk) -> None:
    old = desk.put("a.jpg", b"1")
    desk.deliver(eventbridge_event(old))
    desk.complete("a.jpg")
    desk.deliver(s3_notification(desk.put("a.jpg", b"22")), eventbridge_event(old))
    record = desk.record("a.jpg")
    assert record
    assert record.size == 2


def test_a_tombstone_keeps_what_people_wrote_and_a_returning_object_gets_it_back(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg", b"1"))
    table = desk.world.dynamodb.tables["data"]
    [(at, item)] = table.items.items()
    written = {"tags": ("SS", frozenset({"car"})), "description": ("S", "red"), "source": ("S", "camera")}
    table.items[at] = {**item, **written}
    created = desk.record("a.jpg")
    desk.world.clock += HOUR
    desk.deliver(desk.delete("a.jpg"))
    gone = desk.record("a.jpg")
    assert gone
    assert (gone.state, gone.tags) == (State.GONE, frozenset({"car"}))
    assert "shard" not in table.items[at]
    desk.deliver(desk.put("a.jpg", b"22"))
    back = desk.record("a.jpg")
    assert created
    assert back
    assert (back.live, back.size, back.created_at) == (True, 2, created.created_at)
    assert (back.tags, back.description, back.source) == (frozenset({"car"}), "red", "camera")


def test_a_returned_object_no_longer_expires(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"), desk.delete("a.jpg"))
    desk.deliver(desk.put("a.jpg"))
    desk.world.clock += (limits.TOMBSTONE_DAYS + 1) * 24 * HOUR
    assert desk.world.dynamodb.expire(desk.world.clock) == 0


def test_a_tombstone_stays_for_more_than_a_week(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"))
    desk.deliver(desk.delete("a.jpg"))
    assert desk.world.dynamodb.expire(desk.world.clock + 7 * 24 * HOUR) == 0


def test_a_removal_of_what_was_never_seen_leaves_a_tombstone_too(desk: Desk) -> None:
    desk.put("a.jpg")
    desk.deliver(desk.delete("a.jpg"))
    record = desk.record("a.jpg")
    assert record
    assert record.state is State.GONE


def test_a_folder_marker_is_never_a_record(desk: Desk) -> None:
    event = desk.put("frames/", b"")
    desk.deliver(event)
    assert desk.names() == set()


def test_an_object_with_bytes_is_a_record_though_its_name_is_a_folders(desk: Desk) -> None:
    desk.deliver(desk.put("frames/", b"bytes"))
    assert desk.names() == {"frames/"}


def test_an_object_that_becomes_a_folder_marker_is_gone(desk: Desk) -> None:
    first, second = desk.put("frames/", b"bytes"), desk.put("frames/", b"")
    desk.deliver(first)
    desk.deliver(second)
    assert desk.names() == set()


def test_a_late_creation_does_not_hide_the_folder_marker_that_followed(desk: Desk) -> None:
    first, second = desk.put("frames/", b"bytes"), desk.put("frames/", b"")
    desk.deliver(second)
    desk.deliver(first)
    assert desk.names() == set()


UNCLEAR = [faults.denied, faults.broken, faults.throttled, faults.unreachable, faults.lost]


@pytest.mark.parametrize("fault", UNCLEAR)
@pytest.mark.parametrize("operation", ["HeadObject", "HeadBucket"])
def test_an_object_is_never_gone_for_want_of_an_answer(
    desk: Desk, operation: str, fault: faults.Fault
) -> None:
    desk.deliver(desk.put("a.jpg"))
    removal = desk.delete("a.jpg")
    if operation == "HeadBucket" and fault is faults.lost:
        fault = faults.unreachable
    desk.let(operation, fault)
    assert desk.deliver(removal) == [s3_notification(removal)]
    assert desk.names() == {"a.jpg"}
    assert desk.deliver(removal) == []
    assert desk.names() == set()


def test_an_object_is_never_gone_because_its_bucket_is(desk: Desk) -> None:
    event = desk.put("a.jpg")
    desk.deliver(event)
    del desk.world.s3.buckets[BUCKET]
    assert desk.deliver(RECHECK) == [RECHECK]
    assert desk.names() == {"a.jpg"}


def test_an_object_is_never_gone_because_somebody_else_took_the_name_of_its_bucket(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"))
    desk.world.s3.buckets[BUCKET] = Bucket("111111111111")
    assert desk.deliver(RECHECK) == [RECHECK]
    assert desk.names() == {"a.jpg"}


@pytest.mark.parametrize("fault", [faults.lost, faults.repeated])
def test_an_insert_whose_answer_is_lost_ends_as_one_record(desk: Desk, fault: faults.Fault) -> None:
    event = desk.put("a.jpg")
    desk.let("BatchExecuteStatement", fault)
    for body in desk.deliver(event):
        assert desk.deliver(body) == []
    record = desk.record("a.jpg")
    assert record
    assert (record.live, record.content) == (True, "op1")


def test_a_write_that_botocore_repeated_is_known_for_our_own(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"))
    removal = desk.delete("a.jpg")
    desk.let("UpdateItem", faults.repeated)
    desk.calls()
    assert desk.deliver(removal) == []
    assert desk.calls() == {"GetItem": 2, "HeadBucket": 1, "HeadObject": 1, "UpdateItem": 2}
    record = desk.record("a.jpg")
    assert record
    assert (record.state, record.rev) == (State.GONE, 2)


def test_a_check_that_lost_every_race_comes_again(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"))
    removal = desk.delete("a.jpg")
    table = desk.world.dynamodb.tables["data"]

    def outrun(request: Request) -> object:
        if request.operation == "UpdateItem":
            [(at, item)] = table.items.items()
            table.items[at] = {**item, "rev": ("N", item["rev"][1] + 1), "op_id": ("S", "somebody")}
        return desk.world.perform(request)

    desk.world.interpose = outrun
    desk.calls()
    assert desk.deliver(removal) == [s3_notification(removal)]
    assert desk.calls()["UpdateItem"] == limits.CHECK_ATTEMPTS
    assert desk.names() == {"a.jpg"}


def test_the_same_bytes_put_again_are_looked_at_again_as_their_type_may_be_another(desk: Desk) -> None:
    desk.put("a.jpg")
    desk.deliver(RECHECK)
    desk.complete("a.jpg")
    first = desk.record("a.jpg")
    desk.world.clock += HOUR
    desk.deliver(desk.put("a.jpg"))
    record = desk.record("a.jpg")
    assert first
    assert record
    assert record.content != first.content
    assert record.status is Status.INDEXED
