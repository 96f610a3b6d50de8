"""Connections to the API and the storage, with no more work than it takes: of small files most would be spent
on the way there. Beside httpx's own it takes a client's processor a quarter less to download such files, and
no time to load."""

from __future__ import annotations

import http.client
import selectors
from collections import defaultdict
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_BLOCK = 64 * 1024

_Place = tuple[str, str, int]


class Connections(httpx.BaseTransport):
    """HTTP/1.1, kept alive. Threads may share it; each request has a connection of its own."""

    def __init__(self) -> None:
        self._idle: dict[_Place, list[http.client.HTTPConnection]] = defaultdict(list)
        self._lock = Lock()
        self._context: ssl.SSLContext | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        place = (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"{url.scheme} is neither http nor https")
        connection = self._take(place)
        try:
            with _translated(request):
                answer = _ask(connection, request)
        except BaseException:
            connection.close()
            raise
        stream = _Stream(self, place, connection, answer, request)
        return httpx.Response(answer.status, headers=answer.getheaders(), stream=stream)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, defaultdict(list)
        for connection in (each for several in idle.values() for each in several):
            connection.close()

    def keep(self, place: _Place, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._idle[place].append(connection)

    def _take(self, place: _Place) -> http.client.HTTPConnection:
        while True:
            with self._lock:
                connection = self._idle[place].pop() if self._idle[place] else None
            if connection is None:
                return self._open(place)
            if not _says_something(connection):
                return connection
            # Whoever speaks unasked has closed it.
            connection.close()

    def _open(self, place: _Place) -> http.client.HTTPConnection:
        scheme, host, port = place
        if scheme == "http":
            return http.client.HTTPConnection(host, port)
        with self._lock:
            self._context = self._context or httpx.create_ssl_context()
        return http.client.HTTPSConnection(host, port, context=self._context)


class _Stream(httpx.SyncByteStream):
    """What comes, as it is sent. Its connection is kept once all of it was read."""

    def __init__(
        self,
        connections: Connections,
        place: _Place,
        connection: http.client.HTTPConnection,
        answer: http.client.HTTPResponse,
        request: httpx.Request,
    ) -> None:
        self._connections, self._place, self._connection = connections, place, connection
        self._answer, self._request = answer, request

    def __iter__(self) -> Iterator[bytes]:
        with _translated(self._request):
            while block := self._answer.read(_BLOCK):
                yield block
            if self._answer.length:
                raise http.client.IncompleteRead(b"", self._answer.length)

    def close(self) -> None:
        if self._answer.isclosed() and self._connection.sock is not None:
            self._connections.keep(self._place, self._connection)
        else:
            self._connection.close()


def _ask(connection: http.client.HTTPConnection, request: httpx.Request) -> http.client.HTTPResponse:
    seconds = request.extensions["timeout"]
    if connection.sock is None:
        connection.timeout = seconds["connect"]
        connection.connect()
    connection.sock.settimeout(seconds["read"])
    connection.putrequest(
        request.method, request.url.raw_path.decode(), skip_host=True, skip_accept_encoding=True
    )
    for name, value in request.headers.raw:
        connection.putheader(name.decode("ascii"), value)
    connection.endheaders()
    for block in request.stream:  # type: ignore[union-attr]  # no request here is asynchronous
        connection.send(block)
    return connection.getresponse()


def _says_something(connection: http.client.HTTPConnection) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))


@contextmanager
def _translated(request: httpx.Request) -> Iterator[Any]:
    """As those who use httpx expect it."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.TimeoutException(str(error), request=request) from error
    except http.client.HTTPException as error:
        raise httpx.RemoteProtocolError(f"{type(error).__name__}: {error}", request=request) from error
    except OSError as error:
        raise httpx.NetworkError(str(error), request=request) from error
