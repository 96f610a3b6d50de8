"""Bytes from hosts that others name, without being led anywhere else.

A host name is resolved once, each of its addresses must be public, and the connection goes to one of those
very addresses. Each redirect starts over. All of it together has one end in time, whatever dribbles in, and
what is read is counted, whatever its sender says of it. Nothing of the environment has a say: no proxies, no
cookies, no credentials.
"""

import http.client
import io
import re
import socket
import ssl
import time
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from math import inf
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urljoin

from chalicelib.errors import NotFetched
from chalicelib.model import moment
from chalicelib.model import url as urls
from chalicelib.model.addresses import is_public
from chalicelib.model.data import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.model.url import Url

    type Resolver = Callable[[str, int], Sequence[str]]

_PASSING: Final = frozenset({Reason.UNREACHABLE, Reason.BAD_ANSWER})
"""What may be otherwise a moment later."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MISSING: Final = frozenset({404, 410})
_DENIED: Final = frozenset({401, 402, 403, 407, 451})
_ETAG: Final = re.compile(r'(W/)?"?([\x21\x23-\x7e]{1,256}?)"?')
_CONTENT_TYPE: Final = re.compile(r"[a-z0-9][\w.+-]{0,63}/[a-z0-9][\w.+-]{0,63}", re.ASCII | re.IGNORECASE)
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_CHUNK_BYTES: Final = 65_536
_BUFFER_BYTES: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times are in seconds."""

    connect: float = 3
    first_byte: float = 5
    total: float = 30
    header_bytes: int = 16 * 1024
    body_bytes: int = 25 * 1024**2
    head_bytes: int = 64 * 1024
    """Kept of a body that is larger."""
    redirects: int = 3
    addresses: int = 3
    """Of one host that are tried."""
    pause: float = 1
    """Before the second and last attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    body: bytes
    is_whole: bool
    size: int | None
    """Of the whole body. None: its sender did not say, and not all of it was read."""
    etag: str | None
    last_modified: str | None
    content_type: str | None


def resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # IPv4 first: functions mostly have no way out by IPv6.
    ordered = sorted(found, key=lambda each: each[0] is not socket.AF_INET)
    return list(dict.fromkeys(str(address[0]) for *_, address in ordered))


@dataclass(frozen=True, slots=True)
class Fetcher:
    test_server: str | None = None
    """A host with its port that may be asked without TLS, at any address."""
    limits: Limits = Limits()
    resolve: "Resolver" = resolve

    def fetch(self, text: str, *, look_only: bool = False) -> Fetched:
        """What lies at the URL; with `look_only`, only what its host says of it. Raises NotFetched."""
        clock = _Clock(time.monotonic() + self.limits.total)
        try:
            return self._fetch(text, clock, look_only=look_only)
        except NotFetched as error:
            if error.args[0] not in _PASSING or not clock.has(self.limits.pause):
                raise
        time.sleep(self.limits.pause)
        return self._fetch(text, clock, look_only=look_only)

    def _fetch(self, text: str, clock: "_Clock", *, look_only: bool) -> Fetched:
        url = self._read(text)
        for _ in range(self.limits.redirects + 1):
            try:
                found = self._ask(url, clock, look_only=look_only)
            except TimeoutError as error:
                raise NotFetched(Reason.TOO_SLOW) from error
            except OSError as error:
                raise NotFetched(Reason.UNREACHABLE) from error
            except (http.client.HTTPException, ValueError) as error:
                raise NotFetched(Reason.BAD_ANSWER) from error
            if isinstance(found, Fetched):
                return found
            url = self._redirect(url, found)
        raise NotFetched(Reason.BAD_ANSWER)

    def _read(self, text: str) -> "Url":
        try:
            url = urls.read(text, self.test_server)
        except ValueError as error:
            raise NotFetched(Reason.REFUSED) from error
        if url.in_s3:
            raise NotFetched(Reason.REFUSED)
        return url

    def _redirect(self, url: "Url", location: str) -> "Url":
        try:
            text = urljoin(url.text, location)
        except ValueError as error:
            raise NotFetched(Reason.REFUSED) from error
        target = self._read(text)
        if url.scheme == "https" and target.scheme != "https":
            raise NotFetched(Reason.REFUSED)
        return target

    def _ask(self, url: "Url", clock: "_Clock", *, look_only: bool) -> Fetched | str:
        """What is there, or where it is instead."""
        with closing(self._connect(url, clock)) as connection:
            connection.settimeout(clock.left())
            connection.sendall(_request(url))
            line = _Line(connection, clock, self.limits)
            with closing(_response(line)) as response:
                response.begin()
                line.header_room = None
                if response.status in _REDIRECTS:
                    return _location(response)
                _accept(response)
                return self._receive(response, look_only=look_only)

    def _connect(self, url: "Url", clock: "_Clock") -> socket.socket:
        for address in self._addresses(url, clock)[: self.limits.addresses]:
            seconds = clock.left(self.limits.connect)
            try:
                connection = socket.create_connection((address, url.port), seconds)
            except OSError:
                continue
            if url.scheme == "http":
                return connection
            try:
                return _trust().wrap_socket(connection, server_hostname=url.host.strip("[]"))
            except OSError as error:
                connection.close()
                raise NotFetched(Reason.UNREACHABLE) from error
        raise NotFetched(Reason.UNREACHABLE)

    def _addresses(self, url: "Url", clock: "_Clock") -> "Sequence[str]":
        """All that the host has. One of them that is not public is reason enough to believe none."""
        found = _in_time(lambda: self.resolve(url.host.strip("[]"), url.port), clock)
        if url.scheme == "https" and not all(map(is_public, found)):
            raise NotFetched(Reason.REFUSED)
        return found

    def _receive(self, response: http.client.HTTPResponse, *, look_only: bool) -> Fetched:
        declared = _declared_length(response)
        is_large = (declared or 0) > self.limits.body_bytes
        wanted = 0 if look_only else self.limits.head_bytes if is_large else self.limits.body_bytes + 1
        body = _drain(response, wanted)
        if not look_only and not is_large:
            if response.length:
                raise NotFetched(Reason.BAD_ANSWER)  # It ended before all was there that was promised.
            is_large = len(body) > self.limits.body_bytes
        is_whole = not look_only and not is_large
        return Fetched(
            body=body if is_whole else body[: self.limits.head_bytes],
            is_whole=is_whole,
            size=len(body) if is_whole else declared,
            etag=_etag(response),
            last_modified=_last_modified(response),
            content_type=_content_type(response),
        )


@dataclass(frozen=True, slots=True)
class _Clock:
    end: float

    def left(self, most: float = inf) -> float:
        """Seconds, at most so many. Raises TimeoutError when none are left."""
        seconds = self.end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return min(seconds, most)

    def has(self, seconds: float) -> bool:
        return self.end - time.monotonic() > seconds


class _Line(io.RawIOBase):
    """What comes from a socket, until the time is over or the headers are too long."""

    def __init__(self, connection: socket.socket, clock: _Clock, limits: Limits) -> None:
        self._connection, self._clock, self._patience = connection, clock, limits.first_byte
        self.header_room: int | None = limits.header_bytes
        """None: they have all been read."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.header_room is not None and self.header_room <= 0:
            raise http.client.HTTPException("the headers are too long")
        self._connection.settimeout(self._clock.left(self._patience))
        count = self._connection.recv_into(buffer)
        self._patience = inf
        if self.header_room is not None:
            self.header_room -= count
        return count

    def readall(self) -> bytes:
        """Asked for where a chunk is said to be of -1 bytes. Nothing would count what comes then."""
        raise http.client.HTTPException("a chunk without an end")

    def makefile(self, mode: str) -> io.BufferedReader:
        """What http.client asks of a socket."""
        return io.BufferedReader(self, _BUFFER_BYTES)


