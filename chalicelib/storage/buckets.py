"""Objects in a lake's bucket, and derived files in the artifacts bucket."""

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from chalicelib.config import config
from chalicelib.errors import AccessDenied, Archived, ContentChanged, NotSupported, StorageUnavailable
from chalicelib.model import limits, moment
from chalicelib.model.connector import ConnectorState
from chalicelib.model.data import Sight
from chalicelib.storage import aws, connectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.lake import Bucket

_NOT_THERE = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
_CHANGED = _NOT_THERE | {"412", "PreconditionFailed"}
DENIED = frozenset({"403", "AccessDenied", "AllAccessDisabled", "KMS.DisabledException"})


def look(bucket: "Bucket", object_name: str) -> Sight | None:
    """What is there now, or None when S3 confirms that nothing is: a missing key in a bucket that answers. A
    missing bucket looks the same to HEAD, and must never be taken for a bucket whose objects were all
    deleted.

    Raises StorageUnavailable when S3 does not say: no access, no answer, no bucket.
    """
    sight = glance(bucket, object_name)
    if sight is None:
        confirm(bucket)
    return sight


def glance(bucket: "Bucket", object_name: str) -> Sight | None:
    """The same in a bucket that is confirmed by the caller, before or after."""
    with aws.calling("look at object"):
        try:
            return _sight(_s3(bucket).head_object(**where(bucket), Key=object_name))
        except ClientError as error:
            code = aws.error_code(error)
            if code in DENIED:
                reason = "an object is refused; see that s3:ListBucket and s3:GetObject are granted for all"
                connectors.report(bucket, ConnectorState.DEGRADED, reason)
            if code not in _NOT_THERE:
                raise
    return None


def holds(bucket: "Bucket", object_name: str) -> bool:
    """Whether there is such an object, in a bucket that was confirmed."""
    return glance(bucket, object_name) is not None


def confirm(bucket: "Bucket") -> None:
    """Raises StorageUnavailable when the bucket does not answer, or is another one's."""
    with aws.calling("look at bucket"):
        try:
            _s3(bucket).head_bucket(**where(bucket))
        except ClientError as error:
            if aws.error_code(error) in _NOT_THERE | DENIED:
                reason = "the bucket is not there any more, or is refused"
                connectors.report(bucket, ConnectorState.BROKEN, reason)
            raise


class Stream(Protocol):
    def read(self, amount: int | None = None) -> bytes: ...


@contextmanager
def open_object(bucket: "Bucket", object_name: str, etag: str | None) -> "Iterator[tuple[Sight, Stream]]":
    """The bytes that the etag names, or any if it is None, with what S3 says about them. What is not read is
    not transferred.

    Raises ContentChanged when other bytes or none are there, Archived, AccessDenied, StorageUnavailable.
    """
    with _reading(object_name):
        matching = {} if etag is None else {"IfMatch": f'"{etag}"'}
        answer = _s3(bucket).get_object(**where(bucket), Key=object_name, **matching)
        try:
            yield _sight(answer), answer["Body"]
        finally:
            answer["Body"].close()


@contextmanager
def _reading(object_name: str) -> "Iterator[None]":
    try:
        yield
    except ClientError as error:
        code = aws.error_code(error)
        if code in _CHANGED:
            raise ContentChanged(object_name) from error
        if code == "InvalidObjectState":
            raise Archived(object_name) from error
        if code in DENIED:
            raise AccessDenied(object_name) from error
        raise StorageUnavailable("read object", code) from error
    except (BotoCoreError, HTTPError) as error:
        raise StorageUnavailable("read object", type(error).__name__) from error


def read_part(bucket: "Bucket", object_name: str, etag: str, at: int, length: int) -> bytes:
    """Some of the bytes that the etag names, from `at` on. Raises as `open_object` does."""
    asked = {"IfMatch": f'"{etag}"', "Range": f"bytes={at}-{at + length - 1}"}
    with (
        _reading(object_name),
        _s3(bucket).get_object(**where(bucket), Key=object_name, **asked)["Body"] as body,
    ):
        return bytes(body.read())


def put_object(
    bucket: "Bucket",
    object_name: str,
    body: "bytes | IO[bytes]",
    content_type: str,
    *,
    replaces: bool = True,
) -> None:
    """Raises ContentChanged when it must not replace what is there, AccessDenied, StorageUnavailable."""
    condition = {} if replaces else {"IfNoneMatch": "*"}
    with aws.calling("write object"):
        try:
            _s3(bucket).put_object(
                **where(bucket), Key=object_name, Body=body, ContentType=content_type, **condition
            )
        except ClientError as error:
            if aws.error_code(error) in _CHANGED:
                raise ContentChanged(object_name) from error
            if aws.error_code(error) in DENIED:
                raise AccessDenied(object_name) from error
            raise


