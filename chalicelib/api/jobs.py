from typing import TYPE_CHECKING

from chalicelib.api import answers, cursors, walks
from chalicelib.api.operations import operation
from chalicelib.api.parameters import Flag, ListParameters, Name, Parameters
from chalicelib.errors import JobIsOver, JobMustEnd, NoReport, UnknownJob, UnknownLake
from chalicelib.model.job import JobKind, JobState
from chalicelib.storage import jobs, lakes, sheets

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller


class JobsParameters(ListParameters):
    datalake: Name | None = None
    """Id or name: only jobs of this datalake."""
    state: JobState | None = None
    """Only jobs in this state."""


class ReportParameters(Parameters):
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
    return answers.found(
        {"items": [answers.describe_job(walks.with_progress(job)) for job in page], "next_cursor": end}
    )


@operation(answers={200: answers.JobAnswer}, errors=(UnknownJob,))
def show_job(caller: "Caller", parameters: "Parameters", id: str) -> "Response":
    """Show one job.

    `progress` counts what was done so far: data seen, changed, missing and failed; of an import its rows, and
    what became of them.

    While a scan or a sync is running it also tells how much is seen per second and, as far as that is known,
    the seconds that are left.
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

    A redirect to a CSV file, which takes no key: `row` (the number of the line on which it begins), `name`,
    `outcome`, `code` and `detail`. It is there when the job is over, also of one that failed or was canceled,
    and for 30 days. What a spreadsheet would take for a formula has a quote before it.
    """
    job = jobs.read(caller.organization, id)
    url = sheets.report_url(job.id) if job.kind is JobKind.CSV_IMPORT else None
    if url is None:
        raise NoReport
    return answers.redirect(url) if parameters.redirect else answers.found({"url": url})
