"""Tagging of records in any number, over a DynamoDB in memory that fails and is written to by others."""

from dataclasses import replace
from functools import partial

import pytest

from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.data import Data, Facts, Status
from chalicelib.model.lake import Lake, lake_id
from chalicelib.storage import records, taggings
from chalicelib.storage.records import Order
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ORGANIZATION, Request, World
from tests.simulation.interference import interleave, let
from tests.simulation.objects import delete, put

CAR, VAN = frozenset({"car"}), frozenset({"van"})


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default", "other")


def elsewhere(lake: Lake) -> Lake:
    """The other lake on the same bucket, which has a record of its own for every object."""
    return replace(lake, id=lake_id(ORGANIZATION, "other"))


def tags_of(ids: list[str]) -> list[set[str]]:
    found = records.read_all(ids)
    return [set(found[data_id].tags) for data_id in ids]


def listed(world: World) -> set[tuple[str, str]]:
    """(tag, id) of all taggings."""
    items = world.dynamodb.tables["taggings"].items.values()
    return {(item["tag_shard"][1].partition("#")[0], item["id"][1]) for item in items}


def agrees(world: World, ids: list[str]) -> bool:
    pairs = zip(ids, tags_of(ids), strict=True)
    return listed(world) == {(tag, data_id) for data_id, tags in pairs for tag in tags}


def transactions(world: World) -> int:
    return sum(call.operation == "TransactWriteItems" for call in world.calls)


def test_attaching_says_what_changed_and_what_is_missing(world, lake):
    ids = put(world, lake, "a", "b", "c")
    foreign = elsewhere(lake).data_id("a")
    delete(world, lake, "c")
    taggings.attach(lake.id, CAR, ids[:1])
    missing = [ids[2], foreign, "no-such-id", "x" * 5000]
    outcome = taggings.attach(lake.id, CAR, [*ids, *missing, *ids])
    assert (outcome.changed, outcome.missing, outcome.full) == ([ids[1]], missing, [])
    assert tags_of([*ids[:2], foreign]) == [CAR, CAR, set()]


def test_a_tagging_is_beside_its_record_in_the_order_of_creation(world, lake):
    [data_id] = put(world, lake, "a")
    taggings.attach(lake.id, CAR | VAN, [data_id])
    [data] = records.read_all([data_id]).values()
    shard = data.shard.rpartition("#")[2]
    created_key = records.position(data, Order.CREATED_AT)
    assert world.dynamodb.tables["taggings"].items == {
        (("S", f"{tag}#{shard}"), ("S", created_key)): {
            "tag_shard": ("S", f"{tag}#{shard}"),
            "created_key": ("S", created_key),
            "id": ("S", data_id),
        }
        for tag in ("car", "van")
    }


def test_detaching_takes_back_what_attaching_did(world, lake):
    ids = put(world, lake, "a", "b")
    taggings.attach(lake.id, CAR | VAN, ids)
    assert sorted(taggings.detach(lake.id, CAR, ids).changed) == sorted(ids)
    assert tags_of(ids) == [VAN, VAN]
    assert sorted(taggings.detach(lake.id, CAR | VAN, ids).changed) == sorted(ids)
    assert taggings.detach(lake.id, VAN, ids).changed == []
    assert (tags_of(ids), listed(world)) == ([set(), set()], set())


def test_fifty_records_share_a_request(world, lake):
    ids = put(world, lake, *map(str, range(150)))
    assert len(taggings.attach(lake.id, CAR, ids).changed) == 150
    assert [call.operation for call in world.calls] == ["BatchGetItem"] * 2 + ["TransactWriteItems"] * 3
    assert agrees(world, ids)


def test_what_changes_nothing_writes_nothing(world, lake):
    ids = put(world, lake, "a", "b")
    taggings.attach(lake.id, CAR, ids)
    world.calls.clear()
    taggings.attach(lake.id, CAR, ids)
    taggings.detach(lake.id, VAN, ids)
    assert transactions(world) == 0


def test_a_record_holds_so_many_tags_and_no_more(world, lake):
    ids = put(world, lake, "a", "b")
    most = frozenset(f"t{n}" for n in range(limits.TAGS_PER_RECORD))
    assert taggings.attach(lake.id, most, ids[:1]).changed == ids[:1]
    outcome = taggings.attach(lake.id, CAR, ids)
    assert (outcome.changed, outcome.full) == (ids[1:], ids[:1])
    assert taggings.detach(lake.id, most, ids).changed == ids[:1]
    assert agrees(world, ids)


@pytest.mark.parametrize("fault", [faults.partial, faults.repeated])
def test_what_is_held_up_is_done_at_last_and_counted_once(world, lake, fault):
    ids = put(world, lake, *map(str, range(60)))
    let(world, "TransactWriteItems", *[fault] * 4)
    assert len(taggings.attach(lake.id, CAR, ids).changed) == 60
    assert agrees(world, ids)


