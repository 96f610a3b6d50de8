"""Data that is looked at, watched and tagged."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tidelake.command.bars import bar, waited
from tidelake.command.choosing import choose, conditions_of, find_one, tell_unknown
from tidelake.command.options import (
    AllTags,
    Json,
    Lake,
    Limit,
    Names,
    OrderBy,
    Prefix,
    Query,
    Source,
    Status,
    Tags,
    Type,
    Wait,
)
from tidelake.command.root import COLUMNS, app, command
from tidelake.command.settings import open_lake
from tidelake.command.telling import OK, SOME_FAILED, say, tell, tell_job, tell_one

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidelake.data import Data


@command(app)
def ls(
    prefix: Annotated[str, typer.Argument(help="A folder, which ends in /.")] = "",
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Also in the folders below.")] = False,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """What lies in a folder of a datalake."""
    found = open_lake(lake)
    if recursive:
        _tell_as_found(found.iter_data(prefix=prefix, order_by="object_name"), as_json=as_json)
        return OK
    with bar("listing", quiet=as_json):
        folder = found.list_folder(prefix)
    if as_json:
        tell([{"folder": each} for each in folder.folders], (), as_json=True)
    else:
        for each in folder.folders:
            say(" " * 43 + each)
    tell(folder.data, COLUMNS, as_json=as_json)
    return OK


@command(app)
def find(
    query: Annotated[str, typer.Argument(help="As 'width > 1000 and tags.name = \"car\"'.")] = "",
    prefix: Prefix = "",
    tag: Tags = [],
    all_tags: AllTags = False,
    type: Type = "",
    status: Status = "",
    source: Source = "",
    order_by: OrderBy = "created_at",
    limit: Limit = 0,
    explain: Annotated[bool, typer.Option("--explain", help="How it is found, and what that costs.")] = False,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Data for which all conditions hold, one line each. Nothing found is no failure."""
    where = open_lake(lake)
    if explain:
        tell_one(dict(where.query(query).explain()), as_json=as_json)
        return OK
    conditions = conditions_of(query, prefix, tag, all_tags, type, status, source)
    found = where.iter_data(order_by=order_by, limit=limit or None, **conditions)
    _tell_as_found(found, as_json=as_json)
    return OK


@command(app)
def show(
    name: Annotated[str, typer.Argument(help="Object name, file name or id.")],
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """All that is known of one data."""
    tell_one(find_one(open_lake(lake), name), as_json=as_json)
    return OK


@command(app)
def tag(
    tags: Annotated[str, typer.Argument(help="One or several, with commas between.")],
    names: Names = [],
    query: Query = "",
    prefix: Prefix = "",
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Give data tags, which are created where they do not exist: by names, or all that a query finds."""
    return _retag("add_tags", tags, names, query, prefix, wait=wait, lake=lake, as_json=as_json)


@command(app)
def untag(
    tags: Annotated[str, typer.Argument(help="One or several, with commas between.")],
    names: Names = [],
    query: Query = "",
    prefix: Prefix = "",
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Take tags off data: by names, or off all that a query finds."""
    return _retag("remove_tags", tags, names, query, prefix, wait=wait, lake=lake, as_json=as_json)


@command(app)
def watch(
    interval: Annotated[float, typer.Option("--interval", min=0.1, help="Seconds between looks.")] = 2.0,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """What is added from now on, and what changes or goes of the latest 200, until Ctrl-C."""
    signs = {"added": "+", "changed": "~", "removed": "-"}
    for event in open_lake(lake).watch(interval=interval):
        if as_json:
            tell([event], (), as_json=True)
        else:
            say(signs[event.kind], event.data.status, event.data.object_name)
        sys.stdout.flush()
    return OK


def _tell_as_found(found: Iterable[Data], *, as_json: bool) -> None:
    with bar("finding", quiet=as_json) as drawn:
        tell(drawn.precede(found), COLUMNS, as_json=as_json)


def _retag(
    verb: str,
    tags: str,
    names: list[str],
    query: str,
    prefix: str,
    *,
    wait: bool,
    lake: str,
    as_json: bool,
) -> int:
    wanted = [each.strip() for each in tags.split(",") if each.strip()]
    if not wanted:
        raise ValueError("give a tag")
    where = open_lake(lake)
    if query and not names and not prefix:
        job = getattr(where.query(query), verb)(wanted)
        return tell_job(waited(job, wait=wait, quiet=as_json), as_json=as_json)
    conditions = {name: value for name, value in {"q": query, "prefix": prefix}.items() if value}
    if not names and not conditions:
        raise ValueError("say which data: give names, --query or --prefix")
    with bar("tagging", quiet=as_json):
        found, unknown = choose(where, names, conditions)
        change = getattr(found, verb)(wanted)
    tell_one(change, as_json=as_json)
    return max(SOME_FAILED if change.failed else OK, tell_unknown(unknown, as_json=as_json))
