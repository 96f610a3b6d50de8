"""Folders, level by level: all that is there, once, while things come and go, and never by reading it all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.model.data import Status
from chalicelib.query import fields, folders
from chalicelib.query.pages import Query
from chalicelib.query.tree import EVERYTHING, Clause, Operator, conjoin
from chalicelib.storage.records import Order
from tests.unit.query.shelf import LAKE, Shelf, record

FEW_AT_ONCE = {"model.limits.READ_BATCH": 3}

names = st.lists(st.sampled_from(["a", "b", "/", "😀", "\x01"]), min_size=1, max_size=6).map("".join)
prefixes = st.sampled_from(["", "a", "a/", "b/", "a/b/", "/", "c"])
data = st.builds(record, names, status=st.sampled_from([Status.READY, Status.FAILED]))
lakes = st.lists(data, max_size=40, unique_by=lambda each: each.id)
ready = Clause(fields.STATUS, Operator.EQUAL, ("ready",))


@st.composite
def queries(draw):
    prefix = draw(prefixes)
    under = Clause(fields.OBJECT_NAME, Operator.STARTS_WITH, (prefix,)) if prefix else EVERYTHING
    where = conjoin([under, draw(st.sampled_from([EVERYTHING, ready]))])
    return Query(order=Order.OBJECT_NAME, descending=draw(st.booleans()), where=where, under=prefix)


def level(query, there):
    """Item names and folders, in order, as one would write it down by hand."""
    found = set()
    for each in there:
        name = each.object_name
        if name.startswith(query.under) and (ready not in parts(query) or each.status is Status.READY):
            inner = name[len(query.under) :]
            found.add(query.under + inner.split("/")[0] + "/" if "/" in inner else name)
    return sorted(found, reverse=query.descending)


def parts(query):
    return getattr(query.where, "parts", (query.where,))


def walk(query, limit, between=lambda: None):
    shown, after = [], None
    for _ in range(10_000):
        page = folders.read(LAKE, query, after, limit)
        names = [*page.folders, *(each.object_name for each in page.items)]
        assert len(names) <= limit
        shown += sorted(names, reverse=query.descending)
        after = page.end
        if after is None:
            return shown
        between()
    raise AssertionError("no end")


@given(lakes, queries(), st.integers(1, 5), st.integers(1, 3))
@settings(deadline=None, max_examples=150)
def test_every_folder_and_item_of_a_level_is_shown_once_and_in_order(there, query, limit, steps):
    with Shelf(there).in_place(FEW_AT_ONCE | {"query.folders.STEPS": steps}):
        assert walk(query, limit) == level(query, there)


@given(lakes, lakes, queries(), st.integers(1, 5), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=150)
def test_what_was_there_throughout_is_shown_once_whatever_comes_and_goes(there, later, query, limit, chance):
    kept = [each for each in there if chance.random() < 0.5]
    fleeting = [each for each in [*there, *later] if each.id not in {one.id for one in kept}]
    shelf = Shelf(there)

    def disturb():
        for each in fleeting:
            shelf.put(each) if chance.random() < 0.5 else shelf.remove(each.id)

    with shelf.in_place(FEW_AT_ONCE):
        shown = walk(query, limit, between=disturb)
    assert len(set(shown)) == len(shown)
    assert set(level(query, kept)) <= set(shown)
    assert shown == sorted(shown, reverse=query.descending)


@pytest.mark.parametrize("descending", [False, True])
def test_a_large_folder_is_left_as_soon_as_it_is_known(descending):
    there = [record(f"{folder}/{n:04}") for folder in "abc" for n in range(1000)]
    query = Query(order=Order.OBJECT_NAME, descending=descending, under="")
    with Shelf(there).in_place() as shelf:
        page = folders.read(LAKE, query, None, 100)
    assert sorted(page.folders) == ["a/", "b/", "c/"]
    assert (shelf.requests["queries"], shelf.requests["records"]) == (4 * LAKE.shards, 0)


def test_small_folders_are_seen_many_at_once():
    there = [record(f"{folder:03}/{n}") for folder in range(100) for n in range(3)]
    with Shelf(there).in_place() as shelf:
        page = folders.read(LAKE, Query(order=Order.OBJECT_NAME, under=""), None, 1000)
    assert len(page.folders) == 100
    assert shelf.requests["queries"] <= 5 * LAKE.shards


def test_a_page_that_is_cut_shows_no_folder_twice():
    there = [record(name) for name in ("a/1", "b", "c/1", "d", "e/1")]
    for descending in (False, True):
        query = Query(order=Order.OBJECT_NAME, descending=descending, under="")
        with Shelf(there).in_place():
            page = folders.read(LAKE, query, None, 5).cut(query, 1)
            rest = folders.read(LAKE, query, page.end, 5)
        assert [*page.folders, *rest.folders] == sorted(["a/", "c/", "e/"], reverse=descending)
        assert len(page.items + rest.items) == 2
