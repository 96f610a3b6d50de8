"""Bytes that go from a client straight into a lake's bucket: what is signed here lets it put one object of
one type and one size there, for a quarter of an hour."""

import base64
from dataclasses import dataclass
from hashlib import md5
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.config import config
from chalicelib.errors import InvalidBody, ObjectExists, UnknownUpload
from chalicelib.model import limits
from chalicelib.storage import aws, buckets, connectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.model.data import Sight
    from chalicelib.model.lake import Bucket

_MIB = 1024**2
_PART_BYTES = 16 * _MIB

_HEADERS = {
    "ContentType": "Content-Type",
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "IfNoneMatch": "If-None-Match",
}

_UNFIT_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "InvalidRequest", "MalformedXML"}


@dataclass(frozen=True, slots=True)
class Form:
    """What a POST of `multipart/form-data` must hold, before the file."""

    url: str
    fields: "Mapping[str, str]"


@dataclass(frozen=True, slots=True)
class Put:
    """What a PUT of the bytes must be sent with. Their number is signed, too."""

    url: str
    headers: "Mapping[str, str]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipart:
    """An object that comes in parts, all of one size but the last."""

    object_name: str
    size: int
    upload_id: str
    """S3's name for it."""
    overwrites: bool

    @property
    def part_size(self) -> int:
        """Whole MiB, and as many as it takes to do with S3's number of parts."""
        least = -(-self.size // limits.PARTS)
        return max(_PART_BYTES, -(-least // _MIB) * _MIB)

    @property
    def part_count(self) -> int:
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        return min(self.part_size, self.size - (number - 1) * self.part_size)


def form(bucket: "Bucket", object_name: str, content_type: str, size: int, sha256: str | None = None) -> Form:
    fields = {"Content-Type": content_type}
    if sha256:
        fields |= {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": _encoded(sha256)}
    return _form(connectors.s3(bucket), bucket.name, object_name, fields, (size, size))


def artifact_form(key: str, content_type: str, most_bytes: int) -> Form:
    """To upload one file to the artifacts bucket."""
    fields = {"Content-Type": content_type}
    return _form(aws.client("s3"), config.artifacts_bucket, key, fields, (1, most_bytes))


def _form(s3: Any, bucket: str, key: str, fields: dict[str, str], lengths: tuple[int, int]) -> Form:
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    with aws.calling("presign"):
        answer = s3.generate_presigned_post(
            bucket,
            key,
            Fields=fields,
            Conditions=[*conditions, ["content-length-range", *lengths]],
            ExpiresIn=limits.PRESIGNED_SECONDS,
        )
    return Form(answer["url"], answer["fields"])


def put(
    bucket: "Bucket",
    object_name: str,
    content_type: str,
    size: int,
    sha256: str | None = None,
    *,
    overwrites: bool,
) -> Put:
    """Unlike a form it may have the condition that no object is there. Storages that do not know it pass over
    it or refuse the bytes; in neither case is anything lost that was there when the address was signed."""
    given = {
        "ContentType": content_type,
        **({"ChecksumSHA256": _encoded(sha256)} if sha256 else {}),
        **({} if overwrites else {"IfNoneMatch": "*"}),
    }
    with aws.calling("presign"):
        url = connectors.s3(bucket).generate_presigned_url(
            "put_object",
            # Without the expected owner: it would be a header that the client must send.
            Params={"Bucket": bucket.name, "Key": object_name, "ContentLength": size, **given},
            ExpiresIn=limits.PRESIGNED_SECONDS,
        )
    return Put(url, {_HEADERS[name]: value for name, value in given.items()})


def begin(bucket: "Bucket", object_name: str, content_type: str, size: int, *, overwrites: bool) -> Multipart:
    with aws.calling("begin upload"):
        answer = connectors.s3(bucket).create_multipart_upload(
            **buckets.where(bucket), Key=object_name, ContentType=content_type
        )
    return Multipart(object_name=object_name, size=size, upload_id=answer["UploadId"], overwrites=overwrites)


def part_urls(bucket: "Bucket", multipart: Multipart, first: int, count: int) -> dict[int, str]:
    """By number, where a PUT of the part goes. Its length is signed, too."""
    s3 = connectors.s3(bucket)
    numbers = range(first, min(first + count, multipart.part_count + 1))
    with aws.calling("presign"):
        return {
            number: s3.generate_presigned_url(
                "upload_part",
                # Without the expected owner: it would be a header that the client must send.
                Params={
                    "Bucket": bucket.name,
                    "Key": multipart.object_name,
                    "UploadId": multipart.upload_id,
                    "PartNumber": number,
                    "ContentLength": multipart.size_of(number),
                },
                ExpiresIn=limits.PRESIGNED_SECONDS,
            )
            for number in numbers
        }


def complete(bucket: "Bucket", multipart: Multipart, etags: "Sequence[str]") -> None:
    """Make one object of all parts, the first one's etag first. To complete it again changes nothing.

    Raises InvalidBody when they are not the parts that came, ObjectExists when it was not to overwrite and
    there is an object by now, UnknownUpload, StorageUnavailable.
    """
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    condition = {} if multipart.overwrites else {"IfNoneMatch": "*"}
    with aws.calling("complete upload"):
        try:
            connectors.s3(bucket).complete_multipart_upload(
                **_place(bucket, multipart),
                **condition,
                MultipartUpload={"Parts": parts},
                MpuObjectSize=multipart.size,
            )
        except ClientError as error:
            code = aws.error_code(error)
            if code in _UNFIT_PARTS:
                raise InvalidBody(("#/parts", f"S3 cannot make an object of these: {code}")) from error
            if code not in ("NoSuchUpload", "PreconditionFailed"):
                raise
            there = _look(bucket, multipart)
            if code == "NoSuchUpload" and there is None:
                raise UnknownUpload from error
            # Somebody else's object may have the same size.
            if code == "PreconditionFailed" and (there is None or there.etag != _etag_of(etags)):
                raise ObjectExists from error


def abort(bucket: "Bucket", multipart: Multipart) -> None:
    """The parts are dropped. To abort it again changes nothing."""
    with aws.calling("abort upload"):
        try:
            connectors.s3(bucket).abort_multipart_upload(**_place(bucket, multipart))
        except ClientError as error:
            if aws.error_code(error) != "NoSuchUpload":
                raise


def _look(bucket: "Bucket", multipart: Multipart) -> "Sight | None":
    """What an earlier completion, whose answer was lost, may have made: an etag ends with the number of its
    parts."""
    there = buckets.look(bucket, multipart.object_name)
    ending = f"-{multipart.part_count}"
    return there if there and there.size == multipart.size and str(there.etag).endswith(ending) else None


def _etag_of(etags: "Sequence[str]") -> str | None:
    """Of the object that is made of these parts. None: they are no sums."""
    try:
        sums = b"".join(bytes.fromhex(etag.strip('"')) for etag in etags)
    except ValueError:
        return None
    return f"{md5(sums, usedforsecurity=False).hexdigest()}-{len(etags)}"


def _encoded(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _place(bucket: "Bucket", multipart: Multipart) -> dict[str, str]:
    return {**buckets.where(bucket), "Key": multipart.object_name, "UploadId": multipart.upload_id}
