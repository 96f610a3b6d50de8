"""Files for tests: pictures that tell which way up they are, and EXIF blocks with anything in them."""

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

from PIL import Image

from chalicelib.formats import signatures
from chalicelib.preprocess import imaging
from chalicelib.preprocess.headers import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.preprocess.imaging import Rendered

SMALL = Limits(pixels=36_000_000, bytes=10_000_000)
LARGE = Limits(pixels=200_000_000, bytes=10_000_000)

RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 20), (20, 20, 230), (250, 250, 250)
CORNERS = (RED, GREEN, BLUE, WHITE)

AS_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
UNDEFINED, SIGNED_LONG, SIGNED_RATIONAL, DOUBLE = 7, 9, 10, 12
LAYOUTS = {SHORT: "H", LONG: "I", RATIONAL: "I", SIGNED_LONG: "i", SIGNED_RATIONAL: "i", DOUBLE: "d"}
UNITS = {
    BYTE: 1,
    ASCII: 1,
    SHORT: 2,
    LONG: 4,
    RATIONAL: 8,
    UNDEFINED: 1,
    SIGNED_LONG: 4,
    SIGNED_RATIONAL: 8,
    DOUBLE: 8,
}
CAMERA, GPS = 34665, 34853

type Tag = tuple[int, Any]


def picture(width: int = 300, height: int = 200) -> Image.Image:
    """Red, green / blue, white."""
    image = Image.new("RGB", (width, height))
    for n, colour in enumerate(CORNERS):
        x, y = n % 2 * (width // 2), n // 2 * (height // 2)
        image.paste(colour, (x, y, width, height))
    return image


def stored(image: Image.Image, orientation: int) -> Image.Image:
    """As a camera held that way writes it."""
    method = AS_STORED[orientation]
    return image if method is None else image.transpose(method)


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def encode_with_orientation(image: Image.Image, format: str, orientation: int) -> bytes:
    if format == "TIFF":
        return encode(image, format, tiffinfo={274: orientation})
    return encode(
        image, format, exif=b"Exif\0\0" + block({274: (SHORT, orientation)}), **GOOD.get(format, {})
    )


GOOD = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 95, "speed": 10},
}


def block(
    main: "Mapping[int, Tag] | None" = None,
    camera: "Mapping[int, Tag] | None" = None,
    gps: "Mapping[int, Tag] | None" = None,
    order: str = "<",
) -> bytes:
    """A TIFF structure with the tags as given, right or wrong: {tag: (type, value or values or bytes)}."""
    main = dict(main or {})
    for pointer, directory in ((CAMERA, camera), (GPS, gps)):
        if directory is not None:
            main[pointer] = (LONG, 0)
    first = 8
    out = _directory(main, first, order)
    for pointer, directory in ((CAMERA, camera), (GPS, gps)):
        if directory is not None:
            at = first + len(out)
            main[pointer] = (LONG, at)
            out += _directory(directory, at, order)
    out = _directory(main, first, order) + out[len(_directory(main, first, order)) :]
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, first) + out


def _directory(tags: "Mapping[int, Tag]", at: int, order: str) -> bytes:
    values_at = at + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag in sorted(tags):
        kind, value = tags[tag]
        raw = _raw(kind, value, order)
        entries += struct.pack(order + "HHI", tag, kind, len(raw) // UNITS.get(kind, 1))
        if len(raw) > 4:
            entries += struct.pack(order + "I", values_at + len(values))
            values += raw
        else:
            entries += raw.ljust(4, b"\0")
    return struct.pack(order + "H", len(tags)) + entries + b"\0\0\0\0" + values


def _raw(kind: int, value: Any, order: str) -> bytes:
    if isinstance(value, str):
        return value.encode() + b"\0"
    if isinstance(value, bytes):
        return value
    numbers = value if isinstance(value, tuple) else (value,)
    return struct.pack(f"{order}{len(numbers)}{LAYOUTS[kind]}", *numbers)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def render(data: bytes, limits: Limits = SMALL) -> "Rendered":
    return imaging.render(data, signatures.recognize(data[: signatures.HEAD_BYTES]), limits)


def thumbnail(data: bytes, limits: Limits = SMALL) -> Image.Image:
    made = render(data, limits).thumbnail
    assert made is not None
    return Image.open(io.BytesIO(made), formats=["WEBP"])


def corners(image: Image.Image) -> tuple[tuple[int, ...], ...]:
    """The colours in the middle of the four quarters."""
    image = image.convert("RGB")
    x, y = image.width // 4, image.height // 4
    return tuple(image.getpixel((a, b)) for b in (y, 3 * y) for a in (x, 3 * x))  # type: ignore[misc]


def alike(left: "tuple[tuple[int, ...], ...]", right: "tuple[tuple[int, ...], ...]", by: int = 40) -> bool:
    return all(
        abs(a - b) <= by for one, two in zip(left, right, strict=True) for a, b in zip(one, two, strict=True)
    )
