"""Which records have a tag: an item for each, written together with the record's own set of tags."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.config import config
from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits
from chalicelib.storage import records, removals, transactions
from chalicelib.storage.records import Order
from chalicelib.storage.tables import TaggingItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake
    from chalicelib.storage.records import Entry

type Tags = frozenset[str]


@dataclass(slots=True)
class Retagging:
    """What became of each record, by its id."""

    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Not there, gone, or of another lake."""
    full: list[str] = field(default_factory=list)
    """With these tags they would have more than limits.TAGS_PER_RECORD; they have none of them now."""


@dataclass(frozen=True, slots=True)
class Plan:
    data: "Data"
    tags: Tags

    @property
    def writes(self) -> list[dict[str, Any]]:
        return [_update(self.data, self.tags), *passage(self.data, self.data.tags, self.tags)]


def passage(data: "Data", held: Tags, tags: Tags) -> list[dict[str, Any]]:
    """What is to be written, in one transaction with the record, when other tags take the place of those that
    it held."""
    puts = [{"Put": _target(Item=item)} for item in _items(data, tags - held)]
    keys = [_key(item) for item in _items(data, held - tags)]
    return [*puts, *({"Delete": _target(Key=key)} for key in keys)]


def move(before: "Data", after: "Data") -> list[dict[str, Any]]:
    """The same, of a record that was created at another time: its taggings are sorted by that."""
    if before.created_at == after.created_at:
        return passage(after, before.tags, after.tags)
    return [*passage(before, before.tags, frozenset()), *passage(after, frozenset(), after.tags)]


def attach(lake_id: str, tags: Tags, ids: "Iterable[str]") -> Retagging:
    return _retag(lake_id, ids, lambda held: held | tags)


def detach(lake_id: str, tags: Tags, ids: "Iterable[str]") -> Retagging:
    return _retag(lake_id, ids, lambda held: held - tags)


def purge(lake: "Lake", tag: str, members: "Sequence[Entry]") -> Retagging:
    """Take the tag off these records, be they live or tombstones, and delete what says of others that they
    have it."""
    outcome = _retag(lake.id, [data_id for _, data_id in members], lambda held: held - {tag}, shown=False)
    changed = set(outcome.changed)
    stale = [member for member in members if member[1] not in changed]
    keys = [_key_of(_tag_shard(tag, lake.shard(data_id)), position) for position, data_id in stale]
    removals.remove(config.taggings_table, keys)
    return outcome


def forget(gone: "Iterable[Data]") -> None:
    """Delete what is left of records that are no more."""
    keys = [_key(item) for data in gone for item in _items(data, data.tags)]
    removals.remove(config.taggings_table, keys)


def abandon(data: "Data") -> None:
    """Delete what says that a record has tags at a time at which it does not stand any more."""
    stands = {
        "TableName": config.data_table,
        "Key": {"id": {"S": data.id}},
        "ConditionExpression": "attribute_not_exists(created_key) OR created_key <> :there",
        "ExpressionAttributeValues": {":there": {"S": _created_key(data)}},
    }
    deletes = [{"Delete": _target(Key=_key(item))} for item in _items(data, data.tags)]
    # It may stand there again, by another change of name, and then they are true.
    with suppress(transactions.ConditionsFailed):
        transactions.write("abandon taggings", [{"ConditionCheck": stands}, *deletes])


def _retag(
    lake_id: str, ids: "Iterable[str]", change: "Callable[[Tags], Tags]", *, shown: bool = True
) -> Retagging:
    """Whoever writes to a record at the same time is in the way of all that share its transaction. So what
    was refused is read again and written with ever fewer others."""
    done, waiting, room = Retagging(), list(dict.fromkeys(ids)), transactions.WRITES
    for attempt in range(transactions.ATTEMPTS):
        plans = _plan(lake_id, waiting, change, done, shown=shown)
        refused = transactions.attempt_each("tag records", [plan.writes for plan in plans], room)
        waiting = [plan.data.id for plan, was_refused in zip(plans, refused, strict=True) if was_refused]
        done.changed += {plan.data.id for plan in plans} - set(waiting)
        if not waiting:
            return done
        room //= 4
        transactions.pause(attempt)
    raise StorageUnavailable("tag records", "others were in the way")


def _plan(
    lake_id: str, ids: "Sequence[str]", change: "Callable[[Tags], Tags]", done: Retagging, *, shown: bool
) -> list[Plan]:
    """What is to be written. Of the others it is said in `done` why nothing is."""
    found, plans = records.read_all(ids), []
    for data_id in ids:
        data = found.get(data_id)
        if data is None or data.lake_id != lake_id or (shown and not data.shown):
            done.missing.append(data_id)
            continue
        tags = change(data.tags)
        if len(tags) > max(limits.TAGS_PER_RECORD, len(data.tags)):
            done.full.append(data_id)
        elif tags != data.tags:
            plans.append(Plan(data, tags))
    return plans


def _update(data: "Data", tags: Tags) -> dict[str, Any]:
    values: dict[str, Any] = {":state": {"S": data.state}, ":created": {"S": _created_key(data)}}
    if data.tags:
        values[":held"] = {"SS": sorted(data.tags)}
    if tags:
        values[":tags"] = {"SS": sorted(tags)}
    return {
        "Update": {
            "TableName": config.data_table,
            "Key": {"id": {"S": data.id}},
            "UpdateExpression": "SET tags = :tags" if tags else "REMOVE tags",
            "ConditionExpression": as_read(data),
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": values,
        }
    }


def as_read(data: "Data") -> str:
    """The very record that was read is as live as it was, and nobody has tagged it since."""
    held = "tags = :held" if data.tags else "attribute_not_exists(tags)"
    return f"#state = :state AND created_key = :created AND {held}"


def _items(data: "Data", tags: Tags) -> list[dict[str, Any]]:
    return [
        TaggingItem(
            tag_shard=_tag_shard(tag, data.shard), created_key=_created_key(data), id=data.id
        ).serialize()
        for tag in sorted(tags)
    ]


def _tag_shard(tag: str, shard: str) -> str:
    return f"{tag}#{shard.rpartition('#')[2]}"


def _key(item: "Mapping[str, Any]") -> dict[str, Any]:
    return {name: item[name] for name in ("tag_shard", "created_key")}


def _key_of(tag_shard: str, created_key: str) -> dict[str, Any]:
    return {"tag_shard": {"S": tag_shard}, "created_key": {"S": created_key}}


def _target(**what: dict[str, Any]) -> dict[str, Any]:
    return {"TableName": config.taggings_table, **what}


def _created_key(data: "Data") -> str:
    return records.position(data, Order.CREATED_AT)
