import struct
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from chalicelib.formats import signatures
from chalicelib.formats.signatures import Format
from chalicelib.model.data import Facts, Reason, Status
from chalicelib.preprocess import headers, imaging
from chalicelib.preprocess.headers import Limits
from tests.unit.preprocess.pictures import (
    ASCII,
    CORNERS,
    GOOD,
    LARGE,
    LONG,
    RATIONAL,
    SHORT,
    Tag,
    alike,
    block,
    corners,
    encode,
    picture,
    png_chunk,
    png_header,
    render,
    thumbnail,
)

if TYPE_CHECKING:
    from chalicelib.preprocess.imaging import Rendered

TINY = Limits(pixels=2_000_000, bytes=10_000_000)
WITH_EXIF = (Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF, Format.TIFF)

EXIF = block(
    main={271: (ASCII, "Canon"), 282: (RATIONAL, (72, 1)), 283: (RATIONAL, (72, 1)), 296: (SHORT, 2)},
    camera={36867: (ASCII, "2008:10:22 16:28:39"), 37386: (RATIONAL, (24, 1))},
    gps={
        1: (ASCII, "N"),
        2: (RATIONAL, (43, 1, 28, 1, 2, 1)),
        3: (ASCII, "E"),
        4: (RATIONAL, (11, 1, 53, 1, 6, 1)),
    },
)


@cache
def sample(format: Format) -> bytes:
    options = {} if format in (Format.GIF, Format.BMP, Format.TIFF) else {"exif": b"Exif\0\0" + EXIF}
    return encode(picture(96, 64), format, **options, **GOOD.get(format, {}))


def is_a_result(made: "Rendered") -> bool:
    ready = made.facts.status is Status.READY
    return (
        isinstance(made.facts, Facts)
        and ready == (made.thumbnail is not None)
        and ready == (made.facts.status_reason is None)
    )


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_truncated_file_is_corrupt(format: Format, share: float) -> None:
    data = encode(Image.effect_noise((200, 150), 90).convert("RGB"), format)
    made = render(data[: int(len(data) * share)])
    assert (made.facts.status, made.facts.status_reason) == (Status.FAILED, Reason.CORRUPT)
    assert made.thumbnail is None


@pytest.mark.parametrize("format", [Format.JPEG, Format.PNG, Format.WEBP])
def test_of_a_truncated_picture_its_size_and_metadata_stay_known(format: Format) -> None:
    exif = b"Exif\0\0" + EXIF
    options = {"progressive": True} if format is Format.JPEG else {}
    data = encode(Image.effect_noise((200, 150), 90), format, exif=exif, **options)
    facts = render(data[: len(data) // 2]).facts
    assert (facts.status, facts.width, facts.height) == (Status.FAILED, 200, 150)
    assert format is Format.WEBP or facts.metadata["manufacturer"] == "Canon"


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.sampled_from(Format), st.integers(0, 10_000))
def test_any_length_of_a_file_gives_a_result(format: Format, length: int) -> None:
    data = sample(format)
    assert is_a_result(render(data[: length % len(data)], TINY))


@settings(max_examples=600, deadline=None, derandomize=True)
@given(
    st.sampled_from(Format),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=8),
    st.booleans(),
)
def test_any_flaw_in_a_file_gives_a_result(format: Format, flaws: list[tuple[int, int]], early: bool) -> None:
    data = bytearray(sample(format))
    for at, value in flaws:
        data[at % min(len(data), 200 if early else len(data))] = value
    assert is_a_result(render(bytes(data), TINY))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(WITH_EXIF),
    st.lists(st.tuples(st.integers(0, len(EXIF) - 1), st.integers(0, 255)), min_size=1, max_size=10),
)
def test_good_pixels_have_a_thumbnail_whatever_their_exif(
    format: Format, flaws: list[tuple[int, int]]
) -> None:
    flawed = bytearray(EXIF)
    for at, value in flaws:
        flawed[at] = value
    made = render(put_exif(format, bytes(flawed)), TINY)
    assert made.facts.status is Status.READY
    assert made.thumbnail is not None


