"""An index that was lost is made anew of its bucket and an export, over an AWS in memory that fails."""

import gzip
import io
import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from random import Random
from typing import Any

import pytest

from chalicelib import seekable
from chalicelib.downstream import restoring
from chalicelib.imports import unpacking
from chalicelib.jobs import restores, worker
from chalicelib.model import limits
from chalicelib.model.job import JobState
from chalicelib.model.lake import Lake
from chalicelib.observability import logger
from chalicelib.storage import entries, jobs, lakes
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ARTIFACTS, Request, World, installed
from tests.simulation.interference import let
from tests.simulation.shift import deliver, plenty, work
from tests.unit.api.gateway import Gateway
from tests.unit.formats.bombs import bomb
from tests.unit.jobs.exporting import export, files, fill, publish, shown


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(entries, "FROM_SHARD", 3)
    monkeypatch.setattr(restores, "_ROWS", 7)
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default", "other")


@pytest.fixture
def gateway(lake: Lake) -> Gateway:
    return Gateway()


def lose(world: World, lake: Lake, *tables: str) -> None:
    """All records, tags and counters of the lake; then what is in the bucket is recorded again."""
    for name in tables or ("data", "taggings", "counters", "labels"):
        world.dynamodb.tables[name].items.clear()
    for queue in world.sqs.queues.values():
        queue.visible.clear()
    world.clock += 86_400
    jobs.begin_scan(lake)
    work(world, queue="walks")


def restore(world: World, gateway: Gateway, job_id: str | None, **more: Any) -> dict[str, Any]:
    answer = gateway.call("POST", "/imports/export", {"job": job_id, **more})
    assert answer.status == 202
    work(world)
    return dict(gateway.call("GET", f"/v1/jobs/{answer.body['job']['id']}").body)


def given(world: World, gateway: Gateway, content: bytes) -> dict[str, Any]:
    """The job, once somebody has uploaded that."""
    answer = gateway.call("POST", "/imports/export", {})
    assert answer.body["upload"]["fields"]["key"] == f"imports/{answer.body['job']['id']}/given"
    world.s3.put_object(Bucket=ARTIFACTS, Key=answer.body["upload"]["fields"]["key"], Body=content)
    work(world)
    return dict(gateway.call("GET", f"/v1/jobs/{answer.body['job']['id']}").body)


def settled(gateway: Gateway) -> list[dict[str, Any]]:
    """The list in its order, when the bytes have been looked at, but for when that was, and what S3 says with
    them."""
    publish([item["id"] for item in shown(gateway)])
    times = ("updated_at", "checked_at", "last_modified")
    return [{name: item[name] for name in item if name not in times} for item in shown(gateway)]


def everything(world: World) -> dict[str, Any]:
    names = ("data", "taggings", "labels")
    return {name: deepcopy(world.dynamodb.tables[name].items) for name in names}


def report(world: World, job: dict[str, Any]) -> list[str]:
    body = world.s3.buckets[ARTIFACTS].current(f"imports/{job['id']}/report.csv")
    assert body is not None
    return body.body.decode().splitlines()


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
@pytest.mark.parametrize("seed", range(3))
def test_the_list_is_the_same_after_the_index_was_lost(
    world: World, lake: Lake, gateway: Gateway, seed: int, file_format: str
) -> None:
    fill(world, lake, gateway, Random(seed))
    before = settled(gateway)
    by_tag = tagged(gateway)
    job_id = export(world, gateway, file_format)
    lose(world, lake)
    assert settled(gateway) != before
    job = restore(world, gateway, job_id)
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert settled(gateway) == before
    assert tagged(gateway) == by_tag
    links = sum(item["kind"] == "link" for item in before)
    told = job["progress"]
    assert (told["rows"], told["created"], told["failed"]) == (len(before), links, 0)
    assert len(world.sqs.queues["fetches"].visible) == links
    assert report(world, job) == ["row,name,outcome,code,detail"]