def _response(line: _Line) -> http.client.HTTPResponse:
    return http.client.HTTPResponse(cast("socket.socket", line), method="GET")


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _in_time[T](act: "Callable[[], T]", clock: _Clock) -> T:
    """Resolving a name cannot be given an end, so it is not waited for longer than that."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(act())
        except Exception as error:
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    return outcome.result(clock.left())


def _request(url: "Url") -> bytes:
    host = url.host if url.scheme == "https" else f"{url.host}:{url.port}"
    lines = (
        f"GET {url.target} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: Tidelake",
        "Accept: image/*, video/*;q=0.9, */*;q=0.1",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def _accept(response: http.client.HTTPResponse) -> None:
    """Only what was asked for, and nothing that would have to be unpacked."""
    if response.status in _MISSING:
        raise NotFetched(Reason.NOT_FOUND)
    if response.status in _DENIED:
        raise NotFetched(Reason.ACCESS_DENIED)
    encodings = {
        response.headers.get(name, allowed).strip().lower() == allowed
        for name, allowed in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked"))
    }
    if response.status != HTTPStatus.OK or False in encodings:
        raise NotFetched(Reason.BAD_ANSWER)


def _location(response: http.client.HTTPResponse) -> str:
    """Raises ValueError where it is no text."""
    given = response.headers.get("Location")
    if given is None:
        raise NotFetched(Reason.BAD_ANSWER)
    return given.encode("latin-1").decode()


def _drain(response: http.client.HTTPResponse, most: int) -> bytes:
    body = bytearray()
    while len(body) < most and (chunk := response.read(min(_CHUNK_BYTES, most - len(body)))):
        body += chunk
    return bytes(body)


def _declared_length(response: http.client.HTTPResponse) -> int | None:
    given = response.headers.get("Content-Length", "").strip()
    return int(given) if _LENGTH.fullmatch(given) and not response.chunked else None


def _etag(response: http.client.HTTPResponse) -> str | None:
    found = _ETAG.fullmatch(response.headers.get("ETag", "").strip())
    return f"{found[1] or ''}{found[2]}" if found else None


def _last_modified(response: http.client.HTTPResponse) -> str | None:
    try:
        found = parsedate_to_datetime(response.headers["Last-Modified"])
        return moment.rfc3339(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        return None


def _content_type(response: http.client.HTTPResponse) -> str | None:
    found = _CONTENT_TYPE.match(response.headers.get("Content-Type", "").strip())
    return found[0].lower() if found else None
