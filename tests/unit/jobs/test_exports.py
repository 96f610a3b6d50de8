"""Exports from the call that begins one to the file that people fetch, over an AWS in memory that fails.
Pages are short, so that a few records make many ranges, parts and files."""

import gzip
import io
import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from random import Random
from typing import Any

import pytest

from chalicelib.formats import parquet
from chalicelib.imports import exported
from chalicelib.jobs import exports, walks
from chalicelib.model.data import Facts, Status
from chalicelib.model.errand import Phase, walk_of
from chalicelib.model.job import JobState
from chalicelib.model.lake import Lake
from chalicelib.observability import logger
from chalicelib.storage import entries, jobs, keyranges, records
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ARTIFACTS, Request, World, installed
from tests.simulation.shift import deliver, plenty, work
from tests.unit.api.gateway import Gateway
from tests.unit.jobs.exporting import as_shown, export, files, fill, lines, shown


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(entries, "FROM_SHARD", 2)
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default", "other")


@pytest.fixture
def gateway(lake: Lake) -> Gateway:
    return Gateway()


@pytest.mark.parametrize("seed", range(3))
def test_each_record_is_told_once_as_the_list_has_it(
    world: World, lake: Lake, gateway: Gateway, seed: int
) -> None:
    fill(world, lake, gateway, Random(seed))
    job_id = export(world, gateway)
    listed = {item["id"]: item for item in shown(gateway)}
    found = lines(world, job_id)
    assert len(found) == len(listed) > 25
    for line in found:
        assert as_shown(line) == {k: v for k, v in listed[line["id"]].items() if k != "datalake_id"}
    job = jobs.read(lake.organization, job_id)
    assert (job.state, job.progress["seen"], job.progress["files"]) == (JobState.SUCCEEDED, len(found), 1)
    assert job.progress["bytes"] == len(files(world, job_id)["00001.jsonl.gz"])


def test_where_records_say_much_a_step_writes_fewer_and_misses_none(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "FROM_SHARD", 1000)
    monkeypatch.setattr(exports, "_RECORDS", 3)
    monkeypatch.setattr(exports, "_BYTES", 5)
    fill(world, lake, gateway, Random(4))
    job_id = export(world, gateway)
    found = [line["id"] for line in lines(world, job_id)]
    assert sorted(found) == sorted(item["id"] for item in shown(gateway))
    ranges = keyranges.of_walk(walk_of(jobs.read(lake.organization, job_id), Phase.FIND))
    rows = [part.rows for each in ranges for part in each.parts]
    assert sum(rows) == len(found)
    assert max(rows) == 3


def test_what_people_wrote_is_told_apart_from_what_the_bytes_say(
    world: World, lake: Lake, gateway: Gateway
) -> None:
    [data_id] = objects.put(world, lake, "a")
    facts = Facts(status=Status.READY, metadata={"model": "40D", "weather": "dry"})
    records.publish(data_id, records.read_all([data_id])[data_id].content, facts, None, thumbnail=False)
    gateway.call("PATCH", f"/data/{data_id}", {"metadata": {"weather": None, "lens": "EF 50"}})
    [line] = lines(world, export(world, gateway))
    assert line["metadata"] == {"weather": None, "lens": "EF 50"}
    assert line["shown_metadata"] == {"model": "40D", "lens": "EF 50"}


