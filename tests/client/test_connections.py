"""Connections of the client, against a server that does what servers do."""

import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from tidelake.connections import Connections

type Act = Callable[[socket.socket, bytes], bool]
"""Answers one request; whether the connection stays."""


class Server:
    """Speaks byte by byte as it is told: one act a request, the last one again and again."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)
        """As often as it has closed one."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with line:
                while asked := self._read(line):
                    self.requests.append(asked)
                    act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                    if not act(line, asked):
                        break
            self.closed.release()

    def _read(self, line: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            if not (more := line.recv(65536)):
                return b""
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        lengths = [each for each in head.lower().split(b"\r\n") if each.startswith(b"content-length:")]
        size = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(body) < size:
            body += line.recv(65536)
        return head + b"\r\n\r\n" + body


def says(answer: bytes, *, stays: bool = True) -> Act:
    def act(line: socket.socket, asked: bytes) -> bool:
        line.sendall(answer)
        return stays

    return act


HELLO = says(b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 5\r\n\r\nhello")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.end()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(transport=Connections(), headers={"Accept-Encoding": "identity"}) as client:
        yield client


def test_a_connection_serves_many_requests(server: Server, client: httpx.Client) -> None:
    server.acts = [HELLO]
    assert [client.get(f"{server.url}/a%2Fb?c=%20d").content for _ in range(3)] == [b"hello"] * 3
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /a%2Fb?c=%20d HTTP/1.1\r\nHost: 127.0.0.1:")
    assert server.requests[0].count(b"Host:") == server.requests[0].count(b"Accept-Encoding: identity") == 1


def test_bytes_are_sent_whole_or_block_by_block(server: Server, client: httpx.Client) -> None:
    server.acts = [says(b"HTTP/1.1 204 No Content\r\n\r\n")]
    client.put(server.url, content=b"bytes").raise_for_status()
    client.put(server.url, content=iter([b"by", b"tes"]), headers={"Content-Length": "5"}).raise_for_status()
    client.post(server.url, data={"key": "a"}, files={"file": b"bytes"}).raise_for_status()
    assert [each.rpartition(b"\r\n\r\n")[2] for each in server.requests[:2]] == [b"bytes", b"bytes"]
    assert b'name="key"' in server.requests[2]
    assert server.connections == 1


def test_one_that_was_closed_meanwhile_is_not_used_again(server: Server, client: httpx.Client) -> None:
    server.acts = [says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", stays=False), HELLO]
    client.get(server.url)
    assert server.closed.acquire(timeout=10)
    assert client.get(server.url).content == b"hello"
    assert server.connections == 2


def test_one_that_was_not_read_to_its_end_is_not_used_again(server: Server, client: httpx.Client) -> None:
    server.acts = [HELLO]
    with client.stream("GET", server.url):
        pass
    assert client.get(server.url).content == b"hello"
    assert server.connections == 2


def test_one_that_says_close_is_not_used_again(server: Server, client: httpx.Client) -> None:
    closing = says(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil it ends", stays=False)
    server.acts = [closing, HELLO]
    assert client.get(server.url).content == b"until it ends"
    assert client.get(server.url).content == b"hello"


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", stays=False), httpx.RemoteProtocolError),
        (says(b"", stays=False), httpx.RemoteProtocolError),
        (says(b"who is there?\r\n\r\n", stays=False), httpx.RemoteProtocolError),
    ],
    ids=["half", "nothing", "nonsense"],
)
def test_what_breaks_off_is_told_as_httpx_tells_it(
    server: Server, client: httpx.Client, act: Act, error: type[Exception]
) -> None:
    server.acts = [act, HELLO]
    with pytest.raises(error):
        client.get(server.url)
    assert client.get(server.url).content == b"hello"


def test_nobody_there_and_no_answer_in_time(server: Server, client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(httpx.NetworkError):
        client.get(f"http://127.0.0.1:{port}")
    with pytest.raises(httpx.UnsupportedProtocol):
        client.get("ftp://127.0.0.1/")
    server.acts = [says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal")]
    with pytest.raises(httpx.TimeoutException):
        client.get(server.url, timeout=httpx.Timeout(10, read=0.01))


def test_redirects_are_followed_where_they_are_wanted(server: Server, client: httpx.Client) -> None:
    server.acts = [says(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"), HELLO]
    assert client.get(server.url, follow_redirects=True).content == b"hello"
    assert server.requests[1].startswith(b"GET /there ")
