"""Each rule of the protocol is needed: without it, one of the other tests finds a history that ends badly."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib.changes import renames
from chalicelib.downstream import uploads
from chalicelib.model import limits
from chalicelib.model.data import Data, announced_record
from chalicelib.storage import buckets, counters, forgetting, records, traces
from chalicelib.storage.tables import DataItem
from chalicelib.upstream import check as check_module
from chalicelib.upstream import intake
from tests.simulation import faults, model, renaming
from tests.simulation.audit import complaints
from tests.simulation.explorer import Bounds, Violation
from tests.simulation.fakes.events import s3_notification
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import OWNER, World, installed
from tests.simulation.painting import painted
from tests.simulation.system import System

ONCE = (1, 1, 1)


def always(*_: Any) -> Any:
    return DataItem.id.exists() | DataItem.id.does_not_exist()


def finds(history: str, bounds: Bounds, *, preprocess: bool = False) -> str:
    """The schedule that ends badly."""
    with pytest.raises(Violation) as violation:
        model.check(history.split(", "), bounds, preprocess=preprocess)
    return str(violation.value)


def test_without_the_condition_on_the_revision_an_old_look_overwrites_a_newer_one() -> None:
    with patch.object(records, "unchanged_since", always):
        assert "in the index" in finds("put, overwrite, delete", Bounds(copies=ONCE))


def test_without_the_name_of_the_write_an_expired_tombstone_lets_an_old_look_through() -> None:
    """The revision alone begins again at 1."""

    def same_revision(before: Any) -> Any:
        return DataItem.rev.does_not_exist() if before is None else DataItem.rev == before.rev

    with patch.object(records, "unchanged_since", same_revision):
        assert "in the index: None" in finds("put, delete, put", Bounds(copies=ONCE, leaps=1))


def test_without_the_age_limit_a_late_duplicate_brings_back_what_was_deleted() -> None:
    with patch.object(limits, "FRESH_SECONDS", 10**9):
        assert "in the bucket: None" in finds("put, delete", Bounds(copies=(2, 1), leaps=1))


def test_without_the_condition_on_the_content_an_old_thumbnail_is_shown() -> None:
    with patch.object(records, "awaits", always):
        wrong = finds("put picture, overwrite picture", Bounds(copies=ONCE), preprocess=True)
    assert "the facts of other bytes" in wrong or "is missing" in wrong


def test_without_its_condition_an_announcement_takes_the_place_of_what_is_there() -> None:
    with patch.object(records, "is_untouched", always):
        assert "in the index: None" in finds("announce, put", Bounds(copies=ONCE))


def test_without_a_revision_of_its_own_an_announcement_is_lost_to_an_old_look() -> None:
    def as_before(*given: Any, **more: Any) -> Any:
        after = announced_record(*given, **more)
        before = given[2]
        return replace(after, rev=before.rev, op_id=before.op_id) if before else after

    with patch.object(uploads, "announced_record", as_before):
        assert "is lost" in finds_lost_announcement()
    assert finds_lost_announcement() == ""


def test_without_the_write_of_a_look_that_finds_nothing_yet_an_older_look_shows_what_is_gone() -> None:
    with patch.object(records, "write_unseen", lambda before, *_: before):
        assert "in the bucket: None" in finds("announce, put, delete", Bounds(copies=ONCE))


def test_without_time_enough_for_what_is_announced_a_late_duplicate_brings_back_what_was_deleted() -> None:
    bounds = Bounds(copies=(1, 2, 1), leaps=1, leap=limits.FRESH_SECONDS / 2)
    with patch.object(limits, "ANNOUNCED_SECONDS", 60):
        assert "in the bucket: None" in finds("announce, put, delete", bounds)


def test_without_a_tombstone_of_what_is_forgotten_an_old_look_shows_what_was_overwritten() -> None:
    def remove(data: Data, _: str) -> list[dict[str, Any]]:
        return [{"Delete": {"TableName": "data", "Key": {"id": {"S": data.id}}}}]

    with patch.object(forgetting, "_writes", remove):
        assert "the index shows" in finds("put, overwrite, forget", Bounds(copies=ONCE, in_flight=3))


def test_without_the_confirmation_a_missing_bucket_empties_the_index() -> None:
    def live_after_its_bucket_is_gone() -> bool:
        with desk() as world:
            lake = world.add_lake("default", "photos")
            deliver(world, put(world))
            event = put(world)
            del world.s3.buckets["photos"]
            deliver(world, event)
            record = records.read(lake.data_id("a.jpg"))
            return bool(record and record.live)

    assert live_after_its_bucket_is_gone()
    with patch.object(buckets, "confirm"):
        assert not live_after_its_bucket_is_gone()


def test_without_the_test_for_our_own_name_a_lost_answer_makes_us_write_again() -> None:
    class Forgetful(set[str]):
        def __contains__(self, _: object) -> bool:
            return False

    def writes_for_one_event() -> int:
        with desk() as world:
            world.add_lake("default", "photos")
            deliver(world, put(world))
            event = put(world)
            answers = iter([faults.repeated])

            def lose_one_answer(request: Any) -> Any:
                act = next(answers, faults.none) if request.operation == "UpdateItem" else faults.none
                return act(world, request)

            world.interpose = lose_one_answer
            deliver(world, event)
            [item] = world.dynamodb.tables["data"].items.values()
            return int(item["rev"][1]) - 1

    assert writes_for_one_event() == 1
    with patch.object(check_module, "set", Forgetful, create=True):
        assert writes_for_one_event() == 2


def test_without_the_guard_the_counters_count_twice() -> None:
    unguarded = "attribute_not_exists(applied) OR attribute_exists(applied) OR applied < :first"
    with patch.object(counters, "unapplied", lambda: unguarded):
        assert any("counted" in complaint for complaint in simulate())
    assert not simulate()


def test_without_traces_before_the_look_for_others_two_who_look_at_once_miss_each_other() -> None:
    late: list[tuple[Any, ...]] = []
    write, read = traces.write, traces.read

    def read_first(*what: Any) -> Any:
        found = read(*what)
        while late:
            write(*late.pop())
        return found

    with (
        patch.object(traces, "write", lambda *what: late.append(what)),
        patch.object(traces, "read", read_first),
    ):
        assert "is with a" in loses("copy a b, delete a", Bounds(copies=ONCE))


def test_without_the_condition_on_both_records_one_that_returned_is_taken_for_gone() -> None:
    with patch.object(records, "is_untouched", always):
        assert "in the index: {'b'}" in loses("copy a b, delete a, put a", Bounds(copies=ONCE, in_flight=3))


def test_without_the_state_of_the_records_traces_alone_take_one_that_returned_for_gone() -> None:
    with patch.object(renames, "_is_left", lambda data: bool(data.created_at)):
        assert "in the index: {'b'}" in loses("copy a b, delete a, put a", Bounds(copies=ONCE))


def loses(history: str, bounds: Bounds) -> str:
    """The schedule that loses what people wrote, doubles it, or gives it to nobody."""
    with pytest.raises(Violation) as violation:
        renaming.check(history.split(", "), bounds, ["b"] if "put a" not in history else renaming.NAMES)
    return str(violation.value)


def finds_lost_announcement() -> str:
    """An announcement that comes amid a look that finds nothing."""
    with desk() as world:
        lake = world.add_lake("default", "photos")
        deliver(world, put(world))
        world.s3.delete_object(Bucket="photos", Key="a.jpg")
        deliver(world, s3_notification(world.s3.events[-1]))
        put(world)
        world.s3.delete_object(Bucket="photos", Key="a.jpg")

        def announce_amid(request: Any) -> Any:
            if request.operation == "HeadBucket":
                world.interpose = None
                draft = uploads.Announcement(object_name="a.jpg", size=1, content_type="image/png")
                uploads.announce(lake, [draft], uploads.IfExists.OVERWRITE)
            return world.perform(request)

        world.interpose = announce_amid
        deliver(world, s3_notification(world.s3.events[-1]))
        record = records.read(lake.data_id("a.jpg"))
        return "" if record and record.announced else f"what was announced is lost: {record}"


def simulate() -> list[str]:
    system = System(World(), Random(0))
    with installed(system.world), painted():
        system.run(2_000)
        return complaints(system)


@contextmanager
def desk() -> Iterator[World]:
    with installed(World()) as world:
        world.s3.buckets["photos"] = Bucket(OWNER)
        yield world


def put(world: World) -> str:
    """A new object every time."""
    body = str(len(world.s3.events)).encode()
    world.s3.put_object(Bucket="photos", Key="a.jpg", Body=body)
    return s3_notification(world.s3.events[-1])


def deliver(world: World, body: str) -> None:
    intake.receive([{"messageId": "m", "body": body}], lambda: 60_000)
