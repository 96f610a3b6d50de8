"""What people ask for with a CSV file."""

from enum import StrEnum


class Action(StrEnum):
    LINK = "link"
    """The item points at the URL."""
    UPLOAD = "upload"
    """The bytes, given or fetched from the URL, become an object of the lake's bucket."""


class Mode(StrEnum):
    """What to do with what is there already."""

    SKIP = "skip"
    UPDATE = "update"
    ERROR = "error"


def folder_of(filename: str) -> str:
    """What the folder of its items is called."""
    stem, _, _ = filename.rpartition(".")
    return stem or filename
