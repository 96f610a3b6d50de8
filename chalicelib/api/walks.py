"""Jobs that walk over all names of a bucket or an index, and how far they are."""

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.api import answers
from chalicelib.api.bodies import Body
from chalicelib.api.operations import operation
from chalicelib.model import moment
from chalicelib.model.data import Kind, Status
from chalicelib.model.job import ACTIVE, WALKS, JobKind, JobState
from chalicelib.storage import counters, jobs, keyranges, lakes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.job import Job


_UNCOUNTED = ACTIVE | {JobState.CANCELED}
"""What is done is recorded of each range, and of the job when its last worker ends it."""


class SyncBody(Body):
    dry_run: bool = False
    """Only count what differs."""
    force: bool = False
    """Also where more than 1,000 objects, and more than a fifth of all, are not in the bucket any more."""
    thumbnails: bool = False
    """Also look for the file of each thumbnail, and have those made again that were removed. That reads every
    record and asks for up to every file, some $0.50 a million."""


@operation(body=SyncBody, answers={202: answers.BegunAnswer})
def begin_sync(caller: "Caller", parameters: "Parameters", body: SyncBody, lake: str) -> "Response":
    """Compare a datalake with its bucket.

    What differs is looked at again, one object after the other, as after an event: `new` and `changed`
    objects, `ghosts` that are not in the bucket any more, uploads that never came (`stale`), and data whose
    bytes were not looked at though they should have been, or whose thumbnail was removed
    (`missing_thumbnails`). So nothing that exists is ever removed, and a second sync, once the queues are
    empty, counts none of them. When it would remove more than 1,000 objects and more than a fifth of all, the
    job fails and nothing is removed, unless it is forced.
    """
    home = lakes.find(caller.organization, lake)
    return answers.begun(jobs.begin_sync(home, **body.model_dump()))


def with_progress(job: "Job") -> "Job":
    """What a job that is not over has done, and how fast it is. One that is over says so itself."""
    counted: Mapping[str, int] = job.progress
    if job.kind in WALKS and job.state in _UNCOUNTED:
        counted = keyranges.counted(job)
    done = counted.get("seen", counted.get("rows", 0))
    return replace(job, progress={**counted, **(_pace(job, done) if done else {})})


def _pace(job: "Job", done: int) -> dict[str, int]:
    if job.state not in ACTIVE or job.started_at is None:
        return {}
    seconds = (moment.now() - moment.parse(job.started_at)).total_seconds()
    if seconds <= 0:
        return {}
    known = _known(job)
    left = {} if known is None else {"seconds_left": round(max(0, known - done) * seconds / done)}
    return {"per_second": round(done / seconds), **left}


def _known(job: "Job") -> int | None:
    """How many there are to be seen. None: nobody knows, as of a bucket that is scanned the first time."""
    if job.kind not in (JobKind.SYNC, JobKind.EXPORT):
        return None
    counts = counters.read(job.lake_id)
    recorded = counts.items if job.kind is JobKind.EXPORT else counts.by_kind.get(Kind.OBJECT, 0)
    return recorded - counts.by_status.get(Status.PENDING, 0)
