"""Objects that get another name, over an AWS in memory whose stream is brought in batches of any size and
order, and by shards that do not wait for each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from chalicelib.changes import fold, renames
from chalicelib.changes.step import Step
from chalicelib.downstream import uploads
from chalicelib.downstream.outcomes import IfExists
from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.data import Data
from chalicelib.model.edit import Edit
from chalicelib.model.label import LabelKind
from chalicelib.model.lake import Lake
from chalicelib.storage import counters, edits, forgetting, labels, members, records, taggings
from tests.simulation import faults, objects
from tests.simulation.fakes.dynamodb import encoded
from tests.simulation.fakes.world import Request, World, installed
from tests.simulation.interference import interleave

CREATED = ("0", "~")


@dataclass
class Desk:
    world: World
    lake: Lake
    tags: dict[str, str] = field(default_factory=dict)
    seen: int = 0
    """Changes of the stream that were brought before."""

    def put(self, *names: str, body: bytes = b"12345") -> None:
        objects.put(self.world, self.lake, *names, body=body)

    def copy(self, name: str, other: str) -> None:
        objects.copy(self.world, self.lake, name, other)

    def delete(self, name: str) -> None:
        objects.delete(self.world, self.lake, name)

    def write(self, name: str, *tags: str, custom: dict[str, Any] | None = None, **texts: str) -> None:
        """What people write of it."""
        ids = [self.tag(tag) for tag in tags]
        if ids:
            taggings.attach(self.lake.id, frozenset(ids), [self.lake.data_id(name)])
        if custom or texts:
            edits.apply(self.lake, Edit(custom_metadata=custom or {}, texts=texts), [self.lake.data_id(name)])

    def tag(self, name: str) -> str:
        if name not in self.tags:
            self.tags[name] = labels.get_or_create(self.lake.id, LabelKind.TAG, name)[0].id
        return self.tags[name]

    def record(self, name: str) -> Data:
        found = records.read(self.lake.data_id(name))
        assert found
        return found

    def tags_of(self, name: str) -> set[str]:
        names = {tag_id: tag for tag, tag_id in self.tags.items()}
        return {names[tag] for tag in self.record(name).tags}

    def do(self, act: str) -> None:
        verb, *names = act.split()
        getattr(self, verb)(*names)

    def stream(self, *, again: int = 0, at_once: bool = False) -> None:
        """All that the stream has not brought, and some of what it has, by shard in order."""
        changes = self.world.dynamodb.tables["data"].changes
        fresh = changes[max(0, self.seen - again) :]
        self.seen = len(changes)
        if at_once:
            renames.follow("all", [Step.read(change.as_event(["id"])) for change in fresh])
        for shard in sorted({change.shard for change in fresh}):
            told = [change.as_event(["id"]) for change in fresh if change.shard == shard]
            fold.receive({"Records": told, "shardId": shard})

    def settle(self, *, at_once: bool = False) -> None:
        while self.seen < len(self.world.dynamodb.tables["data"].changes):
            self.stream(at_once=at_once)

    def mistakes(self) -> list[str]:
        """In what is listed and counted of tags."""
        found = [records.from_attributes(item) for item in self._items()]
        items = self.world.dynamodb.tables["taggings"].items.values()
        listed = sorted((i["tag_shard"][1].partition("#")[0], i["created_key"][1]) for i in items)
        held = sorted((tag, f"{data.created_at}#{data.id}") for data in found for tag in data.tags)
        shown = {
            tag: [data.id for data in found if data.shown and tag in data.tags] for tag in self.tags.values()
        }
        wrong = [] if listed == held else [f"listed {listed}, held {held}"]
        for label in labels.page(self.lake.id, LabelKind.TAG, None, 99)[0]:
            if counters.of_labels([label])[label.id] != len(shown[label.id]):
                wrong.append(f"{label.name} is counted {counters.of_labels([label])}")
            entries = members.positions(self.lake, [label.id], CREATED, descending=False, limit=9)
            if sorted(data_id for _, data_id in entries if data_id in shown[label.id]) != sorted(
                shown[label.id]
            ):
                wrong.append(f"{label.name} lists {entries}")
        return wrong

    def _items(self) -> Iterator[Any]:
        return (encoded(item) for item in self.world.dynamodb.tables["data"].items.values())


@pytest.fixture
def desk() -> Iterator[Desk]:
    with installed(World()) as world:
        yield Desk(world, objects.add_lake(world, "default"))


ORDERS: dict[str, Callable[[Desk], None]] = {
    "copied and deleted": lambda desk: (desk.copy("a", "b"), desk.delete("a"))[-1],
    "put and deleted": lambda desk: (desk.put("b"), desk.delete("a"))[-1],
    "deleted and put": lambda desk: (desk.delete("a"), desk.put("b"))[-1],
}


@pytest.mark.parametrize("between", ["nothing", "the stream", "half an hour"])
@pytest.mark.parametrize("order", ORDERS)
def test_what_people_wrote_goes_with_the_bytes(desk: Desk, order: str, between: str) -> None:
    desk.put("a")
    desk.write("a", "car", "red", custom={"lot": 7}, description="of the yard", source="camera")
    before = desk.record("a")
    desk.world.clock += 3 * 86_400
    desk.settle()
    if between == "nothing":
        ORDERS[order](desk)
    else:
        steps = {"copied": lambda: desk.copy("a", "b"), "put": lambda: desk.put("b")}
        acts = [steps.get(order.split()[0], lambda: desk.delete("a"))]
        acts += [(lambda: desk.put("b")) if order == "deleted and put" else (lambda: desk.delete("a"))]
        acts[0]()
        desk.settle()
        desk.world.clock += 1800 if between == "half an hour" else 0
        acts[1]()
    desk.settle()
    after = desk.record("b")
    assert desk.tags_of("b") == {"car", "red"}
    assert (after.description, after.source, after.custom_metadata) == ("of the yard", "camera", {"lot": 7})
    assert (after.created_at, after.live) == (before.created_at, True)
    left = desk.record("a")
    assert (left.state, left.tags, left.description, left.created_at) == ("gone", frozenset(), None, "")
    assert not desk.mistakes()


@pytest.mark.parametrize("seconds", [3600 - 60, 3600 + 120])
@pytest.mark.parametrize("goes_first", [False, True])
def test_an_hour_may_lie_between(desk: Desk, seconds: int, goes_first: bool) -> None:
    desk.put("a")
    desk.write("a", "car")
    desk.settle()
    acts = [lambda: desk.delete("a"), lambda: desk.put("b")]
    for act in acts if goes_first else acts[::-1]:
        act()
        desk.settle()
        desk.world.clock += seconds
    assert desk.tags_of("b") == ({"car"} if seconds < 3600 else set())
    assert not desk.mistakes()


def test_a_stream_that_is_late_knows_when_things_happened(desk: Desk) -> None:
    desk.put("a", "c", body=b"1")
    desk.write("a", "car")
    desk.write("c", "van")
    desk.delete("a")
    desk.world.clock += 5 * 3600
    desk.put("b", body=b"1")
    desk.world.clock += 20 * 3600
    desk.settle()
    assert desk.tags_of("b") == set()
    assert not desk.mistakes()


AMBIGUOUS = {
    "two copies": ["copy a b", "copy a c", "delete a"],
    "two copies of what went": ["delete a", "put b", "put c"],
    "two that went": ["delete a", "delete twin", "put b"],
    "two that went after one came": ["put b", "delete twin", "delete a"],
}


@pytest.mark.parametrize("case", AMBIGUOUS)
@pytest.mark.parametrize("known", [1, 2, 3])
def test_where_it_is_not_sure_who_is_who_nothing_is_passed_on(desk: Desk, case: str, known: int) -> None:
    """Unless it was sure when the second of the first two was seen."""
    desk.put("a", "twin")
    desk.write("a", "car")
    desk.write("twin", "van")
    desk.settle()
    desk.world.clock += 2 * 3600
    acts = AMBIGUOUS[case]
    for act in acts[:known]:
        desk.do(act)
    desk.settle(at_once=True)
    was_sure = known == 2 and case in ("two copies of what went", "two that went after one came")
    for act in acts[known:]:
        desk.do(act)
    desk.settle(at_once=True)
    heir = desk.tags_of("b")
    if was_sure:
        assert heir == ({"van"} if "came" in case else {"car"})
    else:
        assert heir == set()
        assert desk.tags_of("a") == {"car"}
    assert [*heir, *desk.tags_of("a"), *desk.tags_of("twin")].count("car") == 1
    assert not desk.mistakes()


def test_empty_objects_other_bytes_other_lakes_and_links_are_nobodys_heirs(desk: Desk) -> None:
    other = desk.world.add_lake("frames", "photos", "frames/")
    desk.put("a")
    desk.put("frames/x", body=b"of both lakes")
    desk.put("empty", body=b"")
    for name in ("a", "empty"):
        desk.write(name, "car")
    desk.settle()
    for name in ("a", "empty"):
        desk.delete(name)
    desk.put("b", body=b"54321")
    desk.put("void", body=b"")
    desk.settle()
    assert [desk.tags_of(name) for name in ("b", "void")] == [set(), set()]
    desk.put("frames/y")
    desk.settle()
    # It came in both lakes, and in one of them something went.
    assert desk.tags_of("frames/y") == {"car"}
    in_other = records.read(other.data_id("frames/y"))
    assert in_other
    assert not in_other.tags
    assert not desk.mistakes()


def test_what_was_said_of_the_new_one_wins(desk: Desk) -> None:
    desk.put("a")
    desk.write("a", "car", description="old", custom={"lot": 1, "row": 2})
    desk.settle()
    draft = uploads.Announcement(
        object_name="b", size=5, content_type="image/png", tags=["van"], custom_metadata={"lot": 3}
    )
    uploads.announce(desk.lake, [draft], IfExists.OVERWRITE)
    desk.tags |= {label.name: label.id for label in labels.page(desk.lake.id, LabelKind.TAG, None, 9)[0]}
    desk.settle()
    desk.put("b")
    desk.delete("a")
    desk.settle()
    assert desk.tags_of("b") == {"car", "van"}
    after = desk.record("b")
    assert (after.description, after.custom_metadata) == ("old", {"lot": 3, "row": 2})
    assert not desk.mistakes()


def test_a_name_that_is_changed_back_has_what_was_written_since(desk: Desk) -> None:
    desk.put("a")
    desk.write("a", "car")
    first = desk.record("a").created_at
    desk.settle()
    for name, other in (("a", "b"), ("b", "a"), ("a", "b"), ("b", "a")):
        desk.world.clock += 60
        desk.copy(name, other)
        desk.delete(name)
        desk.settle()
        desk.write(other, f"at {other}")
        desk.settle()
        desk.stream(again=10**6)
        desk.settle()
        assert not desk.mistakes()
    assert desk.tags_of("a") == {"car", "at a", "at b"}
    assert desk.record("a").created_at == first
    assert desk.tags_of("b") == set()


def test_a_name_that_is_changed_twice_before_anybody_looks_is_one_change(desk: Desk) -> None:
    desk.put("a")
    desk.write("a", "car")
    desk.settle()
    desk.world.clock += 7200
    for name, other in (("a", "b"), ("b", "c")):
        desk.copy(name, other)
        desk.delete(name)
    desk.settle()
    assert desk.tags_of("c") == {"car"}
    assert not desk.mistakes()


def test_who_returns_before_anybody_looks_has_what_it_had(desk: Desk) -> None:
    desk.put("a")
    desk.write("a", "car")
    desk.settle()
    desk.copy("a", "b")
    desk.delete("a")
    desk.put("a")
    desk.settle()
    assert (desk.tags_of("a"), desk.tags_of("b")) == ({"car"}, set())
    assert not desk.mistakes()


def test_what_was_forgotten_is_passed_on_to_nobody(desk: Desk) -> None:
    desk.put("a")
    desk.write("a", "car")
    desk.settle()
    forgetting.forget(desk.lake, [desk.lake.data_id("a")])
    desk.put("b")
    desk.settle()
    assert desk.tags_of("b") == set()
    assert not desk.mistakes()


def test_as_many_tags_as_there_can_be_are_passed_on_and_one_more_is_not(desk: Desk) -> None:
    most = [f"t{n}" for n in range(limits.TAGS_PER_RECORD)]
    desk.put("a")
    desk.write("a", *most)
    desk.settle()
    desk.copy("a", "b")
    desk.delete("a")
    desk.settle()
    assert desk.tags_of("b") == set(most)
    assert not desk.mistakes()
    desk.copy("b", "c")
    desk.write("c", "one more")
    desk.delete("b")
    desk.settle()
    assert desk.tags_of("c") == {"one more"}
    assert not desk.mistakes()


@pytest.mark.parametrize("fault", [*faults.ALL, None], ids=lambda fault: fault.__name__ if fault else "crash")
@pytest.mark.parametrize("order", ["copied and deleted", "deleted and put"])
def test_whichever_call_fails_it_is_passed_on_once(
    desk: Desk, order: str, fault: faults.Fault | None
) -> None:
    """Every call of the stream's consumers by its number; what fails comes again."""
    desk.put("a")
    desk.write("a", "car", "red", description="said")
    desk.settle()
    ORDERS[order](desk)
    world, before = desk.world, (desk.seen, dict(_snapshot(desk.world)))
    number = 0
    while True:
        desk.seen = before[0]
        _restore(world, before[1])
        left = [number]
        world.interpose = lambda request, left=left: _fail(world, request, left, fault)
        try:
            desk.settle()
        except (StorageUnavailable, Dead):
            world.interpose = None
            desk.seen = before[0]
        world.interpose = None
        desk.settle()
        desk.stream(again=10**6)
        desk.settle()
        assert (desk.tags_of("b"), desk.record("b").description) == ({"car", "red"}, "said"), number
        assert not desk.mistakes(), number
        if left[0] >= 0:
            break
        number += 1
    assert number >= 10


