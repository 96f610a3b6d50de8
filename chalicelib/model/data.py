import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.model import moment
from chalicelib.model.edit import WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.model.hint import Sequencer
    from chalicelib.model.lake import Lake


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class State(StrEnum):
    LIVE = "live"
    ANNOUNCED = "announced"
    """Its bytes are to be uploaded and have not been seen yet, until its time to live ends."""
    GONE = "gone"
    """A tombstone: what is left of a record whose object is gone, until its time to live ends."""


class Status(StrEnum):
    PENDING = "pending"
    """Announced: there are no bytes yet."""
    INDEXED = "indexed"
    """Known by name and size; its bytes have not been looked at yet."""
    READY = "ready"
    SKIPPED = "skipped"
    FAILED = "failed"


class Type(StrEnum):
    IMAGE = "image"
    VIDEO = "video"
    OTHER = "other"


class Kind(StrEnum):
    OBJECT = "object"
    LINK = "link"


class Health(StrEnum):
    """What was found where a link points to, when it was last looked at."""

    OK = "ok"
    DEAD = "dead"
    CHANGED = "changed"
    """Something else is there than when it was fetched."""


class Reason(StrEnum):
    """Why a record is `skipped` or `failed`."""

    UNSUPPORTED_TYPE = "unsupported_type"
    ARCHIVED = "archived"
    EMPTY = "empty"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    ACCESS_DENIED = "access_denied"
    OUT_OF_RESOURCES = "out_of_resources"
    """Earlier attempts to decode it ran out of memory or time."""
    REFUSED = "refused"
    """The link points, or was sent on, to where nothing is ever fetched from."""
    NOT_FOUND = "not_found"
    UNREACHABLE = "unreachable"
    """Its host is not known, does not answer, or cannot prove who it is."""
    TOO_SLOW = "too_slow"
    BAD_ANSWER = "bad_answer"
    """An error of its host, or nothing that HTTP allows or that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the bytes of an object say. Width and height are as displayed, orientation applied."""

    status: Status
    status_reason: Reason | None = None
    type: Type | None = None
    """None when the bytes could not be had."""
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    orientation: int | None = None
    channels: int | None = None
    metadata: "Mapping[str, Any]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What S3, or the host of a link, says about what is there, without its bytes. None where the source did
    not tell."""

    size: int | None
    etag: str | None
    version_id: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    last_modified: str | None = None

    def contradicts(self, data: "Data") -> bool:
        """Whether anything that is known of both is another."""
        pairs = (
            (self.size, data.size),
            (self.etag, data.etag),
            (self.last_modified, data.last_modified),
        )
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)

    def same_content(self, data: "Data") -> bool:
        """The same bytes put again count as others: their type or encoding may be another."""
        return (
            self.etag == data.etag
            and self.size == data.size
            and (self.version_id is None or data.version_id in (None, self.version_id))
            and (self.last_modified is None or data.last_modified in (None, self.last_modified))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """One item of a lake, as it is recorded: an object of its bucket, or a link.

    `rev`, `op_id`, `sequencer`, `content` and everything that S3 said belong to the sync protocol
    (chalicelib/upstream/check.py). `content` names the write that first saw the present bytes; derived files
    carry it in their name, so a late worker can never publish for bytes that are no longer there.
    """

    id: str
    shard: str
    object_name: str
    kind: Kind = Kind.OBJECT
    state: State = State.LIVE
    rev: int = 1
    op_id: str
    sequencer: "Sequencer | None"
    content: str
    size: int | None
    """Of a link: as its target was when it was fetched, and so are `etag` and `last_modified`."""
    etag: str | None
    version_id: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    last_modified: str | None = None
    url: str | None = None
    """Where a link points to, or what the bytes of an object say that it points to."""
    health: Health | None = None
    checked_at: str | None = None
    created_at: str
    updated_at: str
    status: Status = Status.INDEXED
    status_reason: Reason | None = None
    type: Type | None = None
    width: int | None = None
    height: int | None = None
    orientation: int | None = None
    channels: int | None = None
    metadata: "Mapping[str, Any]" = field(default_factory=dict)
    """What the bytes say, and over it what people wrote."""
    thumbnail: bool = False
    tags: "frozenset[str]" = frozenset()
    """Ids, and so is `source`: what they are called is the labels' matter."""
    source: str | None = None
    description: str | None = None
    custom_metadata: "Mapping[str, Any]" = field(default_factory=dict)
    edited_metadata: "Mapping[str, Any]" = field(default_factory=dict)
    """What people wrote of `metadata`; None where they want nothing to be said."""
    edit_id: str | None = None
    """Names the last edit of description, source or metadata."""
    expires_at: int | None = None
    """Seconds since the epoch, of tombstones and of what is announced."""

    @property
    def lake_id(self) -> str:
        return self.shard.rpartition("#")[0]

    @property
    def filename(self) -> str:
        return self.object_name.rpartition("/")[2]

    @property
    def thumbnail_key(self) -> str:
        return thumbnail_key(self.id, self.content)

    @property
    def live(self) -> bool:
        return self.state is State.LIVE

    @property
    def announced(self) -> bool:
        """False as soon as its time is over: DynamoDB takes until some days later to remove it."""
        is_over = self.expires_at is not None and self.expires_at <= moment.now().timestamp()
        return self.state is State.ANNOUNCED and not is_over

    @property
    def shown(self) -> bool:
        """Whether people see it, and may write of it."""
        return self.live or self.announced

    def shown_in(self, lake_id: str) -> bool:
        return self.shown and self.lake_id == lake_id

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do for the present content."""
        return not self.live or self.status is not Status.INDEXED


def first_record(
    lake: "Lake", object_name: str, sight: Sight, sequencer: "Sequencer | None", op_id: str
) -> Data:
    data_id, now = lake.data_id(object_name), moment.rfc3339(moment.now())
    return Data(
        id=data_id,
        shard=lake.shard(data_id),
        object_name=object_name,
        op_id=op_id,
        sequencer=sequencer,
        content=op_id,
        size=sight.size,
        etag=sight.etag,
        version_id=sight.version_id,
        content_type=sight.content_type,
        content_encoding=sight.content_encoding,
        last_modified=sight.last_modified,
        created_at=now,
        updated_at=now,
    )


def announced_record(
    lake: "Lake",
    object_name: str,
    before: Data | None,
    *,
    size: int,
    content_type: str | None,
    expires_at: int,
    op_id: str,
) -> Data:
    """What is known of an object before its bytes are. What a tombstone kept is there again."""
    data_id, now = lake.data_id(object_name), moment.rfc3339(moment.now())
    kept: dict[str, Any] = {"sequencer": None}
    if before:
        kept = {name: getattr(before, name) for name in ("sequencer", "tags", "edit_id", *WRITTEN)}
    return Data(
        id=data_id,
        shard=lake.shard(data_id),
        object_name=object_name,
        state=State.ANNOUNCED,
        rev=before.rev + 1 if before else 1,
        op_id=op_id,
        content="",
        size=size,
        etag=None,
        content_type=content_type,
        created_at=(before and before.created_at) or now,
        updated_at=now,
        status=Status.PENDING,
        expires_at=expires_at,
        **kept,
    )


def first_link(lake: "Lake", name: str, url: str, content_type: str | None, op_id: str) -> Data:
    data_id, now = lake.link_id(name), moment.rfc3339(moment.now())
    return Data(
        id=data_id,
        shard=lake.shard(data_id),
        object_name=name,
        kind=Kind.LINK,
        op_id=op_id,
        sequencer=None,
        content=op_id,
        size=None,
        etag=None,
        content_type=content_type,
        url=url,
        created_at=now,
        updated_at=now,
    )


def is_id(text: str) -> bool:
    """Whether any record could have it."""
    return bool(_ID.fullmatch(text))


def overlay(extracted: "Mapping[str, Any]", edited: "Mapping[str, Any]") -> dict[str, Any]:
    """What a person wrote wins over what the bytes say."""
    return {name: value for name, value in {**extracted, **edited}.items() if value is not None}


def thumbnail_key(data_id: str, content: str) -> str:
    return f"{data_id}/{content}.webp"
