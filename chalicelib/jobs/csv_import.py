"""The rows of a CSV file become links and objects of a lake, some hundred with each step.

A step may be done twice, and counts once. Before it changes anything it foresees what each row will do, and
keeps that: whoever does the step again goes by what was foreseen the first time, as by then part of it is
done.
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ContentChanged, Hopeless
from chalicelib.imports import report
from chalicelib.imports.dialect import Column, Dialect, recognize
from chalicelib.imports.items import BadRow, Item, Rules, read_item
from chalicelib.imports.report import Entry, Outcome
from chalicelib.imports.rows import UNCLOSED, Place, read_rows
from chalicelib.jobs import placing
from chalicelib.jobs.placing import Errand
from chalicelib.jobs.steps import Step
from chalicelib.model import limits, moment
from chalicelib.model.sheet import Action, Mode, folder_of
from chalicelib.storage import sheets
from chalicelib.storage.sheets import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.imports.rows import Row
    from chalicelib.model.job import Job
    from chalicelib.model.lake import Lake

_ROWS = 1000
"""In one step, and not nearly as many where their bytes have to be moved."""
_UPLOADS = 50
_LABELS = 1000
"""Tags and sources, each of which may be a new one."""
_BYTES, _LINES = 16 * 1024**2, 1_000_000
"""Of the file, in one step. A file may be of empty lines alone, and takes microseconds for each."""
_FETCH_SECONDS = 4 * 3600
"""How long the bytes of a step's rows are waited for. Those of a hundred thousand links may come first."""
_SHEET_PAUSE_SECONDS, _FETCH_PAUSE_SECONDS = 20, 60
"""The longest between two looks. Somebody may be waiting for the file to be seen."""

