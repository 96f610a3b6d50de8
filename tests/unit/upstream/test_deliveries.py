import json
from typing import Any

import pytest

from chalicelib.model import limits
from chalicelib.model.lake import Notified, Preprocess
from chalicelib.storage import lakes
from chalicelib.storage.aws import CALL_SECONDS
from chalicelib.upstream import intake
from chalicelib.upstream.envelopes import Envelope, open_envelope
from tests.simulation import faults
from tests.simulation.fakes import errors
from tests.simulation.fakes.events import (
    Event,
    eventbridge_event,
    s3_notification,
    s3_record,
    s3_test_event,
    sns_notification,
)
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ORGANIZATION, OWNER, Request, World
from tests.unit.upstream.conftest import BUCKET, Desk


def outcomes(desk: Desk) -> dict[str, int]:
    """What was counted of the hints; they always add up to those received."""
    counted = {name.removeprefix("Events").lower(): n for name, n in desk.world.metrics.items() if n}
    desk.world.metrics.clear()
    assert counted.pop("received", 0) == sum(counted.values())
    return counted


@pytest.mark.parametrize("form", [s3_notification, sns_notification, eventbridge_event])
def test_every_form_of_an_event_makes_a_record(desk: Desk, form: object) -> None:
    event = desk.put("a+b é.jpg")
    assert desk.deliver(form(event)) == []  # type: ignore[operator]
    assert desk.names() == {"a+b é.jpg"}


def test_events_that_are_for_no_lake_are_acknowledged_and_counted(desk: Desk) -> None:
    desk.world.s3.buckets["strange"] = Bucket(OWNER)
    desk.world.s3.put_object(Bucket="strange", Key="a.jpg")
    assert desk.deliver(desk.last_event(), s3_test_event(BUCKET)) == []
    assert desk.names() == set()
    assert outcomes(desk) == {"ignored": 2}


def test_an_event_outside_a_lakes_prefix_is_not_for_it(desk: Desk) -> None:
    desk.world.dynamodb.tables["lakes"].items.clear()
    desk.world.add_lake("frames", BUCKET, "frames/")
    desk.deliver(desk.put("frames/a.jpg"), desk.put("frames.jpg"), desk.put("other/a.jpg"))
    assert desk.names() == {"frames/a.jpg"}
    assert outcomes(desk) == {"applied": 1, "ignored": 2}


def test_one_event_makes_a_record_in_every_lake_that_holds_the_key(desk: Desk) -> None:
    other = desk.world.add_lake("frames", BUCKET, "frames/")
    desk.deliver(desk.put("frames/a.jpg"))
    ids = {desk.lake.data_id("frames/a.jpg"), other.data_id("frames/a.jpg")}
    assert {key[0][1] for key in desk.world.dynamodb.tables["data"].items} == ids
    assert outcomes(desk) == {"applied": 2}


def test_a_malformed_message_is_parked_with_its_reason_and_not_retried(desk: Desk) -> None:
    assert desk.deliver("{", '{"Records": [{}]}') == []
    assert desk.parked() == [("{", "not JSON"), ('{"Records": [{}]}', "eventName is missing")]
    assert outcomes(desk) == {"parked": 2}


def test_a_message_that_cannot_be_parked_comes_again(desk: Desk) -> None:
    desk.let("SendMessage", faults.broken)
    assert desk.deliver("{") == ["{"]
    assert outcomes(desk) == {"retried": 1}


def test_a_bad_record_is_parked_and_the_good_ones_beside_it_are_indexed(desk: Desk) -> None:
    good = [s3_record(desk.put("a.jpg")), s3_record(desk.put("b.jpg"))]
    body = json.dumps({"Records": [good[0], {"eventVersion": "3.0"}, good[1]]})
    assert desk.deliver(body, desk.put("c.jpg")) == []
    assert desk.names() == {"a.jpg", "b.jpg", "c.jpg"}
    assert desk.parked() == [(body, "eventVersion is not 2.x")]
    assert outcomes(desk) == {"applied": 3, "parked": 1}


