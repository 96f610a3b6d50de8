"""Bytes that lie elsewhere as a file that can seek, of which only what is read is transferred."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable

type Read = Callable[[int, int], bytes]
"""From which byte, and how many."""

_AT_ONCE = 2 * 1024**2


def open_file(read: "Read", size: int, at_once: int | None = None) -> io.BufferedReader:
    """Reading it raises as `read` does, which may give less than it was asked for. `at_once` is the bytes
    that are read with one request, where not more are asked for."""
    return io.BufferedReader(_File(read, size), at_once or _AT_ONCE)


@dataclass(slots=True, eq=False)
class _File(io.RawIOBase):
    read_part: "Read"
    size: int
    at: int = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        self.at = max(0, start + offset)
        return self.at

    def readinto(self, buffer: "Buffer") -> int:
        target = memoryview(buffer).cast("B")
        length = min(len(target), self.size - self.at)
        if length <= 0:
            return 0
        content = self.read_part(self.at, length)
        target[: len(content)] = content
        self.at += len(content)
        return len(content)
