import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


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

    @property
    def home(self) -> Bucket:
        return Bucket(self.bucket, self.bucket_owner, self.organization, self.connector)

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


def is_folder(object_name: str, size: int | None) -> bool:
    """An empty object whose name ends in `/` is what consoles make of a new folder. It is not data."""
    return size == 0 and object_name.endswith("/")
