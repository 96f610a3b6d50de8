"""Which data is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidelake.command.telling import OK, SOME_FAILED, complain
from tidelake.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidelake.data import Data, MultiData
    from tidelake.datalakes import Datalake


def conditions_of(
    query: str, prefix: str, tags: list[str], all_tags: bool, type: str, status: str, source: str
) -> dict[str, Any]:
    given = {
        "q": query,
        "prefix": prefix,
        "tags": tags,
        "intersect_tags": all_tags and bool(tags),
        "type": type,
        "status": status,
        "source": source,
    }
    return {name: value for name, value in given.items() if value}


def find_one(lake: Datalake, name: str) -> Data:
    """By object name, else by id, else by file name."""
    for by in ("object_name", "id"):
        try:
            return lake.find_data(**{by: name})
        except NotFound:
            continue
    return lake.find_data(filename=name)


def choose(lake: Datalake, names: list[str], conditions: dict[str, Any]) -> tuple[MultiData, list[str]]:
    """The data, and the names of none."""
    if not names:
        return lake.list_data(order_by="object_name", **conditions), []
    if conditions:
        raise ValueError("give names or conditions, not both")
    by_name = lake.list_data(object_names=names)
    left = set(names) - {data.object_name for data in by_name}
    by_id = lake.list_data(ids=sorted(left))
    return by_name + by_id, sorted(left - {data.id for data in by_id})


def tell_unknown(names: Iterable[str], *, as_json: bool) -> int:
    code = OK
    for name in names:
        complain(f"{name}: there is no such data in this datalake", "not_found", as_json=as_json)
        code = SOME_FAILED
    return code
