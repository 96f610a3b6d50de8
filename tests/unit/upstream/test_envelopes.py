import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.model.hint import Change, Channel, Hint, Sequencer
from chalicelib.upstream.envelopes import Envelope, open_envelope
from tests.simulation.fakes import events
from tests.simulation.fakes.events import Event

CREATED = Event(
    name="ObjectCreated:Put",
    bucket="photos",
    key="frames/a.jpg",
    occurred_at=datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC),
    sequencer="0060000000000000AB",
    size=10,
    etag="0cc175b9c0f1b6a831c399e269772661",
    version_id="v1",
)
REMOVED = Event(
    name="ObjectRemoved:Delete",
    bucket="photos",
    key="frames/a.jpg",
    occurred_at=CREATED.occurred_at,
    sequencer="0060000000000000AC",
)
HINT = Hint(
    bucket="photos",
    object_name="frames/a.jpg",
    change=Change.CREATED,
    occurred_at=CREATED.occurred_at,
    sequencer=Sequencer(Channel.S3, "0060000000000000ab"),
    size=10,
    etag=CREATED.etag,
    version_id="v1",
)


def only_hint(body: str) -> Hint:
    envelope = open_envelope(body)
    assert (len(envelope.hints), envelope.ignored, envelope.malformed) == (1, 0, [])
    return envelope.hints[0]


def altered(**changes: Any) -> str:
    """A notification with some of its fields replaced, `s3.object` included; None takes a field away."""
    record = events.s3_record(CREATED)
    for name, value in changes.items():
        home = record["s3"]["object"] if name in ("key", "size", "eTag", "versionId", "sequencer") else record
        home[name] = value
        if value is None:
            del home[name]
    return json.dumps({"Records": [record]})


def test_a_notification_is_understood_whole() -> None:
    assert only_hint(events.s3_notification(CREATED)) == HINT


def test_a_notification_wrapped_by_sns_says_the_same() -> None:
    assert only_hint(events.sns_notification(CREATED)) == HINT


def test_an_eventbridge_event_says_the_same_on_its_own_channel() -> None:
    hint = only_hint(events.eventbridge_event(CREATED))
    assert hint.sequencer == Sequencer(Channel.EVENTBRIDGE, "60000000000000ab")
    assert (hint.object_name, hint.change, hint.size) == (HINT.object_name, HINT.change, HINT.size)
    assert (hint.etag, hint.version_id) == (HINT.etag, HINT.version_id)


def test_every_record_of_a_message_is_a_hint() -> None:
    envelope = open_envelope(events.s3_notification(CREATED, REMOVED))
    assert [hint.change for hint in envelope.hints] == [Change.CREATED, Change.REMOVED]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("a%252Bb", "a%2Bb"),
        ("a%2520b", "a%20b"),
        ("%F0%9F%90%8B.jpg", "🐋.jpg"),
        ("e%CC%81", "e\u0301"),
        ("%C3%A9", "\u00e9"),
        ("..%2Fa//b", "../a//b"),
        ("a%01b", "a\x01b"),
    ],
)
def test_a_key_of_a_notification_is_unquoted_exactly_once(key: str, meant: str) -> None:
    assert only_hint(altered(key=key)).object_name == meant


@pytest.mark.parametrize("key", ["a+b", "a%2Bb", "a b", "é"])
def test_a_key_of_eventbridge_is_taken_as_it_is(key: str) -> None:
    event = json.loads(events.eventbridge_event(CREATED))
    event["detail"]["object"]["key"] = key
    assert only_hint(json.dumps(event)).object_name == key


def test_a_removal_tells_neither_size_nor_etag() -> None:
    hint = only_hint(events.s3_notification(REMOVED))
    assert (hint.change, hint.size, hint.etag) == (Change.REMOVED, None, None)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ObjectCreated:Copy", Change.CREATED),
        ("ObjectCreated:CompleteMultipartUpload", Change.CREATED),
        ("s3:ObjectCreated:Post", Change.CREATED),
        ("ObjectRemoved:DeleteMarkerCreated", Change.REMOVED),
        ("LifecycleExpiration:Delete", Change.REMOVED),
        ("LifecycleExpiration:DeleteMarkerCreated", Change.REMOVED),
    ],
)
def test_what_changes_whether_an_object_is_there_is_a_hint(name: str, change: Change) -> None:
    assert only_hint(altered(eventName=name)).change is change


@pytest.mark.parametrize(
    "name",
    [
        "ObjectRestore:Delete",
        "ObjectRestore:Completed",
        "ObjectTagging:Put",
        "ObjectAcl:Put",
        "Replication:X",
    ],
)
def test_what_leaves_an_object_where_it_is_is_ignored(name: str) -> None:
    assert open_envelope(altered(eventName=name)) == Envelope(ignored=1)


