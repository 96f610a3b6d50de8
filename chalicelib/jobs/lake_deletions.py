"""A lake that was deleted leaves nothing.

Nobody finds it from the deletion on, but who found it before may still be at work, so it is swept twice: at
once, and when they must have ended. Tombstones and traces are in no list, and go by themselves; so do files
of exports and imports, which are their jobs'. Thumbnails and taggings are removed by `changes` with the
records that they belong to.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.jobs.steps import RECORDS_PER_STEP, Step
from chalicelib.model import limits, moment
from chalicelib.model.counts import label_counter
from chalicelib.model.label import LabelKind
from chalicelib.model.lake import Notified
from chalicelib.observability import logger
from chalicelib.storage import counters, labels, lakes, notifications, records
from chalicelib.storage.records import Order

if TYPE_CHECKING:
    from chalicelib.model.job import Job
    from chalicelib.model.lake import Lake

_RECOUNT_SECONDS = 15
_LABELS_PER_STEP = 100


class Phase(StrEnum):
    SWEEP = "sweep"
    SWEEP_AGAIN = "sweep_again"
    COUNT = "count"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Place:
    phase: Phase
    after: str | None = None
    """The last record that was removed."""
    since: str = ""
    """Not before then."""

    def then(self, removed: int = 0, pause: int = 0) -> Step:
        since = moment.rfc3339(moment.now() + timedelta(seconds=pause))
        position = json.dumps(asdict(replace(self, since=since)))
        return Step(position, {"removed": removed}, pause)


def step(lake: "Lake", job: "Job") -> Step:
    if job.position is None:
        return _begin(lake)
    fields = json.loads(job.position)
    place = Place(**fields | {"phase": Phase(fields["phase"])})
    wait = (moment.parse(place.since) - moment.now()).total_seconds()
    if wait > 0:
        # The message came before its time: twice, or instead of one that was lost.
        return place.then(pause=int(wait) + 1)
    match place.phase:
        case Phase.SWEEP | Phase.SWEEP_AGAIN:
            return _sweep(lake, place)
        case Phase.COUNT:
            return _count(lake, job)
        case Phase.LABELS:
            return _unlabel(lake)


def _begin(lake: "Lake") -> Step:
    # Whoever began the job deletes it, too, but may have been interrupted.
    lakes.delete(lake.organization, lake.id)
    outcome = notifications.settle(lake.home)
    if outcome.notified is Notified.FAILED and lake.bucket_owner:
        reason, bucket = outcome.detail, lake.bucket
        logger.warning("bucket goes on to tell of its changes", bucket=bucket, lake_id=lake.id, reason=reason)
    lakes.vacate(lake)
    return Place(Phase.SWEEP).then()


def _sweep(lake: "Lake", place: Place) -> Step:
    low, high = records.span(Order.CREATED_AT)
    within = (place.after or low, high)
    found = records.positions(lake, Order.CREATED_AT, [within], descending=False, limit=RECORDS_PER_STEP)
    records.remove([data_id for _, data_id in found])
    if len(found) == RECORDS_PER_STEP:
        return replace(place, after=found[-1][0]).then(len(found))
    if place.phase is Phase.SWEEP:
        return Place(Phase.SWEEP_AGAIN).then(len(found), limits.SETTLE_SECONDS)
    return Place(Phase.COUNT).then(len(found))


def _count(lake: "Lake", job: "Job") -> Step:
    """Removals are counted a little later: counters that were removed before that would come again."""
    age = moment.now() - moment.parse(job.created_at)
    if counters.is_empty(lake.id) or age > timedelta(hours=limits.COUNTING_HOURS):
        counters.remove([lake.id])
        return Place(Phase.LABELS).then()
    return Place(Phase.COUNT).then(pause=_RECOUNT_SECONDS)


def _unlabel(lake: "Lake") -> Step:
    found = [each for kind in LabelKind for each in labels.page(lake.id, kind, None, _LABELS_PER_STEP)[0]]
    counters.remove([label_counter(each.kind, each.id) for each in found])
    labels.remove(lake.id, found)
    return Place(Phase.LABELS).then() if found else Step(None, {"removed": 0})
