import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.model import limits
from chalicelib.model.data import Data, Sight, State, Status, Type, first_record
from chalicelib.model.lake import Lake
from chalicelib.query import pages
from chalicelib.query.pages import Query
from chalicelib.storage import records
from chalicelib.storage.records import Order

LAKE = Lake(
    id="7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d",
    name="default",
    organization="acme",
    connector="stack",
    bucket="bucket",
    bucket_owner="123456789012",
    prefix="",
    shards=4,
    created_at="2025-01-01T00:00:00.000Z",
)
BATCH, BUDGET = 3, 12


class FakeTable:
    """What the walk needs of records: an index per order, which may list what the table no longer has."""

    def __init__(self, data=()):
        self.items, self.listed = {}, {}
        self.requests = Counter()
        self.before_reading = lambda: None
        for each in data:
            self.put(each)

    def put(self, data):
        self.items[data.id] = self.listed[data.id] = data

    def remove(self, data_id, *, still_listed=False):
        gone = self.items.pop(data_id, None)
        if gone and still_listed:
            self.items[data_id] = replace(gone, state=State.GONE)
        elif gone:
            del self.listed[data_id]

    def positions(self, lake, order, *, low, high, descending, limit):
        self.requests["positions"] += 1
        entries = [(records.position(data, order), key) for key, data in self.listed.items()]
        within = [e for e in entries if low.encode() <= e[0].encode() <= high.encode()]
        return sorted(within, key=lambda e: e[0].encode(), reverse=descending)[:limit]

    def read_many(self, ids):
        self.before_reading()
        self.requests["read_many"] += 1
        self.requests["records"] += len(ids)
        assert len(ids) <= limits.READ_BATCH
        return {key: self.items[key] for key in ids if key in self.items}

    @contextmanager
    def in_place(self, *, batch=BATCH, budget=BUDGET):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(records, "positions", self.positions)
            patch.setattr(records, "read_many", self.read_many)
            patch.setattr(limits, "READ_BATCH", batch)
            patch.setattr(pages, "READ_BUDGET", budget)
            yield self


def record(name, *, minute=0, status=Status.READY, type=Type.IMAGE, lake=LAKE) -> Data:
    seen = first_record(lake, name, Sight(size=1, etag="e"), None, "op")
    return replace(seen, created_at=f"2025-01-01T00:{minute:02}:00.000Z", status=status, type=type)


def key_of(query):
    return lambda data: records.position(data, query.order).encode()


def wanted(query, data):
    return sorted(filter(query.admits, data), key=key_of(query), reverse=query.descending)


def walk(query, limit, between=lambda: None):
    found, after = [], None
    while True:
        page = pages.read(LAKE, query, after, limit)
        found.append(page)
        after = page.end
        if after is None:
            return found
        between()


def items_of(walked):
    return [data for page in walked for data in page.items]


names = st.lists(st.sampled_from(["a", "b", "/", "é", "😀", "~", "\x01"]), min_size=1, max_size=5).map(
    "".join
)
data = st.builds(
    record,
    names,
    minute=st.integers(0, 4),
    status=st.sampled_from(Status),
    type=st.sampled_from([None, *Type]),
)
lakes = st.lists(data, max_size=40, unique_by=lambda each: each.id)
queries = st.builds(
    Query,
    order=st.sampled_from(Order),
    descending=st.booleans(),
    prefix=st.just("") | names,
    status=st.none() | st.sampled_from(Status),
    type=st.none() | st.sampled_from(Type),
)
page_limits = st.integers(1, 7)


@given(lakes, queries, page_limits)
@settings(deadline=None)
def test_pages_hold_every_admitted_record_once_and_in_order(there, query, limit):
    with FakeTable(there).in_place():
        walked = walk(query, limit)
    assert items_of(walked) == wanted(query, there)


@given(lakes, queries, page_limits)
@settings(deadline=None)
def test_only_a_spent_budget_makes_a_page_short_or_the_last_one_empty(there, query, limit):
    with FakeTable(there).in_place(budget=10**6):
        walked = walk(query, limit)
    assert all(len(page.items) == limit for page in walked[:-1])
    assert len(walked) == 1 or walked[-1].items


