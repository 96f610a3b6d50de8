"""Jobs from the call that begins one to its end, over an AWS in memory that fails."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest

from chalicelib.errors import StorageUnavailable
from chalicelib.jobs import changes_by_query, detachments, worker
from chalicelib.model.edit import Edit
from chalicelib.model.job import Job, JobKind, JobState, new_job
from chalicelib.model.lake import Lake
from chalicelib.storage import edits, jobs, labels, members, records, taggings
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ORGANIZATION, Request, World, installed
from tests.simulation.interference import let
from tests.simulation.objects import delete, put
from tests.simulation.shift import deliver, work
from tests.unit.api.gateway import Answer, Gateway

STEP = 7
"""Records in a step, that a few make several."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for room in (detachments, changes_by_query):
        monkeypatch.setattr(room, "RECORDS_PER_STEP", STEP)
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default", "other")


@pytest.fixture
def gateway(lake: Lake) -> Gateway:
    return Gateway()


def begin(gateway: Gateway, method: str, path: str, body: Any = None) -> str:
    answer = gateway.call(method, path, body)
    assert answer.status == 202
    assert answer.body["job"]["state"] == "queued"
    return str(answer.body["job"]["id"])


def job(gateway: Gateway, job_id: str) -> dict[str, Any]:
    answer = gateway.call("GET", f"/v1/jobs/{job_id}")
    assert answer.status == 200
    return dict(answer.body)


def attach(gateway: Gateway, tags: list[str], ids: list[str]) -> Answer:
    return gateway.call("POST", "/data/tags", {"tags": tags, "ids": ids})


def held(ids: list[str]) -> list[int]:
    found = records.read_all(ids)
    return [len(found[data_id].tags) for data_id in ids]


def taggings_left(world: World) -> int:
    return len(world.dynamodb.tables["taggings"].items)


def names(n: int) -> list[str]:
    return [f"{each:03}" for each in range(n)]


def test_a_deleted_tag_is_gone_at_once_and_taken_off_by_a_job(gateway, world, lake):
    ids = put(world, lake, *names(20))
    attach(gateway, ["car", "van"], ids)
    begun = begin(gateway, "DELETE", "/tags/CAR")
    assert gateway.call("GET", "/tags/car").status == 404
    assert gateway.call("GET", f"/data/{ids[0]}").body["tags"] == ["van"]
    assert held(ids) == [2] * 20
    again = gateway.call("PUT", "/tags/car")
    assert again.status == 201
    attach(gateway, ["car"], ids[:3])
    work(world)
    assert job(gateway, begun) | {"id": ""} == {
        "id": "",
        "kind": "detach_label",
        "datalake_id": lake.id,
        "state": "succeeded",
        "created_at": "2026-03-01T12:00:00.000Z",
        "started_at": "2026-03-01T12:00:30.000Z",
        "finished_at": "2026-03-01T12:00:30.000Z",
        "progress": {"seen": 20, "changed": 20},
        "error": None,
    }
    assert held(ids) == [2] * 3 + [1] * 17
    assert taggings_left(world) == 23


def test_the_job_waits_until_no_call_knows_the_tag_from_before(gateway, world):
    gateway.call("PUT", "/tags/car")
    begin(gateway, "DELETE", "/tags/car")
    [sent] = [call for call in world.calls if call.operation == "SendMessage"]
    assert sent.parameters["DelaySeconds"] > 29


def test_tombstones_and_what_is_left_of_expired_records_lose_the_tag_too(gateway, world, lake):
    ids = put(world, lake, *names(3))
    attach(gateway, ["car"], ids)
    delete(world, lake, "000")
    del world.dynamodb.tables["data"].items[("S", ids[1]),]
    begin(gateway, "DELETE", "/tags/car")
    work(world)
    assert taggings_left(world) == 0
    put(world, lake, "000")
    assert held([ids[0], ids[2]]) == [0, 0]


def test_a_deleted_source_is_taken_off_by_a_job(gateway, world, lake):
    ids = put(world, lake, *names(20))
    gateway.call("PATCH", "/data", {"ids": ids, "set": {"source": "camera"}})
    gateway.call("PATCH", "/data", {"ids": ids[:2], "set": {"source": "other"}})
    begun = begin(gateway, "DELETE", "/sources/camera")
    assert gateway.call("GET", f"/data/{ids[5]}").body["source"] is None
    work(world)
    assert job(gateway, begun)["progress"] == {"seen": 18, "changed": 18}
    assert [data.source is None for data in records.read_all(ids).values()].count(True) == 18
    assert gateway.call("GET", f"/data/{ids[0]}").body["source"] == "other"


