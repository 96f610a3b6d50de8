"""What may be uploaded, and under which names."""

import unicodedata
from typing import TYPE_CHECKING, Final

from chalicelib.model import limits
from chalicelib.model.lake import ARTIFACTS_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.model.lake import Lake

EXTENSIONS: "Final[Mapping[str, str]]" = {
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
    "application/octet-stream": "",
}
"""By content type. None of these can hold a script; SVG and HTML can, so they are not among them."""

BYTES: Final = limits.PARTS * limits.WHOLE_BYTES

_FILENAME_VARIABLE: Final = "${filename}"


def mistake_in(lake: "Lake", object_name: str, size: int | None, content_type: str) -> str | None:
    """Why it cannot be uploaded; None if it can."""
    if content_type not in EXTENSIONS:
        return f"content_type should be one of {', '.join(EXTENSIONS)}"
    if size is not None and not 0 <= size <= BYTES:
        return f"size should be from 0 to {BYTES} bytes"
    return mistake_in_name(lake, object_name)


def mistake_in_name(lake: "Lake", name: str) -> str | None:
    steps = name.split("/")
    if not _is_utf8(name) or any(unicodedata.category(character) == "Cc" for character in name):
        return "object_name should be text without control characters"
    if len(name.encode()) > limits.KEY_BYTES:
        return f"object_name should have at most {limits.KEY_BYTES} bytes of UTF-8"
    if not steps[0] or not steps[-1]:
        return "object_name should neither be empty nor begin or end with /"
    if not lake.holds(name):
        return f"object_name should begin with {lake.prefix!r} and not with {ARTIFACTS_PREFIX!r}"
    if {".", ".."} & set(steps):
        return "no part of object_name between / should be . or .."
    # S3 puts the name of the client's file in its place.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
    if _FILENAME_VARIABLE in name:
        return f"object_name should not contain {_FILENAME_VARIABLE}"
    return None


def _is_utf8(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)