def tagged(gateway: Gateway) -> dict[str, list[str]]:
    """Who has each tag, as the index of tags has it."""
    names = ("car", "𠀀", "two words")
    return {
        name: [item["id"] for item in gateway.call("GET", "/data", tags=name, limit="1000").body["items"]]
        for name in names
    }


def test_doing_it_again_changes_nothing(world: World, lake: Lake, gateway: Gateway) -> None:
    fill(world, lake, gateway, Random(1))
    job_id = export(world, gateway)
    unchanged = everything(world)
    assert restore(world, gateway, job_id)["progress"]["skipped"] == len(shown(gateway))
    assert everything(world) == unchanged
    lose(world, lake)
    restore(world, gateway, job_id)
    unchanged = everything(world)
    again = restore(world, gateway, job_id)["progress"]
    assert again == {"rows": again["rows"], "skipped": again["rows"], "created": 0, "updated": 0, "failed": 0}
    assert everything(world) == unchanged


class Dead(BaseException):
    pass


def die(world: World, request: Request) -> Any:
    raise Dead


@pytest.mark.parametrize("fault", [*faults.ALL, None], ids=lambda fault: fault.__name__ if fault else "crash")
def test_whichever_call_fails_the_list_is_the_same(
    world: World, lake: Lake, gateway: Gateway, fault: faults.Fault | None
) -> None:
    """Every call of a whole import by its number; of the faults that leave the worker alive, some."""
    fill(world, lake, gateway, Random(2), ["a", "é", "𠀀", "b/c", "b/d"])
    expected = settled(gateway)
    job_id = export(world, gateway)
    lose(world, lake)
    before = deepcopy(world.dynamodb.tables), deepcopy(world.sqs.queues)
    counts, calls = restore_failing(world, gateway, job_id, 10**9, fault)
    assert settled(gateway) == expected
    assert calls > 20
    for number in range(calls) if fault is None else range(faults.ALL.index(fault), calls, 7):
        world.dynamodb.tables, world.sqs.queues = deepcopy(before[0]), deepcopy(before[1])
        assert restore_failing(world, gateway, job_id, number, fault)[0] == counts, f"call {number}"
        assert settled(gateway) == expected, f"call {number}"
        assert len({m.body for m in world.sqs.queues["fetches"].visible.values()}) >= counts["created"]


def restore_failing(
    world: World, gateway: Gateway, job_id: str, number: int, fault: faults.Fault | None
) -> tuple[Any, int]:
    """The counts, and how many calls it took. Without a fault the worker dies at the call."""
    begun = gateway.call("POST", "/imports/export", {"job": job_id}).body["job"]["id"]
    calls = count()

    def decide(request: Request) -> Any:
        act = fault or die if next(calls) == number else faults.none
        return act(world, request)

    queue = world.sqs.queues["jobs"]
    while queue.visible:
        [message] = world.sqs.receive("jobs", list(queue.visible)[:1])
        world.interpose = decide
        try:
            answer = worker.receive([message.as_record()], plenty)
        except Dead:
            answer = {"batchItemFailures": [message.id]}
        world.interpose = None
        failed = [message.id] if answer["batchItemFailures"] else []
        world.sqs.settle("jobs", [] if failed else [message.id], failed)
    over = jobs.read(gateway.organization, begun)
    assert over.state is JobState.SUCCEEDED
    return over.progress, next(calls)


