"""A list of objects that are to become data."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Format(StrEnum):
    TEXT = "text"
    """A name, or a pattern of names, in each line."""
    JSONL = "jsonl"
    """A JSON object in each line: a name and what is to be said of the object."""
    CSV = "csv"
    """The same in rows of cells."""
    INVENTORY = "inventory"
    """The manifest.json of a report by S3 Inventory, whose files name the objects."""


@dataclass(frozen=True, slots=True)
class Manifest:
    format: Format
    key: str | None
    """Of an object of the lake's bucket. None: it came with the call."""
    size: int
    etag: str

    @classmethod
    def read(cls, fields: "Mapping[str, Any]") -> "Manifest":
        return cls(**{**fields, "format": Format(fields["format"])})
