"""Objects of a bucket that come and go, each with its event, delivered at once."""

from chalicelib.changes import fold
from chalicelib.model.lake import Lake
from chalicelib.storage import connectors
from chalicelib.upstream import intake
from tests.simulation.fakes.events import s3_notification, s3_test_event
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ORGANIZATION, OWNER, World


def add_lake(world: World, *names: str) -> Lake:
    """The first of these lakes, all on one bucket."""
    world.s3.buckets["photos"] = Bucket(OWNER)
    first, *_ = [world.add_lake(name, "photos", shards=3) for name in names]
    return first


def add_connector(bucket: str) -> None:
    """The stack's own, as every deploy has it."""
    connectors.create_stack(ORGANIZATION, bucket, OWNER, "us-east-1")


def put(world: World, lake: Lake, *names: str, body: bytes = b"12345") -> list[str]:
    """The ids of their records. The calls to AWS that it took are forgotten."""
    for name in names:
        world.s3.put_object(Bucket=lake.bucket, Key=name, Body=body)
        deliver(world)
    world.calls.clear()
    return [lake.data_id(name) for name in names]


def copy(world: World, lake: Lake, name: str, other: str) -> str:
    """Under another name. The id of its record."""
    world.s3.copy_object(Bucket=lake.bucket, Key=other, CopySource={"Bucket": lake.bucket, "Key": name})
    deliver(world)
    return lake.data_id(other)


def delete(world: World, lake: Lake, name: str) -> None:
    world.s3.delete_object(Bucket=lake.bucket, Key=name)
    deliver(world)


def hear(world: World) -> None:
    """What S3 says first to a queue arrives. It comes again where that failed."""
    tests, world.s3.tests = world.s3.tests, []
    for bucket in tests:
        answer = intake.receive([{"messageId": "m", "body": s3_test_event(bucket)}], lambda: 60_000)
        world.s3.tests += [bucket] * len(answer["batchItemFailures"])


def count(world: World) -> None:
    """As `changes` does with the table's stream."""
    changes = world.dynamodb.tables["data"].changes
    for shard in {change.shard for change in changes}:
        records = [change.as_event(["id"]) for change in changes if change.shard == shard]
        fold.receive({"Records": records, "shardId": shard})


def deliver(world: World) -> None:
    message = {"messageId": "m", "body": s3_notification(world.s3.events[-1])}
    assert intake.receive([message], lambda: 60_000) == {"batchItemFailures": []}