def test_parquet_tells_the_same(world: World, lake: Lake, gateway: Gateway) -> None:
    fill(world, lake, gateway, Random(1))
    told = {line["id"]: line for line in lines(world, export(world, gateway))}
    content = files(world, export(world, gateway, "parquet"))["00001.parquet"]
    rows = list(parquet.rows(io.BytesIO(content)))
    assert len(rows) == len(told)
    for row in rows:
        assert list(row) == list(exported.COLUMNS)
        assert json.loads(row["shown_metadata"] or "{}") == told[row["id"]].get("shown_metadata", {})
        assert json.loads(row["metadata"] or "{}") == told[row["id"]].get("metadata", {})
        shared = ("object_name", "tags", "source", "size", "description", "url", "thumbnail", "created_at")
        for name in shared:
            assert row[name] == told[row["id"]].get(name)


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_an_empty_lake_makes_a_file_all_the_same(
    world: World, lake: Lake, gateway: Gateway, file_format: str
) -> None:
    job_id = export(world, gateway, file_format)
    content = files(world, job_id)
    if file_format == "jsonl":
        assert gzip.decompress(content["00001.jsonl.gz"]) == b""
    else:
        assert list(parquet.rows(io.BytesIO(content["00001.parquet"]))) == []
    assert json.loads(content["manifest.json"])["files"][0]["records"] == 0


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_what_is_too_much_for_one_file_becomes_several(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    objects.put(world, lake, *(f"{n:03}" for n in range(60)))
    monkeypatch.setattr(exports, "FILE_ROWS", 25)
    monkeypatch.setattr(exports, "FILE_BYTES", 1200)
    job_id = export(world, gateway, file_format)
    content = files(world, job_id)
    [told] = json.loads(content.pop("manifest.json")).values()
    assert len(told) == len(content) > 2
    assert [each["part"] for each in told] == list(range(1, len(content) + 1))
    assert [each["bytes"] for each in told] == [len(content[name]) for name in sorted(content)]
    assert sum(each["records"] for each in told) == 60
    if file_format == "jsonl":
        assert [line["object_name"] for line in lines(world, job_id)] == [f"{n:03}" for n in range(60)]
    assert "manifest.json" in fetched(gateway, job_id)
    assert f"{len(content):05}" in fetched(gateway, job_id, part=str(len(content)))
    assert gateway.call("GET", f"/v1/jobs/{job_id}/report", part=str(len(content) + 1)).status == 404


def fetched(gateway: Gateway, job_id: str, **query: str) -> str:
    answer = gateway.call("GET", f"/v1/jobs/{job_id}/report", **query)
    assert answer.status == 302
    return answer.location


def test_the_report_of_an_export_is_its_file(world: World, lake: Lake, gateway: Gateway) -> None:
    objects.put(world, lake, "a")
    begun = gateway.call("POST", "/exports", {}).body["job"]
    assert (begun["kind"], begun["state"]) == ("export", "queued")
    assert gateway.call("GET", f"/v1/jobs/{begun['id']}/report").status == 404
    work(world, queue="walks")
    for query in ({}, {"part": "1"}):
        address = fetched(gateway, begun["id"], **query)
        assert f"exports/files/{begun['id']}/00001.jsonl.gz" in address
        assert "tidelake-2026-03-01.jsonl.gz" in address
    world.s3.buckets[ARTIFACTS].objects.clear()
    assert gateway.call("GET", f"/v1/jobs/{begun['id']}/report").status == 404


@pytest.mark.parametrize("body", [{"format": "csv"}, {"format": None}, {"what": 1}])
def test_what_is_no_export_is_told(gateway: Gateway, body: Any) -> None:
    assert gateway.call("POST", "/exports", body).status == 400


def test_a_viewer_exports_nothing_and_a_stranger_finds_no_lake(gateway: Gateway) -> None:
    gateway.role = "viewer"
    assert gateway.call("POST", "/exports", {}).status == 403
    gateway.role, gateway.organization = "editor", "stranger"
    assert gateway.call("POST", "/exports", {}).status == 404


def test_the_bucket_is_not_asked(world: World, lake: Lake, gateway: Gateway) -> None:
    objects.put(world, lake, *"abc")
    del world.s3.buckets[lake.bucket]
    assert len(lines(world, export(world, gateway))) == 3


def test_an_export_costs_a_hundredth_of_a_request_a_record(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "FROM_SHARD", 1000)
    ids = objects.put(world, lake, *(f"{n:04}" for n in range(2000)))
    gateway.call("POST", "/data/tags", {"tags": ["car"], "ids": ids[:1000]})
    world.calls.clear()
    job_id = export(world, gateway)
    asked = [call for call in world.calls if call.service == "dynamodb"]
    reads = [call for call in asked if call.operation == "BatchGetItem"]
    assert len(lines(world, job_id)) == 2000
    # Twenty of a hundred records, and one of the names of their labels.
    assert len(reads) == 21
    # Three of the index by name, and what a job of one step takes.
    assert len(asked) - len(reads) < 30
    assert sum(call.service == "s3" for call in world.calls) == 4


class Dead(BaseException):
    pass


def die(world: World, request: Request) -> Any:
    raise Dead


@pytest.mark.parametrize("fault", [*faults.ALL, None], ids=lambda fault: fault.__name__ if fault else "crash")
def test_whichever_call_fails_the_export_ends_as_without(
    world: World, lake: Lake, gateway: Gateway, fault: faults.Fault | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call of a whole export by its number; of the faults that leave the worker alive, some."""
    monkeypatch.setattr(exports, "FILE_BYTES", 700)
    ids = objects.put(world, lake, *(f"{n % 3}/{n:02}" for n in range(15)))
    gateway.call("POST", "/data/tags", {"tags": ["car"], "ids": ids[:5]})
    before = deepcopy(world.dynamodb.tables), deepcopy(world.sqs.queues)
    expected, calls = export_failing(world, gateway, 10**9, fault)
    assert expected[0] == JobState.SUCCEEDED
    assert len(expected[1]) == 15
    assert calls > 40
    numbers = range(calls) if fault is None else range(faults.ALL.index(fault), calls, 17)
    for number in numbers:
        world.dynamodb.tables, world.sqs.queues = deepcopy(before[0]), deepcopy(before[1])
        assert export_failing(world, gateway, number, fault)[0] == expected, f"call {number}"


def export_failing(
    world: World, gateway: Gateway, number: int, fault: faults.Fault | None
) -> tuple[Any, int]:
    """What came of it, and how many calls it took. Without a fault the worker dies at the call."""
    job_id = gateway.call("POST", "/exports", {}).body["job"]["id"]
    calls = count()

    def decide(request: Request) -> Any:
        act = fault or die if next(calls) == number else faults.none
        return act(world, request)

    queue = world.sqs.queues["walks"]
    while queue.visible:
        [message] = world.sqs.receive("walks", list(queue.visible)[:1])
        world.interpose = decide
        try:
            answer = walks.receive([message.as_record()], plenty)
        except Dead:
            answer = {"batchItemFailures": [message.id]}
        world.interpose = None
        failed = [message.id] if answer["batchItemFailures"] else []
        world.sqs.settle("walks", [] if failed else [message.id], failed)
    over = jobs.read(gateway.organization, job_id)
    manifest = json.loads(files(world, job_id)["manifest.json"])
    told = sorted(json.dumps(line) for line in lines(world, job_id))
    assert sum(each["records"] for each in manifest["files"]) == over.progress["seen"] == len(told)
    assert over.progress["files"] == len(manifest["files"]) > 1
    assert len(keyranges.of_walk(walk_of(over, Phase.FIND))) > 1
    return (over.state, told), next(calls)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_there_throughout_is_told_once_whoever_writes_meanwhile(
    world: World, lake: Lake, gateway: Gateway, seed: int
) -> None:
    """Others come and go, and a worker is at its range twice."""
    random = Random(seed)
    stay = [f"{n:03}/stays" for n in range(40)]
    objects.put(world, lake, *stay)
    job_id = gateway.call("POST", "/exports", {}).body["job"]["id"]
    others = [f"{n:03}/passes" for n in range(40)]
    queue = world.sqs.queues["walks"]
    while deliver(world, lambda: 0 if random.random() < 0.3 else 300_000, queue="walks"):
        name = random.choice(others)
        if random.random() < 0.5:
            objects.put(world, lake, name)
        elif world.s3.buckets[lake.bucket].current(name):
            objects.delete(world, lake, name)
        if queue.visible and random.random() < 0.4:
            twice = next(iter(queue.visible.values()))
            walks.receive([twice.as_record()], plenty)
    told = [line["object_name"] for line in lines(world, job_id)]
    assert len(told) == len(set(told))
    assert set(stay) <= set(told) <= {*stay, *others}
