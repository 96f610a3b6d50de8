"""How a bucket is reached."""

from typing import TYPE_CHECKING, Any

from chalicelib.errors import StorageUnavailable
from chalicelib.model.lake import STACK
from chalicelib.storage import aws, lakes

if TYPE_CHECKING:
    from chalicelib.model.lake import Bucket


def holding(organization: str, bucket: str) -> "Bucket | None":
    """The bucket of this name that a connector of the organization reaches. None: none does."""
    homes = (lake.home for lake in lakes.of_organization(organization) if lake.bucket == bucket)
    return next(homes, None)


def s3(bucket: "Bucket") -> Any:
    """A client of S3 with the rights that the bucket's connector has."""
    if bucket.connector != STACK:
        raise StorageUnavailable("reach bucket", "unknown connector")
    return aws.client("s3")
