import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from PIL import AvifImagePlugin, GifImagePlugin, Image, ImageCms, PngImagePlugin, WebPImagePlugin

from chalicelib.formats import signatures
from chalicelib.model.data import Reason, Status, Type
from chalicelib.preprocess import headers, imaging
from chalicelib.preprocess.headers import Limits
from tests.unit.preprocess.pictures import (
    CORNERS,
    GOOD,
    LARGE,
    SMALL,
    alike,
    block,
    corners,
    encode,
    encode_with_orientation,
    picture,
    png_chunk,
    render,
    stored,
    thumbnail,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF")


def in_lab(image: Image.Image) -> Image.Image:
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    return lab


def grey(depth: int, low: int, high: int, width: int = 300, height: int = 200) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((width, height)).convert("F")
    values = ramp.point(lambda value: value * ((high - low) / 255) + low)
    return values if depth == 32 else values.convert("I").convert("I;16")


MODES: "dict[str, Callable[[Image.Image], Image.Image]]" = {
    "RGB": lambda image: image,
    "L": lambda image: image.convert("L"),
    "1": lambda image: image.convert("1"),
    "P": lambda image: image.convert("P", palette=Image.Palette.ADAPTIVE),
    "PA": lambda image: image.convert("P", palette=Image.Palette.ADAPTIVE).convert("PA"),
    "LA": lambda image: image.convert("LA"),
    "RGBA": lambda image: image.convert("RGBA"),
    "RGBX": lambda image: image.convert("RGBX"),
    "CMYK": lambda image: image.convert("CMYK"),
    "YCbCr": lambda image: image.convert("YCbCr"),
    "LAB": in_lab,
    "I": lambda image: image.convert("I"),
    "F": lambda image: image.convert("F"),
}
GREY = ("L", "1", "LA", "I", "F")

CASES = [
    *((format, "RGB", 3) for format in FORMATS),
    *((format, "L", 1) for format in ("JPEG", "PNG", "TIFF", "BMP")),
    *((format, "1", 1) for format in ("PNG", "TIFF", "BMP")),
    *((format, "P", 3) for format in ("PNG", "GIF", "BMP", "TIFF")),
    *((format, "LA", 2) for format in ("PNG", "TIFF")),
    *((format, "RGBA", 4) for format in ("PNG", "TIFF")),
    *((format, "CMYK", 4) for format in ("JPEG", "TIFF")),
    *(("TIFF", mode, channels) for mode, channels in (("PA", 4), ("RGBX", 3), ("YCbCr", 3))),
    *(("TIFF", mode, channels) for mode, channels in (("LAB", 3), ("I", 1), ("F", 1))),
]  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(300, 200), (1500, 1000)])
@pytest.mark.parametrize(("format", "mode", "channels"), CASES)
def test_every_mode_of_every_format_looks_like_the_picture(
    format: str, mode: str, channels: int, width: int, height: int
) -> None:
    original = MODES[mode](picture(width, height))
    data = encode(original, format, **GOOD.get(format, {}))
    facts = render(data).facts
    assert (facts.status, facts.type, facts.content_type) == (
        Status.READY,
        Type.IMAGE,
        f"image/{format.lower()}",
    )
    assert (facts.width, facts.height, facts.orientation, facts.channels) == (width, height, 1, channels)
    made = thumbnail(data)
    assert made.size == (256, 171)
    expected = tuple((round(sum(c) / 3),) * 3 for c in CORNERS) if mode in GREY else CORNERS
    assert mode in ("1", "I", "F") or alike(
        corners(made), expected, by=70 if mode in ("LA", "L", "CMYK") else 40
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("width", [300, 1200])
def test_all_orientations_show_the_same_upright_picture(format: str, orientation: int, width: int) -> None:
    upright = picture(width, width * 2 // 3)
    data = encode_with_orientation(stored(upright, orientation), format, orientation)
    facts = render(data).facts
    assert (facts.width, facts.height, facts.orientation) == (*upright.size, orientation)
    made = thumbnail(data)
    assert made.size == (256, 171)
    assert alike(corners(made), CORNERS)


def test_a_compressed_tiff_is_turned_upright_too() -> None:
    data = encode(stored(picture(), 6), "TIFF", compression="tiff_lzw", tiffinfo={274: 6})
    assert alike(corners(thumbnail(data)), CORNERS)
    assert (render(data).facts.width, render(data).facts.height) == (300, 200)


def test_an_orientation_in_xmp_only_is_not_heeded() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'
    for data in (encode(picture(), "JPEG", xmp=xmp), encode(picture(), "TIFF", tiffinfo={700: xmp})):
        assert alike(corners(thumbnail(data)), CORNERS)
        assert (render(data).facts.width, render(data).facts.orientation) == (300, 1)


@pytest.mark.parametrize(
    "size", [(1, 1), (100, 50), (256, 256), (257, 3), (3000, 2), (2, 3000), (512, 511), (513, 1025)]
)
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_a_thumbnail_is_as_large_as_it_should_be(format: str, size: tuple[int, int]) -> None:
    assert thumbnail(encode(Image.new("RGB", size), format)).size == headers.fit(size)


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_thumbnail_carries_no_metadata(orientation: int) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = picture()
    image.info["comment"] = b"secret"
    exif = Image.Exif()
    exif[271], exif[274] = "secret", orientation
    made = render(
        encode(image, "JPEG", exif=exif, icc_profile=profile, xmp=b"<secret/>", comment=b"secret")
    ).thumbnail
    assert made is not None
    assert not {b"EXIF", b"XMP ", b"ICCP", b"secret"} & {made[12:16], made[30:34]}
    opened = Image.open(io.BytesIO(made))
    assert not opened.getexif()
    assert not {"exif", "icc_profile", "xmp"} & opened.info.keys()


@pytest.mark.parametrize("width", [300, 3000])
@pytest.mark.parametrize(
    ("depth", "low", "high"),
    [(16, 0, 65535), (16, 1000, 3000), (16, 60000, 60200), (32, -1, 1), (32, 1e6, 2e6)],
)
def test_more_than_eight_bits_are_stretched_and_not_clipped(
    depth: int, low: int, high: int, width: int
) -> None:
    made = thumbnail(encode(grey(depth, low, high, width, 200), "TIFF" if depth == 32 else "PNG")).convert(
        "L"
    )
    middle = made.getpixel((128, made.height // 2))
    assert made.getextrema()[0] < 12 < 243 < made.getextrema()[1]  # type: ignore[operator]
    assert isinstance(middle, int)
    assert 100 < middle < 155


def test_a_big_endian_tiff_is_stretched_as_well() -> None:
    big = grey(16, 1000, 3000).convert("I").convert("I;16B")
    assert thumbnail(encode(big, "TIFF")).convert("L").getextrema()[1] > 243  # type: ignore[operator]


def test_one_hot_pixel_does_not_darken_the_picture() -> None:
    image = grey(16, 1000, 3000)
    image.putpixel((7, 7), 65535)
    assert thumbnail(encode(image, "TIFF")).convert("L").resize((1, 1)).getpixel((0, 0)) > 100  # type: ignore[operator]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.5])
def test_a_picture_without_any_contrast_has_a_thumbnail(value: float) -> None:
    assert render(encode(Image.new("F", (300, 200), value), "TIFF")).facts.status is Status.READY


def test_holes_in_a_picture_of_real_numbers_do_not_spread() -> None:
    image = grey(32, 0, 1)
    image.paste(float("nan"), (0, 0, 20, 20))
    assert thumbnail(encode(image, "TIFF")).convert("L").getextrema()[1] > 243  # type: ignore[operator]


@pytest.mark.parametrize(("colour", "depth"), [(2, 3), (4, 2), (6, 4)])
def test_pngs_of_sixteen_bits_in_colour_look_like_the_picture(colour: int, depth: int) -> None:
    mode = {2: "RGB", 4: "LA", 6: "RGBA"}[colour]
    pixels = picture(64, 48).convert(mode).tobytes()
    wide = bytes(byte for byte in pixels for _ in range(2))
    rows = b"".join(b"\0" + wide[at : at + 128 * depth] for at in range(0, len(wide), 128 * depth))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 16, colour, 0, 0, 0)),
            png_chunk(b"IDAT", zlib.compress(rows)),
            png_chunk(b"IEND", b""),
        )
    )
    assert alike(corners(thumbnail(data)), corners(picture(64, 48).convert(mode)))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "keyed L", "keyed RGB"])
