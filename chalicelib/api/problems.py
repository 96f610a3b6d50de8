"""The one place that turns what went wrong into an answer (RFC 9457)."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib.errors import (
    Forbidden,
    InvalidCursor,
    InvalidRequest,
    NotFound,
    NoThumbnail,
    StorageUnavailable,
    Unauthorized,
    UnknownData,
    UnknownLake,
)

_RETRY_AFTER_SECONDS = "2"


@dataclass(frozen=True, slots=True)
class Kind:
    status: HTTPStatus
    code: str
    detail: str | None = None
    """`{0}` is the first argument of the exception."""


_KINDS: dict[type[BaseException], Kind] = {
    InvalidCursor: Kind(
        HTTPStatus.BAD_REQUEST,
        "invalid_cursor",
        "the cursor is none that this list gave out for this order and these filters",
    ),
    InvalidRequest: Kind(HTTPStatus.BAD_REQUEST, "invalid_request", "the mistakes are in `errors`"),
    Unauthorized: Kind(HTTPStatus.UNAUTHORIZED, "unauthorized", "a valid API key is needed"),
    Forbidden: Kind(HTTPStatus.FORBIDDEN, "forbidden", "this needs a key with the role {0}"),
    UnknownLake: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no such datalake"),
    UnknownData: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no such data in this datalake"),
    NoThumbnail: Kind(HTTPStatus.NOT_FOUND, "not_found", "there is no thumbnail: {0}"),
    NotFound: Kind(HTTPStatus.NOT_FOUND, "not_found"),
    StorageUnavailable: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "storage_unavailable", "the storage did not answer; try again"
    ),
    Exception: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
}


def answer(error: Exception, request_id: str) -> Response:
    kind = next(_KINDS[known] for known in type(error).__mro__ if known in _KINDS)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": kind.status.phrase,
        "status": kind.status.value,
        "detail": kind.detail and kind.detail.format(*error.args),
        "code": kind.code,
        "request_id": request_id,
    }
    if isinstance(error, InvalidRequest) and error.args:
        body["errors"] = [{"parameter": place, "detail": detail} for place, detail in error.args]
    return Response(body, headers=_headers(kind), status_code=kind.status.value)


def _headers(kind: Kind) -> dict[str, str | list[str]]:
    headers: dict[str, str | list[str]] = {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
    }
    if kind.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return headers
