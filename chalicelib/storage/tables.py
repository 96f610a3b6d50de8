"""The tables as PynamoDB sees them; infra/resources.yaml makes them."""

import json
from typing import TYPE_CHECKING, Any

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.config import config
from chalicelib.storage import aws

if TYPE_CHECKING:
    from pynamodb.connection import TableConnection


class _Name:
    """A table's name, read from the configuration when it is first used rather than when it is imported."""

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def __get__(self, instance: object, owner: type) -> str:
        return str(getattr(config, self.setting))


class Table(Model):
    @classmethod
    def _get_connection(cls) -> "TableConnection":
        # PynamoDB makes a session and a client for every model, each some 60 ms of a cold start; one serves
        # all.
        connection = super()._get_connection()
        connection.connection._client = aws.client("dynamodb")
        return connection


class ByCreated(GlobalSecondaryIndex["DataItem"]):
    class Meta:
        index_name = "by_created"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True)
    created_key = UnicodeAttribute(range_key=True)


class ByKey(GlobalSecondaryIndex["DataItem"]):
    """With what a listing of the bucket tells, too, so that the two are compared without reading records."""

    class Meta:
        index_name = "by_key"
        projection = IncludeProjection(["etag", "size"])

    shard = UnicodeAttribute(hash_key=True)
    object_name = UnicodeAttribute(range_key=True)


class ByFilename(GlobalSecondaryIndex["DataItem"]):
    class Meta:
        index_name = "by_filename"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True)
    filename_key = BinaryAttribute(range_key=True, legacy_encoding=False)


class CompactJSONAttribute(JSONAttribute):
    """Without the blanks that cost a record some thirty bytes of its write unit."""

    def serialize(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))


class DataItem(Table):
    """A record with all its attributes stays under 1 KB, one write unit, in the usual case.

    Without `shard` an item is in no index: that is how a tombstone leaves the lists.
    """

    class Meta:
        table_name = _Name("data_table")

    id = UnicodeAttribute(hash_key=True)
    kind = UnicodeAttribute(null=True)
    """None: an object."""
    shard = UnicodeAttribute(null=True)
    gone_from = UnicodeAttribute(null=True)
    """The shard of a tombstone."""
    created_key = UnicodeAttribute(null=True)
    object_name = UnicodeAttribute()
    """Of a link with a mark at its end: it may be called like an object, and only one record can stand in one
    place."""
    filename_key = BinaryAttribute(legacy_encoding=False, null=True)

    state = UnicodeAttribute()
    rev = NumberAttribute()
    op_id = UnicodeAttribute()
    sequencer = UnicodeAttribute(null=True)
    content = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)

    size = NumberAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    version_id = UnicodeAttribute(null=True)
    content_type = UnicodeAttribute(null=True)
    content_encoding = UnicodeAttribute(null=True)
    last_modified = UnicodeAttribute(null=True)
    copied = BooleanAttribute(null=True)
    updated_at = UnicodeAttribute()

    url = UnicodeAttribute(null=True)
    health = UnicodeAttribute(null=True)
    checked_at = UnicodeAttribute(null=True)

    status = UnicodeAttribute(null=True)
    status_reason = UnicodeAttribute(null=True)
    type = UnicodeAttribute(null=True)
    width = NumberAttribute(null=True)
    height = NumberAttribute(null=True)
    orientation = NumberAttribute(null=True)
    channels = NumberAttribute(null=True)
    metadata = CompactJSONAttribute(null=True)
    thumbnail = BooleanAttribute(null=True)
    asked_at = NumberAttribute(null=True)

    tags: Any = UnicodeSetAttribute(null=True)
    source = UnicodeAttribute(null=True)
    description = UnicodeAttribute(null=True)
    custom_metadata = CompactJSONAttribute(null=True)
    edited_metadata = CompactJSONAttribute(null=True)
    edit_id = UnicodeAttribute(null=True)
    heir_of = UnicodeAttribute(null=True)

    by_created = ByCreated()
    by_key = ByKey()
    by_filename = ByFilename()


class ByBucket(GlobalSecondaryIndex["LakeItem"]):
    class Meta:
        index_name = "by_bucket"
        projection = AllProjection()

    bucket = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class LakeItem(Table):
    class Meta:
        table_name = _Name("lakes_table")

    organization = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute()
    connector = UnicodeAttribute()
    bucket = UnicodeAttribute()
    """Its routing key, which ends in its name."""
    bucket_owner = UnicodeAttribute(null=True)
    prefix = UnicodeAttribute()
    shards = NumberAttribute()
    created_at = UnicodeAttribute()
    metadata_schema = JSONAttribute(null=True)
    preprocess = UnicodeAttribute(null=True)
    quota: Any = JSONAttribute(null=True)
    notified = UnicodeAttribute(null=True)
    notified_detail = UnicodeAttribute(null=True)

    by_bucket = ByBucket()


