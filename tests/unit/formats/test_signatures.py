import struct

import pytest

from chalicelib.formats import signatures
from chalicelib.formats.signatures import Format
from chalicelib.model.data import Reason, Status, Type
from tests.unit.preprocess.pictures import LONG, SHORT, block, encode, picture


def box(brand: bytes, *compatible: bytes) -> bytes:
    brands = brand + b"\0\0\0\0" + b"".join(compatible)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + b"\0\0\0\x10mdat" + bytes(40)


@pytest.mark.parametrize("format", Format)
def test_what_pillow_writes_is_recognized_by_its_bytes(format: Format) -> None:
    found = signatures.recognize(encode(picture(), format))
    assert (found.type, found.format, found.decodable) == (Type.IMAGE, format, True)
    assert found.content_type == f"image/{format.lower()}"


@pytest.mark.parametrize(
    ("head", "type", "content_type"),
    [
        (box(b"heic", b"mif1", b"heic"), Type.IMAGE, "image/heic"),
        (box(b"mif1", b"mif1", b"heic"), Type.IMAGE, "image/heif"),
        (box(b"crx ", b"crx ", b"isom"), Type.IMAGE, "image/x-canon-cr3"),
        (box(b"qt  "), Type.VIDEO, "video/quicktime"),
        (box(b"isom", b"iso2", b"avc1", b"mp41"), Type.VIDEO, "video/mp4"),
        (box(b"M4V ", b"isom"), Type.VIDEO, "video/mp4"),
        (box(b"3gp5", b"isom"), Type.VIDEO, "video/3gpp"),
        (box(b"3g2a"), Type.VIDEO, "video/3gpp2"),
        (box(b"M4A ", b"isom"), Type.OTHER, "audio/mp4"),
        (b"\0\0\0\x08wide\0\0\0\0mdat" + bytes(20), Type.VIDEO, "video/quicktime"),
        (b"RIFF\1\2\3\4AVI LIST" + bytes(20), Type.VIDEO, "video/x-msvideo"),
        (b"RIFF\1\2\3\4WAVEfmt " + bytes(20), Type.OTHER, "audio/wav"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm" + bytes(9), Type.VIDEO, "video/webm"),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\1\x42\x82\x88matroska", Type.VIDEO, "video/x-matroska"),
        (b"".join(b"\x47" + bytes(187) for _ in range(4)), Type.VIDEO, "video/mp2t"),
        (b"\0\0\1\xba" + bytes(40), Type.VIDEO, "video/mpeg"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", Type.IMAGE, "image/jxl"),
        (b"\xff\x0a\1\2\3\4", Type.IMAGE, "image/jxl"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", Type.IMAGE, "image/jp2"),
        (b"8BPS\0\1" + bytes(20), Type.IMAGE, "image/vnd.adobe.photoshop"),
        (b"\0\0\1\0\2\0\x10\x10" + bytes(20), Type.IMAGE, "image/x-icon"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(20), Type.IMAGE, "image/x-canon-cr2"),
        (b"IIU\0\x18\0\0\0" + bytes(20), Type.IMAGE, "image/x-panasonic-rw2"),
        (block({50706: (LONG, 1)}), Type.IMAGE, "image/x-adobe-dng"),
        (block({254: (LONG, 1), 256: (SHORT, 160), 330: (LONG, 99)}), Type.IMAGE, "image/x-dcraw"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', Type.IMAGE, "image/svg+xml"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a -->\n<svg/>', Type.IMAGE, "image/svg+xml"),
        (b"<?xml version='1.0'?><gpx/>", Type.OTHER, "application/xml"),
        (b"<!DOCTYPE html><p>", Type.OTHER, "text/html"),
        (b'{"a": 1, "b"', Type.OTHER, "application/json"),
        (b'[\n  {"type": "x"}]', Type.OTHER, "application/json"),
        (b"a,b\n1,2\n", Type.OTHER, "text/plain"),
        ("é".encode(), Type.OTHER, "text/plain"),
        (b"BMW and others", Type.OTHER, "text/plain"),
        (b"%PDF-1.7", Type.OTHER, "application/pdf"),
        (b"PK\3\4" + bytes(26), Type.OTHER, "application/zip"),
        (b"\xe9\xff\xfe latin", Type.OTHER, None),
        (b"text\0with a zero", Type.OTHER, None),
        (b"ftyp", Type.OTHER, "text/plain"),
        (b"\0\0\0\x14ftyp", Type.VIDEO, "video/mp4"),
        (b"", Type.OTHER, None),
    ],
)
def test_what_is_not_decoded_is_known_by_its_first_bytes(
    head: bytes, type: Type, content_type: str | None
) -> None:
    found = signatures.recognize(head)
    assert (found.type, found.content_type, found.decodable) == (type, content_type, False)


@pytest.mark.parametrize("brand", [b"avif", b"avis", b"mif1", b"msf1"])
def test_an_avif_may_hide_behind_the_brand_of_its_container(brand: bytes) -> None:
    assert signatures.recognize(box(brand, b"mif1", b"miaf", b"avif")).format is Format.AVIF


@pytest.mark.parametrize("head", [b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"])
def test_tiff_has_two_byte_orders_and_a_big_kind(head: bytes) -> None:
    assert signatures.recognize(head + bytes(20)).format is Format.TIFF


def test_text_that_is_cut_within_a_character_is_text() -> None:
    text = ("a" * (signatures.HEAD_BYTES - 1) + "é").encode()
    assert signatures.recognize(text[: signatures.HEAD_BYTES]).content_type == "text/plain"


def test_what_is_not_decoded_is_skipped_with_a_reason() -> None:
    facts = signatures.recognize(b"%PDF-1.7").skip()
    assert (facts.status, facts.status_reason) == (Status.SKIPPED, Reason.UNSUPPORTED_TYPE)
    assert (facts.type, facts.content_type, facts.width) == (Type.OTHER, "application/pdf", None)
