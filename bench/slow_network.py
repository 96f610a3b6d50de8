"""A network between this machine and itself, in which a listing takes 80 ms longer, any other call 8 ms.

`python -m bench.slow_network URL` says at which port it is, and passes on to the URL what comes there. What
is under way at once waits at once. `GET /listings` answers how many listings there were.
"""

import asyncio
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTING_SECONDS: Final = 0.080
OTHER_SECONDS: Final = 0.008

_HOST: Final = "127.0.0.1"
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_LISTING: Final = re.compile(rb"GET /[^/ ?]+/?\?\S*(list-type=2|prefix=)")
_CHUNK: Final = 65536
_MOST_BYTES: Final = 2**20
"""Of the head of a request."""


@contextmanager
def slowed(url: str) -> "Iterator[str]":
    """The URL as it is reached through the slow network."""
    command = [sys.executable, "-m", "bench.slow_network", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as network:
        try:
            assert network.stdout
            yield f"http://{_HOST}:{int(network.stdout.readline())}"
        finally:
            network.kill()


def count_listings(url: str) -> int:
    """Since the beginning, of what is slowed."""
    with urllib.request.urlopen(f"{url}/listings") as answer:
        return int(answer.read())


class Network:
    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname, address.port
        self._listings = 0

    async def run(self) -> None:
        server = await asyncio.start_server(self._connect, _HOST, 0, limit=_MOST_BYTES)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(self._host, self._port)
        back = asyncio.create_task(_pass_on(there, writer))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await self._forward(reader, onward, writer)
        onward.close()
        with suppress(ConnectionError):
            await back

    async def _forward(
        self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        """One request."""
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /listings "):
            count = str(self._listings).encode()
            back.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(count), count))
            return
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        is_listing = _LISTING.match(head) is not None
        self._listings += is_listing
        await asyncio.sleep(LISTING_SECONDS if is_listing else OTHER_SECONDS)
        onward.write(head + body)
        await onward.drain()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(Network(sys.argv[1]).run())
