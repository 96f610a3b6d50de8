"""The most that a lake is to hold: what people add beyond it is refused, and what is in its bucket is not."""

import csv
import io
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest

from chalicelib.errors import StorageUnavailable
from chalicelib.jobs import csv_import, quotas
from chalicelib.model.job import JobState
from chalicelib.model.lake import Lake
from chalicelib.observability import metrics
from chalicelib.storage import jobs
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ARTIFACTS, World
from tests.simulation.interference import let
from tests.simulation.shift import deliver, work
from tests.unit.api.gateway import Answer, Gateway

LAKE = "/v1/datalakes/default"


@pytest.fixture
def lake(world: World) -> Lake:
    lake = objects.add_lake(world, "default")
    objects.add_connector(lake.bucket)
    return lake


@pytest.fixture
def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The dimensions of what is counted."""
    found: dict[str, str] = {}
    monkeypatch.setattr(metrics, "add_dimension", lambda name, value: found.update({name: value}))
    return found


def limit(**quota: int | None) -> None:
    answer = Gateway(role="admin").call("PATCH", LAKE, {"quota": quota})
    assert answer.status == 200


def upload(gateway: Gateway, *sizes: int, first: int = 0, **more: Any) -> Answer:
    entries = [
        {"object_name": f"{first + n}.png", "size": size, "content_type": "image/png"}
        for n, size in enumerate(sizes)
    ]
    return gateway.call("POST", "/uploads", {"uploads": entries, **more})


def link(gateway: Gateway, *names: str, **more: Any) -> Answer:
    entries = [{"url": f"https://example.com/{name}"} for name in names]
    return gateway.call("POST", "/links", {"links": entries, **more})


def ok(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    assert {each["code"] for each in answer.body["failed"]} <= {"quota_exceeded"}
    assert not any(each["retryable"] for each in answer.body["failed"])
    return [each["index"] for each in answer.body["ok"]]


def test_a_quota_is_set_shown_changed_and_removed(world, lake):
    admin = Gateway(role="admin")
    assert admin.call("GET", LAKE).body["quota"] is None
    for given, shown in (
        ({"items": 5}, {"items": 5, "bytes": None}),
        ({"bytes": 0, "items": None}, {"items": None, "bytes": 0}),
        ({}, None),
        ({"items": 1, "bytes": 2**53 - 1}, {"items": 1, "bytes": 2**53 - 1}),
        (None, None),
    ):
        assert admin.call("PATCH", LAKE, {"quota": given}).body["quota"] == shown
        assert admin.call("GET", LAKE).body["quota"] == shown
        assert admin.call("GET", f"{LAKE}/stats").body["quota"] == shown
    made = {"name": "small", "connector": "stack", "prefix": "small", "quota": {"bytes": 9}}
    assert admin.call("POST", "/v1/datalakes", made).body["quota"] == {"items": None, "bytes": 9}


@pytest.mark.parametrize("quota", [{"items": -1}, {"bytes": 2**53}, {"items": 1.5}, {"objects": 1}, 5, "no"])
def test_what_is_no_quota_is_a_400(world, lake, quota):
    answer = Gateway(role="admin").call("PATCH", LAKE, {"quota": quota})
    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert answer.places[0].startswith("#/quota")


def test_uploads_are_refused_each_by_itself_beyond_the_bytes(world, lake, gateway):
    limit(bytes=100)
    assert ok(upload(gateway, 60, 50, 40, 1)) == [0, 2]
    objects.count(world)
    assert ok(upload(gateway, 60, 50, 40, 1)) == [0, 2], "what is announced already adds nothing"
    assert ok(upload(gateway, 1, first=9)) == []
    limit(bytes=101)
    assert ok(upload(gateway, 1, first=9)) == [0]


def test_bytes_that_are_announced_count_until_they_come_and_then_as_what_they_are(world, lake, gateway):
    limit(bytes=100)
    upload(gateway, 60)
    objects.count(world)
    shown = gateway.call("GET", "/stats").body
    assert (shown["bytes"], shown["over_quota"]) == (0, False)
    assert ok(upload(gateway, 41, first=1)) == []
    objects.put(world, lake, "0.png", body=b"x" * 30)
    objects.count(world)
    assert gateway.call("GET", "/stats").body["bytes"] == 30
    assert ok(upload(gateway, 70, first=1)) == [0]


def test_items_are_uploads_and_links_together(world, lake, gateway):
    limit(items=3)
    assert ok(link(gateway, "a", "b")) == [0, 1]
    objects.count(world)
    assert ok(upload(gateway, 1, 1)) == [0]
    objects.count(world)
    assert ok(link(gateway, "a", "c", if_exists="update")) == []
    assert ok(upload(gateway, 1, first=7)) == []


def test_other_bytes_for_what_is_there_count_by_how_much_larger_they_are(world, lake, gateway):
    objects.put(world, lake, "0.png", body=b"x" * 50)
    objects.count(world)
    limit(items=1, bytes=60)
    assert ok(upload(gateway, 61, if_exists="overwrite")) == []
    assert ok(upload(gateway, 60, if_exists="overwrite")) == [0]
    limit(items=1, bytes=10)
    assert ok(upload(gateway, 50, if_exists="overwrite")) == [0], "it gets no worse"


def test_what_a_lake_without_a_quota_takes_costs_no_request_for_it(world, lake, gateway):
    world.calls.clear()
    ok(upload(gateway, 1))
    ok(link(gateway, "a"))
    gateway.call("GET", LAKE)
    gateway.call("GET", "/v1/datalakes")
    assert not [call for call in world.calls if call.parameters.get("TableName") == "counters"]


def test_what_is_in_the_bucket_is_recorded_beyond_the_quota_and_that_is_told(world, lake, gateway, watched):
    limit(items=2)
    objects.put(world, lake, "0", "1", "2")
    for name in "345":
        world.s3.put_object(Bucket=lake.bucket, Key=name, Body=b"1")
    job = jobs.begin_scan(lake)
    work(world, queue="walks")
    over = jobs.read(job.organization, job.id)
    assert (over.state, over.progress["inserted"]) == (JobState.SUCCEEDED, 3)
    objects.count(world)
    for path in (LAKE, f"{LAKE}/stats"):
        assert gateway.call("GET", path).body["over_quota"] is True
    [listed] = gateway.call("GET", "/v1/datalakes").body["items"]
    assert listed["over_quota"] is True
    quotas.watch("watching")
    assert world.metrics["DatalakesOverQuota"] == 1
    assert watched == {"function_name": "watching"}
    limit(items=6)
    quotas.watch("watching")
    assert world.metrics["DatalakesOverQuota"] == 1
    assert gateway.call("GET", LAKE).body["over_quota"] is False


def test_counters_that_are_not_read_are_a_failure_of_the_watch_after_all_others_were_told(
    world, lake, watched
):
    limit(items=0)
    objects.put(world, lake, "0")
    objects.count(world)
    world.add_lake("other", lake.bucket)
    Gateway(role="admin").call("PATCH", "/v1/datalakes/other", {"quota": {"items": 0}})
    let(world, "Query", faults.throttled)
    with pytest.raises(StorageUnavailable):
        quotas.watch("watching")
    world.interpose = None
    world.metrics.clear()
    quotas.watch("watching")
    assert world.metrics["DatalakesOverQuota"] == 1


@pytest.mark.parametrize("dry_run", [False, True])
def test_rows_beyond_the_quota_are_refused_and_a_dry_run_says_which(
    world, lake, gateway, monkeypatch, dry_run
):
    monkeypatch.setattr(csv_import, "_ROWS", 3)
    limit(items=7)
    content = "URL\n" + "".join(f"https://example.com/{n}.jpg\n" for n in range(10))
    body = {"filename": "frames.csv", "content": content, "dry_run": dry_run}
    job_id = gateway.call("POST", "/imports/csv", body).body["job"]["id"]
    # Step by step, as the counters follow some seconds later.
    while deliver(world, partial(next, chain([300_000], repeat(0)))):
        objects.count(world)
    shown = gateway.call("GET", f"/v1/jobs/{job_id}").body
    assert shown["state"] == "succeeded"
    assert {name: shown["progress"][name] for name in ("created", "failed")} == {"created": 7, "failed": 3}
    text = world.s3.buckets[ARTIFACTS].objects[f"imports/{job_id}/report.csv"][-1].body.decode()
    codes = [row["code"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert codes == [""] * 7 + ["quota_exceeded"] * 3
    assert len(gateway.call("GET", "/data").body["items"]) == (0 if dry_run else 7)
