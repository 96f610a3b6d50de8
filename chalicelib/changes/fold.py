"""The data table's stream → exact counters, and neither derived files nor taggings without their record."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from chalicelib.model.counts import weigh
from chalicelib.model.data import State, Status
from chalicelib.observability import count, logger
from chalicelib.storage import buckets, counters, records, taggings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.model.data import Data

_HOLDERS_AT_ONCE = 99
"""Items with counters: a transaction has room for so many beside the guard."""
_DELETE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One record's passage from what it was to what it is."""

    sequence: str
    before: "Data | None"
    after: "Data | None"

    @property
    def lake_id(self) -> str:
        return next(
            data.lake_id for data in (self.after, self.before) if data and data.state is not State.GONE
        )

    @property
    def change(self) -> Counter[str]:
        change = weigh(self.after)
        change.subtract(weigh(self.before))
        return Counter({name: value for name, value in change.items() if value})

    @property
    def deltas(self) -> dict[str, dict[str, int]]:
        return counters.holders(self.lake_id, self.change)

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
    taggings.forget([step.before for step in steps if step.before and step.after is None])
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
        part = _fitting(steps)
        applied = counters.add(shard, part[0].sequence, part[-1].sequence, _deltas(part))
        if applied is None:
            steps = steps[len(part) :]
        else:
            logger.info("stream records came again", shard=shard, applied=applied)
            steps = [step for step in steps if int(step.sequence) > int(applied)]


def _fitting(steps: "Sequence[Step]") -> "Sequence[Step]":
    """Of one step at least: limits.TAGS_PER_RECORD sees to it that it fits."""
    holders: set[str] = set()
    for index, step in enumerate(steps):
        holders |= step.deltas.keys()
        if len(holders) > _HOLDERS_AT_ONCE:
            return steps[:index]
    return steps


def _deltas(steps: "Iterable[Step]") -> dict[str, Counter[str]]:
    deltas: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for step in steps:
        for holder, change in step.deltas.items():
            deltas[holder].update(change)
    return {holder: change for holder, change in deltas.items() if any(change.values())}


def _sweep(abandoned: "Iterable[str | None]") -> None:
    for keys in batched(filter(None, abandoned), _DELETE_BATCH, strict=False):
        buckets.delete_artifacts(keys)
