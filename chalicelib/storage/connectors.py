"""How a bucket is reached."""

from typing import TYPE_CHECKING, Any

from chalicelib.errors import StorageUnavailable
from chalicelib.model.lake import STACK
from chalicelib.storage import aws

if TYPE_CHECKING:
    from chalicelib.model.lake import Bucket


def s3(bucket: "Bucket") -> Any:
    """A client of S3 with the rights that the bucket's connector has."""
    if bucket.connector != STACK:
        raise StorageUnavailable("reach bucket", "unknown connector")
    return aws.client("s3")
