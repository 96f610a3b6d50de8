"""Keys, roles and organizations on the deployed stack: every operation, asked for by everybody."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import access
from tests.e2e.lake import Answer, Stack, eventually, png

ROOT = Path(__file__).parents[2]
STAGE = "local"


def send(
    stack: Stack, method: str, path: str, body: Any = None, key: str | None = "", **headers: str
) -> Answer:
    token = stack.handle["api_key"] if key == "" else key
    sent = headers | ({"Authorization": f"Bearer {token}"} if token else {})
    url = stack.handle["api_url"].removesuffix("/v1") + path
    encoded = None if body is None else json.dumps(body).encode()
    response = stack.http.request(method, url, body=encoded, headers=sent, redirect=False)
    return Answer(response.status, response.headers, response.data)


def make_organization(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As an operator does it who has the account's credentials."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": stack.handle["endpoint_url"],
        "AWS_DEFAULT_REGION": stack.handle["region"],
        "AWS_ACCESS_KEY_ID": stack.handle["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": stack.handle["aws_secret_access_key"],
    }
    command = [sys.executable, "-m", "infra.organization", "--stage", STAGE, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def shown_key(done: subprocess.CompletedProcess[str]) -> str:
    (key,) = re.findall(r"tl_\w+", done.stdout)
    return key


def make_key(stack: Stack, role: str, **more: Any) -> dict[str, Any]:
    answer = send(stack, "POST", "/v1/keys", {"name": "e2e", "role": role} | more)
    assert answer.status == 201, answer.raw
    return answer.body


@pytest.fixture(scope="module")
def stranger(stack: Stack) -> str:
    return shown_key(make_organization(stack, "stranger"))


@pytest.fixture(scope="module", autouse=True)
def retired(stack: Stack) -> tuple[str, float]:
    """A key that was in use when it was revoked, and when it has to be of no use. First, as it takes time."""
    key = make_key(stack, "viewer")
    assert send(stack, "GET", "/v1/datalakes", key=key["key"]).status == 200
    assert send(stack, "DELETE", f"/v1/keys/{key['id']}").status == 204
    return key["key"], time.monotonic() + 60


@pytest.fixture(scope="module")
def held(stack: Stack, stranger: str) -> dict[str, str | None]:
    """What each actor sends."""
    revoked = make_key(stack, "admin")
    assert send(stack, "DELETE", f"/v1/keys/{revoked['id']}").status == 204
    end = datetime.now(UTC) + timedelta(seconds=2)
    expired = make_key(stack, "admin", expires_at=end.isoformat())
    time.sleep(2.5)
    return {
        "anonymous": None,
        "malformed": "tl_nobody_nothing",
        "revoked": revoked["key"],
        "expired": expired["key"],
        access.STRANGER: stranger,
        **{role: make_key(stack, role)["key"] for role in access.ROLES},
    }


@pytest.fixture(scope="module")
def places(stack: Stack) -> Iterator[dict[str, str]]:
    name = f"access-{uuid.uuid4().hex[:8]}/a.png"
    stack.s3.put_object(Bucket=stack.bucket, Key=name, Body=png())
    assert eventually(lambda: any(record["status"] == "ready" for record in stack.index(name)))
    (record,) = stack.index(name)
    victim = send(stack, "POST", "/v1/datalakes", {"name": uuid.uuid4().hex, "connector": "stack"}).body
    keys = {"kind": "keys", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "secret"}
    connector = {"name": uuid.uuid4().hex, "bucket": stack.bucket, "region": stack.handle["region"]} | keys
    made = send(stack, "POST", "/v1/connectors", connector).body
    yield {
        "/v1/keys/{id}": make_key(stack, "viewer")["id"],
        "/v1/datalakes/{lake}": victim["id"],
        "/v1/connectors/{id}": made["id"],
        "/v1/connectors/{id}/check": made["id"],
        "lake": record["datalake_id"],
        "id": record["id"],
        "name": "car",
        "upload_id": "nothing",
    }
    stack.clear(name)


def test_everybody_may_do_what_their_role_may_and_nothing_else(
    stack: Stack, held: dict[str, str | None], places: dict[str, str]
) -> None:
    document = send(stack, "GET", "/v1/openapi.json", key=None)
    assert document.status == 200

    def ask(method: str, url: str, key: str | None, body: Any) -> access.Answer:
        answer = send(stack, method, url, body, key)
        return access.Answer(answer.status, answer.body if answer.raw else None)

    operations = list(access.operations(document.body))
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda operation: access.breaches(ask, operation, held, places), operations)
        breaches = {str(operation): each for operation, each in zip(operations, found, strict=True) if each}
    assert breaches == {}
    assert len(operations) == len({str(operation) for operation in operations}) > 5


def test_organizations_see_only_their_own(stack: Stack, stranger: str) -> None:
    for asking, organization in ((stranger, "stranger"), ("", "default")):
        keys = send(stack, "GET", "/v1/keys", key=asking).body["items"]
        assert {key["organization"] for key in keys} == {organization}
    assert send(stack, "GET", "/v1/datalakes", key=stranger).body["items"] == []


def test_an_organization_is_made_once_and_its_operator_can_always_make_a_key(
    stack: Stack, stranger: str
) -> None:
    again = make_organization(stack, "stranger")
    assert again.returncode != 0
    assert "already" in again.stderr
    assert "tl_" not in again.stdout
    another = shown_key(make_organization(stack, "stranger", "--new-key"))
    assert another != stranger
    assert send(stack, "GET", "/v1/keys", key=another).status == 200
    for refused in (("Not a name",), ("nobody", "--new-key")):
        assert make_organization(stack, *refused).returncode != 0


def test_of_eight_requests_with_one_idempotency_key_one_creates(stack: Stack) -> None:
    name, repeated = uuid.uuid4().hex, {"Idempotency-Key": uuid.uuid4().hex}
    body = {"name": name, "role": "viewer"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(stack, "POST", "/v1/keys", body, **repeated), range(8)))
    assert {answer.status for answer in answers} <= {201, 409}
    last = send(stack, "POST", "/v1/keys", body, **repeated)
    assert {answer.body["key"] for answer in (*answers, last) if answer.status == 201} == {last.body["key"]}
    listed = [
        key["id"] for key in send(stack, "GET", "/v1/keys?limit=1000").body["items"] if key["name"] == name
    ]
    assert listed == [last.body["id"]]


def test_a_revoked_key_stops_working_within_a_minute_though_it_was_in_use(
    stack: Stack, retired: tuple[str, float]
) -> None:
    key, deadline = retired
    left = max(0, deadline - time.monotonic())
    assert eventually(lambda: send(stack, "GET", "/v1/datalakes", key=key).status == 401, left)
