import re
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.model import limits
from chalicelib.model.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


STACK = "stack"
"""The connector that every deployment has: its own bucket, by its functions' own rights."""

ARTIFACTS_PREFIX = ".tidelake/"
"""Objects below it are Tidelake's own, and data of no lake."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and by which connector of which organization it is reached."""

    name: str
    owner: str | None
    """The account that must own it, so that a bucket deleted and taken by somebody else is never read. None
    at an S3-compatible endpoint, which knows no accounts."""
    organization: str
    connector: str = STACK

    @property
    def routing_key(self) -> str:
        """What its lakes are found by. In AWS a name is one bucket's; one of the same name elsewhere must get
        none of its events, and no event can name what has a slash in it."""
        return self.name if self.owner else f"{self.connector}/{self.name}"


class Preprocess(StrEnum):
    """When the bytes of an object are looked at."""

    EAGER = "eager"
    """As soon as it is there."""
    LAZY = "lazy"
    """When somebody first asks for it: till then records stay `indexed`."""
    OFF = "off"
    """Never: records stay `indexed`."""


class Notified(StrEnum):
    """Whether a lake hears of what happens in its bucket."""

    CONNECTED = "connected"
    """The bucket tells our queue."""
    EVENTBRIDGE = "eventbridge"
    """The bucket tells EventBridge, and a rule there our queue."""
    PENDING = "pending"
    """The bucket may have been asked to, and nothing has come of it yet."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """A named view of one bucket under one prefix."""

    id: str
    name: str
    organization: str
    connector: str
    bucket: str
    bucket_owner: str | None
    prefix: str
    shards: int
    created_at: str
    metadata_schema: "Mapping[str, Any] | None" = None
    """What custom metadata must be like; see chalicelib/model/schema.py."""
    preprocess: Preprocess = Preprocess.EAGER
    quota: Quota | None = None
    notified: Notified = Notified.CONNECTED
    notified_detail: str | None = None
    """What is to be done where it is not connected, in words."""

    @property
    def home(self) -> Bucket:
        return Bucket(self.bucket, self.bucket_owner, self.organization, self.connector)

    @classmethod
    def read(cls, fields: "Mapping[str, Any]") -> "Lake":
        """A lake of its fields as JSON has them. Those that are not there are as in a lake of old."""
        kinds: dict[str, Callable[[Any], Any]] = {
            "preprocess": Preprocess,
            "notified": Notified,
            "shards": int,
            "quota": Quota.read,
        }
        there = {name: value for name, value in fields.items() if value is not None or name not in kinds}
        return cls(**there | {name: read(there[name]) for name, read in kinds.items() if name in there})

    def holds(self, object_name: str) -> bool:
        return object_name.startswith(self.prefix) and not object_name.startswith(ARTIFACTS_PREFIX)

    def data_id(self, object_name: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.id), object_name))

    def link_id(self, name: str) -> str:
        """In a namespace of its own: no event can mean it, and an object may have the same name."""
        return str(uuid.uuid5(uuid.uuid5(uuid.UUID(self.id), "links"), name))

    def shard(self, data_id: str) -> str:
        return f"{self.id}#{int(data_id[:8], 16) % self.shards}"

    def all_shards(self) -> list[str]:
        return [f"{self.id}#{n}" for n in range(self.shards)]


def lake_id(organization: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"tidelake:{organization}/{name}"))


def normalize_prefix(text: str) -> str:
    """`a`, `/a/` and `a/` are meant to be the folder `a/`. All else is taken as it stands: S3 keys are bytes,
    to which `.`, blanks, a second slash within and other Unicode forms are characters like all others."""
    folder = text.strip("/")
    return f"{folder}/" if folder else ""


def told_prefixes(prefixes: "Iterable[str]") -> list[str]:
    """The fewest prefixes that hold all of these, none of which holds another: what a bucket's notifications
    can be limited to.

    Each is cut where a character comes that S3 has in a filter only in a form of its own, and where they are
    too many, all is told; what is told too much, lakes ignore.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
    """
    found: list[str] = []
    for prefix in sorted({_SPECIAL.split(prefix)[0] for prefix in prefixes}):
        if not (found and prefix.startswith(found[-1])):
            found.append(prefix)
    return found if len(found) <= limits.TOLD_PREFIXES else [""]


_SPECIAL = re.compile(r"[^A-Za-z0-9!_.'()/-]", re.ASCII)


def is_folder(object_name: str, size: int | None) -> bool:
    """An empty object whose name ends in `/` is what consoles make of a new folder. It is not data."""
    return size == 0 and object_name.endswith("/")
