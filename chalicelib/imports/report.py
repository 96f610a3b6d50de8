"""What became of each row, as a CSV file that spreadsheets can open without running any of it."""

import csv
import io
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = ("row", "name", "outcome", "code", "detail")
_DETAIL_CHARACTERS = 500
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets take for the beginning of one.
Source: https://owasp.org/www-community/attacks/CSV_Injection"""


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    SKIPPED = "skipped"
    FAILED = "failed"
    IGNORED = "ignored"
    """Of columns, and not of a row."""


@dataclass(frozen=True, slots=True)
class Entry:
    row: int
    """The number of the line on which it begins. 0: it is in no row."""
    name: str
    outcome: Outcome
    code: str = ""
    detail: str = ""


def head() -> str:
    return _written([COLUMNS])


def text(entries: "Iterable[Entry]") -> str:
    return _written(
        (each.row or "", _plain(each.name), each.outcome, each.code, _plain(each.detail[:_DETAIL_CHARACTERS]))
        for each in entries
    )


def shifted(body: bytes, lines: int) -> bytes:
    """The same entries, so many lines further down."""
    rows = csv.reader(io.StringIO(body.decode(), newline=""))
    return _written([int(row) + lines, *cells] for row, *cells in rows).encode()


def _written(rows: "Iterable[Iterable[object]]") -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
