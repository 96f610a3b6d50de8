"""About sixty small pictures of a coast, in every format, mode and orientation that the index copes with."""

import io
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageColor, ImageDraw, ImageFilter
from PIL.ExifTags import GPS, IFD, Base
from PIL.Image import Transpose

if TYPE_CHECKING:
    from collections.abc import Iterator

SKIES = [("#0b3866", "#f6b26b"), ("#3d85c6", "#d9ead3"), ("#20124d", "#ea9999"), ("#674ea7", "#f9cb9c")]
HILLS = ["#38761d", "#274e13", "#0c343d", "#783f04", "#134f5c"]
SIZES = [(640, 480), (480, 640), (800, 450), (512, 512), (1024, 683)]

ORIENTED: dict[int, Transpose | None] = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}
"""How the pixels are turned when they are stored, so that whoever heeds the orientation sees them upright."""


@dataclass(frozen=True)
class Sample:
    name: str
    content: bytes


def generate(seed: int = 2026) -> "Iterator[Sample]":
    """The same samples for the same seed."""
    chance = random.Random(seed)
    yield from _cameras(chance)
    yield from _orientations(chance)
    yield from _formats(chance)
    yield from _modes(chance)
    yield from _others(chance)


def _cameras(chance: random.Random) -> "Iterator[Sample]":
    for camera, place in (("camera-one", (43.4832, -1.5586)), ("camera-two", (-33.8568, 151.2153))):
        for day in range(1, 4):
            for hour in (6, 10, 14, 19):
                exif = _exif(chance, camera, f"2026:11:0{day} {hour:02}:{chance.randrange(60):02}:00", place)
                picture = _coast(chance, chance.choice(SIZES))
                yield _file(
                    f"{camera}/2026-11-0{day}/{hour:02}00.jpg", picture, "JPEG", quality=85, exif=exif
                )


def _orientations(chance: random.Random) -> "Iterator[Sample]":
    for orientation, turn in ORIENTED.items():
        upright = _coast(chance, (600, 400))
        ImageDraw.Draw(upright).text((20, 350), f"orientation {orientation}", "white", font_size=32)
        exif = Image.Exif()
        exif[Base.Orientation] = orientation
        stored = upright.transpose(turn) if turn is not None else upright
        yield _file(f"orientations/{orientation}.jpg", stored, "JPEG", quality=85, exif=exif)


def _formats(chance: random.Random) -> "Iterator[Sample]":
    picture = _coast(chance, (640, 427))
    yield _file("formats/progressive.jpg", picture, "JPEG", quality=80, progressive=True)
    yield _file("formats/picture.png", picture, "PNG")
    yield _file("formats/picture.bmp", picture.resize((320, 214)), "BMP")
    yield _file("formats/picture.tiff", picture, "TIFF", compression="tiff_lzw")
    yield _file("formats/deflated.tiff", picture, "TIFF", compression="tiff_adobe_deflate")
    yield _file("formats/picture.webp", picture, "WEBP", quality=80, method=0)
    yield _file("formats/lossless.webp", picture.resize((320, 214)), "WEBP", lossless=True, method=0)
    yield _file("formats/picture.avif", picture, "AVIF", quality=60, speed=10)
    yield _file("formats/picture.gif", picture, "GIF")
    suns = [_coast(random.Random(7), (320, 214), sun=place / 8) for place in range(8)]
    animated = {"save_all": True, "append_images": suns[1:], "duration": 120, "loop": 0}
    yield _file("formats/sunset.gif", suns[0], "GIF", **animated)
    yield _file("formats/sunset.webp", suns[0], "WEBP", method=0, quality=60, **animated)
    yield _file("formats/pages.tiff", suns[0], "TIFF", save_all=True, append_images=suns[1:3])


