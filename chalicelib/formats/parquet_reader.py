"""The process that reads one file of columns, whatever that may be. Its library ends the process where it
should raise, and what a file unfolds to may be beyond any memory and time: so this one has little of either,
and dies alone.

It is started with the size of the file, the number of the first row that is wanted, and the seconds of the
processor that it may take for some thousand. It says in lines of JSON: an object is a row; an array is
from which byte on it needs how many, which it then reads from its input, behind their number; a text is why
the file cannot be read; null says that this was all.
"""

import json
import resource
import signal
import sys
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Final

from arro3.io import read_parquet

from chalicelib import seekable
from chalicelib.model import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arro3.core import RecordBatch

MEMORY_BYTES: Final = 256 * 1024**2
"""Half of what the smallest function has that reads such files. Pages are unpacked one at a time, so what is
written with care takes a tenth of that."""
MOST_ROWS: Final = 100_000_000
"""Passing over so many takes ten seconds."""
ROW_BYTES: Final = 1024**2
TIMED_ROWS: Final = 2000
"""Whose time is taken together: as many as are read for one step of a job."""

_BATCH_ROWS: Final = 100
"""Held at a time: ten megabytes, where each is as long as an exported one may be."""
_ASKED_BYTES: Final = 1024**2
"""At most, with one request."""
_BUFFER_BYTES: Final = 64 * 1024
COUNT_BYTES: Final = 4
"""Of the number of bytes in an answer."""


class _TooMuch(Exception):
    """Its argument says of what."""


def main() -> None:
    size, start, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    limit()
    told, given = sys.stdout.buffer, sys.stdin.buffer

    def ask(at: int, length: int) -> bytes:
        told.write(b"[%d,%d]\n" % (at, min(length, _ASKED_BYTES)))
        told.flush()
        count = int.from_bytes(given.read(COUNT_BYTES))
        return given.read(count)

    signal.setitimer(signal.ITIMER_PROF, seconds)
    for number, line in enumerate(read(seekable.open_file(ask, size, _BUFFER_BYTES), start), 1):
        told.write(line)
        if not number % TIMED_ROWS:
            signal.setitimer(signal.ITIMER_PROF, seconds)
    told.flush()


def limit() -> None:
    """What this process may take from now on. Of its death no image is kept."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(file: "IO[bytes]", start: int) -> "Iterator[bytes]":
    """Lines, of which the last one is a text or null."""
    try:
        yield from _rows(file, start)
        end = None
    except MemoryError:
        end = "it unfolds to more than there is memory for"
    except _TooMuch as error:
        end = str(error)
    # What the library raises where it panics is no Exception.
    except BaseException as error:
        end = f"it cannot be read as Parquet: {_reason(error)}"
    yield f"{json.dumps(end)}\n".encode()


def _rows(file: "IO[bytes]", start: int) -> "Iterator[bytes]":
    passed = 0
    for batch in read_parquet(file, batch_size=_BATCH_ROWS):
        first = max(0, start - passed)
        passed += batch.num_rows
        if passed > MOST_ROWS:
            raise _TooMuch(f"it has more than {MOST_ROWS} rows")
        if first < batch.num_rows:
            for row in _unfolded(batch.slice(first)):
                yield _line(row)


def _unfolded(batch: "RecordBatch") -> "Iterator[dict[str, Any]]":
    names = batch.column_names
    columns = [batch.column(number).to_pylist() for number in range(batch.num_columns)]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def _plain(value: object) -> str | None:
    """What JSON has no word for. Of bytes that are no text nothing is left."""
    match value:
        case datetime():
            return moment.rfc3339(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return None
    return str(value)


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)


def _line(row: dict[str, Any]) -> bytes:
    line = f"{_JSON.encode(row)}\n".encode()
    if len(line) > ROW_BYTES:
        raise _TooMuch(f"a row has more than {ROW_BYTES} bytes")
    return line


def _reason(error: BaseException) -> str:
    return str(error).rpartition("Err` value: ")[2][:200]


if __name__ == "__main__":
    main()
