"""Pages over a DynamoDB in memory that fails: whole or not at all."""

from collections import Counter

import pytest

from chalicelib.errors import StorageUnavailable
from chalicelib.model.edit import Edit
from chalicelib.model.label import LabelKind
from chalicelib.query import folders, pages
from chalicelib.query.language import parse
from chalicelib.query.pages import Query
from chalicelib.storage import edits, labels, taggings
from chalicelib.storage.records import Order
from tests.simulation import faults, objects
from tests.simulation.interference import let

ASKED = {
    "a walk": ('not tags.name contains "x" and not source = "nobody"', Order.OBJECT_NAME),
    "a sorted tag": ('tags.name = "car" and source contains "cam"', Order.FILENAME),
    "a tag": ('tags.name = "car" and size > 0', Order.CREATED_AT),
    "ids": ('object_name in ("a", "b", "c/d")', Order.CREATED_AT),
}
OUTAGE = "an outage"


@pytest.fixture
def lake(world):
    lake = objects.add_lake(world, "default")
    ids = objects.put(world, lake, "a", "b", "c/d")
    car = labels.get_or_create(lake.id, LabelKind.TAG, "car")[0]
    camera = labels.get_or_create(lake.id, LabelKind.SOURCE, "camera")[0]
    taggings.attach(lake.id, frozenset({car.id}), ids)
    edits.apply(lake, Edit(texts={"source": camera.id}), ids)
    world.calls.clear()
    return lake


def read(lake, asked):
    text, order = ASKED[asked]
    return [
        data.object_name for data in pages.read(lake, Query(order=order, where=parse(text)), None, 2).items
    ]


@pytest.mark.parametrize("fault", faults.ALL)
@pytest.mark.parametrize("asked", ASKED)
def test_a_page_is_right_or_an_outage(world, lake, asked, fault):
    right = read(lake, asked)
    assert len(right) == 2
    made = Counter(call.operation for call in world.calls)
    assert set(made) <= {"Query", "BatchGetItem"}
    for operation, nth in ((name, n) for name, count in made.items() for n in range(count)):
        let(world, operation, *[faults.none] * nth, fault)
        assert outcome(lake, asked) in possible(operation, fault, right)


def possible(operation, fault, right):
    if fault is faults.repeated:
        return [right]
    # What is missing of a batch is asked for again; what is missing of a batch of one is all of it.
    return [right, OUTAGE] if (operation, fault) == ("BatchGetItem", faults.partial) else [OUTAGE]


def outcome(lake, asked):
    try:
        return read(lake, asked)
    except StorageUnavailable:
        return OUTAGE


@pytest.mark.parametrize("fault", [each for each in faults.ALL if each is not faults.repeated])
def test_folders_are_right_or_an_outage(world, lake, fault):
    query = Query(order=Order.OBJECT_NAME, under="")
    assert folders.read(lake, query, None, 10).folders == ["c/"]
    let(world, "Query", fault)
    with pytest.raises(StorageUnavailable):
        folders.read(lake, query, None, 10)