def test_what_was_written_since_stays_but_where_the_export_says_otherwise(
    world: World, lake: Lake, gateway: Gateway
) -> None:
    [data_id] = objects.put(world, lake, "a")
    created_at = gateway.call("GET", f"/data/{data_id}").body["created_at"]
    gateway.call("PATCH", f"/data/{data_id}", {"custom_metadata": {"lot": "A7"}, "description": "old"})
    gateway.call("POST", "/data/tags", {"tags": ["car"], "ids": [data_id]})
    job_id = export(world, gateway)
    lose(world, lake)
    gateway.call("PATCH", f"/data/{data_id}", {"custom_metadata": {"n": 1}, "description": "new"})
    gateway.call("POST", "/data/tags", {"tags": ["bus"], "ids": [data_id]})
    assert restore(world, gateway, job_id)["progress"]["updated"] == 1
    item = gateway.call("GET", f"/data/{data_id}").body
    assert item["custom_metadata"] == {"n": 1, "lot": "A7"}
    assert (item["description"], item["tags"], item["created_at"]) == ("old", ["bus", "car"], created_at)
    assert [each["id"] for each in gateway.call("GET", "/data", tags="bus").body["items"]] == [data_id]


def test_links_are_made_anew_as_far_as_the_quota_allows(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "_ROWS", 100)
    objects.put(world, lake, "a")
    objects.count(world)
    Gateway(role="admin").call("PATCH", "/v1/datalakes/default", {"quota": {"items": 4}})
    rows: list[dict[str, Any]] = [
        {"object_name": f"l/{n}", "kind": "link", "url": f"https://example.org/{n}"} for n in range(5)
    ]
    content = "\n".join(json.dumps(row) for row in [*rows, LINE]).encode()
    job = given(world, gateway, content)
    expected = {"rows": 6, "created": 3, "updated": 1, "skipped": 0, "failed": 2}
    assert (job["state"], job["progress"]) == ("succeeded", expected)
    assert [line.split(",")[3] for line in report(world, job)[1:]] == ["quota_exceeded"] * 2
    objects.count(world)
    again = given(world, gateway, content)["progress"]
    assert (again["skipped"], again["failed"]) == (4, 2)


def test_who_edits_and_tags_at_the_same_time_is_not_lost(world: World, lake: Lake, gateway: Gateway) -> None:
    ids = objects.put(world, lake, *"abcde")
    gateway.call("POST", "/data/tags", {"tags": ["car"], "ids": ids})
    job_id = export(world, gateway)
    lose(world, lake)
    answer = gateway.call("POST", "/imports/export", {"job": job_id})

    def meanwhile() -> None:
        gateway.call("PATCH", f"/data/{ids[0]}", {"description": "meanwhile"})
        gateway.call("POST", "/data/tags", {"tags": ["bus"], "ids": [ids[1]]})

    def hindered(world: World, request: Request) -> Any:
        world.interpose = None
        meanwhile()
        return world.perform(request)

    let(world, "TransactWriteItems", hindered)
    work(world)
    assert gateway.call("GET", f"/v1/jobs/{answer.body['job']['id']}").body["state"] == "succeeded"
    listed = {item["id"]: item for item in shown(gateway)}
    assert listed[ids[0]]["description"] == "meanwhile"
    assert listed[ids[1]]["tags"] == ["bus", "car"]
    assert [item["id"] for item in gateway.call("GET", "/data", tags="bus").body["items"]] == [ids[1]]
    assert len(gateway.call("GET", "/data", tags="car").body["items"]) == 5


def test_another_lake_of_the_bucket_may_be_given_it_too(world: World, lake: Lake, gateway: Gateway) -> None:
    fill(world, lake, gateway, Random(3))
    job_id = export(world, gateway)
    before = said_of(gateway)
    gateway.lake = "other"
    assert said_of(gateway) != before
    restore(world, gateway, job_id)
    assert said_of(gateway) == before


