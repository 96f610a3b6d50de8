"""Buckets of another account, and at another endpoint, on the deployed local stack."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.e2e.elsewhere import Elsewhere
from tests.e2e.lake import Answer, Stack, eventually, png
from tests.e2e.test_access import send

OTHER = "210987654321"
"""Another account of the local cloud, and the access key of its root."""

REGION = "us-east-1"


class Neighbour:
    """Another account with a bucket, and what its administrators do there."""

    def __init__(self, stack: Stack) -> None:
        self.endpoint_url = stack.handle["endpoint_url"]
        self.s3, self.iam = self._client("s3"), self._client("iam")
        self.bucket = f"neighbour-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_object(Bucket=self.bucket, Key="a.png", Body=png())

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=OTHER,
            aws_secret_access_key="test",
            config=Config(signature_version="s3v4" if service == "s3" else None),
        )

    def has(self, key: str) -> bool:
        return "Contents" in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=key)

    def make_role(self, arn: str, trust: Any, policy: Any) -> None:
        name = arn.rpartition("/")[2]
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        self.iam.put_role_policy(RoleName=name, PolicyName="tidelake", PolicyDocument=json.dumps(policy))

    def make_user(self) -> str:
        name = f"user-{uuid.uuid4().hex[:8]}"
        self.iam.create_user(UserName=name)
        return name

    def grant(self, user: str, policy: Any) -> None:
        self.iam.put_user_policy(UserName=user, PolicyName="tidelake", PolicyDocument=json.dumps(policy))

    def make_keys(self, user: str) -> dict[str, str]:
        key = self.iam.create_access_key(UserName=user)["AccessKey"]
        return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


class Office:
    """The connectors of the organization `default`, as its admin has them."""

    def __init__(self, stack: Stack, neighbour: Neighbour) -> None:
        self.stack, self.neighbour = stack, neighbour

    def ask(self, method: str, path: str = "", body: Any = None) -> Answer:
        return send(self.stack, method, f"/v1/connectors{path}", body)

    def make(self, **more: Any) -> dict[str, Any]:
        body = {"name": uuid.uuid4().hex, "bucket": self.neighbour.bucket, "region": REGION}
        answer = self.ask("POST", "", body | more)
        assert answer.status == 201, answer.raw
        assert answer.body["state"] == "pending"
        return answer.body

    def make_role(self) -> dict[str, Any]:
        return self.make(kind="role", role_arn=f"arn:aws:iam::{OTHER}:role/tidelake-{uuid.uuid4().hex[:8]}")

    def check(self, connector: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.ask("POST", f"/{connector['id']}/check")
        assert answer.status == 200, answer.raw
        return answer.body

    def open_lake(self, connector: Mapping[str, Any]) -> str:
        owner = {} if connector["endpoint_url"] else {"bucket_owner": {"S": OTHER}}
        lake = {
            "organization": "default",
            "id": str(uuid.uuid4()),
            "name": uuid.uuid4().hex,
            "connector": connector["id"],
            "bucket": self.routing_key(connector),
            "prefix": "",
            "created_at": connector["created_at"],
        }
        item = {name: {"S": value} for name, value in lake.items()} | {"shards": {"N": "1"}} | owner
        self.stack.dynamodb.put_item(TableName=self.stack.handle["tables"]["lakes"], Item=item)
        return lake["id"]

    def routing_key(self, connector: Mapping[str, Any]) -> str:
        bucket = self.neighbour.bucket
        return f"{connector['id']}/{bucket}" if connector["endpoint_url"] else bucket

    def hint(self, connector: Mapping[str, Any], object_name: str = "a.png") -> None:
        hint = {"source": "tidelake", "bucket": self.routing_key(connector), "object_name": object_name}
        queue = self.stack.handle["queues"]["events"]
        self.stack.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(hint))

    def shows(self, lake: str, object_name: str = "a.png") -> bool:
        return any(each["status"] == "ready" for each in self.stack.index(object_name, lake=lake))

    def content(self, lake: str) -> tuple[str, bytes]:
        """Where the API says that the bytes are, and the bytes."""
        (record,) = self.stack.index("a.png", lake=lake)
        answer = self.stack.call(f"/datalakes/{lake}/data/{record['id']}/content")
        assert answer.status == 302, answer.raw
        where = answer.headers["Location"]
        return where, self.stack.fetch(where).raw


@pytest.fixture
def neighbour(stack: Stack) -> Neighbour:
    return Neighbour(stack)


@pytest.fixture
def office(stack: Stack, neighbour: Neighbour) -> Office:
    return Office(stack, neighbour)


def test_a_role_of_another_account_is_assumed_with_the_external_id_that_only_its_owner_was_told(
    office: Office, neighbour: Neighbour
) -> None:
    connector = office.make_role()
    refused = office.check(connector)
    assert (refused["state"], refused["can_list"]) == ("pending", False)
    assert "trust" in refused["state_reason"]
    before = neighbour.s3.get_bucket_notification_configuration(Bucket=neighbour.bucket)
    neighbour.make_role(connector["role_arn"], connector["trust_policy"], connector["policy"])
    found = office.check(connector)
    assert (found["state"], found["state_reason"]) == ("active", None)
    assert [name for name in found if found[name] is True] == [
        *("can_list", "can_read", "can_write", "can_overwrite", "can_notify")
    ]
    assert "left over" in found["errors"]["can_delete"]
    after = neighbour.s3.get_bucket_notification_configuration(Bucket=neighbour.bucket)
    assert {**before, "ResponseMetadata": 0} == {**after, "ResponseMetadata": 0}
    assert office.ask("GET", f"/{connector['id']}").body["bucket_owner"] == OTHER
    lake = office.open_lake(connector)
    office.hint(connector)
    assert eventually(lambda: office.shows(lake), 30)
    assert office.content(lake)[1] == png()


def test_a_role_that_anybody_could_have_assumed_for_them_is_no_connector(
    office: Office, neighbour: Neighbour
) -> None:
    connector = office.make_role()
    trust = json.loads(json.dumps(connector["trust_policy"]))
    del trust["Statement"][0]["Condition"]["StringEquals"]
    neighbour.make_role(connector["role_arn"], trust, connector["policy"])
    refused = office.check(connector)
    assert (refused["state"], refused["can_list"]) == ("pending", False)
    assert "without its external id" in refused["state_reason"]


def test_other_keys_are_used_in_every_function_and_bad_ones_change_nothing(
    stack: Stack, office: Office, neighbour: Neighbour, elsewhere: Elsewhere
) -> None:
    user = neighbour.make_user()
    first = neighbour.make_keys(user)
    connector = office.make(kind="keys", **first)
    neighbour.grant(user, connector["policy"])
    assert office.check(connector)["state"] == "active"
    lake = office.open_lake(connector)
    office.hint(connector)
    assert eventually(lambda: office.shows(lake), 30)
    assert first["access_key_id"] in office.content(lake)[0]

    wrong = {"access_key_id": first["access_key_id"], "secret_access_key": "wrong"}
    assert office.ask("PATCH", f"/{connector['id']}", wrong).status == 409
    assert office.check(connector)["state"] == "active"

    second = neighbour.make_keys(user)
    assert office.ask("PATCH", f"/{connector['id']}", second).body["state"] == "active"
    neighbour.iam.delete_access_key(UserName=user, AccessKeyId=first["access_key_id"])
    assert eventually(lambda: second["access_key_id"] in office.content(lake)[0], 30)
    assert office.content(lake)[1] == png()
    neighbour.s3.put_object(Bucket=neighbour.bucket, Key="b.png", Body=png())
    office.hint(connector, "b.png")
    assert eventually(lambda: office.shows(lake, "b.png"), 30)

    elsewhere.files["/theirs.png"] = png()
    body = {"filename": "csv", "action": "upload", "content": f"URL\n{elsewhere.url('/theirs.png')}"}
    assert send(stack, "POST", f"/v1/datalakes/{lake}/imports/csv", body).status == 202
    assert eventually(lambda: neighbour.has("csv/theirs.png"), 30)

    table = stack.dynamodb.scan(TableName=stack.handle["tables"]["connectors"])
    told = json.dumps(table["Items"]) + office.ask("GET").raw.decode()
    assert connector["id"] in told
    assert not [value for key in (first, second) for value in key.values() if value in told]


def test_another_endpoint_is_reached_and_its_lakes_are_found_by_another_name(
    office: Office, neighbour: Neighbour
) -> None:
    user = neighbour.make_user()
    connector = office.make(kind="keys", endpoint_url=neighbour.endpoint_url, **neighbour.make_keys(user))
    neighbour.grant(user, connector["policy"])
    found = office.check(connector)
    assert (found["state"], found["can_notify"]) == ("active", False)
    lake = office.open_lake(connector)
    office.hint(connector)
    assert eventually(lambda: office.shows(lake), 30)
    assert office.content(lake)[1] == png()


@pytest.mark.parametrize("url", ["http://example.com", "https://127.0.0.1", "https://localhost:9000"])
def test_an_endpoint_inside_is_none(office: Office, url: str) -> None:
    body = {"name": "inside", "kind": "keys", "bucket": "bucket", "region": REGION, "endpoint_url": url}
    refused = office.ask("POST", "", body | {"access_key_id": "key", "secret_access_key": "secret"})
    assert refused.status == 400
    assert [mistake["pointer"] for mistake in refused.body["errors"]] == ["#/endpoint_url"]


def test_a_connector_is_deleted_with_its_keys(stack: Stack, office: Office, neighbour: Neighbour) -> None:
    def secrets() -> list[str]:
        listed = stack._client("secretsmanager").list_secrets(MaxResults=100)["SecretList"]
        return [each["Name"] for each in listed if connector["id"] in each["Name"]]

    connector = office.make(kind="keys", **neighbour.make_keys(neighbour.make_user()))
    assert len(secrets()) == 1
    path = f"/{connector['id']}"
    assert office.ask("DELETE", f"{path}?confirm=another").status == 400
    assert office.ask("DELETE", f"{path}?confirm={connector['name']}").status == 204
    assert office.ask("GET", path).status == 404
    assert secrets() == []
    assert office.ask("DELETE", "/stack?confirm=stack").status == 409