@pytest.mark.parametrize("width", [200, 2000])
def test_what_is_transparent_stays_so(mode: str, width: int) -> None:
    image: Image.Image
    options: dict[str, Any] = {}
    if mode.startswith("keyed"):
        image = Image.new(mode[6:], (width, 100))
        image.paste(255 if mode == "keyed L" else (255, 255, 255), (width // 2, 0, width, 100))
        options["transparency"] = 0 if mode == "keyed L" else (0, 0, 0)
    else:
        image = Image.new("RGBA", (width, 100))
        image.paste((255, 0, 0, 255), (width // 2, 0, width, 100))
        image = image.convert("RGBA" if mode == "P" else mode)
        image = image.quantize(4) if mode == "P" else image
    made = thumbnail(encode(image, "PNG", **options))
    assert made.mode == "RGBA"
    alpha = made.getchannel("A")
    assert (alpha.getpixel((5, 5)), alpha.getpixel((made.width - 5, 5))) == (0, 255)


def test_a_profile_of_other_colours_is_applied() -> None:
    """Swapping red and blue is what no default would do."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ", 128), profile.index(b"bXYZ", 128)
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    swapped = bytes(profile).replace("sRGB".encode("utf-16-be"), "none".encode("utf-16-be"))
    assert alike(corners(thumbnail(encode(picture(), "PNG", icc_profile=swapped)))[:1], (CORNERS[2],))


@pytest.mark.parametrize("profile", [b"", b"no profile", bytes(200), b"x" * (imaging.PROFILE_BYTES + 1)])
@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
def test_a_profile_that_is_broken_is_ignored(profile: bytes, mode: str) -> None:
    made = thumbnail(encode(picture().convert(mode), "TIFF", icc_profile=profile))
    assert mode == "L" or alike(corners(made), CORNERS)


@pytest.mark.parametrize(
    ("format", "plugin", "step"),
    [
        ("GIF", GifImagePlugin.GifImageFile, "_seek"),
        ("WEBP", WebPImagePlugin.WebPImageFile, "_get_next"),
        ("PNG", PngImagePlugin.PngImageFile, "_seek"),
        ("AVIF", AvifImagePlugin.AvifImageFile, "seek"),
    ],
)
def test_of_an_animation_only_the_first_frame_is_decoded(
    format: str, plugin: type, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [Image.new("RGB", (64, 48), (n * 20, 0, 0)) for n in range(12)]
    data = encode(picture(64, 48), format, save_all=True, append_images=frames, duration=50)
    made = thumbnail(data)
    steps = count_calls(plugin, step, monkeypatch)
    assert render(data).facts.status is Status.READY
    assert len(steps) <= 1
    assert made.format == "WEBP"
    assert not getattr(made, "is_animated", False)
    assert alike(corners(made), CORNERS, by=60)


def test_ten_thousand_frames_cost_no_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one = encode(picture(64, 48).quantize(8), "GIF")
    start = 13 + 3 * 2 ** ((one[10] & 7) + 1)
    many = one[:start] + one[start:-1] * 10_000 + b";"
    steps = count_calls(GifImagePlugin.GifImageFile, "_seek", monkeypatch)
    assert alike(corners(thumbnail(many)), CORNERS)
    assert len(steps) == 1


def count_calls(owner: type, name: str, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    calls: list[None] = []
    original = getattr(owner, name)

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)
    return calls


def test_the_first_of_several_pictures_in_a_camera_file_counts() -> None:
    other = Image.new("RGB", (300, 200), (0, 0, 0))
    data = encode(picture(), "MPO", save_all=True, append_images=[other], quality=95, subsampling=0)
    assert render(data).facts.content_type == "image/jpeg"
    assert alike(corners(thumbnail(data)), CORNERS)


def test_a_png_of_50_megapixels_in_little_space_is_for_the_large_function() -> None:
    data = encode(Image.new("L", (10_000, 5_000), 200), "PNG", compress_level=1)
    assert len(data) < 300_000
    small = render(data, SMALL).facts
    assert (small.status_reason, small.width, small.height) == (Reason.TOO_LARGE, 10_000, 5_000)
    assert thumbnail(data, LARGE).size == (256, 128)


def test_a_large_jpeg_is_for_the_small_function_if_it_need_not_be_held_whole() -> None:
    image = Image.new("L", (4000, 3000), 99)
    limits = Limits(pixels=1_000_000, bytes=10_000_000)
    assert render(encode(image, "JPEG"), limits).facts.status is Status.READY
    assert render(encode(image, "JPEG", progressive=True), limits).facts.status_reason is Reason.TOO_LARGE


def test_what_is_no_image_here_is_skipped() -> None:
    made = render(b"%PDF-1.7")
    assert made == imaging.Rendered(signatures.recognize(b"%PDF-1.7").skip(), None)


def test_metadata_of_all_formats_that_have_it_is_read() -> None:
    exif = Image.Exif()
    exif[271] = "Canon"
    for format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        assert render(encode(picture(), format, exif=exif)).facts.metadata["manufacturer"] == "Canon"


def test_metadata_behind_the_pixels_of_a_png_is_read() -> None:
    data = encode(stored(picture(), 6), "PNG")
    exif = png_chunk(b"eXIf", block({271: (2, "Canon"), 274: (3, 6)}))
    moved = data[:-12] + exif + data[-12:]
    assert render(moved).facts.metadata == {"manufacturer": "Canon"}
    assert alike(corners(thumbnail(moved)), CORNERS)
