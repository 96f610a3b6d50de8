"""What hosts may do to whoever fetches from them, tried with a real one, and where they may lead, with a
resolver that says what a test wants."""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chalicelib.errors import NotFetched
from chalicelib.imports import fetching
from chalicelib.imports.fetching import Fetched, Fetcher, Limits
from chalicelib.model.data import Reason
from tests.unit.imports.conftest import HOST, Server, answer, dripping, saying

BODY = b"\x89PNG" + bytes(range(256)) * 40
SHORT = Limits(connect=2, first_byte=0.15, total=0.4, body_bytes=1000, head_bytes=100, pause=0.01)
WHOLE = Limits(connect=2, first_byte=2, total=5, body_bytes=len(BODY), head_bytes=100, pause=0.01)

REFUSED_ADDRESSES = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1"),
    *("127.255.255.254", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1"),
    *("192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1"),
    *("2001:0:4136:e378::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1"),
    *("3fff::1", "3fff:fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
    *("fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "no address", ""),
)
PUBLIC_ADDRESSES = ("8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1")


def fetch(server: Server, path: str = "/a.png", limits: Limits = SHORT, **how: Any) -> Fetched:
    return Fetcher(server.address, limits).fetch(server.url(path), **how)


def failure(act: Callable[[], object]) -> Reason:
    with pytest.raises(NotFetched) as caught:
        act()
    return Reason(caught.value.args[0])


# ── where they may lead ──


class Net:
    """Connections that come to nothing, and names that have other addresses each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.reached: list[str] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0)

    def connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.reached.append(address[0])
        raise ConnectionRefusedError


def attempt(monkeypatch: pytest.MonkeyPatch, net: Net, url: str = "https://example.org/a") -> Reason:
    monkeypatch.setattr(fetching.socket, "create_connection", net.connect)
    once = Limits(total=5, pause=10)
    return failure(lambda: Fetcher(None, once, net.resolve).fetch(url))


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_never_connected_to(monkeypatch, address):
    for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        net = Net(addresses)
        assert attempt(monkeypatch, net) is Reason.REFUSED
        assert net.reached == []


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_is_connected_to(monkeypatch, address):
    net = Net([address])
    assert attempt(monkeypatch, net) is Reason.UNREACHABLE
    assert net.reached == [address]


def test_a_name_is_resolved_once_so_that_what_was_checked_is_what_is_reached(monkeypatch):
    net = Net(["8.8.8.8"], ["127.0.0.1"])
    assert attempt(monkeypatch, net) is Reason.UNREACHABLE
    assert (net.asked, net.reached) == (["example.org"], ["8.8.8.8"])


def test_a_few_addresses_are_tried_and_no_more(monkeypatch):
    net = Net([f"8.8.8.{n}" for n in range(1, 10)])
    assert attempt(monkeypatch, net) is Reason.UNREACHABLE
    assert net.reached == ["8.8.8.1", "8.8.8.2", "8.8.8.3"]


@pytest.mark.parametrize("error", [socket.gaierror("unknown"), OSError("no network")])
def test_a_name_that_nobody_knows_is_unreachable(error):
    def resolve(host: str, port: int) -> Sequence[str]:
        raise error

    assert failure(lambda: Fetcher(None, SHORT, resolve).fetch("https://example.org/")) is Reason.UNREACHABLE


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch):
    over = threading.Event()
    fetcher = Fetcher(None, SHORT, lambda host, port: [str(over.wait(10))])
    assert failure(lambda: fetcher.fetch("https://example.org/")) is Reason.TOO_SLOW
    over.set()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://127.0.0.1/",
        "https://u@example.org/",
        "s3://bucket/key",
        "file:///a",
        "",
    ],
)
def test_what_is_no_link_is_not_asked_for(monkeypatch, url):
    net = Net()
    assert attempt(monkeypatch, net, url) is Reason.REFUSED
    assert net.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "http://example.org/",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "s3://bucket/key",
        "https://user:word@example.org/",
        "//localhost/",
        "https://[",
    ],
)
def test_a_redirect_leads_only_where_a_link_may_point_to(server, location):
    server.script = saying(answer(b"", f"Location: {location}", status="302 Found"))
    assert failure(lambda: fetch(server)) is Reason.REFUSED
    assert len(server.requests) == 1


def test_a_redirect_is_resolved_and_checked_like_the_first_url(server, monkeypatch):
    server.script = saying(answer(b"", "Location: https://rebound.example.org/", status="301 Moved"))
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return [HOST]

    assert failure(lambda: Fetcher(server.address, SHORT, resolve).fetch(server.url())) is Reason.REFUSED
    assert asked == [HOST, "rebound.example.org"]


def test_from_https_nobody_is_led_to_where_is_no_tls(server):
    fetcher = Fetcher(server.address)
    url = fetcher._read("https://example.org/")
    assert failure(lambda: fetcher._redirect(url, server.url())) is Reason.REFUSED


def test_relative_redirects_are_followed_but_not_for_ever(server):
    seen: list[int] = []

    def script(connection: socket.socket) -> None:
        seen.append(1)
        if len(seen) <= 3:
            connection.sendall(answer(b"", f"Location: ../{len(seen)}.png", status="307 Elsewhere"))
        else:
            connection.sendall(answer(b"bytes", "Content-Length: 5"))

    server.script = script
    assert fetch(server).body == b"bytes"
    assert [request.split()[1] for request in server.requests] == [b"/a.png", b"/1.png", b"/2.png", b"/3.png"]
    server.script = saying(answer(b"", "Location: /again", status="302 Found"))
    server.requests.clear()
    assert failure(lambda: fetch(server)) is Reason.BAD_ANSWER
    assert len(server.requests) == 2 * 4


# ── what they may say ──


def test_what_is_there_is_told_with_what_its_host_says_of_it(server):
    server.script = saying(
        answer(
            BODY,
            f"Content-Length: {len(BODY)}",
            'ETag: W/"abc"',
            "Last-Modified: Sun, 01 Mar 2026 12:00:00 GMT",
            "Content-Type: Image/PNG; charset=x",
            "Set-Cookie: a=b",
        )
    )
    assert fetch(server, "/a%20b?c=d#e", WHOLE) == Fetched(
        body=BODY,
        is_whole=True,
        size=len(BODY),
        etag="W/abc",
        last_modified="2026-03-01T12:00:00.000Z",
        content_type="image/png",
    )
    [request] = server.requests
    assert request.startswith(b"GET /a%20b?c=d HTTP/1.1\r\n")
    assert f"\r\nHost: {server.address}\r\n".encode() in request
    assert b"\r\nAccept-Encoding: identity\r\n" in request
    assert not {b"cookie", b"authorization", b"proxy", b"referer"} & set(
        request.lower().replace(b":", b" ").split()
    )


def test_the_environment_has_no_say(server, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.script = saying(answer(b"bytes", "Content-Length: 5"))
    assert fetch(server).body == b"bytes"


def test_to_look_no_more_is_read_than_what_is_said(server):
    server.script = dripping(answer(b"", "Content-Length: 900000000", 'ETag: "a"'), b"x" * 100)
    found = fetch(server, look_only=True)
    assert (found.body, found.is_whole, found.size, found.etag) == (b"", False, 900_000_000, "a")


@pytest.mark.parametrize(
    "headers",
    [
        ('ETag: "a" "b"', "Last-Modified: yesterday", "Content-Type: no type"),
        ("ETag: " + "e" * 300, "Last-Modified: Sun, 99 Mar 2026 12:00:00 GMT", "Content-Type: ../x"),
        ("ETag: \xe9", "Last-Modified: Fri, 31 Dec 9999 23:59:59 -2359", "Content-Type: \xe9/x"),
        (),
    ],
)
def test_nonsense_about_the_bytes_is_passed_over(server, headers):
    server.script = saying(answer(b"bytes", *headers))
    found = fetch(server)
    assert (found.body, found.size) == (b"bytes", 5)
    assert (found.etag, found.last_modified, found.content_type) == (None, None, None)


@pytest.mark.parametrize(
    ("status", "reason"),
    {
        "404 Not Found": Reason.NOT_FOUND,
        "410 Gone": Reason.NOT_FOUND,
        "401 Unauthorized": Reason.ACCESS_DENIED,
        "403 Forbidden": Reason.ACCESS_DENIED,
        "204 No Content": Reason.BAD_ANSWER,
        "206 Partial Content": Reason.BAD_ANSWER,
        "302 Found": Reason.BAD_ANSWER,
        "304 Not Modified": Reason.BAD_ANSWER,
        "429 Too Many Requests": Reason.BAD_ANSWER,
        "500 Internal Server Error": Reason.BAD_ANSWER,
        "999 What": Reason.BAD_ANSWER,
        "what": Reason.BAD_ANSWER,
    }.items(),
)
def test_a_status_is_a_reason(server, status, reason):
    server.script = saying(answer(b"<html>", "Content-Length: 6", status=status))
    assert failure(lambda: fetch(server)) is reason


@pytest.mark.parametrize("passing", [b"", answer(b"", status="503 Later"), b"garbage\r\n\r\n"])
def test_what_may_be_otherwise_a_moment_later_is_asked_for_once_more(server, passing):
    scripts = [saying(passing), saying(answer(b"bytes", "Content-Length: 5"))]
    server.script = lambda connection: scripts.pop(0)(connection)
    assert fetch(server).body == b"bytes"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "said",
    [
        answer(gzip.compress(bytes(10_000_000), mtime=0), "Content-Encoding: gzip"),
        answer(b"x", "Content-Encoding: br"),
        answer(b"x", "Content-Encoding: identity, gzip"),
        answer(b"x", "Transfer-Encoding: gzip, chunked"),
        answer(b"5\r\nbytes\r\nx\r\n", "Transfer-Encoding: chunked"),
        answer(b"5\r\nbyt", "Transfer-Encoding: chunked"),
        answer(b"by", "Content-Length: 5"),
        answer(b"x" * 2000, f"Content-Length: {'9' * 30}"),
        answer(b"bytes", "Content-Length: 0_9"),
        answer(b"", *(f"X-{n}: y" for n in range(200))),
        answer(b"", f"X: {'y' * 70_000}"),
        answer(b"", *(f"X-{n}: {'y' * 1000}" for n in range(20))),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        b"\x00" * 5000,
    ],
    ids=lambda said: repr(said[:60]),
)
def test_bombs_lies_and_what_is_no_http_are_bad_answers(server, said):
    server.script = saying(said)
    assert failure(lambda: fetch(server)) in (Reason.BAD_ANSWER, Reason.UNREACHABLE)


def test_of_a_body_in_chunks_the_bytes_count(server):
    server.script = saying(answer(b"5\r\nbytes\r\n3\r\n!!!\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))
    found = fetch(server)
    assert (found.body, found.size, found.is_whole) == (b"bytes!!!", 8, True)


@pytest.mark.parametrize(
    ("headers", "size"),
    [
        (("Content-Length: 2000",), 2000),
        ((), None),
    ],
)
def test_a_body_that_is_too_large_is_cut_whatever_its_length_is_said_to_be(server, headers, size):
    server.script = saying(answer(b"x" * 2000, *headers))
    found = fetch(server)
    assert (len(found.body), found.is_whole, found.size) == (SHORT.head_bytes, False, size)


def test_endless_chunks_are_cut(server):
    server.script = dripping(answer(b"", "Transfer-Encoding: chunked"), b"64\r\n" + b"x" * 100 + b"\r\n")
    found = fetch(server, limits=Limits(first_byte=2, total=5, body_bytes=300, head_bytes=100))
    assert (len(found.body), found.is_whole) == (100, False)


@pytest.mark.parametrize("length", [b"-1", b"-5"])
def test_a_chunk_of_less_than_nothing_is_not_read_until_its_end(server, length):
    server.script = dripping(answer(b"", "Transfer-Encoding: chunked"), length + b"\r\n" + b"x" * 100)
    assert failure(lambda: fetch(server)) is Reason.BAD_ANSWER


def test_a_length_that_is_too_short_hides_the_rest(server):
    server.script = saying(answer(b"bytes and more", "Content-Length: 5"))
    assert fetch(server).body == b"bytes"


@pytest.mark.parametrize(
    "script",
    [
        lambda connection: connection.recv(1),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        dripping(b"", b"H"),
        dripping(answer(b"", "Content-Length: 900"), b"x"),
        dripping(answer(b"", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        dripping(answer(b"0\r\n", "Transfer-Encoding: chunked"), b"X: y\r\n"),
    ],
    ids=["silence", "endless headers", "a slow line", "a slow body", "slow chunks", "endless trailers"],
)
def test_whatever_dribbles_in_has_an_end(server, script):
    server.script = script
    assert failure(lambda: fetch(server)) in (Reason.TOO_SLOW, Reason.BAD_ANSWER)
    assert len(server.requests) <= 2


def test_a_port_where_nobody_listens_is_unreachable():
    with socket.create_server((HOST, 0)) as listener:
        closed = f"{HOST}:{listener.getsockname()[1]}"
    assert failure(lambda: Fetcher(closed, SHORT).fetch(f"http://{closed}/")) is Reason.UNREACHABLE


# ── who they are ──


class Shown(ssl.SSLContext):
    """Notes whom it was asked to trust."""

    asked: list[str]

    def wrap_socket(self, sock: socket.socket, *rest: Any, server_hostname: Any = None, **more: Any) -> Any:
        self.asked.append(server_hostname)
        raise ssl.SSLCertVerificationError("who is that?")


def test_tls_is_for_the_name_of_the_url_and_not_for_the_address(server, monkeypatch):
    context = Shown(ssl.PROTOCOL_TLS_CLIENT)
    context.asked = []
    connect = socket.create_connection
    monkeypatch.setattr(fetching, "_trust", lambda: context)
    monkeypatch.setattr(fetching, "is_public", lambda address: True)
    monkeypatch.setattr(
        fetching.socket, "create_connection", lambda *_: connect((HOST, server.listener.getsockname()[1]))
    )
    fetcher = Fetcher(None, Limits(pause=10, total=5), lambda host, port: [HOST])
    assert failure(lambda: fetcher.fetch("https://images.example.org/a")) is Reason.UNREACHABLE
    assert context.asked == ["images.example.org"]
    assert server.requests == [] or server.requests == [b""]


def test_certificates_and_names_are_verified():
    context = fetching._trust()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
