"""How a CSV file is written, which its first bytes tell: in which encoding, with what between its cells, and
what stands in which column."""

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.errors import Hopeless
from chalicelib.imports.rows import Place, read_rows
from chalicelib.model import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_DELIMITERS = ",;\t"
_BETWEEN = re.compile("[,;|]")
_SHOWN_NAMES, _SHOWN_CHARACTERS = 20, 40


class Column(StrEnum):
    """All that mean something, written in any case."""

    ID = "id"
    URL = "url"
    IMAGE_BYTES = "image_bytes"
    NAME = "name"
    ACTION = "action"
    MIMETYPE = "mimetype"
    METADATA = "item_metadata"
    DESCRIPTION = "item_description"
    TAGS = "tags"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Dialect:
    encoding: str
    delimiter: str
    columns: "Mapping[str, int]"
    """Where each is, from 0."""
    width: int
    """How many columns there are in all."""

    def cells(self, cells: "Sequence[str]") -> dict[str, str]:
        """What stands in the columns, without what surrounds it."""
        return {name: cells[n].strip() if n < len(cells) else "" for name, n in self.columns.items()}


@dataclass(frozen=True, slots=True)
class Header:
    dialect: Dialect
    line: int
    end: Place
    unknown: "Sequence[str]"
    """Names of columns that mean nothing here, the first of them."""


def recognize(
    head: bytes, size: int, known: "Iterable[str]" = Column, needed: "Sequence[str]" = ("URL", "image_bytes")
) -> Header:
    """Of the first limits.SHEET_HEAD_BYTES of a file of `size` bytes. `known` are all columns that mean
    something, and one of those that are `needed` must be there. Raises Hopeless."""
    encoding, start = _encoding(head)
    read = [_header(head, start, encoding, delimiter, tuple(known)) for delimiter in _DELIMITERS]
    found = [each for each in read if each]
    if not found:
        raise Hopeless("the file has no row")
    header = max(found, key=lambda each: len(each.dialect.columns))
    if header.end.at >= len(head) < size:
        raise Hopeless(f"its first row has more than {limits.SHEET_HEAD_BYTES} bytes")
    if header.dialect.width > limits.SHEET_COLUMNS:
        raise Hopeless(f"the file has more than {limits.SHEET_COLUMNS} columns")
    if not {name.casefold() for name in needed} & header.dialect.columns.keys():
        raise Hopeless(f"its first row should name a column {' or '.join(needed)}")
    return header


def _encoding(head: bytes) -> tuple[str, int]:
    """And where the text begins."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Hopeless("the file should be UTF-8 or UTF-16")
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding, len(mark)
    # The names of columns are ASCII, and every other byte of that is zero in UTF-16.
    if head[:1] == b"\0" != head[1:2]:
        return "utf-16-be", 0
    return ("utf-16-le", 0) if head[1:2] == b"\0" != head[:1] else ("utf-8", 0)


def names_in(cell: str) -> list[str]:
    """Those with `,` `;` or `|` between them."""
    return list(dict.fromkeys(name.strip() for name in _BETWEEN.split(cell) if name.strip()))


def _header(head: bytes, start: int, encoding: str, delimiter: str, known: "Iterable[str]") -> Header | None:
    """The first row with anything in it."""

    def read(at: int, length: int) -> bytes:
        return head[at : at + length]

    rows = read_rows(read, Place(start, 1), len(head), encoding, delimiter)
    row = next((row for row in rows if not row.blank), None)
    if row is None:
        return None
    names = [cell.strip().casefold() for cell in row.cells]
    columns = {name: names.index(name) for name in known if name in names}
    if twice := [name for name, times in Counter(names).items() if times > 1 and name in columns]:
        raise Hopeless(f"its first row names the column {twice[0]} twice")
    unknown = [cell.strip() for cell in row.cells if cell.strip().casefold() not in ("", *columns)]
    shown = [name[:_SHOWN_CHARACTERS] for name in unknown[:_SHOWN_NAMES]]
    return Header(Dialect(encoding, delimiter, columns, len(names)), row.line, row.end, shown)
