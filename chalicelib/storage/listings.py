"""Listings of a lake's bucket, in the order of the names, each page beginning behind any name one likes."""

from bisect import bisect_right
from itertools import pairwise
from os.path import commonprefix
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.errors import Hopeless, StorageUnavailable
from chalicelib.model import moment
from chalicelib.model.connector import ConnectorState
from chalicelib.model.data import Sight
from chalicelib.model.listing import Listed, Listing
from chalicelib.storage import aws, connectors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chalicelib.model.keyrange import Span
    from chalicelib.model.lake import Bucket

_REFUSALS = frozenset({"AccessDenied", "AllAccessDisabled", "NoSuchBucket"})

PAGE = 1000
"""Objects in one answer, at most (a limit of S3)."""

_WORTH_A_PAGE = 25
"""Names that a page must tell of: it costs as much as twelve looks at objects, and those need not wait for
one another."""


def read(bucket: "Bucket", span: "Span", *, pages: int = 1) -> Listing:
    """The first objects of the span, as many as so many requests tell of.

    Raises StorageUnavailable where S3 does not say all of it: no access, no bucket, somebody else's bucket,
    no answer, half an answer. Raises Hopeless where the names are not in order: then one that does not come
    is not missing.
    """
    found: list[Listed] = []
    after: str | None = span.after
    for _ in range(pages):
        page = read_page(bucket, span.prefix, after or "", PAGE)
        found += page.objects
        after = page.end
        if after is None or span.ends_with(after):
            return Listing([each for each in found if span.holds(each.object_name)], None)
    return Listing(found, after)


def read_page(bucket: "Bucket", prefix: str, after: str, limit: int) -> Listing:
    """The first objects after a name, at most so many, raising as `read` does."""
    start = {"StartAfter": after} if after else {}
    with aws.calling("list objects"):
        answer = _ask(bucket, Prefix=prefix, MaxKeys=limit, **start)
    found = [_listed(entry) for entry in answer.get("Contents", ())]
    names = [after, *(each.object_name for each in found)]
    if any(one >= next_one for one, next_one in pairwise(names)) or not _begin_with(prefix, names[1:]):
        raise Hopeless("the bucket does not list its objects in the order of their names")
    if "IsTruncated" not in answer or (answer["IsTruncated"] and not found):
        raise StorageUnavailable("list objects", "half an answer")
    return Listing(found, names[-1] if answer["IsTruncated"] else None)


def presence(bucket: "Bucket", names: "Iterable[str]") -> dict[str, bool]:
    """Whether there are objects of these names, for as many of them as few listings tell of. Of the others
    nothing is known."""
    told: dict[str, bool] = {}
    left = sorted(set(names))
    while len(left) >= _WORTH_A_PAGE:
        try:
            prefix = commonprefix(left)  # noqa: RUF071  by characters is what is meant
            # The first name is behind any that it begins with.
            page = read_page(bucket, prefix, left[0][:-1], PAGE)
        except (Hopeless, StorageUnavailable):
            return told
        there = {each.object_name for each in page.objects}
        end = len(left) if page.end is None else bisect_right(left, page.end)
        told |= {name: name in there for name in left[:end]}
        left = left[end:] if end >= _WORTH_A_PAGE else []
    return told


def _ask(bucket: "Bucket", **parameters: Any) -> dict[str, Any]:
    owner = {"ExpectedBucketOwner": bucket.owner} if bucket.owner else {}
    try:
        answer: dict[str, Any] = connectors.s3(bucket).list_objects_v2(
            Bucket=bucket.name, **owner, **parameters
        )
    except ClientError as error:
        if aws.error_code(error) in _REFUSALS:
            reason = "the bucket is not there any more, or may not be listed"
            connectors.report(bucket, ConnectorState.BROKEN, reason)
        raise
    return answer


def _begin_with(prefix: str, names: list[str]) -> bool:
    return not names or (names[0].startswith(prefix) and names[-1].startswith(prefix))


def _listed(entry: dict[str, Any]) -> Listed:
    sight = Sight(
        size=entry["Size"],
        etag=entry["ETag"].strip('"'),
        # HEAD tells whole seconds only.
        last_modified=moment.rfc3339(entry["LastModified"].replace(microsecond=0)),
    )
    return Listed(entry["Key"], sight)
