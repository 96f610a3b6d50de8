"""Where the bytes that are looked at come from: a lake's bucket, quarantine, or where a link points to."""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import AccessDenied, Archived, ContentChanged, NotFetched, StorageUnavailable
from chalicelib.model.data import Health, Reason
from chalicelib.observability import logger
from chalicelib.storage import buckets, quarantine, records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.model.data import Data, Facts, Sight
    from chalicelib.model.lake import Bucket
    from chalicelib.model.work import Work
    from chalicelib.storage.buckets import Stream


@dataclass(frozen=True, slots=True)
class Source:
    sight: "Sight"
    stream: "Stream"
    is_whole: bool = True
    """Whether all bytes are there."""


@contextmanager
def opened(work: "Work") -> "Iterator[Source]":
    """Raises NotFetched where a link points to nothing that can be had, ContentChanged when the record's own
    bytes are others, Archived, AccessDenied, StorageUnavailable."""
    try:
        with _opened_in_bucket(work.bucket, work) if work.bucket else _opened_in_quarantine(work) as source:
            yield source
    except ContentChanged as error:
        if work.is_elsewhere:
            raise NotFetched(Reason.NOT_FOUND) from error
        raise


@contextmanager
def _opened_in_bucket(bucket: "Bucket", work: "Work") -> "Iterator[Source]":
    with buckets.open_object(bucket, work.object_name, work.etag) as (sight, stream):
        yield Source(sight, stream)


@contextmanager
def _opened_in_quarantine(work: "Work") -> "Iterator[Source]":
    with quarantine.open(work.object_name) as (arrival, stream):
        if arrival.reason and not arrival.has_head:
            raise NotFetched(arrival.reason)
        yield Source(arrival.sight, stream, is_whole=arrival.reason is None)


def publish(work: "Work", facts: "Facts", sight: "Sight | None", *, thumbnail: bool) -> bool:
    """False when nobody waits for it any more."""
    if not work.is_elsewhere:
        return records.publish(
            work.data_id, work.content, facts, sight, thumbnail=thumbnail, again=work.again
        )
    is_published = records.publish_target(work, facts, sight, thumbnail=thumbnail)
    _discard(work)
    return is_published


def look(work: "Work") -> bool:
    """Record whether a link's target is there, and the same as before. False when nobody waits for it any
    more."""
    data = records.read(work.data_id)
    if data is None or data.content != work.content:
        return False
    is_noted = records.note_health(work.data_id, work.content, _health(work, data))
    _discard(work)
    return is_noted


def _health(work: "Work", data: "Data") -> Health:
    try:
        sight = _sight(work)
    except Archived:
        return Health.OK
    except (NotFetched, AccessDenied):
        return Health.DEAD
    return Health.CHANGED if sight.contradicts(data) else Health.OK


def _sight(work: "Work") -> "Sight":
    with opened(work) as source:
        return source.sight


def _discard(work: "Work") -> None:
    """Quarantined bytes are of no more use. A rule of the bucket removes those that stay behind."""
    if work.bucket:
        return
    try:
        quarantine.remove([work.object_name])
    except StorageUnavailable as error:
        logger.warning("quarantined bytes were not removed", key=work.object_name, reason=str(error))
