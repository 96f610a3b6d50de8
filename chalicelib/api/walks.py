"""Jobs that walk over all names of a bucket, and how far they are."""

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.api import answers
from chalicelib.api.bodies import Body
from chalicelib.api.operations import operation
from chalicelib.model import moment
from chalicelib.model.job import ACTIVE, WALKS, JobKind
from chalicelib.storage import counters, jobs, keyranges, lakes

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.job import Job


class SyncBody(Body):
    dry_run: bool = False
    """Only count what differs."""
    force: bool = False
    """Also where more than 1,000 objects, and more than a fifth of all, are not in the bucket any more."""


@operation(body=SyncBody, answers={202: answers.BegunAnswer})
def begin_sync(caller: "Caller", parameters: "Parameters", body: SyncBody, lake: str) -> "Response":
    """Compare a datalake with its bucket.

    What differs is looked at again, one object after the other, as after an event: `new` and `changed`
    objects, `ghosts` that are not in the bucket any more, uploads that never came (`stale`), and data whose
    bytes were not looked at yet (`missing_thumbnails`). So nothing that exists is ever removed, and a second
    sync, once the queues are empty, counts none of them. When it would remove more than 1,000 objects and
    more than a fifth of all, the job fails and nothing is removed, unless it is forced.
    """
    home = lakes.find(caller.organization, lake)
    return answers.begun(jobs.begin_sync(home, dry_run=body.dry_run, force=body.force))


def with_progress(job: "Job") -> "Job":
    """What a walk that is not over has done, and how fast it is."""
    if job.kind not in WALKS or job.progress:
        return job
    counted = keyranges.counted(job)
    return replace(job, progress={**counted, **(_pace(job, counted["seen"]) if counted else {})})


def _pace(job: "Job", seen: int) -> dict[str, int]:
    if job.state not in ACTIVE or job.started_at is None:
        return {}
    seconds = (moment.now() - moment.parse(job.started_at)).total_seconds()
    rate = seen / seconds if seconds else 0
    if job.kind is not JobKind.SYNC or not rate:
        return {"per_second": round(rate)}
    left = max(0, counters.read(job.lake_id).items - seen)
    return {"per_second": round(rate), "seconds_left": round(left / rate)}
