"""What several commands can be told, and what it means."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Tell in JSON: lists as one object a line.")]
Lake = Annotated[str, typer.Option("--lake", "-l", envvar="TIDELAKE_LAKE", help="The datalake's id or name.")]
Prefix = Annotated[str, typer.Option("--prefix", help="How object names begin.")]
Tags = Annotated[list[str], typer.Option("--tag", "-t", help="A tag; may be given several times.")]
AllTags = Annotated[bool, typer.Option("--all-tags", help="Data with all of the tags, not any.")]
Query = Annotated[str, typer.Option("--query", "-q", help="A condition in the query language.")]
Type = Annotated[str, typer.Option("--type", help="image, video or other.")]
Status = Annotated[str, typer.Option("--status", help="pending, indexed, ready, skipped or failed.")]
Source = Annotated[str, typer.Option("--source", help="Where data comes from.")]
OrderBy = Annotated[str, typer.Option("--order-by", help="created_at, object_name or filename, - descends.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=0, help="How many at most. 0: all.")]
Workers = Annotated[int, typer.Option("--workers", min=0, max=64, help="Transfers at a time. 0: cores + 4.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Until the job has ended.")]
Names = Annotated[list[str], typer.Argument(help="Object names, or ids.", metavar="[NAME]...")]


def pair(text: str) -> tuple[str, Any]:
    name, mark, value = text.partition("=")
    if not (name and mark):
        raise ValueError(f"{text} is not like KEY=VALUE")
    return name, value


def choice(given: str, *choices: str) -> Any:
    if given not in choices:
        raise ValueError(f"{given} is none of {', '.join(choices)}")
    return given
