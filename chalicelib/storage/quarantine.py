"""Bytes from other hosts, which nobody has looked at yet: a folder of the artifacts bucket that only the
function which fetches writes to. What nobody takes out, a rule of the bucket removes after some days."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from chalicelib.config import config
from chalicelib.errors import AccessDenied, ContentChanged, StorageUnavailable
from chalicelib.model.fetch import Arrival
from chalicelib.model.lake import STACK
from chalicelib.storage import aws, buckets, connectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chalicelib.model.lake import Bucket
    from chalicelib.storage.buckets import Stream

FOLDER = "quarantine/"
_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})


def store(key: str, arrival: Arrival, body: bytes) -> None:
    with aws.calling("store in quarantine"):
        _s3().put_object(
            **_where(key),
            Body=body,
            ContentType="application/octet-stream",
            Metadata={"arrival": arrival.encode()},
        )


def look(key: str) -> Arrival | None:
    """What came of the fetch. None: nothing yet."""
    answer = _head(key)
    return _arrival(answer) if answer else None


def etag(key: str) -> str | None:
    """S3's, of the bytes. None: nothing is there."""
    answer = _head(key)
    return answer["ETag"].strip('"') if answer else None


@contextmanager
def open(key: str) -> "Iterator[tuple[Arrival, Stream]]":
    """Raises ContentChanged when nothing is there any more, StorageUnavailable."""
    try:
        answer = _s3().get_object(**_where(key))
        try:
            yield _arrival(answer), answer["Body"]
        finally:
            answer["Body"].close()
    except ClientError as error:
        code = aws.error_code(error)
        if code in _NOT_THERE:
            raise ContentChanged(key) from error
        raise StorageUnavailable("read quarantine", code) from error
    except (BotoCoreError, HTTPError) as error:
        raise StorageUnavailable("read quarantine", type(error).__name__) from error


def copy(key: str, bucket: "Bucket", object_name: str, content_type: str) -> None:
    """Into a bucket. Raises ContentChanged when nothing is there any more, AccessDenied."""
    if bucket.connector != STACK:
        # Others' rights do not reach the quarantine, nor ours their bucket.
        with open(key) as (_, stream):
            buckets.put_object(bucket, object_name, stream.read(), content_type)
        return
    target = _target(bucket, object_name, content_type)
    source = {"Bucket": config.artifacts_bucket, "Key": FOLDER + key}
    with aws.calling("copy from quarantine"):
        try:
            connectors.s3(bucket).copy_object(**target, CopySource=source, MetadataDirective="REPLACE")
        except ClientError as error:
            if aws.error_code(error) in buckets.DENIED:
                raise AccessDenied(key) from error
            if aws.error_code(error) not in _NOT_THERE:
                raise
            raise ContentChanged(key) from error


def remove(keys: "Sequence[str]") -> None:
    """At most 1,000. What is not there is removed already."""
    buckets.delete_artifacts([FOLDER + key for key in keys])


def empty(prefix: str) -> None:
    """Remove all whose keys begin so."""
    while keys := _list(prefix):
        remove(keys)


def _list(prefix: str) -> list[str]:
    """At most 1,000."""
    with aws.calling("list quarantine"):
        answer = _s3().list_objects_v2(Bucket=config.artifacts_bucket, Prefix=FOLDER + prefix)
    return [each["Key"].removeprefix(FOLDER) for each in answer.get("Contents", [])]


def _head(key: str) -> dict[str, Any] | None:
    with aws.calling("look into quarantine"):
        try:
            answer: dict[str, Any] = _s3().head_object(**_where(key))
        except ClientError as error:
            if aws.error_code(error) not in _NOT_THERE:
                raise
            return None
    return answer


def _target(bucket: "Bucket", object_name: str, content_type: str) -> dict[str, Any]:
    return {**buckets.where(bucket), "Key": object_name, "ContentType": content_type}


def _where(key: str) -> dict[str, str]:
    return {"Bucket": config.artifacts_bucket, "Key": FOLDER + key}


def _arrival(answer: dict[str, Any]) -> Arrival:
    return Arrival.decode(answer["Metadata"]["arrival"])


def _s3() -> Any:
    return aws.client("s3")
