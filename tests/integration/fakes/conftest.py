"""The fakes and a MiniStack are asked the same; what they answer must be the same."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from infra import cloud
from tests.simulation.fakes.dynamodb import Index, Shape, decoded
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import OWNER, Request, World, installed

BUCKETS = {"photos-of-twins": False, "vault-of-twins": True}
_MAKE_API_CALL = vars(BaseClient)["_make_api_call"]
_COMPARED = (
    *("Item", "Items", "Attributes", "Responses", "UnprocessedKeys", "Count", "LastEvaluatedKey"),
    *("ContentLength", "ETag", "ContentType", "Body", "Contents", "IsTruncated", "DeleteMarker", "Errors"),
    *("Successful", "Failed", "QueueConfigurations", "EventBridgeConfiguration"),
)
"""What this project reads of answers. Times, and names that a service invents, cannot be equal."""


@dataclass(slots=True)
class Twins:
    """Stands where botocore's calls go through: asks both, compares, and hands on what the fake said."""

    world: World
    clients: dict[str, Any]
    queues: dict[str, str]
    versions: dict[str, str] = field(default_factory=dict)
    """The real one's names of versions and of uploads, by the fake's."""
    compared: int = 0

    def ask(self, service: str, operation: str, **parameters: Any) -> Any:
        return self.world.call(service, operation, parameters)

    def compare(self, request: Request) -> Any:
        said, given = self._try(lambda: self.world.perform(request))
        really_said, really_given = self._try(lambda: self._perform(request))
        assert really_said == said, f"{request.operation} {request.parameters}"
        for name in ("VersionId", "UploadId"):
            if isinstance(given, dict) and isinstance(given.get(name), str):
                self.versions[given[name]] = really_given[name]
        self.compared += 1
        if isinstance(given, ClientError):
            raise given
        if "Body" in given:
            given["Body"] = given["Body"].again()
        return given

    def _perform(self, request: Request) -> Any:
        parameters = dict(request.parameters)
        if "QueueUrl" in parameters:
            parameters["QueueUrl"] = self.queues[parameters["QueueUrl"]]
        if "ClientRequestToken" in parameters:
            parameters["ClientRequestToken"] = uuid.uuid4().hex
        for name in ("VersionId", "UploadId"):
            if name in parameters:
                parameters[name] = self.versions[parameters[name]]
        return _MAKE_API_CALL(self.clients[request.service], request.operation, parameters)

    def _try(self, act: Any) -> tuple[Any, Any]:
        try:
            answer = act()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            reasons = [_plain(reason) for reason in error.response.get("CancellationReasons", [])]
            return (code, reasons), error
        said = {name: _plain(answer[name]) for name in _COMPARED if answer.get(name)}
        if "UnprocessedKeys" in answer:
            # A batch is answered in any order.
            said["Responses"] = {
                name: sorted(sorted(item.items()) for item in found)
                for name, found in said["Responses"].items()
            }
        return said, answer


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("cloud")
    running = cloud.Cloud(folder, folder / "handle", cloud.free_port(), persist=False)
    try:
        running.wait_until_ready()
        yield {service: _client(service, running) for service in ("s3", "sqs", "dynamodb")}
    finally:
        running.end()


@pytest.fixture
def twins(clients: dict[str, Any]) -> Iterator[Twins]:
    world = World()
    world.dynamodb.shows_duplicates = False
    queues = {name: clients["sqs"].create_queue(QueueName=name)["QueueUrl"] for name in world.sqs.queues}
    for name in (*BUCKETS, *world.s3.buckets):
        _make_bucket(clients["s3"], name, versioned=BUCKETS.get(name, False))
    world.s3.buckets |= {name: Bucket(OWNER, versioned) for name, versioned in BUCKETS.items()}
    for name, table in world.dynamodb.tables.items():
        _make_table(clients["dynamodb"], name, table.shape)
    with installed(world):
        pair = Twins(world, clients, queues)
        world.interpose = pair.compare
        yield pair
    for name in world.dynamodb.tables:
        clients["dynamodb"].delete_table(TableName=name)
    for name in world.s3.buckets:
        _empty(clients["s3"], name)


def _client(service: str, running: cloud.Cloud) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=running.endpoint_url,
        region_name=cloud.REGION,
        aws_access_key_id=running.access_key_id,
        aws_secret_access_key=running.secret_access_key,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def _make_bucket(s3: Any, name: str, *, versioned: bool) -> None:
    s3.create_bucket(Bucket=name)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _empty(s3: Any, name: str) -> None:
    found = s3.list_object_versions(Bucket=name)
    for version in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
        s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])


def _make_table(dynamodb: Any, name: str, shape: Shape) -> None:
    keys = {key for index in shape.indexes.values() for key in index.keys} | set(shape.keys)
    indexes = [
        {
            "IndexName": index_name,
            "KeySchema": _schema(index.keys),
            "Projection": _projection(index),
        }
        for index_name, index in shape.indexes.items()
    ]
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema(shape.keys),
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "B" if key == "filename_key" else "S"}
            for key in sorted(keys)
        ],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )


def _projection(index: Index) -> dict[str, Any]:
    if index.projects:
        return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.projects)}
    return {"ProjectionType": "ALL" if index.projects_all else "KEYS_ONLY"}


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]


def _plain(value: Any) -> Any:
    match value:
        case {"S": _} | {"N": _} | {"B": _} | {"BOOL": _} | {"SS": _} if len(value) == 1:
            return decoded({"": value})[""]
        case dict():
            return {name: _plain(each) for name, each in value.items() if name not in _INVENTED}
        case list():
            return [_plain(each) for each in value]
        case StreamingBody():
            return value.read()
    return value


_INVENTED = {
    "Message",
    "TableName",
    "LastModified",
    "StorageClass",
    "MessageId",
    "ChecksumAlgorithm",
    "ChecksumType",
} | {
    "MD5OfMessageBody",
    "MD5OfMessageAttributes",
    "SenderFault",
    "Owner",
}
