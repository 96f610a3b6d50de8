"""How the pieces of a JPEG, a PNG and a WebP follow one another. Walking them never raises: it ends early."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chalicelib.formats.signatures import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECES: Final = 100_000
"""Walked through at most: a large PNG has some ten thousand."""

SCAN: Final = 0xDA
APP0, EXIF, ADOBE, COMMENT = 0xE0, 0xE1, 0xEE, 0xFE
_STANDALONE: Final = {0x00, 0x01, *range(0xD0, 0xD9)}

_SCAN_OR_END: Final = re.compile(rb"\xff([\xda\xd9])")

_DRAWN_CHUNKS: Final = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


@dataclass(frozen=True, slots=True)
class Segment:
    marker: int
    start: int
    end: int
    body: bytes


def segments(data: bytes) -> "Iterator[Segment]":
    """Of a JPEG, up to the first scan and that included. Junk in between is skipped, as decoders do."""
    at = data.find(b"\xff", 2)
    for _ in range(PIECES):
        if not 0 < at <= len(data) - 4:
            return
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at = data.find(b"\xff", at + 2)
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
            yield Segment(marker, at, end, data[at + 4 : end])
            if marker == SCAN:
                return
            at = data.find(b"\xff", end)


def scans(data: bytes) -> int:
    """Of a JPEG, up to its end. Each goes over the whole picture again. No marker can be in coded data."""
    count = 0
    for marker in _SCAN_OR_END.finditer(data):
        if marker[1] == b"\xda":
            count += 1
        elif count:
            break
    return count


def chunks(data: bytes) -> "Iterator[tuple[bytes, int, int]]":
    """Name, offset and length of each chunk of a PNG."""
    at = 8
    for _ in range(PIECES):
        if at + 8 > len(data):
            return
        size = int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], at + 8, size
        at += 12 + size


def riff_chunks(data: bytes) -> "Iterator[tuple[bytes, int, int]]":
    """Name, offset and length of each chunk of a WebP."""
    at = 12
    for _ in range(PIECES):
        if at + 8 > len(data):
            return
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], at + 8, size
        at += 8 + size + size % 2


def strip(data: bytes, format: Format) -> bytes:
    """The same picture with only what is needed to draw it.

    Pillow refuses a file for flaws in its metadata, or in frames that nobody asked for: its second chance.
    """
    match format:
        case Format.JPEG:
            return _strip_jpeg(data)
        case Format.PNG:
            drawn = (data[at - 8 : at + size + 4] for name, at, size in chunks(data) if name in _DRAWN_CHUNKS)
            return data[:8] + b"".join(drawn)
        case Format.AVIF:
            # The item keeps its place under a type that no reader knows.
            return data.replace(b"Exif", b"none", 1)
        case _:
            return data


def _strip_jpeg(data: bytes) -> bytes:
    kept, rest = [data[:2]], len(data)
    for segment in segments(data):
        if segment.marker == SCAN:
            rest = segment.start
        elif not _describes(segment.marker):
            kept.append(data[segment.start : segment.end])
    return b"".join((*kept, data[rest:]))


def _describes(marker: int) -> bool:
    """Adobe's segment says how colours are encoded; the other application segments are about the picture."""
    return marker == COMMENT or (APP0 <= marker < APP0 + 16 and marker != ADOBE)
