"""Ways to the records of a lake: by their ids, along an index, along the members of tags."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from chalicelib.storage import members, records
from chalicelib.storage.records import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chalicelib.model.lake import Lake
    from chalicelib.query.tree import Clause
    from chalicelib.storage.records import Entry, Position, Range

RANGES_AT_ONCE: Final = 64
"""Ranges that are looked at side by side. Each costs a request for each shard of the lake."""

_INDEXES: Final = {Order.CREATED_AT: "by_created", Order.OBJECT_NAME: "by_key", Order.FILENAME: "by_filename"}
_ACCESSES: Final = {Order.CREATED_AT: "created_at", Order.OBJECT_NAME: "prefix", Order.FILENAME: "filename"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """By their ids, in no order."""

    bounds: "tuple[Clause, ...]"
    ids: tuple[str, ...]
    exact: Literal[True] = True
    order: None = None
    index: Literal["data"] = "data"

    @property
    def access(self) -> str:
        return "id" if self.ids else "none"

    @property
    def size(self) -> int:
        return len(self.ids)

    def gather(self, lake: "Lake", most: int) -> list[str] | None:
        return list(self.ids) if len(self.ids) <= most else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Along one index of the lake, or the parts of it where the bounds hold."""

    order: Order
    bounds: "tuple[Clause, ...]" = ()
    """The conditions that the way itself sees to."""
    exact: bool = True
    """Whether it leads to nothing but what fulfils them."""
    ranges: "tuple[Range, ...]"
    size: int | None = None
    """How many records there are on it, about. None: nobody knows."""

    @property
    def access(self) -> str:
        return _ACCESSES[self.order] if self.bounds else "scan"

    @property
    def index(self) -> str:
        return _INDEXES[self.order]

    def step(
        self, lake: "Lake", after: "Position | None", limit: int, *, descending: bool
    ) -> "tuple[list[Entry], Position | None]":
        """At most `limit` records after the position, and from where there may be more."""
        ahead = list(_ahead(self.ranges, after, descending))
        near = ahead[:RANGES_AT_ONCE]
        # Bounds are included: room for `after` itself, and for one more that tells whether there are more.
        found = self._read(lake, near, descending, limit + 2) if near else []
        fresh = [entry for entry in found if entry[0] != after]
        if len(fresh) > limit:
            return fresh[:limit], fresh[limit - 1][0]
        return fresh, near[-1][0 if descending else 1] if len(ahead) > len(near) else None

    def gather(self, lake: "Lake", most: int) -> list[str] | None:
        """The ids of all records on the way. None: there are more than that."""
        ids: list[str] = []
        after = None
        while len(ids) <= most:
            entries, after = self.step(lake, after, most + 1 - len(ids), descending=False)
            ids += [data_id for _, data_id in entries]
            if after is None and len(ids) <= most:
                return ids
        return None

    def _read(self, lake: "Lake", ranges: "Sequence[Range]", descending: bool, limit: int) -> "list[Entry]":
        return records.positions(lake, self.order, ranges, descending=descending, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members(Walk):
    """Along the records that have one of some tags, in the order of creation."""

    tags: tuple[str, ...]

    @property
    def access(self) -> str:
        return "tag"

    @property
    def index(self) -> str:
        return "taggings"

    def _read(self, lake: "Lake", ranges: "Sequence[Range]", descending: bool, limit: int) -> "list[Entry]":
        [within] = ranges
        return members.positions(lake, self.tags, within, descending=descending, limit=limit)


type Way = Lookup | Walk


def _ahead(ranges: "Sequence[Range]", after: "Position | None", descending: bool) -> "Iterator[Range]":
    """What is left of the ranges behind the position, in the order of the walk."""
    for low, high in reversed(ranges) if descending else ranges:
        if after is None:
            yield low, high
        elif descending and low < after:
            yield low, min(high, after)
        elif not descending and after < high:
            yield max(low, after), high