@pytest.mark.parametrize(("target", "outcome"), [("default", "updated"), ("other", "failed")])
def test_a_schema_holds_for_what_another_lake_was_allowed(
    world: World, lake: Lake, gateway: Gateway, target: str, outcome: str
) -> None:
    [data_id] = objects.put(world, lake, "a")
    gateway.call("PATCH", f"/data/{data_id}", {"custom_metadata": {"lot": 7}})
    job_id = export(world, gateway)
    schema = {"fields": {"lot": {"type": "string"}}}
    path = f"/v1/datalakes/{target}"
    assert Gateway(role="admin").call("PATCH", path, {"metadata_schema": schema}).status == 200
    lose(world, lake, "data")
    jobs.begin_scan(lakes.find(lake.organization, "other"))
    world.clock += 60
    work(world, queue="walks")
    gateway.lake = target
    assert restore(world, gateway, job_id)["progress"][outcome] == 1


def said_of(gateway: Gateway) -> list[str]:
    names = ("kind", "object_name", "url", "created_at", "tags", "source", "custom_metadata", "description")
    return sorted(json.dumps([item[name] for name in names]) for item in shown(gateway))


LINE = {"object_name": "a", "tags": ["car"]}


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "text"])
def test_a_file_that_is_uploaded_is_read_row_by_row(
    world: World, lake: Lake, gateway: Gateway, pack: Any
) -> None:
    names = [f"{n:02}" for n in range(30)]
    ids = objects.put(world, lake, *names)
    text = "\n".join(json.dumps({"object_name": name, "tags": ["car"]}) for name in names)
    job = given(world, gateway, pack(text.encode()))
    assert job["progress"]["updated"] == job["progress"]["rows"] == 30
    assert {item["id"] for item in gateway.call("GET", "/data", tags="car").body["items"]} == set(ids)


def test_a_file_that_is_packed_as_a_whole_is_unpacked_once(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seekable.open_file, "__defaults__", (1000,))
    monkeypatch.setattr(unpacking, "_CHUNK_BYTES", 1000)
    words = Random(1)
    rows = [{"object_name": f"{n}", "description": f"{words.random()}"} for n in range(700)]
    content = gzip.compress("\n".join(json.dumps(row) for row in rows).encode())
    job = given(world, gateway, content)
    assert (job["state"], job["progress"]["rows"]) == ("succeeded", 700)
    read = [call for call in world.calls if call.parameters.get("IfMatch")]
    assert len(read) <= len(content) / 1000 + 3


