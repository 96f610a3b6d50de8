"""What comes in bulk."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from chalicelib.api import answers
from chalicelib.api.bodies import Body
from chalicelib.api.operations import operation
from chalicelib.errors import TooLarge
from chalicelib.model import limits
from chalicelib.model.job import JobKind, new_job
from chalicelib.model.sheet import Action, Mode, folder_of
from chalicelib.storage import jobs, lakes, sheets

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters

_FILENAME = r"^[^\x00-\x1f\x7f-\x9f/\\]+$"


def _not_dots(name: str) -> str:
    if folder_of(name).strip(". ") == "":
        raise PydanticCustomError("filename", "A file name should not be of dots alone, before its ending")
    return name


class CsvBody(Body):
    MEBIBYTES: ClassVar[int] = 6

    filename: Annotated[
        str, Field(min_length=1, max_length=200, pattern=_FILENAME), AfterValidator(_not_dots)
    ]
    """Without it ending it names the folder of the items."""
    content: Annotated[str, Field(min_length=1, max_length=limits.SHEET_TEXT_BYTES)] | None = None
    """The file itself, at most 5 MB. Without it the answer has a form to upload the file with."""
    mode: Mode = Mode.SKIP
    """What to do with an item that is there already: leave it as it is, write to it what the row says, or
    report it as failed."""
    action: Action = Action.LINK
    """What rows ask for that do not say it themselves."""
    dry_run: bool = False
    """Only say, in the job's progress and its report, what would happen."""


@operation(body=CsvBody, answers={202: answers.ImportAnswer})
def import_csv(caller: "Caller", parameters: "Parameters", body: CsvBody, lake: str) -> "Response":
    """Import a CSV file.

    Each row becomes a link or an object, in a folder called after the file. The columns are `ID`, `URL`,
    `image_bytes`, `name`, `action`, `mimetype`, `item_metadata`, `item_description`, `tags` and `source`, in
    any order and case; others are ignored. A bad row stops no other: the job's report says what became of
    each. The same file again changes nothing. Without `content` the job waits for the file, which `upload`
    takes: up to 1 GB, begun within 15 minutes.
    """
    home = lakes.find(caller.organization, lake)
    if body.content is not None and len(body.content.encode()) > limits.SHEET_TEXT_BYTES:
        raise TooLarge("5 MB of CSV")
    task = body.model_dump(mode="json", include={"filename", "mode", "action", "dry_run"})
    job = new_job(home.organization, home.id, JobKind.CSV_IMPORT, task)
    # The file first: a job does not wait for what has come already.
    if body.content is not None:
        sheets.put(job.id, body.content)
    form = sheets.form(job.id) if body.content is None else None
    jobs.begin(job)
    return answers.import_begun(job, form)