def test_the_message_that_tests_a_connection_is_ignored() -> None:
    assert open_envelope(events.s3_test_event("photos")) == Envelope(ignored=1, tested={"photos"})


def test_an_expired_restore_is_ignored_on_eventbridge_too() -> None:
    event = json.loads(events.eventbridge_event(CREATED)) | {"detail-type": "Object Restore Expired"}
    assert open_envelope(json.dumps(event)) == Envelope(ignored=1)


def test_a_message_without_records_holds_nothing() -> None:
    assert open_envelope('{"Records": []}') == Envelope()


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.6", "2.99", None])
def test_later_minor_versions_are_understood(version: str | None) -> None:
    assert only_hint(altered(eventVersion=version)) == HINT


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "message is not an object"),
        ("{}", "neither an S3 notification nor an EventBridge event"),
        ('{"Records": {}}', "Records is not a list"),
        ('{"Records": ["x"]}', "entry is not an object"),
        ('{"Type": "Notification", "TopicArn": "t", "Message": "x"}', "not JSON"),
        ('{"Type": "Notification", "TopicArn": "t"}', "Message is missing"),
        (altered(eventVersion="3.0"), "eventVersion is not 2.x"),
        (altered(eventSource="aws:other"), "eventSource is not aws:s3"),
        (altered(eventName=None), "eventName is missing"),
        (altered(s3=None), "s3 is not an object"),
        (altered(s3={"object": {"key": "a"}}), "s3.bucket is not an object"),
        (altered(key=None), "key is missing"),
        (altered(key=""), "key is missing"),
        (altered(key=7), "key is missing"),
        (altered(key="%FF"), "key is not UTF-8"),
        (altered(key="\ud800"), "key is not UTF-8"),
        (altered(key="a" * 1025), "key is too long"),
        (altered(key="%C3%A9" * 513), "key is too long"),
        ('{"source": "aws.ec2", "detail-type": "Object Created"}', "source is not aws.s3"),
        ('{"source": "aws.s3", "detail-type": "Object Created"}', "detail is not an object"),
        ('{"source": "tidelake", "bucket": "photos"}', "object_name is missing"),
    ],
)
def test_what_can_never_be_understood_is_told_with_its_reason(body: str, reason: str) -> None:
    assert open_envelope(body) == Envelope(malformed=[reason])


def test_a_key_of_1024_bytes_is_the_longest() -> None:
    assert only_hint(altered(key="%C3%A9" * 512)).object_name == "é" * 512


def test_a_bad_record_does_not_spoil_its_neighbours() -> None:
    good = events.s3_record(CREATED)
    envelope = open_envelope(json.dumps({"Records": [good, {"eventName": "ObjectCreated:Put"}, good]}))
    assert envelope == Envelope(hints=[HINT, HINT], malformed=["s3 is not an object"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", "10"),
        ("size", -1),
        ("size", True),
        ("sequencer", "xyz"),
        ("sequencer", ""),
        ("eTag", 5),
        ("eTag", ""),
        ("versionId", "null"),
        ("eventTime", "yesterday"),
        ("eventTime", "2026-03-01T12:00:00"),
        ("eventTime", 5),
    ],
)
def test_an_odd_detail_counts_as_not_told(field: str, value: object) -> None:
    attribute = {"eTag": "etag", "versionId": "version_id", "eventTime": "occurred_at"}.get(field, field)
    assert getattr(only_hint(altered(**{field: value})), attribute) is None


def test_a_recheck_of_our_own_says_only_where_to_look() -> None:
    body = json.dumps({"source": "tidelake", "bucket": "photos", "object_name": "a+b"})
    assert only_hint(body) == Hint(bucket="photos", object_name="a+b", change=Change.UNKNOWN)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 10**45),
        ("size", True),
        ("eTag", "\ud800"),
        ("eTag", "e" * 200_000),
        ("versionId", "v" * 1025),
        ("sequencer", "a" * 65),
        ("eventTime", "0001-01-01T00:00:00+14:00"),
        ("eventTime", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_what_no_bucket_can_say_counts_as_not_said(field: str, value: object) -> None:
    hint = only_hint(altered(**{field: value}))
    told = {"size": hint.size, "eTag": hint.etag, "versionId": hint.version_id, "sequencer": hint.sequencer}
    assert (told | {"eventTime": hint.occurred_at})[field] is None


@pytest.mark.parametrize("bucket", ["\ud800", "b" * 3000, "a/b", " "])
def test_what_cannot_name_a_bucket_is_malformed(bucket: str) -> None:
    record = events.s3_record(CREATED)
    record["s3"]["bucket"]["name"] = bucket
    assert open_envelope(json.dumps({"Records": [record]})).malformed == ["not a name of a bucket"]
