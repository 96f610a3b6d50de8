"""Pages, whatever way was taken to them: complete, in order, within budget, while things come and go."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.model.data import Status, Type
from chalicelib.model.label import LabelKind
from chalicelib.query import evaluation, fields, pages
from chalicelib.query.pages import Query
from chalicelib.query.tree import EVERYTHING, Clause, Operator, conjoin
from chalicelib.storage import records
from chalicelib.storage.records import Order
from tests.unit.query.shelf import LAKE, Shelf, record, source_id, tag_ids
from tests.unit.query.trees import trees

TAGS, SOURCE = ["car", "É", "truck"], "camera"
NAMES = [*((LabelKind.TAG, name) for name in TAGS), (LabelKind.SOURCE, SOURCE)]
TIGHT = {
    "model.limits.READ_BATCH": 3,
    "query.pages.READ_BUDGET": 12,
    "query.plans.GATHERED": 12,
    "query.plans.PROBED": 6,
    "query.ways.RANGES_AT_ONCE": 2,
}
EAGER = TIGHT | {"query.plans._pays": lambda *_: True}
"""To gather whatever can be gathered."""
GENEROUS = TIGHT | {"query.pages.READ_BUDGET": 10**6}

names = st.lists(st.sampled_from(["a", "b", "/", "é", "😀", "~", "\x01"]), min_size=1, max_size=5).map(
    "".join
)
data = st.builds(
    record,
    names,
    minute=st.integers(0, 4),
    status=st.sampled_from(Status),
    type=st.sampled_from([None, *Type]),
    tags=st.frozensets(st.sampled_from(sorted(tag_ids(*TAGS)))),
    source=st.sampled_from([None, source_id(SOURCE)]),
)
lakes = st.integers(0, 30).flatmap(
    lambda size: st.lists(data, min_size=size, max_size=40, unique_by=lambda each: each.id)
)


def clause(field, operator, values):
    return st.builds(lambda value: Clause(field, operator, (value,)), values)


def among(field, values):
    return st.builds(
        lambda found: Clause(field, Operator.IN, tuple(found)),
        st.lists(values, max_size=8, unique=True) | st.lists(values, min_size=4, max_size=8),
    )


tags = st.sampled_from([*TAGS, *TAGS, "CAR", "nothing"])
moments = st.sampled_from(
    ["2025-01-01", "2025-01-01T00:01:00Z", "2025-01-01T00:02:00.0005Z", "2025-01-01T00:03:00.000Z"]
)
any_conditions = st.one_of(
    clause(fields.OBJECT_NAME, Operator.STARTS_WITH, names | st.just("") | st.just("é" * 600)),
    clause(fields.FILENAME, Operator.STARTS_WITH, names | st.just("") | st.just("é" * 600)),
    clause(fields.FILENAME, Operator.EQUAL, names.map(lambda name: name.rpartition("/")[2])),
    clause(fields.OBJECT_NAME, Operator.EQUAL, names),
    among(fields.FILENAME, names | st.just("\0")),
    among(fields.OBJECT_NAME, names),
    among(fields.ID, names.map(LAKE.data_id) | st.just("no-id")),
    clause(fields.TAGS, Operator.EQUAL, tags),
    among(fields.TAGS, tags),
    clause(fields.SOURCE, Operator.EQUAL, st.sampled_from([SOURCE, "nothing"])),
    clause(fields.STATUS, Operator.EQUAL, st.sampled_from(Status)),
    *(
        clause(fields.CREATED_AT, each, moments)
        for each in (Operator.EQUAL, Operator.BELOW, Operator.AT_MOST, Operator.ABOVE, Operator.AT_LEAST)
    ),
    trees(),
)


@st.composite
def cases(draw):
    """A lake and a query, which as often as not is about what is there."""
    there = draw(lakes)
    conditions = any_conditions
    if picked := draw(st.lists(st.sampled_from(there), max_size=6)) if there else []:
        conditions |= st.sampled_from(list(about(picked)))
    order, descending = draw(st.sampled_from(Order)), draw(st.booleans())
    where = conjoin(draw(st.lists(conditions, max_size=2)))
    return there, Query(order=order, descending=descending, where=where)


def about(picked):
    first = picked[0]
    yield Clause(fields.ID, Operator.IN, tuple(each.id for each in picked))
    yield Clause(fields.OBJECT_NAME, Operator.IN, tuple(each.object_name for each in picked))
    yield Clause(fields.FILENAME, Operator.IN, tuple(each.filename for each in picked))
    yield Clause(fields.FILENAME, Operator.STARTS_WITH, (first.filename[:1],))
    yield Clause(fields.OBJECT_NAME, Operator.STARTS_WITH, (first.object_name[:2],))
    yield Clause(fields.CREATED_AT, Operator.EQUAL, (first.created_at,))
    yield Clause(fields.TAGS, Operator.IN, tuple(TAGS[: len(picked)]))


page_limits = st.integers(1, 7)
checks = settings(deadline=None, max_examples=150)


def key_of(query):
    return lambda each: records.position(each, query.order).encode()


def wanted(query, there):
    test = evaluation.compile(query.where)
    names = Shelf(names=NAMES).labels
    found = [each for each in there if test(each, names)]
    return sorted(found, key=key_of(query), reverse=query.descending)


def walk(query, limit, between=lambda: None):
    found, after = [], None
    for _ in range(1000):
        page = pages.read(LAKE, query, after, limit)
        found.append(page)
        after = page.end
        if after is None:
            return found
        between()
    raise AssertionError("no end")


def items_of(walked):
    return [each for page in walked for each in page.items]


@pytest.mark.parametrize("settings", [TIGHT, EAGER])
@given(cases(), page_limits)
@checks
def test_pages_hold_every_admitted_record_once_and_in_order(settings, case, limit):
    there, query = case
    with Shelf(there, NAMES).in_place(settings):
        walked = walk(query, limit)
    assert items_of(walked) == wanted(query, there)


@given(cases(), page_limits)
@checks
def test_only_a_spent_budget_makes_a_page_short_or_the_last_one_empty(case, limit):
    there, query = case
    with Shelf(there, NAMES).in_place(GENEROUS):
        walked = walk(query, limit)
    assert all(len(page.items) == limit for page in walked[:-1])
    assert len(walked) == 1 or walked[-1].items


@given(cases(), page_limits)
@checks
def test_no_page_reads_more_than_the_budget(case, limit):
    there, query = case
    with Shelf(there, NAMES).in_place(TIGHT) as shelf:
        after = ""
        while after is not None:
            shelf.requests.clear()
            after = pages.read(LAKE, query, after or None, limit).end
            assert shelf.requests["records"] <= TIGHT["query.pages.READ_BUDGET"]


@pytest.mark.parametrize("settings", [TIGHT, EAGER])
@given(cases(), st.lists(data, max_size=20), page_limits, st.randoms(use_true_random=False))
@checks
def test_what_was_there_throughout_is_shown_once_whatever_comes_and_goes(
    settings, case, later, limit, chance
):
    there, query = case
    kept = [each for each in there if chance.random() < 0.5]
    kept_ids = {each.id for each in kept}
    # What returns is as old as it was: its tombstone remembers.
    first_seen = {each.id: each for each in [*later, *there]}
    fleeting = [each for data_id, each in first_seen.items() if data_id not in kept_ids]
    shelf = Shelf(there, NAMES)

    def disturb():
        for each in fleeting:
            match chance.choice(["put", "remove", "hide", "leave"]):
                case "put":
                    shelf.put(each)
                case "remove":
                    shelf.remove(each.id)
                case "hide":
                    shelf.remove(each.id, still_listed=True)

    shelf.before_reading = disturb
    with shelf.in_place(settings):
        shown = items_of(walk(query, limit, between=disturb))
    assert [each for each in shown if each.id in kept_ids] == wanted(query, kept)
    assert len({each.id for each in shown}) == len(shown)
    assert [key_of(query)(each) for each in shown] == sorted(
        map(key_of(query), shown), reverse=query.descending
    )


def prefix(text):
    return Clause(fields.OBJECT_NAME, Operator.STARTS_WITH, (text,))


def status(value):
    return Clause(fields.STATUS, Operator.EQUAL, (value,))


def test_a_prefix_in_the_order_of_names_reads_nothing_else():
    there = [record(f"{folder}/{n}") for folder in "abc" for n in range(5)]
    with Shelf(there).in_place() as shelf:
        page = pages.read(LAKE, Query(order=Order.OBJECT_NAME, where=prefix("b/")), None, 5)
    assert [each.object_name for each in page.items] == [f"b/{n}" for n in range(5)]
    assert (page.end, shelf.requests["records"]) == (None, 5)


def test_strides_grow_while_little_is_found():
    there = [record(f"{n:03}", status=Status.FAILED if n == 40 else Status.READY) for n in range(60)]
    with Shelf(there).in_place({"model.limits.READ_BATCH": 3}) as shelf:
        page = pages.read(LAKE, Query(order=Order.OBJECT_NAME, where=status("failed")), None, 1)
    assert [each.object_name for each in page.items] == ["040"]
    assert (page.end, shelf.requests["queries"]) == (None, 5 * LAKE.shards)


def test_a_spent_budget_gives_what_was_found_and_where_to_go_on():
    there = [record(f"{n:03}", status=Status.FAILED if n in (2, 30) else Status.READY) for n in range(40)]
    with Shelf(there).in_place(TIGHT):
        walked = walk(Query(order=Order.OBJECT_NAME, where=status("failed")), 5)
    assert [[each.object_name for each in page.items] for page in walked] == [["002"], [], ["030"], []]


@pytest.mark.parametrize("descending", [False, True])
def test_names_that_are_not_there_do_not_end_the_walk_to_those_that_are(descending):
    asked = Clause(fields.FILENAME, Operator.IN, tuple(f"{n}" for n in range(10)))
    there = [record(f"{folder}/{name}") for folder in "ab" for name in (0, 5, 9)]
    query = Query(order=Order.FILENAME, descending=descending, where=asked)
    with Shelf([*there, *(record(f"{n}.jpg") for n in range(100))]).in_place(TIGHT):
        walked = walk(query, 1)
    assert walked[0].plan.way.access == "filename"
    assert items_of(walked) == sorted(there, key=key_of(query), reverse=descending)


@pytest.mark.parametrize("where", [EVERYTHING, prefix(""), status("ready")])
def test_a_record_of_another_lake_is_never_shown(where):
    foreign = record("a.jpg", lake=replace(LAKE, id="00000000-0000-5000-8000-000000000000"))
    by_id = Clause(fields.ID, Operator.IN, (foreign.id, LAKE.data_id("b.jpg")))
    with Shelf([foreign, record("b.jpg")]).in_place():
        for asked in (where, conjoin([where, by_id])):
            assert [each.object_name for each in items_of(walk(Query(where=asked), 5))] == ["b.jpg"]


@pytest.mark.parametrize(("order", "descending"), list(product(Order, [True, False])))
def test_a_record_that_is_gone_is_not_shown_though_the_index_still_lists_it(order, descending):
    there = [record(name) for name in "abc"]
    with Shelf(there).in_place() as shelf:
        shelf.remove(there[1].id, still_listed=True)
        shown = items_of(walk(Query(order=order, descending=descending), 1))
    assert {each.object_name for each in shown} == {"a", "c"}
