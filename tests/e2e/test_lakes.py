"""Lakes on other buckets, which are asked to tell of their changes, on the deployed local stack."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.lake import Answer, Stack, eventually, png
from tests.e2e.test_access import send
from tests.e2e.test_connectors import OTHER, REGION, Neighbour

OWN = "000000000000"


class Lakes:
    """The lakes of the organization `default`, as its admin has them."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def ask(self, method: str, path: str = "", body: Any = None) -> Answer:
        return send(self.stack, method, f"/v1/datalakes{path}", body)

    def connect(self, **connector: Any) -> dict[str, Any]:
        body = {"name": uuid.uuid4().hex, "region": REGION} | connector
        made = send(self.stack, "POST", "/v1/connectors", body)
        assert made.status == 201, made.raw
        return made.body

    def check(self, connector: Mapping[str, Any]) -> None:
        found = send(self.stack, "POST", f"/v1/connectors/{connector['id']}/check")
        assert found.body["state"] == "active", found.raw

    def make(self, connector: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        body = {"name": uuid.uuid4().hex, "connector": connector["id"]}
        made = self.ask("POST", "", body | more)
        assert made.status == 201, made.raw
        return made.body

    def delete(self, lake: Mapping[str, Any]) -> dict[str, Any]:
        assert self.ask("DELETE", f"/{lake['id']}?confirm=another").status == 400
        begun = self.ask("DELETE", f"/{lake['id']}?confirm={lake['name']}")
        assert begun.status == 202, begun.raw
        assert self.ask("GET", f"/{lake['id']}").status == 404
        return begun.body["job"]

    def records(self, lake: Mapping[str, Any]) -> int:
        found = self.stack.dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.handle["tables"]["data"],
            FilterExpression="begins_with(#shard, :lake)",
            ExpressionAttributeNames={"#shard": "shard"},
            ExpressionAttributeValues={":lake": {"S": lake["id"]}},
        )
        return sum(page["Count"] for page in found)

    def shows(self, lake: Mapping[str, Any], name: str) -> bool:
        return any(each["status"] == "ready" for each in self.stack.index(name, lake=lake["id"]))


@pytest.fixture
def lakes(stack: Stack) -> Lakes:
    return Lakes(stack)


@pytest.fixture
def bucket(stack: Stack) -> str:
    """Another one of the same account, which tells others of its changes already."""
    name = f"second-{uuid.uuid4().hex[:12]}"
    stack.s3.create_bucket(Bucket=name)
    queue = stack.sqs.create_queue(QueueName=f"{name}-theirs")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{OWN}:{name}-theirs"
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    stack.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    rules = [{"Name": "prefix", "Value": "theirs/"}]
    theirs = {
        "Id": "theirs",
        "QueueArn": arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": rules}},
    }
    stack.s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": [theirs]}
    )
    return name


def told(s3: Any, bucket: str) -> dict[str, Any]:
    found = s3.get_bucket_notification_configuration(Bucket=bucket)
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def own_keys(stack: Stack) -> dict[str, str]:
    names = ("aws_access_key_id", "aws_secret_access_key")
    return {name.removeprefix("aws_"): stack.handle[name] for name in names} | {"kind": "keys"}


def test_a_lake_hears_of_its_bucket_and_leaves_nothing(lakes: Lakes, stack: Stack, bucket: str) -> None:
    before = told(stack.s3, bucket)
    connector = lakes.connect(bucket=bucket, **own_keys(stack))
    lakes.check(connector)
    lake = lakes.make(connector, prefix="/frames")
    assert lake["notifications"] == {"state": "connected", "detail": None}
    assert before["QueueConfigurations"][0] in told(stack.s3, bucket)["QueueConfigurations"]
    for name in ("other/b.png", "frames/a.png"):
        stack.s3.put_object(Bucket=bucket, Key=name, Body=png())
    assert eventually(lambda: lakes.shows(lake, "frames/a.png"), 30)
    assert [each["object_name"] for each in stack.index(lake=lake["id"])] == ["frames/a.png"]
    job = lakes.delete(lake)
    assert eventually(lambda: told(stack.s3, bucket) == before, 30)
    assert eventually(lambda: lakes.records(lake) == 0, 30)
    stack.s3.put_object(Bucket=bucket, Key="frames/late.png", Body=png())
    assert send(stack, "GET", f"/v1/jobs/{job['id']}").body["state"] == "running"
    assert lakes.records(lake) == 0


def test_eventbridge_is_used_where_it_is_on(lakes: Lakes, stack: Stack, bucket: str) -> None:
    stack.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    connector = lakes.connect(bucket=bucket, **own_keys(stack))
    lakes.check(connector)
    lake = lakes.make(connector)
    assert lake["notifications"] == {"state": "eventbridge", "detail": None}
    stack.s3.put_object(Bucket=bucket, Key="a+b.png", Body=png())
    assert eventually(lambda: lakes.shows(lake, "a+b.png"), 30)
    lakes.delete(lake)


def test_another_accounts_bucket_is_heard(lakes: Lakes, stack: Stack) -> None:
    neighbour = Neighbour(stack)
    arn = f"arn:aws:iam::{OTHER}:role/tidelake-{uuid.uuid4().hex[:8]}"
    connector = lakes.connect(bucket=neighbour.bucket, kind="role", role_arn=arn)
    neighbour.make_role(arn, connector["trust_policy"], connector["policy"])
    lakes.check(connector)
    lake = lakes.make(connector)
    assert lake["notifications"] == {"state": "connected", "detail": None}
    neighbour.s3.put_object(Bucket=neighbour.bucket, Key="b.png", Body=png())
    assert eventually(lambda: lakes.shows(lake, "b.png"), 30)
    lakes.delete(lake)
    assert eventually(lambda: told(neighbour.s3, neighbour.bucket) == {}, 30)
