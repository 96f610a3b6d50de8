"""Scans and syncs from the call that begins one to its end, over an AWS in memory that fails. Pages are
short, so that a few objects make many ranges."""

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from decimal import Decimal
from functools import partial
from itertools import chain, count, repeat
from random import Random
from typing import Any

import pytest

from chalicelib.changes import fold
from chalicelib.downstream import uploads
from chalicelib.downstream.outcomes import IfExists
from chalicelib.errors import StorageUnavailable
from chalicelib.jobs import nightly, scans, syncs, walks
from chalicelib.model import limits, moment
from chalicelib.model.data import Data, State, Status
from chalicelib.model.errand import Phase, walk_of
from chalicelib.model.job import Job, JobKind, JobState
from chalicelib.model.keyrange import KeyRange
from chalicelib.model.lake import ARTIFACTS_PREFIX, Lake, Preprocess
from chalicelib.observability import logger
from chalicelib.preprocess import worker as preprocess
from chalicelib.storage import entries, jobs, keyranges, lakes, listings, records, taggings, thumbnails
from chalicelib.upstream import intake
from tests.simulation import faults, objects
from tests.simulation.fakes.dynamodb import encoded
from tests.simulation.fakes.errors import refusal
from tests.simulation.fakes.events import s3_notification
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ARTIFACTS, ORGANIZATION, Request, World, installed
from tests.simulation.interference import let
from tests.simulation.invocation import Invocation
from tests.simulation.painting import painted, picture, spoiled_picture
from tests.simulation.shift import deliver, plenty, work
from tests.unit.api.gateway import Gateway

KEYS = {
    "one prefix": [f"dataset/images/{n:012}.jpg" for n in range(90)],
    "hex hashes": [f"{n * 2654435761 % 2**32:08x}" for n in range(90)],
    "dates": [f"{2019 + n % 7}/{1 + n % 12:02}/{1 + n % 28:02}/{n}" for n in range(90)],
    "emoji": [chr(0x1F600 + n % 40) + chr(0x1F40B + n) for n in range(90)],
    "longest": ["k" * 1020 + f"{n:04}" for n in range(90)],
    "longest of four bytes": ["🐋" * 255 + f"{n:04}" for n in range(90)],
    "slashes": ["a", "a/", "a//", "a//b", "/", "//", "/a", "a/b", "a/b/", *(f"a/{n}" for n in range(40))],
    "case and form": [*"aAbB", "\u00e9", "e\u0301", "É", "E\u0301", *(f"É{n}" for n in range(40)), "ﬁ", "fi"],
    "last characters": ["\U0010ffff" * n for n in range(1, 40)] + ["\uffff", "\ud7ff", "\ue000", "z"],
    "control characters": [*(chr(n) for n in range(1, 50)), "\x7f", "\x01\x01", "a\nb", "a\tb", "\x00"],
    "one of another alphabet": [*(f"data/{n:04}" for n in range(90)), "\U0001f40b"],
    "one name that begins all": ["a", *(f"a/{n:03}" for n in range(90))],
    "uneven": [f"{'' if n % 9 else n}lots/{n:03}" for n in range(90)],
    "one far behind": [*(f"a/{n:03}" for n in range(80)), "b"],
    "one far before": ["A", *(f"a/{n:03}" for n in range(80))],
    "prefixes of each other": ["a" * n for n in range(1, 60)],
    "all alike but the last": [chr(n) for n in range(0x4E00, 0x4E00 + 90)],
    "none": [],
    "a single one": ["a"],
}

