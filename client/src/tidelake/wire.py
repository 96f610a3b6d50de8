"""One call of the API, tried again until there is an answer."""

from __future__ import annotations

import os
import re
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies

import httpx

from tidelake.connections import Connections
from tidelake.errors import RETRYABLE_STATUSES, TransferFailed, Unreachable, problem

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from pathlib import Path

    from tidelake.retries import Retries

PAGE = 1000
"""Items of a page at most."""

IDS_AT_ONCE = 1000
"""Data that one call may name."""

_CONNECTIONS = httpx.Limits(max_connections=None, max_keepalive_connections=64)
"""Through a proxy."""

_TIMEOUT = httpx.Timeout(35, connect=10)
"""API Gateway gives up after 29 seconds."""

_PASSING = RETRYABLE_STATUSES | {409}
"""Of the storage, which has a conflict only with what somebody does at the same moment."""


class Wire:
    """To the API with a key, and to the storage that it points to without one."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retries: Retries,
        transport: httpx.BaseTransport | None = None,
        allow_http: bool = False,
    ) -> None:
        self.url = _checked(url, allow_http=allow_http)
        self.retries = retries
        agent = {"User-Agent": "tidelake-python"}
        # Who goes through a proxy is led there by httpx.
        way = transport or (None if getproxies() else Connections())
        self._api = httpx.Client(
            headers={**agent, "Authorization": f"Bearer {_printable(key)}", "Accept": "application/json"},
            timeout=_TIMEOUT,
            limits=_CONNECTIONS,
            transport=way,
        )
        # Bytes are compared as they are stored, so nothing on the way may encode them.
        self.storage = httpx.Client(
            headers={**agent, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(60, connect=10, pool=None),
            limits=_CONNECTIONS,
            max_redirects=5,
            transport=way,
        )

    def close(self) -> None:
        self._api.close()
        self.storage.close()

    def call(
        self,
        method: str,
        *steps: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        creates: bool = False,
    ) -> Any:
        """The answer's JSON, or None where it has none.

        `steps` are those of the path, not encoded. What is None in the query is left out. A call that
        `creates` carries one Idempotency-Key through all attempts, so that it creates once.

        Raises Problem, and Unreachable.
        """
        answer = self._send(method, steps, query, body, creates=creates)
        return answer.json() if answer.content else None

    def locate(self, *steps: str, query: Mapping[str, Any] | None = None) -> str:
        """Where a redirect of the API points to. Raises Problem, and Unreachable."""
        return self._send("GET", steps, query).headers["Location"]

    def fetch_text(self, url: str) -> str:
        """What is at a presigned URL. Raises TransferFailed, and Unreachable."""
        with self.exchange("GET", url) as answer:
            return answer.read().decode()

    def fetch_file(self, url: str, path: Path) -> None:
        """The same, into a file, which is there when it is whole. Raises OSError, too."""
        draft = path.with_name(f"{path.name}.part")
        with self.exchange("GET", url) as answer, draft.open("wb") as file:
            for piece in answer.iter_bytes():
                file.write(piece)
        draft.replace(path)

    @contextmanager
    def exchange(
        self, method: str, url: str, expected: Container[int] = (200,), **given: Any
    ) -> Iterator[httpx.Response]:
        """An answer of the storage, whose body is not read yet.

        Where `given` holds what can be read only once, there is one attempt. Raises TransferFailed with the
        storage's own code, and Unreachable.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                request = self.storage.build_request(method, with_dots(url), **given)
                answer = self.storage.send(request, stream=True)
            except httpx.TransportError as error:
                if not self.retries.wait(attempt):
                    raise Unreachable(f"{urlsplit(url).netloc} did not answer: {_named(error)}") from error
                continue
            except httpx.InvalidURL as error:
                raise TransferFailed("invalid_url", str(error)) from error
            try:
                if answer.status_code in expected:
                    yield answer
                    return
                if answer.status_code in _PASSING and self.retries.wait(attempt, answer.headers):
                    continue
                answer.read()
                raise refusal(answer)
            finally:
                answer.close()

    def pages(
        self, *steps: str, query: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The items of all pages, each page asked for when the one before is used up."""
        cursor, left = None, limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self.call("GET", *steps, query={**(query or {}), "limit": size, "cursor": cursor})
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _send(
        self,
        method: str,
        steps: tuple[str, ...],
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        creates: bool = False,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": uuid.uuid4().hex} if creates else {}
        url = "/".join((self.url, *map(_encoded, steps)))
        given = {name: _spelled(value) for name, value in (query or {}).items() if value is not None}
        request = self._api.build_request(method, url, params=given or None, json=body, headers=headers)
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._api.send(request)
            except httpx.TransportError as error:
                if not self.retries.wait(attempt):
                    raise Unreachable(f"{self.url} did not answer: {_named(error)}") from error
                continue
            if answer.status_code < 400:
                return answer
            # What says when to come again: the same call, still being answered, or what is still being made.
            passing = answer.status_code in RETRYABLE_STATUSES or (
                answer.status_code in (404, 409) and "Retry-After" in answer.headers
            )
            if not (passing and self.retries.wait(attempt, answer.headers)):
                raise problem(answer.status_code, _body(answer))


def _checked(url: str, *, allow_http: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no URL of an API, as https://….execute-api.….amazonaws.com/api/v1")
    here = parts.hostname in ("localhost", "::1") or parts.hostname.startswith("127.")
    if parts.scheme == "http" and not here and not allow_http:
        raise ValueError(f"{url!r} would send the key in the clear; allow_http=True does it nevertheless")
    bare = url.rstrip("/")
    return bare if bare.endswith("/v1") else f"{bare}/v1"


def _printable(key: str) -> str:
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("the key is none: it looks like tl_0123456789abcdef_…")
    return key


def _encoded(step: str) -> str:
    if not step:
        raise ValueError("an id or name is empty")
    return _dotted(quote(step, safe=""))


def with_dots(url: str) -> str:
    """The same URL, whose steps of dots are not taken for ways up: objects may be called so."""
    whole, mark, query = url.partition("?")
    return "/".join(_dotted(step) for step in whole.split("/")) + mark + query


def _dotted(step: str) -> str:
    return step if step.strip(".") else step.replace(".", "%2E")


def _spelled(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return list(value) if isinstance(value, (list, tuple)) else value


def _body(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _named(error: Exception) -> str:
    return str(error) or type(error).__name__


def refusal(answer: httpx.Response) -> TransferFailed:
    """S3 answers XML of which two elements matter; others answer whatever they like."""
    told = dict(re.findall(r"<(Code|Message)>([^<]*)</", answer.text))
    code = told.get("Code") or f"http_{answer.status_code}"
    detail = told.get("Message") or f"the storage answered {answer.status_code}"
    return TransferFailed(code, detail, retryable=answer.status_code in _PASSING)


def default_workers() -> int:
    """Transfers at a time where nobody says otherwise."""
    return min(64, (os.cpu_count() or 1) + 4)


def checked_workers(max_workers: int | None) -> int:
    if max_workers is None:
        return default_workers()
    if not 1 <= max_workers <= 64:
        raise ValueError(f"max_workers should be from 1 to 64, not {max_workers}")
    return max_workers


def parts(ids: Sequence[str]) -> Iterator[list[str]]:
    """As many as one call may name, each once."""
    once = list(dict.fromkeys(ids))
    for start in range(0, len(once), IDS_AT_ONCE):
        yield once[start : start + IDS_AT_ONCE]
