"""Tables by columns. Neither reading nor writing holds more than one group of rows.

Whoever does not need it does not import it. Its library takes 34 MB unpacked and 3 ms to import; duckdb would
take 66 MB and 125 ms, pyarrow 166 MB and 60 ms.
"""

from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any, Final, Protocol, cast

from arro3.core import DataType, Field, Schema
from arro3.io import read_json, read_parquet, write_parquet

from chalicelib.errors import MalformedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from arro3.core import RecordBatch

ROWS: Final = 1000
"""Held as Python's values at a time."""
GROUP_ROWS: Final = 50_000
"""Of a file that is written."""

_PANIC: Final = "PanicException"
"""What the library raises for a broken footer. It is no Exception, and has no module to import it from."""


class Column(StrEnum):
    TEXT = "text"
    TEXTS = "texts"
    INTEGER = "integer"
    FLAG = "flag"
    MOMENT = "moment"
    """RFC 3339 in JSON."""


def rows(file: "IO[bytes]", start: int = 0) -> "Iterator[dict[str, Any]]":
    """Those from the row `start` on, counted from 0. What is skipped is read, too, but nothing is made of it:
    some ten million rows a second. The file must be able to seek: its end is read, then one group of rows
    after the other. Raises MalformedFile, and what reading the file raises.

    Some files that are damaged end the process: the library aborts where it should raise. So this is for a
    worker that dies alone, and whose job ends when it dies each time."""
    watched = _File(file)
    try:
        for batch in read_parquet(cast("IO[bytes]", watched), batch_size=ROWS):
            if start < batch.num_rows:
                yield from _rows(batch.slice(start))
            start = max(0, start - batch.num_rows)
    except BaseException as error:
        if watched.error is not None:
            raise watched.error from error
        if isinstance(error, Exception) or type(error).__name__ == _PANIC:
            raise MalformedFile(f"it cannot be read as Parquet: {_reason(error)}") from error
        raise


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


def _rows(batch: "RecordBatch") -> "Iterator[dict[str, Any]]":
    names = batch.column_names
    columns = [batch.column(number).to_pylist() for number in range(batch.num_columns)]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


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


def _reason(error: BaseException) -> str:
    return str(error).rpartition("Err` value: ")[2][:200]


class Sink(Protocol):
    def write(self, content: bytes, /) -> int: ...


# What the library is given remembers what went wrong with it: what it raises itself is only a text of that.


class _File:
    def __init__(self, file: "IO[bytes]") -> None:
        self._file = file
        self.error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except Exception as error:
            self.error = error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


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