def put_exif(format: Format, exif: bytes) -> bytes:
    if format is Format.TIFF:
        return tiff_with(exif)
    if format is Format.AVIF:
        assert sample(format).count(EXIF) == 1
        return sample(format).replace(EXIF, exif)
    return encode(picture(96, 64), format, exif=b"Exif\0\0" + exif)


def layout(width: int, height: int, bits: tuple[int, ...] = (8,)) -> dict[int, Tag]:
    """The tags of an uncompressed TIFF in one strip, whose place and length are still open."""
    return {
        256: (LONG, width),
        257: (LONG, height),
        258: (SHORT, bits),
        259: (SHORT, 1),
        262: (SHORT, 2 if len(bits) == 3 else 1),
        273: (LONG, 8),
        277: (SHORT, len(bits)),
        278: (LONG, height),
        279: (LONG, 100),
    }


def tiff_with(sub_directories: bytes) -> bytes:
    """Camera and GPS directories anywhere in bytes that may be anything."""
    pixels = picture(96, 64).tobytes()
    tags = layout(96, 64, bits=(8, 8, 8)) | {279: (LONG, len(pixels)), 34665: (LONG, 0), 34853: (LONG, 0)}
    end = len(block(tags))
    tags[273] = (LONG, end + len(sub_directories))
    tags[34665] = (LONG, end + sub_directories[8] % len(sub_directories))
    tags[34853] = (9, -1) if sub_directories[9] % 2 else (LONG, end + 70)
    return block(tags) + sub_directories + pixels


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"no exif at all",
        b"II*\0\xff\xff\xff\x7f",
        b"II+\0\x08\0\0\0",
        block({282: (ASCII, b"a"), 296: (SHORT, 2)}),
        block({282: (RATIONAL, (1, 0)), 283: (RATIONAL, (1, 0)), 296: (SHORT, 3)}),
        block({271: (ASCII, "x" * 60_000), 34665: (LONG, 8), 34853: (LONG, 8)}),
    ],
)
@pytest.mark.parametrize("format", [Format.JPEG, Format.PNG, Format.WEBP])
def test_odd_exif_does_not_cost_the_thumbnail(format: Format, exif: bytes) -> None:
    data = encode(picture(), format, exif=b"Exif\0\0" + exif, **GOOD.get(format, {}))
    assert alike(corners(thumbnail(data)), CORNERS, by=60)


@pytest.mark.parametrize("index", [b"", b"II*\0\x08\0\0\0\1\0", b"MM\0*" + bytes(90), b"garbage" * 9])
def test_a_malformed_index_of_several_pictures_does_not_cost_the_first(index: bytes) -> None:
    data = encode(picture(), "JPEG", **GOOD["JPEG"])
    body = b"MPF\0" + index
    marked = data[:2] + b"\xff\xe2" + struct.pack(">H", 2 + len(body)) + body + data[2:]
    assert alike(corners(thumbnail(marked)), CORNERS)


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"tEXt", b"Comment\0ok")[:-1] + b"?",
        png_chunk(b"iCCP", b"name\0\7not zlib"),
        png_chunk(b"acTL", b"\0\0"),
        png_chunk(b"acTL", struct.pack(">II", 0, 0)),
        png_chunk(b"acTL", struct.pack(">II", 9, 0)) + png_chunk(b"fcTL", bytes(26)),
        png_chunk(b"gAMA", b""),
    ],
)
@pytest.mark.parametrize("behind", [False, True])
def test_a_bad_chunk_that_draws_nothing_does_not_cost_the_thumbnail(chunk: bytes, behind: bool) -> None:
    data = encode(picture(), "PNG")
    at = len(data) - 12 if behind else data.index(b"IDAT") - 4
    assert alike(corners(thumbnail(data[:at] + chunk + data[at:])), CORNERS)


def forged_tiff(width: int, height: int) -> bytes:
    return block(layout(width, height))


def forged_jpeg(width: int, height: int, marker: int) -> bytes:
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"
    return b"\xff\xd8\xff" + bytes([marker]) + frame + b"\xff\xda\0\x0c\3" + bytes(60)


