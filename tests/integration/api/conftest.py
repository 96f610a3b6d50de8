"""The API as API Gateway calls it, over tables that moto keeps."""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto import mock_aws

import app
from chalicelib.config import config
from chalicelib.model import moment
from chalicelib.model.data import Data, Sight, Status, Type, first_record
from chalicelib.model.lake import Lake
from chalicelib.storage import aws, connectors, lakes, records
from chalicelib.storage.tables import (
    ClaimItem,
    ConnectorItem,
    DataItem,
    JobItem,
    KeyItem,
    KeyRangeItem,
    LabelItem,
    LakeItem,
    OrganizationItem,
    TaggingItem,
)

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "DATA_TABLE": "data",
    "LAKES_TABLE": "lakes",
    "CONNECTORS_TABLE": "connectors",
    "CONNECTOR_SECRETS": "tidelake/test/connectors/",
    "TRUSTED_ROLES": "arn:aws:iam::123456789012:role/tidelake-test-*",
    "KEYS_TABLE": "keys",
    "ORGANIZATIONS_TABLE": "organizations",
    "CLAIMS_TABLE": "claims",
    "LABELS_TABLE": "labels",
    "TAGGINGS_TABLE": "taggings",
    "TRACES_TABLE": "traces",
    "JOBS_TABLE": "jobs",
    "RANGES_TABLE": "ranges",
    "WALKS_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/walks",
    "JOBS_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/jobs",
    "FETCHES_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/fetches",
    "PREPROCESS_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/preprocess",
    "COUNTERS_TABLE": "counters",
    "EVENTS_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
    "EVENTS_QUEUE_ARN": "arn:aws:sqs:us-east-1:123456789012:events",
    "ARTIFACTS_BUCKET": "artifacts",
    "SIGNING_KEY": "a secret of the stack",
}
TABLES = (
    *(DataItem, LakeItem, ConnectorItem, KeyItem, OrganizationItem),
    *(ClaimItem, LabelItem, TaggingItem, JobItem, KeyRangeItem),
)
NO_HEADERS: Mapping[str, str] = {}
CONTEXT = SimpleNamespace(
    function_name="tidelake-api",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:tidelake-api",
    aws_request_id="8c3f4b1e-0000-4000-8000-000000000000",
)
METHOD_ARN = "arn:aws:execute-api:eu-west-1:123456789012:wt6mne2s9k/api/GET/v1/datalakes"
PROBLEM_JSON = {"Content-Type": "application/problem+json"}
REFUSAL = {
    "type": "about:blank",
    "title": "Unauthorized",
    "status": 401,
    "detail": "a valid API key is needed: Authorization: Bearer tl_…",
    "code": "unauthorized",
    "request_id": "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9",
}
"""What the gateway itself answers; infra/resources.yaml says so."""
PROXY_EVENT = json.loads((Path(__file__).parent / "proxy_event.json").read_text())


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class Gateway:
    """Finds the route as API Gateway does, and calls the function with its event."""

    def __init__(self) -> None:
        self.authorizer = {"organization": "acme", "role": "viewer", "key_id": "0123456789abcdef"}
        self.calls: list[str] = []

    def get(self, url: str, **event: Any) -> Answer:
        return self.call("GET", url, **event)

    def call(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] = NO_HEADERS, **event: Any
    ) -> Answer:
        parts = urlsplit(url)
        resource, names = find_route(parts.path)
        query = parse_qs(parts.query, keep_blank_values=True) or None
        made = self._event(method, resource, names, parts.path, query)
        made["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
        made["headers"] |= headers
        answer = app.app(made | event, CONTEXT)
        found = json.loads(answer["body"]) if answer["body"] else None
        return Answer(answer["statusCode"], answer["headers"], found)

    def ask(self, method: str, url: str, header: str | None, body: Any = None, **given: Any) -> Answer:
        """With the authorizer before it, where the route has one, as API Gateway does it."""
        entry = app.app.routes[find_route(urlsplit(url).path)[0]][method]
        self.authorizer = None
        if entry.authorizer:
            event = {"type": "TOKEN", "authorizationToken": header, "methodArn": METHOD_ARN}
            # It is not even asked where there is no header.
            self.authorizer = (app.authorize(event, None) if header else {}).get("context")
        if entry.authorizer and self.authorizer is None:
            return Answer(401, PROBLEM_JSON, {**REFUSAL})
        return self.call(method, url, body, **given)

    def _event(
        self, method: str, resource: str, names: dict[str, str], path: str, query: Any
    ) -> dict[str, Any]:
        event = copy.deepcopy(PROXY_EVENT) | {
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "pathParameters": names or None,
            "multiValueQueryStringParameters": query,
        }
        event["requestContext"] |= {
            "resourcePath": resource,
            "httpMethod": method,
            "authorizer": self.authorizer,
        }
        return event


def find_route(path: str) -> tuple[str, dict[str, str]]:
    """A literal step goes before a part that may be anything, as in API Gateway."""
    matches = filter(None, (_match(resource, path) for resource in app.app.routes))
    return min(matches, key=lambda match: len(match[1]))


def _match(resource: str, path: str) -> tuple[str, dict[str, str]] | None:
    found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", resource), path)
    return (resource, found.groupdict()) if found else None


@pytest.fixture(scope="module")
def tables():
    """Made once for a module, with the clients, which are what takes time."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        _forget_clients()
        for table in TABLES:
            table.create_table(billing_mode="PAY_PER_REQUEST", wait=False)
        _create_counters()
        for bucket in ("bucket", "artifacts"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        for queue in ("jobs", "events", "fetches", "preprocess", "walks"):
            boto3.client("sqs").create_queue(QueueName=queue)
        yield
    _forget_clients()


def _forget_clients():
    config.__dict__.clear()
    aws._make.cache_clear()
    # It remembers whose credentials it found.
    aws._session.cache_clear()


def _create_counters():
    boto3.client("dynamodb").create_table(
        TableName="counters",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "lake_id", "AttributeType": "S"},
            {"AttributeName": "slot", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "lake_id", "KeyType": "HASH"},
            {"AttributeName": "slot", "KeyType": "RANGE"},
        ],
    )


@pytest.fixture
def cloud(tables):
    yield
    for table in TABLES:
        for item in table.scan():
            item.delete()


@pytest.fixture
def gateway(cloud):
    gateway = Gateway()

    def count(model, **_):
        gateway.calls.append(model.name)

    clients = [aws.client(service) for service in ("dynamodb", "s3")]
    for client in clients:
        client.meta.events.register("before-call.*.*", count)
    yield gateway
    for client in clients:
        client.meta.events.unregister("before-call.*.*", count)


@pytest.fixture
def lake(cloud) -> Lake:
    connectors.create_stack("acme", "bucket", "123456789012", "us-east-1")
    return lakes.create_default("acme", "bucket", "123456789012")


@pytest.fixture
def foreign_lake(cloud) -> Lake:
    return lakes.create_default("other", "bucket", "123456789012")


@pytest.fixture
def put():
    """Puts a record straight into the table, as it would be after preprocessing."""

    def put(lake: Lake, object_name: str, **facts: Any) -> Data:
        sight = Sight(size=10, etag="0" * 32, last_modified=moment.rfc3339(moment.now()))
        ready = {"status": Status.READY, "type": Type.IMAGE, "content_type": "image/jpeg", "thumbnail": True}
        data = replace(first_record(lake, object_name, sight, None, "op"), **ready | facts)
        values = {name: value for name, value in records._values(data).items() if value is not None}
        derived = {name: getattr(data, name) for name in ("type", "thumbnail", "status_reason")}
        own = {"id": data.id, "rev": 1, "op_id": data.op_id}
        DataItem(**own | derived | values).save()
        return data

    return put