def delete_object(bucket: "Bucket", object_name: str, etag: str) -> None:
    """Delete the bytes that the etag names; where the bucket keeps versions, they stay behind a marker. That
    they are gone already is no error.

    S3 compares by itself, so that what is put meanwhile survives. Others that speak its language may not know
    the condition: some refuse it, and of those that pass over it the look before leaves little time.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

    Raises ContentChanged when there are other bytes, NotSupported where nothing can be deleted on a
    condition, AccessDenied, StorageUnavailable.
    """
    there = look(bucket, object_name)
    if there is None:
        return
    if there.etag != etag:
        raise ContentChanged(object_name)
    try:
        _s3(bucket).delete_object(**where(bucket), Key=object_name, IfMatch=f'"{etag}"')
    except ClientError as error:
        code = aws.error_code(error)
        if code == "NoSuchKey":
            return
        if code in _CHANGED:
            raise ContentChanged(object_name) from error
        if code in DENIED:
            raise AccessDenied(object_name) from error
        if code == "NotImplemented":
            raise NotSupported("delete on a condition") from error
        raise StorageUnavailable("delete object", code) from error
    except BotoCoreError as error:
        raise StorageUnavailable("delete object", type(error).__name__) from error


def put_thumbnail(key: str, body: bytes) -> None:
    with aws.calling("write thumbnail"):
        _artifacts().put_object(
            Bucket=config.artifacts_bucket,
            Key=key,
            Body=body,
            ContentType="image/webp",
            CacheControl="private, max-age=31536000, immutable",
        )


def holds_thumbnail(data: "Data") -> bool:
    """Whether the file is there that the record says there is."""
    with aws.calling("look at thumbnail"):
        try:
            _artifacts().head_object(Bucket=config.artifacts_bucket, Key=data.thumbnail_key)
        except ClientError as error:
            if aws.error_code(error) not in _NOT_THERE:
                raise
            return False
    return True


def delete_artifacts(keys: "Sequence[str]") -> None:
    """At most 1,000. Deleting what is not there succeeds."""
    with aws.calling("delete artifacts"):
        answer = _artifacts().delete_objects(
            Bucket=config.artifacts_bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
    if errors := answer.get("Errors"):
        raise StorageUnavailable("delete artifacts", errors[0].get("Code", ""))


def content_url(bucket: "Bucket", object_name: str, *, content_type: str, inline: bool) -> str:
    disposition = "inline" if inline else "attachment"
    return _presigned(
        _s3(bucket),
        Bucket=bucket.name,
        Key=object_name,
        ResponseContentType=content_type,
        ResponseContentDisposition=disposition,
    )


def origins() -> "list[str]":
    """Those of presigned addresses, of all buckets of the stack's region: a bucket is in the host's name, or
    in the path where its own name has a dot."""
    scheme, _, host = str(_artifacts().meta.endpoint_url).partition("://")
    # What is no host's name has none below it.
    below = [] if host[-1:].isdigit() else [f"{scheme}://*.{host}"]
    return [f"{scheme}://{host}", *below]


def thumbnail_url(data: "Data") -> str:
    return _presigned(_artifacts(), Bucket=config.artifacts_bucket, Key=data.thumbnail_key)


def artifact_url(key: str, filename: str) -> str:
    """To save it as that file."""
    saved = f'attachment; filename="{filename}"'
    return _presigned(_artifacts(), Bucket=config.artifacts_bucket, Key=key, ResponseContentDisposition=saved)


def _presigned(s3: Any, **parameters: str) -> str:
    with aws.calling("presign"):
        return str(
            s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=limits.PRESIGNED_SECONDS)
        )


def _sight(answer: dict[str, Any]) -> Sight:
    return Sight(
        size=answer["ContentLength"],
        etag=answer["ETag"].strip('"'),
        version_id=None if answer.get("VersionId") in (None, "null") else answer["VersionId"],
        content_type=answer.get("ContentType"),
        content_encoding=answer.get("ContentEncoding"),
        last_modified=moment.rfc3339(answer["LastModified"]),
    )


def where(bucket: "Bucket") -> dict[str, str]:
    return {"Bucket": bucket.name} | ({"ExpectedBucketOwner": bucket.owner} if bucket.owner else {})


def _s3(bucket: "Bucket") -> Any:
    return connectors.s3(bucket)


def _artifacts() -> Any:
    return aws.client("s3")
