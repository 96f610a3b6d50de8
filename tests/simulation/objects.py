"""Objects of a bucket that come and go, each with its event, delivered at once."""

from chalicelib.model.lake import Lake
from chalicelib.storage import connectors
from chalicelib.upstream import intake
from tests.simulation.fakes.events import s3_notification
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
        _deliver(world)
    world.calls.clear()
    return [lake.data_id(name) for name in names]


def delete(world: World, lake: Lake, name: str) -> None:
    world.s3.delete_object(Bucket=lake.bucket, Key=name)
    _deliver(world)


def _deliver(world: World) -> None:
    message = {"messageId": "m", "body": s3_notification(world.s3.events[-1])}
    assert intake.receive([message], lambda: 60_000) == {"batchItemFailures": []}
