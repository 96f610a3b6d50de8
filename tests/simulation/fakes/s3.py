"""An in-memory S3: versions, delete markers, conditions, ranges, parts, and an event for each change."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import md5
from io import BytesIO
from itertools import combinations
from typing import Any

from botocore.response import StreamingBody

from tests.simulation.fakes.errors import refusal
from tests.simulation.fakes.events import Event

_SWITCHES = {"EventBridgeConfiguration"}
_CONFIGURATIONS = 100
"""What says something by being there, though it is empty."""


def _md5(octets: bytes) -> str:
    return md5(octets, usedforsecurity=False).hexdigest()


_EMPTY_MD5 = _md5(b"")
_PART_BYTES = 5 * 1024**2


@dataclass(frozen=True, slots=True)
class Version:
    id: str
    """`null` where the bucket keeps no versions."""
    etag: str
    body: bytes
    last_modified: datetime
    content_type: str
    metadata: tuple[tuple[str, str], ...] = ()
    marker: bool = False


class Content(StreamingBody):
    """The body of an answer, which can be read once."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(BytesIO(octets), len(octets))
        self._octets = octets

    def again(self) -> "Content":
        return Content(self._octets)

    def __repr__(self) -> str:
        return f"Content({self._octets!r})"


@dataclass(slots=True)
class Bucket:
    owner: str
    versioned: bool = False
    notifies: bool = True
    objects: dict[str, tuple[Version, ...]] = field(default_factory=dict)
    """The current version is the last."""
    changes: int = 0
    """Sequencers and version ids come from it."""
    region: str = "us-east-1"
    notifications: dict[str, Any] = field(default_factory=dict)
    knows_queues: bool = True
    """Whether it is looked after that queues to notify are there."""

    def current(self, key: str) -> Version | None:
        versions = self.objects.get(key)
        return versions[-1] if versions and not versions[-1].marker else None

    def listing(self) -> dict[str, Version]:
        live = ((key, self.current(key)) for key in sorted(self.objects, key=str.encode))
        return {key: version for key, version in live if version}


@dataclass(slots=True)
class Upload:
    bucket: str
    key: str
    content_type: str
    parts: dict[int, bytes] = field(default_factory=dict)
    """By their numbers. Whoever puts one writes here."""


