"""What buckets tell, and whom. A bucket has one document that says so, which others write, too: what is
theirs in it stays as it is, and what is ours follows from the lakes that look at the bucket.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
"""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.config import config
from chalicelib.errors import BeingAnswered, CredentialsRefused, StorageUnavailable, UnknownLake
from chalicelib.model import limits
from chalicelib.model.lake import STACK, Notified, told_prefixes
from chalicelib.observability import logger
from chalicelib.storage import aws, claims, connectors, lakes, queues, rules, transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from chalicelib.model.claim import Claim
    from chalicelib.model.lake import Bucket, Lake

type Entry = dict[str, Any]

_MARK = "tidelake-"
_EVENTS = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*")
_CLAIM = "notifications"
_CLAIM_ATTEMPTS = 9
"""Ten seconds at most: whoever is at it needs one or two."""
_WRITE_ATTEMPTS = 3
_LOOK_SECONDS = 0.5

ASKED = "nothing has been heard of the bucket yet; an empty PATCH asks it again"
_NOT_AWS = "this service cannot tell the queue of its changes"
_NO_BUCKET = "there is no such bucket"
_DENIED = (
    "the connector may not see and change whom the bucket tells: grant s3:GetBucketNotification and"
    " s3:PutBucketNotification on it, then send an empty PATCH"
)
_OVERLAP = (
    "another notification of the bucket is for the same objects and events, and S3 allows one: limit that to"
    " other prefixes, or turn EventBridge on for the bucket, then send an empty PATCH"
)
_UNREACHED = (
    "S3 does not reach the queue from there: the bucket must be in the region of this deployment; if it is,"
    " send an empty PATCH in a minute"
)
_REFUSED = "S3 refuses the connector ({code}): check that, then send an empty PATCH"
_UNREACHABLE = "{reason}; when it is mended, send an empty PATCH"


@dataclass(frozen=True, slots=True)
class Outcome:
    notified: Notified
    detail: str | None = None


_CONNECTED = Outcome(Notified.CONNECTED)
_ASKED = Outcome(Notified.PENDING, ASKED)


def connect(lake: "Lake") -> "Lake":
    """Make the lake's bucket tell of what the lake needs, and wait a moment for the first sign of it. What
    came of that is recorded, and never raised: the lake is there whether its bucket tells or not."""
    if lake.connector == STACK:
        return lake
    try:
        if lake.notified is not Notified.PENDING:
            lake = _note(lake, _ASKED)
        outcome = settle(lake.home)
        return _await(lake) if outcome == _ASKED else _note(lake, outcome)
    except (StorageUnavailable, UnknownLake) as error:
        logger.warning("bucket was not connected", lake_id=lake.id, reason=repr(error))
        return lake


def settle(bucket: "Bucket") -> Outcome:
    """Make the bucket tell what the lakes that look at it need, and nothing else that is ours."""
    if bucket.connector == STACK:
        return _CONNECTED
    if bucket.owner is None:
        return Outcome(Notified.FAILED, _NOT_AWS)
    with _alone() as check_time, aws.calling("change notifications"):
        watches = lakes.watches()
        ours = told_prefixes(each.prefix for each in watches if _bucket_of(each.id) == bucket.name)
        if bucket.owner != _account():
            queues.admit({each.owner for each in watches} - {_account()})
        try:
            return _settle(bucket, ours, check_time)
        except CredentialsRefused as error:
            return Outcome(Notified.FAILED, _UNREACHABLE.format(reason=error.args[-1]))
        except ClientError as error:
            return _refused(error)


def _settle(bucket: "Bucket", prefixes: "Sequence[str]", check_time: "Callable[[], None]") -> Outcome:
    found = _read(bucket)
    if bucket.owner == _account():
        if "EventBridgeConfiguration" in found and prefixes:
            rules.forward(bucket.name, prefixes)
            _write(bucket, found, [], check_time)
            return Outcome(Notified.EVENTBRIDGE)
        rules.stop(bucket.name)
    return _write(bucket, found, [_entry(prefix) for prefix in prefixes], check_time)


