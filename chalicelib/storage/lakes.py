import time
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING

from chalicelib.errors import UnknownLake
from chalicelib.model import limits, moment
from chalicelib.model.lake import STACK, Lake, lake_id
from chalicelib.storage import aws
from chalicelib.storage.tables import LakeItem

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = [field.name for field in fields(Lake)]
_CACHE_SECONDS = 10
_by_bucket: dict[str, tuple[float, list[Lake]]] = {}


def of_bucket(routing_key: str) -> list[Lake]:
    """Every lake that looks at the bucket. Remembered for a moment, but never that there is none: the events
    of a bucket's first lake must not be taken for somebody else's."""
    known = _by_bucket.get(routing_key)
    if known and time.monotonic() < known[0]:
        return known[1]
    with aws.calling("read lakes"):
        found = _lakes(LakeItem.by_bucket.query(routing_key))
    if found:
        _by_bucket[routing_key] = (time.monotonic() + _CACHE_SECONDS, found)
    return found


def of_organization(organization: str) -> list[Lake]:
    with aws.calling("read lakes"):
        return _lakes(LakeItem.query(organization))


def find(organization: str, id_or_name: str) -> Lake:
    for lake in of_organization(organization):
        if id_or_name in (lake.id, lake.name):
            return lake
    raise UnknownLake(id_or_name)


def create_default(organization: str, bucket: str, bucket_owner: str) -> Lake:
    """The lake that every deploy has. Creating it again leaves the one that is there."""
    lake = Lake(
        id=lake_id(organization, "default"),
        name="default",
        organization=organization,
        connector=STACK,
        bucket=bucket,
        bucket_owner=bucket_owner,
        prefix="",
        shards=limits.SHARDS,
        created_at=moment.rfc3339(moment.now()),
    )
    item = _item(lake)
    with suppress(aws.ConditionFailed), aws.calling("create lake"):
        item.save(condition=LakeItem.id.does_not_exist())
    return lake


def _lakes(items: "Iterable[LakeItem]") -> list[Lake]:
    return [_lake(item) for item in items]


def _item(lake: Lake) -> LakeItem:
    return LakeItem(**{name: getattr(lake, name) for name in _FIELDS} | {"bucket": lake.home.routing_key})


def _lake(item: LakeItem) -> Lake:
    fields = {name: getattr(item, name) for name in _FIELDS}
    return Lake(**fields | {"bucket": item.bucket.rpartition("/")[2]})
