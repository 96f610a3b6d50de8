"""Walks and their ranges. Cutting a range and ending one are transactions with the walk's item, so that at no
moment there is a gap or an overlap, and the number of open ranges is never wrong."""

from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from chalicelib.config import config
from chalicelib.model.errand import Phase, walk_of
from chalicelib.model.keyrange import KeyRange, Part, Span, Walk, total
from chalicelib.storage import aws, transactions
from chalicelib.storage.tables import KeyRangeItem, WalkItem

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from chalicelib.model.job import Job
    from chalicelib.storage.tables import Table

_WALK = "#"
_RANGES = "0", ":"
"""Between these are the ids of ranges."""
MOST_SPANS = 90
"""Ranges that a walk may begin with: one transaction makes them."""
MOST_RANGES = 1000
"""Of one walk, done ones included: to tell how far it is, all of them are read."""


class Overtaken(Exception):
    """Somebody else has recorded a step of the range since it was read, and goes on with it."""


def begin(walk_id: str, spans: "Sequence[Span]", expires_at: int) -> None:
    """Whoever is called to the first range calls the others. A walk that was begun before stays as it is."""
    walk = Walk(id=walk_id, spans=spans, open=len(spans), made=len(spans), expires_at=expires_at)
    ranges = [
        KeyRange(walk=walk_id, id=str(number), span=span, position=span.after, expires_at=expires_at)
        for number, span in enumerate(spans)
    ]
    first = replace(ranges[0], uncalled=tuple(each.id for each in ranges[1:]))
    puts = [_absent(_walk_item(walk)), *(_absent(_item(each)) for each in (first, *ranges[1:]))]
    with suppress(transactions.ConditionsFailed):
        transactions.write("begin walk", puts)


def find(walk_id: str) -> Walk | None:
    with aws.calling("read walk"):
        try:
            item = WalkItem.get(walk_id, _WALK, consistent_read=True)
        except WalkItem.DoesNotExist:
            return None
    return Walk(
        id=item.walk,
        spans=[Span(**span) for span in item.spans],
        open=int(item.open),
        made=int(item.made),
        expires_at=int(item.expires_at),
    )


def read(walk_id: str, range_id: str) -> KeyRange | None:
    with aws.calling("read range"):
        try:
            return _range(KeyRangeItem.get(walk_id, range_id, consistent_read=True))
        except KeyRangeItem.DoesNotExist:
            return None


def of_walk(walk_id: str) -> list[KeyRange]:
    with aws.calling("read ranges"):
        found = KeyRangeItem.query(walk_id, KeyRangeItem.id.between(*_RANGES), consistent_read=True)
        return [_range(item) for item in found]


def has_room(walk: Walk, most_open: int) -> bool:
    return walk.open < most_open and walk.made < MOST_RANGES


def counted(job: "Job") -> "Counter[str]":
    """What all walks of the job have done so far."""
    return total(each for phase in Phase for each in of_walk(walk_of(job, phase)))


def record(before: KeyRange, after: KeyRange) -> KeyRange:
    """A step. Answers what is recorded then. Raises Overtaken."""
    after = replace(after, step=before.step + 1)
    try:
        with aws.calling("record range"):
            _item(after).save(condition=KeyRangeItem.step == before.step)
    except aws.ConditionFailed:
        return _recorded_by(after.worker, before)
    return after


def cut(before: KeyRange, at: str, worker: str, most_open: int) -> KeyRange:
    """What is left of the range after `at` becomes a range of its own, unless there is no more room for one.
    Raises Overtaken."""
    child = KeyRange(
        walk=before.walk,
        id=f"{before.id}.{before.children:04}",
        span=replace(before.span, after=at),
        position=at,
        expires_at=before.expires_at,
    )
    after = replace(
        before,
        span=replace(before.span, upto=at),
        children=before.children + 1,
        uncalled=(*before.uncalled, child.id),
        step=before.step + 1,
        worker=worker,
    )
    limits = {":one": 1, ":open": most_open, ":made": MOST_RANGES}
    opened = _change(before, "ADD #open :one, made :one", "#open < :open AND made < :made", limits)
    try:
        transactions.write("cut range", [opened, _step(before, after), _absent(_item(child))])
    except transactions.ConditionsFailed as failure:
        return before if set(failure.there) == {0} else _recorded_by(worker, before)
    return after


def end(before: KeyRange, after: KeyRange) -> KeyRange:
    """The last step. Raises Overtaken."""
    after = replace(after, step=before.step + 1, done=True)
    closed = _change(before, "ADD #open :less", "#open > :none", {":less": -1, ":none": 0})
    try:
        transactions.write("end range", [closed, _step(before, after)])
    except transactions.ConditionsFailed:
        return _recorded_by(after.worker, before)
    return after


def _recorded_by(worker: str, before: KeyRange) -> KeyRange:
    """A write of this worker may have been done though its answer was lost, or long after it was given up."""
    there = read(before.walk, before.id)
    if there is None or there.worker != worker or there.step == before.step:
        raise Overtaken(before.id)
    return there


def _step(before: KeyRange, after: KeyRange) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": config.ranges_table,
            "Item": _item(after).serialize(),
            "ConditionExpression": "step = :step",
            "ExpressionAttributeValues": {":step": {"N": str(before.step)}},
        }
    }


def _absent(item: "Table") -> dict[str, Any]:
    return {
        "Put": {
            "TableName": config.ranges_table,
            "Item": item.serialize(),
            "ConditionExpression": "attribute_not_exists(walk)",
        }
    }


def _change(of: KeyRange, update: str, condition: str, values: dict[str, int]) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": config.ranges_table,
            "Key": {"walk": {"S": of.walk}, "id": {"S": _WALK}},
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#open": "open"},
            "ExpressionAttributeValues": {name: {"N": str(value)} for name, value in values.items()},
        }
    }


def _walk_item(walk: Walk) -> WalkItem:
    fields = asdict(walk)
    return WalkItem(walk=fields.pop("id"), id=_WALK, **fields)


def _item(each: KeyRange) -> KeyRangeItem:
    return KeyRangeItem(**asdict(each))


def _range(item: KeyRangeItem) -> KeyRange:
    return KeyRange(
        walk=item.walk,
        id=item.id,
        span=Span(**item.span),
        position=item.position,
        done=item.done,
        step=int(item.step),
        worker=item.worker,
        children=int(item.children),
        uncalled=tuple(item.uncalled),
        counts=item.counts,
        parts=tuple(Part(*part) for part in item.parts or ()),
        expires_at=int(item.expires_at),
    )
