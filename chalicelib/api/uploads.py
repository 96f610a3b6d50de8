"""Bytes go from the client straight into the bucket: what is answered here lets it put them there."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from chalicelib import parallel
from chalicelib.api import answers, cursors, entries
from chalicelib.api.bodies import Body, ByItself, Unfit
from chalicelib.api.operations import operation
from chalicelib.api.parameters import Number, Parameters
from chalicelib.downstream import uploads
from chalicelib.downstream.outcomes import IfExists, Outcome, OutcomeKind, failed
from chalicelib.downstream.statements import Statement
from chalicelib.errors import (
    InvalidBody,
    InvalidCursor,
    NotSupported,
    ObjectExists,
    StorageUnavailable,
    UnknownUpload,
)
from chalicelib.model import limits, upload
from chalicelib.storage import buckets, forgetting, labels, lakes, records, transfers
from chalicelib.storage.transfers import Multipart

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from chalice.app import Response

    from chalicelib.api.answers import FormAnswer, MultipartAnswer, PartsAnswer, PutAnswer, TicketAnswer
    from chalicelib.api.callers import Caller
    from chalicelib.model.lake import Lake

_PARTS_AT_ONCE = 500
"""Signed addresses in one answer, each up to 2 KB."""


class UploadEntry(Statement):
    object_name: Annotated[str, Field(min_length=1)] | None = None
    """The whole name, with the datalake's prefix: at most 1,024 bytes of UTF-8, no control characters, no
    part `.` or `..`, not below `.tidelake/`. Where names are made of the content, only its folder counts, and
    the datalake's prefix is the default."""
    size: Annotated[int, Field(ge=0, le=upload.BYTES)]
    """In bytes. No other number of bytes is taken."""
    content_type: Literal[tuple(upload.EXTENSIONS)]  # type: ignore[valid-type]
    """Kept with the object. Nothing is shown as what it says before the bytes have been looked at."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Of the bytes. What goes up by a form is refused if it has another."""


class UploadsBody(Body):
    uploads: Annotated[
        list[Annotated[UploadEntry, ByItself]], Field(min_length=1, max_length=limits.IDS_AT_ONCE)
    ]
    """Each is taken or refused by itself. Of several with one name, the first counts."""
    if_exists: IfExists = IfExists.ERROR
    """Where there is an object of the name: fail, skip, or overwrite it. What is only announced is none."""
    name_by: Literal["caller", "content"] = "caller"
    """`content`: the file is named by its `sha256`, so equal bytes have one name."""
    by: Literal["form", "put"] = "form"
    """How files go up that go up whole: in a form, as pages send them, or by a `PUT` with headers."""

    @model_validator(mode="after")
    def _labels_are_few(self) -> "Self":
        entries.require_few_labels(self.uploads)
        return self


class PartsParameters(Parameters):
    first: Annotated[int, Field(ge=1, le=limits.PARTS), Number] = 1
    """Number of the part to begin with."""


class Part(Body):
    number: Annotated[int, Field(ge=1, le=limits.PARTS)]
    etag: Annotated[str, Field(min_length=1, max_length=128)]
    """As S3 answered it for the part."""


class PartsBody(Body):
    parts: Annotated[list[Part], Field(min_length=1, max_length=limits.PARTS)]
    """All of them, each once."""


class StatusBody(Body):
    ids: Annotated[list[str], Field(min_length=1, max_length=limits.IDS_AT_ONCE)]
    """Of data."""


