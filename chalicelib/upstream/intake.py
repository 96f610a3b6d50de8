"""One delivery of the queue of events: messages → hints → records → work for preprocess."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.errors import Refused, StorageUnavailable
from chalicelib.model import hint as hints
from chalicelib.model import limits, moment
from chalicelib.model.data import Sight, first_record
from chalicelib.model.lake import Preprocess
from chalicelib.model.work import Work
from chalicelib.observability import count, logger
from chalicelib.storage import lakes, queues, records
from chalicelib.storage.aws import CALL_SECONDS
from chalicelib.upstream.check import Verdict, check
from chalicelib.upstream.envelopes import Envelope, open_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.hint import Hint
    from chalicelib.model.lake import Lake

_RESERVE_MS = 1000 * CALL_SECONDS + 2000
"""What must be left of the invocation before another key is begun: one call that hangs ends what it belongs
to."""


@dataclass(slots=True, eq=False)
class Target:
    """One record, and all that this delivery says about it."""

    lake: "Lake"
    hints: "list[Hint]"
    messages: set[str]
    before: "Data | None" = None
    verdict: Verdict | None = None

    @property
    def hint(self) -> "Hint":
        return hints.merge(self.hints)


def receive(messages: "Sequence[dict[str, Any]]", remaining_ms: "Callable[[], int]") -> dict[str, Any]:
    """The answer of ReportBatchItemFailures: the messages that must come again, and only those."""
    delivery = Delivery(remaining_ms)
    targets = delivery.open(messages)
    delivery.insert([target for target in targets if target.hint.can_insert()])
    delivery.check([target for target in targets if target.verdict is None])
    delivery.dispatch([target for target in targets if target.verdict])
    delivery.report(targets)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in sorted(delivery.failed)]}


@dataclass(slots=True)
class Delivery:
    remaining_ms: "Callable[[], int]"
    failed: set[str] = field(default_factory=set)
    counts: "Counter[str]" = field(default_factory=Counter)

    def open(self, messages: "Iterable[dict[str, Any]]") -> list[Target]:
        envelopes = {message["messageId"]: self._read(message) for message in messages}
        self._hear(envelopes)
        homes = self._find_lakes({hint.bucket for envelope in envelopes.values() for hint in envelope.hints})
        targets: dict[tuple[str, str], Target] = {}
        for message_id, envelope in envelopes.items():
            for hint in envelope.hints:
                for lake in self._route(hint, message_id, homes[hint.bucket]):
                    target = targets.setdefault((lake.id, hint.object_name), Target(lake, [], set()))
                    target.hints.append(hint)
                    target.messages.add(message_id)
        return list(targets.values())

    def insert(self, targets: "Sequence[Target]") -> None:
        """First records by their hints alone, 25 in a request. What was there already is left for `check`."""
        parallel.for_each(self._insert_batch, list(batched(targets, limits.INSERT_BATCH, strict=False)))

    def check(self, targets: "Sequence[Target]") -> None:
        parallel.for_each(self._check_one, targets)

    def dispatch(self, targets: "Sequence[Target]") -> None:
        verdicts = ((target, target.verdict) for target in targets if target.verdict)
        waiting = {
            Work.on(target.lake, verdict.record): target
            for target, verdict in verdicts
            if not verdict.record.complete and target.lake.preprocess is Preprocess.EAGER
        }
        try:
            left = queues.send_preprocess(list(waiting))
        except StorageUnavailable as error:
            left = list(waiting)
            logger.warning("preprocess was not asked", reason=str(error), records=len(left))
        self._fail(*(waiting[work] for work in left))

    def report(self, targets: "Iterable[Target]") -> None:
        for target in targets:
            outcome = "applied" if target.verdict and target.verdict.applied else "redundant"
            if target.messages & self.failed:
                outcome = "retried"
            self.counts[outcome] += 1
            self.counts["redundant" if outcome == "applied" else outcome] += len(target.hints) - 1
        self.counts["received"] = self.counts.total()
        logger.info("events received", extra=dict(self.counts))
        for name, value in self.counts.items():
            count(f"Events{name.capitalize()}", value)

    def _read(self, message: dict[str, Any]) -> Envelope:
        try:
            envelope = open_envelope(message["body"])
        except Exception:
            logger.exception("message was not read", message_id=message["messageId"])
            self.failed.add(message["messageId"])
            self.counts["retried"] += 1
            return Envelope()
        self.counts["ignored"] += envelope.ignored
        if envelope.malformed:
            self._park(message, envelope.malformed)
        return envelope

    def _hear(self, envelopes: "Mapping[str, Envelope]") -> None:
        """Whoever waits for a bucket's first sign is told of it."""
        for bucket in {bucket for envelope in envelopes.values() for bucket in envelope.tested}:
            try:
                lakes.hear(bucket)
            except StorageUnavailable as error:
                logger.warning("first sign of a bucket was not recorded", reason=str(error))
                waiting = {name for name, envelope in envelopes.items() if bucket in envelope.tested}
                self.failed |= waiting
                self.counts["ignored"] -= len(waiting)
                self.counts["retried"] += len(waiting)

    def _park(self, message: dict[str, Any], reasons: "Sequence[str]") -> None:
        try:
            queues.park(message["body"], "; ".join(reasons))
        except StorageUnavailable:
            self.failed.add(message["messageId"])
            self.counts["retried"] += len(reasons)
        else:
            self.counts["parked"] += len(reasons)

    def _find_lakes(self, buckets: "Collection[str]") -> "dict[str, list[Lake] | None]":
        """None where they could not be read. Once for each bucket, as a flood of events may be about foreign
        ones."""
        return dict(zip(buckets, parallel.for_each(self._lakes_of, list(buckets)), strict=True))

    def _lakes_of(self, bucket: str) -> "list[Lake] | None":
        if self._is_late():
            return None
        try:
            return lakes.of_bucket(bucket)
        except StorageUnavailable as error:
            logger.warning("lakes could not be read", reason=str(error))
            return None

    def _route(self, hint: "Hint", message_id: str, found: "list[Lake] | None") -> "list[Lake]":
        if found is None:
            self.failed.add(message_id)
            self.counts["retried"] += 1
            return []
        holding = [lake for lake in found if lake.holds(hint.object_name)]
        self.counts["ignored"] += not holding
        return holding

    def _is_late(self) -> bool:
        return self.remaining_ms() < _RESERVE_MS

    def _insert_batch(self, targets: "Sequence[Target]") -> None:
        if self._is_late():
            self._fail(*targets)
            return
        drafts = [_draft(target) for target in targets]
        try:
            present = records.insert_absent(drafts)
        except Refused as error:
            # Something about one of them; each is checked by itself, so that it takes no other along.
            logger.warning("records were not inserted", reason=str(error), records=len(drafts))
            return
        except StorageUnavailable as error:
            logger.warning("records were not inserted", reason=str(error), records=len(drafts))
            self._fail(*targets)
            return
        for target, draft, there in zip(targets, drafts, present, strict=True):
            if there and there.op_id == draft.op_id:
                target.verdict = Verdict(True, there)
            else:
                target.before = there

    def _check_one(self, target: Target) -> None:
        if target.messages <= self.failed:
            return
        if self._is_late():
            self._fail(target)
            return
        try:
            target.verdict = check(target.lake, target.hint, target.before)
        except StorageUnavailable as error:
            logger.warning("object was not checked", object_name=target.hint.object_name, reason=str(error))
            self._fail(target)
        except Exception:
            logger.exception("object was not checked", object_name=target.hint.object_name)
            self._fail(target)

    def _fail(self, *targets: Target) -> None:
        self.failed.update(*(target.messages for target in targets))


def _draft(target: Target) -> "Data":
    hint = target.hint
    if hint.size is None or hint.etag is None:
        raise ValueError("a hint without size and etag inserts nothing")
    sight = Sight(size=hint.size, etag=hint.etag, version_id=hint.version_id)
    op_id = moment.new_op_id()
    return first_record(target.lake, hint.object_name, sight, hint.sequencer, op_id, copied=hint.copied)
