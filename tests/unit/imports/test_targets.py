"""What links point to, from the call that creates them to what is recorded of it: the functions one after the
other over an AWS in memory, and a real server to fetch from."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from PIL import Image

from chalicelib.downstream import links
from chalicelib.downstream.links import LinkDraft
from chalicelib.downstream.outcomes import IfLinked
from chalicelib.imports import worker as fetches_worker
from chalicelib.imports.fetching import Fetcher, Limits
from chalicelib.jobs import link_checks
from chalicelib.model import link, moment
from chalicelib.model.data import Data, Health, Kind, Reason, Status, Type
from chalicelib.model.fetch import Arrival
from chalicelib.model.job import JobKind, new_job
from chalicelib.model.lake import Lake, Preprocess
from chalicelib.preprocess import worker as preprocess_worker
from chalicelib.preprocess.worker import LARGE, SMALL
from chalicelib.storage import jobs, quarantine, records
from chalicelib.storage.records import Order
from tests.simulation import faults, objects, shift
from tests.simulation.fakes.world import ARTIFACTS, ORGANIZATION, World, installed
from tests.unit.imports.conftest import Server, answer, saying

QUICK = Limits(first_byte=1, total=2, pause=0.01, body_bytes=200_000)


def png(width: int = 31, height: int = 17) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


def picture(width: int = 31, *headers: str) -> bytes:
    body = png(width)
    return answer(body, f"Content-Length: {len(body)}", *headers)


@dataclass(slots=True)
class Bench:
    world: World
    lake: Lake
    server: Server

    def create(self, *urls: str, **more: Any) -> list[Data]:
        drafts = [LinkDraft(url, name=f"{n}.png") for n, url in enumerate(urls)]
        outcomes = links.create(self.lake, drafts, IfLinked.ERROR)
        return [outcome.data for outcome in outcomes if outcome.data]

    def fetch(self) -> int:
        return self._deliver("fetches", lambda messages: fetches_worker.receive(messages, lambda: 90_000))

    def preprocess(self) -> int:
        done = self._deliver(
            "preprocess", lambda messages: preprocess_worker.receive(messages, lambda: 60_000, SMALL)
        )
        return done + self._deliver(
            "preprocess-large", lambda messages: preprocess_worker.receive(messages, lambda: 180_000, LARGE)
        )

    def work(self) -> None:
        while self.fetch() + self.preprocess():
            pass

    def record(self, data: Data) -> Data:
        found = records.read(data.id)
        assert found
        return found

    def kept(self) -> set[str]:
        return set(self.world.s3.buckets[ARTIFACTS].listing())

    def check(self, **task: Any) -> dict[str, int]:
        """The progress of a job that ran to its end."""
        job = new_job(ORGANIZATION, self.lake.id, JobKind.CHECK_LINKS, task)
        jobs.begin(job)
        while shift.deliver(self.world):
            self.work()
            self.world.clock += link_checks.PAUSE_SECONDS
        after = jobs.read(ORGANIZATION, job.id)
        assert after.state == "succeeded"
        return dict(after.progress)

    def _deliver(self, name: str, receive: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> int:
        queue = self.world.sqs.queues[name]
        messages = self.world.sqs.receive(name, list(queue.visible))
        if not messages:
            return 0
        told = receive([message.as_record() for message in messages])
        failed = [failure["itemIdentifier"] for failure in told["batchItemFailures"]]
        self.world.sqs.settle(name, [each.id for each in messages if each.id not in failed], failed)
        return len(messages)


@pytest.fixture
def bench(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with installed(World()) as world:
        monkeypatch.setenv("FETCH_TEST_SERVER", server.address)
        monkeypatch.setattr(fetches_worker, "Fetcher", lambda test_server: Fetcher(test_server, QUICK))
        lake = objects.add_lake(world, "default")
        objects.add_connector(lake.bucket)
        yield Bench(world, lake, server)


# ── fetched once ──


def test_a_link_gets_size_type_and_thumbnail_of_its_target(bench):
    bench.server.script = saying(
        picture(31, 'ETag: "a"', "Last-Modified: Sun, 01 Mar 2026 12:00:00 GMT", "Content-Type: text/html")
    )
    [data] = bench.create(bench.server.url())
    bench.work()
    record = bench.record(data)
    assert (record.status, record.type, record.content_type) == (Status.READY, Type.IMAGE, "image/png")
    assert (record.width, record.height, record.size) == (31, 17, len(png()))
    assert (record.etag, record.last_modified) == ("a", "2026-03-01T12:00:00.000Z")
    assert (record.health, record.checked_at) == (Health.OK, moment.rfc3339(moment.now()))
    assert bench.kept() == {record.thumbnail_key}
    assert len(bench.server.requests) == 1
    assert (record.kind, record.url, record.object_name) == (Kind.LINK, data.url, data.object_name)


def test_a_link_into_a_bucket_gets_them_without_being_fetched(bench):
    bench.world.s3.put_object(Bucket=bench.lake.bucket, Key="far.png", Body=png(41))
    [data] = bench.create(f"s3://{bench.lake.bucket}/far.png")
    assert bench.fetch() == 0
    bench.work()
    record = bench.record(data)
    assert (record.status, record.width, record.size, record.health) == (Status.READY, 41, len(png(41)), "ok")
    assert record.etag == bench.world.s3.buckets[bench.lake.bucket].listing()["far.png"].etag
    assert (record.last_modified, record.kind) == ("2026-03-01T12:00:00.000Z", Kind.LINK)


@pytest.mark.parametrize(
    ("said", "reason"),
    {
        answer(b"", status="404 Not Found"): Reason.NOT_FOUND,
        answer(b"", status="403 Forbidden"): Reason.ACCESS_DENIED,
        answer(b"", status="500 Oh"): Reason.BAD_ANSWER,
        answer(b"", "Location: https://127.0.0.1/", status="302 Found"): Reason.REFUSED,
        b"": Reason.UNREACHABLE,
    }.items(),
)
def test_a_target_that_cannot_be_had_is_a_reason_and_is_not_tried_for_ever(bench, said, reason):
    bench.server.script = saying(said)
    [data] = bench.create(bench.server.url())
    bench.work()
    record = bench.record(data)
    assert (record.status, record.status_reason, record.health) == (Status.FAILED, reason, Health.DEAD)
    assert (record.url, record.thumbnail, bench.kept()) == (data.url, False, set())


def test_a_key_that_is_not_in_the_bucket_is_not_found(bench):
    [data] = bench.create(f"s3://{bench.lake.bucket}/nothing.png")
    bench.work()
    record = bench.record(data)
    assert (record.status, record.status_reason, record.health) == ("failed", "not_found", "dead")
    assert bench.world.sqs.queues["events"].visible == {}


@pytest.mark.parametrize(
    ("body", "content_type", "type_"),
    [
        (b"<!doctype html><p>404</p>", "text/html", Type.OTHER),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml", Type.IMAGE),
        (b"\0\0\0\x18ftypisom" + bytes(100), "video/mp4", Type.VIDEO),
    ],
)
def test_what_the_bytes_say_counts_and_not_what_they_are_called(bench, body, content_type, type_):
    bench.server.script = saying(answer(body, "Content-Type: image/png"))
    [data] = bench.create(bench.server.url())
    bench.work()
    record = bench.record(data)
    assert (record.status, record.status_reason) == (Status.SKIPPED, Reason.UNSUPPORTED_TYPE)
    assert (record.type, record.content_type, record.health) == (type_, content_type, Health.OK)


def test_of_what_is_too_large_the_head_tells(bench):
    bench.server.script = saying(answer(png() + bytes(300_000), "Content-Length: 9000000"))
    [data] = bench.create(bench.server.url())
    bench.work()
    record = bench.record(data)
    assert (record.status, record.status_reason, record.health) == (Status.FAILED, "too_large", Health.OK)
    assert (record.width, record.size, record.content_type) == (31, 9_000_000, "image/png")
    assert bench.kept() == set()


def test_what_was_said_to_be_its_type_stays_where_nobody_knows_better(bench):
    bench.server.script = saying(answer(b"", status="404 Not Found"))
    [outcome] = links.create(
        bench.lake, [LinkDraft(bench.server.url(), mimetype="image/jpeg")], IfLinked.ERROR
    )
    bench.work()
    assert bench.record(outcome.data).content_type == "image/jpeg"


def test_a_bucket_that_nobody_reaches_any_more_is_refused(bench, monkeypatch):
    [data] = bench.create(f"s3://{bench.lake.bucket}/a.png")
    bench.world.sqs.queues["preprocess"].visible.clear()
    monkeypatch.setattr("chalicelib.storage.connectors.homes", lambda organization: {})
    assert bench.check() == {"seen": 1, "missing": 0, "failed": 0, "dead": 1}
    assert bench.record(data).status_reason is Reason.REFUSED


# ── delivered again ──


def test_work_that_comes_twice_is_published_once(bench):
    bench.server.script = saying(picture())
    [data] = bench.create(bench.server.url())
    [message] = bench.world.sqs.queues["fetches"].visible.values()
    bench.fetch()
    bench.world.sqs.send_message(QueueUrl="fetches", MessageBody=message.body)
    bench.preprocess()
    before = bench.record(data)
    bench.world.clock += 100
    bench.work()
    assert bench.record(data) == before
    assert bench.kept() == {before.thumbnail_key}


@pytest.mark.parametrize("fault", [faults.throttled, faults.broken, faults.unreachable, faults.lost])
@pytest.mark.parametrize(
    "operation",
    ["PutObject", "SendMessageBatch", "GetObject", "UpdateItem", "DeleteObjects"],
)
def test_what_aws_did_not_answer_comes_again_and_then_succeeds(bench, operation, fault):
    bench.server.script = saying(picture())
    [data] = bench.create(bench.server.url())
    met = []

    def decide(request: Any) -> Any:
        if request.operation == operation and not met:
            met.append(request)
            return fault(bench.world, request)
        return bench.world.perform(request)

    bench.world.interpose = decide
    bench.work()
    assert met
    record = bench.record(data)
    assert (record.status, record.width) == (Status.READY, 31)
    assert record.thumbnail_key in bench.kept()


def test_nothing_is_begun_that_may_not_end_in_time(bench):
    bench.create(bench.server.url())
    messages = [
        m.as_record()
        for m in bench.world.sqs.receive("fetches", list(bench.world.sqs.queues["fetches"].visible))
    ]
    told = fetches_worker.receive(messages, lambda: 1000)
    assert len(told["batchItemFailures"]) == 1
    assert bench.server.requests == []


def test_a_message_that_cannot_be_read_harms_no_other(bench):
    bench.server.script = saying(picture())
    [data] = bench.create(bench.server.url())
    bench.world.sqs.send_message(QueueUrl="fetches", MessageBody="{}")
    bench.fetch()
    bench.preprocess()
    assert bench.record(data).status is Status.READY


# ── quarantine ──


def test_quarantine_says_what_came_of_a_fetch_and_gives_it_away(bench):
    arrival = Arrival(size=5, sha256="ab", etag="é" * 100, content_type="image/png")
    assert quarantine.look("job/1") is None
    quarantine.store("job/1", arrival, b"bytes")
    quarantine.store("job/2", Arrival(reason=Reason.REFUSED), b"")
    assert quarantine.look("job/1") == arrival
    assert quarantine.look("job/2") == Arrival(reason=Reason.REFUSED)
    with quarantine.open("job/1") as (there, stream):
        assert (there, stream.read()) == (arrival, b"bytes")
    quarantine.empty("job/")
    assert bench.kept() == set()


# ── links that lie in the bucket ──


def dataloop(url: str) -> bytes:
    return json.dumps(link.as_file(url, "image/jpeg")).encode()


def test_an_object_that_is_a_link_is_shown_as_its_target_and_stays_what_it_is(bench):
    bench.server.script = saying(picture(31, 'ETag: "of the target"'))
    file = dataloop(bench.server.url())
    [data_id] = objects.put(bench.world, bench.lake, "a.json", body=file)
    before = records.read(data_id)
    bench.work()
    record = records.read(data_id)
    assert (record.kind, record.url, record.status) == (Kind.OBJECT, bench.server.url(), Status.READY)
    assert (record.width, record.content_type, record.thumbnail) == (31, "image/png", True)
    assert (record.size, record.etag, record.rev) == (len(file), before.etag, before.rev)
    assert bench.kept() == {record.thumbnail_key}


def test_an_object_that_is_a_link_into_a_bucket_is_shown_as_that(bench):
    bench.world.s3.put_object(Bucket=bench.lake.bucket, Key="far.png", Body=png(41))
    url = f"s3://{bench.lake.bucket}/far.png"
    [data_id] = objects.put(bench.world, bench.lake, "a.json", body=dataloop(url))
    bench.work()
    record = records.read(data_id)
    assert (record.url, record.status, record.width) == (url, Status.READY, 41)
    assert record.size == len(dataloop(url))


def test_what_a_file_points_to_is_recorded_in_normal_form(bench):
    bench.world.s3.put_object(Bucket=bench.lake.bucket, Key="far.png", Body=png(41))
    far = dataloop(f"S3://{bench.lake.bucket}/far.png")
    [data_id] = objects.put(bench.world, bench.lake, "a.json", body=far)
    bench.work()
    assert records.read(data_id).url == f"s3://{bench.lake.bucket}/far.png"


def test_a_link_to_a_link_is_not_followed(bench):
    url = f"s3://{bench.lake.bucket}/a.json"
    objects.put(bench.world, bench.lake, "a.json", body=dataloop(url))
    bench.work()
    record = records.read(bench.lake.data_id("a.json"))
    assert (record.url, record.status, record.content_type) == (url, Status.SKIPPED, "application/json")


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "s3://bucket-of-nobody/key", "no url"])
def test_an_object_that_points_to_where_nobody_may_go_is_refused(bench, url):
    [data_id] = objects.put(bench.world, bench.lake, "a.json", body=dataloop(url))
    bench.work()
    record = records.read(data_id)
    assert (record.status, record.status_reason, record.url) == (Status.FAILED, Reason.REFUSED, None)
    assert bench.server.requests == []


def test_an_object_that_is_overwritten_is_no_link_any_more(bench):
    bench.server.script = saying(picture())
    [data_id] = objects.put(bench.world, bench.lake, "a.json", body=dataloop(bench.server.url()))
    bench.work()
    objects.put(bench.world, bench.lake, "a.json", body=b"plain words")
    bench.work()
    record = records.read(data_id)
    assert (record.url, record.status, record.type) == (None, Status.SKIPPED, Type.OTHER)


# ── checked ──


def test_a_check_tells_what_is_there_what_is_dead_and_what_has_changed(bench):
    said = {"fine": 'ETag: "a"', "other": 'ETag: "a"', "dead": 'ETag: "a"'}

    def script(connection: Any) -> None:
        name = bench.server.requests[-1].split()[1].decode().strip("/")
        connection.sendall(picture(31, said[name]) if said[name] else answer(b"", status="410 Gone"))

    bench.server.script = script
    fine, other, dead = bench.create(*(bench.server.url(f"/{name}") for name in said))
    bench.work()
    before = bench.record(fine)
    said |= {"other": 'ETag: "b"', "dead": ""}
    bench.world.clock += 1000
    assert bench.check() == {"seen": 3, "missing": 0, "failed": 0, "ok": 1, "changed": 1, "dead": 1}
    assert [bench.record(data).health for data in (fine, other, dead)] == ["ok", "changed", "dead"]
    after = bench.record(fine)
    assert str(after.checked_at) > str(before.checked_at)
    assert (after.content, after.etag, after.thumbnail) == (before.content, before.etag, True)
    assert bench.kept() == {bench.record(data).thumbnail_key for data in (fine, other, dead)}
    said["dead"] = 'ETag: "a"'
    assert bench.check(q='health = "dead"') == {"seen": 1, "missing": 0, "failed": 0, "ok": 1}


def test_a_check_fetches_what_could_not_be_fetched_before(bench):
    bench.server.script = saying(answer(b"", status="404 Not Found"))
    [data] = bench.create(bench.server.url())
    bench.work()
    assert bench.record(data).status is Status.FAILED
    bench.world.clock += 1000
    bench.server.script = saying(picture())
    assert bench.check() == {"seen": 1, "missing": 0, "failed": 0, "ok": 1}
    assert (bench.record(data).status, bench.record(data).width) == (Status.READY, 31)


def test_links_into_a_bucket_are_checked_there(bench):
    for name in ("a", "b", "c"):
        bench.world.s3.put_object(Bucket=bench.lake.bucket, Key=name, Body=png())
    created = bench.create(*(f"s3://{bench.lake.bucket}/{name}" for name in ("a", "b", "c")))
    bench.work()
    bench.world.s3.put_object(Bucket=bench.lake.bucket, Key="b", Body=png(50))
    bench.world.s3.delete_object(Bucket=bench.lake.bucket, Key="c")
    bench.world.clock += 1000
    assert bench.check() == {"seen": 3, "missing": 0, "failed": 0, "ok": 1, "changed": 1, "dead": 1}
    assert [bench.record(data).health for data in created] == ["ok", "changed", "dead"]


def test_by_ids_only_links_are_checked(bench):
    bench.server.script = saying(picture())
    [data] = bench.create(bench.server.url())
    [object_id] = objects.put(bench.world, bench.lake, "a.png", body=png())
    bench.work()
    bench.world.clock += 1000
    progress = bench.check(ids=[data.id, object_id, "nobody", data.id])
    assert progress == {"seen": 2, "missing": 1, "failed": 0, "ok": 1}


def test_many_links_are_checked_in_steps(bench, monkeypatch):
    monkeypatch.setattr(link_checks, "LINKS_PER_STEP", 3)
    bench.server.script = saying(picture())
    bench.create(*(bench.server.url(f"/{n}") for n in range(10)))
    bench.work()
    bench.world.clock += 1000
    for task in ({}, {"ids": _ids(bench)}):
        assert bench.check(**task) == {"seen": 10, "missing": 0, "failed": 0, "ok": 10}
        bench.world.clock += 1000


def test_what_nobody_answers_for_counts_as_failed_in_the_end(bench):
    bench.server.script = saying(picture())
    bench.create(bench.server.url())
    bench.work()
    bench.world.clock += 1000
    job = new_job(ORGANIZATION, bench.lake.id, JobKind.CHECK_LINKS, {})
    jobs.begin(job)
    deliveries = 0
    while shift.deliver(bench.world):
        deliveries += 1
        bench.world.clock += 100
    after = jobs.read(ORGANIZATION, job.id)
    assert (after.state, after.progress) == ("succeeded", {"seen": 1, "missing": 0, "failed": 1})
    assert deliveries < 15


def _ids(bench: Bench) -> list[str]:
    low, high = records.span(Order.CREATED_AT)
    found = records.positions(bench.lake, Order.CREATED_AT, [(low, high)], descending=False, limit=100)
    return [data_id for _, data_id in found]


def test_in_a_lake_whose_bytes_nobody_looks_at_links_are_only_checked(bench):
    bench.lake = replace(bench.lake, preprocess=Preprocess.OFF)
    items, key = bench.world.dynamodb.tables["lakes"].items, (("S", ORGANIZATION), ("S", bench.lake.id))
    items[key] = {**items[key], "preprocess": ("S", Preprocess.OFF)}
    bench.server.script = saying(picture(31))
    [data] = bench.create(bench.server.url())
    bench.work()
    assert bench.server.requests == []
    assert bench.check() == {"seen": 1, "missing": 0, "failed": 0, "ok": 1}
    record = bench.record(data)
    assert (record.status, record.health, record.thumbnail) == (Status.INDEXED, Health.OK, False)
