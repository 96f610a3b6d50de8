from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from chalicelib import parallel
from chalicelib.api import answers, cursors, walks
from chalicelib.api.operations import operation
from chalicelib.api.parameters import Flag, ListParameters, Name, Number, Parameters
from chalicelib.errors import JobIsOver, JobMustEnd, NoReport, UnknownJob, UnknownLake
from chalicelib.model.job import IMPORTS, JobKind, JobState
from chalicelib.storage import exports, jobs, lakes, sheets

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.model.job import Job


class JobsParameters(ListParameters):
    datalake: Name | None = None
    """Id or name: only jobs of this datalake."""
    state: JobState | None = None
    """Only jobs in this state."""


class ReportParameters(Parameters):
    part: Annotated[int, Field(ge=1), Number] | None = None
    """Which of its files, where it has several."""
    redirect: Flag = True
    """`false`: tell where it is. A page cannot follow a redirect with its key and without it."""


@operation(JobsParameters, answers={200: answers.JobsAnswer}, errors=(UnknownLake,))
def list_jobs(caller: "Caller", parameters: JobsParameters) -> "Response":
    """List jobs.

    The newest first. A job can be seen for 30 days.
    """
    named = parameters.datalake
    lake_id = lakes.find(caller.organization, named).id if named is not None else None
    walk = ["jobs", caller.organization, lake_id, parameters.state]
    before = cursors.unseal(walk, parameters.cursor) if parameters.cursor is not None else None
    found = jobs.page(caller.organization, lake_id, parameters.state, before, parameters.limit + 1)
    page = found[: parameters.limit]
    end = cursors.seal(walk, page[-1].id) if len(found) > len(page) else None
    told = parallel.for_each(walks.with_progress, page)
    return answers.found({"items": [answers.describe_job(job) for job in told], "next_cursor": end})


@operation(answers={200: answers.JobAnswer}, errors=(UnknownJob,))
def show_job(caller: "Caller", parameters: "Parameters", id: str) -> "Response":
    """Show one job.

    `progress` counts what was done so far: data seen, changed, missing and failed; of an import its rows, and
    what became of them. That of a bucket import's dry run has an `estimate` beside the counts.

    While the job is running, `per_second` is how much is seen, or how many rows are read, in a second.
    `seconds_left` is told of syncs and exports, by the number of records: how many objects there are in a
    bucket that is scanned for the first time, nobody knows before all are listed.
    """
    return answers.found(answers.describe_job(walks.with_progress(jobs.read(caller.organization, id))))


@operation(answers={202: answers.BegunAnswer}, errors=(UnknownJob, JobIsOver, JobMustEnd))
def cancel_job(caller: "Caller", parameters: "Parameters", id: str) -> "Response":
    """Cancel a job.

    What it has done stays, up to some hundred data that it is just at.
    """
    return answers.begun(jobs.cancel(caller.organization, id))


@operation(ReportParameters, answers={200: answers.LocationAnswer, 302: None}, errors=(UnknownJob, NoReport))
def show_report(caller: "Caller", parameters: ReportParameters, id: str) -> "Response":
    """Get the report of a job.

    A redirect to a file, which takes no key. It is there for 30 days.

    Of an import it is a CSV file: `row` (the number of the line on which it begins), `name`, `outcome`,
    `code` and `detail`. Where an export was imported it tells of the rows that failed, counted from 1. It is
    there when the job is over, also of one that failed or was canceled. What a spreadsheet would take for a
    formula has a quote before it.

    Of an export it is what was exported, when the job has succeeded. If its `progress` counts several
    `files`, each is a `part`, and without one the answer leads to a JSON file that tells of all:
    `{"files": [{"part": 1, "records": 500000, "bytes": 73400320}]}`.
    """
    url = _report_url(jobs.read(caller.organization, id), parameters.part)
    if url is None:
        raise NoReport
    return answers.redirect(url) if parameters.redirect else answers.found({"url": url})


def _report_url(job: "Job", part: int | None) -> str | None:
    if job.kind in IMPORTS and part in (None, 1):
        return sheets.report_url(job.id)
    if job.kind is JobKind.EXPORT and job.state is JobState.SUCCEEDED:
        if part is None and job.progress["files"] > 1:
            return exports.manifest_url(job)
        return exports.file_url(job, part or 1)
    return None