def test_a_step_holds_no_more_than_some_long_rows(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "_ROWS", 100)
    monkeypatch.setattr(restores, "_BYTES", 5000)
    held: list[int] = []
    say = restoring.restore

    def watch(lake: Lake, kept: Any, op_id: str) -> Any:
        held.append(len(kept))
        return say(lake, kept, op_id)

    monkeypatch.setattr(restoring, "restore", watch)
    ids = objects.put(world, lake, *(f"{n:02}" for n in range(30)))
    rows = [{"object_name": f"{n:02}", "status_reason": "x" * 900, "tags": ["car"]} for n in range(30)]
    job = given(world, gateway, gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    assert (job["state"], job["progress"]["updated"]) == ("succeeded", len(ids))
    assert held == [6] * 5 + [0]


def test_a_file_of_which_nothing_means_anything_is_not_read_to_its_end(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FAILED_ROWS", 30)
    job = given(world, gateway, gzip.compress(b"\n" * 1000))
    assert (job["state"], job["error"]) == ("failed", "more than 30 of its rows failed")
    assert job["progress"]["rows"] == len(report(world, job)) - 1 == 28


BAD: dict[str, tuple[Any, str]] = {
    "no object": ([1], "invalid_row"),
    "no name": ({"tags": ["car"]}, "invalid_row"),
    "half a character": ({"object_name": "\ud800"}, "invalid_row"),
    "unknown field": (LINE | {"sizes": 1}, "invalid_row"),
    "wrong tags": (LINE | {"tags": "car"}, "invalid_row"),
    "wrong time": (LINE | {"created_at": "yesterday"}, "invalid_row"),
    "wrong kind": (LINE | {"kind": "folder"}, "invalid_row"),
    "wrong metadata": (LINE | {"metadata": {"latitude": 1}}, "invalid_row"),
    "deep": (LINE | {"custom_metadata": {"a": {}}}, "invalid_row"),
    "not recorded": ({"object_name": "never"}, "not_found"),
    "gone": ({"object_name": "gone"}, "not_found"),
    "no url": ({"object_name": "l", "kind": "link"}, "invalid_url"),
    "long type": (
        {"object_name": "l", "kind": "link", "url": "https://example.org/l", "content_type": "x" * 500_000},
        "invalid_row",
    ),
    "inner url": ({"object_name": "l", "kind": "link", "url": "https://127.0.0.1/a.jpg"}, "invalid_url"),
    "foreign bucket": ({"object_name": "l", "kind": "link", "url": "s3://foreign/a"}, "invalid_url"),
    "taken": ({"object_name": "link", "kind": "link", "url": "https://example.org/2"}, "conflict"),
    "too many tags": (LINE | {"tags": [f"{n}" for n in range(limits.TAGS_PER_RECORD)]}, "conflict"),
    "too much": (LINE | {"custom_metadata": {f"{n}": "x" * 1000 for n in range(20)}}, "invalid_request"),
    "against the schema": (LINE | {"custom_metadata": {"lot": 7}}, "invalid_request"),
}


@pytest.mark.parametrize(("row", "code"), BAD.values(), ids=BAD)
def test_a_bad_row_stops_no_other(world: World, lake: Lake, gateway: Gateway, row: Any, code: str) -> None:
    ids = objects.put(world, lake, "a", "b", "gone")
    objects.delete(world, lake, "gone")
    gateway.call("POST", "/data/tags", {"tags": ["other"], "ids": ids[:1]})
    gateway.call("POST", "/links", {"links": [{"url": "https://example.org/1", "name": "link"}]})
    gateway.role = "admin"
    schema = {"fields": {"lot": {"type": "string"}}}
    assert gateway.call("PATCH", "/v1/datalakes/default", {"metadata_schema": schema}).status == 200
    before = gateway.call("GET", f"/data/{ids[0]}").body
    text = f"{json.dumps(row)}\n{json.dumps({'object_name': 'b', 'tags': ['car']})}\n"
    job = given(world, gateway, text.encode())
    assert job["progress"] == {"rows": 2, "created": 0, "updated": 1, "skipped": 0, "failed": 1}
    [_, told] = report(world, job)
    assert told.startswith("1,")
    assert f",failed,{code}," in told
    assert gateway.call("GET", f"/data/{ids[0]}").body == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe\n", None),
        (b"\x1f\x8bnothing", "it cannot be unpacked"),
        (gzip.compress(b'{"object_name": "a"}\n' * 90)[:-12], "it ends too early"),
        (b"PAR1" + b"x" * 50, "it cannot be read as Parquet"),
        (bomb(200, 4_000_000), "it is damaged, or unfolds to more than there is memory for"),
        (b"x" * (unpacking.LINE_BYTES + 2), "a line has more than"),
        (gzip.compress(b"x" * (3 * unpacking.LINE_BYTES)), "a line has more than"),
    ],
    ids=["no text", "no gzip", "torn", "no parquet", "deadly", "long line", "long line in gzip"],
)
def test_a_file_that_is_no_export_ends_the_job_with_the_reason(
    world: World, lake: Lake, gateway: Gateway, content: bytes, reason: str | None
) -> None:
    objects.put(world, lake, "a")
    job = given(world, gateway, content)
    if reason is None:
        assert job["progress"]["failed"] == 1
    else:
        assert job["state"] == "failed"
        assert reason in job["error"]
    assert report(world, job)[0] == "row,name,outcome,code,detail"


def test_a_file_that_never_comes_is_not_waited_for_for_ever(
    world: World, lake: Lake, gateway: Gateway
) -> None:
    answer = gateway.call("POST", "/imports/export", {})
    for _ in range(200):
        world.clock += 20
        deliver(world)
    job = gateway.call("GET", f"/v1/jobs/{answer.body['job']['id']}").body
    assert (job["state"], job["error"]) == ("failed", "the file did not come within 30 minutes")


