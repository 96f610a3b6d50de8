"""The rows of a CSV file of any size, each with the place where the next one begins, so that reading can stop
anywhere and go on in another process. A row that is malformed is one mistake and no more."""

import csv
import re
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.imports.lines import read_lines
from chalicelib.model import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from chalicelib.imports.lines import Line, Read

csv.field_size_limit(limits.ROW_BYTES)

UNCLOSED = "unclosed_quote"
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Place:
    """In the file, between two rows."""

    at: int
    """Bytes before it."""
    line: int
    """The number of the line that begins here, from 1."""
    inside: bool = False
    """Of a line that is too long, and no row is to be made of the rest."""

    def after(self, line: "Line") -> "Place":
        return Place(self.at + line.size, self.line + line.ends, not line.ends)


@dataclass(frozen=True, slots=True)
class Mistake:
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    """Where it begins. That is its number, as an editor shows it."""
    end: Place
    cells: "Sequence[str]" = ()
    mistake: Mistake | None = None

    @property
    def blank(self) -> bool:
        """Nothing is in it, and it is no row to people."""
        return not self.mistake and not any(cell and not cell.isspace() for cell in self.cells)


def read_rows(read: "Read", place: Place, size: int, encoding: str, delimiter: str) -> "Iterator[Row]":
    """From the place on, of a file of `size` bytes. Of what is too long for a row, and of empty lines, come
    blank rows, so that reading can stop there, too."""
    feed = _Feed(read_lines(read, place.at, size, encoding), place)
    while True:
        parser = csv.reader(feed, delimiter=delimiter, strict=True)
        try:
            for cells in parser:
                yield _row(feed, cells)
                feed.begin()
        except _TooLong:
            yield feed.fail(Mistake("row_too_long", f"it has more than {limits.ROW_BYTES} bytes"))
        except _Endless:
            yield _unclosed(feed)
        except _Inside:
            yield Row(feed.start.line, feed.place)
        except csv.Error as error:
            # The parser says so of what follows a quote, and of a file that ends within quotes.
            yield _unclosed(feed) if feed.ended else feed.fail(Mistake("invalid_row", f"{error}"))
        else:
            return
        feed.begin()


class _TooLong(Exception):
    """One line is."""


class _Endless(Exception):
    """Many lines are not the end of the row."""


class _Inside(Exception):
    """Of a line that is too long."""


class _Feed:
    """What the parser takes lines from, as many as it needs for one row."""

    def __init__(self, lines: "Iterable[Line]", place: Place) -> None:
        self.start = self.place = place
        self.ended = False
        self._lines, self._returned = iter(lines), deque["Line"]()
        self._taken: list[Line] = []

    def __iter__(self) -> "Self":
        return self

    def __next__(self) -> str:
        inside = self.place.inside
        line = self._take()
        if inside:
            raise _Inside
        if not line.ends or line.size > limits.ROW_BYTES:
            raise _TooLong if len(self._taken) == 1 else _Endless
        if self.place.at - self.start.at > limits.ROW_BYTES or len(self._taken) > limits.ROW_LINES:
            raise _Endless
        return line.text

    def begin(self) -> None:
        """The next row."""
        self.start = self.place
        self._taken.clear()

    def fail(self, mistake: Mistake) -> Row:
        """All that was taken makes one bad row."""
        return Row(self.start.line, self.place, mistake=mistake)

    def give_back(self) -> None:
        """All but the first line."""
        self._returned.extendleft(reversed(self._taken[1:]))
        self.place, self.ended = self.start.after(self._taken[0]), False

    def _take(self) -> "Line":
        line = self._returned.popleft() if self._returned else next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self._taken.append(line)
        self.place = self.place.after(line)
        return line


def _row(feed: _Feed, cells: "Sequence[str]") -> Row:
    row = Row(feed.start.line, feed.place, cells)
    for number, cell in enumerate(cells, 1):
        if not (cell.isascii() and "\0" not in cell) and _NO_TEXT.search(cell):
            return replace(row, cells=(), mistake=Mistake("not_text", f"cell {number} is not text"))
    return row


def _unclosed(feed: _Feed) -> Row:
    """Whatever the quote was meant for, it was not for the rows that follow."""
    feed.give_back()
    return feed.fail(Mistake(UNCLOSED, "a quote is never closed"))