def test_a_key_too_long_for_the_index_is_parked(desk: Desk) -> None:
    desk.deliver(desk.put("a" * (limits.KEY_BYTES + 1)), desk.put("é" * (limits.KEY_BYTES // 2)))
    assert desk.names() == {"é" * (limits.KEY_BYTES // 2)}
    assert [reason for _, reason in desk.parked()] == ["key is too long"]


def test_only_the_messages_that_failed_come_again(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"), desk.put("b.jpg"))
    gone = [desk.delete("a.jpg"), desk.delete("b.jpg")]
    desk.let("HeadObject", faults.broken)
    assert desk.deliver(*gone) == [s3_notification(gone[0])]
    assert desk.names() == {"a.jpg"}


def test_a_message_that_failed_in_part_comes_again_whole(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"), desk.put("b.jpg"))
    both = s3_notification(desk.delete("a.jpg"), desk.delete("b.jpg"))
    desk.let("HeadObject", faults.broken)
    assert desk.deliver(both) == [both]
    assert desk.deliver(both) == []
    assert desk.names() == set()


def test_no_key_is_begun_when_time_is_running_out(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"), desk.put("b.jpg"))
    gone = [desk.delete("a.jpg"), desk.delete("b.jpg")]
    left = iter([60_000, 60_000, 9_999])
    assert desk.deliver(*gone, remaining_ms=lambda: next(left)) == [s3_notification(gone[1])]
    assert desk.names() == {"b.jpg"}


def test_lakes_that_cannot_be_read_make_the_message_come_again(desk: Desk) -> None:
    event = desk.put("a.jpg")
    desk.let("Query", faults.throttled)
    assert desk.deliver(event) == [s3_notification(event)]
    assert outcomes(desk) == {"retried": 1}


def test_the_first_lake_of_a_bucket_is_seen_at_once(desk: Desk) -> None:
    desk.world.s3.buckets["second"] = Bucket(OWNER)
    desk.world.s3.put_object(Bucket="second", Key="a.jpg")
    desk.deliver(desk.last_event())
    desk.world.add_lake("second", "second")
    desk.deliver(desk.last_event())
    assert desk.names() == {"a.jpg"}


def test_work_that_was_not_accepted_makes_its_message_come_again(desk: Desk) -> None:
    events = [desk.put("a.jpg"), desk.put("b.jpg")]
    desk.let("SendMessageBatch", faults.partial)
    assert desk.deliver(*events) == [s3_notification(events[0])]
    assert desk.deliver(events[0]) == []
    assert len(desk.world.sqs.queues["preprocess"].visible) == 2


def test_a_statement_of_a_batch_that_failed_is_checked_at_once(desk: Desk) -> None:
    events = [desk.put("a.jpg"), desk.put("b.jpg")]
    desk.let("BatchExecuteStatement", faults.partial)
    assert desk.deliver(*events) == []
    assert desk.names() == {"a.jpg", "b.jpg"}


def test_a_message_that_comes_again_without_need_changes_nothing(desk: Desk) -> None:
    event = desk.put("a.jpg")
    desk.deliver(event)
    desk.complete("a.jpg")
    before = desk.world.dynamodb.tables["data"].items.copy()
    desk.deliver(event, event)
    assert desk.world.dynamodb.tables["data"].items == before
    outcomes(desk)


def put_many(desk: Desk, amount: int) -> list[Event]:
    return [desk.put(f"{n}.jpg") for n in range(amount)]


def test_new_objects_cost_one_request_for_25_and_no_look(desk: Desk) -> None:
    assert desk.deliver(*put_many(desk, 100)) == []
    assert desk.calls() == {"BatchExecuteStatement": 4, "SendMessageBatch": 10}
    assert len(desk.names()) == 100


def test_a_burst_of_events_about_one_key_costs_one_look(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg", b"1"))
    desk.calls()
    changes = [desk.put("a.jpg", b"22"), desk.delete("a.jpg"), desk.put("a.jpg", b"333")]
    assert desk.deliver(*changes, *changes) == []
    assert desk.calls() == {"GetItem": 1, "HeadObject": 1, "SendMessageBatch": 1, "UpdateItem": 1}


def test_a_removed_object_costs_one_look_and_one_write(desk: Desk) -> None:
    desk.deliver(desk.put("a.jpg"))
    desk.calls()
    desk.deliver(desk.delete("a.jpg"))
    assert desk.calls() == {"GetItem": 1, "HeadBucket": 1, "HeadObject": 1, "UpdateItem": 1}


def test_the_lakes_of_a_bucket_are_read_once_for_many_events(desk: Desk) -> None:
    desk.deliver(*put_many(desk, 50))
    assert desk.world.called("Query") == 1


def test_a_statement_that_dynamodb_refuses_takes_no_other_along(desk: Desk) -> None:
    events = [desk.put(f"{n}.jpg") for n in range(5)]
    desk.let("BatchExecuteStatement", refused)
    assert desk.deliver(*events) == []
    assert desk.names() == {f"{n}.jpg" for n in range(5)}


def test_a_message_that_cannot_even_be_read_takes_no_other_along(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(body: str) -> Envelope:
        if body == "poison":
            raise RuntimeError
        return open_envelope(body)

    monkeypatch.setattr(intake, "open_envelope", stumble)
    event = desk.put("a.jpg")
    assert desk.deliver("poison", event) == ["poison"]
    assert desk.names() == {"a.jpg"}


def test_a_flood_of_events_about_a_foreign_bucket_costs_one_query(desk: Desk) -> None:
    desk.world.s3.buckets["strange"] = Bucket(OWNER)
    desk.world.s3.put_object(Bucket="strange", Key="a.jpg")
    flood = s3_notification(*[desk.last_event()] * 500)
    desk.world.calls.clear()
    assert desk.deliver(flood, flood) == []
    assert [call.operation for call in desk.world.calls] == ["Query"]
    assert outcomes(desk) == {"ignored": 1000}


def test_the_bytes_are_not_looked_at_where_preprocess_is_off(desk: Desk) -> None:
    lakes.change(desk.lake, {"preprocess": Preprocess.OFF})
    event = desk.put("a.jpg")
    assert desk.deliver(event) == []
    assert desk.names() == {"a.jpg"}
    assert not desk.world.sqs.queues["preprocess"].visible
    lakes.change(desk.lake, {"preprocess": Preprocess.EAGER})
    desk.world.clock += 11
    desk.deliver(event)
    assert len(desk.world.sqs.queues["preprocess"].visible) == 1


def test_the_first_sign_of_a_bucket_makes_the_lakes_that_wait_for_it_connected(desk: Desk) -> None:
    waiting = desk.world.add_lake("waiting", BUCKET)
    failed = desk.world.add_lake("failed", BUCKET)
    lakes.change(waiting, {"notified": Notified.PENDING, "notified_detail": "x"})
    lakes.change(failed, {"notified": Notified.FAILED, "notified_detail": "x"})
    desk.let("UpdateItem", faults.throttled)
    assert desk.deliver(s3_test_event(BUCKET)) == [s3_test_event(BUCKET)]
    assert outcomes(desk) == {"retried": 1}
    assert desk.deliver(s3_test_event(BUCKET), s3_test_event("strange")) == []
    found = {lake.name: (lake.notified, lake.notified_detail) for lake in lakes.of_organization(ORGANIZATION)}
    assert found["waiting"] == (Notified.CONNECTED, None)
    assert found["failed"] == (Notified.FAILED, "x")
    assert outcomes(desk) == {"ignored": 2}


def test_what_is_left_of_an_invocation_is_more_than_one_call_can_hang() -> None:
    assert intake._RESERVE_MS > 1000 * CALL_SECONDS


def refused(world: World, request: Request) -> Any:
    raise errors.refusal(request.operation, "ValidationException")
