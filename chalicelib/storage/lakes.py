"""Lakes. Each is three items, written together: itself, its name, which makes names unique, and that it looks
at its bucket."""

import time
from contextlib import suppress
from dataclasses import asdict, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.config import config
from chalicelib.errors import ConnectorChanged, LakeExists, StorageUnavailable, UnknownLake
from chalicelib.model import limits, moment
from chalicelib.model.data import is_id
from chalicelib.model.label import fold
from chalicelib.model.lake import STACK, Lake, Notified, lake_id
from chalicelib.storage import aws, connectors, transactions
from chalicelib.storage.tables import LakeItem, LakeNameItem, WatchItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    from chalicelib.model.connector import Connector
    from chalicelib.storage.tables import Table

_FIELDS = [field.name for field in fields(Lake)]
CACHE_SECONDS = 10
_by_bucket: dict[str, tuple[float, list[Lake]]] = {}
_WATCHES = "#buckets"


def of_bucket(routing_key: str) -> list[Lake]:
    """Every lake that looks at the bucket. Remembered for a moment, but never that there is none: the events
    of a bucket's first lake must not be taken for somebody else's."""
    known = _by_bucket.get(routing_key)
    if known and time.monotonic() < known[0]:
        return known[1]
    with aws.calling("read lakes"):
        found = _lakes(LakeItem.by_bucket.query(routing_key))
    if found:
        _by_bucket[routing_key] = (time.monotonic() + CACHE_SECONDS, found)
    return found


def of_organization(organization: str) -> list[Lake]:
    with aws.calling("read lakes"):
        # Consistent, so that a lake is there from its creation on, and not after its deletion.
        return _lakes(LakeItem.query(organization, consistent_read=True))


def every() -> "Iterator[Lake]":
    """Those of all organizations."""
    with aws.calling("read lakes"):
        # Other items may stand beside the lakes; only lakes have a bucket.
        yield from _lakes(LakeItem.scan(LakeItem.bucket.exists()))


def find(organization: str, id_or_name: str) -> Lake:
    """By its id, or by its name in any case and Unicode form, which never looks like an id."""
    if is_id(id_or_name):
        if lake := read(organization, id_or_name):
            return lake
    elif len(id_or_name) <= limits.NAME_CHARACTERS:
        folded = fold(id_or_name)
        for lake in of_organization(organization):
            if folded == fold(lake.name):
                return lake
    raise UnknownLake(id_or_name)


def read(organization: str, lake_id: str) -> Lake | None:
    with aws.calling("read lake"):
        try:
            return _lake(LakeItem.get(organization, lake_id, consistent_read=True))
        except LakeItem.DoesNotExist:
            return None


def create(lake: Lake, connector: "Connector") -> Lake:
    """Creating it again under the same id changes nothing. From now on its connector cannot be deleted.

    Raises LakeExists when another one has the name, and ConnectorChanged when the connector is no more as it
    was read.
    """
    try:
        transactions.write("create lake", [*_puts(lake), connectors.join(connector, lake.id)])
    except transactions.ConditionsFailed as failure:
        if there := read(lake.organization, lake.id):
            return there
        if 0 in failure.there:
            raise LakeExists from failure
        raise ConnectorChanged from failure
    return lake


def create_default(organization: str, bucket: str, bucket_owner: str) -> Lake:
    """The lake that the first deploy makes. Creating it again leaves the one that is there."""
    lake = Lake(
        # The same whenever it is asked for: a first deploy may be interrupted and begun again.
        id=lake_id(organization, "default"),
        name="default",
        organization=organization,
        connector=STACK,
        bucket=bucket,
        bucket_owner=bucket_owner,
        prefix="",
        shards=limits.SHARDS,
        created_at=moment.rfc3339(moment.now()),
    )
    with suppress(transactions.ConditionsFailed):
        transactions.write("create lake", _puts(lake))
    return lake


def change(lake: Lake, changes: "Mapping[str, Any]") -> Lake:
    """Raises LakeExists when another one has the name, and UnknownLake when the lake is gone."""
    for attempted in range(transactions.ATTEMPTS):
        changed = replace(lake, **changes)
        writes = [{"Update": _update(lake, changed, changes)}]
        if fold(changed.name) != fold(lake.name):
            writes += [{"Put": _name(changed)}, {"Delete": _release(lake)}]
        try:
            transactions.write("change lake", writes)
        except transactions.ConditionsFailed as failure:
            if 1 in failure.there:
                raise LakeExists from failure
            # Somebody else has renamed it.
            lake = _require(lake)
            transactions.pause(attempted)
        else:
            return changed
    raise StorageUnavailable("change lake", "others were in the way")


