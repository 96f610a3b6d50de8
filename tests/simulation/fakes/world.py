"""All of AWS that this project uses, in memory, behind the one function of botocore that every call goes
through."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID

from botocore import xform_name
from botocore.client import BaseClient

from chalicelib import observability
from chalicelib.config import config
from chalicelib.model import moment
from chalicelib.model.lake import Lake, lake_id
from chalicelib.storage import connectors, labels, lakes, notifications, reaches, transactions
from tests.simulation.fakes.accounts import OWN_KEY, STS
from tests.simulation.fakes.dynamodb import DynamoDB, Index, Shape, Table, decoded
from tests.simulation.fakes.eventbridge import EventBridge
from tests.simulation.fakes.s3 import S3, Bucket
from tests.simulation.fakes.secrets import SecretsManager
from tests.simulation.fakes.sqs import SQS, Queue

OWNER = "000000000000"
ORGANIZATION = "default"
ARTIFACTS = "artifacts"
START = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()

_SETTINGS = {
    "DATA_TABLE": "data",
    "LAKES_TABLE": "lakes",
    "CONNECTORS_TABLE": "connectors",
    "CONNECTOR_SECRETS": "tidelake/test/connectors/",
    "TRUSTED_ROLES": f"arn:aws:iam::{OWNER}:role/tidelake-test-*",
    "KEYS_TABLE": "keys",
    "ORGANIZATIONS_TABLE": "organizations",
    "CLAIMS_TABLE": "claims",
    "COUNTERS_TABLE": "counters",
    "LABELS_TABLE": "labels",
    "TAGGINGS_TABLE": "taggings",
    "TRACES_TABLE": "traces",
    "JOBS_TABLE": "jobs",
    "RANGES_TABLE": "ranges",
    "RANGES_AT_ONCE": "4",
    "ARTIFACTS_BUCKET": ARTIFACTS,
    "EVENTS_QUEUE": "events",
    "EVENTS_QUEUE_ARN": f"arn:aws:sqs:us-east-1:{OWNER}:tidelake-test-events",
    "EVENTS_DEAD_LETTERS": "events-dead-letters",
    "PREPROCESS_QUEUE": "preprocess",
    "PREPROCESS_LARGE_QUEUE": "preprocess-large",
    "FETCHES_QUEUE": "fetches",
    "JOBS_QUEUE": "jobs",
    "WALKS_QUEUE": "walks",
    "WORKERS": "1",
    "SIGNING_KEY": "a secret of the stack",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": OWN_KEY,
    "AWS_SECRET_ACCESS_KEY": "nothing",
}
_SHARD_INDEX = {
    "by_created": Index(("shard", "created_key")),
    "by_key": Index(("shard", "object_name"), projects=("etag", "size")),
    "by_filename": Index(("shard", "filename_key")),
}
_TABLES = {
    "data": Shape(("id",), _SHARD_INDEX, expiry="expires_at", shards=3),
    "lakes": Shape(("organization", "id"), {"by_bucket": Index(("bucket", "id"), projects_all=True)}),
    "connectors": Shape(("organization", "id")),
    "organizations": Shape(("name",)),
    "keys": Shape(
        ("id",),
        {"by_organization": Index(("organization", "id"), projects_all=True)},
        expiry="expires_epoch",
    ),
    "claims": Shape(("id",), expiry="expires_at"),
    "counters": Shape(("lake_id", "slot"), expiry="expires_at"),
    "labels": Shape(("group", "key")),
    "taggings": Shape(("tag_shard", "created_key")),
    "traces": Shape(("trail", "entry"), expiry="expires_at"),
    "jobs": Shape(("organization", "id"), expiry="expires_at"),
    "ranges": Shape(("walk", "id"), expiry="expires_at"),
}
_QUEUES = {"events": 8, "preprocess": 3, "preprocess-large": 4, "fetches": 5, "jobs": 9, "walks": 9}


@dataclass(frozen=True, slots=True)
class Request:
    service: str
    operation: str
    parameters: Mapping[str, Any]
    access_key: str = OWN_KEY
    """Whose call it is."""


@dataclass(slots=True)
class World:
    clock: float = START
    s3: S3 = field(init=False)
    sqs: SQS = field(init=False)
    dynamodb: DynamoDB = field(init=False)
    sts: STS = field(default_factory=lambda: STS(OWNER))
    secretsmanager: SecretsManager = field(default_factory=SecretsManager)
    events: EventBridge = field(default_factory=EventBridge)
    calls: list[Request] = field(default_factory=list)
    metrics: Counter[str] = field(default_factory=Counter)
    interpose: "Callable[[Request], Any] | None" = None
    """Whoever wants to decide what becomes of a call: it answers, raises, or calls `perform`."""
    meanwhile: "Callable[[], object]" = lambda: None
    """What others do while somebody waits."""
    new_op_id: Callable[[], str] = field(init=False)
    new_token: Callable[[], str] = field(init=False)
    """Of a transaction: botocore makes one for each call, and keeps it for the retries of that call."""

    def __post_init__(self) -> None:
        self.s3 = S3(self.now, {ARTIFACTS: Bucket(OWNER, notifies=False)})
        self.dynamodb = DynamoDB({name: Table(shape) for name, shape in _TABLES.items()})
        self.sqs = SQS({name: Queue(f"{name}-dead-letters", times) for name, times in _QUEUES.items()})
        self.sqs.queues |= {f"{name}-dead-letters": Queue() for name in _QUEUES}
        self.s3.admits = self._admits
        numbers = count(1)
        self.new_op_id = lambda: f"op{next(numbers)}"
        tokens = count(1)
        self.new_token = lambda: f"token{next(tokens)}"

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock, UTC)

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any], access_key: str = OWN_KEY
    ) -> Any:
        request = Request(service, operation, parameters, access_key)
        return self.interpose(request) if self.interpose else self.perform(request)

    def perform(self, request: Request) -> Any:
        self.calls.append(request)
        self.sts.authenticate(request.operation, request.access_key)
        service = getattr(self, request.service)
        return getattr(service, xform_name(request.operation))(**request.parameters)

    def measure(self, name: str, unit: object, value: int) -> None:
        self.metrics[name] += value

    def called(self, operation: str) -> int:
        return sum(call.operation == operation for call in self.calls)

    def sleep(self, seconds: float) -> None:
        self.clock += seconds
        self.meanwhile()

    def _admits(self, owner: str) -> bool:
        said = json.loads(self.sqs.queues["events"].policy)["Statement"]
        accounts = [each["Condition"]["StringEquals"]["aws:SourceAccount"] for each in said]
        return owner == OWNER or any(owner in each for each in accounts)

    def add_lake(self, name: str, bucket: str, prefix: str = "", *, shards: int = 2) -> Lake:
        lake = Lake(
            id=lake_id(ORGANIZATION, name),
            name=name,
            organization=ORGANIZATION,
            connector="stack",
            bucket=bucket,
            bucket_owner=OWNER,
            prefix=prefix,
            shards=shards,
            created_at=moment.rfc3339(self.now()),
        )
        fields = {field: getattr(lake, field) for field in lake.__dataclass_fields__}
        named = {"organization": f"{ORGANIZATION}#names", "id": name.casefold(), "lake_id": lake.id}
        watch = {
            "organization": "#buckets",
            "id": f"{bucket}/{lake.id}",
            "lake_organization": ORGANIZATION,
            "owner": OWNER,
            "prefix": prefix,
        }
        for each in (fields, named, watch):
            wire = {
                field: {"N": str(value)} if isinstance(value, int) else {"S": value}
                for field, value in each.items()
                if value is not None
            }
            item = decoded(wire)
            self.dynamodb.tables["lakes"].items[item["organization"], item["id"]] = item
        return lake


@contextmanager
def installed(world: World) -> Iterator[World]:
    """The project's own code runs against the world: its calls, its clock, its names for writes, its
    settings."""

    ids = count(1)

    def make_api_call(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
        if operation == "TransactWriteItems":
            parameters = {"ClientRequestToken": world.new_token(), **parameters}
        signer = client._request_signer._credentials.get_frozen_credentials()
        return world.call(client.meta.service_model.service_name, operation, parameters, signer.access_key)

    _forget()
    with (
        patch.dict("os.environ", _SETTINGS),
        patch.object(BaseClient, "_make_api_call", make_api_call),
        patch.object(moment, "time", SimpleNamespace(time=lambda: world.clock)),
        patch.object(lakes, "time", SimpleNamespace(monotonic=lambda: world.clock)),
        patch.object(
            notifications, "time", SimpleNamespace(monotonic=lambda: world.clock, sleep=world.sleep)
        ),
        patch.object(reaches, "time", SimpleNamespace(monotonic=lambda: world.clock)),
        patch.object(transactions, "time", SimpleNamespace(sleep=lambda seconds: None)),
        patch.object(moment, "new_op_id", lambda: world.new_op_id()),
        patch.object(labels, "uuid", SimpleNamespace(uuid4=lambda: UUID(int=next(ids)))),
        patch.object(observability.metrics, "add_metric", world.measure),
    ):
        try:
            yield world
        finally:
            _forget()


def _forget() -> None:
    """What a warm Lambda function remembers."""
    vars(config).clear()
    lakes._by_bucket.clear()
    connectors._reaches.clear()