def test_one_record_in_use_holds_up_fewer_and_fewer_others(world, lake):
    ids = put(world, lake, *map(str, range(50)))
    sizes, busy = [], ids[7]

    def decide(request: Request) -> object:
        if request.operation == "TransactWriteItems":
            writes = request.parameters["TransactItems"]
            held = {write["Update"]["Key"]["id"]["S"] for write in writes if "Update" in write}
            if busy in held and len(sizes) < 4:
                sizes.append(len(held))
                return faults.partial(world, request)
        return world.perform(request)

    world.interpose = decide
    assert len(taggings.attach(lake.id, CAR, ids).changed) == 50
    assert sizes == [50, 12, 3, 1]


def test_nobody_is_waited_for_without_end(world, lake):
    ids = put(world, lake, "a")
    let(world, "TransactWriteItems", *[faults.partial] * 100)
    with pytest.raises(StorageUnavailable):
        taggings.attach(lake.id, CAR, ids)
    assert agrees(world, ids)


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
@pytest.mark.parametrize(
    "fault", [faults.throttled, faults.broken, faults.denied, faults.unreachable, faults.lost]
)
def test_after_a_failure_the_call_may_be_repeated(world, lake, operation, fault):
    ids = put(world, lake, *map(str, range(60)))
    let(world, operation, fault)
    with pytest.raises(StorageUnavailable):
        taggings.attach(lake.id, CAR, ids)
    assert agrees(world, ids)
    assert taggings.attach(lake.id, CAR, ids).missing == []
    assert tags_of(ids) == [CAR] * 60
    assert agrees(world, ids)


def test_a_reading_of_half_of_the_records_misses_none(world, lake):
    ids = put(world, lake, *map(str, range(20)))
    let(world, "BatchGetItem", faults.partial, faults.partial)
    assert taggings.attach(lake.id, CAR, ids).missing == []


def test_of_all_who_attach_at_once_each_change_is_counted_once(world, lake):
    ids = put(world, lake, *"abcdef")
    runs = interleave(world, *[partial(taggings.attach, lake.id, CAR, ids)] * 4)
    assert sum(len(run.result.changed) for run in runs) == 6
    assert agrees(world, ids)


def test_tags_of_all_who_attach_and_detach_at_once_survive(world, lake):
    ids = put(world, lake, *"abcdef")
    taggings.attach(lake.id, VAN, ids)
    handlers = [partial(taggings.attach, lake.id, frozenset({f"t{n}"}), ids) for n in range(4)]
    interleave(world, *handlers, partial(taggings.detach, lake.id, VAN, ids))
    assert tags_of(ids) == [{"t0", "t1", "t2", "t3"}] * 6
    assert agrees(world, ids)


def test_a_record_that_goes_meanwhile_is_missing(world, lake):
    ids = put(world, lake, "a", "b")
    gone = []

    def decide(request: Request) -> object:
        if request.operation == "TransactWriteItems" and not gone:
            gone.append(ids[0])
            delete(world, lake, "a")
        return world.perform(request)

    world.interpose = decide
    outcome = taggings.attach(lake.id, CAR, ids)
    assert (outcome.changed, outcome.missing) == (ids[1:], ids[:1])
    assert listed(world) == {("car", ids[1])}


def test_a_key_that_returns_has_its_tags_again(world, lake):
    ids = put(world, lake, "a")
    taggings.attach(lake.id, CAR, ids)
    delete(world, lake, "a")
    assert taggings.detach(lake.id, CAR, ids).missing == ids
    put(world, lake, "a")
    assert tags_of(ids) == [CAR]
    assert agrees(world, ids)


def test_tagging_leaves_the_protocol_and_the_facts_alone(world, lake):
    ids = put(world, lake, "a")

    def facts(data: Data) -> dict[str, object]:
        return {name: getattr(data, name) for name in data.__dataclass_fields__ if name != "tags"}

    before = facts(records.read_all(ids)[ids[0]])
    taggings.attach(lake.id, CAR, ids)
    assert facts(records.read_all(ids)[ids[0]]) == before


def test_preprocess_and_tagging_do_not_undo_each_other(world, lake):
    ids = put(world, lake, "a")
    [data] = records.read_all(ids).values()
    publish = partial(
        records.publish, data.id, data.content, Facts(status=Status.READY), None, thumbnail=False
    )
    runs = interleave(world, publish, partial(taggings.attach, lake.id, CAR, ids))
    [after] = records.read_all(ids).values()
    assert (runs[0].result, after.status, after.tags) == (True, Status.READY, CAR)


def test_a_write_that_meets_a_transaction_waits_for_its_end(world, lake):
    [data_id] = put(world, lake, "a")
    [data] = records.read_all([data_id]).values()
    let(world, "UpdateItem", faults.in_conflict, faults.in_conflict)
    assert records.publish(data.id, data.content, Facts(status=Status.READY), None, thumbnail=False)
    let(world, "UpdateItem", *[faults.in_conflict] * 100)
    with pytest.raises(StorageUnavailable):
        records.publish(data.id, data.content, Facts(status=Status.READY), None, thumbnail=False)
