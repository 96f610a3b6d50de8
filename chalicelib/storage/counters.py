"""Counters of lakes, and the guard that lets every change in the table's stream count once.

A lake's counters lie in a few slots, so that the shards of a busy stream do not wait for one item; a reader
adds up.
"""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

from botocore.exceptions import ClientError

from chalicelib.config import config
from chalicelib.errors import StorageUnavailable
from chalicelib.model import moment
from chalicelib.model.counts import Counts, gather
from chalicelib.storage import aws

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def add(shard: str, first: str, last: str, deltas: "Mapping[str, Mapping[str, int]]") -> str | None:
    """Add what the stream's records `first` to `last` of one shard changed, for at most 99 lakes, all or
    nothing.

    None when it was added. Else the sequence number up to which the shard's records had been added before.
    """
    guard = _advance(shard, first, last)
    slot = str(crc32(shard.encode()) % _SLOTS)
    updates = [_addition(lake_id, slot, changes) for lake_id, changes in deltas.items()]
    with aws.calling("add to counters"):
        try:
            aws.client("dynamodb").transact_write_items(TransactItems=[guard, *updates])
        except ClientError as error:
            if aws.error_code(error) != "TransactionCanceledException":
                raise
            return _applied_before(error.response)
    return None


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


def _addition(lake_id: str, slot: str, changes: "Mapping[str, int]") -> dict[str, Any]:
    names = {f"#{n}": name for n, name in enumerate(changes)}
    return {
        "Update": {
            "TableName": config.counters_table,
            "Key": {"lake_id": {"S": lake_id}, "slot": {"S": slot}},
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
