"""The rows of an exported file, from any place in it on: of JSON lines, as they are or compressed with gzip,
or of Parquet. Which of them it is its first bytes tell."""

import zlib
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, Final

from chalicelib.errors import MalformedFile
from chalicelib.formats import parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_BYTES: Final = 1024**2
"""Longest line. What people can write of one data has a tenth of that."""

_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_CHUNK_BYTES: Final = 256 * 1024
_GZIP_BITS: Final = zlib.MAX_WBITS | 16

type Row = bytes | dict[str, Any]
"""A line, or what the columns hold."""


@dataclass(frozen=True, slots=True)
class Place:
    """Behind some row. An exported file is many short gzip files, one after the other, so what lies before
    `at` need not be unpacked again."""

    at: int = 0
    """Bytes of the file that are behind."""
    skip: int = 0
    """Rows from there on that are behind, too."""
    row: int = 0
    """Rows that are behind in all."""


START: Final = Place()


def rows(file: "IO[bytes]", place: Place) -> "Iterator[tuple[Row, Place]]":
    """Each with the place behind it. Raises MalformedFile, and what reading the file raises."""
    file.seek(0)
    start = file.read(len(_PARQUET))
    if start == _PARQUET:
        found: Iterator[tuple[Row, Place]] = _of_parquet(file, place)
    elif start.startswith(_GZIP):
        found = _of_gzip(file, place)
    else:
        found = _of_text(file, place)
    return found


def _of_parquet(file: "IO[bytes]", place: Place) -> "Iterator[tuple[Row, Place]]":
    for row in parquet.rows(file, place.row):
        place = replace(place, row=place.row + 1)
        yield row, place


def _of_text(file: "IO[bytes]", place: Place) -> "Iterator[tuple[Row, Place]]":
    file.seek(place.at)
    while line := file.readline(LINE_BYTES + 1):
        _check(line)
        place = Place(place.at + len(line), 0, place.row + 1)
        yield line, place


def _of_gzip(file: "IO[bytes]", place: Place) -> "Iterator[tuple[Row, Place]]":
    at, number, left = place.at, 0, b""
    row = place.row - place.skip
    for text, end in _unpacked(file, at):
        *lines, left = (left + text).split(b"\n")
        _check(left)
        for line in lines:
            number, row = number + 1, row + 1
            if number > place.skip or at > place.at:
                _check(line)
                yield line, Place(at, number, row)
        # Where a line goes on in the next one, they are unpacked together.
        if end is not None and not left:
            at, number = end, 0
    if left and (number >= place.skip or at > place.at):
        yield left, Place(at, number + 1, row + 1)


def _unpacked(file: "IO[bytes]", at: int) -> "Iterator[tuple[bytes, int | None]]":
    """Pieces of text. Behind the last one of each gzip file it is said where the next one begins."""
    file.seek(at)
    packed = file.read(_CHUNK_BYTES)
    while packed:
        unpacker = zlib.decompressobj(wbits=_GZIP_BITS)
        while not unpacker.eof:
            try:
                text = unpacker.decompress(packed, LINE_BYTES)
            except zlib.error as error:
                raise MalformedFile(f"it cannot be unpacked: {error}") from error
            used = len(packed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
            at += used
            packed = packed[used:] or file.read(_CHUNK_BYTES)
            if not (packed or text or unpacker.eof):
                raise MalformedFile("it ends too early")
            yield text, at if unpacker.eof else None


def _check(line: bytes) -> None:
    if len(line) > LINE_BYTES:
        raise MalformedFile(f"a line has more than {LINE_BYTES} bytes")