def test_an_export_whose_files_are_gone_is_told(world: World, lake: Lake, gateway: Gateway) -> None:
    job_id = export(world, gateway)
    world.s3.buckets[ARTIFACTS].objects.clear()
    job = restore(world, gateway, job_id)
    assert (job["state"], job["error"]) == ("failed", "the files of the export are not there any more")


def test_only_an_export_that_has_succeeded_can_be_imported(
    world: World, lake: Lake, gateway: Gateway
) -> None:
    scan = jobs.begin_scan(lake)
    begun = gateway.call("POST", "/exports", {}).body["job"]
    for job_id in (scan.id, begun["id"]):
        assert gateway.call("POST", "/imports/export", {"job": job_id}).places == ["#/job"]
    for job_id in ("nothing", "", "é" * 36):
        assert gateway.call("POST", "/imports/export", {"job": job_id}).status == 404
    work(world, queue="walks")
    assert gateway.call("POST", "/imports/export", {"job": begun["id"], "part": 2}).places == ["#/part"]
    assert gateway.call("POST", "/imports/export", {"part": 1}).places == ["#/part"]
    gateway.organization = "stranger"
    assert gateway.call("POST", "/imports/export", {"job": begun["id"]}).status == 404


def test_several_files_are_imported_one_after_the_other_or_alone(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.jobs import exports as export_jobs

    ids = objects.put(world, lake, *(f"{n:02}" for n in range(40)))
    gateway.call("POST", "/data/tags", {"tags": ["car"], "ids": ids})
    monkeypatch.setattr(export_jobs, "FILE_BYTES", 1000)
    job_id = export(world, gateway)
    several = len(files(world, job_id)) - 1
    assert several > 2
    lose(world, lake)
    one = restore(world, gateway, job_id, part=several)["progress"]
    assert 0 < one["updated"] == one["rows"] < 40
    rest = restore(world, gateway, job_id)["progress"]
    assert (rest["rows"], rest["updated"], rest["skipped"]) == (40, 40 - one["rows"], one["rows"])


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_rows_are_read_from_any_place_on(at_once: int) -> None:
    wanted = [f'{{"n": {n}}}'.encode() for n in range(25)]
    members = [wanted[:7], wanted[7:8], wanted[8:20], wanted[20:]]
    contents = {
        "members": b"".join(gzip.compress(b"\n".join(each) + b"\n") for each in members),
        "one": gzip.compress(b"\n".join(wanted)),
        "cut within lines": b"".join(
            gzip.compress(b"\n".join(wanted)[at : at + 9]) for at in range(0, 250, 9)
        ),
        "text": b"\n".join(wanted),
    }
    for name, content in contents.items():
        place, found = unpacking.START, []
        while True:
            rows = [
                each
                for each, _ in zip(unpacking.rows(io.BytesIO(content), place), range(at_once), strict=False)
            ]
            if not rows:
                break
            found += [bytes(row).strip() for row, _ in rows]
            place = rows[-1][1]
            assert place.row == len(found)
        assert found == wanted, name


def test_an_import_takes_few_requests(
    world: World, lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "_ROWS", 2000)
    monkeypatch.setattr(entries, "FROM_SHARD", 1000)
    ids = objects.put(world, lake, *(f"{n:03}" for n in range(300)))
    gateway.call("POST", "/data/tags", {"tags": ["car", "bus"], "ids": ids})
    job_id = export(world, gateway)
    lose(world, lake)
    world.calls.clear()
    restore(world, gateway, job_id)
    assert world.called("TransactWriteItems") <= 300 / 33 + 2 + 1
    assert world.called("BatchGetItem") == 4
    assert sum(call.service == "s3" for call in world.calls) < 9