@operation(body=UploadsBody, answers={200: answers.UploadsAnswer}, errors=(NotSupported,))
def announce_uploads(caller: "Caller", parameters: "Parameters", body: UploadsBody, lake: str) -> "Response":
    """Announce uploads.

    Each entry that is `ok` has a record, `pending` until its bytes are in the bucket, with all that was said
    of it. `upload` is how to put them there within 15 minutes, without a key: a `POST` of
    `multipart/form-data` with these fields and then the `file`, a `PUT` with these headers, or, above 64 MiB
    (5 GiB where names are made of the content), a `MULTIPART` upload, whose parts are each put to their
    address and which is then completed. A record whose bytes do not come within 70 minutes, 7 days for those
    in parts, is no more.

    With `if_exists` = `error` or `skip` nothing is overwritten that is there now. What somebody puts there
    between the call and the upload is overwritten by a form, as S3 has no condition for those, and neither by
    a `PUT`, which S3 then answers with 412, nor by parts. Data that is to be overwritten stays as it is until
    the new bytes are there, but has what was said of it at once.

    A 409 where the connector was never seen to write: the datalake has no capability `upload`.

    The same call may be repeated. An entry that is `retryable` may succeed as it is.
    """
    home = lakes.find(caller.organization, lake)
    uploads.require(home)
    named = [_named(home, entry, body.name_by) for entry in body.uploads]
    fit = entries.fitting(named)
    drafts = [
        uploads.Announcement(
            object_name=str(each.object_name), size=each.size, content_type=each.content_type, **each.said
        )
        for each in fit.values()
    ]
    outcomes = entries.woven(named, uploads.announce(home, drafts, body.if_exists))
    tickets = _tickets(
        home, body, {n: entry for n, entry in fit.items() if outcomes[n].kind is OutcomeKind.OK}
    )
    outcomes |= {n: ticket for n, ticket in tickets.items() if isinstance(ticket, Outcome)}
    names = labels.names_of(home.id, [each.data for each in outcomes.values() if each.data])
    return answers.announced([outcomes[n] for n in range(len(named))], tickets, names)


@operation(PartsParameters, answers={200: answers.PartsAnswer}, errors=(UnknownUpload,))
def list_parts(caller: "Caller", parameters: PartsParameters, lake: str, upload_id: str) -> "Response":
    """Show where parts go.

    Up to 500 of them, each address for 15 minutes. `next` is the first of those that follow.
    """
    home = lakes.find(caller.organization, lake)
    return answers.found(_parts(home, _open(home, upload_id), parameters.first, _PARTS_AT_ONCE))


@operation(body=PartsBody, answers={200: answers.CompletedAnswer}, errors=(UnknownUpload, ObjectExists))
def complete_upload(
    caller: "Caller", parameters: "Parameters", body: PartsBody, lake: str, upload_id: str
) -> "Response":
    """Complete an upload in parts.

    The bucket makes one object of them; the index follows its event. After an error the same call may be
    repeated. A 409 where the upload was not to overwrite, and somebody else was faster: the parts are kept
    until the upload is dropped.
    """
    home = lakes.find(caller.organization, lake)
    multipart = _open(home, upload_id)
    etags = {part.number: part.etag for part in body.parts}
    if len(body.parts) != multipart.part_count or sorted(etags) != list(range(1, multipart.part_count + 1)):
        raise InvalidBody(("#/parts", f"All parts from 1 to {multipart.part_count} should be given once"))
    transfers.complete(home.home, multipart, [etags[number] for number in sorted(etags)])
    return answers.found({"id": home.data_id(multipart.object_name), "object_name": multipart.object_name})


@operation(answers={204: None}, errors=(UnknownUpload,))
def drop_upload(caller: "Caller", parameters: "Parameters", lake: str, upload_id: str) -> "Response":
    """Drop an upload in parts.

    The parts that came are deleted, and a record that is still pending is no more, unless an object of its
    name is there.
    """
    home = lakes.find(caller.organization, lake)
    multipart = _open(home, upload_id)
    transfers.abort(home.home, multipart)
    data = records.read(home.data_id(multipart.object_name))
    if data and data.announced and not buckets.holds(home.home, multipart.object_name):
        forgetting.give_up(data)
    return answers.removed()


@operation(body=StatusBody, answers={200: answers.ProgressAnswer})
def show_uploads(caller: "Caller", parameters: "Parameters", body: StatusBody, lake: str) -> "Response":
    """Show how far uploads are.

    All of a batch at once: `pending` until the bytes are there, `indexed` until they have been looked at,
    then `ready`, `skipped` or `failed`. What is missing was given up, forgotten or deleted. Data that was to
    be overwritten shows by its etag which bytes it has.
    """
    home = lakes.find(caller.organization, lake)
    found = records.read_all(dict.fromkeys(body.ids))
    shown = {data.id: data for data in found.values() if data.shown_in(home.id)}
    missing = [data_id for data_id in dict.fromkeys(body.ids) if data_id not in shown]
    return answers.found(answers.describe_progress(list(shown.values()), missing))


