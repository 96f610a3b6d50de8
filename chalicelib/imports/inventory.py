"""Reports by S3 Inventory: a manifest.json, and the files that it names, of all objects that a bucket had
some hours or days ago.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

import csv
import gzip
import zlib
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from chalicelib.errors import Hopeless, MalformedFile
from chalicelib.model import limits, strict_json
from chalicelib.model.strict_json import InvalidJson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_LINE_BYTES = 64 * 1024
"""Longest one of a CSV file. A name takes three times its bytes there."""
_FALSE = ("false", False)


class FileFormat(StrEnum):
    CSV = "CSV"
    PARQUET = "Parquet"


@dataclass(frozen=True, slots=True)
class File:
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Inventory:
    format: FileFormat
    files: "Sequence[File]"
    columns: "Sequence[str]"
    """Of its CSV files, which name none."""


@dataclass(frozen=True, slots=True)
class Row:
    bucket: str
    object_name: str | None
    """None: it is no text."""
    is_current: bool
    """It is neither an older version nor a delete marker."""


def read_manifest(text: bytes, bucket: str, prefix: str) -> Inventory:
    """Of a report on the bucket, with files below the prefix. Raises Hopeless."""
    try:
        given = strict_json.read(text.decode())
    except (InvalidJson, UnicodeDecodeError) as error:
        raise Hopeless("it should be the manifest.json of an inventory") from error
    if not isinstance(given, dict) or not isinstance(given.get("files"), list):
        raise Hopeless("it should be the manifest.json of an inventory")
    if given.get("sourceBucket") != bucket:
        raise Hopeless(f"the inventory is of another bucket than the datalake's, {bucket}")
    if given.get("fileFormat") not in FileFormat:
        raise Hopeless("the files of the inventory should be CSV or Parquet")
    files = [_file(each, prefix) for each in given["files"]]
    if len(files) > limits.MANIFEST_FILES:
        raise Hopeless(f"the inventory has more than {limits.MANIFEST_FILES} files")
    file_format = FileFormat(given["fileFormat"])
    columns = [name.strip().casefold() for name in str(given.get("fileSchema", "")).split(",")]
    if file_format is FileFormat.CSV and not {"bucket", "key"} <= set(columns):
        raise Hopeless("the fileSchema of the inventory should name Bucket and Key")
    return Inventory(file_format, files, columns)


def rows(inventory: Inventory, file: "IO[bytes]", start: int) -> "Iterator[Row]":
    """From the row `start` on, counted from 0, with the memory that a few rows take. Raises MalformedFile."""
    return _READERS[inventory.format](inventory, file, start)


def _file(given: Any, prefix: str) -> File:
    if not isinstance(given, dict) or not isinstance(given.get("key"), str):
        raise Hopeless("the inventory should name the keys of its files")
    if not given["key"].startswith(prefix):
        raise Hopeless(f"the files of the inventory should be in the datalake, below {prefix!r}")
    size = given.get("size")
    return File(given["key"], size if isinstance(size, int) else 0)


def _csv_rows(inventory: Inventory, file: "IO[bytes]", start: int) -> "Iterator[Row]":
    places = {name: place for place, name in enumerate(inventory.columns)}
    for line in islice(_lines(file), start, None):
        # Names are encoded, so no cell holds the end of a line.
        try:
            [cells] = csv.reader([line]) if line.strip() else [[]]
        except csv.Error as error:
            raise MalformedFile("a row is no CSV") from error
        if len(cells) < len(places):
            raise MalformedFile("a row has fewer cells than the fileSchema names")
        cell = {name: cells[place] for name, place in places.items()}
        yield _row(cell["bucket"], _decoded(cell["key"]), cell.get("islatest"), cell.get("isdeletemarker"))


def _lines(file: "IO[bytes]") -> "Iterator[str]":
    try:
        with gzip.open(file) as stream:
            while line := stream.readline(_LINE_BYTES):
                if len(line) == _LINE_BYTES:
                    raise MalformedFile("a row is too long")
                yield line.decode()
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise MalformedFile("it should be CSV, compressed by gzip") from error


def _decoded(key: str) -> str | None:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        return None


def _parquet_rows(inventory: Inventory, file: "IO[bytes]", start: int) -> "Iterator[Row]":
    # Only here, as most imports have no such file.
    from chalicelib.formats import parquet

    for each in parquet.rows(file, start):
        if not {"bucket", "key"} <= each.keys():
            raise MalformedFile("it has no columns bucket and key")
        flags = each.get("is_latest"), each.get("is_delete_marker")
        key = each["key"] if isinstance(each["key"], str) else None
        yield _row(each["bucket"], key, *flags)


def _row(bucket: str, object_name: str | None, is_latest: object, is_marker: object) -> Row:
    """What is not said of versions holds: only reports on all versions say it."""
    is_current = is_latest not in _FALSE and is_marker in (None, "", *_FALSE)
    return Row(bucket, object_name, is_current)


_READERS: "Mapping[FileFormat, Callable[[Inventory, IO[bytes], int], Iterator[Row]]]" = {
    FileFormat.CSV: _csv_rows,
    FileFormat.PARQUET: _parquet_rows,
}