def test_a_source_that_was_changed_meanwhile_stays(gateway, world, lake):
    [data_id] = put(world, lake, "a")
    gateway.call("PATCH", f"/data/{data_id}", {"source": "camera"})
    begin(gateway, "DELETE", "/sources/camera")
    changed = []

    def decide(request: Request) -> Any:
        if request.operation == "UpdateItem" and not changed:
            changed.append(data_id)
            edits.apply(lake, Edit(texts={"source": "another"}), [data_id])
        return world.perform(request)

    world.interpose = decide
    work(world)
    assert records.read_all([data_id])[data_id].source == "another"


@pytest.mark.parametrize("kind", ["tags", "sources"])
def test_what_is_deleted_twice_or_never_was(gateway, world, kind):
    gateway.call("PUT", f"/{kind}/x")
    begin(gateway, "DELETE", f"/{kind}/x")
    assert gateway.call("DELETE", f"/{kind}/x").status == 404
    work(world)


def test_all_that_a_query_finds_is_tagged(gateway, world, lake):
    ids = put(world, lake, *names(30))
    q = 'object_name >= "010"'
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["late", "new"], "q": q})
    work(world)
    assert job(gateway, begun)["progress"] == {"seen": 20, "changed": 20, "missing": 0, "failed": 0}
    assert held(ids) == [0] * 10 + [2] * 20
    begun = begin(gateway, "DELETE", "/data/tags", {"tags": ["late"], "q": 'tags.name = "new"'})
    work(world)
    assert job(gateway, begun)["progress"]["changed"] == 20
    assert held(ids) == [0] * 10 + [1] * 20


def test_what_a_step_changes_does_not_make_the_next_one_miss_any(gateway, world, lake):
    ids = put(world, lake, *names(30))
    attach(gateway, ["car"], ids)
    begun = begin(gateway, "DELETE", "/data/tags", {"tags": ["car"], "q": 'tags.name = "car"'})
    work(world)
    assert job(gateway, begun)["progress"]["changed"] == 30
    assert held(ids) == [0] * 30


def test_all_that_a_query_finds_is_edited(gateway, world, lake):
    ids = put(world, lake, *names(20))
    set_ = {"custom_metadata": {"lot": "B1", "n": 1}, "source": "camera", "metadata": {"weather": "rain"}}
    begun = begin(gateway, "PATCH", "/data", {"q": 'filename < "015"', "set": set_})
    work(world)
    assert job(gateway, begun)["progress"] == {"seen": 15, "changed": 15, "missing": 0, "failed": 0}
    shown = gateway.call("GET", f"/data/{ids[14]}").body
    assert (shown["custom_metadata"], shown["source"]) == ({"lot": "B1", "n": 1}, "camera")
    assert gateway.call("GET", f"/data/{ids[15]}").body["source"] is None


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("POST", "/data/tags", {"tags": ["x"]}),
        ("DELETE", "/data/tags", {"tags": ["x"]}),
        ("PATCH", "/data", {"set": {"source": "x"}}),
    ],
)
def test_a_bad_query_is_a_400_and_begins_and_creates_nothing(gateway, world, method, path, more):
    answer = gateway.call(method, path, {"q": "width >", **more})
    assert (answer.status, answer.body["code"]) == (400, "invalid_query")
    assert gateway.call("GET", "/v1/jobs").body["items"] == []
    assert not world.dynamodb.tables["labels"].items


def test_a_job_that_runs_out_of_time_goes_on_in_another_invocation(gateway, world, lake):
    ids = put(world, lake, *names(50))
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    deliveries = 0
    while deliver(world, partial(next, chain([300_000] * 2, repeat(0)))):
        deliveries += 1
        assert job(gateway, begun)["state"] in ("running", "succeeded")
    assert deliveries == 4
    assert job(gateway, begun)["progress"]["changed"] == 50
    assert held(ids) == [1] * 50


