"""Tags and sources: names that a lake gives to its data."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.model import limits


class LabelKind(StrEnum):
    TAG = "tag"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Records hold its id, so that another name touches none of them."""

    id: str
    kind: LabelKind
    name: str
    created_at: str


def fold(name: str) -> str:
    """The same for all names that differ in case or Unicode form only.

    Source: https://www.unicode.org/versions/Unicode16.0.0/core-spec/chapter-3/#G34145 (canonical caseless
    matching)
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def mistake_in(name: str) -> str | None:
    """Why it can be nobody's name; None if it can be one."""
    if not name:
        return "A name should have at least 1 character"
    if len(name) > limits.NAME_CHARACTERS:
        return f"A name should have at most {limits.NAME_CHARACTERS} characters"
    if len(fold(name).encode()) > limits.KEY_BYTES:
        return f"A name should have at most {limits.KEY_BYTES} bytes of UTF-8 when decomposed"
    return None
