"""Which way to the records of a query is the cheapest, and whether they are found there in the order that was
asked for or must be gathered and sorted."""

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Final

from chalicelib.model import limits, moment
from chalicelib.model.data import is_id
from chalicelib.query import fields, times
from chalicelib.query.tree import EVERYTHING, Clause, Operator, conjoin, conjuncts
from chalicelib.query.ways import Lookup, Members, Walk
from chalicelib.storage import counters, records
from chalicelib.storage.records import Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from chalicelib.model.lake import Lake
    from chalicelib.query.binding import Bound
    from chalicelib.query.tree import Tree
    from chalicelib.query.ways import Way
    from chalicelib.storage.records import Range

GATHERED: Final = 2000
"""Records that are read at most to be sorted: as many as one page may read."""

PROBED: Final = 1000
"""Keys that are read at most to learn whether a part of an index holds few records."""

_TAGS_AT_ONCE: Final = 16
"""Tags whose members are walked side by side. Each costs a request for each shard of the lake."""

_LOOKED_UP: Final = (fields.ID, fields.OBJECT_NAME)
_SAME: Final = frozenset({Operator.EQUAL, Operator.IN})
_BOUNDING: Final = frozenset(
    {Operator.EQUAL, Operator.BELOW, Operator.AT_MOST, Operator.ABOVE, Operator.AT_LEAST}
)


@dataclass(frozen=True, slots=True)
class InOrder:
    way: Walk
    filter: "Tree"
    """What the way leaves to be checked of each record."""

    @property
    def access(self) -> str:
        """To walk along everything is a scan only where not everything is wanted."""
        return "order" if self.filter == EVERYTHING and not self.way.bounds else self.way.access


@dataclass(frozen=True, slots=True)
class Sorted:
    way: "Way"
    filter: "Tree"
    ids: list[str]
    """Of all records on the way."""

    @property
    def access(self) -> str:
        return self.way.access


type Plan = InOrder | Sorted


def choose(lake: "Lake", bound: "Bound", order: Order, limit: int) -> Plan:
    """For pages of so many records."""
    clauses = _clauses(bound.tree)
    walks = {each: _walk(each, clauses) for each in (Order.CREATED_AT, Order.OBJECT_NAME)}
    walks[Order.FILENAME] = _walk_filenames(lake, clauses, limit) or _walk(Order.FILENAME, clauses)
    lookups, members = list(_lookups(lake, clauses)), _members(clauses, walks[Order.CREATED_AT])
    others = [walk for walk in walks.values() if walk.bounds and walk.order is not order]
    # How long a way is matters only where there is another one.
    if order is not Order.CREATED_AT or len(members) > 1 or lookups or others:
        members = _sized(bound, members)
    for way, most in _candidates([*lookups, *members], walks, order):
        if isinstance(way, Walk) and way.order is order:
            return InOrder(way, _left(bound.tree, way))
        if (ids := _gather(lake, way, most, limit)) is not None:
            return Sorted(way, _left(bound.tree, way), ids)
    in_order = members if members and order is Order.CREATED_AT else [walks[order]]
    way = min(in_order, key=_size)
    return InOrder(way, _left(bound.tree, way))


def by_name(bound: "Bound") -> InOrder:
    """Along the names, whatever else is known of the records."""
    way = _walk(Order.OBJECT_NAME, _clauses(bound.tree))
    return InOrder(way, _left(bound.tree, way))


def _candidates(
    sized: "Sequence[Way]", walks: "Mapping[Order, Walk]", order: Order
) -> "list[tuple[Way, int]]":
    """Ways that may be short, with how long each may be: the shortest that is known, or else all that might
    be."""
    known = [way for way in (*sized, walks[Order.FILENAME]) if _size(way) <= GATHERED]
    if known:
        return [(min(known, key=_size), GATHERED)]
    return [(walk, PROBED) for walk in walks.values() if walk.bounds and walk.order is not order]


def _gather(lake: "Lake", way: "Way", most: int, limit: int) -> list[str] | None:
    """The ids of all records on the way, if they are few enough to be worth it."""
    if way.size is not None:
        return way.gather(lake, most) if _pays(lake, way, way.size, limit) else None
    ids = way.gather(lake, most)
    return ids if ids is not None and _pays(lake, way, len(ids), limit) else None


def _pays(lake: "Lake", way: "Way", size: int, limit: int) -> bool:
    """Whether to read and sort so many records costs less than to walk through all in order until as many of
    them as a page holds have come by."""
    price = _price(lake, way, size)
    return price <= limit or price * max(size, limit) <= limit * counters.read(lake.id).items


def _price(lake: "Lake", way: "Way", size: int) -> int:
    """Of reading all there is on the way. A request for nothing costs as much as one record."""
    return size + (len(way.ranges) * lake.shards if isinstance(way, Walk) else 0)


