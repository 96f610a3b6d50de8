"""Announced uploads, over an AWS in memory that fails and is written to by others."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from chalicelib.changes import fold
from chalicelib.downstream import uploads
from chalicelib.downstream.outcomes import IfExists, Outcome, OutcomeKind
from chalicelib.downstream.uploads import Announcement
from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.data import Data, State, Status
from chalicelib.model.edit import Edit
from chalicelib.model.label import LabelKind
from chalicelib.model.lake import Lake
from chalicelib.storage import counters, edits, forgetting, labels, members, records, taggings
from chalicelib.storage.records import Order
from tests.simulation import faults, objects
from tests.simulation.fakes.world import Request, World
from tests.simulation.interference import cramp, interleave, let
from tests.simulation.objects import delete, put

PNG = "image/png"


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default")


def draft(name: str, **more: object) -> Announcement:
    return Announcement(**{"object_name": name, "size": 5, "content_type": PNG} | more)


def announce(lake: Lake, *drafts: Announcement, if_exists: IfExists = IfExists.ERROR) -> list[Outcome]:
    return uploads.announce(lake, drafts, if_exists)


def codes(outcomes: list[Outcome]) -> list[str | None]:
    return [each.code for each in outcomes]


def one(lake: Lake, name: str) -> Data:
    data = records.read(lake.data_id(name))
    assert data
    return data


def names(lake: Lake, data: Data) -> tuple[set[str], str | None]:
    called = labels.names_of(lake.id, [data])
    return {called[tag] for tag in data.tags}, data.source and called[data.source]


def tagged(lake: Lake, tag: str) -> list[str]:
    label = labels.get(lake.id, LabelKind.TAG, tag)
    span = records.span(Order.CREATED_AT)
    return [each for _, each in members.positions(lake, [label.id], span, descending=False, limit=100)]


def fold_all(world: World) -> None:
    shards: dict[str, list[dict[str, object]]] = {}
    for change in world.dynamodb.tables["data"].changes:
        shards.setdefault(change.shard, []).append(change.as_event(["id"]))
    for shard, found in shards.items():
        fold.receive({"Records": found, "shardId": shard, "state": {}})


FULL = {
    "tags": ["Car", "red"],
    "source": "cam",
    "metadata": {"weather": "rain"},
    "custom_metadata": {"lot": 1},
    "description": "d",
}


def test_a_record_is_pending_and_has_what_was_announced(world, lake):
    [outcome] = announce(lake, draft("a.png", **FULL))
    there = one(lake, "a.png")
    assert outcome == Outcome(
        index=0, kind=OutcomeKind.OK, data=replace(there, expires_at=outcome.data.expires_at)
    )
    assert (there.state, there.status, there.size, there.content_type) == (
        State.ANNOUNCED,
        Status.PENDING,
        5,
        PNG,
    )
    assert names(lake, there) == ({"Car", "red"}, "cam")
    assert (there.metadata, there.custom_metadata, there.description) == (
        {"weather": "rain"},
        {"lot": 1},
        "d",
    )
    assert there.shown
    assert not there.live
    assert tagged(lake, "RED") == [there.id]


def test_its_event_confirms_it(world, lake):
    announce(lake, draft("a.png", **FULL))
    pending = one(lake, "a.png")
    put(world, lake, "a.png")
    there = one(lake, "a.png")
    assert (there.live, there.status, there.created_at) == (True, Status.INDEXED, pending.created_at)
    assert (there.tags, there.source, there.description, there.expires_at) == (
        *(pending.tags, pending.source, "d", None),
    )


def test_an_event_that_came_first_makes_it_a_conflict(world, lake):
    [data_id] = put(world, lake, "a.png")
    [outcome] = announce(lake, draft("a.png", **FULL))
    assert (outcome.kind, outcome.code, outcome.data.id) == (OutcomeKind.FAILED, "conflict", data_id)
    assert not one(lake, "a.png").tags


def test_what_is_there_is_skipped(world, lake):
    [data_id] = put(world, lake, "a.png")
    [outcome, other] = announce(lake, draft("a.png"), draft("b.png"), if_exists=IfExists.SKIP)
    assert (outcome.kind, outcome.data.id) == (OutcomeKind.SKIPPED, data_id)
    assert other.kind is OutcomeKind.OK


@pytest.mark.parametrize(
    ("if_exists", "kind"), [(IfExists.ERROR, OutcomeKind.FAILED), (IfExists.SKIP, OutcomeKind.SKIPPED)]
)
def test_what_only_the_bucket_knows_is_there_too(world, lake, if_exists, kind):
    world.s3.put_object(Bucket=lake.bucket, Key="a.png", Body=b"not yet told")
    [outcome] = announce(lake, draft("a.png"), if_exists=if_exists)
    assert (outcome.kind, outcome.data) == (kind, None)
    assert records.read(lake.data_id("a.png")) is None


def test_an_overwritten_object_stays_what_it_is_until_its_new_bytes_come(world, lake):
    put(world, lake, "a.png")
    before = one(lake, "a.png")
    [outcome] = announce(lake, draft("a.png", size=9, **FULL), if_exists=IfExists.OVERWRITE)
    there = one(lake, "a.png")
    assert there.tags == outcome.data.tags != before.tags
    assert (
        replace(
            there,
            tags=frozenset(),
            source=None,
            metadata={},
            custom_metadata={},
            description=None,
            edited_metadata={},
            edit_id=None,
        )
        == before
    )
    put(world, lake, "a.png", body=b"other 9 b")
    assert (one(lake, "a.png").size, one(lake, "a.png").tags) == (9, there.tags)


def test_announcing_again_is_no_conflict_and_adds(world, lake):
    announce(lake, draft("a.png", tags=["one"], custom_metadata={"x": 1}))
    [again] = announce(lake, draft("a.png", size=6, tags=["two"], custom_metadata={"y": 2}))
    there = one(lake, "a.png")
    assert again.kind is OutcomeKind.OK
    assert names(lake, there)[0] == {"one", "two"}
    assert (there.custom_metadata, there.size) == ({"x": 1, "y": 2}, 6)


def test_a_tombstone_gives_back_what_people_wrote(world, lake):
    [data_id] = put(world, lake, "a.png")
    tag = labels.get_or_create(lake.id, LabelKind.TAG, "old")[0]
    taggings.attach(lake.id, frozenset({tag.id}), [data_id])
    before = one(lake, "a.png")
    delete(world, lake, "a.png")
    announce(lake, draft("a.png", tags=["new"]))
    there = one(lake, "a.png")
    assert names(lake, there)[0] == {"old", "new"}
    assert (there.created_at, there.shown, there.etag) == (before.created_at, True, None)
    assert tagged(lake, "new") == tagged(lake, "old") == [data_id]


def test_a_late_removal_leaves_it_pending(world, lake):
    put(world, lake, "a.png")
    delete(world, lake, "a.png")
    world.s3.put_object(Bucket=lake.bucket, Key="a.png", Body=b"x")
    world.s3.delete_object(Bucket=lake.bucket, Key="a.png")
    announce(lake, draft("a.png"))
    before = one(lake, "a.png")
    objects.deliver(world)
    assert one(lake, "a.png").announced
    assert one(lake, "a.png").rev == before.rev + 1


def test_an_object_that_was_to_be_overwritten_and_is_gone_leaves_a_tombstone(world, lake):
    put(world, lake, "a.png")
    world.s3.delete_object(Bucket=lake.bucket, Key="a.png")
    announce(lake, draft("a.png", **FULL), if_exists=IfExists.OVERWRITE)
    objects.deliver(world)
    assert one(lake, "a.png").state is State.GONE
    put(world, lake, "a.png")
    assert names(lake, one(lake, "a.png")) == ({"Car", "red"}, "cam")


def test_a_look_that_finds_nothing_makes_it_wait_longer_for_its_bytes(world, lake):
    """A created event of bytes that are gone may be believed for an hour."""
    announce(lake, draft("a.png"))
    world.clock += limits.ANNOUNCED_SECONDS - 1
    put(world, lake, "other")
    world.s3.put_object(Bucket=lake.bucket, Key="a.png", Body=b"x")
    created = world.s3.events[-1]
    delete(world, lake, "a.png")
    assert one(lake, "a.png").announced
    world.clock += limits.FRESH_SECONDS - 10
    world.dynamodb.expire(world.clock)
    world.s3.events.append(created)
    objects.deliver(world)
    assert not one(lake, "a.png").live


def test_it_is_nobodys_when_its_time_is_over(world, lake):
    announce(lake, draft("a.png", **FULL))
    world.clock += limits.ANNOUNCED_SECONDS + 1
    there = one(lake, "a.png")
    assert not there.shown
    [edited] = edits.apply(lake, Edit(texts={"description": "late"}), [there.id])
    assert edited.outcome is edits.Outcome.MISSING
    put(world, lake, "a.png")
    delete(world, lake, "a.png")
    assert one(lake, "a.png").state is State.GONE


def test_a_look_that_finds_nothing_when_its_time_is_over_leaves_a_tombstone(world, lake):
    announce(lake, draft("a.png", **FULL))
    world.clock += limits.ANNOUNCED_SECONDS + 1
    world.s3.put_object(Bucket=lake.bucket, Key="a.png", Body=b"x")
    delete(world, lake, "a.png")
    assert one(lake, "a.png").state is State.GONE


def test_what_expired_is_counted_no_more_and_leaves_no_tagging(world, lake):
    announce(lake, draft("a.png", **FULL))
    put(world, lake, "b.png")
    fold_all(world)
    counts = counters.read(lake.id)
    assert (counts.items, counts.bytes, counts.by_status) == (2, 5, {"indexed": 1, "pending": 1})
    world.clock += limits.ANNOUNCED_SECONDS + 1
    assert world.dynamodb.expire(world.clock) == 1
    fold_all(world)
    counts = counters.read(lake.id)
    assert (counts.items, counts.bytes, counts.by_status) == (1, 5, {"indexed": 1})
    red = labels.get(lake.id, LabelKind.TAG, "red")
    assert counters.of_labels([red]) == {red.id: 0}
    assert not world.dynamodb.tables["taggings"].items


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "a\x01b",
        "a\x7f",
        "a\x85",
        "../a",
        "a/../b",
        "a/.",
        "k" * 1025,
        "é" * 513,
        "\ud800",
        ".tidelake/b",
        "a${filename}",
    ],
)
def test_names_that_nothing_should_have(world, lake, name):
    [outcome] = announce(lake, draft(name))
    assert outcome.code == "invalid_request"
    assert not world.dynamodb.tables["data"].items


def test_a_name_is_to_lie_under_the_prefix(world, lake):
    lake = replace(lake, prefix="frames/")
    assert codes(announce(lake, draft("a.png"), draft("frames/a.png"))) == ["invalid_request", None]


@pytest.mark.parametrize(
    "content_type", ["image/svg+xml", "text/html", "image/*", "IMAGE/PNG", "image/png;x", ""]
)
def test_types_that_are_not_taken(world, lake, content_type):
    assert codes(announce(lake, draft("a", content_type=content_type))) == ["invalid_request"]


@pytest.mark.parametrize("size", [-1, 10_000 * 5 * 1024**3 + 1])
def test_sizes_that_are_not_taken(world, lake, size):
    assert codes(announce(lake, draft("a", size=size))) == ["invalid_request"]


def test_one_bad_entry_costs_the_others_nothing(world, lake):
    lake = replace(lake, metadata_schema={"fields": {"lot": {"type": "integer"}}, "extra": False})
    outcomes = announce(
        lake,
        draft("a.png"),
        draft("a.png"),
        draft("b.png", custom_metadata={"lot": "A"}),
        draft("c.png", tags=[str(n) for n in range(limits.TAGS_PER_RECORD + 1)]),
        draft("d.png", tags=["x" * 129]),
        draft("e.png", custom_metadata={"lot": 1}),
    )
    assert codes(outcomes) == [None, "conflict", "invalid_request", "conflict", "invalid_request", None]
    assert [each.index for each in outcomes] == list(range(6))
    assert outcomes[1].detail == "entry 0 has the same object_name"


def test_a_bucket_that_does_not_answer_is_no_proof_that_nothing_is_there(world, lake):
    let(world, "HeadObject", faults.broken)
    [first, second] = announce(lake, draft("a.png"), draft("b.png"))
    assert (first.code, first.retryable, second.kind) == ("storage_unavailable", True, OutcomeKind.OK)


@pytest.mark.parametrize("fault", [faults.none, faults.broken])
def test_of_many_names_all_that_the_bucket_holds_are_known_though_it_is_not_listed(world, lake, fault):
    taken = [f"f/{n:02}.png" for n in range(0, 40, 7)]
    for name in taken:
        world.s3.put_object(Bucket=lake.bucket, Key=name, Body=b"of somebody else")
    world.s3.events.clear()
    let(world, "ListObjectsV2", fault)
    drafts = [draft(f"f/{n:02}.png") for n in range(40)]
    outcomes = announce(lake, *drafts)
    assert [drafts[each.index].object_name for each in outcomes if each.code == "conflict"] == taken
    assert codes(outcomes).count(None) == 40 - len(taken)
    assert world.called("HeadObject") == (0 if fault is faults.none else 40)


@pytest.mark.parametrize("fault", faults.ALL)
def test_after_any_failure_the_same_call_does_it(world, lake, fault):
    let(world, "TransactWriteItems", *[faults.none] * 3, fault)
    try:
        outcomes = announce(lake, draft("a.png", **FULL))
    except StorageUnavailable:
        world.interpose = None
        outcomes = announce(lake, draft("a.png", **FULL))
    assert codes(outcomes) == [None]
    assert names(lake, one(lake, "a.png")) == ({"Car", "red"}, "cam")
    assert len(world.dynamodb.tables["taggings"].items) == 2


def test_two_at_once_make_one_record_with_what_both_say(world, lake):
    both = [
        partial(announce, lake, draft("a.png", tags=[tag], custom_metadata={tag: 1}))
        for tag in ("one", "two")
    ]
    assert [codes(each.result) for each in interleave(world, *both)] == [[None], [None]]
    there = one(lake, "a.png")
    assert names(lake, there)[0] == {"one", "two"}
    assert there.custom_metadata == {"one": 1, "two": 1}


def test_an_object_that_comes_while_it_is_announced_is_no_pending_one(world, lake):
    def come_first(request: Request) -> object:
        if request.operation == "TransactWriteItems":
            world.interpose = None
            put(world, lake, "a.png")
        return world.perform(request)

    world.interpose = come_first
    assert codes(announce(lake, draft("a.png"))) == ["conflict"]
    assert one(lake, "a.png").live


def test_a_thousand_entries_cost_few_requests(world, lake):
    drafts = [draft(f"f/{n}.png", **FULL) for n in range(1000)]
    world.calls.clear()
    outcomes = announce(lake, *drafts)
    assert {each.kind for each in outcomes} == {OutcomeKind.OK}
    asked = Counter(call.operation for call in world.calls if call.service == "dynamodb")
    assert asked == {"BatchGetItem": 12, "TransactWriteItems": 31 + 3}
    assert Counter(call.operation for call in world.calls if call.service == "s3") == {
        "HeadBucket": 1,
        "ListObjectsV2": 1,
    }


def test_what_is_too_large_for_one_transaction_is_announced_in_several(world, lake):
    cramp(world, 6)
    drafts = [draft(f"{n}.png", tags=("car",)) for n in range(40)]
    assert {each.kind for each in announce(lake, *drafts)} == {OutcomeKind.OK}


def test_parts_are_waited_for_though_a_form_was_asked_for_since(world, lake):
    announce(lake, draft("a.mp4", size=limits.FORM_BYTES + 1, content_type="video/mp4"))
    until = one(lake, "a.mp4").expires_at
    world.clock += 10
    announce(lake, draft("a.mp4", content_type="video/mp4"))
    assert one(lake, "a.mp4").expires_at == until


def test_data_that_came_anew_meanwhile_is_tagged_where_it_stands_now(world, lake):
    labels.get_or_create_all(lake.id, LabelKind.TAG, ["car"])
    put(world, lake, "a.png")

    def replaced(world: World, request: Request) -> object:
        forgetting.forget(lake, [lake.data_id("a.png")])
        world.clock += 1
        put(world, lake, "a.png")
        return world.perform(request)

    let(world, "TransactWriteItems", replaced)
    announce(lake, draft("a.png", tags=("car",)), if_exists=IfExists.OVERWRITE)
    data = one(lake, "a.png")
    [tagging] = world.dynamodb.tables["taggings"].items.values()
    assert tagging["created_key"][1] == records.position(data, Order.CREATED_AT)
