"""Counters of lakes and labels, and the guard that lets every change in the table's stream count once.

The counters of a lake, and the one of each label, lie in a few slots, so that the shards of a busy stream do
not wait for one item; a reader adds up. Labels have items of their own: a lake may have any number of them.
"""

from collections import Counter
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any
from zlib import crc32

from botocore.exceptions import ClientError

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits, moment
from chalicelib.model.counts import Counts, gather, is_of_label, label_counter
from chalicelib.storage import aws, removals
from chalicelib.storage.tables import CounterItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.model.label import Label

_SLOTS = 8
_GUARD_DAYS = 3
"""Longer than a stream keeps its records (one day), so no record can outlive the guard of its shard."""
_SEQUENCE_DIGITS = 40


def read(lake_id: str) -> Counts:
    with aws.calling("read counters"):
        answer = aws.client("dynamodb").query(
            TableName=config.counters_table,
            KeyConditionExpression="lake_id = :lake",
            ExpressionAttributeValues={":lake": {"S": lake_id}},
            ConsistentRead=True,
        )
    total: Counter[str] = Counter()
    for slot in answer["Items"]:
        total.update({name: int(value["N"]) for name, value in slot.items() if "N" in value})
    return gather(total)


def of_labels(labels: "Iterable[Label]") -> dict[str, int]:
    """How many live records have each, by their ids."""
    counters = {label_counter(label.kind, label.id): label.id for label in labels}
    keys = [(counter, str(slot)) for counter in counters for slot in range(_SLOTS)]
    total: Counter[str] = Counter()
    for items in parallel.for_each(_read, list(batched(keys, limits.READ_BATCH, strict=False))):
        for item in items:
            total[counters[item.lake_id]] += int(item.items or 0)
    return {label_id: total[label_id] for label_id in counters.values()}


def is_empty(lake_id: str) -> bool:
    return read(lake_id) == gather({})


def remove(holders: "Iterable[str]") -> None:
    """Of lakes and labels that are no more."""
    keys = [{"lake_id": {"S": holder}, "slot": {"S": str(n)}} for holder in holders for n in range(_SLOTS)]
    removals.remove(config.counters_table, keys)


def holders(lake_id: str, change: "Mapping[str, int]") -> dict[str, dict[str, int]]:
    """The change of some counters of a lake and its labels, by the items that hold them."""
    found: dict[str, dict[str, int]] = {}
    for counter, value in change.items():
        holder, name = (counter, "items") if is_of_label(counter) else (lake_id, counter)
        found.setdefault(holder, {})[name] = value
    return found


def add(shard: str, first: str, last: str, deltas: "Mapping[str, Mapping[str, int]]") -> str | None:
    """Add what the stream's records `first` to `last` of one shard changed, for at most 99 holders, all or
    nothing.

    None when it was added. Else the sequence number up to which the shard's records had been added before.
    """
    guard = _advance(shard, first, last)
    slot = str(crc32(shard.encode()) % _SLOTS)
    updates = [_addition(holder, slot, changes) for holder, changes in deltas.items()]
    with aws.calling("add to counters"):
        try:
            aws.client("dynamodb").transact_write_items(TransactItems=[guard, *updates])
        except ClientError as error:
            if aws.error_code(error) != "TransactionCanceledException":
                raise
            return _applied_before(error.response)
    return None


def _read(keys: "Iterable[tuple[str, str]]") -> list[CounterItem]:
    with aws.calling("read counters"):
        return list(CounterItem.batch_get(keys))


def _advance(shard: str, first: str, last: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": config.counters_table,
            "Key": {"lake_id": {"S": f"guard#{shard}"}, "slot": {"S": "-"}},
            "UpdateExpression": "SET applied = :last, expires_at = :end",
            "ConditionExpression": unapplied(),
            "ExpressionAttributeValues": {
                ":first": {"S": first.zfill(_SEQUENCE_DIGITS)},
                ":last": {"S": last.zfill(_SEQUENCE_DIGITS)},
                ":end": {"N": str(int((moment.now() + timedelta(days=_GUARD_DAYS)).timestamp()))},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def unapplied() -> str:
    return "attribute_not_exists(applied) OR applied < :first"


def _addition(holder: str, slot: str, changes: "Mapping[str, int]") -> dict[str, Any]:
    names = {f"#{n}": name for n, name in enumerate(changes)}
    return {
        "Update": {
            "TableName": config.counters_table,
            "Key": {"lake_id": {"S": holder}, "slot": {"S": slot}},
            "UpdateExpression": "ADD " + ", ".join(f"{alias} :{alias[1:]}" for alias in names),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {f":{n}": {"N": str(v)} for n, v in enumerate(changes.values())},
        }
    }


def _applied_before(answer: "Mapping[str, Any]") -> str:
    reasons = answer["CancellationReasons"]
    if reasons[0].get("Code") == "ConditionalCheckFailed":
        return str(reasons[0]["Item"]["applied"]["S"])
    codes = sorted({reason.get("Code", "") for reason in reasons} - {"None"})
    raise StorageUnavailable("add to counters", *codes)
