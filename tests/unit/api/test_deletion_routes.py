"""What is forgotten, and what is deleted, as people ask for it, over an AWS in memory."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.changes import fold
from chalicelib.jobs import deletions
from chalicelib.model import limits
from chalicelib.model.data import State
from chalicelib.storage import connectors, counters, records
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ARTIFACTS, Request, World
from tests.simulation.interference import cramp, let
from tests.simulation.objects import delete, deliver, put
from tests.simulation.shift import work
from tests.unit.api.gateway import Answer, Gateway

STEP = 3


@pytest.fixture
def admin(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Of a lake whose connector allows deleting."""
    monkeypatch.setattr(connectors, "allows_delete", lambda bucket: True)
    monkeypatch.setattr(deletions, "RECORDS_PER_STEP", STEP)
    return replace(gateway, role="admin")


def etag_of(gateway: Gateway, data_id: str) -> str:
    return str(gateway.call("GET", f"/data/{data_id}").body["etag"])


def delete_object(gateway: Gateway, data_id: str, etag: str) -> Answer:
    return gateway.call("DELETE", f"/data/{data_id}", object="true", etag=etag)


def begin(gateway: Gateway, **body: object) -> str:
    answer = gateway.call("POST", "/data/delete", body)
    assert answer.status == 202
    return str(answer.body["job"]["id"])


def ended(gateway: Gateway, world: World, job_id: str) -> dict[str, Any]:
    work(world)
    job = gateway.call("GET", f"/v1/jobs/{job_id}").body
    assert job["state"] == "succeeded"
    return dict(job["progress"])


def hear(world: World) -> None:
    """The events of what was deleted, and the looks that were asked for."""
    from chalicelib.upstream import intake

    queue = world.sqs.queues["events"].visible
    messages = [{"messageId": each.id, "body": each.body} for each in queue.values()]
    queue.clear()
    assert intake.receive(messages, lambda: 60_000) == {"batchItemFailures": []}


def fold_all(world: World) -> None:
    shards: dict[str, list[dict[str, Any]]] = {}
    for change in world.dynamodb.tables["data"].changes:
        shards.setdefault(change.shard, []).append(change.as_event(["id"]))
    for shard, found in shards.items():
        fold.receive({"Records": found, "shardId": shard, "state": {}})


def there(world: World, name: str) -> bool:
    return bool(world.s3.buckets["photos"].current(name))


def test_what_is_forgotten_leaves_its_object_and_nothing_else(gateway, world, lake):
    [data_id] = put(world, lake, "a")
    gateway.call("POST", "/data/tags", {"tags": ["car"], "ids": [data_id]})
    gateway.call("PATCH", f"/data/{data_id}", {"description": "d", "source": "cam"})
    records.publish(data_id, records.read(data_id).content, _looked_at(), None, thumbnail=True)
    world.s3.put_object(Bucket=ARTIFACTS, Key=records.read(data_id).thumbnail_key, Body=b"x")
    fold_all(world)
    answer = gateway.call("DELETE", f"/data/{data_id}")
    assert (answer.status, answer.body["outcome"]) == (200, "forgotten")
    assert "brings it back as new" in answer.body["detail"]
    assert there(world, "a")
    assert gateway.call("GET", f"/data/{data_id}").status == 404
    assert gateway.call("DELETE", f"/data/{data_id}").status == 404
    fold_all(world)
    assert counters.read(lake.id).items == 0
    assert not world.dynamodb.tables["taggings"].items
    assert not world.s3.buckets[ARTIFACTS].objects
    assert gateway.call("GET", "/tags/car").body["count"] == 0


def _looked_at() -> Any:
    from chalicelib.model.data import Facts, Status, Type

    return Facts(status=Status.READY, type=Type.IMAGE, width=1, height=1)


def test_its_next_event_brings_it_back_as_new(gateway, world, lake):
    [data_id] = put(world, lake, "a")
    before = gateway.call("GET", f"/data/{data_id}").body
    gateway.call("PATCH", f"/data/{data_id}", {"description": "d", "custom_metadata": {"lot": 1}})
    world.clock += 100
    gateway.call("DELETE", f"/data/{data_id}")
    put(world, lake, "a", body=b"other")
    after = gateway.call("GET", f"/data/{data_id}").body
    assert (after["description"], after["custom_metadata"], after["tags"]) == (None, {}, [])
    assert after["created_at"] > before["created_at"]


def test_the_event_of_its_present_bytes_comes_twice_and_does_not_bring_it_back(gateway, world, lake):
    [data_id] = put(world, lake, "a")
    gateway.call("DELETE", f"/data/{data_id}")
    deliver(world)
    assert gateway.call("GET", f"/data/{data_id}").status == 404


