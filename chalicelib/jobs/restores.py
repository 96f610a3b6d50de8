"""The rows of an exported file are said again of the data of a lake, some thousand with each step. A step may
be done twice, and counts once: what it writes is named after it."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.downstream import restoring
from chalicelib.errors import ContentChanged, Hopeless, MalformedFile
from chalicelib.imports import exported, report, unpacking
from chalicelib.imports.exported import BadRow
from chalicelib.imports.report import Entry, Outcome
from chalicelib.imports.unpacking import START, Place
from chalicelib.jobs.steps import Step
from chalicelib.model import limits, moment
from chalicelib.storage import exports, sheets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chalicelib.downstream.restoring import Kept
    from chalicelib.imports.unpacking import Row
    from chalicelib.model.job import Job
    from chalicelib.model.lake import Lake
    from chalicelib.storage.exports import File

_ROWS, _BYTES = 2000, 16 * 1024**2
"""In one step, and what they have together: one row may be a thousand times as long as another."""
_PAUSE_SECONDS = 20
"""The longest between two looks. Somebody may be waiting for the file to be seen."""
_OP_ID_CHARACTERS = 16

_NOTHING = {"rows": 0, "created": 0, "updated": 0, "skipped": 0, "failed": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a job is in its files: the position of its next step."""

    file: int = 0
    """How many are behind."""
    etag: str | None = None
    """Of the one that it is in."""
    place: Place = START
    parts: int = 0
    """Of the report."""
    looks: int = 0
    """Times that the file was looked for."""

    def encode(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> "Checkpoint":
        fields: dict[str, Any] = json.loads(text)
        return cls(**fields | {"place": Place(**fields["place"])})


def step(lake: "Lake", job: "Job") -> Step:
    at = _checkpoint(job)
    keys = job.task["files"] or [exports.given_key(job.id)]
    if at.file == len(keys):
        end(job)
        return Step(None, _NOTHING)
    file = exports.look(keys[at.file])
    if file is None:
        return _wait(job, at)
    if at.etag not in (None, file.etag):
        raise Hopeless("the file was changed while it was read")
    rows, is_all = _read(file, at.place)
    entries, counts = _restore(lake, job, rows)
    if entries:
        sheets.put_part(job.id, _part(at.parts), report.text(entries))
    failed = job.progress.get("failed", 0) + counts["failed"]
    if failed > limits.FAILED_ROWS:
        raise Hopeless(f"more than {limits.FAILED_ROWS} of its rows failed")
    parts = at.parts + bool(entries)
    after = Checkpoint(file=at.file, etag=file.etag, place=rows[-1][1] if rows else at.place, parts=parts)
    if is_all:
        after = Checkpoint(file=at.file + 1, parts=parts)
    return Step(after.encode(), counts)


def end(job: "Job") -> None:
    """What it did is reported, also when it failed or was canceled."""
    parts = map(_part, range(_checkpoint(job).parts))
    sheets.join(job.id, report.head(), sheets.read_parts(job.id, parts))


def _part(number: int) -> str:
    return f"{number:06}.csv"


def _checkpoint(job: "Job") -> Checkpoint:
    return Checkpoint.decode(job.position) if job.position is not None else Checkpoint()


def _wait(job: "Job", at: Checkpoint) -> Step:
    if job.task["job"] is not None:
        raise Hopeless("the files of the export are not there any more")
    waited = (moment.now() - moment.parse(job.created_at)).total_seconds()
    if waited > limits.SHEET_SECONDS:
        raise Hopeless(f"the file did not come within {limits.SHEET_SECONDS // 60} minutes")
    pause = min(1 << min(at.looks, 10), _PAUSE_SECONDS)
    return Step(replace(at, looks=at.looks + 1).encode(), _NOTHING, pause)


@dataclass(slots=True)
class _Reader:
    """Of one file, between two steps. Who goes on where it stands need not unpack once more what lies before:
    of a file that is packed as a whole, that is all of it, with every step."""

    file: "File"
    place: Place
    rows: "Iterator[tuple[Row, Place]]"


_left: list[_Reader] = []
"""By the last step in this process, if there is one."""


def _reader(file: "File", place: Place) -> _Reader:
    while _left:
        reader = _left.pop()
        if (reader.file, reader.place) == (file, place):
            return reader
    return _Reader(file, place, unpacking.rows(exports.open_file(file), place))


def _read(file: "File", place: Place) -> "tuple[Sequence[tuple[Row, Place]], bool]":
    """The next rows, and whether these are the last."""
    found: list[tuple[Row, Place]] = []
    size = 0
    try:
        reader = _reader(file, place)
        for row, behind in reader.rows:
            found.append((row, behind))
            size += len(row if isinstance(row, bytes) else str(row))
            if len(found) == _ROWS or size > _BYTES:
                _left.append(replace(reader, place=behind))
                return found, False
        return found, True
    except ContentChanged as error:
        raise Hopeless("the file was changed while it was read") from error
    except MalformedFile as error:
        raise Hopeless(f"after row {place.row} the file is no export: {error}") from error


def _restore(
    lake: "Lake", job: "Job", rows: "Sequence[tuple[Row, Place]]"
) -> tuple[list[Entry], dict[str, int]]:
    """Of rows that fail it is reported why; of the others how many there are."""
    kept: list[tuple[int, Kept]] = []
    entries: list[Entry] = []
    for row, place in rows:
        try:
            kept.append((place.row, exported.read(row)))
        except BadRow as error:
            entries.append(_failure(place.row, *error.args))
    # What was exported of this lake was once allowed in it.
    home = replace(lake, metadata_schema=None) if job.task.get("own", False) else lake
    restored = restoring.restore(home, [each for _, each in kept], _op_id(job))
    outcomes = Counter(each.outcome for each in restored)
    entries += [
        _failure(row, each.object_name, done.code, done.detail)
        for (row, each), done in zip(kept, restored, strict=True)
        if done.outcome is restoring.Outcome.FAILED
    ]
    counts = {
        "rows": len(rows),
        **{name: outcomes[restoring.Outcome(name)] for name in ("created", "updated", "skipped")},
        "failed": len(entries),
    }
    return sorted(entries, key=lambda entry: entry.row), counts


def _failure(row: int, name: str, code: str, detail: str) -> Entry:
    return Entry(row, name[: limits.KEY_BYTES], Outcome.FAILED, code, detail)


def _op_id(job: "Job") -> str:
    """Of this step, in every attempt, and of no other."""
    return hashlib.sha256(f"{job.id}#{job.step}".encode()).hexdigest()[:_OP_ID_CHARACTERS]
