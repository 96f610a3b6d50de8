"""The files of an import, in the artifacts bucket: the one that was given, and the report on its rows. The
report is written in parts, at most one with each step of the job, and joined when the job is over."""

from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.errors import ContentChanged, StorageUnavailable
from chalicelib.model import limits
from chalicelib.storage import aws, buckets, transfers
from chalicelib.storage.pieces import Pieces
from chalicelib.storage.transfers import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TYPE = "text/csv; charset=utf-8"
_AT_ONCE = 16
_THERE = frozenset({"412", "PreconditionFailed"})
_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True, slots=True)
class Sheet:
    size: int
    etag: str


def put(job_id: str, text: str) -> Sheet:
    content = text.encode()
    return Sheet(len(content), _put("write sheet", _given(job_id), content))


def form(job_id: str) -> Form:
    return transfers.artifact_form(_given(job_id), "text/csv", limits.SHEET_BYTES)


def look(job_id: str) -> Sheet | None:
    """None: it has not come yet."""
    found = _head(_given(job_id))
    return None if found is None else Sheet(found["ContentLength"], found["ETag"])


def read(job_id: str, etag: str, at: int, length: int) -> bytes:
    """Some of it. Raises ContentChanged when it is no longer what was looked at."""
    try:
        answer = _s3().get_object(
            Bucket=config.artifacts_bucket,
            Key=_given(job_id),
            IfMatch=etag,
            Range=f"bytes={at}-{at + length - 1}",
        )
        with answer["Body"] as body:
            return bytes(body.read())
    except ClientError as error:
        code = aws.error_code(error)
        if code in _NOT_THERE | {"412", "PreconditionFailed"}:
            raise ContentChanged(job_id) from error
        raise StorageUnavailable("read sheet", code) from error
    except (BotoCoreError, HTTPError) as error:
        raise StorageUnavailable("read sheet", type(error).__name__) from error


def settle_plan(job_id: str, number: int, text: str) -> str:
    """Keep what a step is going to do, unless it was kept before. Answers what is kept."""
    key = f"imports/{job_id}/plan/{number:06}.json"
    with aws.calling("write plan"):
        try:
            _s3().put_object(
                Bucket=config.artifacts_bucket,
                Key=key,
                Body=text.encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if aws.error_code(error) not in _THERE:
                raise
        else:
            return text
    return _read(key).decode()


def put_part(job_id: str, name: str, text: str) -> None:
    """Doing it again puts another one in its place."""
    _put("write part of report", _part(job_id, name), text.encode())


def parts(job_id: str) -> list[str]:
    """The names of all parts, in their order."""
    place, found = _part(job_id, ""), list[str]()
    while True:
        with aws.calling("list parts of report"):
            after = {"StartAfter": f"{place}{found[-1]}"} if found else {}
            answer = _s3().list_objects_v2(Bucket=config.artifacts_bucket, Prefix=place, **after)
        found += [entry["Key"].removeprefix(place) for entry in answer.get("Contents", ())]
        if not answer["IsTruncated"]:
            return found


def read_parts(job_id: str, names: "Iterable[str]") -> "Iterator[bytes]":
    for some in batched(names, _AT_ONCE, strict=False):
        yield from parallel.for_each(lambda name: _read(_part(job_id, name)), some)


def join(job_id: str, head: str, bodies: "Iterable[bytes]") -> None:
    """The report, made of its parts. Doing it again makes the same."""
    pieces = Pieces(_report(job_id), _TYPE)
    pieces.write(head.encode())
    for body in bodies:
        pieces.write(body)
    pieces.end()


def report_url(job_id: str) -> str | None:
    """None: there is none yet, or never."""
    key = _report(job_id)
    return None if _head(key) is None else buckets.artifact_url(key, "report.csv")


def _head(key: str) -> dict[str, Any] | None:
    with aws.calling("look at file of import"):
        try:
            found: dict[str, Any] = _s3().head_object(Bucket=config.artifacts_bucket, Key=key)
        except ClientError as error:
            if aws.error_code(error) not in _NOT_THERE:
                raise
            return None
    return found


def _read(key: str) -> bytes:
    try:
        with _s3().get_object(Bucket=config.artifacts_bucket, Key=key)["Body"] as body:
            return bytes(body.read())
    except ClientError as error:
        raise StorageUnavailable("read part of report", aws.error_code(error)) from error
    except (BotoCoreError, HTTPError) as error:
        raise StorageUnavailable("read part of report", type(error).__name__) from error


def _put(action: str, key: str, content: bytes) -> str:
    """Its etag."""
    with aws.calling(action):
        answer = _s3().put_object(Bucket=config.artifacts_bucket, Key=key, Body=content, ContentType=_TYPE)
    return str(answer["ETag"])


def _given(job_id: str) -> str:
    return f"imports/{job_id}/given.csv"


def _part(job_id: str, name: str) -> str:
    return f"imports/{job_id}/report/{name}"


def _report(job_id: str) -> str:
    return f"imports/{job_id}/report.csv"


def _s3() -> Any:
    return aws.client("s3")
