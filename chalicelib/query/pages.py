"""Pages of a lake's data: take the cheapest way to it, keep what the query asks for, stop in time."""

import json
from dataclasses import dataclass, field, replace
from itertools import batched
from operator import itemgetter
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.model import limits
from chalicelib.query import binding, evaluation, plans
from chalicelib.query.plans import InOrder
from chalicelib.query.tree import EVERYTHING
from chalicelib.storage import labels, records
from chalicelib.storage.records import Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake
    from chalicelib.query.binding import Bound
    from chalicelib.query.plans import Plan
    from chalicelib.query.tree import Tree
    from chalicelib.storage.records import Position

READ_BUDGET = 2000
"""Records read for one page. A query that admits few of them gets what was found until then, and an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    order: Order = Order.CREATED_AT
    descending: bool = False
    where: "Tree" = EVERYTHING
    under: str | None = None
    """Only what lies directly under this prefix, and the folders there. For folders.read."""

    def __str__(self) -> str:
        """Another for every other query: what a cursor is bound to."""
        return json.dumps([self.order, self.descending, str(self.where), self.under])


@dataclass(frozen=True, slots=True)
class Page:
    items: "list[Data]"
    end: "Position | None"
    """The next page is what comes after this. None: nothing does."""
    plan: "Plan"
    bound: "Bound"
    folders: list[str] = field(default_factory=list)
    """With their whole names."""

    def cut(self, query: Query, size: int) -> "Page":
        """With so many of its items, and what stands before the last of them."""
        end = records.position(self.items[size - 1], query.order)
        kept = [each for each in self.folders if (each > end if query.descending else each < end)]
        return replace(self, items=self.items[:size], end=end, folders=kept)


def read(lake: "Lake", query: Query, after: "Position | None", limit: int) -> Page:
    """At most `limit` records after the position, in the query's order. Fewer and an end: out of budget.

    Whether more follow, the index tells where nothing is filtered, else only one more admitted record does.
    """
    bound = binding.bind(lake.id, query.where)
    plan = plans.choose(lake, bound, query.order, limit)
    sieve = Sieve(lake, bound.tree)
    if isinstance(plan, InOrder):
        items, end = _walk(sieve, plan, query, after, limit)
    else:
        items, end = _sort(sieve.admit(plan.ids).values(), query, after, limit)
    return Page(items, end, plan, bound)


class Sieve:
    """Lets pass what is shown, the lake's own, and what the tree asks for."""

    def __init__(self, lake: "Lake", tree: "Tree") -> None:
        self.lake = lake
        self._test, self._by_name = evaluation.compile(tree), evaluation.needs_names(tree)
        self._names: dict[str, str] = {}

    def admit(self, ids: "Sequence[str]") -> "dict[str, Data]":
        """The records of these ids that pass."""
        batches = list(batched(dict.fromkeys(ids), limits.READ_BATCH, strict=False))
        read = [data for batch in parallel.for_each(records.read_many, batches) for data in batch.values()]
        # An index is a little behind its table: what it still lists may be gone.
        there = [data for data in read if data.shown_in(self.lake.id)]
        if self._by_name:
            self._learn_names(there)
        return {data.id: data for data in there if self._test(data, self._names)}

    def _learn_names(self, found: "Iterable[Data]") -> None:
        held = {label for data in found for label in (*data.tags, data.source) if label}
        if unknown := held - self._names.keys():
            self._names |= labels.names(self.lake.id, sorted(unknown))


def _walk(
    sieve: Sieve, plan: InOrder, query: Query, after: "Position | None", limit: int
) -> "tuple[list[Data], Position | None]":
    found: list[Data] = []
    filtered = plan.filter != EVERYTHING
    budget, stride = READ_BUDGET, _first_stride(limit, filtered=filtered)
    while stride > 0:
        entries, end = plan.way.step(sieve.lake, after, stride, descending=query.descending)
        admitted = sieve.admit([data_id for _, data_id in entries])
        for position, data_id in entries:
            if data_id in admitted and len(found) == limit:
                return found, after
            if data_id in admitted:
                found.append(admitted[data_id])
            after = position
        if end is None or (len(found) == limit and not filtered):
            return found, end
        after = end
        budget -= stride
        stride = min(2 * stride, budget)
    return found, after


def _first_stride(limit: int, *, filtered: bool) -> int:
    """The limit where every record counts; where not, whole batches, and at least one more record."""
    return limits.READ_BATCH * (limit // limits.READ_BATCH + 1) if filtered else limit


def _sort(
    found: "Iterable[Data]", query: Query, after: "Position | None", limit: int
) -> "tuple[list[Data], Position | None]":
    placed = [(records.position(data, query.order), data) for data in found]
    if after is not None:
        placed = [each for each in placed if (each[0] < after if query.descending else each[0] > after)]
    placed.sort(key=itemgetter(0), reverse=query.descending)
    page = placed[:limit]
    return [data for _, data in page], page[-1][0] if len(placed) > limit else None
