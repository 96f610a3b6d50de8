"""What the manifest of a bucket import names, read step by step, from any place in it on. Places are texts
that sort as they stand in it, so that a manifest is walked over in ranges, as a bucket is."""

import codecs
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from chalicelib import seekable
from chalicelib.downstream.sayings import Saying
from chalicelib.errors import AccessDenied, Archived, ContentChanged, Hopeless, MalformedFile
from chalicelib.imports import dialect, inventory, naming
from chalicelib.imports.lines import read_lines
from chalicelib.imports.naming import BadLine, Column
from chalicelib.imports.report import Entry, Outcome
from chalicelib.imports.rows import UNCLOSED, Place, read_rows
from chalicelib.jobs import scans
from chalicelib.model import limits
from chalicelib.model.keyrange import Span
from chalicelib.model.lake import ARTIFACTS_PREFIX
from chalicelib.model.manifest import Format, Manifest
from chalicelib.storage import buckets, listings, sheets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.imports.inventory import Inventory
    from chalicelib.imports.lines import Line
    from chalicelib.imports.naming import Named
    from chalicelib.imports.rows import Row
    from chalicelib.model.data import Sight
    from chalicelib.model.job import Job
    from chalicelib.model.keyrange import KeyRange
    from chalicelib.model.lake import Lake

NAMES = 2000
"""In one step, and not nearly as many where each has labels of its own."""
LABELS = 1000
"""Tags and sources, each of which may be a new one."""
GLOBS = 8
"""In one step: each takes as many pages of the listing as a step of a scan."""
BYTES, LINES = 16 * 1024**2, 1_000_000
"""Of the manifest, in one step. A file may be of empty lines alone."""
CUT_BYTES = 8 * 1024**2
"""What is worth a worker of its own. A manifest of less than twice that is read in its order."""
_INVENTORY_BYTES = 32 * 1024**2
"""Of a manifest.json, which has 300 for each file."""
_BYTE_DIGITS, _FILE_DIGITS, _ROW_DIGITS = 15, 6, 12


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that is to be data."""

    object_name: str
    saying: "Saying"
    row: int
    """Where it is named; 0: nowhere."""
    sight: "Sight | None" = None
    """As it was just listed. None: it was not looked for yet."""


@dataclass(slots=True)
class Portion:
    """What one step is about."""

    wanted: "list[Wanted]" = field(default_factory=list)
    failed: "list[Entry]" = field(default_factory=list)
    end: str | None = None
    """Where the next one begins. None: nothing is left of the range."""
    lines: int = 0
    skipped: int = 0
    """Rows that are about nothing that could be wanted."""
    unclosed: int = 0
    labels: set[str] = field(default_factory=set)
    place: str = ""
    """In which file its rows are, where there are several."""

    def want(self, named: "Named", row: int) -> None:
        self.wanted.append(Wanted(named.glob.prefix, named.saying, row))
        self.labels.update(named.saying.names)

    def fail(self, row: int, error: BadLine) -> None:
        code, detail, name = error.args
        self.failed.append(failure(row, name, code, detail))

    @property
    def is_full(self) -> bool:
        return len(self.wanted) + len(self.failed) >= NAMES or len(self.labels) > LABELS


def failure(row: int, name: str, code: str, detail: str) -> Entry:
    return Entry(row, name, Outcome.FAILED, code, detail)


class Source(Protocol):
    def read(self, here: "KeyRange") -> Portion: ...

    def cut(self, left: Span) -> str | None: ...


def open_manifest(lake: "Lake", job: "Job") -> Source:
    """Raises Hopeless where it is none."""
    file = _File(lake, job.id, Manifest.read(job.task["manifest"]))
    match file.manifest.format:
        case Format.TEXT:
            return _Lines(lake, file, naming.of_text)
        case Format.JSONL:
            return _Lines(lake, file, naming.of_json)
        case Format.CSV:
            return _Rows(file)
        case Format.INVENTORY:
            return _Reports(lake, _inventory(lake, file))


@dataclass(frozen=True, slots=True)
class _File:
    lake: "Lake"
    job_id: str
    manifest: Manifest

    def read(self, at: int, length: int) -> bytes:
        given = self.manifest
        try:
            if given.key is None:
                return sheets.read(self.job_id, given.etag, at, length)
            return buckets.read_part(self.lake.home, given.key, given.etag, at, length)
        except ContentChanged as error:
            raise Hopeless("the manifest was changed while it was read") from error
        except (AccessDenied, Archived) as error:
            raise Hopeless("the manifest cannot be read") from error


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place between two lines, or amid a line that is too long for any; or in a line whose pattern has
    matched something, or not, up to some name."""

    at: int
    after: str | None = None
    matched: bool = False

    def encode(self) -> str:
        inside = "" if self.after is None else f"/{int(self.matched)}{self.after}"
        return f"{self.at:0{_BYTE_DIGITS}}{inside}"

    @classmethod
    def decode(cls, text: str) -> "_Spot":
        at, _, inside = text.partition("/")
        return cls(int(at or 0), inside[1:] if inside else None, inside[:1] == "1")


