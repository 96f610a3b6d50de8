"""Which of many thumbnails are in the artifacts bucket."""

from itertools import batched
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.errors import StorageUnavailable
from chalicelib.storage import aws, buckets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.model.data import Data

_AT_ONCE = 500
"""Neighbours, so that one page of the listing may tell of many of them."""

_DENSE = 12
"""A page of the listing costs as much as looking for so many, and tells of all that lie within it."""


def missing(found: "Iterable[Data]") -> "list[Data]":
    """Those of which the record shows a thumbnail whose file is not there.

    Where these are most of what is in the bucket, it is listed; where they lie far apart among others', each
    is looked for. Raises StorageUnavailable.
    """
    sought = sorted((data for data in found if data.thumbnail), key=_key)
    listed = parallel.for_each(_list, list(batched(sought, _AT_ONCE, strict=False)))
    gone = [data for part, _ in listed for data in part]
    untold = [data for _, part in listed for data in part]
    held = parallel.for_each(buckets.holds_thumbnail, untold)
    return gone + [data for data, is_held in zip(untold, held, strict=True) if not is_held]


def _list(sought: "Sequence[Data]") -> "tuple[list[Data], Sequence[Data]]":
    """Those that are missing, and those that are to be looked for, each by itself."""
    gone: list[Data] = []
    while sought:
        there, end = _page(sought[0])
        told = [data for data in sought if end is None or _key(data) <= end]
        gone += [data for data in told if _key(data) not in there]
        sought = sought[len(told) :]
        if len(told) < _DENSE:
            break
    return gone, sought


def _page(first: "Data") -> tuple[set[str], str | None]:
    """The names from this one on, and the last of which they tell. None: they tell of all."""
    with aws.calling("list thumbnails"):
        # It begins behind a name, and this one is to be among them.
        answer = _artifacts().list_objects_v2(Bucket=config.artifacts_bucket, StartAfter=_key(first)[:-1])
    names = [entry["Key"] for entry in answer.get("Contents", ())]
    if "IsTruncated" not in answer or (answer["IsTruncated"] and not names):
        raise StorageUnavailable("list thumbnails", "half an answer")
    return set(names), names[-1] if answer["IsTruncated"] else None


def _key(data: "Data") -> str:
    return data.thumbnail_key


def _artifacts() -> Any:
    return aws.client("s3")
