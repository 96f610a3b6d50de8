"""The data table's stream → counters that are exact, and no derived file without its record."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from chalicelib.model.counts import weigh
from chalicelib.model.data import Status
from chalicelib.observability import count, logger
from chalicelib.storage import buckets, counters, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.model.data import Data

_LAKES_AT_ONCE = 50
"""A transaction holds 100 items; few streams ever mix so many lakes in one batch."""
_DELETE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One record's passage from what it was to what it is."""

    sequence: str
    before: "Data | None"
    after: "Data | None"

    @property
    def lake_id(self) -> str:
        return next(data.lake_id for data in (self.after, self.before) if data and data.live)

    @property
    def change(self) -> Counter[str]:
        change = weigh(self.after)
        change.subtract(weigh(self.before))
        return Counter({name: value for name, value in change.items() if value})

    @property
    def abandoned_thumbnail(self) -> str | None:
        """Also where the record shows none: a delivery may have died between storing one and saying so."""
        before, after = self.before, self.after
        if before is None or not before.live:
            return None
        if after and after.live and after.content == before.content:
            has_failed = after.status is Status.FAILED and before.status is not Status.FAILED
            return before.thumbnail_key if has_failed else None
        return before.thumbnail_key


def receive(event: dict[str, Any]) -> dict[str, Any]:
    """One batch of one shard, in order. Any failure raises, so that the shard waits and brings the batch
    again."""
    steps = [_step(record) for record in event.get("Records", ())]
    _count(event["shardId"], [step for step in steps if step.change])
    _sweep([step.abandoned_thumbnail for step in steps])
    count("ChangesFolded", len(steps))
    # A tumbling window wants its state back. It is only there because with it Lambda names the shard.
    return {"state": {}}


def _step(record: dict[str, Any]) -> Step:
    change = record["dynamodb"]
    return Step(change["SequenceNumber"], _image(change, "OldImage"), _image(change, "NewImage"))


def _image(change: dict[str, Any], name: str) -> "Data | None":
    return records.from_attributes(change[name]) if change.get(name) else None


def _count(shard: str, steps: "Sequence[Step]") -> None:
    while steps:
        part = _with_few_lakes(steps)
        applied = counters.add(shard, part[0].sequence, part[-1].sequence, _deltas(part))
        if applied is None:
            steps = steps[len(part) :]
        else:
            logger.info("stream records came again", shard=shard, applied=applied)
            steps = [step for step in steps if int(step.sequence) > int(applied)]


def _with_few_lakes(steps: "Sequence[Step]") -> "Sequence[Step]":
    lakes: set[str] = set()
    for index, step in enumerate(steps):
        lakes.add(step.lake_id)
        if len(lakes) > _LAKES_AT_ONCE:
            return steps[:index]
    return steps


def _deltas(steps: "Iterable[Step]") -> dict[str, Counter[str]]:
    deltas: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for step in steps:
        deltas[step.lake_id].update(step.change)
    return {lake_id: change for lake_id, change in deltas.items() if any(change.values())}


def _sweep(abandoned: "Iterable[str | None]") -> None:
    for keys in batched(filter(None, abandoned), _DELETE_BATCH, strict=False):
        buckets.delete_artifacts(keys)
