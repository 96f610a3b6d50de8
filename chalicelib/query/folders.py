"""A lake level by level, as folders show it: what lies directly under a prefix, and the folders there."""

from typing import TYPE_CHECKING, Final

from chalicelib.model import limits
from chalicelib.query import binding, plans
from chalicelib.query.pages import Page, Query, Sieve
from chalicelib.query.tree import EVERYTHING
from chalicelib.storage import records
from chalicelib.storage.records import Order

if TYPE_CHECKING:
    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake
    from chalicelib.storage.records import Position

DELIMITER: Final = "/"

STEPS: Final = 50
"""Looks at the index for one page. Each sees what one request can read, or leaves one folder behind."""


def read(lake: "Lake", query: Query, after: "Position | None", limit: int) -> Page:
    """At most `limit` items and folders together, by name. Fewer and an end: out of steps.

    A folder is there if anything in it is what the query asks for. Once that is known, the rest of the folder
    is not read.
    """
    prefix = query.under or ""
    bound = binding.bind(lake.id, query.where)
    plan = plans.by_name(bound)
    sieve, filtered = Sieve(lake, bound.tree), plan.filter != EVERYTHING
    items: list[Data] = []
    folders: list[str] = []
    for _ in range(STEPS):
        entries, end = plan.way.step(lake, after, limits.READ_BATCH, descending=query.descending)
        admitted = sieve.admit([key for name, key in entries if filtered or not _folder(prefix, name)])
        for name, data_id in entries:
            folder = _folder(prefix, name)
            if folder and folder in folders[-1:]:
                continue
            shown = data_id in admitted or (folder and not filtered)
            if shown and len(items) + len(folders) == limit:
                return Page(items, after, plan, bound, folders)
            if shown and folder:
                folders.append(folder)
            elif shown:
                items.append(admitted[data_id])
            after = _exit(folder, descending=query.descending) if shown and folder else name
        if end is None:
            return Page(items, None, plan, bound, folders)
    return Page(items, after, plan, bound, folders)


def _folder(prefix: str, name: str) -> str:
    """The one directly under the prefix that the name lies in; empty if it lies under the prefix itself."""
    folder, delimiter, _ = name.removeprefix(prefix).partition(DELIMITER)
    return prefix + folder + delimiter if delimiter else ""


def _exit(folder: str, *, descending: bool) -> "Position":
    """Behind all that lies in the folder."""
    first, last = records.span(Order.OBJECT_NAME, folder)
    return first if descending else last
