"""What browsers are given: a page that is always asked for anew, and files that are kept for ever, as their
names change with what they hold."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from chalicelib.web import script

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = Path(__file__).parent
_PAGE = "index.html"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
_SERVED = ("app.js", "style.css", "icon.svg")
_PARTS = {"style.css": ("style.css", "panels.css")}
_REFERENCE = re.compile(r'(?<=")web/([\w.-]+)(?=")')


@dataclass(frozen=True, slots=True)
class File:
    text: str
    content_type: str
    lasts: bool

    @property
    def etag(self) -> str:
        """A weak one: the gateway sends the same in several encodings."""
        return f'W/"{_digest(self.text)}"'


def page(place: str = "/") -> File:
    """As it is to be at this path. What it names is relative to `/api/`; of `/api` browsers would leave out
    the last part, so there the whole path is told."""
    return _page("" if place.endswith("/") or not place else f"{quote(place)}/")


@cache
def _page(folder: str) -> File:
    addresses = {name.partition(".")[0]: name for name in _files()}

    def address(reference: re.Match[str]) -> str:
        return f"{folder}web/{addresses[reference[1].partition('.')[0]]}"

    text = (_FOLDER / _PAGE).read_text()
    return _file(_PAGE, _REFERENCE.sub(address, text), lasts=False)


def find(name: str) -> File | None:
    """By a name that the page tells, which no path is made of."""
    return _files().get(name)


@cache
def _files() -> "Mapping[str, File]":
    found = {}
    for name in _SERVED:
        text = _read(name)
        stem, _, ending = name.partition(".")
        found[f"{stem}.{_digest(text)}.{ending}"] = _file(name, text, lasts=True)
    return found


def _read(name: str) -> str:
    if name.endswith(".js"):
        return script.join(_FOLDER, name)
    return "".join((_FOLDER / part).read_text() for part in _PARTS.get(name, (name,)))


def _file(name: str, text: str, *, lasts: bool) -> File:
    return File(text, f"{_TYPES[Path(name).suffix]}; charset=utf-8", lasts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