def test_a_canceled_job_stops_and_what_it_did_stays(gateway, world, lake):
    ids = put(world, lake, *names(50))
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    deliver(world, partial(next, chain([300_000] * 2, repeat(0))))
    for _ in range(2):
        answer = gateway.call("POST", f"/v1/jobs/{begun}/cancel")
        assert (answer.status, answer.body["job"]["state"]) == (202, "canceled")
    work(world)
    assert job(gateway, begun)["progress"]["changed"] == 14
    assert sum(held(ids)) == 14
    assert world.sqs.queues["jobs"].visible == {}


def test_a_job_that_is_canceled_before_it_began_does_nothing(gateway, world, lake):
    ids = put(world, lake, "a")
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    gateway.call("POST", f"/v1/jobs/{begun}/cancel")
    work(world)
    assert held(ids) == [0]


def test_a_job_that_is_over_cannot_be_canceled(gateway, world):
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    work(world)
    answer = gateway.call("POST", f"/v1/jobs/{begun}/cancel")
    assert (answer.status, answer.body["detail"]) == (409, "the job is succeeded already")


def test_jobs_are_listed_the_newest_first(gateway, world):
    begun = []
    for n in range(5):
        world.clock += 1
        begun.append(begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": f"size > {n}"}))
    deliver(world)
    world.clock += 1
    other = begin(Gateway(lake="other"), "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})

    def listed(**query: str) -> list[str]:
        found, cursor = [], {}
        while True:
            page = gateway.call("GET", "/v1/jobs", limit="2", **query, **cursor).body
            found += [each["id"] for each in page["items"]]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    assert listed() == [other, *reversed(begun)]
    assert listed(datalake="default") == list(reversed(begun))
    assert listed(state="succeeded") == begun[:1]
    assert listed(state="queued", datalake="default") == list(reversed(begun[1:]))
    assert gateway.call("GET", "/v1/jobs", datalake="nothing").status == 404
    assert gateway.call("GET", "/v1/jobs", state="done").status == 400


def test_another_organizations_job_is_not_there(gateway, world):
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    stranger = Gateway(organization="foreign")
    for path in (f"/v1/jobs/{begun}", "/v1/jobs/no-such-job", f"/v1/jobs/{'x' * 3000}"):
        assert stranger.call("GET", path).status == 404
        assert stranger.call("POST", f"{path}/cancel").status == 404
    assert stranger.call("GET", "/v1/jobs").body["items"] == []
    assert Gateway(role="viewer").call("POST", f"/v1/jobs/{begun}/cancel").status == 403


def test_a_message_that_comes_twice_counts_once(gateway, world, lake):
    put(world, lake, *names(20))
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    [message] = world.sqs.queues["jobs"].visible.values()
    world.sqs.send_message(QueueUrl="jobs", MessageBody=message.body)
    work(world)
    assert job(gateway, begun)["progress"]["changed"] == 20


def test_two_workers_at_one_job_count_once(gateway, world, lake):
    ids = put(world, lake, *names(20))
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    [message] = world.sqs.queues["jobs"].visible.values()
    world.sqs.send_message(QueueUrl="jobs", MessageBody=message.body)
    overtaking = []

    def decide(request: Request) -> Any:
        if request.operation == "TransactWriteItems" and not overtaking:
            overtaking.append(request)
            deliver(world)
        return world.perform(request)

    world.interpose = decide
    work(world)
    assert job(gateway, begun)["state"] == "succeeded"
    assert job(gateway, begun)["progress"]["seen"] == 20
    assert held(ids) == [1] * 20


OPERATIONS = [
    "BatchGetItem",
    "Query",
    "GetItem",
    "PutItem",
    "UpdateItem",
    "TransactWriteItems",
    "SendMessage",
]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "fault", [faults.throttled, faults.broken, faults.unreachable, faults.lost, faults.repeated]
)
def test_whatever_fails_once_the_job_succeeds(gateway, world, lake, operation, fault):
    ids = put(world, lake, *names(20))
    attach(gateway, ["car"], ids)
    edited = begin(gateway, "PATCH", "/data", {"q": "size > 0", "set": {"description": "x"}})
    deleted = begin(gateway, "DELETE", "/tags/car")
    short = partial(next, chain([300_000], repeat(0)))
    let(world, operation, fault)
    while deliver(world, short):
        short = partial(next, chain([300_000], repeat(0)))
    assert job(gateway, edited)["state"] == job(gateway, deleted)["state"] == "succeeded"
    assert held(ids) == [0] * 20
    assert {data.description for data in records.read_all(ids).values()} == {"x"}


@pytest.mark.parametrize("operation", ["SendMessage", "PutItem", "TransactWriteItems"])
@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.denied, faults.lost])
def test_a_call_that_fails_leaves_no_job_that_nobody_works_at(gateway, world, lake, operation, fault):
    ids = put(world, lake, *names(3))
    attach(gateway, ["car"], ids)
    let(world, operation, fault)
    assert gateway.call("DELETE", "/tags/car").status == 503
    work(world)
    for each in gateway.call("GET", "/v1/jobs").body["items"]:
        assert each["state"] == "succeeded"
    if gateway.call("GET", "/tags/car").status == 200:
        begin(gateway, "DELETE", "/tags/car")
        work(world)
    assert (held(ids), taggings_left(world)) == ([0] * 3, 0)


