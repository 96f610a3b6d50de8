"""The files of an export, in the artifacts bucket: first the parts that its workers write, each some thousand
lines, then those that people fetch, and what says which there are."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from chalicelib import parallel, seekable
from chalicelib.config import config
from chalicelib.errors import ContentChanged, StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.export import ENDINGS, TYPES, Format
from chalicelib.storage import aws, buckets, transfers
from chalicelib.storage.pieces import Pieces
from chalicelib.storage.transfers import Form

if TYPE_CHECKING:
    import io
    from collections.abc import Sequence

    from chalicelib.model.job import Job
    from chalicelib.model.keyrange import Part

_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})
_OTHER = frozenset({"412", "PreconditionFailed"})
_ANY_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class File:
    key: str
    size: int
    etag: str


def put_part(job_id: str, name: str, body: bytes) -> None:
    _put(f"exports/parts/{job_id}/{name}", body, TYPES[Format.JSONL])


def read_parts(job_id: str, names: "Sequence[str]") -> list[bytes]:
    return parallel.for_each(lambda name: _read(f"exports/parts/{job_id}/{name}"), names)


def begin_file(job: "Job", number: int) -> Pieces:
    """Doing it again puts another one in its place."""
    return Pieces(_file(job, number), TYPES[Format(job.task["format"])])


def put_manifest(job_id: str, files: "Sequence[Part]") -> None:
    told = [
        {"part": number, "records": file.rows, "bytes": file.size} for number, file in enumerate(files, 1)
    ]
    _put(_manifest(job_id), json.dumps({"files": told}).encode(), "application/json")


def file_url(job: "Job", number: int) -> str | None:
    """None: it is gone, or never was."""
    ending = ENDINGS[Format(job.task["format"])]
    few = "" if job.progress["files"] == 1 else f"-{number}"
    return _url(_file(job, number), f"tidelake-{job.created_at[:10]}{few}.{ending}")


def manifest_url(job: "Job") -> str | None:
    return _url(_manifest(job.id), f"tidelake-{job.created_at[:10]}.json")


def file_keys(job: "Job") -> list[str]:
    """Of an export that has succeeded, in their order."""
    return [_file(job, number) for number in range(1, job.progress["files"] + 1)]


def given_key(job_id: str) -> str:
    """Where people upload one."""
    return f"imports/{job_id}/given"


def form(job_id: str) -> Form:
    return transfers.artifact_form(given_key(job_id), _ANY_TYPE, limits.WHOLE_BYTES)


def look(key: str) -> File | None:
    """None: it is not there."""
    with aws.calling("look at export"):
        try:
            found = _s3().head_object(Bucket=config.artifacts_bucket, Key=key)
        except ClientError as error:
            if aws.error_code(error) not in _NOT_THERE:
                raise
            return None
    return File(key, found["ContentLength"], found["ETag"])


def open_file(file: File) -> "io.BufferedReader":
    """Reading it raises ContentChanged when it is no longer what was looked at."""

    def read(at: int, length: int) -> bytes:
        return _read(file.key, IfMatch=file.etag, Range=f"bytes={at}-{at + length - 1}")

    return seekable.open_file(read, file.size)


def _url(key: str, filename: str) -> str | None:
    return None if look(key) is None else buckets.artifact_url(key, filename)


def _put(key: str, body: bytes, content_type: str) -> None:
    with aws.calling("write export"):
        _s3().put_object(Bucket=config.artifacts_bucket, Key=key, Body=body, ContentType=content_type)


def _read(key: str, **which: str) -> bytes:
    try:
        with _s3().get_object(Bucket=config.artifacts_bucket, Key=key, **which)["Body"] as body:
            return bytes(body.read())
    except ClientError as error:
        if aws.error_code(error) in _OTHER | (_NOT_THERE if which else frozenset()):
            raise ContentChanged(key) from error
        raise StorageUnavailable("read export", aws.error_code(error)) from error
    except (BotoCoreError, HTTPError) as error:
        raise StorageUnavailable("read export", type(error).__name__) from error


def _file(job: "Job", number: int) -> str:
    return f"exports/files/{job.id}/{number:05}.{ENDINGS[Format(job.task['format'])]}"


def _manifest(job_id: str) -> str:
    return f"exports/files/{job_id}/manifest.json"


def _s3() -> Any:
    return aws.client("s3")
