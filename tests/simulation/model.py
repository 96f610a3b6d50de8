"""The histories that are checked exhaustively, and what must hold at their ends."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from chalicelib.downstream import uploads
from chalicelib.downstream.outcomes import IfExists
from chalicelib.downstream.uploads import Announcement
from chalicelib.errors import StorageUnavailable
from chalicelib.jobs import scans, syncs
from chalicelib.model import limits, moment
from chalicelib.model.errand import Phase
from chalicelib.model.job import JobKind, new_job
from chalicelib.model.keyrange import KeyRange, Span
from chalicelib.model.lake import Lake
from chalicelib.preprocess import worker
from chalicelib.storage import forgetting, lakes, transactions
from chalicelib.upstream import intake
from tests.simulation.explorer import Bounds, Change, Explorer, Report
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.sqs import Queue
from tests.simulation.fakes.world import ARTIFACTS, OWNER, World, installed
from tests.simulation.painting import painted, picture

BUCKET, KEY = "photos", "a.jpg"
FORGOTTEN = "forgotten"
"""The name of the write."""


def put(body: bytes, *, later: float = 0) -> Change:
    def change(world: World) -> None:
        world.clock += later
        world.s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)

    return change


def delete(world: World) -> None:
    world.s3.delete_object(Bucket=BUCKET, Key=KEY)


def delete_version(position: int) -> Change:
    def change(world: World) -> None:
        version = world.s3.buckets[BUCKET].objects[KEY][position]
        world.s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=version.id)

    return change


def ask(queue: str) -> Change:
    """Somebody asks the API for something, which is done whenever its function runs."""

    def change(world: World) -> None:
        world.sqs.send_message(QueueUrl=queue, MessageBody="")

    return change


OPERATIONS = {
    "announce": ask("announcements"),
    "forget": ask("forgettings"),
    "scan": ask("scans"),
    "put": put(b"one"),
    "overwrite": put(b"another"),
    "put picture": put(picture("one")),
    "put picture again later": put(picture("one"), later=60),
    "overwrite picture": put(picture("another")),
    "delete": delete,
    "delete current": delete_version(-1),
    "delete oldest": delete_version(0),
    "undelete": delete_version(-1),
}


def check(
    history: Sequence[str],
    bounds: Bounds,
    *,
    versioned: bool = False,
    preprocess: bool = False,
    shows_duplicates: bool = True,
) -> Report:
    """Explore every schedule of the history. Where preprocess is of interest its steps are told apart, too.

    Who loses more races than two gives up, and its message comes again: the same, in fewer states.
    """
    fewer = patch.object(limits, "CHECK_ATTEMPTS", 2), patch.object(transactions, "ATTEMPTS", 2)
    with installed(World()) as world, painted(), fewer[0], fewer[1]:
        world.s3.buckets[BUCKET] = Bucket(OWNER, versioned=versioned)
        lake = world.add_lake("default", BUCKET)
        lakes._by_bucket[BUCKET] = (float("inf"), [lake])
        world.dynamodb.tables["data"].shape = _without_stream(world)
        world.dynamodb.shows_duplicates = shows_duplicates
        world.sqs.queues |= {name: Queue() for name in ("announcements", "forgettings", "scans")}
        queues = frozenset({"preprocess", "preprocess-large"})
        explorer = Explorer(
            world=world,
            history=[(name, OPERATIONS[name]) for name in history],
            handlers={
                "events": receive_events,
                "listing": partial(_sync, lake),
                "scans": partial(_scan, lake),
                "announcements": partial(_announce, lake),
                "forgettings": partial(_forget, lake),
                "preprocess": partial(_receive_work, worker.SMALL),
                "preprocess-large": partial(_receive_work, worker.LARGE),
            },
            agrees=partial(_disagreement, history=history, bounds=bounds),
            bounds=bounds,
            whole=frozenset() if preprocess else queues,
            counted=queues if preprocess else frozenset(),
        )
        return explorer.explore()


def _without_stream(world: World) -> Any:
    return replace(world.dynamodb.tables["data"].shape, shards=0)


def receive_events(message: dict[str, Any]) -> dict[str, Any]:
    return intake.receive([message], plenty)


def _receive_work(tier: worker.Tier, message: dict[str, Any]) -> dict[str, Any]:
    return worker.receive([message], plenty, tier)


def _sync(lake: Lake, _: dict[str, Any]) -> dict[str, Any]:
    """What a sync does with the one range that there is: first all hints at what is there, then at what is
    not."""
    return _walk(lake, JobKind.SYNC, syncs.way, *Phase)


def _scan(lake: Lake, _: dict[str, Any]) -> dict[str, Any]:
    return _walk(lake, JobKind.SCAN, scans.way, Phase.FIND)


def _walk(lake: Lake, kind: JobKind, way: Any, *phases: Phase) -> dict[str, Any]:
    task = {"dry_run": False, "force": True, "patience_seconds": 0}
    job = replace(new_job(lake.organization, lake.id, kind, task), id=f"the {kind}")
    whole = KeyRange(walk=job.id, id="0", span=Span(lake.prefix), position="", expires_at=0)
    try:
        for phase in phases:
            way(lake, job, phase).visit(whole)
    except StorageUnavailable:
        return {"batchItemFailures": [kind]}
    return {"batchItemFailures": []}


def _announce(lake: Lake, _: dict[str, Any]) -> dict[str, Any]:
    draft = Announcement(object_name=KEY, size=3, content_type="image/png", description="said")
    try:
        [outcome] = uploads.announce(lake, [draft], IfExists.OVERWRITE)
    except StorageUnavailable:
        return {"batchItemFailures": ["announcement"]}
    return {"batchItemFailures": [] if outcome.data else ["announcement"]}


def _forget(lake: Lake, _: dict[str, Any]) -> dict[str, Any]:
    try:
        forgetting.forget(lake, [lake.data_id(KEY)], lambda _: FORGOTTEN)
    except StorageUnavailable:
        return {"batchItemFailures": ["forgetting"]}
    return {"batchItemFailures": []}


def plenty() -> int:
    return 60_000


def _disagreement(world: World, history: Sequence[str], bounds: Bounds) -> str | None:
    item = next(iter(world.dynamodb.tables["data"].items.values()), None)
    if "forget" in history and (item is None or item["op_id"] == ("S", FORGOTTEN)):
        return None
    if "announce" in history and not bounds.leaps and (item is None or "description" not in item):
        return f"what was announced is lost: {item}"
    live = item if item and item["state"] == ("S", "live") else None
    current = world.s3.buckets[BUCKET].current(KEY)
    if live is None or current is None:
        return None if live is None and current is None else f"in the index: {live}, in the bucket: {current}"
    told = {
        "etag": ("S", current.etag),
        "size": ("N", len(current.body)),
        "version_id": None if current.id == "null" else ("S", current.id),
        "last_modified": ("S", moment.rfc3339(current.last_modified)),
    }
    wrong = {name: live.get(name) for name, value in told.items() if live.get(name) != value}
    if wrong or live["status"] == ("S", "indexed"):
        return f"the index shows {live} of {current}"
    if "thumbnail" not in live:
        return None
    if live["width"] != ("N", len(current.body)):
        return f"the facts of other bytes are shown: {live}"
    thumbnail = f"{live['id'][1]}/{live['content'][1]}.webp"
    return None if thumbnail in world.s3.buckets[ARTIFACTS].objects else f"{thumbnail} is missing"