def test_a_job_that_keeps_failing_fails_with_a_reason(gateway, world, lake):
    put(world, lake, *names(3))
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    let(world, "TransactWriteItems", *[faults.broken] * 1000)
    assert work(world) == 8
    failed = job(gateway, begun)
    assert (failed["state"], failed["error"]) == ("failed", "the storage did not answer")
    assert failed["finished_at"]
    assert not world.sqs.queues["jobs-dead-letters"].visible


def test_a_bug_ends_the_job_and_tells_nothing(gateway, world, lake, monkeypatch):
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    monkeypatch.setattr(taggings, "attach", lambda *_: 1 / 0)
    put(world, lake, "a")
    work(world)
    assert (job(gateway, begun)["state"], job(gateway, begun)["error"]) == ("failed", "internal")


def test_a_job_of_a_lake_that_is_gone_fails_at_once(gateway, world, lake):
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    world.dynamodb.tables["lakes"].items.clear()
    assert work(world) == 1
    assert job(gateway, begun)["error"] == "its datalake is gone"


def test_an_end_that_cannot_be_recorded_goes_to_the_dead_letters(gateway, world, lake):
    put(world, lake, "a")
    begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    let(world, "PutItem", *[faults.denied] * 1000)
    work(world)
    assert len(world.sqs.queues["jobs-dead-letters"].visible) == 1


def test_a_last_message_for_a_job_that_is_over_is_no_failure(gateway, world, lake, monkeypatch):
    put(world, lake, *names(1))
    begun = begin(gateway, "POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    [message] = world.sqs.queues["jobs"].visible.values()
    record = message.as_record() | {"attributes": {"ApproximateReceiveCount": "9"}}
    work(world)
    counted: list[str] = []
    monkeypatch.setattr(worker, "count", counted.append)
    assert worker.receive([record], lambda: 300_000) == {"batchItemFailures": []}
    assert job(gateway, begun)["state"] == "succeeded"
    assert counted == []


def test_a_job_survives_its_own_message():
    made = new_job(
        ORGANIZATION, "lake", JobKind.EDIT_BY_QUERY, {"q": "é", "edit": {"metadata": {"iso": 1.5}}}
    )
    assert Job.decode(made.encode()) == made


def test_ids_of_jobs_grow_with_time(world):
    ids = []
    for _ in range(20):
        world.clock += 0.01
        ids.append(new_job(ORGANIZATION, "lake", JobKind.EDIT_BY_QUERY, {}).id)
    assert ids == sorted(ids)
    assert {each[14] for each in ids} == {"7"}


def test_a_step_is_recorded_once(world):
    before = jobs.enter(new_job(ORGANIZATION, "lake", JobKind.EDIT_BY_QUERY, {}))
    one = jobs.advance(before, replace(before, state=JobState.RUNNING, progress={"seen": 1}))
    assert one
    assert jobs.advance(before, replace(before, state=JobState.RUNNING)) is None
    assert jobs.read(ORGANIZATION, before.id) == one


def test_an_outage_is_no_unknown_job(world):
    let(world, "GetItem", faults.unreachable)
    with pytest.raises(StorageUnavailable):
        jobs.read(ORGANIZATION, "x")


def test_purging_takes_no_more_than_it_is_told(gateway, world, lake):
    ids = put(world, lake, *names(3))
    attach(gateway, ["car"], ids)
    tag = labels.find(lake.id, "tag", ["car"])["car"]
    found = members.positions(lake, [tag.id], ("0", "~"), descending=False, limit=2)
    assert len(taggings.purge(lake, tag.id, found).changed) == 2
    assert sorted(held(ids)) == [0, 0, 1]
