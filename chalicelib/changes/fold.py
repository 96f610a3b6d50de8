"""The data table's stream → exact counters, neither derived files nor taggings without their record, and what
people wrote where the bytes are."""

from collections import Counter, defaultdict
from itertools import batched
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.changes import renames
from chalicelib.changes.step import Step
from chalicelib.observability import count, logger
from chalicelib.storage import buckets, counters, taggings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HOLDERS_AT_ONCE = 99
"""Items with counters: a transaction has room for so many beside the guard."""
_DELETE_BATCH = 1000


def receive(event: dict[str, Any]) -> dict[str, Any]:
    """One batch of one shard, in order. Any failure raises, so that the shard waits and brings the batch
    again."""
    shard, steps = event["shardId"], [Step.read(record) for record in event.get("Records", ())]
    _count(shard, [step for step in steps if step.change])
    _sweep([step.abandoned_thumbnail for step in steps])
    taggings.forget([step.before for step in steps if step.before and step.after is None])
    parallel.for_each(taggings.abandon, [data for step in steps if (data := step.abandoned_place)])
    renames.follow(shard, steps)
    count("ChangesFolded", len(steps))
    # A tumbling window wants its state back. It is only there because with it Lambda names the shard.
    return {"state": {}}


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