def _named(lake: "Lake", entry: UploadEntry | Unfit, name_by: str) -> UploadEntry | Unfit:
    """With the name that its object is to have."""
    if isinstance(entry, Unfit):
        return entry
    if name_by == "caller":
        return entry if entry.object_name is not None else Unfit("#/object_name: Field required")
    if entry.sha256 is None:
        return Unfit("#/sha256: Field required where names are made of the content")
    if entry.size > limits.WHOLE_BYTES:
        # S3 verifies the sum of all bytes only of what comes in one piece.
        return Unfit(f"#/size: What is named by its content should have at most {limits.WHOLE_BYTES} bytes")
    folder = lake.prefix if entry.object_name is None else entry.object_name
    name = "".join(folder.rpartition("/")[:2]) + entry.sha256 + upload.EXTENSIONS[entry.content_type]
    return entry.model_copy(update={"object_name": name})


def _tickets(
    lake: "Lake", body: UploadsBody, accepted: "Mapping[int, UploadEntry]"
) -> "dict[int, TicketAnswer | Outcome]":
    """What lets each of them go up, or why that could not be had."""

    def is_in_parts(entry: UploadEntry) -> bool:
        return entry.size > limits.FORM_BYTES and body.name_by == "caller"

    room = _PARTS_AT_ONCE // max(1, sum(map(is_in_parts, accepted.values())))

    overwrites = body.if_exists is IfExists.OVERWRITE

    def ticket(each: tuple[int, UploadEntry]) -> "TicketAnswer | Outcome":
        index, entry = each
        try:
            if is_in_parts(entry):
                return _multipart(lake, entry, max(1, room), overwrites=overwrites)
            return _put(lake, entry, overwrites=overwrites) if body.by == "put" else _form(lake, entry)
        except StorageUnavailable:
            return failed(index, "storage_unavailable", "the bucket did not answer")

    # The others are signed here, which waits for nobody.
    large = {index: entry for index, entry in accepted.items() if is_in_parts(entry)}
    begun = dict(zip(large, parallel.for_each(ticket, list(large.items())), strict=True))
    return {index: begun.get(index) or ticket((index, entry)) for index, entry in accepted.items()}


def _form(lake: "Lake", entry: UploadEntry) -> "FormAnswer":
    form = transfers.form(lake.home, str(entry.object_name), entry.content_type, entry.size, entry.sha256)
    return {"method": "POST", "url": form.url, "fields": form.fields}


def _put(lake: "Lake", entry: UploadEntry, *, overwrites: bool) -> "PutAnswer":
    name, said = str(entry.object_name), (entry.content_type, entry.size, entry.sha256)
    put = transfers.put(lake.home, name, *said, overwrites=overwrites)
    return {"method": "PUT", "url": put.url, "headers": put.headers}


def _multipart(lake: "Lake", entry: UploadEntry, room: int, *, overwrites: bool) -> "MultipartAnswer":
    multipart = transfers.begin(
        lake.home, str(entry.object_name), entry.content_type, entry.size, overwrites=overwrites
    )
    return {
        "method": "MULTIPART",
        "upload_id": cursors.seal(_walk(lake), json.dumps(asdict(multipart), ensure_ascii=False)),
        "part_size": multipart.part_size,
        "part_count": multipart.part_count,
        **_parts(lake, multipart, 1, room),
    }


def _parts(lake: "Lake", multipart: Multipart, first: int, room: int) -> "PartsAnswer":
    urls = transfers.part_urls(lake.home, multipart, first, room)
    after = first + len(urls)
    return {
        "parts": [{"number": number, "url": url} for number, url in urls.items()],
        "next": after if urls and after <= multipart.part_count else None,
    }


def _open(lake: "Lake", upload_id: str) -> Multipart:
    """Of this lake only: nobody can make an id, nor use another lake's."""
    try:
        return Multipart(**json.loads(cursors.unseal(_walk(lake), upload_id)))
    except InvalidCursor as error:
        raise UnknownUpload from error


def _walk(lake: "Lake") -> list[str]:
    return ["upload", lake.organization, lake.id]
