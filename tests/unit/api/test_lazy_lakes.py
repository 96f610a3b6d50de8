"""Lakes whose bytes are looked at when somebody asks for them, and thumbnails whose files are gone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.model import limits
from chalicelib.model.data import Facts, Kind, Status
from chalicelib.model.job import JobState
from chalicelib.model.lake import Lake, Preprocess
from chalicelib.model.work import Work
from chalicelib.preprocess import worker
from chalicelib.storage import jobs, lakes, records
from chalicelib.upstream import intake
from tests.e2e.lake import png
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ARTIFACTS, World
from tests.simulation.interference import interleave, let
from tests.simulation.shift import deliver, work


@pytest.fixture
def lake(world: World) -> Lake:
    made = objects.add_lake(world, "default")
    objects.add_connector(made.bucket)
    return lakes.change(made, {"preprocess": Preprocess.LAZY})


def switch(lake: Lake, preprocess: Preprocess) -> None:
    lakes.change(lakes.find(lake.organization, lake.id), {"preprocess": preprocess})
    lakes._by_bucket.clear()


def waiting(world: World) -> list[dict[str, Any]]:
    return [json.loads(message.body) for message in world.sqs.queues["preprocess"].visible.values()]


def look(world: World) -> None:
    """As the preprocess function does, until nothing waits for it."""
    while ids := list(world.sqs.queues["preprocess"].visible):
        received = world.sqs.receive("preprocess", ids)
        answer = worker.receive([message.as_record() for message in received], lambda: 60_000, worker.SMALL)
        assert answer == {"batchItemFailures": []}
        world.sqs.settle("preprocess", [message.id for message in received], [])


def thumbnails(world: World) -> set[str]:
    return set(world.s3.buckets[ARTIFACTS].listing())


def test_nothing_is_looked_at_before_somebody_asks_for_it(world, lake, gateway):
    ids = objects.put(world, lake, *(f"{n}.png" for n in range(3)), body=png())
    assert gateway.call("POST", "/links", {"links": [{"url": "https://example.com/a.png"}]}).status == 200
    assert gateway.call("GET", "/data").status == 200
    assert not world.sqs.queues["preprocess"].visible
    assert not world.sqs.queues["fetches"].visible
    shown = gateway.call("GET", f"/data/{ids[0]}").body
    assert (shown["status"], shown["thumbnail"]) == ("indexed", False)
    assert [each["data_id"] for each in waiting(world)] == [ids[0]]
    look(world)
    assert gateway.call("GET", f"/data/{ids[0]}").body["status"] == "ready"
    assert not world.sqs.queues["preprocess"].visible


def test_a_thumbnail_is_made_when_it_is_asked_for_and_polling_gets_it(world, lake, gateway):
    [data_id] = objects.put(world, lake, "a.png", body=png())
    for _ in range(3):
        answer = gateway.call("GET", f"/data/{data_id}/thumbnail")
        assert (answer.status, answer.body["code"]) == (404, "not_ready")
    assert len(waiting(world)) == 1
    look(world)
    assert gateway.call("GET", f"/data/{data_id}/thumbnail").status == 302


@pytest.mark.parametrize(
    "path", ["/data/find?id={}", "/data/find?object_name=0.png", "/data/{}", "/data/{}/thumbnail"]
)
def test_every_way_to_ask_for_one_has_it_looked_at(world, lake, gateway, path):
    ids = objects.put(world, lake, "0.png", "1.png")
    where, _, query = path.format(ids[0]).partition("?")
    gateway.call("GET", where, **dict([query.split("=")] if query else []))
    assert [each["data_id"] for each in waiting(world)] == ids[:1]


def test_those_that_are_asked_for_by_their_ids_are_looked_at_and_take_few_requests(world, lake, gateway):
    ids = objects.put(world, lake, *map(str, range(60)))
    world.calls.clear()
    assert len(gateway.call("POST", "/data/search", {"ids": ids[:50], "limit": 50}).body["items"]) == 50
    assert {each["data_id"] for each in waiting(world)} == set(ids[:50])
    assert (world.called("BatchExecuteStatement"), world.called("SendMessageBatch")) == (2, 5)
    world.calls.clear()
    gateway.call("POST", "/data/search", {"ids": ids[:50], "limit": 50})
    assert (world.called("BatchExecuteStatement"), world.called("SendMessageBatch")) == (0, 0)


def test_ten_who_ask_at_once_ask_once(world, lake, gateway):
    ids = objects.put(world, lake, *map(str, range(4)))
    running = interleave(
        world, *[lambda: gateway.call("POST", "/data/search", {"ids": ids}) for _ in range(10)]
    )
    assert not any(each.error for each in running)
    assert sorted(each["data_id"] for each in waiting(world)) == sorted(ids)


def test_what_was_asked_for_long_ago_and_never_came_is_asked_for_again(world, lake, gateway):
    [data_id] = objects.put(world, lake, "a")
    for seconds, sent in ((0, 1), (limits.ASKED_SECONDS - 1, 1), (1, 2)):
        world.clock += seconds
        gateway.call("GET", f"/data/{data_id}")
        assert len(waiting(world)) == sent


def test_other_bytes_are_asked_for_anew(world, lake, gateway):
    [data_id] = objects.put(world, lake, "a.png", body=png())
    gateway.call("GET", f"/data/{data_id}")
    look(world)
    objects.put(world, lake, "a.png", body=png(9, 9))
    assert gateway.call("GET", f"/data/{data_id}").body["status"] == "indexed"
    look(world)
    assert gateway.call("GET", f"/data/{data_id}").body["width"] == 9


@pytest.mark.parametrize("operation", ["BatchExecuteStatement", "SendMessageBatch"])
@pytest.mark.parametrize("fault", faults.ALL, ids=lambda fault: fault.__name__)
def test_whoever_asks_for_data_gets_it_though_its_bytes_cannot_be_asked_for(
    world, lake, gateway, operation, fault
):
    [data_id] = objects.put(world, lake, "a")
    let(world, operation, fault)
    assert gateway.call("GET", f"/data/{data_id}").status == 200
    assert gateway.call("GET", f"/data/{data_id}/thumbnail").body["code"] == "not_ready"
    world.interpose = None
    world.clock += limits.ASKED_SECONDS
    gateway.call("GET", f"/data/{data_id}")
    assert {each["data_id"] for each in waiting(world)} == {data_id}


def test_what_the_queue_does_not_take_is_asked_for_by_the_next_one_at_once(world, lake, gateway):
    [data_id] = objects.put(world, lake, "a")
    let(world, "SendMessageBatch", faults.throttled)
    gateway.call("GET", f"/data/{data_id}")
    world.interpose = None
    gateway.call("GET", f"/data/{data_id}")
    assert [each["data_id"] for each in waiting(world)] == [data_id]


def test_links_are_fetched_when_they_are_asked_for(world, lake, gateway):
    made = gateway.call("POST", "/links", {"links": [{"url": "https://example.com/a.png"}]}).body["ok"]
    link = made[0]["data"]["id"]
    assert gateway.call("GET", f"/data/{link}/thumbnail").body["code"] == "not_ready"
    gateway.call("GET", f"/data/{link}")
    [message] = world.sqs.queues["fetches"].visible.values()
    assert json.loads(message.body)["url"] == "https://example.com/a.png"


def test_what_waits_follows_the_lake_from_eager_to_lazy_to_off_and_back(world, lake, gateway):
    """What came while it was lazy or off waits for the next sync, and that is told what it is."""
    switch(lake, Preprocess.EAGER)
    ids = objects.put(world, lake, "eager", body=png())
    switch(lake, Preprocess.LAZY)
    ids += objects.put(world, lake, "lazy", body=png())
    switch(lake, Preprocess.OFF)
    ids += objects.put(world, lake, "off", body=png())
    look(world)
    assert [records.read(each).status for each in ids] == ["ready", "indexed", "indexed"]
    for data_id in ids[1:]:
        answer = gateway.call("GET", f"/data/{data_id}/thumbnail")
        assert (answer.status, answer.body["detail"]) == (404, "there is no thumbnail: the data is indexed")
    assert not waiting(world)
    for preprocess, missing in ((Preprocess.OFF, 0), (Preprocess.LAZY, 0), (Preprocess.EAGER, 2)):
        switch(lake, preprocess)
        assert sync(world, lake)["missing_thumbnails"] == missing
    take_hints(world)
    look(world)
    assert {records.read(each).status for each in ids} == {"ready"}
    assert sync(world, lake)["missing_thumbnails"] == 0


def sync(world: World, lake: Lake) -> dict[str, int]:
    objects.count(world)
    job = jobs.begin_sync(lakes.find(lake.organization, lake.id))
    work(world, queue="walks")
    over = jobs.read(job.organization, job.id)
    assert over.state is JobState.SUCCEEDED
    return dict(over.progress)


def take_hints(world: World) -> None:
    ids = list(world.sqs.queues["events"].visible)
    received = world.sqs.receive("events", ids)
    assert not intake.receive([each.as_record() for each in received], lambda: 60_000)["batchItemFailures"]
    world.sqs.settle("events", ids, [])


@pytest.mark.parametrize("preprocess", [Preprocess.EAGER, Preprocess.LAZY])
def test_a_thumbnail_whose_file_was_removed_is_made_again_by_the_first_who_asks(
    world, lake, gateway, preprocess
):
    [data_id] = objects.put(world, lake, "a.png", body=png())
    gateway.call("GET", f"/data/{data_id}")
    look(world)
    switch(lake, preprocess)
    before = records.read(data_id)
    world.s3.delete_object(Bucket=ARTIFACTS, Key=before.thumbnail_key)
    for _ in range(3):
        assert gateway.call("GET", f"/data/{data_id}/thumbnail").body["code"] == "not_ready"
    assert len(waiting(world)) == 1
    look(world)
    assert gateway.call("GET", f"/data/{data_id}/thumbnail").status == 302
    assert replace(records.read(data_id), asked_at=None, updated_at=before.updated_at) == before


def test_a_removed_thumbnail_of_a_lake_that_is_off_is_told_to_be_gone(world, lake, gateway):
    [data_id] = objects.put(world, lake, "a.png", body=png())
    gateway.call("GET", f"/data/{data_id}")
    look(world)
    switch(lake, Preprocess.OFF)
    world.s3.delete_object(Bucket=ARTIFACTS, Key=records.read(data_id).thumbnail_key)
    answer = gateway.call("GET", f"/data/{data_id}/thumbnail")
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert "its file was removed" in answer.body["detail"]
    assert not waiting(world)


def test_a_removed_thumbnail_of_other_bytes_by_now_is_not_published(world, lake, gateway):
    [data_id] = objects.put(world, lake, "a.png", body=png())
    gateway.call("GET", f"/data/{data_id}")
    look(world)
    old = records.read(data_id)
    world.s3.delete_object(Bucket=ARTIFACTS, Key=old.thumbnail_key)
    gateway.call("GET", f"/data/{data_id}/thumbnail")
    objects.put(world, lake, "a.png", body=png(9, 9))
    fresh = records.read(data_id)
    look(world)
    assert records.read(data_id) == fresh
    assert not thumbnails(world)


def test_links_whose_thumbnails_were_removed_are_fetched_again_when_they_are_checked(world, lake, gateway):
    switch(lake, Preprocess.EAGER)
    entries = [{"url": f"https://example.com/{n}.png"} for n in range(2)]
    made = gateway.call("POST", "/links", {"links": entries}).body["ok"]
    for each in made:
        link = records.read(each["data"]["id"])
        facts = Facts(status=Status.READY)
        order = Work(link.id, None, "", None, link.content, Kind.LINK)
        assert records.publish_target(order, facts, None, thumbnail=True)
    kept, lost = (records.read(each["data"]["id"]) for each in made)
    world.s3.put_object(Bucket=ARTIFACTS, Key=kept.thumbnail_key, Body=b"webp")
    world.sqs.queues["fetches"].visible.clear()
    gateway.call("POST", "/links/check", {})
    deliver(world, lambda: 100_000)
    asked = [json.loads(each.body) for each in world.sqs.queues["fetches"].visible.values()]
    assert {(each["url"], each["look_only"]) for each in asked} == {(kept.url, True), (lost.url, False)}
