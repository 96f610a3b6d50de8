"""The index of a lake as files, there and back."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from chalicelib.api import answers
from chalicelib.api.bodies import Body, pointer
from chalicelib.api.operations import operation
from chalicelib.errors import InvalidBody, UnknownJob
from chalicelib.model.export import Format
from chalicelib.model.job import JobKind, JobState, new_job
from chalicelib.storage import exports, jobs, lakes

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.job import Job


class ExportBody(Body):
    format: Format = Format.JSONL
    """JSON lines, compressed with gzip, or Parquet."""


@operation(body=ExportBody, answers={202: answers.BegunAnswer})
def begin_export(caller: "Caller", parameters: "Parameters", body: ExportBody, lake: str) -> "Response":
    """Write the index of a datalake to a file.

    Each of its objects and links is a line, or a row, as it was at some moment of the job: what people wrote
    of it (`tags`, `source`, `metadata`, `custom_metadata`, `description`, the `url` of a link), when it was
    created, and what else is shown. There `metadata` is people's alone, and `shown_metadata` has also what
    the bytes say. What was announced and is not there yet is left out. When the job has succeeded, its report
    is the file, for 30 days. An import makes an index anew of it.
    """
    return answers.begun(jobs.begin_export(lakes.find(caller.organization, lake), body.format))


class RestoreBody(Body):
    job: str | None = None
    """The id of the job that exported it. Null: the answer has a form to upload the file with."""
    part: Annotated[int, Field(ge=1)] | None = None
    """Which of its files, where it has several. Null: all, one after the other."""


@operation(body=RestoreBody, answers={202: answers.ImportAnswer}, errors=(UnknownJob,))
def import_export(caller: "Caller", parameters: "Parameters", body: RestoreBody, lake: str) -> "Response":
    """Import an export.

    Each of its objects and links gets back what people wrote of it: `tags`, `source`, `metadata`,
    `custom_metadata`, `description` and `created_at`; links that are not there are made. Objects are found by
    their names, so they must be recorded: after the index was lost, scan or sync the datalake first. What was
    written since stays, where the export says nothing else; of two times of creation the earlier one counts.
    The same file again changes nothing. The job's report names the rows that failed. Without `job` the job
    waits for the file, which `upload` takes: JSON lines, also compressed with gzip, or Parquet, up to 5 GiB,
    begun within 15 minutes.
    """
    home = lakes.find(caller.organization, lake)
    if body.job is None and body.part is not None:
        raise InvalidBody((pointer("part"), "A file that is uploaded has no parts"))
    task: dict[str, Any] = {"job": None, "files": None, "own": False}
    if body.job is not None:
        exported = _exported(caller, body.job)
        task = {"job": exported.id, "files": _files(exported, body.part), "own": exported.lake_id == home.id}
    job = new_job(home.organization, home.id, JobKind.RESTORE, task)
    form = exports.form(job.id) if body.job is None else None
    jobs.begin(job)
    return answers.import_begun(job, form)


def _exported(caller: "Caller", job_id: str) -> "Job":
    job = jobs.read(caller.organization, job_id)
    if job.kind is not JobKind.EXPORT or job.state is not JobState.SUCCEEDED:
        raise InvalidBody((pointer("job"), "It should be an export that has succeeded"))
    return job


def _files(job: "Job", part: int | None) -> list[str]:
    keys = exports.file_keys(job)
    if part is not None and part > len(keys):
        raise InvalidBody((pointer("part"), f"The export has {len(keys)} files"))
    return keys if part is None else [keys[part - 1]]
