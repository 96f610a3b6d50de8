"""Tables by columns. Neither reading nor writing holds more than one group of rows.

Whoever does not need it does not import it. Its library takes 34 MB unpacked and 3 ms to import; duckdb would
take 66 MB and 125 ms, pyarrow 166 MB and 60 ms.
"""

import io
import json
import signal
import sys
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import IO, TYPE_CHECKING, Any, Final, Protocol, cast

from arro3.core import DataType, Field, Schema
from arro3.io import read_json, write_parquet

from chalicelib.errors import MalformedFile
from chalicelib.formats import parquet_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROWS: Final = 1000
"""Read at a time of what is to be written."""
GROUP_ROWS: Final = 50_000
"""Of a file that is written."""

SECONDS, CPU_SECONDS = 45, 15
"""For some thousand rows, and what is before them: in all, and of a processor, of which the reader may have a
third."""

_ROOT: Final = Path(__file__).parents[2]
"""From where the reader imports what is ours."""
_TOO_LONG: Final = "it takes too long to read"
_DEATH: Final = "it is damaged, or unfolds to more than there is memory for"


class Column(StrEnum):
    TEXT = "text"
    TEXTS = "texts"
    INTEGER = "integer"
    FLAG = "flag"
    MOMENT = "moment"
    """RFC 3339 in JSON."""


def rows(file: "IO[bytes]", start: int = 0) -> "Iterator[dict[str, Any]]":
    """Those from the row `start` on, counted from 0, as JSON has them: moments and bytes are texts. What is
    skipped is read, too, but nothing is made of it: some ten million rows a second. The file must be able to
    seek: its end is read, then one group of rows after the other. Raises MalformedFile, and what reading the
    file raises.

    Another process reads it, and dies of files that are damaged. It ends with the iterator."""
    size, was_asked = file.seek(0, io.SEEK_END), False
    told, deadline = 0, time.monotonic() + SECONDS
    command = [sys.executable, "-m", parquet_reader.__name__, *map(str, (size, start, CPU_SECONDS))]
    reader = Popen(command, cwd=_ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        for line in cast("IO[bytes]", reader.stdout):
            if not line.endswith(b"\n"):
                break
            match json.loads(line):
                case dict() as row:
                    left = deadline - time.monotonic()
                    yield row
                    told += 1
                    # What whoever reads does meanwhile, and for how long, is no matter of the file.
                    deadline = time.monotonic() + (left if told % parquet_reader.TIMED_ROWS else SECONDS)
                case [int(at), int(length)]:
                    was_asked = True
                    if time.monotonic() > deadline:
                        raise MalformedFile(_TOO_LONG)
                    file.seek(at)
                    _answer(reader, file.read(length))
                case str(reason):
                    raise MalformedFile(reason)
                case None:
                    return
    finally:
        reader.kill()
        reader.communicate()
    if not was_asked:
        raise RuntimeError(f"the reader of Parquet did not start: {reader.returncode}")
    raise MalformedFile(_TOO_LONG if reader.returncode == -signal.SIGPROF else _DEATH)


def write(lines: "Iterable[bytes]", columns: "Mapping[str, Column]", file: "Sink") -> None:
    """JSON objects, one a line, of which all members but these columns are passed over. They may come in
    pieces of any size. Characters must stand for themselves: of escapes by surrogate pairs, the library makes
    other characters."""
    source, target = _Source(lines), _Target(file)
    schema = Schema([Field(name, _type(column)) for name, column in columns.items()])
    try:
        table = read_json(cast("IO[bytes]", source), schema, batch_size=ROWS)
        write_parquet(table, cast("IO[bytes]", target), compression="zstd(3)", max_row_group_size=GROUP_ROWS)
    except BaseException as error:
        if reason := source.error or target.error:
            raise reason from error
        raise


def _answer(reader: "Popen[bytes]", content: bytes) -> None:
    target = cast("IO[bytes]", reader.stdin)
    # That it is dead the end of what it says tells.
    with suppress(BrokenPipeError):
        target.write(len(content).to_bytes(parquet_reader.COUNT_BYTES) + content)
        target.flush()


def _type(column: Column) -> DataType:
    match column:
        case Column.TEXT:
            return DataType.string()
        case Column.TEXTS:
            return DataType.list(Field("element", DataType.string()))
        case Column.INTEGER:
            return DataType.int64()
        case Column.FLAG:
            return DataType.bool()
        case Column.MOMENT:
            return DataType.timestamp("ms", tz="UTC")


class Sink(Protocol):
    def write(self, content: bytes, /) -> int: ...


# What the library is given remembers what went wrong with it: what it raises itself is only a text of that.


class _Source:
    def __init__(self, pieces: "Iterable[bytes]") -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")
        self.error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._left:
                self._left = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except Exception as error:
            self.error = error
            raise
        found, self._left = self._left[:size], self._left[size:]
        return bytes(found)

    def seek(self, offset: int, whence: int = 0) -> int:
        raise OSError("it goes from beginning to end")


class _Target:
    def __init__(self, file: Sink) -> None:
        self._file = file
        self.error: Exception | None = None

    def write(self, content: bytes) -> int:
        try:
            return self._file.write(content)
        except Exception as error:
            self.error = error
            raise

    def flush(self) -> None:
        """The sink does so when it likes."""

    def seek(self, offset: int, whence: int = 0) -> int:
        raise OSError("it goes from beginning to end")
