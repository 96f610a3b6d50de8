"""Links from what is asked for to what is recorded and sent on, over an AWS in memory that fails."""

import json
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chalicelib.downstream import links
from chalicelib.downstream.allowances import Allowance
from chalicelib.downstream.links import LinkDraft
from chalicelib.downstream.outcomes import IfLinked, Outcome, OutcomeKind
from chalicelib.errors import InvalidUrl, StorageUnavailable
from chalicelib.model import limits, link
from chalicelib.model.connector import ConnectorState
from chalicelib.model.data import Data, Facts, Health, Kind, Reason, Sight, Status
from chalicelib.model.fetch import Fetch
from chalicelib.model.label import LabelKind
from chalicelib.model.lake import STACK, Lake
from chalicelib.model.work import Work
from chalicelib.storage import connectors, forgetting, labels, records
from chalicelib.storage.records import Order
from tests.simulation import faults, objects
from tests.simulation.fakes.world import World
from tests.simulation.interference import cramp, interleave, let

URL = "https://images.example.org/a/frame.0001.jpg"
OTHER = "https://images.example.org/b/frame.0001.jpg"
NAME = "frame.0001.jpg"


def create(lake: Lake, *drafts: LinkDraft | str, if_exists: IfLinked = IfLinked.ERROR) -> list[Outcome]:
    made = [LinkDraft(draft) if isinstance(draft, str) else draft for draft in drafts]
    return links.create(lake, made, if_exists)


def told(outcomes: list[Outcome]) -> list[tuple[str, str | None]]:
    return [(outcome.kind.value, outcome.code) for outcome in outcomes]


def data_of(outcome: Outcome) -> Data:
    assert outcome.data
    return outcome.data


def recorded(world: World) -> list[Data]:
    ids = [key[0][1] for key in world.dynamodb.tables["data"].items]
    return sorted(records.read_all(ids).values(), key=lambda data: data.object_name)


def sent(world: World, queue: str) -> list[Any]:
    return [json.loads(message.body) for message in world.sqs.queues[queue].visible.values()]


def listed(world: World) -> set[tuple[str, str]]:
    """(tag, id) of all taggings."""
    items = world.dynamodb.tables["taggings"].items.values()
    return {(item["tag_shard"][1].partition("#")[0], item["id"][1]) for item in items}


def settle(data: Data, *, reason: Reason | None = None, etag: str | None = "a") -> Data:
    """As preprocess would."""
    work = Work(data.id, None, "key", None, data.content, Kind.LINK)
    facts = Facts(status=Status.FAILED if reason else Status.READY, status_reason=reason)
    sight = None if reason else Sight(size=5, etag=etag)
    assert records.publish_target(work, facts, sight, thumbnail=not reason)
    after = records.read(data.id)
    assert after
    return after


def full(n: int) -> LinkDraft:
    return LinkDraft(
        f"https://images.example.org/{n}.jpg",
        folder="many",
        tags=("car", "van"),
        source="camera",
        custom_metadata={"lot": n, "area": "north"},
    )


# ── what they become ──


def test_a_link_is_data_with_all_that_was_said_of_it(world, lake):
    draft = LinkDraft(
        URL,
        folder="/a/b/",
        mimetype="image/jpeg",
        tags=("car", "Van", "CAR"),
        source="camera",
        metadata={"weather": "sunny"},
        custom_metadata={"lot": 1},
        description="first",
    )
    [outcome] = create(lake, draft)
    assert (outcome.kind, outcome.created) == (OutcomeKind.OK, True)
    [data] = recorded(world)
    assert data == outcome.data
    assert (data.kind, data.url, data.object_name) == (Kind.LINK, URL, f"a/b/{NAME}")
    assert (data.status, data.size, data.etag, data.content_type) == (
        Status.INDEXED,
        None,
        None,
        "image/jpeg",
    )
    assert (data.metadata, data.custom_metadata) == ({"weather": "sunny"}, {"lot": 1})
    names = labels.names(lake.id, [*data.tags, str(data.source)])
    assert sorted(names[tag] for tag in data.tags) == ["Van", "car"]
    assert (names[str(data.source)], data.description) == ("camera", "first")
    assert listed(world) == {(tag, data.id) for tag in data.tags}


def test_what_it_points_to_is_asked_for_once(world, lake):
    [outcome] = create(lake, URL)
    data = data_of(outcome)
    [message] = sent(world, "fetches")
    fetch = Fetch.decode(json.dumps(message))
    key = f"{data.id}/{data.content}"
    assert fetch == Fetch(URL, key, Work(data.id, None, key, None, data.content, Kind.LINK, URL))
    assert sent(world, "preprocess") == []


