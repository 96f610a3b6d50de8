"""A lake whose bytes are looked at when they are asked for, and that may hold little, on the local stack."""

import base64
import json
import uuid
from typing import Any

from chalicelib.model.job import JobKind
from tests.e2e.lake import Stack, eventually, png
from tests.e2e.test_access import send
from tests.e2e.test_sync import artifacts
from tests.e2e.test_walks import run

SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-03-01T12:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}


def test_bytes_are_looked_at_when_asked_for_and_thumbnails_are_made_again(stack: Stack) -> None:
    prefix = f"lazy-{uuid.uuid4().hex[:8]}/"
    for n in range(3):
        stack.s3.put_object(Bucket=stack.bucket, Key=f"{prefix}{n}.png", Body=png())
    body = {"name": prefix, "connector": "stack", "prefix": prefix, "preprocess": "lazy"}
    lake = send(stack, "POST", "/v1/datalakes", body).body
    assert run(stack, lake, JobKind.SCAN)["progress"]["inserted"] == 3
    records = list(stack.index(prefix, lake["id"]))
    assert {record["status"] for record in records} == {"indexed"}
    first = f"/datalakes/{lake['id']}/data/{records[0]['id']}"

    def has_thumbnail() -> bool:
        answer = stack.call(f"{first}/thumbnail")
        if answer.status != 302:
            assert (answer.body["code"], answer.headers["Retry-After"]) == ("not_ready", "2")
            return False
        return stack.fetch(answer.headers["Location"]).raw[8:12] == b"WEBP"

    assert not has_thumbnail()
    assert eventually(has_thumbnail, 30)
    assert [record["status"] for record in stack.index(prefix, lake["id"])] == ["ready", "indexed", "indexed"]

    remove_thumbnail(stack, records[0]["id"])
    assert not has_thumbnail()
    assert eventually(has_thumbnail, 30)
    remove_thumbnail(stack, records[0]["id"])
    found = run(stack, lake, JobKind.SYNC, thumbnails=True)["progress"]
    assert (found["missing_thumbnails"], found["unchanged"], found["hinted"]) == (1, 2, 1)
    assert eventually(lambda: bool(thumbnails_of(stack, records[0]["id"])), 30)
    assert run(stack, lake, JobKind.SYNC, thumbnails=True)["progress"]["missing_thumbnails"] == 0

    assert_quota_is_kept(stack, lake)
    stack.clear(prefix)


def assert_quota_is_kept(stack: Stack, lake: dict[str, Any]) -> None:
    path = f"/v1/datalakes/{lake['id']}"
    assert send(stack, "PATCH", path, {"quota": {"items": 2}}).body["quota"] == {"items": 2, "bytes": None}
    assert eventually(lambda: send(stack, "GET", path).body["over_quota"], 30)
    entry = {"object_name": f"{lake['prefix']}new.png", "size": 5, "content_type": "image/png"}
    [refused] = send(stack, "POST", f"{path}/uploads", {"uploads": [entry]}).body["failed"]
    assert refused["code"] == "quota_exceeded"
    assert '"DatalakesOverQuota":[1.0]' in logged_by(stack, "WatchQuotas")
    send(stack, "PATCH", path, {"quota": None})


def logged_by(stack: Stack, function: str) -> str:
    """What the function logs when its schedule calls it."""
    found = stack._client("cloudformation").describe_stack_resource(
        StackName=stack.handle["stack"], LogicalResourceId=function
    )
    answer = stack._client("lambda").invoke(
        FunctionName=found["StackResourceDetail"]["PhysicalResourceId"],
        LogType="Tail",
        Payload=json.dumps(SCHEDULED),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    return base64.b64decode(answer["LogResult"]).decode()


def thumbnails_of(stack: Stack, data_id: str) -> list[str]:
    return [key for key in artifacts(stack) if key.startswith(data_id)]


def remove_thumbnail(stack: Stack, data_id: str) -> None:
    for key in thumbnails_of(stack, data_id):
        stack.s3.delete_object(Bucket=stack.handle["artifacts_bucket"], Key=key)
