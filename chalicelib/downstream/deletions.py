"""Objects that are deleted from a lake's bucket. Their records follow as they follow every deletion: by an
event, or by a look."""

from typing import TYPE_CHECKING

from chalicelib.errors import ContentChanged, DeleteNotAllowed, EtagMismatch, HasNoObject
from chalicelib.model.data import Kind
from chalicelib.storage import buckets, connectors, queues

if TYPE_CHECKING:
    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake


def require(lake: "Lake") -> None:
    """Raises DeleteNotAllowed."""
    if not connectors.allows_delete(lake.home):
        raise DeleteNotAllowed


def delete(lake: "Lake", data: "Data", etag: str) -> None:
    """Delete the bytes that the etag names; that they are gone already is no error.

    Raises DeleteNotAllowed, HasNoObject of a link, whose name may be an object's, EtagMismatch when there are
    other bytes, AccessDenied, NotSupported, StorageUnavailable.
    """
    require(lake)
    if data.kind is Kind.LINK:
        raise HasNoObject
    try:
        buckets.delete_object(lake.home, data.object_name, etag)
    except ContentChanged as error:
        raise EtagMismatch from error
    # Buckets may be silent, and an event takes its time.
    queues.send_recheck(lake.home.routing_key, data.object_name)
