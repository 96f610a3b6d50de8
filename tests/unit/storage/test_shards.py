"""Shards of an index, over a DynamoDB in memory."""

from math import comb

import pytest

from chalicelib.errors import StorageUnavailable
from chalicelib.storage import records, shards
from chalicelib.storage.records import Order
from tests.simulation import faults, objects
from tests.simulation.interference import let
from tests.simulation.objects import put

NAMES = [f"{n % 5}/{n:02}é.jpg" for n in range(20)]


@pytest.fixture
def lake(world):
    lake = objects.add_lake(world, "default")
    put(world, lake, *NAMES)
    return lake


def ordered(lake, order):
    found = records.read_many([lake.data_id(name) for name in NAMES]).values()
    return sorted((records.position(data, order), data.id) for data in found)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", Order)
def test_entries_are_complete_and_in_order_however_few_are_read_at_a_time(
    world, lake, order, descending, monkeypatch
):
    right = ordered(lake, order)[::-1] if descending else ordered(lake, order)
    for size in range(1, len(NAMES) + 2):
        monkeypatch.setattr(shards, "share", lambda limit, count, size=size: size)
        span = records.span(order)
        assert records.positions(lake, order, [span], descending=descending, limit=100) == right
        assert records.positions(lake, order, [span], descending=descending, limit=7) == right[:7]


def test_a_shard_is_asked_again_only_when_what_it_gave_is_taken(world, lake, monkeypatch):
    span = records.span(Order.OBJECT_NAME)
    records.positions(lake, Order.OBJECT_NAME, [span], descending=False, limit=9)
    assert world.called("Query") == lake.shards
    world.calls.clear()
    monkeypatch.setattr(shards, "share", lambda limit, count: 1)
    records.positions(lake, Order.OBJECT_NAME, [span], descending=False, limit=1)
    assert world.called("Query") == lake.shards


def test_an_entry_is_its_key_and_id_and_nothing_else(world, lake):
    records.positions(lake, Order.FILENAME, [records.span(Order.FILENAME)], descending=False, limit=9)
    answer = world.perform(world.calls[-1])
    assert {frozenset(item) for item in answer["Items"]} == {frozenset({"filename_key", "id"})}


@pytest.mark.parametrize("limit", [1, 2, 12, 102, 202, 1002, 2002])
@pytest.mark.parametrize("count", [1, 2, 4, 16])
def test_a_share_hardly_ever_falls_short(limit, count):
    share = shards.share(limit, count)
    assert limit / count <= share <= limit
    short = sum(
        comb(limit, n) * (count - 1) ** (limit - n) / count**limit for n in range(share + 1, limit + 1)
    )
    assert short < 0.001


def test_a_share_is_not_much_more_than_a_part():
    assert shards.share(102, 4) == 43
    assert shards.share(1002, 4) == 306


def test_what_is_asked_again_may_fail_too(world, lake, monkeypatch):
    monkeypatch.setattr(shards, "share", lambda limit, count: 1)
    let(world, "Query", *[faults.none] * lake.shards, faults.throttled)
    with pytest.raises(StorageUnavailable):
        records.positions(lake, Order.FILENAME, [records.span(Order.FILENAME)], descending=False, limit=9)