@dataclass(frozen=True, slots=True)
class _Lines:
    """A line is in the range in which it begins, so that ranges can be cut at any byte."""

    lake: "Lake"
    file: _File
    parse: "Callable[[str], Named]"

    def cut(self, left: Span) -> str | None:
        at = _Spot.decode(left.after).at
        end = self._end(left)
        return _Spot((at + end) // 2).encode() if end - at >= 2 * CUT_BYTES else None

    def read(self, here: "KeyRange") -> Portion:
        portion, spot, globs = Portion(), _Spot.decode(here.position), 0
        end, before = self._end(here.span), here.counts.get("lines", 0)
        for start, line in self._lines(spot.at):
            is_far = start - spot.at > BYTES or portion.lines > LINES
            if start >= end or is_far or portion.is_full or globs == GLOBS:
                portion.end = _Spot(start).encode() if start < end else None
                return portion
            if line is None:
                continue
            resumed = spot if start == spot.at and spot.after is not None else None
            portion.lines += not resumed
            row = before + portion.lines
            try:
                named = self._named(line, is_first=start == 0)
                if named is None:
                    continue
                if named.glob.is_name:
                    portion.want(named, row)
                    continue
                globs += 1
                portion.end = self._expand(portion, named, row, resumed or _Spot(start, ""))
            except BadLine as error:
                portion.fail(row, error)
            if portion.end is not None:
                return portion
        return portion

    def _end(self, span: Span) -> int:
        return self.file.manifest.size if span.upto is None else _Spot.decode(span.upto).at

    def _lines(self, at: int) -> "Iterator[tuple[int, Line | None]]":
        """Each with where it begins. None: a piece of one that began before."""
        # What ends the line before tells that one begins here.
        at, inside = max(0, at - 1), at > 0
        for line in read_lines(self.file.read, at, self.file.manifest.size, "utf-8"):
            yield at, None if inside else line
            at, inside = at + line.size, not line.ends

    def _named(self, line: "Line", *, is_first: bool) -> "Named | None":
        if not line.ends or line.size > limits.MANIFEST_LINE_BYTES:
            raise BadLine("row_too_long", f"it has more than {limits.MANIFEST_LINE_BYTES} bytes", "")
        text = line.text.removesuffix("\n").removesuffix("\r")
        if is_first and text.startswith(_WIDE_MARKS):
            raise Hopeless("the manifest should be UTF-8")
        if is_first:
            text = text.removeprefix(_MARK)
        return self.parse(text) if text.strip() else None

    def _expand(self, portion: Portion, named: "Named", row: int, spot: _Spot) -> str | None:
        """Some more of what the pattern matches. Answers where it goes on, unless that was all."""
        glob, prefix = named.glob, named.glob.prefix
        if is_too_long(prefix):
            raise BadLine(*TOO_LONG, _shown(prefix))
        if not prefix.startswith(self.lake.prefix):
            if not self.lake.prefix.startswith(prefix):
                raise BadLine("outside", outside(self.lake), _shown(prefix))
            prefix = self.lake.prefix
        listing = listings.read(self.lake.home, Span(prefix, spot.after or ""), pages=scans.PAGES)
        among = scans.data_among(self.lake, listing.objects)
        found = [each for each in among if glob.matches(each.object_name)]
        portion.wanted += [Wanted(each.object_name, named.saying, row, each.sight) for each in found]
        matched = spot.matched or bool(found)
        if listing.end is None and not matched:
            raise BadLine("not_found", "no object has such a name", _shown("*".join(glob.parts)))
        return None if listing.end is None else _Spot(spot.at, listing.end, matched).encode()


_MARK = "\ufeff"
_WIDE_MARKS = tuple(
    mark.decode("utf-8", "surrogateescape") for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
)


TOO_LONG = "invalid_object_name", f"it has more than {limits.KEY_BYTES} bytes"
"""A code, and why. Nothing can be asked for by such a name, nor by such a prefix."""


def is_too_long(name: str) -> bool:
    return len(name.encode()) > limits.KEY_BYTES


def outside(lake: "Lake") -> str:
    return f"names in the datalake begin with {lake.prefix!r}, and not with {ARTIFACTS_PREFIX!r}"


def _shown(name: str) -> str:
    return name[: limits.KEY_BYTES]


class _Rows:
    """Quotes may hold lines, so nothing but the start tells where a row begins: one worker reads them all."""

    def __init__(self, file: _File) -> None:
        self._file, size = file, file.manifest.size
        head = file.read(0, limits.SHEET_HEAD_BYTES) if size else b""
        self._header = dialect.recognize(head, size, Column, [Column.OBJECT_NAME])

    def cut(self, left: Span) -> None:
        return None

    def read(self, here: "KeyRange") -> Portion:
        portion, given = Portion(), self._header.dialect
        start, place = Place(0, 1), self._header.end
        if here.position:
            at, line, inside = here.position.split(":")
            start = place = Place(int(at), int(line), inside == "1")
        else:
            portion.failed += [
                Entry(self._header.line, name, Outcome.IGNORED, "unknown_column", "no such column is known")
                for name in self._header.unknown
            ]
        unclosed = here.counts.get("unclosed", 0)
        size = self._file.manifest.size
        for row in read_rows(self._file.read, place, size, given.encoding, given.delimiter):
            self._take(portion, row)
            place = row.end
            portion.lines = place.line - start.line
            if unclosed + portion.unclosed > limits.UNCLOSED_QUOTES:
                raise Hopeless(
                    f"more than {limits.UNCLOSED_QUOTES} of its rows have a quote that is never closed"
                )
            if portion.is_full or place.at - start.at > BYTES or portion.lines > LINES:
                portion.end = f"{place.at:0{_BYTE_DIGITS}}:{place.line}:{int(place.inside)}"
                break
        return portion

    def _take(self, portion: Portion, row: "Row") -> None:
        if row.blank:
            return
        if row.mistake:
            portion.unclosed += row.mistake.code == UNCLOSED
            portion.failed.append(failure(row.line, "", row.mistake.code, row.mistake.detail))
            return
        try:
            portion.want(naming.of_cells(self._header.dialect, row.cells), row.line)
        except BadLine as error:
            portion.fail(row.line, error)


class _Reports:
    """The files of an inventory. Ranges are cut between them."""

    def __init__(self, lake: "Lake", report: "Inventory") -> None:
        self._lake, self._report = lake, report
        self._open: tuple[tuple[int, int], Iterator[inventory.Row]] | None = None
        """Rows that were not read yet, and where they begin: who goes on there need not look for it."""

    def cut(self, left: Span) -> str | None:
        first, _ = _decode(left.after)
        end = self._end(left)
        others = end - first - 1
        return f"{end - (others + 1) // 2:0{_FILE_DIGITS}}" if others > 0 else None

    def read(self, here: "KeyRange") -> Portion:
        number, row = _decode(here.position)
        if number >= self._end(here.span):
            return Portion()
        portion = Portion(place=f" (in {self._report.files[number].key})")
        rows = self._rows(number, row)
        try:
            for each in islice(rows, NAMES):
                row += 1
                self._take(portion, each, row)
        except (MalformedFile, ContentChanged, AccessDenied, Archived) as error:
            raise Hopeless(f"{self._report.files[number].key} cannot be read: {error}") from error
        portion.lines = row - _decode(here.position)[1]
        self._open = (number, row), rows
        if portion.lines < NAMES:
            number, row = number + 1, 0
        if number < self._end(here.span):
            portion.end = f"{number:0{_FILE_DIGITS}}:{row:0{_ROW_DIGITS}}"
        return portion

    def _end(self, span: Span) -> int:
        return len(self._report.files) if span.upto is None else _decode(span.upto)[0]

    def _rows(self, number: int, row: int) -> "Iterator[inventory.Row]":
        if self._open and self._open[0] == (number, row):
            return self._open[1]
        file = self._report.files[number]
        sight = buckets.look(self._lake.home, file.key)
        if sight is None or sight.etag is None or not sight.size:
            raise Hopeless(f"{file.key} is not there")
        read = partial(buckets.read_part, self._lake.home, file.key, sight.etag)
        stream = seekable.open_file(read, sight.size)
        return inventory.rows(self._report, stream, row)

    def _take(self, portion: Portion, each: "inventory.Row", row: int) -> None:
        """It names what the bucket had once, in every lake and in none; what is not in this one is no
        mistake."""
        if each.bucket != self._lake.bucket:
            raise MalformedFile(f"row {row} is about another bucket")
        if each.object_name is None:
            portion.failed.append(failure(row, "", "not_text", "its name is not UTF-8"))
        elif not each.object_name:
            # To ask for nothing is to ask for the bucket, which is there.
            portion.failed.append(failure(row, "", "invalid_object_name", "it has none"))
        elif each.is_current and self._lake.holds(each.object_name):
            portion.wanted.append(Wanted(each.object_name, Saying(), row))
        else:
            portion.skipped += 1


def _decode(place: str) -> tuple[int, int]:
    """The number of a file, and of a row in it."""
    number, _, row = place.partition(":")
    return int(number or 0), int(row or 0)


def _inventory(lake: "Lake", file: _File) -> "Inventory":
    size = file.manifest.size
    if not 0 < size <= _INVENTORY_BYTES:
        raise Hopeless("it should be the manifest.json of an inventory")
    return inventory.read_manifest(file.read(0, size), lake.bucket, lake.prefix)
