"""Labels, over a DynamoDB in memory that is made to fail."""

from functools import partial

import pytest

from chalicelib.errors import LabelExists, StorageUnavailable, UnknownLabel
from chalicelib.model.label import Label, LabelKind
from chalicelib.storage import labels
from tests.simulation import faults
from tests.simulation.fakes.world import World
from tests.simulation.interference import interleave, let

LAKE, ELSEWHERE = "7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d", "00000000-0000-5000-8000-000000000000"
TAG, SOURCE = LabelKind.TAG, LabelKind.SOURCE

pytestmark = pytest.mark.usefixtures("world")


def make(name: str, kind: LabelKind = TAG) -> Label:
    return labels.get_or_create(LAKE, kind, name)[0]


def items(world: World) -> int:
    return len(world.dynamodb.tables["labels"].items)


def test_a_label_is_found_whatever_the_case_and_form_of_its_name():
    label = make("Café")
    assert labels.find(LAKE, TAG, ["CAFÉ", "cafe\u0301", "cafe", "", "x" * 3000]) == {
        "CAFÉ": label,
        "cafe\u0301": label,
    }


def test_many_labels_are_found_at_once(world):
    made = {name: make(name) for name in map(str, range(120))}
    assert labels.find(LAKE, TAG, made) == made
    assert labels.names(LAKE, [label.id for label in made.values()]) == {
        label.id: name for name, label in made.items()
    }


def test_nothing_asked_is_nothing_read(world):
    assert labels.find(LAKE, TAG, []) == {}
    assert labels.names(LAKE, []) == {}
    assert world.calls == []


def test_tags_sources_and_lakes_have_names_of_their_own():
    tag = make("x")
    assert labels.find(LAKE, SOURCE, ["x"]) == labels.find(ELSEWHERE, TAG, ["x"]) == {}
    assert labels.names(ELSEWHERE, [tag.id]) == {}
    with pytest.raises(UnknownLabel):
        labels.get(LAKE, SOURCE, "x")


def test_a_name_is_created_once():
    label = labels.create(LAKE, TAG, "x", "id-1")
    assert labels.create(LAKE, TAG, "X", "id-1") == label
    with pytest.raises(LabelExists):
        labels.create(LAKE, TAG, "X", "id-2")
    assert labels.get_or_create(LAKE, TAG, "X") == (label, False)


def test_all_who_ask_at_once_get_the_same(world):
    runs = interleave(world, *[partial(labels.get_or_create, LAKE, TAG, "x")] * 8)
    answers = [run.result for run in runs]
    assert len({label.id for label, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1
    assert items(world) == 2


def test_lists_go_on_where_they_ended():
    for name in ("b", "A", "é", "c", "\U0010ffff"):
        make(name)
    make("elsewhere", SOURCE)
    first, after = labels.page(LAKE, TAG, None, 3)
    second, end = labels.page(LAKE, TAG, after, 3)
    assert [label.name for label in first] == ["A", "b", "c"]
    assert ([label.name for label in second], end) == (["é", "\U0010ffff"], None)
    assert labels.page(LAKE, TAG, None, 5)[1] is None


def test_another_name_is_a_matter_of_the_label_alone(world):
    label = make("old")
    world.calls.clear()
    renamed = labels.rename(LAKE, label, "new")
    assert [call.operation for call in world.calls] == ["TransactWriteItems"]
    assert labels.find(LAKE, TAG, ["old", "new"]) == {"new": renamed}
    assert labels.names(LAKE, [label.id]) == {label.id: "new"}
    assert items(world) == 2


@pytest.mark.parametrize("name", ["CAFÉ", "cafe\u0301", "café"])
def test_a_label_may_take_its_own_name_in_another_form(name):
    label = make("café")
    labels.rename(LAKE, label, name)
    assert labels.get(LAKE, TAG, "café").name == name
    assert labels.names(LAKE, [label.id]) == {label.id: name}


def test_a_name_that_another_has_is_refused_and_nothing_changes(world):
    label, other = make("one"), make("two")
    with pytest.raises(LabelExists):
        labels.rename(LAKE, label, "TWO")
    assert labels.find(LAKE, TAG, ["one", "two"]) == {"one": label, "two": other}
    assert labels.names(LAKE, [label.id, other.id]) == {label.id: "one", other.id: "two"}


@pytest.mark.parametrize("name", ["c", "A"])
def test_of_two_who_rename_at_once_one_hears_that_it_came_too_late(world, name):
    label = make("a")
    labels.rename(LAKE, label, "b")
    with pytest.raises(UnknownLabel):
        labels.rename(LAKE, label, name)
    assert labels.names(LAKE, [label.id]) == {label.id: "b"}


def test_a_deleted_label_has_no_name_and_its_name_is_free(world):
    label = make("x")
    labels.delete(LAKE, label)
    assert labels.names(LAKE, [label.id]) == {}
    assert items(world) == 0
    labels.delete(LAKE, label)
    again = make("x")
    assert again.id != label.id
    labels.delete(LAKE, label)
    assert labels.get(LAKE, TAG, "x") == again


def test_a_label_is_deleted_whatever_it_is_called_meanwhile(world):
    label = make("x")
    labels.rename(LAKE, label, "y")
    runs = interleave(
        world, partial(labels.delete, LAKE, label), partial(labels.rename, LAKE, make("y"), "z")
    )
    assert [run.ended for run in runs] == [True, True]
    assert items(world) == 0


@pytest.mark.parametrize("fault", [faults.repeated, faults.partial])
def test_what_botocore_repeats_or_others_hold_up_is_done_once(world, fault):
    let(world, "TransactWriteItems", fault, fault, fault)
    label, created = labels.get_or_create(LAKE, TAG, "x")
    assert created
    renamed = labels.rename(LAKE, label, "y")
    labels.delete(LAKE, renamed)
    assert items(world) == 0


@pytest.mark.parametrize("fault", [faults.throttled, faults.broken, faults.denied, faults.unreachable])
def test_a_failure_changes_nothing(world, fault):
    label = make("x")
    for act in (
        partial(labels.get_or_create, LAKE, TAG, "y"),
        partial(labels.rename, LAKE, label, "y"),
        partial(labels.delete, LAKE, label),
    ):
        let(world, "TransactWriteItems", fault)
        with pytest.raises(StorageUnavailable):
            act()
    assert labels.find(LAKE, TAG, ["x", "y"]) == {"x": label}


def test_one_who_lost_the_answer_may_ask_again(world):
    let(world, "TransactWriteItems", faults.lost)
    with pytest.raises(StorageUnavailable):
        labels.create(LAKE, TAG, "x", "id-1")
    assert labels.create(LAKE, TAG, "x", "id-1").id == "id-1"


def test_others_are_not_waited_for_without_end(world):
    let(world, "TransactWriteItems", *[faults.partial] * 100)
    with pytest.raises(StorageUnavailable):
        labels.get_or_create(LAKE, TAG, "x")


@pytest.mark.parametrize(
    ("operation", "read"),
    [
        ("BatchGetItem", lambda: labels.find(LAKE, TAG, ["x"])),
        ("BatchGetItem", lambda: labels.names(LAKE, ["x"])),
        ("Query", lambda: labels.page(LAKE, TAG, None, 10)),
    ],
)
@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.lost])
def test_a_reading_that_fails_is_no_empty_answer(world, operation, read, fault):
    let(world, operation, fault)
    with pytest.raises(StorageUnavailable):
        read()
