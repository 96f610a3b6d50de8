"""What comes in bulk: rows of a file, objects of the bucket, an index that was exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidelake.command import settings
from tidelake.command.bars import waited
from tidelake.command.options import DryRun, Json, Lake, Source, Tags, Wait, choice
from tidelake.command.root import command, imports
from tidelake.command.settings import open_lake
from tidelake.command.telling import tell_job

if TYPE_CHECKING:
    from tidelake.jobs import Job

Report = Annotated[str, typer.Option("--report", help="Write here what became of each row.")]


@command(imports, "csv")
def import_csv(
    file: Annotated[Path, typer.Argument(help="With columns as URL, name, item_metadata, tags.")],
    mode: Annotated[str, typer.Option("--mode", help="skip, update or error, where it exists.")] = "skip",
    action: Annotated[str, typer.Option("--action", help="link or upload, where rows do not say.")] = "link",
    dry_run: DryRun = False,
    report: Report = "",
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Make data of the rows of a CSV file."""
    _check(report, wait=wait)
    job = open_lake(lake).import_csv(
        file,
        mode=choice(mode, "skip", "update", "error"),
        action=choice(action, "link", "upload"),
        dry_run=dry_run,
    )
    return _end(job, report, wait=wait, as_json=as_json)


@command(imports, "bucket")
def import_bucket(
    prefixes: Annotated[list[str] | None, typer.Argument(help="How the names of objects begin.")] = None,
    manifest: Annotated[str, typer.Option("--manifest", help="A file that names them, up to 5 MB.")] = "",
    key: Annotated[str, typer.Option("--key", help="An object of the bucket that names them.")] = "",
    form: Annotated[str, typer.Option("--format", help="text, jsonl, csv or inventory, of that.")] = "text",
    tag: Tags = [],
    source: Source = "",
    dry_run: DryRun = False,
    report: Annotated[str, typer.Option("--report", help="Write here which lines failed.")] = "",
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Make data of objects that are in the bucket already."""
    _check(report, wait=wait)
    if manifest and key:
        raise ValueError("give --manifest or --key")
    named = {"key": key} if key else {"content": Path(manifest).read_text("utf-8")} if manifest else None
    job = open_lake(lake).import_bucket_objects(
        prefixes or None,
        manifest=named and {**named, "format": choice(form, "text", "jsonl", "csv", "inventory")},
        tags=tag,
        source=source or None,
        dry_run=dry_run,
    )
    return _end(job, report, wait=wait, as_json=as_json)


@command(imports, "export")
def import_export(
    file: Annotated[str, typer.Argument(help="JSON lines, also with gzip, or Parquet.")] = "",
    job: Annotated[str, typer.Option("--job", help="Instead of a file: the id of the job it comes of.")] = "",
    report: Annotated[str, typer.Option("--report", help="Write here which rows failed.")] = "",
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Give data back what an export says that people wrote of it."""
    _check(report, wait=wait)
    if bool(file) == bool(job):
        raise ValueError("give a file or --job")
    client = settings.read().open()
    begun = client.get_datalake(lake).import_export(client.get_job(job) if job else file)
    return _end(begun, report, wait=wait, as_json=as_json)


def _check(report: str, *, wait: bool) -> None:
    if report and not wait:
        raise ValueError("a report is there only when the job has ended: do not say --no-wait")


def _end(begun: Job, report: str, *, wait: bool, as_json: bool) -> int:
    job = waited(begun, wait=wait, quiet=as_json)
    if report:
        Path(report).write_text(job.report(), "utf-8")
    return tell_job(job, as_json=as_json)
