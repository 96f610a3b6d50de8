"""A deleted lake against those who still know it."""

from collections.abc import Iterator

import pytest

from chalicelib.jobs import lake_deletions
from chalicelib.model import limits
from chalicelib.model.job import JobState
from chalicelib.model.lake import Lake
from chalicelib.storage import connectors, jobs, lakes, queues, records
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ORGANIZATION, OWNER, World, installed
from tests.simulation.interference import let
from tests.simulation.shift import deliver
from tests.unit.api.gateway import Gateway


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(lake_deletions, "RECORDS_PER_STEP", 7)
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    home = objects.add_lake(world, "default", "other")
    connectors.create_stack(ORGANIZATION, "photos", OWNER, "us-east-1")
    return home


@pytest.fixture
def admin(lake: Lake) -> Gateway:
    return Gateway(role="admin")


def delete(admin: Gateway) -> str:
    answer = admin.call("DELETE", "/v1/datalakes/default", confirm="default")
    assert answer.status == 202
    return str(answer.body["job"]["id"])


def live(world: World, lake: Lake) -> int:
    items = world.dynamodb.tables["data"].items.values()
    return sum(item.get("shard", ("S", ""))[1].startswith(lake.id) for item in items)


def test_all_of_it_goes_and_nothing_of_others(admin, world, lake):
    ids = objects.put(world, lake, *(f"{n:02}" for n in range(20)))
    admin.call("POST", "/data/tags", {"tags": ["car", "van"], "ids": ids})
    Gateway(lake="other").call("PUT", "/tags/kept")
    job = delete(admin)
    assert admin.call("GET", "/v1/datalakes/default").status == 404
    while deliver(world):
        objects.count(world)
    done = admin.call("GET", f"/v1/jobs/{job}").body
    assert (done["state"], done["progress"], done["datalake_id"]) == ("succeeded", {"removed": 20}, lake.id)
    for name in ("data", "lakes", "labels", "taggings", "counters"):
        items = [item for item in world.dynamodb.tables[name].items.values() if lake.id in repr(item)]
        assert items == [], name
    other = lakes.find(ORGANIZATION, "other")
    assert live(world, other) == 20
    assert Gateway(lake="other").call("GET", "/tags/kept").status == 200
    assert admin.call("GET", "/v1/datalakes/other/stats").body["items"] == 20


def test_who_still_knew_the_lake_is_swept_after(admin, world, lake):
    known = lakes.of_bucket("photos")
    delete(admin)
    while world.sqs.queues["jobs"].visible and not any(
        message.delay for message in world.sqs.queues["jobs"].visible.values()
    ):
        deliver(world)
    lakes._by_bucket["photos"] = (world.clock + 10, known)
    objects.put(world, lake, "late")
    assert live(world, lake) == 1
    while deliver(world):
        objects.count(world)
    assert live(world, lake) == 0


def test_events_of_a_deleted_lake_are_for_nobody(admin, world, lake):
    delete(admin)
    world.clock += 11
    objects.put(world, lake, "late")
    assert live(world, lake) == 0


def test_a_message_that_comes_twice_does_not_shorten_the_wait(admin, world, lake):
    delete(admin)
    [message] = world.sqs.queues["jobs"].visible.values()
    deliver(world)
    begun = world.clock
    queues.send_job(jobs.read(ORGANIZATION, admin.call("GET", "/v1/jobs").body["items"][0]["id"]), 0)
    while deliver(world):
        objects.count(world)
    assert world.clock - begun >= limits.SETTLE_SECONDS
    assert message


def test_counters_go_when_all_is_counted_and_a_day_later_anyhow(admin, world, lake):
    objects.put(world, lake, "a")
    objects.count(world)
    delete(admin)
    begun = world.clock
    while deliver(world):
        pass
    assert world.clock - begun > 25 * 3600
    assert not world.dynamodb.tables["counters"].items.get((("S", lake.id), ("S", "0")))


def test_it_is_not_canceled_and_does_not_give_up(admin, world, lake):
    objects.put(world, lake, "a")
    job = delete(admin)
    assert admin.call("POST", f"/v1/jobs/{job}/cancel").status == 409
    let(world, "BatchWriteItem", *[faults.broken] * 100)
    while deliver(world):
        pass
    assert admin.call("GET", f"/v1/jobs/{job}").body["state"] == JobState.RUNNING
    letters = world.sqs.queues["jobs-dead-letters"].visible
    assert len(letters) == 1
    world.interpose = None
    world.sqs.queues["jobs"].visible |= letters
    while deliver(world):
        objects.count(world)
    assert admin.call("GET", f"/v1/jobs/{job}").body["state"] == JobState.SUCCEEDED


def test_a_lake_of_the_same_name_has_nothing_of_the_old_one(admin, world, lake):
    [data_id] = objects.put(world, lake, "a")
    delete(admin)
    made = admin.call("POST", "/v1/datalakes", {"name": "default", "connector": "stack"})
    assert made.status == 201
    assert made.body["id"] != lake.id
    assert admin.call("GET", f"/v1/datalakes/default/data/{data_id}").status == 404
    new = lakes.find(ORGANIZATION, "default")
    world.clock += 11
    objects.put(world, new, "a")
    while deliver(world):
        objects.count(world)
    assert live(world, new) == 1
    assert records.read(new.data_id("a"))