_NOTHING = {"rows": 0, "created": 0, "updated": 0, "skipped": 0, "failed": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a job is in its file: the position of its next step."""

    sheet: Sheet
    dialect: Dialect
    place: Place
    parts: int
    """Of the report."""
    unclosed: int = 0
    """Rows whose quote is never closed."""
    ended: bool = False
    asked: "Sequence[int]" = ()
    """The lines of the next step's rows whose bytes were asked for."""
    asked_at: int = 0
    """When the last of them were, in seconds since the epoch."""
    looks: int = 0
    """Times that they were looked for."""

    def encode(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> "Checkpoint":
        fields: dict[str, Any] = json.loads(text)
        dialect = fields["dialect"]
        columns = {Column(name): number for name, number in dialect["columns"].items()}
        return cls(
            **fields
            | {
                "sheet": Sheet(**fields["sheet"]),
                "dialect": Dialect(**dialect | {"columns": columns}),
                "place": Place(**fields["place"]),
            }
        )


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The rows of one step."""

    items: "Sequence[Item]"
    failed: "Sequence[Entry]"
    unclosed: int
    end: Place
    ended: bool

    @property
    def rows(self) -> int:
        return len(self.items) + len(self.failed)


def step(lake: "Lake", job: "Job") -> Step:
    # Until the file is there, the position counts how often it was looked for.
    if job.position is None or job.position.isdecimal():
        return _open(job, int(job.position or 0))
    at = Checkpoint.decode(job.position)
    if at.ended:
        _report(job, at)
        placing.clear(job.id)
        return Step(None, _NOTHING)
    return _go_on(lake, job, at)


def end(job: "Job") -> None:
    """What it did before it failed or was canceled is reported."""
    if job.position is not None and not job.position.isdecimal():
        _report(job, Checkpoint.decode(job.position))
        placing.clear(job.id)


def _report(job: "Job", at: Checkpoint) -> None:
    sheets.join(job.id, report.head(), sheets.read_parts(job.id, map(_part, range(at.parts))))


def _part(number: int) -> str:
    return f"{number:06}.csv"


def _open(job: "Job", looks: int) -> Step:
    sheet = sheets.look(job.id)
    if sheet is None:
        waited = (moment.now() - moment.parse(job.created_at)).total_seconds()
        if waited > limits.SHEET_SECONDS:
            raise Hopeless(f"the file did not come within {limits.SHEET_SECONDS // 60} minutes")
        return Step(str(looks + 1), _NOTHING, _pause(looks, _SHEET_PAUSE_SECONDS))
    if not sheet.size:
        raise Hopeless("the file is empty")
    header = recognize(_bytes(job, sheet, 0, limits.SHEET_HEAD_BYTES), sheet.size)
    ignored = [
        Entry(header.line, name, Outcome.IGNORED, "unknown_column", "no such column is known")
        for name in header.unknown
    ]
    sheets.put_part(job.id, _part(0), report.text(ignored))
    return Step(Checkpoint(sheet=sheet, dialect=header.dialect, place=header.end, parts=1).encode(), _NOTHING)


def _go_on(lake: "Lake", job: "Job", at: Checkpoint) -> Step:
    errand = _errand(lake, job, at.parts)
    chunk = _read(lake, job, at, errand)
    if job.progress.get("rows", 0) + chunk.rows > limits.SHEET_ROWS:
        raise Hopeless(f"the file has more than {limits.SHEET_ROWS} rows")
    if at.unclosed + chunk.unclosed > limits.UNCLOSED_QUOTES:
        raise Hopeless(f"more than {limits.UNCLOSED_QUOTES} of its rows have a quote that is never closed")
    arrivals = placing.arrivals(errand, [item for item in chunk.items if item.line in at.asked])
    if len(arrivals) < len(at.asked) and _now() - at.asked_at < _FETCH_SECONDS:
        return _later(at)
    entries = placing.foresee(errand, chunk.items, arrivals)
    if not job.task["dry_run"]:
        wanted = placing.to_fetch(chunk.items, entries)
        if unasked := [item for item in wanted if item.line not in at.asked]:
            placing.fetch(errand, unasked)
            lines = [*at.asked, *(item.line for item in unasked)]
            return _later(replace(at, asked=lines, asked_at=_now()))
        entries = placing.place(errand, chunk.items, _settled(errand, entries), arrivals)
    entries = sorted([*chunk.failed, *entries], key=lambda entry: entry.row)
    sheets.put_part(job.id, _part(at.parts), report.text(entries))
    after = Checkpoint(
        sheet=at.sheet,
        dialect=at.dialect,
        place=chunk.end,
        parts=at.parts + 1,
        unclosed=at.unclosed + chunk.unclosed,
        ended=chunk.ended,
    )
    return Step(after.encode(), _tally(entries))


def _errand(lake: "Lake", job: "Job", number: int) -> Errand:
    folder = folder_of(job.task["filename"])
    foreseen = job.progress.get("created", 0) if job.task["dry_run"] else 0
    return Errand(lake, job.id, number, f"{folder}/", Mode(job.task["mode"]), foreseen)


def _read(lake: "Lake", job: "Job", at: Checkpoint, errand: Errand) -> _Chunk:
    rules = Rules(
        dialect=at.dialect,
        folder=errand.lake.prefix + errand.folder,
        action=Action(job.task["action"]),
        schema=lake.metadata_schema,
        check_url=placing.check_url,
    )
    items: list[Item] = []
    failed: list[Entry] = []
    uploads: set[str | None] = set()
    labels: set[str] = set()
    place, unclosed, dialect = at.place, 0, at.dialect
    read = partial(_bytes, job, at.sheet)
    for row in read_rows(read, place, at.sheet.size, dialect.encoding, dialect.delimiter):
        found = None if row.blank else _item(row, rules)
        if isinstance(found, Item):
            if found.action is Action.UPLOAD:
                # What this row does hangs on whether the bytes of the earlier one can be had.
                if found.name in uploads:
                    return _Chunk(items, failed, unclosed, place, ended=False)
                uploads.add(found.name)
            items.append(found)
            labels.update(found.tags, [found.source] if found.source else [])
        elif found:
            failed.append(found)
            unclosed += found.code == UNCLOSED
        place = row.end
        full = len(items) + len(failed) == _ROWS or len(uploads) == _UPLOADS or len(labels) > _LABELS
        far = place.at - at.place.at > _BYTES or place.line - at.place.line > _LINES
        if full or far or at.unclosed + unclosed > limits.UNCLOSED_QUOTES:
            return _Chunk(items, failed, unclosed, place, ended=False)
    return _Chunk(items, failed, unclosed, place, ended=True)


def _bytes(job: "Job", sheet: Sheet, at: int, length: int) -> bytes:
    try:
        return sheets.read(job.id, sheet.etag, at, length)
    except ContentChanged as error:
        raise Hopeless("the file was changed while it was read") from error


def _item(row: "Row", rules: Rules) -> Item | Entry:
    if row.mistake:
        return Entry(row.line, "", Outcome.FAILED, row.mistake.code, row.mistake.detail)
    try:
        return read_item(row, rules)
    except BadRow as error:
        name = rules.dialect.cells(row.cells).get(Column.NAME, "")
        told = "; ".join(f"{column}: {detail}" for column, detail in error.args)
        return Entry(row.line, name[: limits.KEY_BYTES], Outcome.FAILED, f"invalid_{error.args[0][0]}", told)


def _settled(errand: Errand, entries: "Sequence[Entry]") -> list[Entry]:
    """What the step will do, as it was foreseen when it was done for the first time."""
    if not entries:
        return []
    plan = json.dumps([asdict(entry) for entry in entries])
    kept = sheets.settle_plan(errand.job_id, errand.number, plan)
    return [Entry(**fields | {"outcome": Outcome(fields["outcome"])}) for fields in json.loads(kept)]


def _later(at: Checkpoint) -> Step:
    return Step(replace(at, looks=at.looks + 1).encode(), _NOTHING, _pause(at.looks, _FETCH_PAUSE_SECONDS))


def _pause(looks: int, longest: int) -> int:
    return min(1 << min(looks, 10), longest)


def _tally(entries: "Sequence[Entry]") -> "Mapping[str, int]":
    outcomes = [entry.outcome for entry in entries]
    return {"rows": len(entries)} | {
        name: outcomes.count(Outcome(name)) for name in _NOTHING if name != "rows"
    }


def _now() -> int:
    return int(moment.now().timestamp())
