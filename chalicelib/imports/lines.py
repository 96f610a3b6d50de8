"""The lines of a text of any size that lies elsewhere, read window by window, each with its size there."""

import codecs
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.model import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

type Read = Callable[[int, int], bytes]
"""From which byte, and how many. Fewer come only at the end."""

_FIRST_WINDOW, _LAST_WINDOW = 256 * 1024, 2 * 1024**2
"""Bytes. The first serves a thousand short rows; where that was not enough, each is twice the one before."""

_ERRORS = {"utf-8": "surrogateescape", "utf-16-le": "surrogatepass", "utf-16-be": "surrogatepass"}
"""What is malformed becomes half surrogate pairs, which no text has, and keeps its size."""

ENCODINGS = tuple(_ERRORS)


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    """With what ends it."""
    size: int
    """In bytes."""
    ends: bool = True
    """False: it is longer than any row, and this is a piece of it. What follows is of the same line."""


def read_lines(read: "Read", at: int, size: int, encoding: str) -> "Iterator[Line]":
    """All from byte `at` on, of `size` bytes in all. A line ends with CR, LF or both."""
    decoder = codecs.getincrementaldecoder(encoding)(_ERRORS[encoding])
    window, left = _FIRST_WINDOW, ""
    # Half a character cannot be the end of UTF-16.
    size -= (size - at) % 2 if encoding != "utf-8" else 0
    while at < size:
        taken = read(at, min(window, size - at))
        at += len(taken)
        text, left = left + decoder.decode(taken, at >= size), ""
        for each in io.StringIO(text, newline=""):
            if left:
                yield Line(left, measure(left, encoding))
            left = each
        if left.endswith("\n"):
            yield Line(left, measure(left, encoding))
            left = ""
        elif len(left) > limits.ROW_BYTES:
            yield Line(left, measure(left, encoding), ends=False)
            left = ""
        window = min(2 * window, _LAST_WINDOW)
    if left:
        yield Line(left, measure(left, encoding))


def measure(text: str, encoding: str) -> int:
    """Bytes."""
    if text.isascii():
        return len(text) if encoding == "utf-8" else 2 * len(text)
    return len(text.encode(encoding, _ERRORS[encoding]))
