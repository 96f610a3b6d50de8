"""Orientation and metadata from an EXIF block. Each field is on its own: broken ones are left out."""

import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from chalicelib.formats import tiff
from chalicelib.model import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.formats.tiff import Directory

type Value = str | int | float

TEXT_CHARACTERS: Final = 128
"""Longest text that is kept, so that a record stays small."""

_CAMERA, _GPS = 34665, 34853
_COLOR_SPACES: Final = {1: "sRGB", 2: "Adobe RGB", 65535: "uncalibrated"}
_RESOLUTION_UNITS: Final = {1: "none", 2: "inch", 3: "cm"}
_COMPRESSIONS: Final = {
    1: "none", 2: "ccitt", 3: "ccitt", 4: "ccitt", 5: "lzw", 6: "jpeg", 7: "jpeg", 8: "deflate",
    32773: "packbits", 32946: "deflate", 34925: "lzma", 50000: "zstd", 50001: "webp",
}  # fmt: skip

_SECONDS_OF_A_HALF: Final = 180 * 3600
_BELOW_SEA_LEVEL: Final = (b"\1", b"1")
_DATE: Final = re.compile(r"((?:1[89]|2\d)\d\d)[:./-](\d\d)[:./-](\d\d)", re.ASCII)
_TIME: Final = re.compile(r"[ T](\d\d:\d\d:\d\d)", re.ASCII)
_FRACTION: Final = re.compile(r"\d+", re.ASCII)
_OFFSET: Final = re.compile(r"Z|[+-](0\d|1[0-4]):[0-5]\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Exif:
    orientation: int = 1
    metadata: "Mapping[str, Value]" = field(default_factory=dict)


def read(block: bytes) -> Exif:
    """From the TIFF structure that an EXIF block is. A TIFF file is one, too."""
    main = tiff.read(block.removeprefix(b"Exif\0\0"))
    camera, gps = main.follow(_CAMERA), main.follow(_GPS)
    latitude, longitude = _place(gps)
    fields: dict[str, Value | None] = {
        "latitude": latitude,
        "longitude": longitude,
        "altitude": _altitude(gps),
        "acquired_at": _acquired_at(main, camera, gps),
        "acquired_by": _text(main, 315),
        "manufacturer": _text(main, 271),
        "model": _text(main, 272),
        "software": _text(main, 305),
        "lens": _text(camera, 42036),
        "exposure_time": _measure(camera, 33434),
        "f_number": _measure(camera, 33437),
        "iso": _code(camera, 34855) or None,
        "focal_length": _measure(camera, 37386),
        "color_space": _COLOR_SPACES.get(_code(camera, 40961)),
        "compression": _COMPRESSIONS.get(_code(main, 259)),
        "resolution_x": _measure(main, 282),
        "resolution_y": _measure(main, 283),
        "resolution_unit": _RESOLUTION_UNITS.get(_code(main, 296)),
    }
    orientation = _code(main, 274)
    return Exif(
        orientation if 1 <= orientation <= 8 else 1,
        {name: value for name, value in fields.items() if value is not None},
    )


def _place(gps: "Directory") -> tuple[float, float] | tuple[None, None]:
    latitude, longitude = _degrees(gps, 2, "NS", 90), _degrees(gps, 4, "EW", 180)
    return (None, None) if latitude is None or longitude is None else (latitude, longitude)


def _degrees(gps: "Directory", tag: int, directions: str, most: int) -> float | None:
    """A coordinate without its direction could lie on either side of the globe: it is none."""
    direction = (_text(gps, tag - 1) or "?")[0].upper()
    parts = gps.numbers(tag)[:3]
    if direction not in directions or not parts or not all(abs(part) <= _SECONDS_OF_A_HALF for part in parts):
        return None
    degrees = math.fsum(part / 60.0**power for power, part in enumerate(parts))
    if not 0 <= degrees <= most:
        return None
    return round(-degrees if direction == directions[1] else degrees, 7)


def _altitude(gps: "Directory") -> float | None:
    metres = gps.number(6)
    if metres is None or not abs(metres) <= 100_000:
        return None
    return round(-abs(metres) if gps.text(5)[:1] in _BELOW_SEA_LEVEL else metres, 3)


def _acquired_at(main: "Directory", camera: "Directory", gps: "Directory") -> str | None:
    """When the picture was taken or, if nobody says, digitized, located or changed.

    In UTC with a `Z` where the camera told its offset. Where it did not, the camera's local time without a
    zone: a guessed one would be wrong by up to 14 hours.
    """
    return (
        _moment(_text(camera, 36867), _text(camera, 37521), _text(camera, 36881))
        or _moment(_text(camera, 36868), _text(camera, 37522), _text(camera, 36882))
        or _satellite_moment(gps)
        or _moment(_text(main, 306), _text(camera, 37520), _text(camera, 36880))
    )


def _satellite_moment(gps: "Directory") -> str | None:
    time = gps.numbers(7)
    if len(time) != 3 or not all(0 <= part < 60 for part in time):
        return None
    hours, minutes, seconds = (int(part) for part in time)
    return _moment(f"{_text(gps, 29)} {hours:02}:{minutes:02}:{seconds:02}", None, "Z")


def _moment(stamp: str | None, fraction: str | None, offset: str | None) -> str | None:
    date = _DATE.match(stamp or "")
    time = _TIME.match(stamp or "", date.end()) if date else None
    if not date or not time:
        return None
    milliseconds = f"{fraction:0<3}"[:3] if fraction and _FRACTION.fullmatch(fraction) else "000"
    zone = offset if offset and _OFFSET.fullmatch(offset) else ""
    try:
        when = datetime.fromisoformat(f"{'-'.join(date.groups())}T{time[1]}.{milliseconds}{zone}")
    except ValueError:
        return None
    return moment.rfc3339(when) if zone else when.isoformat(timespec="milliseconds")


def _text(directory: "Directory", tag: int) -> str | None:
    raw = directory.text(tag).partition(b"\0")[0]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    words = "".join(c if c.isprintable() else " " for c in text[: 4 * TEXT_CHARACTERS]).split()
    return " ".join(words)[:TEXT_CHARACTERS] or None


def _measure(directory: "Directory", tag: int) -> float | None:
    """Cameras write zero for what they do not know. The bounds keep nonsense and DynamoDB's limits out."""
    number = directory.number(tag)
    return float(f"{number:.6g}") if number is not None and 1e-9 <= number <= 1e9 else None


def _code(directory: "Directory", tag: int) -> int:
    number = directory.number(tag)
    return int(number) if number is not None and 0 < number <= 0xFFFFFFFF else 0
