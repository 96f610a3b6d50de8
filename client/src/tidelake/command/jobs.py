"""Long work: exports, syncs, and how far they are."""

from __future__ import annotations

from typing import Annotated

import typer

from tidelake.command import settings
from tidelake.command.bars import bar, waited
from tidelake.command.options import DryRun, Json, Lake, Limit, Wait, choice
from tidelake.command.root import app, command
from tidelake.command.settings import open_lake
from tidelake.command.telling import OK, tell, tell_job


@command(app)
def export(
    file: Annotated[str, typer.Argument(help="To write it to. Without one it is only made.")] = "",
    form: Annotated[str, typer.Option("--format", help="jsonl (with gzip) or parquet.")] = "jsonl",
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Write the index to a file, to have it, or to make it anew of that."""
    if file and not wait:
        raise ValueError("a file is there only when the job has ended: do not say --no-wait")
    begun = open_lake(lake).export(format=choice(form, "jsonl", "parquet"))
    job = waited(begun, wait=wait, quiet=as_json)
    if file and job.state == "succeeded":
        with bar("saving", quiet=as_json):
            job.save(file)
    return tell_job(job, as_json=as_json)


@command(app)
def sync(
    dry_run: DryRun = False,
    force: Annotated[bool, typer.Option("--force", help="Also where very much is gone.")] = False,
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="Also which were removed.")] = False,
    wait: Wait = True,
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """Hold the index against the bucket: what is new, what has changed, what is gone."""
    job = open_lake(lake).sync(dry_run=dry_run, force=force, thumbnails=thumbnails)
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
