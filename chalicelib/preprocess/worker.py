"""One delivery of work: bytes → facts and thumbnail → record. Two tiers of memory run the same code."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.downstream.targets import Courier
from chalicelib.errors import AccessDenied, Archived, ContentChanged, NotFetched, StorageUnavailable
from chalicelib.formats import signatures
from chalicelib.model import link
from chalicelib.model.data import Facts, Reason, Status, thumbnail_key
from chalicelib.model.fetch import Fetch
from chalicelib.model.work import Work
from chalicelib.observability import count, logger
from chalicelib.preprocess import headers, origins
from chalicelib.preprocess.headers import Limits
from chalicelib.storage import buckets, queues, records
from chalicelib.storage.aws import CALL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.formats.signatures import Signature
    from chalicelib.model.data import Data, Sight
    from chalicelib.model.lake import Bucket

_RESERVE_MS = 1000 * CALL_SECONDS + 2000
"""What must be left of the invocation before another image is begun: one call that hangs ends what it belongs
to."""

_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Tier:
    """What one of the two functions can take, given the memory that .chalice/config.json gives it."""

    limits: Limits
    decodes: int
    """Of a message's deliveries, the first so many decode the image. A later one came because those failed or
    died, and settles the matter from the header. The queues in infra/resources.yaml deliver at least once
    more."""
    is_last: bool


SMALL = Tier(Limits(pixels=24_000_000, bytes=48 * _MIB), decodes=1, is_last=False)
LARGE = Tier(Limits(pixels=200_000_000, bytes=512 * _MIB), decodes=3, is_last=True)


class Outcome(StrEnum):
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    """The record shows other bytes by now, or they were published before."""
    FORWARDED = "forwarded"
    RECHECKED = "rechecked"
    RETRIED = "retried"


@dataclass(frozen=True, slots=True)
class Finding:
    facts: Facts
    thumbnail: bytes | None = None
    sight: "Sight | None" = None
    points_to: str | None = None
    """The bytes are those of a link to this URL."""


def receive(
    messages: "Sequence[dict[str, Any]]", remaining_ms: "Callable[[], int]", tier: Tier
) -> dict[str, Any]:
    """The answer of ReportBatchItemFailures: the messages that must come again, and only those."""
    outcomes = parallel.for_each(partial(_receive_one, remaining_ms=remaining_ms, tier=tier), messages)
    for outcome in outcomes:
        count(f"Preprocess{outcome.capitalize()}")
    failed = [m for m, outcome in zip(messages, outcomes, strict=True) if outcome is Outcome.RETRIED]
    return {"batchItemFailures": [{"itemIdentifier": message["messageId"]} for message in failed]}


def _receive_one(message: dict[str, Any], remaining_ms: "Callable[[], int]", tier: Tier) -> Outcome:
    if remaining_ms() < _RESERVE_MS:
        return Outcome.RETRIED
    delivery = int(message["attributes"]["ApproximateReceiveCount"])
    try:
        work = Work.decode(message["body"])
        return _look(work) if work.check else _inspect(work, delivery, tier)
    except (StorageUnavailable, AccessDenied, ContentChanged) as error:
        logger.warning("image was not inspected", message_id=message["messageId"], reason=repr(error))
    except Exception:
        logger.exception("image was not inspected", message_id=message["messageId"])
    return Outcome.RETRIED


def _inspect(work: Work, delivery: int, tier: Tier) -> Outcome:
    decode = delivery <= tier.decodes
    try:
        finding = _examine(work, tier.limits, decode=decode)
    except NotFetched as failure:
        finding = _not_had(failure.args[0])
    except ContentChanged:
        if _is_superseded(work):
            # A delivery that crashed after it stored its thumbnail left it behind.
            buckets.delete_artifacts([_thumbnail_key(work)])
            return Outcome.SUPERSEDED
        if decode:
            raise
        return _recheck(work) if tier.is_last else _forward(work)
    except Exception as error:
        if decode:
            raise
        if not tier.is_last:
            return _forward(work)
        if isinstance(error, StorageUnavailable):
            raise
        finding = _give_up(error)
    if finding.points_to:
        return _follow(work, finding.points_to, delivery, tier)
    if finding.facts.status_reason in (Reason.TOO_LARGE, Reason.OUT_OF_RESOURCES) and not tier.is_last:
        return _forward(work)
    return _publish(work, finding)


def _give_up(error: Exception) -> Finding:
    if not isinstance(error, AccessDenied):
        logger.error("image cannot be examined", exc_info=error)
    return _not_had(Reason.ACCESS_DENIED if isinstance(error, AccessDenied) else Reason.CORRUPT)


def _not_had(reason: Reason) -> Finding:
    return Finding(Facts(status=Status.FAILED, status_reason=reason))


def _examine(work: Work, limits: Limits, *, decode: bool) -> Finding:
    """One GET, of which no more is read than it takes."""
    try:
        with origins.opened(work) as source:
            sight, head = source.sight, source.stream.read(signatures.HEAD_BYTES)
            signature = signatures.recognize(head) if head else None
            if signature is None:
                return Finding(signatures.EMPTY, sight=sight)
            if signature.format is None:
                points_to = None if work.is_elsewhere else _target_in(head, signature)
                return Finding(signature.skip(), sight=sight, points_to=points_to)
            header = headers.examine(head, signature.format)
            is_large = not source.is_whole or (sight.size or 0) > limits.bytes
            if is_large or (header.pixels or 0) > limits.pixels:
                return Finding(headers.describe(signature, header, Reason.TOO_LARGE), sight=sight)
            if not decode:
                return Finding(headers.describe(signature, header, Reason.OUT_OF_RESOURCES), sight=sight)
            data = head + source.stream.read()
    except Archived:
        return Finding(Facts(status=Status.SKIPPED, status_reason=Reason.ARCHIVED))
    # Here and not above, as the API's function imports this module and must not wait for Pillow.
    from chalicelib.preprocess import imaging

    rendered = imaging.render(data, signature, limits)
    return Finding(rendered.facts, rendered.thumbnail, sight)


def _publish(work: Work, finding: Finding) -> Outcome:
    if finding.thumbnail:
        buckets.put_thumbnail(_thumbnail_key(work), finding.thumbnail)
    if origins.publish(work, finding.facts, finding.sight, thumbnail=bool(finding.thumbnail)):
        return Outcome.PUBLISHED
    if not _shows_thumbnail(work):
        buckets.delete_artifacts([_thumbnail_key(work)])
    return Outcome.SUPERSEDED


def _forward(work: Work) -> Outcome:
    queues.send_large(work)
    return Outcome.FORWARDED


def _target_in(head: bytes, signature: "Signature") -> str | None:
    return link.url_in_file(head) if signature.content_type == "application/json" else None


def _follow(work: Work, url: str, delivery: int, tier: Tier) -> Outcome:
    """What the record shows is where its bytes say that it is."""
    home = _home(work)
    order = Courier(home.organization).order(url, work, f"{work.data_id}/{work.content}")
    match order:
        case Work():
            return _inspect(order, delivery, tier)
        case Fetch():
            if queues.send_fetches([order]):
                raise StorageUnavailable("send fetch")
            return Outcome.FORWARDED
        case None:
            return _publish(work, _not_had(Reason.REFUSED))


def _look(work: Work) -> Outcome:
    return Outcome.PUBLISHED if origins.look(work) else Outcome.SUPERSEDED


def _recheck(work: Work) -> Outcome:
    """The event that would tell of the other bytes must have been lost."""
    queues.send_recheck(_home(work).routing_key, work.object_name)
    return Outcome.RECHECKED


def _home(work: Work) -> "Bucket":
    """Of what is the record's own."""
    if work.bucket is None:
        raise ValueError("what lies in quarantine has no bucket of its own")
    return work.bucket


def _is_superseded(work: Work) -> bool:
    return not _is_shown(records.read(work.data_id), work)


def _shows_thumbnail(work: Work) -> bool:
    record = records.read(work.data_id)
    return _is_shown(record, work) and bool(record and record.thumbnail)


def _is_shown(record: "Data | None", work: Work) -> bool:
    return bool(record and record.live and record.content == work.content)


def _thumbnail_key(work: Work) -> str:
    return thumbnail_key(work.data_id, work.content)
