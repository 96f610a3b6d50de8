"""What an import would take: requests to AWS, and what they cost at list prices."""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from chalicelib.model import limits
from chalicelib.model.prices import Usage, price_million

if TYPE_CHECKING:
    from collections.abc import Mapping

_MILLION: Final = 1_000_000

_RECORD: Final = Usage(write_units=4)
"""An item of less than 1 KB, and what its three indexes hold of it."""
_REFUSED: Final = Usage(write_units=1)
"""An insert that meets a record."""
_LABELLED: Final = Usage(write_units=2)
"""An item that is written within a transaction."""
_READY: Final = Usage(s3_reads=1, s3_writes=1, write_units=1, sqs_requests=0.3, gb_seconds=0.036)
"""Bytes that are looked at: a thumbnail, and the record that tells of it. The time is that of a JPEG of two
megapixels, as `make bench` measures it (bench/results.json)."""
_READY_CALLS: Final = 3.1
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    objects: int
    bytes: int
    calls: int
    """Requests to S3, DynamoDB and SQS."""
    usd: float
    """Without free tiers and discounts, and without the hundredth part that queues and logs add."""


def of_import(counts: "Mapping[str, int]", *, named: bool, eager: bool) -> Estimate:
    """By what a dry run has counted. `named` is whether each object is looked for by its name, `eager`
    whether the bytes of what is new are looked at."""
    seen, new, taggings = counts["seen"], counts["new"], counts["taggings"]
    sought = seen + counts["failed"]
    looked = sought if named else ceil(seen / _PAGE)
    inserted = ceil(seen / limits.INSERT_BATCH)
    labelled = taggings + min(seen, taggings)
    told = ceil(labelled / limits.TRANSACTION_WRITES)
    calls = looked + inserted + told + new * _READY_CALLS * eager
    usage = (
        (Usage(s3_reads=looked) if named else Usage(s3_writes=looked))
        + _RECORD * new
        + _REFUSED * (seen - new)
        + _LABELLED * labelled
        + _READY * (new * eager)
    )
    usd = sum(price_million(usage).values()) / _MILLION
    return Estimate(seen, counts["bytes"], ceil(calls), round(usd, 6))
