"""Scans and syncs of lakes that are made for it: by the deployed functions, or by this process, counted."""

import time
import uuid
from typing import TYPE_CHECKING, Final

from chalicelib.model import moment

if TYPE_CHECKING:
    from bench.stack import Stack
    from chalicelib.model.job import Job, JobKind
    from chalicelib.model.lake import Lake
    from chalicelib.storage.entries import Entry

_PATIENCE_SECONDS: Final = 1800


def add_lake(cloud: "Stack", prefix: str) -> "Lake":
    """One that nobody looks at the bytes of, as old as the default one."""
    from chalicelib.storage import lakes

    name = f"{prefix or 'all'}-{uuid.uuid4()}"
    own = {"id": {"S": str(uuid.uuid4())}, "name": {"S": name}, "prefix": {"S": prefix}}
    there = {"organization": {"S": "default"}, "id": {"S": default().id}}
    dynamodb, table = cloud.handle.client("dynamodb"), cloud.handle.tables["lakes"]
    item = dynamodb.get_item(TableName=table, Key=there)["Item"]
    dynamodb.put_item(TableName=table, Item=item | own | {"preprocess": {"S": "off"}})
    return lakes.find("default", name)


def default() -> "Lake":
    from chalicelib.storage import lakes

    [found] = [lake for lake in lakes.of_organization("default") if lake.name == "default"]
    return found


def look_at_no_bytes(lake: "Lake") -> "Lake":
    from chalicelib.model.lake import Preprocess
    from chalicelib.storage import lakes

    return lakes.change(lake, {"preprocess": Preprocess.OFF})


def scan(lake: "Lake", objects: int, known: int = 0) -> float:
    """New objects a second, by the deployed functions."""
    from chalicelib.storage import jobs

    job = _wait(jobs.begin_scan(lake))
    _expect(job, objects, "inserted")
    _expect(job, objects + known, "seen")
    return objects / _seconds(job)


def sync(lake: "Lake", objects: int) -> float:
    """Seconds, by the deployed functions, that it takes to find that nothing differs."""
    from chalicelib.storage import jobs

    job = _wait(jobs.begin_sync(lake))
    _expect(job, objects, "unchanged")
    return _seconds(job)


def walk_here(cloud: "Stack", lake: "Lake", kind: "JobKind", objects: int) -> None:
    """The same as the deployed functions do, by their code in this process."""
    from chalicelib.jobs import walks
    from chalicelib.model.errand import Errand
    from chalicelib.model.job import JobState, new_job
    from chalicelib.storage import jobs

    task = {"dry_run": False, "force": False, "patience_seconds": 0}
    job = new_job(lake.organization, lake.id, kind, task)
    first = {"messageId": "0", "receiptHandle": "0", "body": Errand(job).encode()}
    message = first | {"attributes": {"ApproximateReceiveCount": "1"}}
    while True:
        if walks.receive([message], lambda: 600_000)["batchItemFailures"]:
            raise RuntimeError("a walk failed")
        there = jobs.read(job.organization, job.id)
        if there.state is JobState.SUCCEEDED:
            break
        [message] = cloud.receive("walks", 1)
    _expect(there, objects, "seen")


def entries(lake: "Lake") -> "list[Entry]":
    """All that the index by name holds of the lake."""
    from chalicelib.model.keyrange import Span
    from chalicelib.storage import entries

    known: list[Entry] = []
    end: str | None = ""
    while end is not None:
        some = entries.read(lake, Span(lake.prefix, end))
        known += some.found
        end = some.end
    return known


def _wait(job: "Job") -> "Job":
    from chalicelib.model.job import ACTIVE, JobState
    from chalicelib.storage import jobs

    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (there := jobs.read(job.organization, job.id)).state in ACTIVE and time.monotonic() < deadline:
        time.sleep(0.2)
    if there.state is not JobState.SUCCEEDED:
        raise RuntimeError(f"the job is {there.state}: {there.error}")
    return there


def _expect(job: "Job", objects: int, counted: str) -> None:
    if job.progress[counted] != objects:
        raise RuntimeError(f"of {objects} objects the job {counted} others: {job.progress}")


def _seconds(job: "Job") -> float:
    return (moment.parse(job.finished_at or "") - moment.parse(job.started_at or "")).total_seconds()
