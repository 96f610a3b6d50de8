"""Which of many names a bucket has objects of. Where they lie close together a page of the listing tells of
many at once; elsewhere each is looked at."""

from bisect import bisect_right
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.errors import StorageUnavailable
from chalicelib.storage import buckets, listings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chalicelib.model.data import Sight
    from chalicelib.model.lake import Bucket

_WORTH = 13
"""Names that a page must tell of: a LIST costs 12.5 times what a HEAD does."""


def look(bucket: "Bucket", names: "Iterable[str]") -> "dict[str, Sight | None]":
    """What is there of each. None where S3 said that nothing is. Raises StorageUnavailable when it does not
    say of all."""
    asked = set(names)
    found = listed(bucket, asked)
    left = sorted(asked - found.keys())
    found |= dict(zip(left, parallel.for_each(lambda name: _look(bucket, name), left), strict=True))
    if any(found[name] is None for name in left):
        # A bucket that is gone has none of them, either.
        buckets.confirm(bucket)
    return found


def listed(bucket: "Bucket", names: "Iterable[str]") -> "dict[str, Sight | None]":
    """The same, of as many as few pages tell of. Of the others nothing is known."""
    left = sorted(set(names))
    found: dict[str, Sight | None] = {}
    while len(left) >= _WORTH:
        # Nothing can be asked for that stands right before a name. What is shorter by a character does not
        # come after it.
        page = listings.read_page(bucket, _shared(left[0], left[-1]), left[0][:-1], listings.PAGE)
        seen = {each.object_name: each.sight for each in page.objects}
        end = len(left) if page.end is None else bisect_right(left, page.end)
        found |= {name: seen.get(name) for name in left[:end]}
        left = left[end:] if end >= _WORTH else []
    return found


def _shared(first: str, last: str) -> str:
    """What all names between them begin with."""
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((n for n, (one, other) in pairs if one != other), min(len(first), len(last)))]


def _look(bucket: "Bucket", name: str) -> "Sight | None":
    try:
        return buckets.glance(bucket, name)
    except StorageUnavailable:
        # What may not be looked at may still be listed, as by a scan.
        page = listings.read_page(bucket, name, "", 1)
        return next((each.sight for each in page.objects if each.object_name == name), None)