def _clauses(tree: "Tree") -> list[Clause]:
    """Those that must all hold."""
    return [part for part in conjuncts(tree) if isinstance(part, Clause)]


def _left(tree: "Tree", way: "Way") -> "Tree":
    return conjoin(part for part in conjuncts(tree) if not (way.exact and part in way.bounds))


def _size(way: "Way") -> float:
    return inf if way.size is None else way.size


def _lookups(lake: "Lake", clauses: "Sequence[Clause]") -> "Iterator[Lookup]":
    bounds = [each for each in clauses if each.field in _LOOKED_UP and each.operator in _SAME]
    bounds += [each for each in clauses if each.operator is Operator.IN and not each.values]
    if bounds:
        ids = set.intersection(*(set(_ids(lake, clause)) for clause in bounds))
        yield Lookup(bounds=tuple(bounds), ids=tuple(sorted(ids)))


def _ids(lake: "Lake", clause: Clause) -> "Iterator[str]":
    for value in map(str, clause.values):
        if clause.field == fields.OBJECT_NAME:
            yield from (lake.data_id(value), lake.link_id(value))
        elif is_id(value):
            yield value


def _members(clauses: "Sequence[Clause]", created: Walk) -> list[Members]:
    return [
        Members(
            order=Order.CREATED_AT,
            bounds=(clause, *created.bounds),
            ranges=created.ranges,
            tags=tuple(map(str, clause.values)),
        )
        for clause in clauses
        if clause.field == fields.TAG_IDS
        and clause.operator is Operator.IN
        and 0 < len(clause.values) <= _TAGS_AT_ONCE
    ]


def _sized(bound: "Bound", members: "Iterable[Members]") -> list[Members]:
    tags = sorted({tag for way in members for tag in way.tags})
    counts = counters.of_labels(bound.tags[tag] for tag in tags) if tags else {}
    return [replace(way, size=sum(counts[tag] for tag in way.tags)) for way in members]


def _walk(order: Order, clauses: "Sequence[Clause]") -> Walk:
    if order is Order.CREATED_AT:
        return _walk_created(clauses)
    name = fields.OBJECT_NAME if order is Order.OBJECT_NAME else fields.FILENAME
    return _walk_prefix(order, [each for each in clauses if each.field == name])


def _walk_created(clauses: "Sequence[Clause]") -> Walk:
    bounds = [each for each in clauses if each.field == fields.CREATED_AT and each.operator in _BOUNDING]
    low, high = records.span(Order.CREATED_AT)
    for clause in bounds:
        first, last = _created_range(clause)
        low, high = max(low, first), min(high, last)
    return Walk(order=Order.CREATED_AT, bounds=tuple(bounds), ranges=((low, high),) if low <= high else ())


def _created_range(clause: Clause) -> "Range":
    """Records are created in whole milliseconds: a moment between two of them is after the first."""
    when = times.read(str(clause.values[0])) or moment.now()
    before, after = records.created_bounds(moment.rfc3339(when))
    low, high = records.span(Order.CREATED_AT)
    start = after if when.microsecond % 1000 else before
    match clause.operator:
        case Operator.ABOVE:
            return after, high
        case Operator.AT_LEAST:
            return start, high
        case Operator.BELOW:
            return low, start
        case Operator.AT_MOST:
            return low, after
    return start, after


def _walk_prefix(order: Order, clauses: "Iterable[Clause]") -> Walk:
    starts = [each for each in clauses if each.operator is Operator.STARTS_WITH]
    if not starts:
        return Walk(order=order, ranges=(records.span(order),))
    longest = max(starts, key=lambda clause: len(str(clause.values[0])))
    prefix = str(longest.values[0])
    possible = len(prefix.encode()) <= limits.KEY_BYTES
    return Walk(
        order=order,
        bounds=(longest,),
        # Behind the names of links there is a mark, which no other name should be taken for.
        exact=order is Order.OBJECT_NAME and "\0" not in prefix,
        ranges=(records.span(order, prefix),) if possible else (),
    )


def _walk_filenames(lake: "Lake", clauses: "Iterable[Clause]", limit: int) -> Walk | None:
    """None: no names are given, or so many that to ask for each costs more than to read the whole index."""
    same = [each for each in clauses if each.field == fields.FILENAME and each.operator in _SAME]
    if not same:
        return None
    names = set.intersection(*({str(value) for value in clause.values} for clause in same))
    # A zero byte ends a name in the index: names with one in them have no place of their own.
    if any("\0" in name for name in names):
        return None
    ranges = tuple(sorted({records.filename_span(name) for name in names}))
    walk = Walk(order=Order.FILENAME, bounds=tuple(same), exact=False, ranges=ranges, size=len(names))
    price = _price(lake, walk, len(names))
    return walk if price <= limit or price <= counters.read(lake.id).items else None
