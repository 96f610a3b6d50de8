"""From the bytes of an image to its facts and its thumbnail. The only module that knows Pillow.

Pillow parses metadata while it opens a file, and may refuse a good picture for it. Here metadata is read
apart from pixels (headers, exif), so that each survives the other's flaws.
"""

import contextlib
import io
import logging
import math
import threading
import warnings
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

# Importing formats by name registers them; the first TIFF, WebP or AVIF would load all that Pillow has.
from PIL import (
    AvifImagePlugin,
    Image,
    ImageCms,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from chalicelib.formats import signatures
from chalicelib.formats.signatures import Format
from chalicelib.model.data import Facts, Reason
from chalicelib.preprocess import containers, exif, headers

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from chalicelib.formats.signatures import Signature
    from chalicelib.preprocess.headers import Header, Limits

# The caller's caps are checked before a pixel is decoded. Pillow's would refuse what a large function takes.
Image.MAX_IMAGE_PIXELS = None

# What is wrong with a file is told by the result.
logging.getLogger("PIL").setLevel(logging.CRITICAL)

QUALITY: Final = 80
EFFORT: Final = 2
"""WebP's, of 6. At 4 a thumbnail is 5 % smaller and a 2 MP JPEG costs 15 % more CPU in all."""

SCANS: Final = 200
"""A progressive JPEG has some ten. Each costs a decoding of the whole picture, in a few bytes of the file."""

BAND_ROWS: Final = 256
"""Rows converted at once: a whole picture in a second mode would double the memory."""

SMOOTH: Final = 1.5
"""The factor left for the smooth step. With 2 instead, a 2 MP JPEG costs 15 % more CPU for 2 dB at 52 dB."""

STRETCH: Final = 0.005
"""Share of the darkest and of the brightest pixels that may be lost for contrast."""
STRETCH_SAMPLES: Final = 8192

PROFILE_BYTES: Final = 4 * 1024**2
"""Printers' profiles have up to 3 MB."""

_ONE_AT_A_TIME: Final = threading.Lock()
"""Limits are what a function's memory takes of one picture. And filters of warnings are not per thread."""

_SRGB_NAMES: Final = (b"sRGB", "sRGB".encode("utf-16-be"))
_ORIENTATION: Final = 274
_SUB_DIRECTORIES: Final = (34665, 34853, 40965)
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    facts: Facts
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Drawing:
    header: "Header"
    channels: int
    thumbnail: bytes


class _TooLarge(Exception):
    pass


def render(data: bytes, signature: "Signature", limits: "Limits") -> Rendered:
    """Never raises. `too_large` and `out_of_resources` are about this function: a larger one may manage."""
    if not data:
        return Rendered(signatures.EMPTY)
    if signature.format is None:
        return Rendered(signature.skip())
    header = headers.examine(data, signature.format)
    if signature.format is Format.JPEG and containers.scans(data) > SCANS:
        return Rendered(headers.describe(signature, header, Reason.CORRUPT))
    drawing = _try(data, signature.format, header, limits)
    if isinstance(drawing, Reason):
        return Rendered(headers.describe(signature, header, drawing))
    return Rendered(headers.describe(signature, drawing.header, channels=drawing.channels), drawing.thumbnail)


def _try(data: bytes, format: Format, header: "Header", limits: "Limits") -> _Drawing | Reason:
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # Pillow warns of what it could mend.
        warnings.simplefilter("ignore")
        try:
            return _draw_anyhow(data, format, header, limits)
        except _TooLarge:
            return Reason.TOO_LARGE
        except MemoryError:
            return Reason.OUT_OF_RESOURCES
        except UnidentifiedImageError:
            return Reason.UNSUPPORTED_TYPE if header.foreign else Reason.CORRUPT
        except Exception:  # Pillow lets through whatever its decoders stumble over.
            return Reason.CORRUPT


def _draw_anyhow(data: bytes, format: Format, header: "Header", limits: "Limits") -> _Drawing:
    try:
        return _draw(data, format, header, limits)
    except (_TooLarge, MemoryError):
        raise
    except Exception:
        stripped = containers.strip(data, format)
        if stripped == data:
            raise
        return _draw(stripped, format, header, limits)


def _draw(data: bytes, format: Format, header: "Header", limits: "Limits") -> _Drawing:
    _admit(header, limits)
    image = Image.open(io.BytesIO(data), formats=[format])
    header = _correct(header, image)
    _admit(header, limits)
    channels = Image.getmodebands(_plain_mode(image))
    thumbnail = _to_srgb(_stretch(_shrink(image)), image.info.get("icc_profile"))
    if not isinstance(image, TiffImagePlugin.TiffImageFile) and header.orientation > 1:
        thumbnail = thumbnail.transpose(_UPRIGHT[header.orientation])
    return _Drawing(header, channels, _encode(thumbnail))


def _admit(header: "Header", limits: "Limits") -> None:
    if header.pixels and header.pixels > limits.pixels:
        raise _TooLarge


def _correct(header: "Header", image: "ImageFile") -> "Header":
    """What Pillow knows better: sizes, a TIFF's orientation and the metadata of AVIF."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        orientation = _settle_orientation(image)
        return replace(header, stored=headers.turn(image.size, orientation), orientation=orientation)
    if isinstance(image, AvifImagePlugin.AvifImageFile):
        read = exif.read(image.info.get("exif", b""))
        return replace(header, stored=image.size, orientation=read.orientation, metadata=read.metadata)
    return replace(header, stored=image.size)


def _settle_orientation(image: TiffImagePlugin.TiffImageFile) -> int:
    """Pillow turns a TIFF upright while it decodes, and reads all metadata for that. Here it is left no
    choice where to look, nor anything else to stumble over."""
    tag = image.tag_v2.get(_ORIENTATION)
    orientation = tag if isinstance(tag, int) and 1 <= tag <= 8 else 1
    directory = image.getexif()
    for name in _SUB_DIRECTORIES:
        if name in directory:
            del directory[name]
    directory[_ORIENTATION] = orientation
    return orientation


def _shrink(image: "ImageFile") -> Image.Image:
    """To the size of the thumbnail: by whole pixels first, which is quick, then smoothly."""
    width, height = headers.fit(image.size)
    drafted = image.draft(None, (2 * width, 2 * height))
    image.load()
    *_, right, bottom = drafted[1] if drafted else (0, 0, *image.size)
    factor = max(1, int(min(right / width, bottom / height) / SMOOTH))
    reduced = _reduce(image, factor)
    box = (0, 0, right / factor, bottom / factor)
    return reduced.resize((width, height), Image.Resampling.BICUBIC, box)


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    mode = _plain_mode(image)
    if factor == 1:
        return _convert(image, mode)
    reduced = Image.new(mode, (math.ceil(image.width / factor), math.ceil(image.height / factor)))
    rows = math.ceil(BAND_ROWS / factor) * factor
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        reduced.paste(_convert(band, mode).reduce(factor), (0, top // factor))
    return reduced


def _plain_mode(image: Image.Image) -> str:
    """One whose pixels can be averaged: no palette, no single bits, real numbers for more than 8 bits."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return "F"
    if image.has_transparency_data:
        return "LA" if image.mode in ("1", "L", "LA", "La") else "RGBA"
    return {"1": "L", "L": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")


def _convert(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode:
        return image
    return _lab_to_rgb().apply(image) if image.mode == "LAB" else image.convert(mode)


@cache
def _lab_to_rgb() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _stretch(image: Image.Image) -> Image.Image:
    """Pictures of more than 8 bits rarely use them all: between their darkest and their brightest pixels."""
    if image.mode != "F":
        return image
    pixels = memoryview(image.tobytes()).cast("f")
    values = sorted(filter(math.isfinite, pixels[:: len(pixels) // STRETCH_SAMPLES | 1]))
    margin = int(len(values) * STRETCH)
    low, high = (values[margin], values[-1 - margin]) if values else (0.0, 0.0)
    if low >= high:
        low, high = 0.0, 65535.0
    scale = 255 / (high - low)
    return image.point(lambda value: value * scale - low * scale).convert("L")


def _to_srgb(image: Image.Image, profile: object) -> Image.Image:
    """As browsers show a picture without a profile. One that is broken, or for other colours, is ignored."""
    if image.mode in ("RGB", "RGBA", "CMYK") and isinstance(profile, bytes) and _differs(profile):
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            mode = "RGBA" if image.mode == "RGBA" else "RGB"
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.buildTransform(source, _srgb(), image.mode, mode).apply(image)
    return image.convert("RGB") if image.mode == "CMYK" else image


def _differs(profile: bytes) -> bool:
    """Most profiles are sRGB itself, by one of two spellings: there is nothing to convert."""
    return len(profile) <= PROFILE_BYTES and not any(name in profile for name in _SRGB_NAMES)


def _encode(image: Image.Image) -> bytes:
    image.info = {}
    file = io.BytesIO()
    image.save(file, "WEBP", quality=QUALITY, method=EFFORT)
    return file.getvalue()