CHAINS = [KEYS["prefixes of each other"], KEYS["last characters"]]
"""Most of them begin with the one before. As names end after 1,024 bytes, there are no two pages of such."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(listings, "PAGE", 3)
    monkeypatch.setattr(scans, "PAGES", 2)
    monkeypatch.setattr(syncs, "PAGES", 2)
    monkeypatch.setattr(syncs, "PAGES_WITH_FILES", 2)
    monkeypatch.setattr(entries, "FROM_SHARD", 5)
    monkeypatch.setattr(syncs, "ALWAYS_REMOVED", 20)
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default")


def fill(world: World, lake: Lake, names: list[str], body: bytes = b"12345") -> None:
    """Without anybody being told."""
    for name in names:
        world.s3.put_object(Bucket=lake.bucket, Key=name, Body=body)
    world.s3.events.clear()


def scan(world: World, lake: Lake) -> Job:
    job = jobs.begin_scan(lake)
    work(world, queue="walks")
    return jobs.read(job.organization, job.id)


def sync(world: World, lake: Lake, **task: Any) -> Job:
    job = jobs.begin_sync(lake, **task)
    work(world, queue="walks")
    return jobs.read(job.organization, job.id)


def upstream(world: World) -> None:
    """All hints are looked at, and what waits for preprocess is taken away."""
    while ids := list(world.sqs.queues["events"].visible):
        received = world.sqs.receive("events", ids)
        answer = intake.receive([message.as_record() for message in received], lambda: 60_000)
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        world.sqs.settle("events", [m.id for m in received if m.id not in failed], sorted(failed))


def live(world: World) -> dict[str, Data]:
    return {name: data for name, data in known(world).items() if data.live}


def known(world: World) -> dict[str, Data]:
    """Also what is announced, and what is gone."""
    items = world.dynamodb.tables["data"].items.values()
    return {data.object_name: data for data in map(record, items)}


def record(item: Any) -> Data:
    return records.from_attributes(encoded(item))


def shown(world: World) -> dict[str, tuple[str, int]]:
    return {name: (data.etag, data.size) for name, data in live(world).items()}


def stored(world: World, lake: Lake) -> dict[str, tuple[str, int]]:
    listing = world.s3.buckets[lake.bucket].listing().items()
    return {
        name: (version.etag, len(version.body))
        for name, version in listing
        if lake.holds(name) and not (name.endswith("/") and not version.body)
    }


def ranges_of(job: Job) -> list[KeyRange]:
    return keyranges.of_walk(walk_of(job, Phase.FIND))


@pytest.mark.parametrize("names", KEYS.values(), ids=KEYS)
def test_a_scan_records_every_name_once(world: World, lake: Lake, names: list[str]) -> None:
    fill(world, lake, names)
    job = scan(world, lake)
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert shown(world) == stored(world, lake)
    assert len(shown(world)) == len(set(names))
    assert job.progress["seen"] == job.progress["inserted"] == len(set(names))
    assert job.progress["bytes"] == 5 * len(set(names))
    assert len(world.sqs.queues["preprocess"].visible) == len(set(names))
    assert not world.sqs.queues["events"].visible
    if len(names) > 40 and names not in CHAINS:
        assert max(each.counts.get("seen", 0) for each in ranges_of(job)) < len(set(names)) / 2


@pytest.mark.parametrize("names", KEYS.values(), ids=KEYS)
def test_a_sync_right_after_finds_nothing(world: World, lake: Lake, names: list[str]) -> None:
    fill(world, lake, names)
    scan(world, lake)
    publish_all(world)
    job = sync(world, lake)
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert job.progress["seen"] == job.progress["unchanged"] == len(set(names))
    assert not world.sqs.queues["events"].visible


def publish_all(world: World) -> None:
    """As preprocess does; the counters are told."""
    table = world.dynamodb.tables["data"]
    for key, item in list(table.items.items()):
        table.items[key] = item | {"status": ("S", "ready")}


def drift(world: World, lake: Lake, random: Random) -> None:
    """What a bucket and its index may be like after events were lost: whatever can differ differs."""
    names = [f"{random.choice('abc')}/{n:02}" for n in range(40)]
    fill(world, lake, names)
    scan(world, lake)
    publish_all(world)
    world.sqs.queues["preprocess"].visible.clear()
    table = world.dynamodb.tables["data"]
    for name in names:
        match random.randrange(8):
            case 0:
                world.s3.delete_object(Bucket=lake.bucket, Key=name)
            case 1:
                world.s3.put_object(Bucket=lake.bucket, Key=name, Body=random.choice([b"other", b"longer"]))
            case 2:
                del table.items[("S", lake.data_id(name)),]
            case 3:
                key = (("S", lake.data_id(name)),)
                table.items[key] = table.items[key] | {"status": ("S", "indexed")}
    fill(world, lake, [f"d/{n}" for n in range(random.randrange(9))])
    never_came = [f"e/{n}" for n in range(random.randrange(4))]
    drafts = [uploads.Announcement(object_name=n, size=1, content_type="image/png") for n in never_came]
    uploads.announce(lake, drafts, IfExists.OVERWRITE)
    world.clock += limits.ANNOUNCED_SECONDS + 1
    world.s3.events.clear()
    count_all(world, lake)


def count_all(world: World, lake: Lake) -> None:
    """As `changes` does."""
    waiting = sum(data.status is Status.INDEXED for data in live(world).values())
    counter = {"lake_id": ("S", lake.id), "slot": ("S", "0"), "status:indexed": ("N", Decimal(waiting))}
    world.dynamodb.tables["counters"].items[("S", lake.id), ("S", "0")] = counter


def settle(world: World, lake: Lake) -> None:
    upstream(world)
    publish_all(world)
    count_all(world, lake)


@pytest.mark.parametrize("seed", range(6))
def test_one_sync_repairs_any_drift_and_the_second_finds_none(world: World, lake: Lake, seed: int) -> None:
    drift(world, lake, Random(seed))
    expected = differences(world, lake)
    dry = sync(world, lake, dry_run=True)
    assert {name: dry.progress[name] for name in expected} == expected
    assert dry.progress["hinted"] == 0
    assert not world.sqs.queues["events"].visible
    first = sync(world, lake)
    assert first.state is JobState.SUCCEEDED
    assert {name: first.progress[name] for name in expected} == expected
    assert first.progress["hinted"] == sum(expected.values())
    asked = len(world.sqs.queues["events"].visible)
    assert asked == sum(expected.values())
    settle(world, lake)
    assert shown(world) == stored(world, lake)
    second = sync(world, lake)
    assert {second.progress[name] for name in (*expected, "hinted", "failed")} == {0}
    assert second.progress["unchanged"] == second.progress["seen"] == len(shown(world))


def differences(world: World, lake: Lake) -> dict[str, int]:
    index, bucket = shown(world), stored(world, lake)
    both = index.keys() & bucket.keys()
    changed = {name for name in both if index[name] != bucket[name]}
    return {
        "new": len(bucket.keys() - index.keys()),
        "changed": len(changed),
        "ghosts": len(index.keys() - bucket.keys()),
        "missing_thumbnails": sum(live(world)[name].status is Status.INDEXED for name in both - changed),
        "stale": sum(data.state is State.ANNOUNCED for data in known(world).values()),
    }


@pytest.mark.parametrize("kind", ["scan", "sync", "thumbnails"])
@pytest.mark.parametrize("fault", [*faults.ALL, None], ids=lambda fault: fault.__name__ if fault else "crash")
def test_whichever_call_fails_the_walk_ends_as_without(
    world: World, lake: Lake, kind: str, fault: faults.Fault | None
) -> None:
    """Every call of a whole walk by its number; of the faults that leave the worker alive, some."""
    names = [f"{n % 3}/{n:02}" for n in range(16)]
    fill(world, lake, names)
    if kind != "scan":
        scan(world, lake)
        publish_all(world)
        world.sqs.queues["preprocess"].visible.clear()
        paint_all(world)
        lose(world, lake, names)
    before = deepcopy(world.dynamodb.tables), deepcopy(world.sqs.queues)
    expected, calls = walk_failing(world, lake, kind, 10**9, fault)
    assert calls > 40
    numbers = range(calls) if fault is None else range(faults.ALL.index(fault), calls, 11)
    for number in numbers:
        world.dynamodb.tables, world.sqs.queues = deepcopy(before[0]), deepcopy(before[1])
        assert walk_failing(world, lake, kind, number, fault)[0] == expected, f"call {number}"


def lose(world: World, lake: Lake, names: list[str]) -> None:
    for name in names[:4]:
        world.s3.delete_object(Bucket=lake.bucket, Key=name)
    for name in names[4:8]:
        del world.dynamodb.tables["data"].items[("S", lake.data_id(name)),]
    lose_thumbnails(world, names[8:11])


def paint_all(world: World) -> None:
    """All that is live has a thumbnail."""
    table = world.dynamodb.tables["data"]
    for key, item in list(table.items.items()):
        table.items[key] = item | {"thumbnail": ("BOOL", True)}
        world.s3.put_object(Bucket=ARTIFACTS, Key=record(item).thumbnail_key, Body=b"webp")


def lose_thumbnails(world: World, names: Iterable[str]) -> None:
    for name in names:
        world.s3.delete_object(Bucket=ARTIFACTS, Key=live(world)[name].thumbnail_key)


def walk_failing(
    world: World, lake: Lake, kind: str, number: int, fault: faults.Fault | None
) -> tuple[Any, int]:
    """What came of it, and how many calls it took. Without a fault the worker dies at the call."""
    job = jobs.begin_scan(lake) if kind == "scan" else jobs.begin_sync(lake, thumbnails=kind == "thumbnails")
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
    over = jobs.read(job.organization, job.id)
    sent = {name: bodies(world, name) for name in ("events", "preprocess")}
    return (shown(world), sent, over.state, over.progress), next(calls)


class Dead(BaseException):
    pass


def die(world: World, request: Request) -> Any:
    raise Dead


def bodies(world: World, queue: str) -> set[str]:
    """What was hinted or sent, however often."""
    sent = (json.loads(message.body) for message in world.sqs.queues[queue].visible.values())
    return {str(body["object_name"]) for body in sent}


def full(world: World, lake: Lake, count: int = 60) -> list[str]:
    """A lake that agrees with its bucket."""
    names = [f"{n:03}" for n in range(count)]
    fill(world, lake, names)
    scan(world, lake)
    publish_all(world)
    world.calls.clear()
    return names


def test_a_sync_that_would_remove_too_much_stops_and_asks(world: World, lake: Lake) -> None:
    names = full(world, lake)
    for name in names[:25]:
        world.s3.delete_object(Bucket=lake.bucket, Key=name)
    stopped = sync(world, lake)
    assert stopped.state is JobState.FAILED
    assert stopped.error is not None
    assert stopped.error.startswith("25 of 60 objects are not in the bucket any more; nothing was removed")
    assert (stopped.progress["ghosts"], stopped.progress["hinted"]) == (25, 0)
    assert not world.sqs.queues["events"].visible
    forced = sync(world, lake, force=True)
    assert (forced.state, forced.progress["hinted"]) == (JobState.SUCCEEDED, 25)
    settle(world, lake)
    assert len(shown(world)) == 35


def test_what_goes_between_the_two_walks_is_not_removed_with_what_was_counted(
    world: World, lake: Lake
) -> None:
    names = full(world, lake)
    world.s3.delete_object(Bucket=lake.bucket, Key=names[0])
    jobs.begin_sync(lake)
    while not any("#remove" in str(key) for key in world.dynamodb.tables["ranges"].items):
        deliver(world, queue="walks")
    world.s3.buckets[lake.bucket].objects.clear()
    work(world, queue="walks")
    [job] = jobs.page(lake.organization, lake.id, JobState.FAILED, None, 9)
    assert job.error == "more objects are missing than were counted; sync again"
    assert len(world.sqs.queues["events"].visible) <= 1


def denied(world: World, request: Request) -> Any:
    raise refusal(request.operation, "AccessDenied", 403)


def half_an_answer(world: World, request: Request) -> Any:
    return {"Contents": world.perform(request)["Contents"][:1]}


def nothing_and_more(world: World, request: Request) -> Any:
    return {"IsTruncated": True, "KeyCount": 0}


@pytest.mark.parametrize("how", ["denied", "half", "nothing", "deleted", "taken"])
@pytest.mark.parametrize("kind", ["scan", "sync"])
def test_what_a_bucket_does_not_say_is_never_taken_for_deletions(
    world: World, lake: Lake, how: str, kind: str
) -> None:
    full(world, lake)
    answers: dict[str, Any] = {"denied": denied, "half": half_an_answer, "nothing": nothing_and_more}
    if how == "deleted":
        del world.s3.buckets[lake.bucket]
    elif how == "taken":
        world.s3.buckets[lake.bucket] = Bucket("999999999999")
    else:

        def decide(request: Request) -> Any:
            is_list = request.operation == "ListObjectsV2"
            return answers[how](world, request) if is_list else world.perform(request)

        world.interpose = decide
    job = scan(world, lake) if kind == "scan" else sync(world, lake)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.startswith("the storage did not answer: list objects, ")
    assert not world.sqs.queues["events"].visible
    assert not world.sqs.queues["walks-dead-letters"].visible
    assert len(shown(world)) == 60


def test_a_page_that_ends_early_is_gone_on_from(world: World, lake: Lake) -> None:
    full(world, lake)

    def decide(request: Request) -> Any:
        answer = world.perform(request)
        if request.operation == "ListObjectsV2" and len(answer["Contents"]) > 1:
            answer |= {"Contents": answer["Contents"][:1], "IsTruncated": True}
        return answer

    world.interpose = decide
    job = sync(world, lake)
    assert (job.state, job.progress["unchanged"], job.progress["ghosts"]) == (JobState.SUCCEEDED, 60, 0)


@pytest.mark.parametrize("kind", ["scan", "sync"])
def test_a_bucket_that_lists_in_another_order_is_not_walked(world: World, lake: Lake, kind: str) -> None:
    """As buckets do that are made for speed."""
    full(world, lake)

    def decide(request: Request) -> Any:
        answer = world.perform(request)
        if request.operation == "ListObjectsV2":
            answer["Contents"].reverse()
        return answer

    world.interpose = decide
    job = scan(world, lake) if kind == "scan" else sync(world, lake)
    assert (job.state, job.error) == (
        JobState.FAILED,
        "the bucket does not list its objects in the order of their names",
    )
    assert not world.sqs.queues["events"].visible


def test_a_scan_of_what_is_known_already_hints_only_what_differs(world: World, lake: Lake) -> None:
    names = full(world, lake)
    world.s3.put_object(Bucket=lake.bucket, Key=names[7], Body=b"another")
    objects.delete(world, lake, names[8])
    world.s3.put_object(Bucket=lake.bucket, Key=names[8], Body=b"back again")
    world.dynamodb.shows_duplicates = False
    job = scan(world, lake)
    counts = {name: job.progress[name] for name in ("seen", "inserted", "unchanged", "changed", "hinted")}
    assert counts == {"seen": 60, "inserted": 0, "unchanged": 58, "changed": 2, "hinted": 2}
    assert bodies(world, "events") == {names[7], names[8]}


def test_folders_are_no_data_and_other_lakes_names_are_not_touched(world: World, lake: Lake) -> None:
    frames = world.add_lake("frames", lake.bucket, "frames/", shards=3)
    names = ["a", "frames", "frames/", *(f"frames/{n:02}" for n in range(30)), "frames0", "z"]
    fill(world, lake, names)
    world.s3.put_object(Bucket=lake.bucket, Key="frames/empty/", Body=b"")
    world.s3.put_object(Bucket=lake.bucket, Key=f"{ARTIFACTS_PREFIX}own", Body=b"own")
    assert scan(world, frames).progress["seen"] == 31
    assert shown(world) == stored(world, frames)
    publish_all(world)
    assert sync(world, frames).progress["unchanged"] == 31
    assert sync(world, lake).progress["new"] == len(names)
    assert set(live(world)) == {name for name in names if name.startswith("frames/")}


def test_a_lake_whose_bytes_are_not_looked_at_sends_no_work_and_misses_no_thumbnails(
    world: World, lake: Lake
) -> None:
    lake = lakes.change(lake, {"preprocess": Preprocess.OFF})
    fill(world, lake, ["a", "b"])
    scan(world, lake)
    count_all(world, lake)
    assert not world.sqs.queues["preprocess"].visible
    assert sync(world, lake).progress["missing_thumbnails"] == 0


def test_names_that_no_record_can_have_are_counted_and_harm_nobody(world: World, lake: Lake) -> None:
    fill(world, lake, ["a", "b" * 1025, "c"])
    for job in (scan(world, lake), sync(world, lake)):
        assert (job.state, job.progress["seen"], job.progress["failed"]) == (JobState.SUCCEEDED, 3, 1)
    assert set(live(world)) == {"a", "c"}


def test_a_canceled_walk_stops_and_tells_how_far_it_was(world: World, lake: Lake) -> None:
    fill(world, lake, [f"{n:03}" for n in range(60)])
    job = jobs.begin_scan(lake)
    deliver(world, partial(next, chain([300_000] * 2, repeat(0))), queue="walks")
    gateway = Gateway()
    world.clock += 2
    running = gateway.call("GET", f"/v1/jobs/{job.id}").body
    assert (running["state"], running["progress"]["seen"]) == ("running", len(live(world)))
    assert gateway.call("POST", f"/v1/jobs/{job.id}/cancel").status == 202
    work(world, queue="walks")
    canceled = gateway.call("GET", f"/v1/jobs/{job.id}").body
    assert canceled["state"] == "canceled"
    assert 0 < canceled["progress"]["seen"] == len(live(world)) < 60


@pytest.mark.parametrize("kind", ["scan", "sync"])
def test_a_walk_tells_how_fast_it_is_and_one_over_known_objects_how_long_it_takes(
    world: World, lake: Lake, kind: str
) -> None:
    gateway = Gateway()
    if kind == "sync":
        full(world, lake)
        objects.add_connector(lake.bucket)
        gateway.call("POST", "/links", {"links": [{"url": "https://example.com/a"}]})
        upload = {"object_name": "a.jpg", "size": 5, "content_type": "image/jpeg"}
        gateway.call("POST", "/uploads", {"uploads": [upload]})
        objects.count(world)
        job = jobs.begin_sync(lake)
    else:
        fill(world, lake, [f"{n:03}" for n in range(60)])
        job = jobs.begin_scan(lake)
    queued = gateway.call("GET", f"/v1/jobs/{job.id}").body["progress"]
    assert queued == {}
    deliver(world, partial(next, chain([300_000] * 2, repeat(0))), queue="walks")
    world.clock = moment.parse(jobs.read(job.organization, job.id).started_at or "").timestamp() + 2
    progress = gateway.call("GET", f"/v1/jobs/{job.id}").body["progress"]
    seen = progress["seen"]
    assert 0 < seen < 60
    left = {} if kind == "scan" else {"seconds_left": round((60 - seen) * 2 / seen)}
    assert {name: progress[name] for name in progress if "second" in name} == {
        "per_second": round(seen / 2)
    } | left
    work(world, queue="walks")
    over = gateway.call("GET", f"/v1/jobs/{job.id}").body["progress"]
    assert over["seen"] == 60
    assert not {"per_second", "seconds_left"} & over.keys()


def test_a_walk_of_a_lake_that_is_deleted_ends(world: World, lake: Lake) -> None:
    fill(world, lake, [f"{n:03}" for n in range(60)])
    job = jobs.begin_scan(lake)
    deliver(world, partial(next, chain([300_000] * 2, repeat(0))), queue="walks")
    world.dynamodb.tables["lakes"].items.clear()
    work(world, queue="walks")
    failed = jobs.read(job.organization, job.id)
    assert (failed.state, failed.error) == (JobState.FAILED, "its datalake is gone")
    assert 0 < failed.progress["seen"] < 60


def test_of_jobs_that_are_over_no_range_is_read(world: World, lake: Lake) -> None:
    """Nights of a bucket that is gone leave many that failed before they had seen anything."""
    for _ in range(3):
        jobs.begin_sync(lake)
    world.dynamodb.tables["lakes"].items.clear()
    work(world, queue="walks")
    world.calls.clear()
    shown = Gateway().call("GET", "/v1/jobs").body["items"]
    assert [(job["state"], job["progress"]) for job in shown] == [("failed", {})] * 3
    assert not [call for call in world.calls if call.parameters.get("TableName") == "ranges"]


def test_a_walk_goes_on_in_as_many_invocations_as_it_takes(world: World, lake: Lake) -> None:
    fill(world, lake, [f"{n:03}" for n in range(60)])
    job = jobs.begin_scan(lake)
    while deliver(world, partial(next, chain([300_000], repeat(0))), queue="walks"):
        pass
    assert jobs.read(job.organization, job.id).progress["inserted"] == 60


def test_a_worker_without_time_leaves_the_end_to_another(world: World, lake: Lake) -> None:
    fill(world, lake, ["a"])
    job = jobs.begin_scan(lake)
    deliver(world, partial(next, chain([300_000], repeat(0))), queue="walks")
    assert jobs.read(job.organization, job.id).state is JobState.RUNNING
    deliver(world, queue="walks")
    assert jobs.read(job.organization, job.id).state is JobState.SUCCEEDED
    assert not world.sqs.queues["walks"].visible


def test_a_worker_that_dies_each_time_ends_the_job(world: World, lake: Lake) -> None:
    fill(world, lake, ["a"])
    job = jobs.begin_scan(lake)
    for _ in range(8):
        [message] = world.sqs.receive("walks", list(world.sqs.queues["walks"].visible))
        world.sqs.settle("walks", [], [message.id])
    work(world, queue="walks")
    assert jobs.read(job.organization, job.id).error == "it was interrupted too often"


def test_a_sync_is_begun_by_a_call_and_shown_as_a_job(world: World, lake: Lake) -> None:
    full(world, lake)
    gateway = Gateway()
    begun = gateway.call("POST", "/sync", {"dry_run": True})
    assert (begun.status, begun.body["job"]["kind"], begun.body["job"]["state"]) == (202, "sync", "queued")
    work(world, queue="walks")
    shown_job = gateway.call("GET", f"/v1/jobs/{begun.body['job']['id']}").body
    assert (shown_job["state"], shown_job["progress"]["unchanged"]) == ("succeeded", 60)
    assert Gateway(role="viewer").call("POST", "/sync", {}).status == 403
    assert gateway.call("POST", "/sync", {"force": "yes"}).status == 400
    assert Gateway(lake="none").call("POST", "/sync", {}).status == 404


def test_every_lake_is_synced_once_a_night(world: World, lake: Lake) -> None:
    world.add_lake("other", lake.bucket)
    busy = world.add_lake("busy", lake.bucket)
    jobs.begin_scan(busy)
    nightly.sync_all()
    nightly.sync_all()
    begun = [job for job in jobs.page(ORGANIZATION, None, None, None, 99) if job.kind is JobKind.SYNC]
    assert len(begun) == 2
    assert busy.id not in {job.lake_id for job in begun}


def test_a_walk_that_was_lost_keeps_no_further_night_from_its_lake(world: World, lake: Lake) -> None:
    jobs.begin_scan(lake)
    world.sqs.queues["walks"].visible.clear()
    nightly.sync_all()
    assert not world.sqs.queues["walks"].visible
    world.clock += 86_400 - 60
    nightly.sync_all()
    assert len(world.sqs.queues["walks"].visible) == 1


def test_a_lake_that_cannot_be_synced_at_night_keeps_none_from_it_and_is_told(
    world: World, lake: Lake
) -> None:
    world.add_lake("other", lake.bucket)
    let(world, "SendMessage", faults.throttled)
    with pytest.raises(StorageUnavailable):
        nightly.sync_all()
    world.interpose = None
    assert len(world.sqs.queues["walks"].visible) == 1
    nightly.sync_all()
    assert len(world.sqs.queues["walks"].visible) == 2


def test_what_was_inserted_lately_may_wait_for_its_turn_at_night(world: World, lake: Lake) -> None:
    fill(world, lake, ["a"])
    scan(world, lake)
    count_all(world, lake)
    assert sync(world, lake, patience_seconds=3600).progress["missing_thumbnails"] == 0
    world.clock += 3601
    assert sync(world, lake, patience_seconds=3600).progress["missing_thumbnails"] == 1


@pytest.mark.parametrize("seed", range(8))
def test_walkers_that_overtake_each_other_amid_puts_and_deletes_lose_nothing(
    world: World, lake: Lake, seed: int
) -> None:
    """Messages come twice and all at once, calls of all workers interleave, and the bucket changes meanwhile;
    the events of that come late."""
    random = Random(seed)
    names = [f"{random.choice('abc')}/{n:02}" for n in range(40)]
    fill(world, lake, names)
    job = jobs.begin_scan(lake) if seed % 2 else jobs.begin_sync(lake)
    queue, running = world.sqs.queues["walks"], []
    late: list[str] = []
    while queue.visible or running:
        if queue.visible and len(running) < 5 and (not running or random.random() < 0.2):
            twice = random.choice(list(queue.visible.values()))
            if random.random() < 0.2:
                world.sqs.send_message(QueueUrl="walks", MessageBody=twice.body)
            [message] = world.sqs.receive("walks", [twice.id])
            handed = [message.as_record()]
            running.append((message, Invocation(world, lambda handed=handed: walks.receive(handed, plenty))))
        elif random.random() < 0.02:
            change(world, lake, random, names)
            late += [s3_notification(event) for event in world.s3.events]
            world.s3.events.clear()
        else:
            random.choice(running)[1].answer(world.perform)
        for message, invocation in [each for each in running if each[1].ended]:
            running.remove((message, invocation))
            world.sqs.settle("walks", [message.id], [])
    over = jobs.read(job.organization, job.id)
    assert (over.state, over.error) == (JobState.SUCCEEDED, None)
    for body in late:
        world.sqs.send_message(QueueUrl="events", MessageBody=body)
    settle(world, lake)
    assert shown(world) == stored(world, lake)
    second = sync(world, lake)
    found = ("new", "changed", "ghosts", "missing_thumbnails", "stale", "hinted")
    assert {second.progress[name] for name in found} == {0}


@pytest.mark.parametrize("seed", range(4))
def test_one_pass_over_drift_repairs_it_amid_puts_deletes_and_crashes(
    world: World, lake: Lake, seed: int
) -> None:
    """Upstream is at work all the while. What is in the bucket from the beginning to the end is never
    recorded as gone, not even for a moment."""
    random = Random(seed)
    drift(world, lake, random)
    there, job = stored(world, lake), jobs.begin_sync(lake, force=True)
    staying, changes = set(there), 0
    running: list[tuple[str, Any, Invocation]] = []
    handlers: dict[str, Any] = {
        "walks": lambda messages: walks.receive(messages, plenty),
        "events": lambda messages: intake.receive(messages, lambda: 60_000),
    }
    while running or any(world.sqs.queues[name].visible for name in handlers):
        waiting = [name for name in handlers if world.sqs.queues[name].visible]
        if waiting and len(running) < 5 and (not running or random.random() < 0.2):
            name = random.choice(waiting)
            [message] = world.sqs.receive(name, [random.choice(list(world.sqs.queues[name].visible))])
            handle = partial(handlers[name], [message.as_record()])
            running.append((name, message, Invocation(world, handle)))
        elif changes < 30 and random.random() < 0.05:
            changes += 1
            change(world, lake, random, sorted(there))
            staying &= stored(world, lake).keys()
            for event in world.s3.events * random.choice([1, 1, 2]):
                world.sqs.send_message(QueueUrl="events", MessageBody=s3_notification(event))
            world.s3.events.clear()
        elif running and random.random() < 0.01:
            name, message, dead = running.pop(random.randrange(len(running)))
            dead.crash()
            world.sqs.settle(name, [], [message.id])
        elif running:
            random.choice(running)[2].answer(world.perform)
            items = world.dynamodb.tables["data"].items.values()
            assert not [
                each for each in items if each["state"] == ("S", "gone") and each["object_name"][1] in staying
            ]
        for each in [each for each in running if each[2].ended]:
            running.remove(each)
            name, message, over = each
            failed = [message.id] if over.error or over.result["batchItemFailures"] else []
            world.sqs.settle(name, [] if failed else [message.id], failed)
    over = jobs.read(job.organization, job.id)
    assert (over.state, over.error) == (JobState.SUCCEEDED, None)
    settle(world, lake)
    assert shown(world) == stored(world, lake)
    second = sync(world, lake)
    found = ("new", "changed", "ghosts", "missing_thumbnails", "stale", "hinted")
    assert {second.progress[name] for name in found} == {0}


def test_names_that_changed_while_nobody_told_are_followed(world: World, lake: Lake) -> None:
    for n in range(30):
        fill(world, lake, [f"old/{n:02}"], body=f"the bytes of {n}".encode())
    scan(world, lake)
    publish_all(world)
    ids = {f"old/{n:02}": lake.data_id(f"old/{n:02}") for n in range(30)}
    taggings.attach(lake.id, frozenset({"car"}), ids.values())
    objects.count(world)
    world.clock += 86_400
    created = {name: data.created_at for name, data in live(world).items()}
    seen = len(world.dynamodb.tables["data"].changes)
    for name in ids:
        source = {"Bucket": lake.bucket, "Key": name}
        world.s3.copy_object(Bucket=lake.bucket, Key=name.replace("old", "new"), CopySource=source)
        world.s3.delete_object(Bucket=lake.bucket, Key=name)
    world.s3.events.clear()
    found = sync(world, lake, force=True)
    assert (found.progress["new"], found.progress["ghosts"]) == (30, 30)
    upstream(world)
    for shard in {each.shard for each in world.dynamodb.tables["data"].changes}:
        told = [each for each in world.dynamodb.tables["data"].changes[seen:] if each.shard == shard]
        fold.receive({"Records": [each.as_event(["id"]) for each in told], "shardId": shard})
    renamed = live(world)
    assert {data.tags for data in renamed.values()} == {frozenset({"car"})}
    assert {name.replace("new", "old"): data.created_at for name, data in renamed.items()} == created


def change(world: World, lake: Lake, random: Random, names: list[str]) -> None:
    name = random.choice([*names, f"new/{random.randrange(20)}"])
    if random.random() < 0.5:
        world.s3.delete_object(Bucket=lake.bucket, Key=name)
    else:
        world.s3.put_object(Bucket=lake.bucket, Key=name, Body=b"x" * random.randint(1, 9))


def test_a_scan_and_a_sync_ask_little_for_each_object(
    world: World, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    count = 4_000
    fill(world, lake, [f"{n:05}" for n in range(count)])
    with installed(world):
        world.calls.clear()
        scan(world, lake)
        assert requests(world, "dynamodb") / count < 0.045
        assert requests(world, "s3") / count < 0.01
        publish_all(world)
        world.calls.clear()
        sync(world, lake)
        assert requests(world, "dynamodb", "s3") / count < 0.01


@pytest.mark.parametrize("when", Preprocess)
def test_thumbnails_whose_files_were_removed_are_made_again_where_bytes_are_looked_at(
    world: World, lake: Lake, when: Preprocess
) -> None:
    names = full(world, lake)
    lake = lakes.change(lake, {"preprocess": when})
    world.sqs.queues["preprocess"].visible.clear()
    paint_all(world)
    lose_thumbnails(world, names[::7])
    lost = 0 if when is Preprocess.OFF else len(names[::7])
    assert sync(world, lake).progress["missing_thumbnails"] == 0
    dry = sync(world, lake, thumbnails=True, dry_run=True).progress
    assert (dry["missing_thumbnails"], dry["unchanged"], dry["hinted"]) == (lost, 60 - lost, 0)
    assert not world.sqs.queues["preprocess"].visible
    found = sync(world, lake, thumbnails=True).progress
    assert (found["missing_thumbnails"], found["unchanged"], found["hinted"]) == (lost, 60 - lost, lost)
    assert bodies(world, "preprocess") == (set(names[::7]) if lost else set())
    before = live(world)
    with painted():
        preprocess_all(world)
    second = sync(world, lake, thumbnails=True).progress
    assert (second["missing_thumbnails"], second["unchanged"]) == (0, 60)
    assert {name: data.content for name, data in live(world).items()} == {
        name: data.content for name, data in before.items()
    }


def test_where_files_are_looked_for_a_step_is_shorter(
    world: World, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncs, "PAGES", 5)
    monkeypatch.setattr(syncs, "PAGES_WITH_FILES", 1)
    monkeypatch.setattr(entries, "FROM_SHARD", 1000)
    full(world, lake)
    asked: list[int] = []
    monkeypatch.setattr(thumbnails, "missing", lambda found: asked.append(len(list(found))) or [])
    assert sync(world, lake, thumbnails=True).progress["unchanged"] == 60
    assert sum(asked) == 60
    assert max(asked) == listings.PAGE


def preprocess_all(world: World) -> None:
    queue = world.sqs.queues["preprocess"]
    received = world.sqs.receive("preprocess", list(queue.visible))
    answer = preprocess.receive([each.as_record() for each in received], plenty, preprocess.SMALL)
    failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    world.sqs.settle("preprocess", [each.id for each in received if each.id not in failed], failed)


def test_a_thumbnail_that_cannot_be_made_again_is_none_any_more(world: World, lake: Lake) -> None:
    fill(world, lake, ["a", "b", "c"], body=spoiled_picture())
    scan(world, lake)
    publish_all(world)
    paint_all(world)
    lose_thumbnails(world, ["a", "b", "c"])
    world.sqs.queues["preprocess"].visible.clear()
    sync(world, lake, thumbnails=True)
    world.s3.put_object(Bucket=lake.bucket, Key="b", Body=picture("other"))
    world.s3.delete_object(Bucket=lake.bucket, Key="c")
    with painted():
        preprocess_all(world)
    upstream(world)
    assert (live(world)["a"].status, live(world)["a"].thumbnail) == (Status.FAILED, False)
    preprocess_dead = world.sqs.queues["preprocess-dead-letters"].visible
    assert not preprocess_dead


def test_thumbnails_are_listed_where_they_lie_close_and_looked_for_where_they_lie_apart(
    world: World, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    with installed(world):
        fill(world, lake, [f"{n:04}" for n in range(1050)])
        scan(world, lake)
        paint_all(world)
        found = sorted(live(world).values(), key=lambda data: data.id)
        lost = found[::50]
        lose_thumbnails(world, [data.object_name for data in lost])
        world.calls.clear()
        assert thumbnails.missing(found) == lost
        assert (world.called("ListObjectsV2"), world.called("HeadObject")) == (3, 0)
        for n in range(4000):
            world.s3.put_object(Bucket=ARTIFACTS, Key=f"{n * 16:04x}0000-0000/x.webp", Body=b"another's")
        world.calls.clear()
        assert thumbnails.missing([*found[::300], found[1001]]) == found[::300]
        assert (world.called("ListObjectsV2"), world.called("HeadObject")) == (1, 4)


def requests(world: World, *services: str) -> int:
    return sum(call.service in services for call in world.calls)


def test_an_upload_that_never_came_is_stale_once_it_need_not_be_waited_for(world: World, lake: Lake) -> None:
    upload = {"object_name": "a.jpg", "size": 5, "content_type": "image/jpeg"}
    objects.add_connector(lake.bucket)
    assert Gateway().call("POST", "/uploads", {"uploads": [upload]}).status == 200
    counts = ("seen", "new", "changed", "ghosts", "stale", "hinted")
    assert {sync(world, lake).progress[name] for name in counts} == {0}
    world.clock += limits.ANNOUNCED_SECONDS + 1
    found = sync(world, lake).progress
    assert [found[name] for name in counts] == [0, 0, 0, 0, 1, 1]
    upstream(world)
    assert {sync(world, lake).progress[name] for name in counts} == {0}


def test_an_upload_whose_event_was_lost_is_found(world: World, lake: Lake) -> None:
    upload = {"object_name": "a.jpg", "size": 5, "content_type": "image/jpeg"}
    objects.add_connector(lake.bucket)
    Gateway().call("POST", "/uploads", {"uploads": [upload]})
    fill(world, lake, ["a.jpg"])
    assert sync(world, lake).progress["changed"] == 1
    upstream(world)
    assert shown(world) == stored(world, lake)


@pytest.mark.parametrize("calls", range(2, 30, 3))
def test_a_worker_that_wakes_up_late_undoes_nothing_and_counts_nothing_twice(
    world: World, lake: Lake, calls: int
) -> None:
    """It stands still after so many calls, while another one with the same errand goes on for some steps."""
    fill(world, lake, [f"{n:03}" for n in range(40)])
    job = jobs.begin_scan(lake)
    [message] = world.sqs.receive("walks", list(world.sqs.queues["walks"].visible))
    world.sqs.send_message(QueueUrl="walks", MessageBody=message.body)
    late = Invocation(world, lambda: walks.receive([message.as_record()], plenty))
    for _ in range(calls):
        late.answer(world.perform)
    deliver(world, partial(next, chain([300_000] * 3, repeat(0))), queue="walks")
    while not late.ended:
        late.answer(world.perform)
    assert late.result == {"batchItemFailures": []}
    work(world, queue="walks")
    over = jobs.read(job.organization, job.id)
    assert (over.state, over.error, over.progress["seen"]) == (JobState.SUCCEEDED, None, 40)
    assert shown(world) == stored(world, lake)