class Dead(BaseException):
    pass


def _fail(world: World, request: Request, left: list[int], fault: faults.Fault | None) -> Any:
    left[0] -= 1
    if left[0] != -1:
        return world.perform(request)
    if fault is None:
        raise Dead
    return fault(world, request)


def _snapshot(world: World) -> Iterator[tuple[str, Any]]:
    for name, table in world.dynamodb.tables.items():
        yield name, (dict(table.items), list(table.changes))


def _restore(world: World, before: dict[str, Any]) -> None:
    for name, (items, changes) in before.items():
        world.dynamodb.tables[name].items = dict(items)
        world.dynamodb.tables[name].changes = list(changes)
    world.dynamodb.tokens.clear()


@pytest.mark.parametrize("order", ["copied and deleted", "deleted and put"])
def test_shards_that_look_at_the_same_time_and_people_who_write_meanwhile(desk: Desk, order: str) -> None:
    desk.put("a")
    desk.write("a", "car")
    for name in ("van", "late"):
        desk.tag(name)
    desk.settle()
    ORDERS[order](desk)
    fresh = desk.world.dynamodb.tables["data"].changes[desk.seen :]
    steps = [Step.read(change.as_event(["id"])) for change in fresh]
    followers = [partial(renames.follow, f"shard-{n}", [step]) for n, step in enumerate(steps)]
    people = [lambda: desk.write("b", "van"), lambda: desk.write("b", description="late")]
    for turns in permutations([*followers, *people]):
        before = dict(_snapshot(desk.world))
        interleave(desk.world, *turns)
        desk.settle()
        assert desk.tags_of("b") == {"car", "van"}
        assert desk.record("b").description == "late"
        assert not desk.mistakes()
        _restore(desk.world, before)
        desk.seen = len(desk.world.dynamodb.tables["data"].changes) - len(fresh)


