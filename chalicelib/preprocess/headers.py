"""What a file tells about its picture before any pixel is decoded, read from its first bytes without Pillow.

Reading never raises: what the bytes at hand do not tell is unknown.
"""

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chalicelib.formats import tiff
from chalicelib.formats.signatures import Format
from chalicelib.model.data import Facts, Reason, Status
from chalicelib.model.limits import THUMBNAIL_PIXELS
from chalicelib.preprocess import containers, exif

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.formats.signatures import Signature

type Size = tuple[int, int]

_STATUSES: Final = {None: Status.READY, Reason.UNSUPPORTED_TYPE: Status.SKIPPED}

_EXIF_BYTES: Final = 1 << 20
"""One segment holds 64 KB, and almost all cameras need no more."""

_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL_FRAMES: Final = {0xC0, 0xC1, 0xC9}
_DECODABLE_FRAMES: Final = _SEQUENTIAL_FRAMES | {0xC2, 0xC3, 0xCA}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one function can take, given its memory."""

    pixels: int
    """Held at once while decoding."""
    bytes: int
    """Of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    stored: Size | None = None
    """Width and height of the rows in the file: a picture taken upright may lie on its side."""
    orientation: int = 1
    metadata: "Mapping[str, exif.Value]" = field(default_factory=dict)
    draft: bool = False
    """A JPEG that can be decoded at a fraction of its size without ever being held whole."""
    foreign: bool = False
    """Well-formed: if Pillow does not know it, that is not the file's fault."""

    @property
    def displayed(self) -> Size | None:
        return self.stored and turn(self.stored, self.orientation)

    @property
    def pixels(self) -> int | None:
        """That decoding holds at once."""
        if self.stored is None:
            return None
        scale = draft_scale(self.stored) if self.draft else 1
        return -(-self.stored[0] // scale) * -(-self.stored[1] // scale)


def examine(data: bytes, format: Format) -> Header:
    """From the first 64 KiB of a file, or from all of it."""
    match format:
        case Format.JPEG:
            return _examine_jpeg(data)
        case Format.PNG:
            return _header(_unpack(">II", data, 16), _find(containers.chunks(data), b"eXIf", data))
        case Format.GIF:
            return _header(_unpack("<HH", data, 6))
        case Format.BMP:
            return _header(_bmp_size(data))
        case Format.TIFF:
            return _examine_tiff(data)
        case Format.WEBP:
            return _header(_webp_size(data), _find(containers.riff_chunks(data), b"EXIF", data))
        case Format.AVIF:
            return _header(_avif_size(data))


def describe(
    signature: "Signature", header: Header, reason: Reason | None = None, channels: int | None = None
) -> Facts:
    """An image whose thumbnail is made; or the reason why there is none, with all that is known."""
    width, height = header.displayed or (None, None)
    return Facts(
        status=_STATUSES.get(reason, Status.FAILED),
        status_reason=reason,
        type=signature.type,
        content_type=signature.content_type,
        width=width,
        height=height,
        orientation=header.orientation,
        channels=channels,
        metadata=header.metadata,
    )


def turn(size: Size, orientation: int) -> Size:
    """From the size as stored to the size as displayed, and back."""
    return (size[1], size[0]) if orientation >= 5 else size


def fit(size: Size) -> Size:
    """The size of a picture's thumbnail: never larger than the picture."""
    longest = max(*size, THUMBNAIL_PIXELS)
    width, height = (max(1, round(side * THUMBNAIL_PIXELS / longest)) for side in size)
    return width, height


def draft_scale(size: Size) -> int:
    """By how much a JPEG is reduced while it is decoded, 1 to 8: to no less than twice its thumbnail."""
    width, height = fit(size)
    most = min(size[0] // (2 * width), size[1] // (2 * height))
    return next((scale for scale in (8, 4, 2) if scale <= most), 1)


def _header(size: Size | None, block: bytes = b"", *, draft: bool = False, foreign: bool = False) -> Header:
    read = exif.read(block)
    return Header(
        stored=size if size and min(size) > 0 else None,
        orientation=read.orientation,
        metadata=read.metadata,
        draft=draft,
        foreign=foreign,
    )


def _examine_jpeg(data: bytes) -> Header:
    size, block, draft, foreign, components = None, b"", False, False, 0
    for segment in containers.segments(data):
        if segment.marker == containers.EXIF and segment.body.startswith(b"Exif\0\0"):
            block += segment.body[6:] if len(block) < _EXIF_BYTES else b""
        elif segment.marker in _FRAMES and len(segment.body) >= 6:
            precision, height, width, components = struct.unpack_from(">BHHB", segment.body)
            size = width, height
            draft = segment.marker in _SEQUENTIAL_FRAMES
            foreign = precision != 8 or segment.marker not in _DECODABLE_FRAMES
        elif segment.marker == containers.SCAN and segment.body:
            # Where each scan holds but some of the colours, all are kept until the last.
            draft &= segment.body[0] == components
    return _header(size, block, draft=draft, foreign=foreign)


def _examine_tiff(data: bytes) -> Header:
    directory = tiff.read(data)
    size = int(directory.number(256) or 0), int(directory.number(257) or 0)
    return _header(size, data, foreign=directory.whole())


def _bmp_size(data: bytes) -> Size | None:
    if data[14:15] == b"\x0c":
        return _unpack("<HH", data, 18)
    size = _unpack("<ii", data, 18)
    return size and (size[0], abs(size[1]))


def _webp_size(data: bytes) -> Size | None:
    match data[12:16]:
        case b"VP8X" if len(data) >= 30:
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L" if len(data) >= 25:
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            size = _unpack("<HH", data, 26)
            return size and (size[0] & 0x3FFF, size[1] & 0x3FFF)


def _avif_size(data: bytes) -> Size | None:
    """The largest of the sizes in the file: tiles and previews have theirs, too."""
    sizes: list[Size | None] = []
    at = data.find(b"ispe")
    while at > 0 and len(sizes) < 100:
        sizes.append(_unpack(">II", data, at + 8))
        at = data.find(b"ispe", at + 4)
    return max((size for size in sizes if size), key=lambda size: size[0] * size[1], default=None)


def _unpack(layout: str, data: bytes, at: int) -> Size | None:
    if len(data) < at + struct.calcsize(layout):
        return None
    width, height = struct.unpack_from(layout, data, at)
    return width, height


def _find(pieces: "Iterable[tuple[bytes, int, int]]", name: bytes, data: bytes) -> bytes:
    return next((data[at : at + size] for piece, at, size in pieces if piece == name), b"")