BOMBS = {
    "PNG": png_header(60_000, 60_000),
    "GIF": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "BMP": b"BM" + bytes(12) + struct.pack("<IiiHHIIIIII", 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "TIFF": forged_tiff(60_000, 60_000),
    "WebP": b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0" + bytes(60),
    "progressive JPEG": forged_jpeg(60_000, 60_000, 0xC2),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_too_large_and_not_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", None)
    facts = render(BOMBS[name], LARGE).facts
    assert (facts.status, facts.status_reason) == (Status.FAILED, Reason.TOO_LARGE)
    assert facts.width is not None
    assert facts.width >= 16_384


def test_a_first_frame_beyond_its_screen_is_measured_before_it_is_decoded() -> None:
    bomb = (
        b"GIF89a"
        + struct.pack("<HHBBB", 10, 10, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
    )
    assert render(bomb + b"\2\2D\1\0;", LARGE).facts.status_reason is Reason.TOO_LARGE


def test_an_avif_that_hides_its_size_is_measured_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(headers, "_avif_size", lambda data: None)
    limits = Limits(pixels=100, bytes=1_000_000)
    assert render(sample(Format.AVIF), limits).facts.status_reason is Reason.TOO_LARGE


def test_a_tile_far_larger_than_its_picture_is_not_decoded() -> None:
    strips = (273, 278, 279)
    tags = {tag: value for tag, value in layout(100, 100).items() if tag not in strips}
    tags |= {259: (SHORT, 8), 322: (LONG, 60_000), 323: (LONG, 60_000), 324: (LONG, 8), 325: (LONG, 100)}
    assert render(block(tags)).facts.status_reason is Reason.CORRUPT


@pytest.mark.parametrize("type", [(1, 2), (32, 3)])
def test_a_whole_tiff_of_a_kind_that_is_not_decoded_is_skipped_and_not_called_corrupt(
    type: tuple[int, int],
) -> None:
    bits, samples = type
    pixels = bytes(10 * 10 * 5 * bits // 8 + 10)
    tags = layout(10, 10, bits=(bits,) * 5) | {279: (LONG, len(pixels)), 339: (SHORT, (samples,) * 5)}
    tags[273] = (LONG, len(block(tags)))
    facts = render(block(tags) + pixels).facts
    assert (facts.status, facts.status_reason) == (Status.SKIPPED, Reason.UNSUPPORTED_TYPE)
    assert (facts.width, facts.height) == (10, 10)
    assert render((block(tags) + pixels)[:-20]).facts.status_reason is Reason.CORRUPT


def test_a_jpeg_of_twelve_bits_is_skipped() -> None:
    data = bytearray(encode(picture(), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    assert render(bytes(data)).facts.status_reason is Reason.UNSUPPORTED_TYPE


@pytest.mark.parametrize(
    "error", [OSError, ValueError, SyntaxError, struct.error, KeyError, AssertionError, RuntimeError]
)
def test_whatever_a_decoder_raises_is_a_corrupt_image(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    assert render(sample(Format.JPEG)).facts.status_reason is Reason.CORRUPT


def test_an_empty_file_has_failed() -> None:
    made = render(b"")
    assert (made.facts.status, made.facts.status_reason) == (Status.FAILED, Reason.EMPTY)


def test_running_out_of_memory_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(imaging, "_shrink", fail)
    facts = render(sample(Format.JPEG)).facts
    assert (facts.status_reason, facts.width, facts.height) == (Reason.OUT_OF_RESOURCES, 96, 64)


def test_one_format_is_not_taken_for_another() -> None:
    """Pillow is told which decoder to use: what only pretends to be a PNG never reaches another."""
    data = encode(picture(), "TIFF")
    png = signatures.recognize(sample(Format.PNG)[:100])
    assert imaging.render(data, png, LARGE).facts.status_reason is Reason.CORRUPT


def test_a_progressive_picture_that_asks_for_hundreds_of_passes_is_not_decoded() -> None:
    whole = encode(picture(64, 64), "JPEG", progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    bomb = whole[:-2] + scan * imaging.SCANS + whole[-2:]
    assert render(bomb).facts.status_reason is Reason.CORRUPT
    assert render(whole).facts.status is Status.READY