def test_an_object_of_a_connectors_bucket_is_looked_at_without_being_fetched(world, lake):
    [outcome] = create(lake, f"s3://{lake.bucket}/a b.jpg")
    [message] = sent(world, "preprocess")
    data = data_of(outcome)
    assert Work.decode(json.dumps(message)) == Work(
        data.id, lake.home, "a b.jpg", None, data.content, Kind.LINK, f"s3://{lake.bucket}/a b.jpg"
    )
    assert sent(world, "fetches") == []


def test_two_urls_with_one_name_are_two_data_and_stay_so(world, lake):
    first = create(lake, URL, OTHER, if_exists=IfLinked.SKIP)
    names = [data_of(outcome).object_name for outcome in first]
    assert names == [NAME, link.apart(NAME, OTHER)]
    for order in ([URL, OTHER], [OTHER, URL], [OTHER], [URL]):
        again = create(lake, *order, if_exists=IfLinked.SKIP)
        assert {data_of(outcome).id for outcome in again} <= {data_of(outcome).id for outcome in first}
        assert {outcome.kind for outcome in again} == {OutcomeKind.SKIPPED}
    assert len(recorded(world)) == 2


def test_an_object_and_a_link_of_one_name_are_two_data_wherever_they_are_listed(world, lake):
    [object_id] = objects.put(world, lake, NAME)
    [outcome] = create(lake, URL)
    link_id = data_of(outcome).id
    assert {data.id for data in recorded(world)} == {object_id, link_id}
    for order in Order:
        low, high = records.span(order)
        found = records.positions(lake, order, [(low, high)], descending=False, limit=10)
        assert {data_id for _, data_id in found} == {object_id, link_id}
        assert len({position for position, _ in found}) == 2
        assert [
            records.position(data, order) for data in map(records.read, (found[0][1], found[1][1])) if data
        ] == [position for position, _ in found]


def test_no_event_about_the_name_of_a_link_touches_it(world, lake):
    [outcome] = create(lake, URL)
    for happens in (objects.put, objects.delete, objects.put):
        happens(world, lake, NAME)
        assert records.read(data_of(outcome).id) == outcome.data
    assert {data.kind for data in recorded(world)} == {Kind.LINK, Kind.OBJECT}


# ── again ──


def test_the_same_link_again_is_as_the_caller_wants_it(world, lake):
    [first] = create(lake, LinkDraft(URL, tags=("a",), custom_metadata={"x": 1}))
    changed = LinkDraft(URL, tags=("b",), custom_metadata={"y": 2}, description="new", source="s")
    assert told(create(lake, changed)) == [("failed", "conflict")]
    assert told(create(lake, changed, if_exists=IfLinked.SKIP)) == [("skipped", "exists")]
    assert recorded(world) == [first.data]
    assert labels.find(lake.id, LabelKind.TAG, ["b"]) == {}
    [updated] = create(lake, changed, if_exists=IfLinked.UPDATE)
    assert (updated.kind, updated.created) == (OutcomeKind.OK, False)
    [data] = recorded(world)
    assert (data, data.id) == (updated.data, data_of(first).id)
    assert (data.custom_metadata, data.description, len(data.tags)) == ({"x": 1, "y": 2}, "new", 2)
    assert listed(world) == {(tag, data.id) for tag in data.tags}
    world.calls.clear()
    assert told(create(lake, changed, if_exists=IfLinked.UPDATE)) == [("skipped", "exists")]
    assert world.called("TransactWriteItems") == 0


def test_a_link_asked_for_twice_at_once_is_one(world, lake):
    for if_exists, code in ((IfLinked.ERROR, ("failed", "conflict")), (IfLinked.SKIP, ("skipped", "exists"))):
        folder = if_exists.value
        drafts = [LinkDraft(URL, folder=folder), LinkDraft(URL, folder=folder), LinkDraft("no url")]
        outcomes = create(lake, *drafts, drafts[2], if_exists=if_exists)
        assert told(outcomes) == [("ok", None), code, *[("failed", "invalid_request")] * 2]
        assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3]
        assert data_of(outcomes[0]) == data_of(outcomes[1])
    assert len(recorded(world)) == 2


def test_what_is_foreseen_is_what_is_done_and_changes_nothing(world, lake):
    create(lake, URL, LinkDraft(URL, name="other", tags=("a",)))
    before = {name: dict(table.items) for name, table in world.dynamodb.tables.items()}
    drafts = [
        LinkDraft(URL),
        LinkDraft(OTHER, tags=("new",), source="new"),
        LinkDraft(URL, name="other", tags=("b",)),
        LinkDraft("http://example.org/"),
    ]
    for if_exists in IfLinked:
        foreseen = links.foresee(lake, drafts, if_exists, Allowance.of(lake))
        assert {name: dict(table.items) for name, table in world.dynamodb.tables.items()} == before
        expected = {
            IfLinked.ERROR: [("failed", "conflict"), ("ok", None), ("failed", "conflict")],
            IfLinked.SKIP: [("skipped", "exists"), ("ok", None), ("skipped", "exists")],
            IfLinked.UPDATE: [("skipped", "exists"), ("ok", None), ("ok", None)],
        }[if_exists]
        assert told(foreseen) == [*expected, ("failed", "invalid_request")]
        assert [outcome.created for outcome in foreseen] == [False, True, False, False]
    assert told(create(lake, *drafts, if_exists=IfLinked.UPDATE)) == told(foreseen)


