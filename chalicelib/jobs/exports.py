"""An export writes what the index of a lake says to files. Its ranges are those of the index by name; each
step writes some thousand lines, and when all are there, they are joined, as many to a file as one step can.

The bucket is not asked. What changes meanwhile is in the export as it was at some moment of it, and what
comes or goes may be in it or not; what is there throughout is in it once.
"""

import gzip
import zlib
from itertools import batched
from typing import TYPE_CHECKING, Final

from chalicelib.formats import parquet
from chalicelib.imports import exported
from chalicelib.jobs import cuts
from chalicelib.jobs.steps import Step
from chalicelib.jobs.ways import Way
from chalicelib.model import moment
from chalicelib.model.errand import Phase, walk_of
from chalicelib.model.export import Format
from chalicelib.model.keyrange import Part, Span
from chalicelib.storage import entries, exports, keyranges, labels, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.job import Job
    from chalicelib.model.keyrange import KeyRange
    from chalicelib.model.lake import Lake
    from chalicelib.storage.entries import Entry

_RECORDS: Final = 1000
"""Held at a time."""
_BYTES: Final = 64 * 1024**2
"""Of lines, in one step. A record that says all that it may has fifty times as much as others."""
_PARTS: Final = 4
"""Read at a time: ten megabytes."""

FILE_ROWS: Final = 500_000
"""Of one file of Parquet, which takes a worker a minute."""
FILE_BYTES: Final = 1024**3
"""Of one file of JSON lines."""

_GZIP: Final = zlib.MAX_WBITS | 16


def way(lake: "Lake", job: "Job", phase: Phase) -> Way:
    if phase is Phase.JOIN:
        # Its position is a number of parts, and it is never cut.
        return Way([Span("")], lambda here: _join(job, here), lambda left: None)
    flat, names = Format(job.task["format"]) is Format.PARQUET, cuts.of_index(lake)
    return Way(
        [Span("")],
        lambda here: _write(lake, job, here, flat=flat),
        lambda left: cuts.find(names, left),
    )


def _write(lake: "Lake", job: "Job", here: "KeyRange", *, flat: bool) -> Step:
    index = entries.read_all(lake, here.left)
    packer, rows, size, end = zlib.compressobj(wbits=_GZIP), 0, 0, index.end
    packed = bytearray()
    names: dict[str, str] = {}
    for batch in batched(index.found, _RECORDS, strict=False):
        found = _live(batch)
        names |= _unknown(lake, found, names)
        rows += len(found)
        lines = b"".join(exported.line(data, names, flat=flat) for data in found)
        packed += packer.compress(lines)
        size += len(lines)
        if size > _BYTES:
            end = batch[-1].object_name
            break
    packed += packer.flush()
    if not rows:
        return Step(end, {"seen": 0})
    part = Part(moment.new_op_id(), rows, len(packed))
    exports.put_part(job.id, part.name, bytes(packed))
    return Step(end, {"seen": rows}, part=part)


def _live(batch: "Sequence[Entry]") -> "list[Data]":
    """In the order of the index, which may be behind the records."""
    found = records.read_all(entry.id for entry in batch)
    there = (found.get(entry.id) for entry in batch)
    return [data for data in there if data and data.live]


def _unknown(lake: "Lake", found: "Iterable[Data]", known: "dict[str, str]") -> dict[str, str]:
    ids = {label for data in found for label in (*data.tags, data.source) if label and label not in known}
    return labels.names(lake.id, ids) if ids else {}


def _join(job: "Job", here: "KeyRange") -> Step:
    ranges = sorted(keyranges.of_walk(walk_of(job, Phase.FIND)), key=lambda each: each.span.after)
    parts = [part for each in ranges for part in each.parts]
    start, number = int(here.position or "0"), len(here.parts) + 1
    file_format = Format(job.task["format"])
    chosen = list(_fitting(parts[start:], file_format))
    target = exports.begin_file(job, number)
    content = _contents(job, chosen)
    if file_format is Format.JSONL:
        for packed in content:
            target.write(packed)
    else:
        parquet.write(map(gzip.decompress, content), exported.COLUMNS, target)
    target.end()
    file = Part(f"{number}", sum(part.rows for part in chosen), target.size)
    end = start + len(chosen)
    if end == len(parts):
        exports.put_manifest(job.id, [*here.parts, file])
    return Step(str(end) if end < len(parts) else None, {"files": 1, "bytes": file.size}, part=file)


def _fitting(parts: "Sequence[Part]", file_format: Format) -> "Iterator[Part]":
    """The first of them, which together are not too much for one step, and one at least."""
    rows = size = 0
    for part in parts:
        rows, size = rows + part.rows, size + part.size
        is_full = rows > FILE_ROWS if file_format is Format.PARQUET else size > FILE_BYTES
        if is_full and rows > part.rows:
            return
        yield part


def _contents(job: "Job", parts: "Sequence[Part]") -> "Iterator[bytes]":
    for batch in batched(parts, _PARTS, strict=False):
        yield from exports.read_parts(job.id, [part.name for part in batch])
