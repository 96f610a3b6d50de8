"""What comes in bulk."""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.api import answers
from chalicelib.api.bodies import Body, pointer
from chalicelib.api.operations import operation
from chalicelib.api.parameters import Name as ObjectName
from chalicelib.downstream.statements import Name
from chalicelib.errors import InvalidBody, TooLarge
from chalicelib.model import limits
from chalicelib.model.job import JobKind, new_job
from chalicelib.model.lake import Preprocess
from chalicelib.model.manifest import Format, Manifest
from chalicelib.model.sheet import Action, Mode, folder_of
from chalicelib.storage import buckets, jobs, lakes, sheets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.lake import Lake

_OUTSIDE = "Input should begin with the datalake's prefix, {!r}, and not with '.tidelake/'"
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


class ManifestBody(Body):
    key: Annotated[ObjectName, Field(min_length=1, max_length=limits.KEY_BYTES)] | None = None
    """The whole name of an object of the datalake's bucket, below the datalake's prefix."""
    content: Annotated[str, Field(min_length=1, max_length=limits.SHEET_TEXT_BYTES)] | None = None
    """The manifest itself, at most 5 MB. Either this or `key`."""
    format: Format
    """`text`: a name in each line, in which `*` stands for any characters. `jsonl`, `csv`: names with what is
    said of them. `inventory`: `key` names the manifest.json of a report by S3 Inventory."""

    @model_validator(mode="after")
    def _is_one(self) -> "Self":
        if (self.key is None) == (self.content is None):
            raise PydanticCustomError("manifest", "Either key or content should be given")
        if self.content is not None and self.format is Format.INVENTORY:
            raise PydanticCustomError("inventory", "An inventory should be given by its key")
        return self


class BucketBody(Body):
    MEBIBYTES: ClassVar[int] = 6

    prefixes: Annotated[list[ObjectName], Field(min_length=1, max_length=limits.PREFIXES)] | None = None
    """Of whole names, with the datalake's prefix: `a` is also that of `ab.jpg`. Those that are within others
    count once."""
    manifest: ManifestBody | None = None
    """What names the objects. Either this or `prefixes`."""
    tags: Annotated[list[Name], Field(max_length=limits.TAGS_PER_RECORD)] = Field(default_factory=list)
    """Names of tags that all these data get. Those that do not exist are created."""
    source: Name | None = None
    """Its name, for all these data but those of which the manifest names another one."""
    dry_run: bool = False
    """Only say, in the job's progress and its report, what would happen, and what it would cost."""

    @model_validator(mode="after")
    def _is_one(self) -> "Self":
        if (self.prefixes is None) == (self.manifest is None):
            raise PydanticCustomError("import", "Either prefixes or a manifest should be given")
        if len(json.dumps(self.prefixes)) > limits.PREFIXES_JSON_BYTES:
            raise PydanticCustomError(
                "prefixes",
                f"All prefixes should have at most {limits.PREFIXES_JSON_BYTES} bytes together, in ASCII",
            )
        return self


@operation(body=BucketBody, answers={202: answers.BegunAnswer})
def import_bucket(caller: "Caller", parameters: "Parameters", body: BucketBody, lake: str) -> "Response":
    """Import objects of the bucket.

    Objects that are in the bucket become data, or stay it, and get the tags and the source: all below some
    prefixes, or those that a manifest names, with what it says of each. The job's `progress` counts objects
    `seen`, and of them `inserted`, `unchanged` and `changed`, which are looked at again (`hinted`); `edited`
    are those with other tags, source or metadata than before, and `failed` the lines that named none, or said
    what cannot be: the job's report tells which. The same import again changes nothing. A dry run writes
    nothing, counts what is `new`, and has an `estimate` of requests and dollars.
    """
    home = lakes.find(caller.organization, lake)
    task = body.model_dump(mode="json", include={"tags", "source", "dry_run"})
    task |= {"eager": home.preprocess is Preprocess.EAGER, "prefixes": None, "manifest": None}
    job = new_job(home.organization, home.id, JobKind.BUCKET_IMPORT, task)
    if body.prefixes is not None:
        task["prefixes"] = _widest(home, body.prefixes)
    if body.manifest is not None:
        task["manifest"] = asdict(_manifest(home, job.id, body.manifest))
    return answers.begun(jobs.begin_walk(home, replace(job, task=task)))


def _widest(lake: "Lake", prefixes: "Sequence[str]") -> list[str]:
    """Those that are within no other one."""
    for number, prefix in enumerate(prefixes):
        if not lake.holds(prefix):
            raise InvalidBody((pointer("prefixes", number), _OUTSIDE.format(lake.prefix)))
    found: list[str] = []
    for prefix in sorted(prefixes):
        if not (found and prefix.startswith(found[-1])):
            found.append(prefix)
    return found


def _manifest(lake: "Lake", job_id: str, body: ManifestBody) -> Manifest:
    """As it is now: what it becomes later is not read."""
    if body.content is not None:
        if len(body.content.encode()) > limits.SHEET_TEXT_BYTES:
            raise TooLarge("5 MB of manifest")
        sheet = sheets.put(job_id, body.content)
        return Manifest(body.format, None, sheet.size, sheet.etag)
    key = body.key or ""
    if not key.startswith(lake.prefix):
        raise InvalidBody((pointer("manifest", "key"), _OUTSIDE.format(lake.prefix)))
    sight = buckets.look(lake.home, key)
    if sight is None or sight.size is None or sight.etag is None:
        raise InvalidBody((pointer("manifest", "key"), "There is no such object in the datalake's bucket"))
    return Manifest(body.format, key, sight.size, sight.etag)
