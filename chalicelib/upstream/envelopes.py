"""Message → hints. One strict parser for everything that may lie in the queue of events.

Told apart by content: S3 notifications (plain, or wrapped by SNS), EventBridge events, and our own re-check
hints.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from chalicelib.errors import MalformedMessage
from chalicelib.model import limits, moment
from chalicelib.model.hint import Change, Channel, Hint, Sequencer

if TYPE_CHECKING:
    from datetime import datetime

_S3_CHANGES = {
    "ObjectCreated": Change.CREATED,
    "ObjectRemoved": Change.REMOVED,
    "LifecycleExpiration": Change.REMOVED,
}
_EVENTBRIDGE_CHANGES = {"Object Created": Change.CREATED, "Object Deleted": Change.REMOVED}
_SEQUENCER = re.compile(r"[0-9A-Fa-f]{1,64}")
_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}", re.ASCII)
_IDENTITY = re.compile(r"[\x21-\x7e]{1,1024}")
"""Of etags and version ids."""


@dataclass(slots=True)
class Envelope:
    """What one message held. Every entry of it is in exactly one of the first three."""

    hints: list[Hint] = field(default_factory=list)
    ignored: int = 0
    """Well-formed, but nothing that changes whether an object is there: test events, tags, restores."""
    malformed: list[str] = field(default_factory=list)
    tested: set[str] = field(default_factory=set)
    """Buckets that S3 says it can tell of."""


def open_envelope(body: str) -> Envelope:
    envelope = Envelope()
    try:
        _open(_object(_json(body), "message"), envelope)
    except MalformedMessage as error:
        envelope.malformed.append(str(error))
    return envelope


def _open(message: dict[str, Any], envelope: Envelope) -> None:
    if "Records" in message:
        for record in _list(message["Records"], "Records"):
            _collect(_s3_record, record, envelope)
    elif message.get("Event") == "s3:TestEvent":
        envelope.ignored += 1
        if _BUCKET.fullmatch(str(message.get("Bucket"))):
            envelope.tested.add(message["Bucket"])
    elif message.get("Type") == "Notification" and "TopicArn" in message:
        _open(_object(_json(_text(message, "Message")), "Message"), envelope)
    elif "detail-type" in message:
        _collect(_eventbridge_event, message, envelope)
    elif message.get("source") == "tidelake":
        _collect(_own_hint, message, envelope)
    else:
        raise MalformedMessage("neither an S3 notification nor an EventBridge event")


def _collect(parse: Any, entry: Any, envelope: Envelope) -> None:
    try:
        hint = parse(_object(entry, "entry"))
    except MalformedMessage as error:
        envelope.malformed.append(str(error))
        return
    if hint is None:
        envelope.ignored += 1
    else:
        envelope.hints.append(hint)


def _s3_record(record: dict[str, Any]) -> Hint | None:
    if record.get("eventSource") not in ("aws:s3", None):
        raise MalformedMessage("eventSource is not aws:s3")
    if not str(record.get("eventVersion", "2.0")).startswith("2."):
        raise MalformedMessage("eventVersion is not 2.x")
    family, _, kind = _text(record, "eventName").removeprefix("s3:").partition(":")
    change = _S3_CHANGES.get(family)
    if change is None:
        return None
    is_ordered = family != "LifecycleExpiration"
    s3 = _object(record.get("s3"), "s3")
    entity = _object(s3.get("object"), "s3.object")
    return Hint(
        bucket=_bucket(_object(s3.get("bucket"), "s3.bucket"), "name"),
        object_name=_key(_unquoted(_text(entity, "key"))),
        change=change,
        occurred_at=_time(record.get("eventTime")),
        sequencer=_sequencer(Channel.S3, entity) if is_ordered else None,
        size=_size(entity.get("size")),
        etag=_identity(entity.get("eTag")),
        version_id=_version(entity.get("versionId")),
        copied=kind == "Copy",
    )


def _eventbridge_event(event: dict[str, Any]) -> Hint | None:
    if event.get("source") != "aws.s3":
        raise MalformedMessage("source is not aws.s3")
    change = _EVENTBRIDGE_CHANGES.get(_text(event, "detail-type"))
    if change is None:
        return None
    detail = _object(event.get("detail"), "detail")
    entity = _object(detail.get("object"), "detail.object")
    is_ordered = detail.get("reason") != "Lifecycle Expiration"
    return Hint(
        bucket=_bucket(_object(detail.get("bucket"), "detail.bucket"), "name"),
        object_name=_key(_text(entity, "key")),
        change=change,
        occurred_at=_time(event.get("time")),
        sequencer=_sequencer(Channel.EVENTBRIDGE, entity) if is_ordered else None,
        size=_size(entity.get("size")),
        etag=_identity(entity.get("etag")),
        version_id=_version(entity.get("version-id")),
        copied=detail.get("reason") == "CopyObject",
    )


def _own_hint(message: dict[str, Any]) -> Hint:
    return Hint(
        bucket=_text(message, "bucket"),
        object_name=_key(_text(message, "object_name")),
        change=Change.UNKNOWN,
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage("not JSON") from error


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedMessage(f"{name} is not an object")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedMessage(f"{name} is not a list")
    return value


def _text(parent: dict[str, Any], name: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedMessage(f"{name} is missing")
    return value


def _bucket(parent: dict[str, Any], name: str) -> str:
    bucket = _text(parent, name)
    if not _BUCKET.fullmatch(bucket):
        raise MalformedMessage("not a name of a bucket")
    return bucket


def _unquoted(key: str) -> str:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedMessage("key is not UTF-8") from error


def _key(key: str) -> str:
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        raise MalformedMessage("key is not UTF-8") from error
    if length > limits.KEY_BYTES:
        raise MalformedMessage("key is too long")
    return key


# The rest of an event only saves a look at S3. Where it is not as documented it counts as not told.


def _sequencer(channel: Channel, entity: dict[str, Any]) -> Sequencer | None:
    """Of puts and deletes. Lifecycle rules back-date what they do, so their sequencers order nothing."""
    text = str(entity.get("sequencer") or "")
    return Sequencer.read(channel, text) if _SEQUENCER.fullmatch(text) else None


def _size(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= limits.OBJECT_BYTES else None


def _identity(value: Any) -> str | None:
    text = value.strip('"') if isinstance(value, str) else ""
    return text if _IDENTITY.fullmatch(text) else None


def _version(value: Any) -> str | None:
    return None if value == "null" else _identity(value)


def _time(value: Any) -> "datetime | None":
    try:
        return moment.parse(value)
    except (TypeError, ValueError, OverflowError):
        return None