def test_an_update_fetches_what_was_dead_or_has_changed_and_nothing_else(world, lake):
    [fine, dead, other] = [
        data_of(outcome) for outcome in create(lake, *(LinkDraft(URL, name=name) for name in "abc"))
    ]
    fine, dead, other = settle(fine), settle(dead, reason=Reason.NOT_FOUND), settle(other)
    assert (dead.health, fine.health) == (Health.DEAD, Health.OK)
    assert records.note_health(other.id, other.content, Health.CHANGED)
    world.sqs.queues["fetches"].visible.clear()
    create(lake, *(LinkDraft(URL, name=name) for name in "abc"), if_exists=IfLinked.SKIP)
    assert sent(world, "fetches") == []
    create(lake, *(LinkDraft(URL, name=name) for name in "abc"), if_exists=IfLinked.UPDATE)
    assert {each["key"].partition("/")[0] for each in sent(world, "fetches")} == {dead.id, other.id}
    after = records.read(other.id)
    assert after
    assert (after.status, after.size, after.etag, after.health, after.thumbnail) == (
        *(Status.INDEXED, None, None, None, False),
    )
    assert after.content != other.content
    assert after.url == URL


def test_a_link_may_come_back_where_one_was_forgotten(world, lake):
    [outcome] = create(lake, LinkDraft(URL, tags=("a",)))
    assert forgetting.forget(lake, [data_of(outcome).id])
    [again] = create(lake, LinkDraft(URL, tags=("b",)))
    data = data_of(again)
    assert (again.created, data.id, data.rev) == (True, data_of(outcome).id, 3)
    assert records.read(data.id) == data
    assert listed(world) == {(tag, data.id) for tag in data.tags}


# ── what is refused ──


@pytest.mark.parametrize(
    "draft",
    [
        LinkDraft("http://169.254.169.254/latest/meta-data"),
        LinkDraft("file:///etc/passwd"),
        LinkDraft("https://user:word@example.org/"),
        LinkDraft("s3://bucket-of-nobody/key"),
        LinkDraft("s3://artifacts/quarantine/key"),
        LinkDraft(URL, name=""),
        LinkDraft(URL, name="../a"),
        LinkDraft(URL, name="a\x00"),
        LinkDraft(URL, folder="a" * limits.KEY_BYTES),
        LinkDraft(URL, tags=("",)),
        LinkDraft(URL, tags=("x" * 200,)),
        LinkDraft(URL, source=""),
        LinkDraft(URL, mimetype="jpg"),
        LinkDraft(URL, mimetype="image/jpeg\r\nX: y"),
        LinkDraft(URL, description=""),
        LinkDraft(URL, custom_metadata={f"k{n}": 1 for n in range(limits.CUSTOM_KEYS + 1)}),
    ],
    ids=repr,
)
def test_a_link_that_cannot_be_is_refused_alone(world, lake, draft):
    outcomes = create(lake, draft, LinkDraft(OTHER))
    assert told(outcomes) == [("failed", "invalid_request"), ("ok", None)]
    assert outcomes[0].detail
    assert not outcomes[0].retryable
    assert len(recorded(world)) == 1


def test_a_link_has_no_more_tags_than_any_data(world, lake):
    tags = tuple(f"t{n}" for n in range(limits.TAGS_PER_RECORD))
    assert told(create(lake, LinkDraft(URL, tags=tags))) == [("ok", None)]
    more = LinkDraft(URL, tags=("one more",))
    assert told(create(lake, more, if_exists=IfLinked.UPDATE)) == [("failed", "conflict")]
    assert told(create(lake, LinkDraft(OTHER, tags=(*tags, "one more")))) == [("failed", "conflict")]


def test_the_lakes_schema_holds_for_links(world, lake):
    strict = replace(lake, metadata_schema={"fields": {"lot": {"type": "integer"}}, "extra": False})
    drafts = [LinkDraft(URL, custom_metadata={"lot": value}) for value in (1, "one")]
    assert told(create(strict, drafts[1], LinkDraft(OTHER, custom_metadata={"lot": 1}))) == [
        ("failed", "invalid_request"),
        ("ok", None),
    ]


def test_a_url_is_checked_without_a_lake(world):
    assert links.check_url("HTTPS://Example.org/A") == "https://example.org/A"
    with pytest.raises(InvalidUrl, match="public internet"):
        links.check_url("https://127.0.0.1/")


