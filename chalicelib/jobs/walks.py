"""One delivery of the queue of walks: one range of a job, step after step, as far as there is time.

Whatever is done may be done twice, and is recorded once. A range is cut whenever there is room for another
worker, and whoever ends the last range ends the walk.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.config import config
from chalicelib.errors import Hopeless, StorageUnavailable, UnknownLake
from chalicelib.jobs import bucket_imports, exports, scans, syncs
from chalicelib.model import keyrange, moment
from chalicelib.model.errand import Errand, Phase
from chalicelib.model.job import ACTIVE, Job, JobKind, JobState
from chalicelib.model.keyrange import Span
from chalicelib.observability import count, logger
from chalicelib.storage import jobs, keyranges, lakes, queues
from chalicelib.storage.keyranges import Overtaken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chalicelib.jobs.steps import Step
    from chalicelib.jobs.ways import Way
    from chalicelib.model.keyrange import KeyRange
    from chalicelib.model.lake import Lake

DELIVERIES = 8
"""How often a message may fail. The queue in infra/resources.yaml delivers it once more, which ends a job
whose worker died each time without a word."""

_RESERVE_MS = 60_000
"""What must be left of the invocation before another step is begun."""

_PAUSE_SECONDS = 2
"""Twice that before a message that failed comes again, and each time twice as much: eight minutes in all."""

_WAYS: "Mapping[JobKind, Callable[[Lake, Job, Phase], Way]]" = {
    JobKind.SCAN: scans.way,
    JobKind.SYNC: syncs.way,
    JobKind.BUCKET_IMPORT: bucket_imports.way,
    JobKind.EXPORT: exports.way,
}
_ENDS: "Mapping[JobKind, Callable[[Job], None]]" = {JobKind.BUCKET_IMPORT: bucket_imports.end}
"""What is to be done when the last range is done, or none will be any more. It may be done twice."""


def receive(messages: "Sequence[dict[str, Any]]", remaining_ms: "Callable[[], int]") -> dict[str, Any]:
    """The answer of ReportBatchItemFailures: the messages that must come again, and only those."""
    failed = [message["messageId"] for message in messages if not _receive_one(message, remaining_ms)]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def _receive_one(message: dict[str, Any], remaining_ms: "Callable[[], int]") -> bool:
    walker = Walker(Errand.decode(message["body"]), message["messageId"], remaining_ms)
    job, deliveries = walker.errand.job, int(message["attributes"]["ApproximateReceiveCount"])
    try:
        if deliveries > DELIVERIES:
            raise Hopeless("it was interrupted too often")
        walker.go()
    except Overtaken:
        logger.info("range is walked by somebody else", job_id=job.id, range_id=walker.errand.range_id)
    except UnknownLake:
        return _give_up(job, "its datalake is gone")
    except Hopeless as error:
        return _give_up(job, str(error))
    except Exception as error:
        logger.warning("walk was interrupted", job_id=job.id, reason=repr(error), exc_info=True)
        if deliveries == DELIVERIES and not walker.steps:
            return _give_up(job, _reason(error))
        return _try_later(walker, message["receiptHandle"], deliveries)
    return True


@dataclass(slots=True)
class Walker:
    """One worker at one range."""

    errand: Errand
    token: str
    """Its message: who else records steps of the range has another one, which is not done with either."""
    remaining_ms: "Callable[[], int]"
    steps: int = 0

    def go(self) -> None:
        """Raises Overtaken, Hopeless, UnknownLake, StorageUnavailable."""
        job = _started(jobs.enter(self.errand.job))
        if job.state not in ACTIVE:
            _close(job)
            return
        lake = lakes.find(job.organization, job.lake_id)
        way = _WAYS[job.kind](lake, job, self.errand.phase)
        here = self._find(way, job)
        while not here.done:
            if self.remaining_ms() < _RESERVE_MS:
                queues.send_errand(self.errand)
                return
            here = self._take(way.visit(self._call(here)), here)
            if not here.done:
                # Either may have come to its end meanwhile.
                if jobs.read(job.organization, job.id).state not in ACTIVE:
                    _close(job)
                    return
                lakes.find(job.organization, job.lake_id)
                here = self._share(way, here)
        if self.steps and self.remaining_ms() < _RESERVE_MS:
            # To join what workers have written may take longer than any step.
            queues.send_errand(self.errand)
            return
        self._end(job)

    def _find(self, way: "Way", job: Job) -> "KeyRange":
        here = keyranges.read(self.errand.walk, self.errand.range_id)
        if here is None:
            keyranges.begin(self.errand.walk, way.spans, job.expires_at)
            here = keyranges.read(self.errand.walk, self.errand.range_id)
        if here is None:
            raise Hopeless("a range of it is gone")
        return here

    def _call(self, here: "KeyRange") -> "KeyRange":
        """Somebody to each range that may have nobody yet. With the next step it is recorded that this is
        done."""
        for child in here.uncalled:
            queues.send_errand(replace(self.errand, range_id=child))
        return replace(here, uncalled=())

    def _take(self, step: "Step", here: "KeyRange") -> "KeyRange":
        counts = Counter(here.counts)
        counts.update(step.progress)
        parts = here.parts if step.part is None else (*here.parts, step.part)
        after = replace(here, counts=dict(counts), parts=parts, worker=self.token, uncalled=())
        self.steps += 1
        if step.position is None:
            return keyranges.end(here, after)
        return keyranges.record(here, replace(after, position=step.position))

    def _share(self, way: "Way", here: "KeyRange") -> "KeyRange":
        """Leave a part of it to another worker, if there is room for one."""
        walk, most_open = keyranges.find(self.errand.walk), config.ranges_at_once
        if walk is None or not keyranges.has_room(walk, most_open):
            return here
        at = way.cut(here.left)
        return here if at is None else keyranges.cut(here, at, self.token, most_open)

    def _end(self, job: Job) -> None:
        """Whoever ends a range ends its walk, if it was the last one. It may be ended twice."""
        walk = keyranges.find(self.errand.walk)
        if walk is None or walk.open:
            return
        ranges = keyranges.of_walk(walk.id)
        if mistake := keyrange.mistake_in(walk, ranges):
            raise Hopeless(mistake)
        phase, spans = _following(job, self.errand.phase, ranges)
        if spans:
            errand = Errand(self.errand.job, phase)
            keyranges.begin(errand.walk, spans, job.expires_at)
            queues.send_errand(errand)
        else:
            _close(job)
            _succeed(job)


def _following(job: Job, phase: Phase, ranges: "Sequence[KeyRange]") -> tuple[Phase, list[Span]]:
    """The walk after this one, and over what. Over nothing: there is none."""
    match job.kind, phase:
        case JobKind.SYNC, Phase.FIND:
            return Phase.REMOVE, syncs.removals(job, ranges)
        case JobKind.EXPORT, Phase.FIND:
            return Phase.JOIN, [Span("")]
    return phase, []


def _started(job: Job) -> Job:
    if job.state is not JobState.QUEUED:
        return job
    now = moment.rfc3339(moment.now())
    started = jobs.advance(job, replace(job, state=JobState.RUNNING, started_at=now))
    return started or jobs.read(job.organization, job.id)


def _close(job: Job) -> None:
    if job.kind in _ENDS:
        _ENDS[job.kind](job)


def _succeed(given: Job) -> None:
    job = _ended(given, JobState.SUCCEEDED)
    if job:
        logger.info("job succeeded", job_id=job.id, kind=job.kind, progress=dict(job.progress))
        count("JobsSucceeded")


def _give_up(given: Job, reason: str) -> bool:
    """Whether the job's end is recorded, and its message need not come again."""
    try:
        job = jobs.enter(given)
        _close(job)
        _ended(job, JobState.FAILED, reason)
    except StorageUnavailable:
        return False
    logger.error("job failed", job_id=given.id, kind=given.kind, reason=reason)
    count("JobsFailed")
    return True


def _ended(given: Job, state: JobState, error: str | None = None) -> Job | None:
    """The job, over. None: it was over before."""
    while (job := jobs.read(given.organization, given.id)).state in ACTIVE:
        now = moment.rfc3339(moment.now())
        progress = dict(keyranges.counted(job))
        after = replace(job, state=state, progress=progress, finished_at=now, error=error)
        if ended := jobs.advance(job, after):
            return ended
    return None


def _try_later(walker: Walker, receipt_handle: str, deliveries: int) -> bool:
    """Whether the message need not come again. Who got on sends a new one, which may fail as often."""
    try:
        if walker.steps:
            queues.send_errand(walker.errand, _PAUSE_SECONDS)
            return True
        queues.put_off_errand(receipt_handle, _PAUSE_SECONDS * 2**deliveries)
    except StorageUnavailable as error:
        logger.warning("walk was not put off", reason=str(error))
    return False


def _reason(error: Exception) -> str:
    if not isinstance(error, StorageUnavailable):
        return "internal"
    return f"the storage did not answer: {', '.join(map(str, error.args))}"
