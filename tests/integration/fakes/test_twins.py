"""This project's own calls, in random order, answered by the fakes and by MiniStack."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import TidelakeError
from chalicelib.jobs import scans, syncs
from chalicelib.model import moment
from chalicelib.model.connector import Connector, ConnectorKind, ConnectorState
from chalicelib.model.data import Data, Facts, Reason, Sight, Status, Type, first_record
from chalicelib.model.hint import Channel, Sequencer
from chalicelib.model.job import JobState
from chalicelib.model.lake import Bucket, Lake
from chalicelib.model.work import Work
from chalicelib.storage import (
    buckets,
    connectors,
    counters,
    inheritance,
    jobs,
    lakes,
    listings,
    queues,
    records,
    shards,
    sheets,
    taggings,
    traces,
    transactions,
)
from tests.integration.fakes.conftest import BUCKETS, Twins
from tests.simulation.fakes.world import ORGANIZATION, OWNER
from tests.simulation.shift import work

KEYS = ["a.jpg", "b c.jpg", "d+e.jpg", "frames/é.jpg", "frames/🐋"]
ODD_KEYS = ["\x01", "\uffff", "\U0010ffff"]
FACTS = [
    Facts(status=Status.READY, type=Type.IMAGE, width=4, height=3, metadata={"iso": 100, "make": "é"}),
    Facts(status=Status.SKIPPED, type=Type.OTHER, status_reason=Reason.UNSUPPORTED_TYPE),
    Facts(status=Status.FAILED, type=Type.IMAGE, status_reason=Reason.CORRUPT),
]

pytestmark = pytest.mark.parametrize("seed", range(3))


@pytest.fixture
def lake(twins: Twins) -> Lake:
    return lakes.create_default(ORGANIZATION, next(iter(BUCKETS)), OWNER)


def test_records_are_written_and_read_alike(twins: Twins, lake: Lake, seed: int) -> None:
    random = Random(seed)
    seen: dict[str, Data | None] = {}

    def draft(key: str) -> Data:
        return first_record(lake, key, sight(random), sequencer(random), moment.new_op_id())

    def insert() -> None:
        records.insert_absent([draft(key) for key in random.sample(KEYS, random.randint(1, 4))])

    def read(key: str) -> None:
        seen[key] = records.read(lake.data_id(key))

    def write_live(key: str) -> None:
        records.write_live(lake, key, seen.get(key), sight(random), sequencer(random), moment.new_op_id())

    def write_gone(key: str) -> None:
        records.write_gone(lake, key, seen.get(key), sequencer(random), moment.new_op_id())

    def publish(key: str) -> None:
        before = seen.get(key)
        content = before.content if before else "another"
        facts, seeing = random.choice(FACTS), random.choice([sight(random), None])
        records.publish(lake.data_id(key), content, facts, seeing, thumbnail=facts.status is Status.READY)

    def ask() -> None:
        known = [data for data in seen.values() if data]
        asked = random.sample(known, min(len(known), random.randint(1, 3)))
        if asked:
            records.note_asked(asked, random.choice([None, 1, 2]))

    def read_many() -> None:
        records.read_many([lake.data_id(key) for key in random.sample(KEYS, 3)])

    def list_page() -> None:
        order, descending = random.choice(list(records.Order)), random.choice([True, False])
        span = records.span(order, random.choice(["", "frames/"]) if order == "object_name" else "")
        with patch.object(shards, "share", lambda *_: random.choice([1, 9])):
            records.positions(lake, order, [span], descending=descending, limit=random.choice([1, 2, 9]))

    anything = [insert, ask, read_many, list_page]
    about_a_key = [read, read, write_live, write_gone, publish]
    for _ in range(60):
        if random.random() < 0.3:
            random.choice(anything)()
        else:
            random.choice(about_a_key)(random.choice(KEYS))
        twins.world.clock += 1
    assert twins.compared > 60


def test_what_people_wrote_is_passed_on_and_traced_alike(twins: Twins, lake: Lake, seed: int) -> None:
    random = Random(seed)

    def observe(key: str) -> None:
        before, op_id = records.read(lake.data_id(key)), moment.new_op_id()
        if before and before.live:
            records.write_gone(lake, key, before, None, op_id)
        else:
            records.write_live(lake, key, before, sight(random), None, op_id)

    def tag(key: str) -> None:
        taggings.attach(lake.id, frozenset(random.sample(["car", "van"], 1)), [lake.data_id(key)])

    def pass_on(key: str) -> None:
        left, heir = (records.read(lake.data_id(name)) for name in (key, random.choice(KEYS)))
        if left and heir and left.id != heir.id:
            if random.random() < 0.3:
                tag(heir.object_name)
            inheritance.pass_on([inheritance.Succession(left, heir, random.random() < 0.5)], 100)
            for before in (left, heir):
                taggings.abandon(before)

    def trace(key: str) -> None:
        if data := records.read(lake.data_id(key)):
            side, own = random.choice(list(traces.Side)), traces.trace(data)
            traces.write(lake.id, side, [own], random.choice(["one", "two"]))
            traces.read(lake.id, side, {own.print}, own.minute, own.minute)

    for _ in range(50):
        attempt(partial(random.choice([observe, tag, pass_on, trace]), random.choice(KEYS)))
        twins.world.clock += random.choice([1, 60])
    assert twins.compared > 60


def test_walks_list_compare_cut_and_end_alike(
    twins: Twins, lake: Lake, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    monkeypatch.setattr(listings, "PAGE", 3)
    monkeypatch.setattr(scans, "PAGES", 2)
    monkeypatch.setattr(syncs, "PAGES", 2)
    for key in [*KEYS, *(f"{random.randrange(10**6)}" for _ in range(20)), *ODD_KEYS]:
        twins.ask("s3", "PutObject", Bucket=lake.bucket, Key=key, Body=b"1", ContentType="image/jpeg")
    jobs.begin_scan(lake)
    jobs.begin_sync(lake)
    work(twins.world, queue="walks")
    assert [job.state for job in jobs.page(ORGANIZATION, lake.id, None, None, 9)] == [JobState.SUCCEEDED] * 2
    assert len(twins.world.dynamodb.tables["data"].items) == 28
    assert [each.name for each in lakes.every()] == ["default"]
    for key in ODD_KEYS:
        twins.ask("s3", "DeleteObject", Bucket=lake.bucket, Key=key)


def test_counters_are_added_and_guarded_alike(twins: Twins, lake: Lake, seed: int) -> None:
    random = Random(seed)
    for _ in range(25):
        first = random.randint(1, 400)
        changes = {name: random.randint(-5, 5) for name in random.sample(["items", "bytes", "type:image"], 2)}
        ids = random.sample([lake.id, "another", "third"], random.randint(0, 3))
        shard = random.choice(["one", "two"])
        counters.add(shard, str(first), str(first + random.randint(0, 30)), dict.fromkeys(ids, changes))
        counters.read(lake.id)
        twins.world.clock += 1


def test_connectors_are_kept_and_joined_alike(twins: Twins, seed: int) -> None:
    random = Random(seed)

    def known() -> Connector:
        return random.choice(connectors.of_organization(ORGANIZATION) or [connector(random)])

    def create() -> None:
        connectors.create(connector(random))

    def change() -> None:
        before = known()
        other = {"name": random.choice("ab"), "state_reason": random.choice(["x", None])}
        connectors.change(before, replace(before, **other, allow_delete=random.choice([True, False])))

    def join() -> None:
        transactions.write("join", [connectors.join(known(), random.choice("xy"))])

    def leave() -> None:
        transactions.write("leave", [connectors.leave(ORGANIZATION, known().id, random.choice("xy"))])

    def delete() -> None:
        connectors.delete(known())

    def find() -> None:
        connectors.find(ORGANIZATION, random.choice("abc"))

    for _ in range(40):
        with suppress(TidelakeError, transactions.ConditionsFailed):
            random.choice([create, create, change, join, join, leave, delete, find])()
    assert twins.compared > 60


def connector(random: Random) -> Connector:
    return Connector(
        id=f"c{random.randint(0, 2)}",
        organization=ORGANIZATION,
        name=random.choice("ab"),
        kind=ConnectorKind.ROLE,
        bucket="photos",
        region="us-east-1",
        state=ConnectorState.ACTIVE,
        revision=moment.new_op_id(),
        created_at="",
    )


def test_objects_are_seen_alike(twins: Twins, seed: int) -> None:
    random = Random(seed)

    def change(bucket: str, key: str) -> None:
        objects = twins.world.s3.buckets[bucket].objects
        what = random.choice(["put", "put", "delete", "delete version"])
        if what == "put":
            body = random.choice([b"", b"1", b"22"])
            # Without a type S3 says binary/octet-stream, MiniStack application/octet-stream.
            twins.ask("s3", "PutObject", Bucket=bucket, Key=key, Body=body, ContentType="image/jpeg")
        elif what == "delete":
            twins.ask("s3", "DeleteObject", Bucket=bucket, Key=key)
        elif BUCKETS[bucket] and key in objects:
            version = random.choice(objects[key])
            twins.ask("s3", "DeleteObject", Bucket=bucket, Key=key, VersionId=version.id)

    def delete_as_seen(bucket: str, key: str) -> None:
        versions = twins.world.s3.buckets[bucket].objects.get(key)
        etag = random.choice([versions[-1].etag, "other"]) if versions else "other"
        buckets.delete_object(buckets_of(bucket), key, etag)
        # Without the look before.
        twins.ask("s3", "DeleteObject", Bucket=bucket, Key=key, IfMatch=f'"{etag}"')

    def look(bucket: str, key: str) -> None:
        buckets.look(buckets_of(bucket), key)

    def read(bucket: str, key: str) -> None:
        versions = twins.world.s3.buckets[bucket].objects.get(key)
        etag = random.choice([versions[-1].etag, "other"]) if versions else "other"
        with buckets.open_object(buckets_of(bucket), key, etag) as (_, stream):
            stream.read()

    def list_page(bucket: str, _: str) -> None:
        twins.ask("s3", "ListObjectsV2", Bucket=bucket, Prefix=random.choice(["", "frames/"]), MaxKeys=2)

    for _ in range(70):
        act = random.choice([change, change, look, read, list_page, delete_as_seen])
        attempt(lambda: act(random.choice(list(BUCKETS)), random.choice(KEYS)))  # noqa: B023
    attempt(lambda: look("no-such-bucket-of-twins", "a"))
    attempt(lambda: read_missing("no-such-bucket-of-twins"))


def test_derived_files_are_stored_and_removed_alike(twins: Twins, seed: int) -> None:
    random = Random(seed)
    for _ in range(12):
        if random.random() < 0.5:
            buckets.put_thumbnail(random.choice(KEYS), b"bytes")
        else:
            buckets.delete_artifacts(random.sample(KEYS, 2))
        twins.ask("s3", "ListObjectsV2", Bucket="artifacts")


def test_files_of_imports_are_kept_read_and_joined_alike(twins: Twins, seed: int) -> None:
    random = Random(seed)
    assert sheets.look("job") is None
    sheets.put("job", "URL\r\né\n" * 100)
    there = sheets.look("job")
    assert there is not None
    for _ in range(8):
        at, etag = random.randrange(1000), random.choice([there.etag, '"other"'])
        attempt(partial(sheets.read, "job", etag, at, random.randint(1, 2000)))
    plans = [sheets.settle_plan("job", number, text) for number, text in ((1, "a"), (1, "b"), (2, "c"))]
    assert plans == ["a", "a", "c"]
    bodies = ["x" * random.choice([0, 10, 5 * 1024**2, 9 * 1024**2]) for _ in range(3)]
    names = [f"{number:06}" for number in range(3)]
    for name, body in zip(names, bodies, strict=True):
        sheets.put_part("job", name, body)
    assert sheets.parts("job") == names
    sheets.join("job", "head", sheets.read_parts("job", names))
    joined = twins.ask("s3", "GetObject", Bucket="artifacts", Key="imports/job/report.csv")["Body"].read()
    assert joined == ("head" + "".join(bodies)).encode()
    attempt(lambda: sheets.join("job", "head", sheets.read_parts("job", [*names, "none"])))


def test_objects_are_put_on_conditions_alike(twins: Twins, seed: int) -> None:
    random, home = Random(seed), buckets_of("photos-of-twins")

    def put(key: str, body: bytes, *, replaces: bool) -> None:
        buckets.put_object(home, key, body, "image/png", replaces=replaces)

    for _ in range(12):
        how = {"replaces": random.choice([True, False])}
        attempt(partial(put, random.choice(KEYS), random.choice([b"1", b"22"]), **how))
        buckets.look(home, random.choice(KEYS))


def test_messages_are_taken_alike(twins: Twins, seed: int) -> None:
    random = Random(seed)
    home = buckets_of("photos")
    for _ in range(6):
        work = [Work(f"{n}", home, random.choice(KEYS), "etag", "op") for n in range(random.randint(1, 23))]
        assert queues.send_preprocess(work) == []
        queues.send_large(work[0])
        queues.send_recheck("photos", random.choice(KEYS))
        queues.park("{", "not JSON")
    for entries in ([], [entry(n) for n in range(11)], [entry(1), entry(1)]):
        attempt(lambda: twins.ask("sqs", "SendMessageBatch", QueueUrl="preprocess", Entries=entries))  # noqa: B023


def test_buckets_tell_alike(twins: Twins, seed: int) -> None:
    random = Random(seed)
    [bucket, *_] = BUCKETS
    here = {"Bucket": bucket, "ExpectedBucketOwner": OWNER}
    arn = f"arn:aws:sqs:us-east-1:{OWNER}:events"
    admitted = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": [OWNER]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [admitted]})
    twins.ask("sqs", "SetQueueAttributes", QueueUrl="events", Attributes={"Policy": policy})
    for _ in range(6):
        entries = [
            {
                "Id": prefix,
                "QueueArn": arn,
                "Events": ["s3:ObjectCreated:*", "s3:LifecycleExpiration:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
            }
            for prefix in random.sample(["a/", "b/", "c/"], random.randint(0, 2))
        ]
        wanted = {"QueueConfigurations": entries} | random.choice([{}, {"EventBridgeConfiguration": {}}])
        attempt(
            lambda: twins.ask(
                "s3",
                "PutBucketNotificationConfiguration",
                **here,
                NotificationConfiguration=wanted,  # noqa: B023
            )
        )
        twins.ask("s3", "GetBucketNotificationConfiguration", **here)


def test_expressions_mean_the_same(twins: Twins, seed: int) -> None:
    random = Random(seed)
    for _ in range(150):
        attempt(lambda: twins.ask("dynamodb", "UpdateItem", **random_update(random)))
        attempt(lambda: twins.ask("dynamodb", "GetItem", TableName="counters", Key=counter(random)))


def random_update(random: Random) -> dict[str, Any]:
    condition = random.choice(
        [
            "attribute_not_exists(#a)",
            "attribute_exists(#a) AND #b = :b",
            "#a = :a OR #b < :b",
            "(#a = :a AND #b = :b) OR attribute_not_exists(#b)",
            "#a BETWEEN :a AND :b",
            "#a < :a",
            "attribute_not_exists(#a) OR #a <> :a",
        ]
    )
    update = random.choice(
        [
            "SET #a = :a, #b = :b",
            "SET #a = if_not_exists(#a, :a) REMOVE #b",
            "ADD #n :n",
            "SET #b = :b ADD #n :n",
            "REMOVE #a, #b",
            "SET #a = :a REMOVE #b ADD #n :n",
        ]
    )
    used = f"{condition} {update}"
    names = {f"#{letter}": letter for letter in "abn" if f"#{letter}" in used}
    # Of one type: BETWEEN with bounds of two is refused by AWS, and never true for MiniStack.
    kind = random.choice([[{"S": "x"}, {"S": "é"}, {"S": "y"}], [{"N": "1"}, {"N": "10"}, {"N": "9.5"}]])
    values: dict[str, Any] = {f":{letter}": random.choice(kind) for letter in "ab" if f":{letter}" in used}
    values |= {":n": {"N": str(random.randint(-3, 3))}} if ":n" in used else {}
    return {
        "TableName": "counters",
        "Key": counter(random),
        "UpdateExpression": update,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ReturnValues": "ALL_NEW",
    } | ({"ExpressionAttributeValues": values} if values else {})


def counter(random: Random) -> dict[str, Any]:
    return {"lake_id": {"S": random.choice("xy")}, "slot": {"S": random.choice("01")}}


def sight(random: Random) -> Sight:
    etag = random.choice("ef")
    return Sight(
        size=1, etag=etag, version_id=random.choice([None, "v1"]), last_modified="2026-03-01T00:00:00.000Z"
    )


def sequencer(random: Random) -> Sequencer | None:
    return random.choice([None, Sequencer(Channel.S3, "ab"), Sequencer(Channel.EVENTBRIDGE, "ac")])


def entry(number: int) -> dict[str, str]:
    return {"Id": str(number), "MessageBody": "body"}


def buckets_of(name: str) -> Bucket:
    return Bucket(name, OWNER, "default")


def read_missing(name: str) -> None:
    with buckets.open_object(buckets_of(name), "a", "etag"):
        raise RuntimeError("a bucket that is not there was opened")


def attempt(act: Callable[[], object]) -> None:
    """What is refused is compared, too."""
    with suppress(ClientError, TidelakeError):
        act()