def test_pending_data_is_forgotten_too(gateway, world, lake):
    objects.add_connector(lake.bucket)
    entry = {"object_name": "a.png", "size": 5, "content_type": "image/png", "tags": ["car"]}
    [one] = gateway.call("POST", "/uploads", {"uploads": [entry]}).body["ok"]
    assert gateway.call("DELETE", f"/data/{one['data']['id']}").status == 200
    assert gateway.call("GET", "/data").body["items"] == []


@pytest.mark.parametrize("fault", faults.ALL)
def test_after_any_failure_it_may_be_forgotten_again(gateway, world, lake, fault):
    [data_id] = put(world, lake, "a")
    gateway.call("POST", "/data/tags", {"tags": ["car"], "ids": [data_id]})
    let(world, "TransactWriteItems", fault)
    assert gateway.call("DELETE", f"/data/{data_id}").status in (200, 503)
    world.interpose = None
    assert gateway.call("DELETE", f"/data/{data_id}").status in (200, 404)
    assert records.read(data_id).state is State.GONE
    assert not world.dynamodb.tables["taggings"].items


def test_an_object_is_deleted_and_the_index_follows(admin, world, lake):
    [data_id] = put(world, lake, "a")
    answer = delete_object(admin, data_id, etag_of(admin, data_id))
    assert (answer.status, answer.body["outcome"]) == (202, "deleted")
    assert not there(world, "a")
    hear(world)
    assert admin.call("GET", f"/data/{data_id}").status == 404


def test_a_bucket_with_versions_keeps_them(admin, world, lake):
    world.s3.buckets["photos"].versioned = True
    [data_id] = put(world, lake, "a")
    assert delete_object(admin, data_id, etag_of(admin, data_id)).status == 202
    assert [version.marker for version in world.s3.buckets["photos"].objects["a"]] == [False, True]
    hear(world)
    assert records.read(data_id).state is State.GONE


def test_an_object_that_was_overwritten_survives(admin, world, lake):
    [data_id] = put(world, lake, "a")
    seen = etag_of(admin, data_id)
    world.s3.put_object(Bucket="photos", Key="a", Body=b"newer")
    answer = delete_object(admin, data_id, seen)
    assert (answer.status, answer.body["code"]) == (409, "etag_mismatch")
    assert there(world, "a")


def test_an_object_that_is_overwritten_after_the_look_survives(admin, world, lake):
    [data_id] = put(world, lake, "a")

    def overwrite_first(request: Request) -> object:
        if request.operation == "DeleteObject":
            world.s3.put_object(Bucket="photos", Key="a", Body=b"newer")
        return world.perform(request)

    seen = etag_of(admin, data_id)
    world.interpose = overwrite_first
    answer = delete_object(admin, data_id, seen)
    assert (answer.status, answer.body["code"]) == (409, "etag_mismatch")
    assert there(world, "a")


def test_where_the_connector_does_not_allow_it_nothing_is_asked_of_the_bucket(gateway, world, lake):
    [data_id] = put(world, lake, "a")
    admin = replace(gateway, role="admin")
    for answer in (
        delete_object(admin, data_id, etag_of(admin, data_id)),
        admin.call("POST", "/data/delete", {"ids": [data_id], "object": True}),
    ):
        assert (answer.status, answer.body["code"]) == (403, "delete_not_allowed")
    assert not [call for call in world.calls if call.service == "s3"]
    assert not world.sqs.queues["jobs"].visible


def test_an_editor_deletes_no_object(admin, world, lake):
    [data_id] = put(world, lake, "a")
    editor = replace(admin, role="editor")
    for answer in (
        delete_object(editor, data_id, etag_of(editor, data_id)),
        editor.call("POST", "/data/delete", {"ids": [data_id], "object": True}),
    ):
        assert (answer.status, answer.body["code"]) == (403, "forbidden")
    assert there(world, "a")


def test_no_object_is_deleted_without_its_etag(admin, world, lake):
    [data_id] = put(world, lake, "a")
    answer = admin.call("DELETE", f"/data/{data_id}", object="true")
    assert (answer.status, answer.places) == (400, ["etag"])


def test_a_storage_without_conditions_deletes_nothing(admin, world, lake):
    from tests.simulation.fakes.errors import refusal

    def refuse(world: World, request: Request) -> Any:
        raise refusal(request.operation, "NotImplemented", 501)

    [data_id] = put(world, lake, "a")
    etag = etag_of(admin, data_id)
    let(world, "DeleteObject", refuse)
    answer = delete_object(admin, data_id, etag)
    assert (answer.status, answer.body["code"]) == (409, "not_supported")


@pytest.mark.parametrize("operation", ["HeadObject", "DeleteObject", "SendMessage"])
@pytest.mark.parametrize("fault", faults.ALL)
def test_after_any_failure_it_may_be_deleted_again(admin, world, lake, operation, fault):
    [data_id] = put(world, lake, "a")
    etag = etag_of(admin, data_id)
    let(world, operation, fault)
    assert delete_object(admin, data_id, etag).status in (202, 403, 503)
    world.interpose = None
    assert delete_object(admin, data_id, etag).status == 202
    assert not there(world, "a")


