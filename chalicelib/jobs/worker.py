"""One delivery of the queue of jobs: steps of one job, as many as there is time for. As long as a job is not
over, there is a message for it, and so somebody hears that it was canceled."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.errors import Hopeless, StorageUnavailable, UnknownLake
from chalicelib.jobs import (
    changes_by_query,
    csv_import,
    deletions,
    detachments,
    lake_deletions,
    link_checks,
    restores,
)
from chalicelib.model import moment
from chalicelib.model.job import ACTIVE, MUST_END, Job, JobKind, JobState
from chalicelib.model.lake import Lake
from chalicelib.observability import count, logger
from chalicelib.storage import jobs, lakes, queues

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chalicelib.jobs.steps import Step

DELIVERIES = 8
"""How often a job may be interrupted. The queue in infra/resources.yaml allows for one delivery more: it ends
a job whose worker died each time without a word."""

_RESERVE_MS = 60_000
"""What must be left of the invocation before another step is begun."""

_STEPS: "Mapping[JobKind, Callable[[Lake, Job], Step]]" = {
    JobKind.DETACH_LABEL: detachments.step,
    JobKind.DELETE: deletions.step,
    JobKind.EDIT_BY_QUERY: changes_by_query.step,
    JobKind.DELETE_LAKE: lake_deletions.step,
    JobKind.CHECK_LINKS: link_checks.step,
    JobKind.CSV_IMPORT: csv_import.step,
    JobKind.RESTORE: restores.step,
}
_ENDS: "Mapping[JobKind, Callable[[Job], None]]" = {
    JobKind.CSV_IMPORT: csv_import.end,
    JobKind.RESTORE: restores.end,
}
"""What is to be done for a job that does not succeed, so that people see how far it was. It may be done
twice."""


def receive(messages: "Sequence[dict[str, Any]]", remaining_ms: "Callable[[], int]") -> dict[str, Any]:
    """The answer of ReportBatchItemFailures: the messages that must come again, and only those."""
    failed = [message["messageId"] for message in messages if not _receive_one(message, remaining_ms)]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def _receive_one(message: dict[str, Any], remaining_ms: "Callable[[], int]") -> bool:
    job = Job.decode(message["body"])
    deliveries = int(message["attributes"]["ApproximateReceiveCount"])
    if deliveries > DELIVERIES and job.kind not in MUST_END:
        return _give_up(job, "its worker died each time")
    try:
        _work(job, remaining_ms)
    except UnknownLake:
        return _give_up(job, "its datalake is gone")
    except Hopeless as error:
        return _give_up(job, str(error))
    except Exception as error:
        is_last = deliveries >= DELIVERIES
        logger.warning("job was interrupted", job_id=job.id, reason=repr(error), exc_info=True)
        known = isinstance(error, StorageUnavailable)
        may_give_up = is_last and job.kind not in MUST_END
        return may_give_up and _give_up(job, "the storage did not answer" if known else "internal")
    return True


def _work(given: Job, remaining_ms: "Callable[[], int]") -> None:
    job, pause = _started(jobs.enter(given)), 0
    while job and job.state in ACTIVE and not pause and remaining_ms() > _RESERVE_MS:
        job, pause = _step(job)
    if job is None:
        job = jobs.read(given.organization, given.id)
    elif job.state in ACTIVE:
        queues.send_job(job, pause)
    if job.state is JobState.CANCELED:
        _end(job)


def _started(job: Job) -> Job | None:
    if job.state is not JobState.QUEUED:
        return job
    now = moment.rfc3339(moment.now())
    return jobs.advance(job, replace(job, state=JobState.RUNNING, started_at=now))


def _end(job: Job) -> None:
    if job.kind in _ENDS:
        _ENDS[job.kind](job)


def _step(job: Job) -> tuple[Job | None, int]:
    """The job after its next step, and how many seconds the one after that has to wait. None: it was
    canceled, or somebody else is at it."""
    # Each time, so that nothing is done for a lake that is gone.
    lake = Lake.read(job.task) if job.kind in MUST_END else lakes.find(job.organization, job.lake_id)
    step = _STEPS[job.kind](lake, job)
    now = moment.rfc3339(moment.now())
    added = {name: job.progress.get(name, 0) + more for name, more in step.progress.items()}
    progress = {**job.progress, **added}
    after = replace(
        job,
        state=JobState.RUNNING if step.position is not None else JobState.SUCCEEDED,
        position=step.position,
        progress=progress,
        finished_at=None if step.position is not None else now,
    )
    done = jobs.advance(job, after)
    if done and done.state is JobState.SUCCEEDED:
        logger.info("job succeeded", job_id=job.id, kind=job.kind, progress=progress)
        count("JobsSucceeded")
    return done, step.pause


def _give_up(given: Job, reason: str) -> bool:
    """Whether the job's end is recorded, and its message need not come again."""
    try:
        job = jobs.enter(given)
        _end(job)
        if job.state not in ACTIVE:
            return True
        now = moment.rfc3339(moment.now())
        if not jobs.advance(job, replace(job, state=JobState.FAILED, finished_at=now, error=reason)):
            return False
    except StorageUnavailable:
        return False
    logger.error("job failed", job_id=given.id, kind=given.kind, reason=reason)
    count("JobsFailed")
    return True