@given(lakes, queries, page_limits)
@settings(deadline=None)
def test_no_page_reads_more_than_the_budget(there, query, limit):
    with FakeTable(there).in_place() as table:
        after = ""
        while after is not None:
            table.requests.clear()
            after = pages.read(LAKE, query, after or None, limit).end
            assert table.requests["records"] <= BUDGET


@given(lakes, st.lists(data, max_size=20), queries, page_limits, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_what_was_there_throughout_is_shown_once_whatever_comes_and_goes(there, later, query, limit, chance):
    kept = [each for each in there if chance.random() < 0.5]
    kept_ids = {each.id for each in kept}
    fleeting = [each for each in [*there, *later] if each.id not in kept_ids]
    table = FakeTable(there)

    def disturb():
        for each in fleeting:
            match chance.choice(["put", "remove", "hide", "leave"]):
                case "put":
                    table.put(each)
                case "remove":
                    table.remove(each.id)
                case "hide":
                    table.remove(each.id, still_listed=True)

    table.before_reading = disturb
    with table.in_place():
        shown = items_of(walk(query, limit, between=disturb))
    assert [each for each in shown if each.id in kept_ids] == wanted(query, kept)
    assert len({each.id for each in shown}) == len(shown)
    assert [key_of(query)(each) for each in shown] == sorted(
        map(key_of(query), shown), reverse=query.descending
    )


@pytest.mark.parametrize("size", [100, 101, 1_000, 10_000])
@pytest.mark.parametrize("order", Order)
def test_a_page_of_100_costs_the_same_however_large_the_lake(size, order):
    names = [f"f{n:05}.jpg" for n in range(size)]
    random.Random(1).shuffle(names)
    with FakeTable(map(record, names)).in_place(batch=100, budget=2000) as table:
        first = pages.read(LAKE, Query(order=order), None, 100)
        assert (len(first.items), first.end is None) == (100, size == 100)
        assert table.requests == {"positions": 1, "read_many": 1, "records": 100}


def test_a_prefix_in_the_order_of_names_reads_nothing_else():
    there = [record(f"{folder}/{n}") for folder in "abc" for n in range(5)]
    with FakeTable(there).in_place() as table:
        page = pages.read(LAKE, Query(order=Order.OBJECT_NAME, prefix="b/"), None, 5)
    assert [each.object_name for each in page.items] == [f"b/{n}" for n in range(5)]
    assert (page.end, table.requests["records"]) == (None, 5)


def test_strides_grow_while_little_is_found():
    there = [record(f"{n:03}", status=Status.FAILED if n == 40 else Status.READY) for n in range(60)]
    with FakeTable(there).in_place(budget=1000) as table:
        page = pages.read(LAKE, Query(order=Order.OBJECT_NAME, status=Status.FAILED), None, 1)
    assert [each.object_name for each in page.items] == ["040"]
    assert (page.end, table.requests["positions"]) == (None, 5)


def test_a_spent_budget_gives_what_was_found_and_where_to_go_on():
    there = [record(f"{n:03}", status=Status.FAILED if n in (2, 30) else Status.READY) for n in range(40)]
    with FakeTable(there).in_place():
        walked = walk(Query(order=Order.OBJECT_NAME, status=Status.FAILED), 5)
    assert [[each.object_name for each in page.items] for page in walked] == [["002"], [], ["030"], []]


def test_a_record_of_another_lake_is_never_shown():
    foreign = record("a.jpg", lake=replace(LAKE, id="00000000-0000-5000-8000-000000000000"))
    with FakeTable([foreign, record("b.jpg")]).in_place():
        assert [each.object_name for each in items_of(walk(Query(), 5))] == ["b.jpg"]


def test_a_record_that_is_gone_is_not_shown_though_the_index_still_lists_it():
    there = [record(name) for name in "abc"]
    with FakeTable(there).in_place() as table:
        table.remove(there[1].id, still_listed=True)
        assert [each.object_name for each in items_of(walk(Query(order=Order.OBJECT_NAME), 1))] == ["a", "c"]