def _write(
    bucket: "Bucket",
    found: "Mapping[str, Any]",
    ours: "Sequence[Entry]",
    check_time: "Callable[[], None]",
) -> Outcome:
    outcome = _CONNECTED
    for _ in range(_WRITE_ATTEMPTS):
        entries = found.get("QueueConfigurations", [])
        if _told(filter(_is_ours, entries)) == _told(ours):
            return outcome
        check_time()
        others = [entry for entry in entries if not _is_ours(entry)]
        connectors.s3(bucket).put_bucket_notification_configuration(
            **_where(bucket), NotificationConfiguration={**found, "QueueConfigurations": [*others, *ours]}
        )
        outcome = _ASKED
        # S3 has no conditional write: somebody else may have written at the same time.
        found = _read(bucket)
    raise StorageUnavailable("change notifications", "others change them, too")


def _read(bucket: "Bucket") -> dict[str, Any]:
    found = connectors.s3(bucket).get_bucket_notification_configuration(**_where(bucket))
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def _entry(prefix: str) -> Entry:
    limit = [{"Name": "prefix", "Value": prefix}]
    return {
        "Id": _MARK + sha256(prefix.encode()).hexdigest()[:16],
        "QueueArn": config.events_queue_arn,
        "Events": list(_EVENTS),
    } | ({"Filter": {"Key": {"FilterRules": limit}}} if prefix else {})


def _is_ours(entry: Entry) -> bool:
    return entry["QueueArn"] == config.events_queue_arn and str(entry.get("Id")).startswith(_MARK)


def _told(entries: "Iterable[Entry]") -> set[tuple[str, frozenset[str]]]:
    """What is compared of entries: their id says their prefix."""
    return {(entry["Id"], frozenset(entry["Events"])) for entry in entries}


def _refused(error: ClientError) -> Outcome:
    code, message = aws.error_code(error), error.response["Error"].get("Message", "")
    match code:
        case "AccessDenied":
            return Outcome(Notified.FAILED, _DENIED)
        case "NoSuchBucket":
            return Outcome(Notified.FAILED, _NO_BUCKET)
        case "InvalidArgument":
            return Outcome(Notified.FAILED, _OVERLAP if "overlap" in message.lower() else _UNREACHED)
    if aws.is_passing(error):
        raise error
    return Outcome(Notified.FAILED, _REFUSED.format(code=code))


def _await(lake: "Lake") -> "Lake":
    """Until what S3 says to a queue first has arrived, which upstream records; or not, after a while."""
    deadline = time.monotonic() + limits.NOTIFICATION_SECONDS
    while True:
        there = lakes.read(lake.organization, lake.id)
        if there is None:
            raise UnknownLake(lake.id)
        if there.notified is not Notified.PENDING or time.monotonic() >= deadline:
            return there
        time.sleep(_LOOK_SECONDS)


def _note(lake: "Lake", outcome: Outcome) -> "Lake":
    return lakes.change(lake, {"notified": outcome.notified, "notified_detail": outcome.detail})


@contextmanager
def _alone() -> "Iterator[Callable[[], None]]":
    """One at a time changes what buckets tell. What it yields raises when that may be over soon."""
    claim = _claim()
    end = time.monotonic() + limits.CLAIM_HELD_SECONDS - aws.CALL_SECONDS

    def check_time() -> None:
        if time.monotonic() >= end:
            raise StorageUnavailable("change notifications", "it took too long")

    try:
        yield check_time
    finally:
        claims.release(claim)


def _claim() -> "Claim":
    for attempted in range(_CLAIM_ATTEMPTS):
        try:
            return claims.take(_CLAIM, _CLAIM)
        except BeingAnswered:
            transactions.pause(attempted)
    raise StorageUnavailable("change notifications", "others are at it")


def _account() -> str:
    return config.events_queue_arn.split(":")[4]


def _bucket_of(watch_id: str) -> str:
    return watch_id.partition("/")[0]


def _where(bucket: "Bucket") -> dict[str, str]:
    return {"Bucket": bucket.name, "ExpectedBucketOwner": str(bucket.owner)}
