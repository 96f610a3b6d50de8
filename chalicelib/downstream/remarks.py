"""What people say of objects that were just seen in the bucket, written in few requests. What has a record
gets it said; what has none that lives is announced with it, before the look that brings it to life."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from chalicelib.downstream import sayings
from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits, moment
from chalicelib.model.data import announced_record
from chalicelib.model.edit import differ
from chalicelib.storage import records, transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.model.data import Data, Sight
    from chalicelib.model.edit import Edit
    from chalicelib.model.lake import Lake


@dataclass(frozen=True, slots=True)
class Remark:
    object_name: str
    sight: "Sight"
    before: "Data | None"
    """Its record, as far as it is known."""
    edit: "Edit"
    tags: frozenset[str]
    """Ids."""


@dataclass(frozen=True, slots=True)
class Remarked:
    """What became of remarks, by the names of the objects."""

    changed: set[str] = field(default_factory=set)
    """Of these something is said that was not, be it by an earlier attempt."""
    mistakes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """A code and the detail."""


def write(lake: "Lake", remarks: "Sequence[Remark]", op_id: str) -> Remarked:
    """One for each object at most. The same `op_id` tells every attempt what earlier ones have written.
    Raises StorageUnavailable when that is not known of all; then the same may be written again."""
    done, room = Remarked(), transactions.WRITES
    waiting = {remark.object_name: remark for remark in remarks}
    for attempt in range(transactions.ATTEMPTS):
        found = {name: _plan(lake, remark, op_id, done) for name, remark in waiting.items()}
        plans = {name: plan for name, plan in found.items() if plan}
        writes = [sayings.writes_of(waiting[name].before, *plan) for name, plan in plans.items()]
        refused = transactions.attempt_each("write remarks", writes, room)
        left = [name for name, was_refused in zip(plans, refused, strict=True) if was_refused]
        done.changed.update(plans.keys() - set(left))
        if not left:
            return done
        room //= 4
        transactions.pause(attempt)
        there = records.read_all(lake.data_id(name) for name in left)
        waiting = {name: replace(waiting[name], before=there.get(lake.data_id(name))) for name in left}
    raise StorageUnavailable("write remarks", "others were in the way")


def _plan(lake: "Lake", remark: Remark, op_id: str, done: Remarked) -> "tuple[Data, Data] | None":
    """What the record is, or is announced to be, and what it becomes. None when nothing is to be written."""
    before = remark.before
    base = before if before and before.shown else _announcement(lake, remark)
    after = sayings.added(base, remark.edit, remark.tags)
    if mistake := sayings.mistake_in(lake, base, after, remark.edit):
        done.mistakes[remark.object_name] = mistake
    elif base is not before or after.tags != base.tags or differ(base, after):
        return base, replace(after, edit_id=op_id)
    elif base.edit_id == op_id:
        done.changed.add(remark.object_name)
    return None


def _announcement(lake: "Lake", remark: Remark) -> "Data":
    return announced_record(
        lake,
        remark.object_name,
        remark.before,
        size=remark.sight.size or 0,
        content_type=remark.sight.content_type,
        expires_at=moment.end_of(limits.ANNOUNCED_SECONDS),
        op_id=moment.new_op_id(),
    )
