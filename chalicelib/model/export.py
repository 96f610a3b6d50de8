"""The files that the index of a lake is written to."""

from enum import StrEnum


class Format(StrEnum):
    JSONL = "jsonl"
    """One JSON object a line, compressed with gzip."""
    PARQUET = "parquet"


ENDINGS = {Format.JSONL: "jsonl.gz", Format.PARQUET: "parquet"}
TYPES = {Format.JSONL: "application/gzip", Format.PARQUET: "application/vnd.apache.parquet"}