def test_only_an_active_connector_of_the_organization_opens_a_bucket(world, lake):
    url = f"s3://{lake.bucket}/a.jpg"
    other = replace(lake, organization="other")
    assert told(create(other, url)) == [("failed", "invalid_request")]
    stack = connectors.read(lake.organization, STACK)
    connectors.change(stack, replace(stack, state=ConnectorState.BROKEN))
    assert told(create(lake, url)) == [("failed", "invalid_request")]
    broken = connectors.read(lake.organization, STACK)
    connectors.change(broken, replace(broken, state=ConnectorState.DEGRADED))
    assert told(create(lake, url)) == [("ok", None)]


# ── what it costs ──


def test_a_thousand_links_share_few_requests(world, lake):
    drafts = [full(n) for n in range(1000)]
    outcomes = create(lake, *drafts)
    assert told(outcomes) == [("ok", None)] * 1000
    by_service = Counter(call.service for call in world.calls)
    assert by_service["dynamodb"] <= 100
    assert by_service["s3"] == 0
    assert by_service["sqs"] == 100
    world.calls.clear()
    assert told(create(lake, *drafts, if_exists=IfLinked.SKIP)) == [("skipped", "exists")] * 1000
    assert Counter(call.service for call in world.calls)["dynamodb"] <= 20


# ── what may go wrong ──


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
@pytest.mark.parametrize("fault", faults.ALL)
def test_after_any_failure_the_call_may_be_repeated(world, lake, operation, fault):
    drafts = [full(n) for n in range(60)]
    let(world, operation, fault)
    try:
        first = create(lake, *drafts, if_exists=IfLinked.SKIP)
    except StorageUnavailable:
        first = []
    world.interpose = None
    again = create(lake, *drafts, if_exists=IfLinked.SKIP)
    assert {kind for kind, _ in told(again)} <= {"ok", "skipped"}
    assert len(recorded(world)) == 60
    assert listed(world) == {(tag, data.id) for data in recorded(world) for tag in data.tags}
    made = [data_of(outcome).id for outcome in (*first, *again) if outcome.created]
    assert len(made) == len(set(made))


def test_a_lost_answer_is_no_conflict_with_oneself(world, lake):
    let(world, "TransactWriteItems", *[faults.none] * 3, faults.lost)
    outcomes = create(lake, *(full(n) for n in range(60)))
    assert told(outcomes) == [("ok", None)] * 60
    assert all(outcome.created for outcome in outcomes)


@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.partial])
def test_a_link_whose_target_was_not_asked_for_says_so_and_is_asked_for_again(world, lake, fault):
    let(world, "SendMessageBatch", fault)
    outcomes = create(lake, *(full(n) for n in range(4)))
    lost = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.FAILED]
    assert lost
    assert all(outcome.retryable and outcome.data for outcome in lost)
    world.interpose = None
    create(lake, *(full(n) for n in range(4)), if_exists=IfLinked.SKIP)
    asked = {each["key"].partition("/")[0] for each in sent(world, "fetches")}
    assert asked == {data.id for data in recorded(world)}


def test_all_who_create_one_link_at_once_get_the_same_and_one_made_it(world, lake):
    handlers = [
        partial(create, lake, LinkDraft(URL, tags=(f"t{n}",)), if_exists=IfLinked.SKIP) for n in range(4)
    ]
    outcomes = [run.result[0] for run in interleave(world, *handlers)]
    assert len({data_of(outcome).id for outcome in outcomes}) == 1
    assert sum(outcome.created for outcome in outcomes) == 1
    assert len(recorded(world)) == 1


def test_two_urls_that_race_for_a_name_both_find_a_place(world, lake):
    handlers = [partial(create, lake, url) for url in (URL, OTHER)]
    names = {data_of(run.result[0]).object_name for run in interleave(world, *handlers)}
    assert len(names) == len(recorded(world)) == 2
    assert NAME in names


def test_of_updates_at_once_none_is_lost(world, lake):
    create(lake, URL)
    drafts = [LinkDraft(URL, tags=(f"t{n}",), custom_metadata={f"k{n}": n}) for n in range(3)]
    handlers = [partial(create, lake, draft, if_exists=IfLinked.UPDATE) for draft in drafts]
    runs = interleave(world, *handlers)
    assert [told(run.result) for run in runs] == [[("ok", None)]] * 3
    [data] = recorded(world)
    assert (data.custom_metadata, len(data.tags)) == ({"k0": 0, "k1": 1, "k2": 2}, 3)


def test_what_is_too_large_for_one_transaction_is_written_in_several(world, lake):
    cramp(world, 6)
    assert told(create(lake, *(full(n) for n in range(40)))) == [("ok", None)] * 40
