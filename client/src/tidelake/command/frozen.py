"""Queries that are frozen to a file, and fetched again from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidelake import snapshots
from tidelake.command.bars import bar
from tidelake.command.choosing import conditions_of
from tidelake.command.options import (
    AllTags,
    Json,
    Lake,
    Prefix,
    Query,
    Source,
    Status,
    Tags,
    Type,
    Workers,
    choice,
)
from tidelake.command.root import app, command
from tidelake.command.settings import open_lake
from tidelake.command.telling import OK, tell_one, tell_outcome


@command(app)
def snapshot(
    file: Annotated[Path, typer.Argument(help="A JSONL file, which is made or replaced.")],
    query: Query = "",
    prefix: Prefix = "",
    tag: Tags = [],
    all_tags: AllTags = False,
    type: Type = "",
    status: Status = "",
    source: Source = "",
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Freeze what is found to a file, with etags and versions."""
    conditions = conditions_of(query, prefix, tag, all_tags, type, status, source)
    where = open_lake(lake)
    with bar("freezing", quiet=as_json) as drawn:
        found = drawn.count(where.iter_data(order_by="object_name", **conditions))
        count = snapshots.take(where, file, found, q=query or None)
    tell_one({"file": str(file), "count": count}, as_json=as_json)
    return OK


@command(app)
def clone(
    file: Annotated[Path, typer.Argument(help="A snapshot.")],
    folder: Annotated[Path, typer.Argument(help="Where files go; it is made.")],
    how: Annotated[str, typer.Option("--how", help="copy, link or list.")] = "copy",
    workers: Workers = 0,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Fetch what a snapshot holds: its bytes, small files that say where they are, or a list of names."""
    with bar("cloning", quiet=as_json) as drawn:
        outcome = open_lake(lake).clone(
            file,
            folder,
            how=choice(how, "copy", "link", "list"),
            max_workers=workers or None,
            on_progress=drawn.advance,
        )
    return tell_outcome(outcome, as_json=as_json, done="written")
