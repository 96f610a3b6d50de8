"""Writes of several items that happen together or not at all."""

import random
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib import parallel
from chalicelib.errors import Refused, StorageUnavailable
from chalicelib.model import limits
from chalicelib.storage import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

WRITES = limits.TRANSACTION_WRITES

ATTEMPTS = 7
_PAUSE_SECONDS = 0.02
"""At most, and ever twice as much: others that write the same items need milliseconds."""

_PASSING = {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""What may be said of a write in a transaction that is worth to be tried again as it is."""


class ConditionsFailed(Exception):
    """Which of the writes met an item that is not as expected: by their places, what is there instead. It is
    known only of writes that ask for it with ReturnValuesOnConditionCheckFailure."""

    def __init__(self, there: "Mapping[int, Mapping[str, Any]]") -> None:
        super().__init__(there)
        self.there = there


def write(action: str, writes: "Sequence[dict[str, Any]]") -> None:
    """At most 100 writes. Raises ConditionsFailed, and StorageUnavailable when DynamoDB did not answer or
    others were in the way for too long."""
    for attempted in range(ATTEMPTS):
        reasons = attempt(action, writes)
        if not reasons:
            return
        pause(attempted)
    raise StorageUnavailable(action, *sorted(set(reasons)))


def attempt_each(action: str, groups: "Sequence[Sequence[dict[str, Any]]]", room: int) -> list[bool]:
    """Write each group all or nothing, as many of them in one transaction as `room` writes allow, and one at
    least. Answers which were refused: whoever writes to one item of a transaction is in the way of all, and
    large items are too much together, so they are worth another attempt with less room."""

    def refused(part: "list[Sequence[dict[str, Any]]]") -> bool:
        try:
            return bool(attempt(action, [write for group in part for write in group]))
        except (ConditionsFailed, Refused):
            return True

    parts = list(_packed(groups, room))
    outcomes = parallel.for_each(refused, parts)
    return [outcome for outcome, part in zip(outcomes, parts, strict=True) for _ in part]


def _packed(
    groups: "Sequence[Sequence[dict[str, Any]]]", room: int
) -> "Iterator[list[Sequence[dict[str, Any]]]]":
    part: list[Sequence[dict[str, Any]]] = []
    size = 0
    for group in groups:
        if part and size + len(group) > room:
            yield part
            part, size = [], 0
        part.append(group)
        size += len(group)
    if part:
        yield part


def outlast(act: "Callable[[], object]") -> None:
    """Do a write that DynamoDB refuses as long as a transaction is at work on the same item. That takes
    milliseconds, and botocore does not try again by itself."""
    for attempted in range(ATTEMPTS):
        try:
            act()
            return
        except (ClientError, PynamoDBException) as error:
            if aws.error_code(error) != "TransactionConflictException":
                raise
        pause(attempted)
    act()


def pause(attempted: int) -> None:
    time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempted))


def attempt(action: str, writes: "Sequence[dict[str, Any]]") -> list[str]:
    """Nothing, or the reasons why it was not written that may have passed by the next attempt."""
    # A transaction whose answer is lost is repeated by botocore under the same token, and so done once.
    with aws.calling(action):
        try:
            aws.client("dynamodb").transact_write_items(TransactItems=list(writes))
        except ClientError as error:
            if aws.error_code(error) != "TransactionCanceledException":
                raise
            return _reasons(action, error.response["CancellationReasons"])
    return []


def _reasons(action: str, given: "Sequence[Mapping[str, Any]]") -> list[str]:
    codes = [str(reason.get("Code", "None")) for reason in given]
    if there := {n: given[n].get("Item", {}) for n, c in enumerate(codes) if c == "ConditionalCheckFailed"}:
        raise ConditionsFailed(there)
    if not set(codes) <= _PASSING:
        raise StorageUnavailable(action, *sorted(set(codes) - _PASSING))
    return [code for code in codes if code != "None"]
