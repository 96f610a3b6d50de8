"""Removal of many items at once, wherever they are and whatever is in them."""

from itertools import batched
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.errors import StorageUnavailable
from chalicelib.storage import aws, transactions

if TYPE_CHECKING:
    from collections.abc import Iterable

type Key = dict[str, Any]

_BATCH = 25


def remove(table: str, keys: "Iterable[Key]") -> None:
    """Of what is not there, nothing is changed. No key may be given twice."""
    batches = [list(batch) for batch in batched(keys, _BATCH, strict=False)]
    parallel.for_each(lambda batch: _remove(table, batch), batches)


def _remove(table: str, keys: "list[Key]") -> None:
    requests = [{"DeleteRequest": {"Key": key}} for key in keys]
    for attempt in range(transactions.ATTEMPTS):
        with aws.calling("remove items"):
            answer = aws.client("dynamodb").batch_write_item(RequestItems={table: requests})
        requests = answer["UnprocessedItems"].get(table, [])
        if not requests:
            return
        transactions.pause(attempt)
    raise StorageUnavailable("remove items", "UnprocessedItems")