def test_what_is_put_by_the_thousand_leaves_no_trace_but_what_is_copied_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRACED_PUTS", 3)
    desk.put("a")
    desk.write("a", "car")
    desk.settle()
    desk.put(*(f"{n}" for n in range(20)), body=b"others")
    desk.copy("a", "b")
    desk.stream()
    traces = desk.world.dynamodb.tables["traces"].items.values()
    assert {len(item["traces"][1]) for item in traces} == {24}
    desk.delete("a")
    desk.settle()
    assert desk.tags_of("b") == {"car"}
    desk.delete("b")
    desk.settle()
    desk.put(*(f"other {n}" for n in range(20)), body=b"of others")
    desk.put("c")
    desk.settle()
    assert desk.tags_of("c") == {"car"}


def test_more_traces_than_can_be_read_are_not_looked_through(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRACES_READ", 10)
    desk.put("a")
    desk.write("a", "car")
    desk.put(*(f"{n}" for n in range(20)), body=b"others")
    desk.settle()
    desk.copy("a", "b")
    desk.delete("a")
    desk.settle()
    assert (desk.tags_of("a"), desk.tags_of("b")) == ({"car"}, set())
    assert desk.world.metrics["RenamesNotLookedFor"] == 1
    assert not desk.mistakes()


def test_many_names_changed_at_once_ask_little_for_each(desk: Desk) -> None:
    count = 200
    names = [f"{n:04}" for n in range(count)]
    for name in names:
        desk.put(name, body=name.encode())
    desk.settle()
    for name in names:
        desk.copy(name, f"new/{name}")
        desk.delete(name)
    changes = desk.world.dynamodb.tables["data"].changes[desk.seen :]
    desk.world.calls.clear()
    batches = [changes[:count], changes[count:]]
    for batch in batches:
        fold.receive({"Records": [change.as_event(["id"]) for change in batch], "shardId": "s"})
    assert desk.world.metrics["Renames"] == count
    assert len(desk.world.calls) / count <= 0.1


def test_any_number_of_copies_is_not_looked_through(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RENAME_SUSPECTS", 20)
    names = [f"{n}" for n in range(30)]
    desk.put(*names)
    desk.settle()
    for name in names:
        desk.delete(name)
    desk.put("a", body=b"other")
    desk.put("b")
    desk.world.calls.clear()
    desk.settle()
    assert not [call for call in desk.world.calls if call.operation == "BatchGetItem"]


def test_what_nobody_renames_costs_a_batch_two_requests(desk: Desk) -> None:
    desk.put(*(f"{n}" for n in range(50)), body=b"others")
    desk.stream()
    desk.world.calls.clear()
    desk.put("one more", body=b"one more")
    desk.stream()
    assert [call.operation for call in desk.world.calls] == ["TransactWriteItems", "PutItem", "Query"]
    desk.world.calls.clear()
    desk.delete("one more")
    desk.world.calls.clear()
    desk.stream()
    asked = [call.operation for call in desk.world.calls if call.parameters.get("TableName") == "traces"]
    assert len(asked) <= 3


def test_a_rename_that_others_are_in_the_way_of_comes_again(desk: Desk) -> None:
    desk.put("a")
    desk.write("a", "car")
    desk.settle()
    desk.copy("a", "b")
    desk.delete("a")

    def refuse(request: Request) -> Any:
        writes = request.parameters.get("TransactItems", [{}])
        is_passing = writes[0].get("Update", {}).get("TableName") == "data"
        return faults.partial(desk.world, request) if is_passing else desk.world.perform(request)

    desk.world.interpose = refuse
    seen = desk.seen
    with pytest.raises(StorageUnavailable, match="pass on"):
        desk.settle()
    desk.world.interpose = None
    desk.seen = seen
    desk.settle()
    assert desk.tags_of("b") == {"car"}