class ConnectorItem(Table):
    class Meta:
        table_name = _Name("connectors_table")

    organization = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute()
    kind = UnicodeAttribute()
    bucket = UnicodeAttribute()
    region = UnicodeAttribute()
    bucket_owner = UnicodeAttribute(null=True)
    endpoint_url = UnicodeAttribute(null=True)
    role_arn = UnicodeAttribute(null=True)
    external_id = UnicodeAttribute(null=True)
    secret = UnicodeAttribute(null=True)
    allow_delete = BooleanAttribute()
    state = UnicodeAttribute()
    state_reason = UnicodeAttribute(null=True)
    grants: Any = UnicodeSetAttribute(null=True)
    lakes: Any = UnicodeSetAttribute(null=True)
    revision = UnicodeAttribute()
    created_at = UnicodeAttribute()
    checked_at = UnicodeAttribute(null=True)


class ConnectorNameItem(Table):
    """What makes a connector's name unique: an item beside it, under the folded name."""

    class Meta:
        table_name = _Name("connectors_table")

    organization = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    holder = UnicodeAttribute()


class LakeNameItem(Table):
    """Beside the lakes, under a partition of its own: that an organization has a lake of this name."""

    class Meta:
        table_name = _Name("lakes_table")

    organization = UnicodeAttribute(hash_key=True)
    """With `#names`."""
    id = UnicodeAttribute(range_key=True)
    """The folded name."""
    lake_id = UnicodeAttribute()


class WatchItem(Table):
    """Beside the lakes, in one partition: which lake looks at which bucket. Unlike an index it is never
    behind."""

    class Meta:
        table_name = _Name("lakes_table")

    organization = UnicodeAttribute(hash_key=True)
    """`#buckets`."""
    id = UnicodeAttribute(range_key=True)
    """The bucket, a slash, and the lake's id."""
    lake_organization = UnicodeAttribute()
    owner = UnicodeAttribute()
    """The account of the bucket."""
    prefix = UnicodeAttribute()


class CounterItem(Table):
    """Of a label. Those of a lake have other attributes and, like their guards, no need of a model."""

    class Meta:
        table_name = _Name("counters_table")

    lake_id = UnicodeAttribute(hash_key=True)
    slot = UnicodeAttribute(range_key=True)
    items = NumberAttribute(null=True)


class JobItem(Table):
    class Meta:
        table_name = _Name("jobs_table")

    organization = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    lake_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    task: Any = JSONAttribute()
    created_at = UnicodeAttribute()
    expires_at = NumberAttribute()
    state = UnicodeAttribute()
    step = NumberAttribute()
    position = UnicodeAttribute(null=True)
    progress: Any = JSONAttribute()
    started_at = UnicodeAttribute(null=True)
    finished_at = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)


class KeyRangeItem(Table):
    class Meta:
        table_name = _Name("ranges_table")

    walk = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    span: Any = JSONAttribute()
    position = UnicodeAttribute()
    done = BooleanAttribute()
    step = NumberAttribute()
    worker = UnicodeAttribute()
    children = NumberAttribute()
    uncalled: Any = JSONAttribute()
    counts: Any = JSONAttribute()
    parts: Any = JSONAttribute()
    expires_at = NumberAttribute()


class WalkItem(Table):
    """Beside its ranges."""

    class Meta:
        table_name = _Name("ranges_table")

    walk = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    """Sorts before those of ranges."""
    spans: Any = JSONAttribute()
    open = NumberAttribute()
    made = NumberAttribute()
    expires_at = NumberAttribute()


class LabelItem(Table):
    class Meta:
        table_name = _Name("labels_table")

    group = UnicodeAttribute(hash_key=True)
    """The lake with the kind, for items by name, or with `id`, for items by id."""
    key = UnicodeAttribute(range_key=True)
    id = UnicodeAttribute()
    name = UnicodeAttribute()
    created_at = UnicodeAttribute()


class TaggingItem(Table):
    """One tag of one record, sorted as in `by_created`."""

    class Meta:
        table_name = _Name("taggings_table")

    tag_shard = UnicodeAttribute(hash_key=True)
    created_key = UnicodeAttribute(range_key=True)
    id = UnicodeAttribute()


class TracesItem(Table):
    """What came, or what went, in one lake and minute, as one batch of the stream told it."""

    class Meta:
        table_name = _Name("traces_table")

    trail = UnicodeAttribute(hash_key=True)
    """The lake, and whether they came or went."""
    entry = UnicodeAttribute(range_key=True)
    """The minute, and who wrote it."""
    traces = BinaryAttribute(legacy_encoding=False)
    """Each of 24 bytes: eight of the content's print, and the id of the record."""
    expires_at = NumberAttribute()


class ByOrganization(GlobalSecondaryIndex["KeyItem"]):
    class Meta:
        index_name = "by_organization"
        projection = AllProjection()

    organization = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class KeyItem(Table):
    class Meta:
        table_name = _Name("keys_table")

    id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    organization = UnicodeAttribute()
    role = UnicodeAttribute()
    secret_hash = UnicodeAttribute()
    created_at = UnicodeAttribute()
    expires_at = UnicodeAttribute(null=True)
    expires_epoch = NumberAttribute(null=True)

    by_organization = ByOrganization()


class OrganizationItem(Table):
    class Meta:
        table_name = _Name("organizations_table")

    name = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute()


class ClaimItem(Table):
    class Meta:
        table_name = _Name("claims_table")

    id = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute()
    nonce = UnicodeAttribute()
    owner = UnicodeAttribute()
    held_until = NumberAttribute()
    answer = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()
