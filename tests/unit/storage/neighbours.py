"""Connectors to a bucket of another account, over an AWS in memory."""

from dataclasses import replace
from typing import Any

from chalicelib.model.connector import Connector, ConnectorKind, ConnectorState
from chalicelib.model.lake import Bucket
from chalicelib.storage.secrets import Keys
from tests.simulation.fakes import s3
from tests.simulation.fakes.world import World

ACCOUNT = "210987654321"
ORGANIZATION = "acme"
ARN = f"arn:aws:iam::{ACCOUNT}:role/tidelake"
KEYS = Keys("AKIA1", "secret-1")
OTHER_KEYS = Keys("AKIA2", "secret-2")

BY_KEYS = Connector(
    id="3d0c6b1e-2f47-4c8a-9a55-5f0e2d7c9b11",
    organization=ORGANIZATION,
    name="Photos",
    kind=ConnectorKind.KEYS,
    bucket="photos",
    region="us-east-1",
    secret="tidelake/test/connectors/one",
    revision="r1",
    created_at="2026-03-01T12:00:00.000Z",
)
BY_ROLE = replace(
    BY_KEYS, kind=ConnectorKind.ROLE, secret=None, role_arn=ARN, external_id="told to its owner alone"
)
ELSEWHERE = replace(BY_KEYS, endpoint_url="https://storage.example.com", bucket_owner=None)


def settle(world: World) -> s3.Bucket:
    """The bucket, with the role and the keys that reach it."""
    world.sts.roles[ARN] = BY_ROLE.external_id
    world.sts.keys |= {KEYS.access_key_id: ACCOUNT, OTHER_KEYS.access_key_id: ACCOUNT}
    world.s3.buckets["photos"] = s3.Bucket(ACCOUNT, notifies=False)
    return world.s3.buckets["photos"]


def serving(connector: Connector) -> Connector:
    owner = None if connector.endpoint_url else ACCOUNT
    return replace(connector, state=ConnectorState.ACTIVE, bucket_owner=owner)


def home(connector: Connector) -> Bucket:
    return serving(connector).home


def items(world: World, table: str = "connectors") -> list[dict[str, Any]]:
    return [dict(item) for item in world.dynamodb.tables[table].items.values()]
