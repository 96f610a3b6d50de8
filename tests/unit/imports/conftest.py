"""A server that says whatever a test wants it to, byte by byte."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

HOST = "127.0.0.1"
DRIP_SECONDS = 0.02

type Script = Callable[[socket.socket], object]


@dataclass
class Server:
    listener: socket.socket
    script: Script = lambda connection: None
    requests: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.listener.getsockname()[1]}"

    def url(self, path: str = "/a.png") -> str:
        return f"http://{self.address}{path}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self.requests.append(_request(connection))
                self.script(connection)
                connection.shutdown(socket.SHUT_RDWR)


def _request(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\r\n\r\n") and (part := connection.recv(4096)):
        received += part
    return received


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def saying(*parts: bytes) -> Script:
    return lambda connection: [connection.sendall(part) for part in parts]


def dripping(start: bytes, drop: bytes) -> Script:
    """One drop after the other, until nobody listens."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(drop)
            time.sleep(DRIP_SECONDS)

    return drip


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server((HOST, 0)) as listener:
        served = Server(listener)
        thread = threading.Thread(target=served.serve, daemon=True)
        thread.start()
        yield served
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
