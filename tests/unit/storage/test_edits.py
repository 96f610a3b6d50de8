"""Edits of records, over a DynamoDB in memory that fails and is written to by others."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chalicelib.errors import StorageUnavailable
from chalicelib.model.data import Data, Facts, Status
from chalicelib.model.edit import Edit
from chalicelib.model.lake import Lake, lake_id
from chalicelib.storage import edits, records, taggings
from chalicelib.storage.edits import Outcome
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ORGANIZATION, Request, World
from tests.simulation.interference import interleave, let
from tests.simulation.objects import delete, put

EDIT = Edit(
    metadata={"latitude": 43.5, "longitude": -1.5, "weather": "rain"},
    custom_metadata={"lot": "A7", "area": 12.5, "ok": True},
    texts={"description": "first", "source": "camera"},
)
SCHEMA = {"fields": {"lot": {"type": "string", "required": True}}, "extra": False}


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default", "other")


def elsewhere(lake: Lake) -> Lake:
    """The other lake on the same bucket, which has a record of its own for every object."""
    return replace(lake, id=lake_id(ORGANIZATION, "other"))


def one(data_id: str) -> Data:
    return records.read_all([data_id])[data_id]


def outcomes(edited: list[edits.Edited]) -> dict[str, Outcome]:
    return {each.id: each.outcome for each in edited}


def written(data: Data) -> tuple[Any, ...]:
    return dict(data.metadata), dict(data.custom_metadata), data.description, data.source


ALL = (dict(EDIT.metadata), dict(EDIT.custom_metadata), "first", "camera")


def test_an_edit_is_merged_into_what_was_there(world, lake):
    [data_id] = put(world, lake, "a")
    edits.apply(lake, EDIT, [data_id])
    [edited] = edits.apply(lake, Edit(metadata={"weather": "sun"}, custom_metadata={"n": 1}), [data_id])
    assert edited.outcome is Outcome.CHANGED
    assert edited.data == one(data_id)
    assert written(one(data_id)) == (
        {"latitude": 43.5, "longitude": -1.5, "weather": "sun"},
        {"lot": "A7", "area": 12.5, "ok": True, "n": 1},
        "first",
        "camera",
    )


def test_none_clears_a_field(world, lake):
    [data_id] = put(world, lake, "a")
    edits.apply(lake, EDIT, [data_id])
    nothing = Edit(
        metadata={"weather": None},
        custom_metadata={"area": None, "never": None},
        texts={"description": None, "source": None},
    )
    edits.apply(lake, nothing, [data_id])
    assert written(one(data_id)) == (
        {"latitude": 43.5, "longitude": -1.5},
        {"lot": "A7", "ok": True},
        None,
        None,
    )


def test_what_a_person_wrote_wins_over_the_bytes_whichever_came_first(world, lake):
    early, late = put(world, lake, "a", "b")
    facts = Facts(status=Status.READY, metadata={"weather": "fog", "iso": 100, "software": "x"})
    edit = Edit(metadata={"weather": "rain", "software": None})
    edits.apply(lake, edit, [early])
    for data_id in (early, late):
        assert records.publish(data_id, one(data_id).content, facts, None, thumbnail=False)
    edits.apply(lake, edit, [late])
    assert one(early).metadata == one(late).metadata == {"weather": "rain", "iso": 100}


def test_every_record_is_answered_for_once(world, lake):
    same, other, gone = put(world, lake, "a", "b", "c")
    foreign = elsewhere(lake).data_id("a")
    edits.apply(lake, EDIT, [same])
    delete(world, lake, "c")
    assert outcomes(edits.apply(lake, EDIT, [same, other, gone, foreign, "no-such-id", other])) == {
        same: Outcome.UNCHANGED,
        other: Outcome.CHANGED,
        gone: Outcome.MISSING,
        foreign: Outcome.MISSING,
        "no-such-id": Outcome.MISSING,
    }
    assert written(one(foreign)) == ({}, {}, None, None)


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0, False), ("1", 1)])
def test_a_value_of_another_type_is_a_change(world, lake, before, after):
    [data_id] = put(world, lake, "a")
    edits.apply(lake, Edit(custom_metadata={"x": before}), [data_id])
    [edited] = edits.apply(lake, Edit(custom_metadata={"x": after}), [data_id])
    assert edited.outcome is Outcome.CHANGED
    assert repr(one(data_id).custom_metadata["x"]) == repr(after)


def test_what_changes_nothing_writes_nothing(world, lake):
    [data_id] = put(world, lake, "a")
    edits.apply(lake, EDIT, [data_id])
    world.calls.clear()
    edits.apply(lake, EDIT, [data_id])
    assert [call.operation for call in world.calls] == ["BatchGetItem"]


def test_two_who_edit_different_fields_at_once_both_succeed(world, lake):
    ids = put(world, lake, *"abc")
    handlers = [
        partial(edits.apply, lake, edit, ids)
        for edit in (
            Edit(metadata={"weather": "rain"}),
            Edit(metadata={"custom_id": "7"}),
            Edit(custom_metadata={"lot": "A7"}),
            Edit(custom_metadata={"area": 3}),
            Edit(texts={"description": "first"}),
            Edit(texts={"source": "camera"}),
        )
    ]
    runs = interleave(world, *handlers)
    assert all(set(outcomes(run.result).values()) == {Outcome.CHANGED} for run in runs)
    for data_id in ids:
        assert written(one(data_id)) == (
            {"weather": "rain", "custom_id": "7"},
            {"lot": "A7", "area": 3},
            "first",
            "camera",
        )


def test_edits_tags_facts_and_the_protocol_do_not_undo_each_other(world, lake):
    [data_id] = put(world, lake, "a")
    facts = Facts(status=Status.READY, metadata={"iso": 100})
    interleave(
        world,
        partial(records.publish, data_id, one(data_id).content, facts, None, thumbnail=False),
        partial(edits.apply, lake, EDIT, [data_id]),
        partial(taggings.attach, lake.id, frozenset({"car"}), [data_id]),
    )
    data = one(data_id)
    assert (data.status, data.tags) == (Status.READY, {"car"})
    assert written(data) == ({**EDIT.metadata, "iso": 100}, *ALL[1:])


@pytest.mark.parametrize("fault", [faults.repeated, faults.in_conflict])
def test_an_edit_that_is_repeated_or_held_up_is_one_change(world, lake, fault):
    [data_id] = put(world, lake, "a")
    let(world, "UpdateItem", fault)
    [edited] = edits.apply(lake, EDIT, [data_id])
    assert edited.outcome is Outcome.CHANGED
    assert written(one(data_id)) == ALL


@pytest.mark.parametrize("operation", ["BatchGetItem", "UpdateItem", "GetItem"])
@pytest.mark.parametrize(
    "fault", [faults.throttled, faults.broken, faults.denied, faults.unreachable, faults.lost]
)
def test_after_a_failure_the_edit_may_be_made_again(world, lake, operation, fault):
    ids = put(world, lake, *"abc")
    if operation == "GetItem":
        # It is read again only after a lost race.
        let_race(world, ids[0], fault)
    else:
        let(world, operation, fault)
    with pytest.raises(StorageUnavailable):
        edits.apply(lake, EDIT, ids)
    world.interpose = None
    assert set(outcomes(edits.apply(lake, EDIT, ids)).values()) <= {Outcome.CHANGED, Outcome.UNCHANGED}
    assert [written(one(data_id)) for data_id in ids] == [ALL] * 3


def let_race(world: World, data_id: str, fault: faults.Fault) -> None:
    """Somebody else edits the record first, and the reading of what they wrote meets the fault."""
    raced: list[str] = []

    def decide(request: Request) -> object:
        if request.operation == "UpdateItem" and not raced:
            raced.append(data_id)
            before = one(data_id)
            records.write_edit(before, replace(before, description="other"), "other-edit")
        return (fault if request.operation == "GetItem" else faults.none)(world, request)

    world.interpose = decide


def test_a_record_that_goes_meanwhile_is_missing(world, lake):
    [data_id] = put(world, lake, "a")
    gone: list[str] = []

    def decide(request: Request) -> object:
        if request.operation == "UpdateItem" and not gone:
            gone.append(data_id)
            delete(world, lake, "a")
        return world.perform(request)

    world.interpose = decide
    assert outcomes(edits.apply(lake, EDIT, [data_id])) == {data_id: Outcome.MISSING}


def test_an_overwrite_keeps_what_people_wrote(world, lake):
    [data_id] = put(world, lake, "a")
    edits.apply(lake, EDIT, [data_id])
    put(world, lake, "a", body=b"other bytes")
    assert one(data_id).size == 11
    assert written(one(data_id)) == ALL


def test_a_tombstone_keeps_what_people_wrote_and_a_returning_key_has_it_back(world, lake):
    [data_id] = put(world, lake, "a")
    edits.apply(lake, EDIT, [data_id])
    delete(world, lake, "a")
    assert not one(data_id).live
    put(world, lake, "a")
    assert one(data_id).live
    assert written(one(data_id)) == ALL


def test_a_lake_with_a_schema_wants_it_kept(world, lake):
    strict = replace(lake, metadata_schema=SCHEMA)
    ids = put(world, lake, "a", "b")
    edits.apply(lake, Edit(custom_metadata={"lot": "A7"}), ids[:1])
    edited = edits.apply(strict, Edit(custom_metadata={"lot": None, "area": 1}), ids)
    assert {each.id: [place for place, _ in each.mistakes] for each in edited} == {
        data_id: [("custom_metadata", "area"), ("custom_metadata", "lot")] for data_id in ids
    }
    assert [dict(one(data_id).custom_metadata) for data_id in ids] == [{"lot": "A7"}, {}]
    described = edits.apply(strict, Edit(texts={"description": "x"}), ids)
    assert set(outcomes(described).values()) == {Outcome.CHANGED}


@pytest.mark.parametrize(
    "custom",
    [{str(n): n for n in range(100)}, {f"{n}": "é" * 1024 for n in range(8)}],
)
def test_custom_metadata_has_an_end(world, lake, custom):
    [data_id] = put(world, lake, "a")
    assert outcomes(edits.apply(lake, Edit(custom_metadata=custom), [data_id]))[data_id] is (
        Outcome.CHANGED if len(custom) == 100 else Outcome.REFUSED
    )
    [more] = edits.apply(lake, Edit(custom_metadata={**custom, "more": 1}), [data_id])
    assert (more.outcome, [place for place, _ in more.mistakes]) == (Outcome.REFUSED, [("custom_metadata",)])
