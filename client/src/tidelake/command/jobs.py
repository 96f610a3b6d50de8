"""Long work: imports, syncs, and how far they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidelake.command import settings
from tidelake.command.options import DryRun, Json, Lake, Limit, Source, Tags, Wait, choice
from tidelake.command.root import app, command, imports
from tidelake.command.settings import open_lake
from tidelake.command.telling import OK, tell, tell_job, waited


@command(imports, "csv")
def import_csv(
    file: Annotated[Path, typer.Argument(help="With columns as URL, name, item_metadata, tags.")],
    mode: Annotated[str, typer.Option("--mode", help="skip, update or error, where it exists.")] = "skip",
    action: Annotated[str, typer.Option("--action", help="link or upload, where rows do not say.")] = "link",
    dry_run: DryRun = False,
    report: Annotated[str, typer.Option("--report", help="Write here what became of each row.")] = "",
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Make data of the rows of a CSV file."""
    job = open_lake(lake).import_csv(
        file,
        mode=choice(mode, "skip", "update", "error"),
        action=choice(action, "link", "upload"),
        dry_run=dry_run,
    )
    if report and not wait:
        raise ValueError("a report is there only when the job has ended: do not say --no-wait")
    job = waited(job, wait=wait, quiet=as_json)
    if report:
        Path(report).write_text(job.report(), "utf-8")
    return tell_job(job, as_json=as_json)


@command(imports, "bucket")
def import_bucket(
    prefixes: Annotated[list[str], typer.Argument(help="How the names of objects begin.")],
    tag: Tags = [],
    source: Source = "",
    dry_run: DryRun = False,
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Make data of objects that are in the bucket already."""
    job = open_lake(lake).import_bucket_objects(prefixes, tags=tag, source=source or None, dry_run=dry_run)
    return tell_job(waited(job, wait=wait, quiet=as_json), as_json=as_json)


@command(app)
def sync(
    dry_run: DryRun = False,
    force: Annotated[bool, typer.Option("--force", help="Also where very much is gone.")] = False,
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Hold the index against the bucket: what is new, what has changed, what is gone."""
    job = open_lake(lake).sync(dry_run=dry_run, force=force)
    return tell_job(waited(job, wait=wait, quiet=as_json), as_json=as_json)


@command(app)
def jobs(
    id: Annotated[str, typer.Argument(help="Of one job, to look at it alone.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until that one has ended.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Let that one do nothing more.")] = False,
    state: Annotated[str, typer.Option("--state", help="queued, running, succeeded, failed, canceled.")] = "",
    limit: Limit = 20,
    as_json: Json = False,
) -> int:
    """Long work, the newest first; or one of it, to watch or cancel."""
    with settings.read().open() as client:
        if not id:
            found = client.list_jobs(state=state or None, limit=limit or None)
            tell(found, ("created_at", "state", "kind", "id"), as_json=as_json)
            return OK
        job = client.get_job(id)
        if cancel:
            job = job.cancel()
        if wait:
            job = waited(job, wait=True, quiet=as_json)
        code = tell_job(job, as_json=as_json)
    return OK if cancel else code
