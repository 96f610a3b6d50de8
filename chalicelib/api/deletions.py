"""Data that is to be no more: its record only, or its object."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from chalicelib.api import answers
from chalicelib.api.data import find
from chalicelib.api.operations import operation
from chalicelib.api.parameters import Flag, Parameters
from chalicelib.api.targets import Target
from chalicelib.downstream import deletions
from chalicelib.errors import (
    AccessDenied,
    DeleteNotAllowed,
    EtagMismatch,
    HasNoObject,
    InvalidQuery,
    InvalidRequest,
    NoContent,
    NotSupported,
    UnknownData,
)
from chalicelib.model.data import Kind
from chalicelib.model.job import JobKind, new_job
from chalicelib.model.key import Role
from chalicelib.storage import forgetting, jobs, lakes

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller

_FORGOTTEN = "The object is still in the bucket: its next event, or a sync, brings it back as new data."
_LINK_FORGOTTEN = "What it pointed to is as it was."
_DELETED = "The object is deleted from the bucket, and the index follows."


class DeletionParameters(Parameters):
    object: Flag = False
    """Delete the object, too. Needs the role `admin`, and a connector that allows it."""
    etag: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Of the bytes that are to be deleted, as in answers. Needed where the object is."""


class DeletionsBody(Target):
    object: bool = False
    """Delete the objects, too, each only as long as it has the bytes that its data shows. Needs the role
    `admin`, and a connector that allows it."""
    dry_run: bool = False
    """Only count what would be."""


@operation(
    DeletionParameters,
    answers={200: answers.DeletionAnswer, 202: answers.DeletionAnswer},
    errors=(UnknownData, NoContent, DeleteNotAllowed, HasNoObject, EtagMismatch, NotSupported, AccessDenied),
)
def delete_data(caller: "Caller", parameters: DeletionParameters, lake: str, id: str) -> "Response":
    """Forget or delete one data.

    To forget touches the index only: what people wrote is gone, and the object stays, so a later event or a
    sync brings it back as new. With `object` = `true` the object is deleted, on condition that it has the
    bytes that `etag` names: one that was overwritten meanwhile stays, and is a 409. Where the bucket keeps
    versions, they stay.
    """
    home = lakes.find(caller.organization, lake)
    if not parameters.object:
        data = find(home, id)
        if not forgetting.forget(home, [id]):
            raise UnknownData(id)
        detail = _LINK_FORGOTTEN if data.kind is Kind.LINK else _FORGOTTEN
        return answers.found(answers.describe_deletion(id, "forgotten", detail))
    caller.require(Role.ADMIN)
    if parameters.etag is None:
        raise InvalidRequest(("etag", "Field required where the object is to be deleted"))
    deletions.require(home)
    data = find(home, id)
    if not data.live:
        raise NoContent(data.status)
    deletions.delete(home, data, parameters.etag)
    return answers.accepted(answers.describe_deletion(id, "deleted", _DELETED))


@operation(body=DeletionsBody, answers={202: answers.BegunAnswer}, errors=(InvalidQuery, DeleteNotAllowed))
def delete_many(caller: "Caller", parameters: "Parameters", body: DeletionsBody, lake: str) -> "Response":
    """Forget or delete many data.

    A job. Its progress counts what it has `seen`, and the `bytes` of that, ids that are `missing`, and what
    was `forgotten` or `deleted`; `failed` are objects that stay: overwritten meanwhile, or refused by the
    bucket.
    """
    home = lakes.find(caller.organization, lake)
    body.check(home)
    if body.object:
        caller.require(Role.ADMIN)
        deletions.require(home)
    job = new_job(home.organization, home.id, JobKind.DELETE, body.model_dump())
    jobs.begin(job)
    return answers.begun(job)
