"""Pages of a lake's data: walk one index from a position on, keep what the query admits, stop in time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.model import limits
from chalicelib.storage import records
from chalicelib.storage.records import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chalicelib.model.data import Data, Status, Type
    from chalicelib.model.lake import Lake
    from chalicelib.storage.records import Position

READ_BUDGET = 2000
"""Records read for one page. A query that admits few of them gets what was found until then, and an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    order: Order = Order.CREATED_AT
    descending: bool = False
    prefix: str = ""
    status: "Status | None" = None
    type: "Type | None" = None

    @property
    def filters(self) -> bool:
        """Whether some of the records that the walk meets may not be wanted."""
        by_prefix = self.prefix and self.order is not Order.OBJECT_NAME
        return bool(by_prefix or self.status or self.type)

    def admits(self, data: "Data") -> bool:
        return (
            data.object_name.startswith(self.prefix)
            and self.status in (None, data.status)
            and self.type in (None, data.type)
        )


@dataclass(frozen=True, slots=True)
class Page:
    items: "list[Data]"
    end: "Position | None"
    """The next page is what comes after this. None: nothing does."""


def read(lake: "Lake", query: Query, after: "Position | None", limit: int) -> Page:
    """At most `limit` records after the position, in the query's order. Fewer and an end: out of budget.

    Whether more follow, the index tells where nothing is filtered, else only one more admitted record does.
    """
    found: list[Data] = []
    budget, stride = READ_BUDGET, _first_stride(query, limit)
    while stride > 0:
        entries, more = _next_entries(lake, query, after, stride)
        for position, data in _admitted(lake, query, entries):
            if data and len(found) == limit:
                return Page(found, after)
            if data:
                found.append(data)
            after = position
        if not more:
            return Page(found, None)
        if len(found) == limit and not query.filters:
            return Page(found, after)
        budget -= stride
        stride = min(2 * stride, budget)
    return Page(found, after)


def _first_stride(query: Query, limit: int) -> int:
    """The limit where every record counts; where not, whole batches, and at least one more record."""
    return limits.READ_BATCH * (limit // limits.READ_BATCH + 1) if query.filters else limit


def _next_entries(
    lake: "Lake", query: Query, after: "Position | None", stride: int
) -> "tuple[list[tuple[Position, str]], bool]":
    """The next positions with their ids, and whether there are more."""
    low, high = records.span(query.order, query.prefix if query.order is Order.OBJECT_NAME else "")
    if after is not None:
        low, high = (low, after) if query.descending else (after, high)
    # Both bounds are included: room for `after` itself, and for one more that tells whether there are more.
    entries = records.positions(
        lake, query.order, low=low, high=high, descending=query.descending, limit=stride + 2
    )
    fresh = [entry for entry in entries if entry[0] != after]
    return fresh[:stride], len(fresh) > stride


def _admitted(
    lake: "Lake", query: Query, entries: "Sequence[tuple[Position, str]]"
) -> "Iterator[tuple[Position, Data | None]]":
    found = _read_records([data_id for _, data_id in entries])
    for position, data_id in entries:
        data = found.get(data_id)
        # An index is a little behind its table: what it still lists may be gone.
        there = data and data.live and data.lake_id == lake.id and query.admits(data)
        yield position, data if there else None


def _read_records(ids: "list[str]") -> "dict[str, Data]":
    batches = [ids[start : start + limits.READ_BATCH] for start in range(0, len(ids), limits.READ_BATCH)]
    found: dict[str, Data] = {}
    for batch in parallel.for_each(records.read_many, batches):
        found |= batch
    return found
