"""What 10⁶, 10⁷ and 10⁸ objects take, computed of what was counted and of what AWS documents.

`python -m bench.scale` prints the tables of docs/scale.md.
"""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from bench import results
from bench.capacity import READ_UNIT_BYTES
from bench.cost import PROCESSOR_MB, WAIT_MS
from chalicelib.model import limits
from chalicelib.model.prices import Usage, price_million

if TYPE_CHECKING:
    from bench.results import Results

SIZES: Final = (10**6, 10**7, 10**8)

WALKERS: Final = {"small": 2, "medium": 8, "large": 32}
"""By the parameter Size: how many functions walk at once."""

MEMORY_MB: Final = 512
SPELL_OBJECTS: Final = 8_000
"""A step of a scan, two fifths of one of a sync."""
CALLS_AT_ONCE: Final = 16

LISTING_MS: Final = 100
"""Assumed until S3 has answered a page of 1,000 names."""
QUERY_MS: Final = 60
"""Assumed until DynamoDB has answered with 2,000 entries of an index."""

PARTITION_UNITS: Final = 1_000
"""Written a second to one partition, of a table or an index.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"""
NEW_TABLE_UNITS: Final = 4_000
"""Written a second to a new on-demand table, or one of its indexes, unless it is warmed.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html"""
PREFIX_REQUESTS: Final = 5_500
"""That one prefix of a bucket answers a second, at least.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Of one object."""

    usage: Usage
    spell_seconds: float
    units: float
    """Written to the table, and to each of its indexes."""

    def rate(self, walkers: int) -> float:
        """Objects a second: of the walkers, or of what holds them back."""
        ceilings = [walkers * SPELL_OBJECTS / self.spell_seconds, PREFIX_REQUESTS / self.usage.s3_writes]
        if self.units:
            ceilings += [NEW_TABLE_UNITS / self.units, limits.SHARDS * PARTITION_UNITS / self.units]
        return min(ceilings)

    def dollars(self, objects: int) -> float:
        return sum(price_million(self.usage).values()) * objects / 1e6


def scan(counted: "Results") -> Walk:
    pages = SPELL_OBJECTS / 1000
    inserts = SPELL_OBJECTS / limits.INSERT_BATCH / CALLS_AT_ONCE
    waits = pages * LISTING_MS + inserts * WAIT_MS["BatchExecuteStatement"]
    seconds = (waits + _processor_ms(counted["scan_processor"]["value"])) / 1000
    folding = counted["time_changes_billed"]["value"] / 1000 * MEMORY_MB / 1024
    usage = Usage(
        s3_writes=counted["scan_s3"]["value"],
        write_units=counted["scan_write_units"]["value"],
        sqs_requests=counted["scan_sqs"]["value"],
        gb_seconds=_gigabyte_seconds(seconds) + folding,
    )
    return Walk(usage=usage, spell_seconds=seconds, units=1)


def sync(counted: "Results") -> Walk:
    pages = SPELL_OBJECTS / 1000
    waits = pages * LISTING_MS + QUERY_MS
    seconds = (waits + _processor_ms(counted["sync_processor"]["value"])) / 1000
    usage = Usage(
        s3_writes=counted["sync_s3"]["value"],
        read_units=counted["sync_entry_size"]["value"] / READ_UNIT_BYTES / 2,
        gb_seconds=_gigabyte_seconds(seconds),
    )
    return Walk(usage=usage, spell_seconds=seconds, units=0)


def _processor_ms(of_one: float) -> float:
    """Of a spell, by the share of a processor that the function has."""
    return of_one * SPELL_OBJECTS * PROCESSOR_MB / MEMORY_MB


def _gigabyte_seconds(spell_seconds: float) -> float:
    return spell_seconds * MEMORY_MB / 1024 / SPELL_OBJECTS


def tables(counted: "Results") -> str:
    walks = {"scan": scan(counted), "sync": sync(counted)}
    return "\n\n".join(_table(name, walk) for name, walk in walks.items())


def _table(name: str, walk: Walk) -> str:
    head = [
        name,
        "listings",
        "units written" if walk.units else "units read",
        "S3",
        "DynamoDB",
        "Lambda",
        "in all",
    ]
    rows = [head + [f"`{size}`" for size in WALKERS], ["---", *["---:"] * (len(head) - 1 + len(WALKERS))]]
    for objects in SIZES:
        prices = {unit: value * objects / 1e6 for unit, value in price_million(walk.usage).items()}
        database = prices["write_units"] + prices["read_units"]
        others = prices["gb_seconds"] + prices["sqs_requests"]
        units = (walk.usage.write_units + walk.usage.read_units) * objects
        cells = [f"{objects:,} objects", _number(walk.usage.s3_writes * objects), _number(units)]
        cells += map(_money, (prices["s3_writes"], database, others, walk.dollars(objects)))
        rows.append(cells + [_time(objects / walk.rate(walkers)) for walkers in WALKERS.values()])
    return "\n".join(f"| {' | '.join(row)} |" if row[1] != "---:" else f"|{'|'.join(row)}|" for row in rows)


def _number(value: float) -> str:
    """In two digits: more are not known."""
    scale = 10 ** max(0, len(str(ceil(value))) - 2)
    return f"{round(value / scale) * scale:,}"


def _money(dollars: float) -> str:
    return f"${dollars:,.2f}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    print(tables(results.read()))
