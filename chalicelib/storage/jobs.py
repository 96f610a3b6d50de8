"""Jobs, and the messages that set their worker going."""

from contextlib import suppress
from dataclasses import asdict, fields, replace
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Any

from chalicelib.errors import JobIsOver, JobMustEnd, UnknownJob
from chalicelib.model import limits, moment
from chalicelib.model.errand import Errand
from chalicelib.model.job import ACTIVE, MUST_END, Job, JobKind, JobState, new_job
from chalicelib.storage import aws, queues
from chalicelib.storage.tables import JobItem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pynamodb.expressions.condition import Condition

    from chalicelib.model.export import Format
    from chalicelib.model.lake import Lake

_ID_CHARACTERS = 36
_FIELDS = [each.name for each in fields(Job)]


def begin(job: Job, *, delay_seconds: int = 0) -> None:
    """The message comes first and says all: a job is never recorded that nobody will work at."""
    queues.send_job(job, delay_seconds)
    enter(job)


def begin_scan(lake: "Lake") -> Job:
    """Record all that is in the lake's bucket."""
    return _begin_walk(lake, JobKind.SCAN, {})


def begin_sync(
    lake: "Lake",
    *,
    dry_run: bool = False,
    force: bool = False,
    thumbnails: bool = False,
    patience_seconds: int = 0,
) -> Job:
    """Have looked at all that differs between the bucket and the index, and at what waits for its bytes to be
    looked at for longer than that. With `thumbnails` also at what has lost that."""
    task = {
        "dry_run": dry_run,
        "force": force,
        "thumbnails": thumbnails,
        "patience_seconds": patience_seconds,
    }
    return _begin_walk(lake, JobKind.SYNC, task)


def begin_export(lake: "Lake", file_format: "Format") -> Job:
    """Write what the index says to files."""
    job = new_job(lake.organization, lake.id, JobKind.EXPORT, {"format": file_format})
    queues.send_errand(Errand(job))
    return enter(job)


def _begin_walk(lake: "Lake", kind: JobKind, task: "Mapping[str, Any]") -> Job:
    return begin_walk(lake, new_job(lake.organization, lake.id, kind, task))


def begin_walk(lake: "Lake", job: Job) -> Job:
    """It begins when upstream, too, knows the lake: what a listing does not show, an event then tells, and
    what it finds wrong, a hint mends."""
    age = moment.now() - moment.parse(lake.created_at)
    queues.send_errand(Errand(job), max(0, ceil(limits.LAKE_KNOWN_SECONDS - age.total_seconds())))
    return enter(job)


def enter(job: Job) -> Job:
    """Record the job, unless it is. Answers what is recorded."""
    item = JobItem(**asdict(job))
    with suppress(aws.ConditionFailed):
        with aws.calling("record job"):
            item.save(condition=JobItem.id.does_not_exist())
        return job
    return read(job.organization, job.id)


def read(organization: str, job_id: str) -> Job:
    if not 0 < len(job_id) <= _ID_CHARACTERS:
        raise UnknownJob(job_id)
    with aws.calling("read job"):
        try:
            return _job(JobItem.get(organization, job_id, consistent_read=True))
        except JobItem.DoesNotExist as error:
            raise UnknownJob(job_id) from error


def page(
    organization: str, lake_id: str | None, state: JobState | None, before: str | None, limit: int
) -> list[Job]:
    """At most `limit` jobs, the newest first."""
    filters = [
        attribute == value
        for attribute, value in ((JobItem.lake_id, lake_id), (JobItem.state, state))
        if value is not None
    ]
    condition = filters[0] & filters[1] if len(filters) == 2 else next(iter(filters), None)
    with aws.calling("list jobs"):
        found = JobItem.query(
            organization,
            JobItem.id < before if before is not None else None,
            condition,
            scan_index_forward=False,
            consistent_read=True,
            limit=limit,
        )
        return [_job(item) for item in islice(found, limit)]


def advance(before: Job, after: Job) -> Job | None:
    """Record a step. None when somebody else has recorded one since `before` was read, or the job is over."""
    return _write(before, replace(after, step=before.step + 1))


def cancel(organization: str, job_id: str) -> Job:
    """No step is recorded from now on. Raises JobIsOver when it has ended in another way, and JobMustEnd."""
    while True:
        job = read(organization, job_id)
        if job.kind in MUST_END:
            raise JobMustEnd
        if job.state is JobState.CANCELED:
            return job
        if job.state not in ACTIVE:
            raise JobIsOver(job.state)
        now = moment.rfc3339(moment.now())
        if canceled := advance(job, replace(job, state=JobState.CANCELED, finished_at=now)):
            return canceled


def is_at(before: Job) -> "Condition":
    """Whether no step was recorded since. The last one of a job has none after it."""
    condition: Condition = JobItem.step == before.step
    return condition


def _write(before: Job, after: Job) -> Job | None:
    try:
        with aws.calling("record step"):
            JobItem(**asdict(after)).save(condition=is_at(before))
    except aws.ConditionFailed:
        there = read(before.organization, before.id)
        return there if there == after else None
    return after


def _job(item: JobItem) -> Job:
    values: dict[str, Any] = {name: getattr(item, name) for name in _FIELDS}
    return Job(
        **values
        | {
            "kind": JobKind(item.kind),
            "state": JobState(item.state),
            "step": int(item.step),
            "expires_at": int(item.expires_at),
        }
    )
