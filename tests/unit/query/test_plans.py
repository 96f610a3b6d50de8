"""Which way is taken to what is asked for, and that its cost does not grow with the lake."""

import json

import pytest

from chalicelib.model.data import Status
from chalicelib.model.label import LabelKind
from chalicelib.query import folders, pages
from chalicelib.query.language import parse
from chalicelib.query.pages import Query
from chalicelib.query.plans import Sorted
from chalicelib.storage.records import Order
from tests.unit.query.shelf import LAKE, Shelf, record, tag_ids

SIZES = (1_000, 10_000)
CREATED_AT, OBJECT_NAME, FILENAME = Order


def lake_of(size):
    """In ten folders. One in a hundred has the rare tag, but 300 at most, and one in two the common one."""
    there = []
    for n in range(size):
        rare = n % max(100, size // 300) == 0
        there.append(
            record(
                f"{n % 10}/{n * 7919 % size:06}.jpg",
                minute=n * 60 // size,
                width=n,
                status=Status.FAILED if n == size - 1 else Status.READY,
                tags=tag_ids(*["rare"] * rare, *["common"] * (n % 2 == 0)),
            )
        )
    return Shelf(there, [(LabelKind.TAG, "rare"), (LabelKind.TAG, "common"), (LabelKind.TAG, "none")])


LAKES = {size: lake_of(size) for size in SIZES}


def page_of(text, order=CREATED_AT, size=1_000, limit=100, **query):
    shelf = LAKES[size]
    shelf.requests.clear()
    where = {"where": parse(text)} if text else {}
    with shelf.in_place():
        return pages.read(LAKE, Query(order=order, **where, **query), None, limit), dict(shelf.requests)


def way_of(text, order=CREATED_AT, **query):
    page, _ = page_of(text, order, **query)
    return page.plan.access, isinstance(page.plan, Sorted)


A_FILE = LAKES[1_000].items[LAKE.data_id("0/000000.jpg")]


@pytest.mark.parametrize(
    ("text", "order", "way"),
    [
        ("", CREATED_AT, ("order", False)),
        ("width > 5", FILENAME, ("scan", False)),
        (f'id = "{A_FILE.id}"', CREATED_AT, ("id", True)),
        (f'object_name = "{A_FILE.object_name}" and width >= 0', FILENAME, ("id", True)),
        ('filename = "000007.jpg"', CREATED_AT, ("filename", True)),
        ('filename = "000007.jpg"', FILENAME, ("filename", False)),
        ('filename in ("000007.jpg", "000009.jpg")', FILENAME, ("filename", False)),
        ('object_name starts with "3/"', OBJECT_NAME, ("prefix", False)),
        ('object_name starts with "3/"', CREATED_AT, ("prefix", True)),
        ('filename starts with "00012"', FILENAME, ("filename", False)),
        ('filename starts with "00012"', OBJECT_NAME, ("filename", True)),
        ('tags.name = "rare"', CREATED_AT, ("tag", False)),
        ('tags.name = "rare"', FILENAME, ("tag", True)),
        ('tags.name = "common"', CREATED_AT, ("tag", False)),
        ('created_at < "2025-01-01T00:03:00Z"', CREATED_AT, ("created_at", False)),
        ('created_at < "2025-01-01T00:03:00Z"', FILENAME, ("created_at", True)),
        ('not object_name starts with "3/"', CREATED_AT, ("scan", False)),
        ('object_name starts with "3/" or width = 1', CREATED_AT, ("scan", False)),
        ('object_name != "a"', OBJECT_NAME, ("scan", False)),
    ],
)
def test_the_way_that_fits_is_taken(text, order, way):
    assert way_of(text, order) == way
    assert way_of(text, order, descending=True) == way


@pytest.mark.parametrize("order", Order)
def test_of_several_ways_the_shortest_is_taken(order):
    rare = 'tags.name = "common" and tags.name = "rare" and object_name starts with "0/"'
    page, _ = page_of(rare, order)
    assert str(page.plan.way.bounds[0]) == 'tags.id in ("tag:rare")'
    one = f'tags.name = "rare" and object_name = "{A_FILE.object_name}"'
    assert way_of(one, order) == ("id", True)
    some = 'tags.name = "common" and filename in ("000007.jpg", "000009.jpg")'
    assert way_of(some, order) == ("filename", order is not FILENAME)


def test_a_way_that_leads_to_nearly_all_is_not_gathered():
    """To sort half of the lake for a page costs more than to look at twice the page."""
    assert way_of('tags.name = "common"', FILENAME) == ("scan", False)
    assert way_of('created_at >= "2025-01-01"', FILENAME) == ("scan", False)


def test_a_way_that_is_too_long_is_not_gathered():
    assert way_of('tags.name = "common"', FILENAME, size=10_000) == ("scan", False)
    assert way_of('object_name starts with ""', CREATED_AT, size=10_000) == ("scan", False)


@pytest.mark.parametrize("text", ['tags.name = "nobody"', "id in ()", 'id in ("x") and object_name in ("y")'])
def test_what_cannot_be_is_not_looked_for(text):
    page, requests = page_of(text)
    assert (page.items, page.end, page.plan.access) == ([], None, "none")
    assert requests.keys() <= {"labels"}


def test_created_at_bounds_the_walk_along_a_tag():
    _, requests = page_of('tags.name = "common" and created_at < "2025-01-01T00:01:00Z"', size=10_000)
    assert requests["records"] <= 84


def test_a_plan_is_told_in_the_words_of_the_query():
    asked = (
        'width > 3 and tags.name in ("Rare", "nobody") and not (source = "x" or created_at = "2025-01-01")'
    )
    page, _ = page_of(asked)
    assert page.bound.in_words(page.plan.way.bounds) == 'tags.name in ("Rare", "nobody")'
    filtered = page.bound.in_words([*page.plan.filter.parts])
    assert filtered == 'width > 3 and not (source = "x" or created_at = "2025-01-01")'


PAGE = {"queries": 4, "batches": 1, "records": 100}
ONE = {"queries": 4, "batches": 1, "records": 1}
FLAT = {
    ("", CREATED_AT): PAGE,
    ("", OBJECT_NAME): PAGE,
    ('object_name starts with "3/"', OBJECT_NAME): PAGE,
    ('tags.name = "common"', CREATED_AT): PAGE | {"labels": 1},
    (f'object_name = "{A_FILE.object_name}"', CREATED_AT): {"batches": 1, "records": 2},
    ('filename = "000007.jpg"', CREATED_AT): ONE,
    ('filename = "000007.jpg"', FILENAME): ONE,
}


@pytest.mark.parametrize(("text", "order"), FLAT, ids=str)
def test_a_page_of_100_costs_the_same_however_large_the_lake(text, order):
    for size in SIZES:
        _, requests = page_of(text, order, size)
        assert requests.pop("keys", 0) <= 102
        assert requests == FLAT[text, order]


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("text", ['tags.name = "rare"', 'tags.name = "rare" and tags.name = "common"'])
def test_a_rare_tag_costs_at_most_its_members(text, order):
    for size in SIZES:
        members = len([each for each in LAKES[size].items.values() if tag_ids("rare") <= each.tags])
        _, requests = page_of(text, order, size)
        assert requests["records"] <= max(members, 200)
        assert sum(requests[each] for each in requests if each not in ("keys", "records")) <= 15


@pytest.mark.parametrize("order", Order)
def test_a_scan_reads_no_more_than_the_budget_whatever_the_size(order):
    for size in SIZES:
        page, requests = page_of('status = "failed"', order, size)
        assert requests["records"] <= pages.READ_BUDGET
        assert requests["queries"] + requests["batches"] <= 50
        assert len(page.items) < 100


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("size", SIZES)
def test_a_list_of_names_costs_what_it_is_long(size, order):
    names = ", ".join(f'"{n * 7919 % size:06}.jpg"' for n in range(100))
    page, requests = page_of(f"filename in ({names})", order, size)
    assert (len(page.items), page.end) == (100, None)
    assert (requests["queries"], requests["records"]) == (400, 100)


@pytest.mark.parametrize("order", Order)
def test_more_names_than_the_lake_has_data_are_looked_for_in_all_of_it(order):
    names = ", ".join(f'"{n:06}.jpg"' for n in range(900, 1180))
    page, requests = page_of(f"filename in ({names})", order)
    assert page.plan.access == "scan"
    assert len(page.items) == 100
    assert requests["queries"] <= 40


def test_a_long_list_is_told_in_short():
    names = [f"{n:06}.jpg" for n in range(20)]
    page, _ = page_of("filename in (" + ", ".join(map(json.dumps, names)) + ")")
    told = page.bound.in_words(page.plan.way.bounds)
    assert told == f'filename in ({", ".join(map(json.dumps, names[:5]))}, "15 more")'


@pytest.mark.parametrize("size", SIZES)
def test_folders_cost_what_is_shown(size):
    shelf = LAKES[size]
    shelf.requests.clear()
    with shelf.in_place():
        page = folders.read(LAKE, Query(order=OBJECT_NAME, under=""), None, 100)
    assert page.folders == [f"{n}/" for n in range(10)]
    assert (page.items, page.end) == ([], None)
    assert shelf.requests["queries"] <= LAKE.shards * (len(page.folders) + 1)
    assert shelf.requests["records"] == 0