@dataclass(slots=True)
class S3:
    now: Callable[[], datetime]
    buckets: dict[str, Bucket] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    """In parts, that are not completed."""
    events: list[Event] = field(default_factory=list)
    """What was told, in order. Whoever drives the fake delivers it, or not."""
    tests: list[str] = field(default_factory=list)
    """Buckets of which it was told that they can tell. The same goes for these."""
    admits: Callable[[str], bool] = lambda owner: True
    """Whether the queue takes what buckets of this account tell."""

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes = b"",
        ContentType: str = "binary/octet-stream",
        CacheControl: str = "",
        Metadata: Mapping[str, str] | None = None,
        IfNoneMatch: str | None = None,
        ExpectedBucketOwner: str | None = None,
    ) -> dict[str, Any]:
        bucket = self._bucket("PutObject", Bucket, ExpectedBucketOwner)
        if IfNoneMatch == "*" and bucket.current(Key):
            raise refusal("PutObject", "PreconditionFailed", 412)
        version = replace(self._version(bucket, Body, ContentType), metadata=tuple((Metadata or {}).items()))
        self._store("ObjectCreated:Put", Bucket, Key, version)
        return {"ETag": f'"{version.etag}"'} | _version_id(version)

    def copy_object(
        self,
        *,
        Bucket: str,
        Key: str,
        CopySource: Mapping[str, str],
        ContentType: str = "binary/octet-stream",
        MetadataDirective: str = "COPY",
        ExpectedBucketOwner: str | None = None,
    ) -> dict[str, Any]:
        source = self._bucket("CopyObject", CopySource["Bucket"]).current(CopySource["Key"])
        if source is None:
            raise refusal("CopyObject", "NoSuchKey", 404)
        bucket = self._bucket("CopyObject", Bucket, ExpectedBucketOwner)
        version = self._version(bucket, source.body, ContentType)
        self._store("ObjectCreated:Copy", Bucket, Key, version)
        return {"CopyObjectResult": {"ETag": f'"{version.etag}"'}} | _version_id(version)

    def create_multipart_upload(
        self, *, Bucket: str, Key: str, ContentType: str, ExpectedBucketOwner: str | None = None
    ) -> dict[str, Any]:
        self._bucket("CreateMultipartUpload", Bucket, ExpectedBucketOwner)
        upload_id = f"upload{len(self.uploads) + 1}"
        self.uploads[upload_id] = Upload(Bucket, Key, ContentType)
        return {"UploadId": upload_id}

    def upload_part(
        self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes
    ) -> dict[str, Any]:
        if UploadId not in self.uploads:
            raise refusal("UploadPart", "NoSuchUpload", 404)
        self.uploads[UploadId].parts[PartNumber] = Body
        return {"ETag": f'"{_md5(Body)}"'}

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        MultipartUpload: Mapping[str, Any],
        ExpectedBucketOwner: str | None = None,
        MpuObjectSize: int | None = None,
        IfNoneMatch: str | None = None,
    ) -> dict[str, Any]:
        operation = "CompleteMultipartUpload"
        bucket = self._bucket(operation, Bucket, ExpectedBucketOwner)
        upload = self.uploads.get(UploadId)
        if upload is None or (upload.bucket, upload.key) != (Bucket, Key):
            raise refusal(operation, "NoSuchUpload", 404)
        bodies = [upload.parts.get(part["PartNumber"], b"") for part in MultipartUpload["Parts"]]
        named = [part["ETag"].strip('"') for part in MultipartUpload["Parts"]]
        if [_md5(body) for body in bodies] != named:
            raise refusal(operation, "InvalidPart", 400)
        if any(len(body) < _PART_BYTES for body in bodies[:-1]):
            raise refusal(operation, "EntityTooSmall", 400)
        body = b"".join(bodies)
        if MpuObjectSize not in (None, len(body)):
            raise refusal(operation, "InvalidRequest", 400)
        if IfNoneMatch == "*" and bucket.current(Key):
            raise refusal(operation, "PreconditionFailed", 412)
        etag = f"{_md5(b''.join(bytes.fromhex(each) for each in named))}-{len(named)}"
        version = replace(self._version(bucket, body, upload.content_type), etag=etag)
        self._store("ObjectCreated:CompleteMultipartUpload", Bucket, Key, version)
        del self.uploads[UploadId]
        return {"ETag": f'"{etag}"'} | _version_id(version)

    def abort_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, ExpectedBucketOwner: str
    ) -> dict[str, Any]:
        self._bucket("AbortMultipartUpload", Bucket, ExpectedBucketOwner)
        if self.uploads.pop(UploadId, None) is None:
            raise refusal("AbortMultipartUpload", "NoSuchUpload", 404)
        return {}

    def delete_object(
        self,
        *,
        Bucket: str,
        Key: str,
        VersionId: str | None = None,
        IfMatch: str | None = None,
        ExpectedBucketOwner: str | None = None,
    ) -> dict[str, Any]:
        bucket = self._bucket("DeleteObject", Bucket, ExpectedBucketOwner)
        current = bucket.current(Key)
        if IfMatch is not None and current is None:
            raise refusal("DeleteObject", "NoSuchKey", 404)
        if IfMatch is not None and current and IfMatch.strip('"') != current.etag:
            raise refusal("DeleteObject", "PreconditionFailed", 412)
        if VersionId is not None:
            return self._delete_version(Bucket, Key, VersionId)
        if bucket.versioned:
            marker = replace(self._version(bucket, b"", ""), marker=True)
            bucket.objects[Key] = (*bucket.objects.get(Key, ()), marker)
            self._tell("ObjectRemoved:DeleteMarkerCreated", Bucket, Key, marker, etag=_EMPTY_MD5)
            return {"DeleteMarker": True} | _version_id(marker)
        if versions := bucket.objects.pop(Key, None):
            self._tell("ObjectRemoved:Delete", Bucket, Key, versions[-1])
        return {}

    def _delete_version(self, name: str, key: str, version_id: str) -> dict[str, Any]:
        """Also takes away a marker, which brings the object back: S3 reports that as a removal, too."""
        bucket = self.buckets[name]
        versions = bucket.objects.get(key, ())
        found = next((version for version in versions if version.id == version_id), None)
        if found is None:
            return {"VersionId": version_id}
        if kept := tuple(version for version in versions if version is not found):
            bucket.objects[key] = kept
        else:
            del bucket.objects[key]
        self._tell("ObjectRemoved:Delete", name, key, found)
        return ({"DeleteMarker": True} if found.marker else {}) | {"VersionId": version_id}

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> dict[str, Any]:
        self._bucket("DeleteObjects", Bucket)
        for target in Delete["Objects"]:
            self.delete_object(Bucket=Bucket, Key=target["Key"])
        return {} if Delete["Quiet"] else {"Deleted": [{"Key": each["Key"]} for each in Delete["Objects"]]}

    def head_bucket(self, *, Bucket: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
        bucket = self._bucket("HeadBucket", Bucket, ExpectedBucketOwner, code="404")
        return {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": bucket.region}}}

    def head_object(self, *, Bucket: str, Key: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
        """Has no body, so that a missing key and a missing bucket look the same."""
        current = self._bucket("HeadObject", Bucket, ExpectedBucketOwner, code="404").current(Key)
        if current is None:
            raise refusal("HeadObject", "404", 404)
        return _description(current)

    def get_object(
        self,
        *,
        Bucket: str,
        Key: str,
        ExpectedBucketOwner: str | None = None,
        IfMatch: str | None = None,
        Range: str | None = None,
    ) -> dict[str, Any]:
        current = self._bucket("GetObject", Bucket, ExpectedBucketOwner).current(Key)
        if current is None:
            raise refusal("GetObject", "NoSuchKey", 404)
        if IfMatch is not None and IfMatch.strip('"') != current.etag:
            raise refusal("GetObject", "PreconditionFailed", 412)
        body = current.body if Range is None else _within(current.body, Range)
        return _description(current) | {"Body": Content(body), "ContentLength": len(body)}

    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str = "",
        MaxKeys: int = 1000,
        StartAfter: str = "",
        ExpectedBucketOwner: str | None = None,
    ) -> dict[str, Any]:
        listing = self._bucket("ListObjectsV2", Bucket, ExpectedBucketOwner).listing()
        after = StartAfter.encode()
        keys = [key for key in listing if key.startswith(Prefix) and key.encode() > after]
        contents = [
            {
                "Key": key,
                "Size": len(listing[key].body),
                "ETag": f'"{listing[key].etag}"',
                "LastModified": listing[key].last_modified,
            }
            for key in keys[:MaxKeys]
        ]
        return {"Contents": contents, "KeyCount": len(contents), "IsTruncated": len(keys) > MaxKeys}

    def get_bucket_notification_configuration(
        self, *, Bucket: str, ExpectedBucketOwner: str | None = None
    ) -> dict[str, Any]:
        found = self._bucket("GetBucketNotificationConfiguration", Bucket, ExpectedBucketOwner)
        return {"ResponseMetadata": {}, **deepcopy(found.notifications)}

    def put_bucket_notification_configuration(
        self,
        *,
        Bucket: str,
        NotificationConfiguration: dict[str, Any],
        ExpectedBucketOwner: str | None = None,
    ) -> dict[str, Any]:
        operation = "PutBucketNotificationConfiguration"
        bucket = self._bucket(operation, Bucket, ExpectedBucketOwner)
        kept = {name: each for name, each in NotificationConfiguration.items() if each or name in _SWITCHES}
        entries = kept.get("QueueConfigurations", [])
        if len(entries) > _CONFIGURATIONS:
            raise refusal(operation, "TooManyConfigurations")
        if any(_overlap(*pair) for pair in combinations(entries, 2)):
            message = "Configurations overlap. Configurations on the same bucket cannot share an event type."
            raise refusal(operation, "InvalidArgument", message=message)
        is_missing = any(":tidelake-check-" in entry["QueueArn"] for entry in entries) and bucket.knows_queues
        if is_missing or (entries and not self.admits(bucket.owner)):
            message = "Unable to validate the following destination configurations"
            raise refusal(operation, "InvalidArgument", message=message)
        bucket.notifications = deepcopy(kept)
        if entries:
            self.tests.append(Bucket)
        return {}

    def _store(self, event: str, name: str, key: str, version: Version) -> None:
        bucket = self.buckets[name]
        kept = bucket.objects.get(key, ()) if bucket.versioned else ()
        bucket.objects[key] = (*kept, version)
        self._tell(event, name, key, version, size=len(version.body), etag=version.etag)

    def _bucket(
        self, operation: str, name: str, owner: str | None = None, *, code: str = "NoSuchBucket"
    ) -> Bucket:
        if name not in self.buckets:
            raise refusal(operation, code, 404)
        if owner is not None and owner != self.buckets[name].owner:
            raise refusal(operation, "403" if code == "404" else "AccessDenied", 403)
        return self.buckets[name]

    def _version(self, bucket: Bucket, body: bytes, content_type: str) -> Version:
        name = f"v{bucket.changes}" if bucket.versioned else "null"
        etag = _md5(body)
        # S3 keeps whole seconds.
        return Version(name, etag, body, self.now().replace(microsecond=0), content_type)

    def _tell(
        self,
        name: str,
        bucket: str,
        key: str,
        version: Version,
        *,
        size: int | None = None,
        etag: str | None = None,
    ) -> None:
        home = self.buckets[bucket]
        if not home.notifies:
            return
        home.changes += 1
        event = Event(
            name=name,
            bucket=bucket,
            key=key,
            occurred_at=self.now(),
            sequencer=f"{0x0060000000000000 + home.changes:018X}",
            size=size,
            etag=etag,
            version_id=None if version.id == "null" else version.id,
        )
        self.events.append(event)


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Of prefixes alone; an event of one kind can be named with all of its kind or by itself."""
    events = [{event.split(":")[1] for event in each["Events"]} for each in (one, other)]
    starts = sorted(_prefix(each) for each in (one, other))
    return bool(events[0] & events[1]) and starts[1].startswith(starts[0])


def _prefix(entry: dict[str, Any]) -> str:
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((rule["Value"] for rule in rules if rule["Name"].lower() == "prefix"), "")


def _description(version: Version) -> dict[str, Any]:
    return {
        "ContentLength": len(version.body),
        "ETag": f'"{version.etag}"',
        "LastModified": version.last_modified,
        "ContentType": version.content_type,
        "Metadata": dict(version.metadata),
    } | _version_id(version)


def _within(body: bytes, asked: str) -> bytes:
    """The bytes of a range as HTTP has it, both ends included."""
    first, last = map(int, asked.removeprefix("bytes=").split("-"))
    if first >= len(body):
        raise refusal("GetObject", "InvalidRange", 416)
    return body[first : last + 1]


def _version_id(version: Version) -> dict[str, str]:
    return {} if version.id == "null" else {"VersionId": version.id}
