import struct
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.formats import signatures
from chalicelib.formats.signatures import Format
from chalicelib.model.data import Reason, Status
from chalicelib.preprocess import exif, headers
from chalicelib.preprocess.headers import Header
from tests.unit.preprocess.pictures import (
    LARGE,
    SHORT,
    block,
    encode,
    encode_with_orientation,
    picture,
    png_header,
)

if TYPE_CHECKING:
    from chalicelib.preprocess.headers import Size

SIDEWAYS = b"Exif\0\0" + block({274: (SHORT, 6), 271: (2, "Canon")})


@pytest.mark.parametrize("format", Format)
def test_the_size_is_known_from_the_first_bytes(format: Format) -> None:
    assert headers.examine(encode(picture(301, 203), format)[:2000], format).stored == (301, 203)


@pytest.mark.parametrize("format", [Format.JPEG, Format.PNG, Format.WEBP, Format.TIFF])
def test_the_size_is_told_as_displayed(format: Format) -> None:
    header = headers.examine(encode_with_orientation(picture(301, 203), format, 6), format)
    assert (header.stored, header.displayed, header.orientation) == ((301, 203), (203, 301), 6)


@pytest.mark.parametrize(
    ("format", "options"),
    [
        (Format.WEBP, {"lossless": True}),
        (Format.WEBP, {"exif": SIDEWAYS}),
        (Format.JPEG, {"progressive": True}),
        (Format.JPEG, {"exif": SIDEWAYS, "comment": b"\xff\xc0" * 1000}),
        (Format.TIFF, {"big_tiff": True}),
    ],
)
def test_the_size_is_known_in_every_kind_of_file(format: Format, options: dict[str, object]) -> None:
    assert headers.examine(encode(picture(301, 203), format, **options), format).stored == (301, 203)


def test_an_old_bitmap_and_one_from_top_to_bottom_have_their_size() -> None:
    old = b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 301, 203, 1, 24)
    downwards = b"BM" + bytes(12) + struct.pack("<IiiHH", 40, 301, -203, 1, 24)
    for data in (old, downwards):
        assert signatures.recognize(data).format is Format.BMP
        assert headers.examine(data, Format.BMP).stored == (301, 203)


def test_tiles_do_not_hide_the_size_of_an_avif() -> None:
    boxes = b"".join(
        b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", *size) for size in ((512, 512), (3000, 2000))
    )
    assert headers.examine(bytes(100) + boxes, Format.AVIF).stored == (3000, 2000)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(Format), st.binary(max_size=120), st.integers(0, 400))
def test_reading_a_header_never_raises(format: Format, noise: bytes, keep: int) -> None:
    header = headers.examine(encode(picture(40, 30), format)[:keep] + noise, format)
    assert header.stored is None or min(header.stored) > 0
    assert header.pixels is None or header.pixels > 0


@pytest.mark.parametrize("format", Format)
def test_nothing_is_known_of_a_file_that_ends_after_its_first_bytes(format: Format) -> None:
    assert headers.examine(encode(picture(), format)[:9], format).stored is None


@pytest.mark.parametrize(
    ("size", "thumbnail"),
    [
        ((4000, 3000), (256, 192)),
        ((3000, 4000), (192, 256)),
        ((1920, 1080), (256, 144)),
        ((257, 257), (256, 256)),
        ((256, 100), (256, 100)),
        ((100, 50), (100, 50)),
        ((1, 1), (1, 1)),
        ((100_000, 10), (256, 1)),
    ],
)
def test_a_thumbnail_keeps_its_shape_and_is_never_larger_than_the_picture(
    size: "Size", thumbnail: "Size"
) -> None:
    assert headers.fit(size) == thumbnail


@pytest.mark.parametrize(
    ("header", "pixels"),
    [
        (Header(stored=(8000, 4000)), 32_000_000),
        (Header(stored=(8000, 4000), draft=True), 1000 * 500),
        (Header(stored=(1001, 500), draft=True), 1001 * 500),
        (Header(stored=(2049, 1025), draft=True), 513 * 257),
        (Header(), None),
    ],
)
def test_a_draft_counts_by_what_is_decoded(header: Header, pixels: int | None) -> None:
    assert header.pixels == pixels


@pytest.mark.parametrize(("options", "draft"), [({}, True), ({"progressive": True}, False)])
def test_only_a_sequential_jpeg_can_be_drafted(options: dict[str, bool], draft: bool) -> None:
    assert headers.examine(encode(picture(), "JPEG", **options), Format.JPEG).draft is draft


def test_a_jpeg_in_one_scan_per_colour_cannot_be_drafted() -> None:
    data = bytearray(encode(picture(), "JPEG"))
    data[data.index(b"\xff\xda") + 4] = 1
    assert not headers.examine(bytes(data), Format.JPEG).draft


def test_what_is_too_large_is_described_without_decoding() -> None:
    head = png_header(30_000, 20_000)
    signature = signatures.recognize(head)
    header = headers.examine(head, Format.PNG)
    assert header.pixels is not None
    assert header.pixels > LARGE.pixels
    facts = headers.describe(signature, header, Reason.TOO_LARGE)
    assert (facts.status, facts.status_reason) == (Status.FAILED, Reason.TOO_LARGE)
    assert (facts.width, facts.height, facts.content_type) == (30_000, 20_000, "image/png")


def test_of_endless_metadata_only_so_much_is_joined() -> None:
    segment = b"\xff\xe1" + struct.pack(">H", 65_535) + b"Exif\0\0" + bytes(65_527)
    jpeg = encode(picture(301, 203), Format.JPEG)
    joined: list[int] = []

    def measure(block: bytes) -> exif.Exif:
        joined.append(len(block))
        return exif.Exif()

    with patch.object(exif, "read", measure):
        headers.examine(jpeg[:2] + segment * 100 + jpeg[2:], Format.JPEG)
    assert joined == [17 * 65_527]