def delete(organization: str, lake_id: str) -> None:
    """Nobody finds it from now on, and its name is free. Deleting it again changes nothing."""
    while lake := read(organization, lake_id):
        removals = [
            _release(lake),
            _key(organization, lake.id) | _as_read(lake),
            _key(_WATCHES, _watch(lake)),
        ]
        with suppress(transactions.ConditionsFailed):
            transactions.write("delete lake", [{"Delete": removal} for removal in removals])


def vacate(lake: Lake) -> None:
    """Its connector may be deleted from now on. Done again it changes nothing."""
    with suppress(transactions.ConditionsFailed):
        transactions.write("leave connector", [connectors.leave(lake.organization, lake.connector, lake.id)])


def hear(routing_key: str) -> None:
    """What the bucket tells has been seen to arrive."""
    actions: list[Action] = [LakeItem.notified.set(Notified.CONNECTED), LakeItem.notified_detail.remove()]
    for watch in watches(routing_key):
        item = LakeItem(watch.lake_organization, watch.id.rpartition("/")[2])
        with suppress(aws.ConditionFailed), aws.calling("note notifications"):
            transactions.outlast(partial(item.update, actions, condition=awaits_notifications()))


def awaits_notifications() -> "Condition":
    condition: Condition = LakeItem.notified == Notified.PENDING
    return condition


def watches(routing_key: str | None = None) -> list[WatchItem]:
    """Which lakes look at the bucket, or at any bucket in AWS, as it is at this moment."""
    of_bucket = WatchItem.id.between(f"{routing_key}/", f"{routing_key}/~") if routing_key else None
    with aws.calling("read watches"):
        return list(WatchItem.query(_WATCHES, of_bucket, consistent_read=True))


def _require(lake: Lake) -> Lake:
    there = read(lake.organization, lake.id)
    if there is None:
        raise UnknownLake(lake.id)
    return there


def _puts(lake: Lake) -> list[dict[str, Any]]:
    watch = WatchItem(
        organization=_WATCHES,
        id=_watch(lake),
        lake_organization=lake.organization,
        owner=lake.bucket_owner,
        prefix=lake.prefix,
    )
    puts = [_name(lake), _put(_item(lake)) | _ABSENT, *([_put(watch)] if lake.bucket_owner else [])]
    return [{"Put": put} for put in puts]


def _name(lake: Lake) -> dict[str, Any]:
    item = LakeNameItem(organization=_names(lake), id=fold(lake.name), lake_id=lake.id)
    return _put(item) | _ABSENT


def _release(lake: Lake) -> dict[str, Any]:
    return _key(_names(lake), fold(lake.name)) | {
        "ConditionExpression": "attribute_not_exists(lake_id) OR lake_id = :lake",
        "ExpressionAttributeValues": {":lake": {"S": lake.id}},
    }


def _update(before: Lake, after: Lake, names: "Iterable[str]") -> dict[str, Any]:
    wire = _item(after).serialize()
    sets = [f"#{name} = :{name}" for name in names if name in wire]
    removals = [f"#{name}" for name in names if name not in wire]
    parts = [("SET", sets), ("REMOVE", removals)]
    values = {f":{name}": wire[name] for name in names if name in wire}
    read = _as_read(before)
    return _key(before.organization, before.id) | {
        "UpdateExpression": " ".join(f"{verb} {', '.join(each)}" for verb, each in parts if each),
        "ConditionExpression": read["ConditionExpression"],
        "ExpressionAttributeNames": {f"#{name}": name for name in names} | read["ExpressionAttributeNames"],
        "ExpressionAttributeValues": values | read["ExpressionAttributeValues"],
    }


def _as_read(lake: Lake) -> dict[str, Any]:
    """It is there, and has the name that it had when it was read."""
    return {
        "ConditionExpression": "#name = :read",
        "ExpressionAttributeNames": {"#name": "name"},
        "ExpressionAttributeValues": {":read": {"S": lake.name}},
    }


_ABSENT = {"ConditionExpression": "attribute_not_exists(id)"}


def _put(item: "Table") -> dict[str, Any]:
    return {"TableName": config.lakes_table, "Item": item.serialize()}


def _key(partition: str, key: str) -> dict[str, Any]:
    return {
        "TableName": config.lakes_table,
        "Key": {"organization": {"S": partition}, "id": {"S": key}},
    }


def _names(lake: Lake) -> str:
    return f"{lake.organization}#names"


def _watch(lake: Lake) -> str:
    return f"{lake.home.routing_key}/{lake.id}"


def _lakes(items: "Iterable[LakeItem]") -> list[Lake]:
    return [_lake(item) for item in items]


def _item(lake: Lake) -> LakeItem:
    return LakeItem(**asdict(lake) | {"bucket": lake.home.routing_key})


def _lake(item: LakeItem) -> Lake:
    known = {name: getattr(item, name) for name in _FIELDS}
    return Lake.read(known | {"bucket": item.bucket.rpartition("/")[2]})
