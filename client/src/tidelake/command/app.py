"""Everything that can be asked of the command."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from tidelake import files, snapshots
from tidelake.command import settings
from tidelake.command.settings import NotLoggedIn, Settings, open_lake
from tidelake.command.telling import (
    INTERRUPTED,
    OK,
    REFUSED,
    SOME_FAILED,
    UNREACHABLE,
    USAGE,
    bar,
    complain,
    say,
    tell,
    tell_job,
    tell_one,
    tell_outcome,
)
from tidelake.errors import (
    Incomplete,
    JobCanceled,
    JobFailed,
    NotFound,
    Problem,
    TidelakeError,
    TimedOut,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tidelake.client import Client
    from tidelake.connectors import Connector
    from tidelake.data import Data
    from tidelake.datalakes import Datalake
    from tidelake.jobs import Job

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Tidelake: an image datalake that keeps itself in step with your S3 buckets.",
    epilog="Exit codes: 0 all went well, 1 some of it failed, 2 the command makes no sense,"
    " 3 the API refuses, 4 it cannot be reached.",
)
imports = typer.Typer(no_args_is_help=True, help="What comes in bulk: rows of a file, objects of the bucket.")
app.add_typer(imports, name="import")

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

_COLUMNS = ("created_at", "size", "status", "object_name")


def run() -> None:
    app()


def command(app: typer.Typer, name: str | None = None) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """What it returns is the exit code. What goes wrong is one line on stderr."""

    def decorate(act: Callable[..., int]) -> Callable[..., None]:
        @wraps(act)
        def wrapped(**given: Any) -> None:
            as_json = given.get("as_json", False)
            try:
                code = act(**given)
            except (ValueError, NotLoggedIn) as error:
                complain(str(error), "usage", as_json=as_json)
                code = USAGE
            except (JobFailed, JobCanceled, TimedOut, Incomplete) as error:
                complain(str(error), "failed", as_json=as_json)
                code = SOME_FAILED
            except Problem as error:
                complain(str(error), error.code, as_json=as_json)
                code = UNREACHABLE if isinstance(error, Unavailable) else REFUSED
            except TidelakeError as error:
                complain(str(error), "unreachable", as_json=as_json)
                code = UNREACHABLE
            except BrokenPipeError:
                # Who reads it has seen enough; Python would complain of it while it ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                code = OK
            except OSError as error:
                complain(str(error), "io_error", as_json=as_json)
                code = SOME_FAILED
            except KeyboardInterrupt:
                code = INTERRUPTED
            raise typer.Exit(code)

        return app.command(name)(wrapped)

    return decorate


@command(app)
def login(
    url: Annotated[str, typer.Argument(help="Of the API, as `make deploy` prints it.")],
    as_json: Json = False,
) -> int:
    """Keep which stack is meant, and a key, in a file that only you can read. The key is asked for, or read
    from standard input."""
    key = typer.prompt("Key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    given = Settings(url, key.strip())
    with given.open() as client:
        lakes = client.list_datalakes()
    path = settings.write(given)
    found = {"config": str(path), "datalakes": [lake.name for lake in lakes]}
    tell_one(found, as_json=as_json)
    return OK


@command(app)
def lakes(as_json: Json = False) -> int:
    """The datalakes of your organization."""
    with settings.read().open() as client:
        tell(client.list_datalakes(), ("name", "bucket", "prefix"), as_json=as_json)
    return OK


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
        tell(found.iter_data(prefix=prefix, order_by="object_name"), _COLUMNS, as_json=as_json)
        return OK
    folder = found.list_folder(prefix)
    if as_json:
        tell([{"folder": each} for each in folder.folders], (), as_json=True)
    else:
        for each in folder.folders:
            say(" " * 43 + each)
    tell(folder.data, _COLUMNS, as_json=as_json)
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
    conditions = _conditions(query, prefix, tag, all_tags, type, status, source)
    found = where.iter_data(order_by=order_by, limit=limit or None, **conditions)
    tell(found, _COLUMNS, as_json=as_json)
    return OK


@command(app)
def show(
    name: Annotated[str, typer.Argument(help="Object name, file name or id.")],
    lake: Lake = "default",
    as_json: Json = False,
) -> int:
    """All that is known of one data."""
    tell_one(_one(open_lake(lake), name), as_json=as_json)
    return OK


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
        bool, typer.Option("--fill-metadata", help="Also from a.jpg.json beside a.jpg.")
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
    custom = dict(_pair(each) for each in metadata)
    known = files.collect(paths, include=include).files
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
            if_exists=_choice(if_exists, "error", "skip", "overwrite"),
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
    conditions = _conditions(query, prefix, tag, all_tags, type, status, source)
    found, unknown = _chosen(where, names, conditions)
    size = sum(data.size or 0 for data in found)
    with bar("downloading", size, quiet=as_json) as drawn:
        outcome = found.download(
            folder,
            flat=flat,
            force_replace=force,
            max_workers=workers or None,
            on_progress=drawn.advance,
        )
    return max(tell_outcome(outcome, as_json=as_json, done="downloaded"), _unknown(unknown, as_json=as_json))


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
        mode=_choice(mode, "skip", "update", "error"),
        action=_choice(action, "link", "upload"),
        dry_run=dry_run,
    )
    if report and not wait:
        raise ValueError("a report is there only when the job has ended: do not say --no-wait")
    job = _waited(job, wait=wait, quiet=as_json)
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
    return tell_job(_waited(job, wait=wait, quiet=as_json), as_json=as_json)


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
    return tell_job(_waited(job, wait=wait, quiet=as_json), as_json=as_json)


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
            job = _waited(job, wait=True, quiet=as_json)
        code = tell_job(job, as_json=as_json)
    return OK if cancel else code


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


@command(app)
def connect(
    bucket: Annotated[str, typer.Argument(help="As s3://bucket/prefix.")],
    region: Annotated[str, typer.Option("--region", envvar="AWS_DEFAULT_REGION", help="The bucket's.")],
    name: Annotated[str, typer.Option("--name", help="Of the connector and the datalake.")] = "",
    role_arn: Annotated[str, typer.Option("--role-arn", help="A role that Tidelake may assume.")] = "",
    access_key_id: Annotated[str, typer.Option("--access-key-id", help="In the place of a role.")] = "",
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", help="Of another storage than S3.")] = "",
    allow_delete: Annotated[bool, typer.Option("--allow-delete", help="Let objects be deleted.")] = False,
    as_json: Json = False,
) -> int:
    """Make a connector to a bucket, check it, tell what to grant, and make a datalake on it. It ends with 1
    while something is to be granted: grant it, and say the same again. The secret of an access key is read
    from TIDELAKE_SECRET_ACCESS_KEY."""
    parts = urlsplit(bucket)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"{bucket} is not like s3://bucket/prefix")
    if bool(role_arn) == bool(access_key_id):
        raise ValueError("give either --role-arn or --access-key-id")
    called = name or parts.netloc
    with settings.read().open() as client:
        connector = _connector(client, called)
        if connector is None:
            connector = client.create_connector(
                called,
                parts.netloc,
                region,
                kind="role" if role_arn else "keys",
                role_arn=role_arn or None,
                access_key_id=access_key_id or None,
                secret_access_key=os.environ.get("TIDELAKE_SECRET_ACCESS_KEY") if access_key_id else None,
                endpoint_url=endpoint_url or None,
                allow_delete=allow_delete,
            )
        found = connector.check()
        told: dict[str, Any] = {"connector": connector.id, "state": found.state, "errors": dict(found.errors)}
        if found.state not in ("active", "degraded"):
            told |= {"policy": connector.policy, "trust_policy": connector.trust_policy}
            tell_one(told, as_json=as_json)
            return SOME_FAILED
        told["datalake"] = _lake_on(client, called, connector, parts.path.lstrip("/")).id
    tell_one(told, as_json=as_json)
    return OK


@command(app)
def check(
    connector: Annotated[str, typer.Argument(help="Its id or name.")] = "stack",
    as_json: Json = False,
) -> int:
    """Try what a connector may really do, and tell what to grant."""
    with settings.read().open() as client:
        found = _connector(client, connector) or client.get_connector(connector)
        checked = found.check()
    tell_one(checked, as_json=as_json)
    return OK if checked.state == "active" else SOME_FAILED


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
    conditions = _conditions(query, prefix, tag, all_tags, type, status, source)
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
            how=_choice(how, "copy", "link", "list"),
            max_workers=workers or None,
            on_progress=drawn.advance,
        )
    return tell_outcome(outcome, as_json=as_json, done="written")


def _conditions(
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


def _one(lake: Datalake, name: str) -> Data:
    """By object name, else by id, else by file name."""
    for by in ("object_name", "id"):
        try:
            return lake.find_data(**{by: name})
        except NotFound:
            continue
    return lake.find_data(filename=name)


def _chosen(lake: Datalake, names: list[str], conditions: dict[str, Any]) -> tuple[Any, list[str]]:
    """The data, and the names of none."""
    if not names:
        return lake.list_data(order_by="object_name", **conditions), []
    if conditions:
        raise ValueError("give names or conditions, not both")
    by_name = lake.list_data(object_names=names)
    left = set(names) - {data.object_name for data in by_name}
    by_id = lake.list_data(ids=sorted(left))
    return by_name + by_id, sorted(left - {data.id for data in by_id})


def _unknown(names: Iterable[str], *, as_json: bool) -> int:
    code = OK
    for name in names:
        complain(f"{name}: there is no such data in this datalake", "not_found", as_json=as_json)
        code = SOME_FAILED
    return code


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
        return tell_job(_waited(job, wait=wait, quiet=as_json), as_json=as_json)
    conditions = {name: value for name, value in {"q": query, "prefix": prefix}.items() if value}
    if not names and not conditions:
        raise ValueError("say which data: give names, --query or --prefix")
    found, unknown = _chosen(where, names, conditions)
    change = getattr(found, verb)(wanted)
    tell_one(change, as_json=as_json)
    return max(SOME_FAILED if change.failed else OK, _unknown(unknown, as_json=as_json))


def _waited(job: Job, *, wait: bool, quiet: bool) -> Job:
    if not wait:
        return job
    with bar(job.kind, quiet=quiet) as drawn:
        return job.wait_for_done(on_progress=drawn.watch)


def _pair(text: str) -> tuple[str, Any]:
    name, mark, value = text.partition("=")
    if not (name and mark):
        raise ValueError(f"{text} is not like KEY=VALUE")
    return name, value


def _choice(given: str, *choices: str) -> Any:
    if given not in choices:
        raise ValueError(f"{given} is none of {', '.join(choices)}")
    return given


def _connector(client: Client, name: str) -> Connector | None:
    return next((each for each in client.list_connectors() if name in (each.name, each.id)), None)


def _lake_on(client: Client, name: str, connector: Connector, prefix: str) -> Datalake:
    there = next((each for each in client.list_datalakes() if each.name == name), None)
    return there or client.create_datalake(name, connector.id, prefix=prefix)
