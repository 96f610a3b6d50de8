"""Files that go up and come down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tidelake import files
from tidelake.command.bars import bar
from tidelake.command.choosing import choose, conditions_of, tell_unknown
from tidelake.command.options import (
    AllTags,
    Json,
    Lake,
    Names,
    Prefix,
    Query,
    Source,
    Status,
    Tags,
    Type,
    Workers,
    choice,
    pair,
)
from tidelake.command.root import app, command
from tidelake.command.settings import open_lake
from tidelake.command.telling import tell_outcome


@command(app)
def upload(
    paths: Annotated[list[Path], typer.Argument(help="Files, and folders with all that is in them.")],
    to: Annotated[str, typer.Option("--to", help="The folder in the datalake.")] = "",
    tag: Tags = [],
    source: Source = "",
    metadata: Annotated[
        list[str], typer.Option("--metadata", "-m", help="KEY=VALUE of custom metadata.")
    ] = [],
    description: Annotated[str, typer.Option("--description")] = "",
    fill_metadata: Annotated[
        bool,
        typer.Option(
            "--fill-metadata",
            help="Also say of a.jpg what a.jpg.json beside it says: metadata, custom_metadata, tags, source,"
            " description. That goes over EXIF, which the service reads from the bytes in any case; and what"
            " is said here goes over both.",
        ),
    ] = False,
    include: Annotated[list[str], typer.Option("--include", help="Only such names, as *.jpg.")] = [],
    if_exists: Annotated[str, typer.Option("--if-exists", help="error, skip or overwrite.")] = "error",
    by_content: Annotated[bool, typer.Option("--by-content", help="Name files by their SHA-256.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until all is looked at.")] = False,
    workers: Workers = 0,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Upload files and folders; what is there already fails, unless you say otherwise."""
    where = open_lake(lake)
    custom = dict(pair(each) for each in metadata)
    with bar("looking for files", quiet=as_json) as drawn:
        known = files.collect(paths, include=include).files if drawn.is_seen else []
        size = sum(each.path.stat().st_size for each in known)
    with bar("uploading", size, quiet=as_json) as drawn:
        outcome = where.upload_data(
            paths,
            folder=to,
            tags=tag,
            source=source or None,
            custom_metadata=custom or None,
            description=description or None,
            fill_metadata=fill_metadata,
            include=include,
            if_exists=choice(if_exists, "error", "skip", "overwrite"),
            name_by="content" if by_content else "caller",
            max_workers=workers or None,
            on_progress=drawn.advance,
        )
    if wait:
        with bar("processing", quiet=as_json) as drawn:
            outcome = replace(outcome, ok=outcome.ok.wait_until_processed(sleep=drawn.wait))
    return tell_outcome(outcome, as_json=as_json, done="uploaded")


@command(app)
def download(
    folder: Annotated[Path, typer.Argument(help="Where files go; it is made.")],
    names: Names = [],
    query: Query = "",
    prefix: Prefix = "",
    tag: Tags = [],
    all_tags: AllTags = False,
    type: Type = "",
    status: Status = "",
    source: Source = "",
    flat: Annotated[bool, typer.Option("--flat", help="By file names, without folders.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that have other bytes.")] = False,
    workers: Workers = 0,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Download data, by names or by conditions. What is there already is not fetched again."""
    where = open_lake(lake)
    conditions = conditions_of(query, prefix, tag, all_tags, type, status, source)
    with bar("finding", quiet=as_json):
        found, unknown = choose(where, names, conditions)
        size = sum(data.size or 0 for data in found)
    with bar("downloading", size, quiet=as_json) as drawn:
        outcome = found.download(
            folder,
            flat=flat,
            force_replace=force,
            max_workers=workers or None,
            on_progress=drawn.advance,
        )
    return max(
        tell_outcome(outcome, as_json=as_json, done="downloaded"), tell_unknown(unknown, as_json=as_json)
    )