def _modes(chance: random.Random) -> "Iterator[Sample]":
    picture = _coast(chance, (480, 320))
    grey = picture.convert("L")
    # A sensor of 12 bits in 16: read as they are, all of its values are near black.
    deep = grey.convert("I").point(lambda value: value * 16).convert("I;16")
    cut = picture.convert("RGBA")
    cut.putalpha(Image.radial_gradient("L").resize(cut.size).point(lambda value: 255 - value))
    yield _file("modes/grey.jpg", grey, "JPEG")
    yield _file("modes/cmyk.jpg", picture.convert("CMYK"), "JPEG")
    yield _file("modes/bilevel.png", grey.convert("1"), "PNG")
    yield _file("modes/palette.png", picture.quantize(32), "PNG")
    yield _file("modes/transparent-palette.gif", picture.quantize(16), "GIF", transparency=3)
    yield _file("modes/grey-16-bit.png", deep, "PNG")
    yield _file("modes/grey-16-bit.tiff", deep, "TIFF")
    yield _file("modes/alpha.png", cut.resize((240, 160)), "PNG")
    yield _file("modes/alpha.webp", cut, "WEBP", method=0)
    yield _file("modes/grey-alpha.png", cut.convert("LA"), "PNG")
    yield _file("modes/float.tiff", grey.convert("F"), "TIFF")
    yield _file("modes/ycbcr.tiff", _coast(chance, (240, 160)).convert("YCbCr"), "TIFF")


def _others(chance: random.Random) -> "Iterator[Sample]":
    whole = _file("others/truncated.jpg", _coast(chance, (640, 480)), "JPEG")
    yield Sample(whole.name, whole.content[: len(whole.content) // 3])
    yield _file("others/one pixel + ünïcode.png", Image.new("RGB", (1, 1), "teal"), "PNG")
    yield _file("others/panorama.jpg", _coast(chance, (3000, 400)), "JPEG", quality=75)
    yield _file("others/a-png-in-truth.jpg", _coast(chance, (160, 120)).quantize(16), "PNG")
    yield Sample("others/notes.txt", b"Camera two was moved on 2 November.\n")


def _coast(chance: random.Random, size: tuple[int, int], sun: float | None = None) -> Image.Image:
    width, height = size
    above, below = chance.choice(SKIES)
    # Black on top and white below: where the mask is white, the first picture shows.
    fade = Image.linear_gradient("L").resize(size)
    picture = Image.composite(Image.new("RGB", size, below), Image.new("RGB", size, above), fade)
    draw = ImageDraw.Draw(picture)
    across = chance.uniform(0.15, 0.85) if sun is None else sun
    radius, centre = height // 10, (int(across * width), int(height * (0.25 + abs(across - 0.5) * 0.5)))
    draw.circle(centre, radius, "#ffe599")
    for depth, colour in enumerate(chance.sample(HILLS, 3)):
        base = height * (0.55 + depth * 0.12)
        peaks = [(width * step / 6, base - chance.uniform(0, height * 0.18)) for step in range(7)]
        draw.polygon([(0, height), *peaks, (width, height)], colour)
    sea = ImageColor.getrgb("#1c4587")
    draw.rectangle((0, height * 0.88, width, height), sea)
    for _ in range(12):
        left, line = chance.uniform(0, width), chance.uniform(height * 0.9, height)
        draw.line((left, line, left + width * 0.06, line), "#9fc5e8", max(1, height // 200))
    return picture.filter(ImageFilter.SMOOTH)


def _exif(chance: random.Random, camera: str, taken: str, place: tuple[float, float]) -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Make] = "Tidelake"
    exif[Base.Model] = camera
    exif[Base.Software] = "samples"
    exif[Base.Orientation] = 1
    exif[Base.DateTime] = taken
    details = exif.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = taken
    details[Base.OffsetTimeOriginal] = "+01:00" if camera == "camera-one" else "+11:00"
    details[Base.FocalLength] = float(chance.choice([24, 35, 50]))
    latitude, longitude = (degrees + chance.uniform(-0.01, 0.01) for degrees in place)
    position = exif.get_ifd(IFD.GPSInfo)
    position[GPS.GPSLatitudeRef] = "N" if latitude >= 0 else "S"
    position[GPS.GPSLatitude] = _sexagesimal(latitude)
    position[GPS.GPSLongitudeRef] = "E" if longitude >= 0 else "W"
    position[GPS.GPSLongitude] = _sexagesimal(longitude)
    position[GPS.GPSAltitude] = float(chance.randrange(2, 90))
    return exif


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes = abs(degrees) % 1 * 60
    return float(int(abs(degrees))), float(int(minutes)), round(minutes % 1 * 60, 3)


def _file(name: str, picture: Image.Image, kind: str, **options: Any) -> Sample:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return Sample(name, content.getvalue())