def test_many_are_forgotten_by_ids(admin, world, lake):
    ids = put(world, lake, *"abcdefgh")
    delete(world, lake, "h")
    foreign = lake.data_id("nothing")
    progress = ended(admin, world, begin(admin, ids=[*ids, ids[0], foreign, "no id"]))
    assert progress == {"seen": 7, "bytes": 35, "missing": 3, "failed": 0, "forgotten": 7}
    assert admin.call("GET", "/data").body["items"] == []
    assert all(there(world, name) for name in "abcdefg")


def test_many_are_forgotten_by_a_query(admin, world, lake):
    put(world, lake, *(f"old/{n}" for n in range(8)), *"ab")
    progress = ended(admin, world, begin(admin, q='object_name starts with "old/"'))
    assert (progress["seen"], progress["forgotten"]) == (8, 8)
    assert {each["object_name"] for each in admin.call("GET", "/data").body["items"]} == {"a", "b"}


@pytest.mark.parametrize("objects", [False, True])
def test_a_dry_run_only_counts(admin, world, lake, objects):
    ids = put(world, lake, *"abcde")
    before = dict(world.dynamodb.tables["data"].items)
    progress = ended(admin, world, begin(admin, ids=[*ids, "no id"], object=objects, dry_run=True))
    done = "deleted" if objects else "forgotten"
    assert progress == {"seen": 5, "bytes": 25, "missing": 1, "failed": 0, done: 0}
    assert world.dynamodb.tables["data"].items == before


def test_many_objects_are_deleted_but_not_those_that_were_overwritten(admin, world, lake):
    ids = put(world, lake, *"abcde")
    world.s3.put_object(Bucket="photos", Key="b", Body=b"newer")
    world.s3.delete_object(Bucket="photos", Key="c")
    progress = ended(admin, world, begin(admin, ids=ids, object=True))
    assert progress == {"seen": 5, "bytes": 25, "missing": 0, "failed": 1, "deleted": 4}
    assert [name for name in "abcde" if there(world, name)] == ["b"]
    hear(world)
    assert {each["object_name"]: each["size"] for each in admin.call("GET", "/data").body["items"]} == {
        "b": 5
    }


def test_deleting_that_is_no_more_allowed_deletes_nothing(admin, world, lake, monkeypatch):
    ids = put(world, lake, *"ab")
    job_id = begin(admin, ids=ids, object=True)
    monkeypatch.setattr(connectors, "allows_delete", lambda bucket: False)
    assert ended(admin, world, job_id)["failed"] == 2
    assert there(world, "a")


@pytest.mark.parametrize("objects", [False, True])
@pytest.mark.parametrize("nth", range(12))
def test_a_job_that_dies_at_any_call_counts_each_data_once(admin, world, lake, objects, nth):
    ids = put(world, lake, *"abcdefg")
    job_id = begin(admin, ids=ids, object=objects)
    world.calls.clear()

    def die(request: Request) -> object:
        if len(world.calls) == nth:
            world.calls.append(request)
            raise KeyboardInterrupt
        return world.perform(request)

    world.interpose = die
    with pytest.raises(KeyboardInterrupt):
        work(world)
    world.interpose = None
    queue = world.sqs.queues["jobs"]
    queue.visible |= queue.in_flight
    queue.in_flight.clear()
    done = "deleted" if objects else "forgotten"
    assert ended(admin, world, job_id) == {"seen": 7, "bytes": 35, "missing": 0, "failed": 0, done: 7}


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["#"]),
        ({"ids": ["x"], "q": "size > 0"}, ["#"]),
        ({"ids": ["x"] * (limits.IDS_AT_ONCE + 1)}, ["#/ids"]),
        ({"ids": ["x"], "object": "yes"}, ["#/object"]),
        ({"ids": ["x"], "etag": "e"}, ["#/etag"]),
        ({"q": "size >"}, ["q"]),
    ],
)
def test_a_bad_call_is_a_400(admin, world, lake, body, places):
    answer = admin.call("POST", "/data/delete", body)
    assert (answer.status, answer.places) == (400, places)


def test_what_is_too_large_for_one_transaction_is_forgotten_in_several(admin, world, lake):
    ids = put(world, lake, *(f"{n}.png" for n in range(STEP)))
    cramp(world, 2)
    assert ended(admin, world, begin(admin, ids=ids))["forgotten"] == STEP


def test_what_is_pending_has_no_object_to_delete(admin, world, lake):
    objects.add_connector(lake.bucket)
    entry = {"object_name": "a.png", "size": 5, "content_type": "image/png"}
    [one] = admin.call("POST", "/uploads", {"uploads": [entry]}).body["ok"]
    assert delete_object(admin, one["data"]["id"], "e").status == 404
