"""The one place that turns what went wrong into an answer (RFC 9457)."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, NotRequired, TypedDict

from chalice.app import Response

from chalicelib.errors import (
    AccessDenied,
    Ambiguous,
    BeingAnswered,
    Conflict,
    ConnectorChanged,
    ConnectorExists,
    ConnectorFails,
    ConnectorIdle,
    ConnectorInUse,
    CredentialsRefused,
    DeleteNotAllowed,
    EtagMismatch,
    Forbidden,
    HasNoObject,
    IdempotencyKeyReused,
    InvalidBody,
    InvalidCursor,
    InvalidQuery,
    InvalidRequest,
    JobIsOver,
    JobMustEnd,
    LabelExists,
    LakeExists,
    NoContent,
    NoReport,
    NotALink,
    NoTarget,
    NotFound,
    NoThumbnail,
    NotSupported,
    ObjectExists,
    OfTheStack,
    StorageUnavailable,
    ThumbnailAwaited,
    TooLarge,
    Unauthorized,
    UnknownConnector,
    UnknownData,
    UnknownFile,
    UnknownJob,
    UnknownKey,
    UnknownLabel,
    UnknownLake,
    UnknownUpload,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Kind:
    status: HTTPStatus
    code: str
    detail: str | None = None
    """`{0}` is the first argument of the exception."""
    retry_after: int | None = None
    """Seconds after which the very same request may be answered."""


_KINDS: dict[type[BaseException], Kind] = {
    InvalidCursor: Kind(
        HTTPStatus.BAD_REQUEST,
        "invalid_cursor",
        "the cursor is none that this list gave out for this order and these filters",
    ),
    InvalidQuery: Kind(HTTPStatus.BAD_REQUEST, "invalid_query", "where and why is in `errors`"),
    InvalidBody: Kind(HTTPStatus.BAD_REQUEST, "invalid_request", "the mistakes are in `errors`"),
    InvalidRequest: Kind(HTTPStatus.BAD_REQUEST, "invalid_request", "the mistakes are in `errors`"),
    TooLarge: Kind(HTTPStatus.CONTENT_TOO_LARGE, "too_large", "a request has at most {0}"),
    Unauthorized: Kind(HTTPStatus.UNAUTHORIZED, "unauthorized", "a valid API key is needed"),
    Forbidden: Kind(HTTPStatus.FORBIDDEN, "forbidden", "this needs a key with the role {0}"),
    DeleteNotAllowed: Kind(
        HTTPStatus.FORBIDDEN, "delete_not_allowed", "the datalake's connector does not allow deleting objects"
    ),
    AccessDenied: Kind(
        HTTPStatus.FORBIDDEN, "delete_not_allowed", "the bucket refuses it to the datalake's connector"
    ),
    NotSupported: Kind(HTTPStatus.CONFLICT, "not_supported", "the bucket's storage cannot {0}"),
    UnknownLake: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no such datalake"),
    UnknownData: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no such data in this datalake"),
    UnknownConnector: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no such connector"),
    UnknownKey: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no such key"),
    UnknownJob: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no such job"),
    UnknownUpload: Kind(
        HTTPStatus.NOT_FOUND, "not_found", "there is no such upload in this datalake, or it is over"
    ),
    NoContent: Kind(HTTPStatus.NOT_FOUND, "not_found", "there are no bytes: the data is {0}"),
    UnknownLabel: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no such {0} in this datalake"),
    NotALink: Kind(HTTPStatus.NOT_FOUND, "not_found", "the data is no link"),
    NoTarget: Kind(HTTPStatus.NOT_FOUND, "not_found", "no active connector reaches the bucket {0}"),
    NoThumbnail: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no thumbnail: {0}"),
    ThumbnailAwaited: Kind(
        HTTPStatus.NOT_FOUND,
        "not_ready",
        "the thumbnail is being made; ask again",
        _RETRY_AFTER_SECONDS,
    ),
    NoReport: Kind(HTTPStatus.NOT_FOUND, "not_found", "the job has no report, or none yet"),
    UnknownFile: Kind(HTTPStatus.NOT_FOUND, "not_found", "the gallery has no such file"),
    NotFound: Kind(HTTPStatus.NOT_FOUND, "not_found"),
    Ambiguous: Kind(HTTPStatus.CONFLICT, "ambiguous", "several data are meant; `ids` has up to 100 of them"),
    JobIsOver: Kind(HTTPStatus.CONFLICT, "conflict", "the job is {0} already"),
    ConnectorExists: Kind(HTTPStatus.CONFLICT, "conflict", "there is a connector of this name already"),
    ConnectorInUse: Kind(HTTPStatus.CONFLICT, "conflict", "there are datalakes on this connector"),
    ConnectorChanged: Kind(
        HTTPStatus.CONFLICT, "conflict", "the connector was changed meanwhile; look at it and ask again"
    ),
    ConnectorFails: Kind(
        HTTPStatus.CONFLICT, "conflict", "that would not work, and the connector stays as it was: {0}"
    ),
    OfTheStack: Kind(
        HTTPStatus.CONFLICT,
        "conflict",
        "the stack's own connector stays; of its settings only `allow_delete` can be changed",
    ),
    JobMustEnd: Kind(HTTPStatus.CONFLICT, "conflict", "a job of this kind cannot be canceled"),
    LakeExists: Kind(HTTPStatus.CONFLICT, "conflict", "there is a datalake of this name already"),
    ConnectorIdle: Kind(HTTPStatus.CONFLICT, "conflict", "the connector is {0}; check it first"),
    LabelExists: Kind(HTTPStatus.CONFLICT, "conflict", "there is a {0} of this name already"),
    ObjectExists: Kind(HTTPStatus.CONFLICT, "conflict", "there is an object of this name by now"),
    HasNoObject: Kind(HTTPStatus.CONFLICT, "conflict", "a link has no object; it can be forgotten"),
    EtagMismatch: Kind(HTTPStatus.CONFLICT, "etag_mismatch", "the object has other bytes by now"),
    IdempotencyKeyReused: Kind(
        HTTPStatus.CONFLICT, "conflict", "this Idempotency-Key came with another request before"
    ),
    BeingAnswered: Kind(
        HTTPStatus.CONFLICT,
        "conflict",
        "the same request is being answered; ask again in a minute",
        _RETRY_AFTER_SECONDS,
    ),
    Conflict: Kind(HTTPStatus.CONFLICT, "conflict"),
    CredentialsRefused: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "storage_unavailable",
        "the bucket cannot be reached; its connector says why",
    ),
    StorageUnavailable: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "storage_unavailable",
        "the storage did not answer; try again",
        _RETRY_AFTER_SECONDS,
    ),
    Exception: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
}


class Mistake(TypedDict):
    parameter: NotRequired[str]
    """Of the query or the path, or the header."""
    pointer: NotRequired[str]
    """Where in the body: a JSON pointer (RFC 6901)."""
    detail: str
    line: NotRequired[int]
    """Of `q`, from 1, and so is `column`, in characters."""
    column: NotRequired[int]
    expected: NotRequired[list[str]]
    """What could stand there in `q`, where that is known."""


class Problem(TypedDict):
    """What went wrong (RFC 9457). `code` is for programs and does not change, `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str | None
    code: str
    request_id: str
    errors: NotRequired[list[Mistake]]
    """Every mistake in a request that was malformed."""
    ids: NotRequired[list[str]]
    """Of what is meant, where it is several."""


def kind_of(error: type[BaseException]) -> Kind:
    return next(_KINDS[known] for known in error.__mro__ if known in _KINDS)


def describe(kind: Kind, detail: str | None, request_id: str) -> Problem:
    return {
        "type": "about:blank",
        "title": kind.status.phrase,
        "status": kind.status.value,
        "detail": detail,
        "code": kind.code,
        "request_id": request_id,
    }


def answer(error: Exception, request_id: str) -> Response:
    kind = kind_of(type(error))
    body = describe(kind, kind.detail and kind.detail.format(*error.args), request_id)
    if isinstance(error, InvalidRequest) and error.args:
        of = next(_MISTAKES[known] for known in type(error).__mro__ if known in _MISTAKES)
        body["errors"] = [of(*mistake) for mistake in error.args]
    if isinstance(error, Ambiguous):
        body["ids"] = list(error.args)
    return Response(body, headers=_headers(kind), status_code=kind.status.value)


def _in_body(place: str, detail: str) -> Mistake:
    return {"pointer": place, "detail": detail}


def _in_parameter(place: str, detail: str) -> Mistake:
    return {"parameter": place, "detail": detail}


def _in_query(detail: str, line: int, column: int, expected: list[str]) -> Mistake:
    return {"parameter": "q", "detail": detail, "line": line, "column": column, "expected": expected}


_MISTAKES: "dict[type[BaseException], Callable[..., Mistake]]" = {
    InvalidRequest: _in_parameter,
    InvalidBody: _in_body,
    InvalidQuery: _in_query,
}


def _headers(kind: Kind) -> dict[str, str | list[str]]:
    headers: dict[str, str | list[str]] = {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
    }
    if kind.retry_after:
        headers["Retry-After"] = str(kind.retry_after)
    return headers
