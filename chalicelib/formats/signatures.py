"""What a file is by its first bytes. Its name and what its owner called it are not asked."""

import codecs
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chalicelib.formats import tiff
from chalicelib.model.data import Facts, Reason, Status, Type

HEAD_BYTES: Final = 64 * 1024
"""Of 88 camera JPEGs all had their size and EXIF within this."""


class Format(StrEnum):
    """What is decoded here, by Pillow's names."""

    JPEG = "JPEG"
    PNG = "PNG"
    GIF = "GIF"
    BMP = "BMP"
    TIFF = "TIFF"
    WEBP = "WEBP"
    AVIF = "AVIF"


@dataclass(frozen=True, slots=True)
class Signature:
    type: Type
    content_type: str | None = None
    format: Format | None = None

    @property
    def decodable(self) -> bool:
        return self.format is not None

    def skip(self) -> Facts:
        """All there is to say of what is not decoded."""
        return Facts(
            status=Status.SKIPPED,
            status_reason=Reason.UNSUPPORTED_TYPE,
            type=self.type,
            content_type=self.content_type,
        )


EMPTY: Final = Facts(status=Status.FAILED, status_reason=Reason.EMPTY, type=Type.OTHER)


def _image(content_type: str, format: Format | None = None) -> Signature:
    return Signature(Type.IMAGE, content_type, format)


def _video(content_type: str) -> Signature:
    return Signature(Type.VIDEO, content_type)


def _other(content_type: str) -> Signature:
    return Signature(Type.OTHER, content_type)


_PATTERNS: Final = tuple(
    (re.compile(pattern, re.DOTALL), signature)
    for pattern, signature in (
        (rb"\xff\xd8\xff", _image("image/jpeg", Format.JPEG)),
        (rb"\x89PNG\r\n\x1a\n", _image("image/png", Format.PNG)),
        (rb"GIF8[79]a", _image("image/gif", Format.GIF)),
        (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", _image("image/bmp", Format.BMP)),
        (rb"RIFF.{4}WEBPVP8[ LX]", _image("image/webp", Format.WEBP)),
        # Camera raws that begin like a TIFF, or almost.
        (rb"II\x2a\0.{4}CR", _image("image/x-canon-cr2")),
        (rb"IIU\0", _image("image/x-panasonic-rw2")),
        (rb"IIR[OS]|MMOR", _image("image/x-olympus-orf")),
        (rb"FUJIFILMCCD-RAW", _image("image/x-fuji-raf")),
        (rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]", _image("image/tiff", Format.TIFF)),
        (rb"\0\0\0\x0cJXL |\xff\x0a", _image("image/jxl")),
        (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", _image("image/jp2")),
        (rb"8BPS", _image("image/vnd.adobe.photoshop")),
        (rb"\0\0\x01\0[^\0]\0", _image("image/x-icon")),
        (rb"\x76\x2f\x31\x01", _image("image/x-exr")),
        (rb"#\?RADIANCE|#\?RGBE", _image("image/vnd.radiance")),
        (rb"RIFF.{4}AVI ", _video("video/x-msvideo")),
        (rb"RIFF.{4}WAVE", _other("audio/wav")),
        (rb"\x1a\x45\xdf\xa3.{0,60}webm", _video("video/webm")),
        (rb"\x1a\x45\xdf\xa3", _video("video/x-matroska")),
        (rb".{4}(moov|mdat|wide|pnot)", _video("video/quicktime")),
        (rb"\x47.{187}\x47.{187}\x47|.{4}\x47.{191}\x47.{191}\x47", _video("video/mp2t")),
        (rb"\0\0\x01[\xba\xb3]", _video("video/mpeg")),
        (rb"FLV\x01", _video("video/x-flv")),
        (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _video("video/x-ms-asf")),
        (rb"%PDF-", _other("application/pdf")),
        (rb"PK(\x03\x04|\x05\x06)", _other("application/zip")),
        (rb"\x1f\x8b", _other("application/gzip")),
        (rb"7z\xbc\xaf\x27\x1c", _other("application/x-7z-compressed")),
        (rb"Rar!\x1a\x07", _other("application/vnd.rar")),
        (rb"PAR1", _other("application/vnd.apache.parquet")),
        (rb"ID3|\xff[\xf2\xf3\xfb]", _other("audio/mpeg")),
        (rb"OggS", _other("application/ogg")),
        (rb".{128}DICM", _other("application/dicom")),
    )
)

_BRANDS: Final = {
    b"qt  ": _video("video/quicktime"),
    b"crx ": _image("image/x-canon-cr3"),
    b"M4A ": _other("audio/mp4"),
    b"M4B ": _other("audio/mp4"),
    b"jxl ": _image("image/jxl"),
    b"jp2 ": _image("image/jp2"),
}
_AVIF_BRANDS: Final = {b"avif", b"avis"}
_HEIF_BRANDS: Final = {
    b"mif1",
    b"msf1",
    b"heic",
    b"heix",
    b"heim",
    b"heis",
    b"hevc",
    b"hevx",
    b"hevm",
    b"hevs",
}

_MARKUP: Final = (
    (
        re.compile(r"<\?xml[^>]*>.{0,2000}?<svg[\s>/]|<svg[\s>/]|<!DOCTYPE svg", re.DOTALL),
        _image("image/svg+xml"),
    ),
    (re.compile(r"<!doctype html|<html[\s>]", re.IGNORECASE), _other("text/html")),
    (re.compile(r"<\?xml\s"), _other("application/xml")),
    (re.compile(r'(\[\s*)?\{\s*("[^"]{0,200}"\s*:|\})'), _other("application/json")),
)
_CONTROLS: Final = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def recognize(head: bytes) -> Signature:
    """From the first 64 KiB, or all bytes of a smaller file."""
    if head[4:8] == b"ftyp":
        return _recognize_brands(head)
    for pattern, signature in _PATTERNS:
        if pattern.match(head):
            return _look_into_tiff(head) if signature.format is Format.TIFF else signature
    return _recognize_text(head) or Signature(Type.OTHER)


def _recognize_brands(head: bytes) -> Signature:
    """AVIF, HEIC, MP4, QuickTime and others share one container and tell themselves apart by brands."""
    length = min(int.from_bytes(head[:4]), 256)
    major = head[8:12]
    compatible = {head[at : at + 4] for at in range(16, length, 4)}
    if major in _AVIF_BRANDS or (major in (b"mif1", b"msf1") and _AVIF_BRANDS & compatible):
        return _image("image/avif", Format.AVIF)
    if major in _HEIF_BRANDS:
        return _image("image/heic" if major.startswith(b"he") else "image/heif")
    if major.startswith((b"3gp", b"3g2")):
        return _video("video/3gpp" if major.startswith(b"3gp") else "video/3gpp2")
    return _BRANDS.get(major, _video("video/mp4"))


def _look_into_tiff(head: bytes) -> Signature:
    """The first directory of a DNG, NEF or ARW is a preview, which must not pass for the picture."""
    first = tiff.read(head)
    reduced = int(first.number(254) or 0) & 1
    if 50706 in first.entries:
        return _image("image/x-adobe-dng")
    if reduced and tiff.SUB_DIRECTORIES in first.entries:
        return _image("image/x-dcraw")
    return _image("image/tiff", Format.TIFF)


def _recognize_text(head: bytes) -> Signature | None:
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return None
    if not text or _CONTROLS.search(text):
        return None
    start = text.lstrip()
    for pattern, signature in _MARKUP:
        if pattern.match(start):
            return signature
    return _other("text/plain")
