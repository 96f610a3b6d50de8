"""What links are called, and how they are written as files."""

import hashlib
import json
import re
from typing import Any, Final

from chalicelib.model import limits

FILE_BYTES: Final = 16_384
"""More than any file that is a link needs."""

_SUFFIX_DIGITS: Final = 12
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def name_in(folder: str, name: str) -> str:
    folder = folder.strip("/")
    return f"{folder}/{name}" if folder else name


def apart(name: str, url: str) -> str:
    """What the link is called where another URL has the name: always the same, so that who asks again meets
    what is there."""
    digest = hashlib.sha256(url.encode()).hexdigest()[:_SUFFIX_DIGITS]
    folder, slash, last = name.rpartition("/")
    stem, dot, ending = last.rpartition(".")
    return f"{folder}{slash}{stem}-{digest}{dot}{ending}" if stem else f"{name}-{digest}"


def mistake_in(name: str) -> str | None:
    """Why no link can be called so; None if one can."""
    if not name.rpartition("/")[2] or not {".", ".."}.isdisjoint(name.split("/")):
        return "A name should not end in / or be empty, nor have . or .. among its parts"
    if _CONTROLS.search(name):
        return "A name should have no control characters"
    most = limits.LINK_NAME_BYTES - _SUFFIX_DIGITS - 1
    if len(name.encode()) > most:
        return f"A name with its folder should have at most {most:,} bytes of UTF-8"
    return None


def as_file(url: str, content_type: str | None) -> dict[str, Any]:
    """As Dataloop writes a link into a bucket."""
    info = {"type": "url", "ref": url, "mimetype": content_type}
    return {"type": "link", "shebang": "dataloop", "metadata": {"dltype": "link", "linkInfo": info}}


def url_in_file(content: bytes) -> str | None:
    """Where the file says that it points to. None: it is no link to a URL."""
    if len(content) > FILE_BYTES:
        return None
    try:
        file = json.loads(content.decode("utf-8-sig"))
        is_link = (file["type"], file["shebang"]) == ("link", "dataloop")
        info = file["metadata"]["linkInfo"]
        url = info["ref"] if is_link and info["type"] == "url" else None
    except (ValueError, RecursionError, TypeError, KeyError, IndexError):
        return None
    return url if isinstance(url, str) else None
