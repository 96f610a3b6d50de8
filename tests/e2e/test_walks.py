"""Scans and syncs on the deployed stack, with IAM enforced, seen from outside."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.model.errand import Errand
from chalicelib.model.job import JobKind, new_job
from chalicelib.model.lake import lake_id
from tests.e2e.lake import Stack, eventually, png

LAKE = lake_id("default", "default")


@pytest.fixture
def folder(stack: Stack) -> Iterator[str]:
    prefix = f"walks-{uuid.uuid4().hex[:8]}/"
    yield prefix
    stack.clear(prefix)


def run(stack: Stack, kind: JobKind, **task: Any) -> dict[str, Any]:
    job = new_job("default", LAKE, kind, {"dry_run": False, "force": False, "patience_seconds": 0} | task)
    stack.sqs.send_message(QueueUrl=stack.handle["queues"]["walks"], MessageBody=Errand(job).encode())
    over = ("succeeded", "failed")
    assert eventually(lambda: stack.call(f"/jobs/{job.id}").body.get("state") in over)
    found: dict[str, Any] = stack.call(f"/jobs/{job.id}").body
    return found


def test_what_events_did_not_tell_is_found_and_repaired(stack: Stack, folder: str) -> None:
    names = [f"{folder}{n}.png" for n in range(6)]
    for name in names:
        stack.s3.put_object(Bucket=stack.bucket, Key=name, Body=png())
    assert eventually(stack.settled)
    table = stack.handle["tables"]["data"]
    records = {record["object_name"]: record["id"] for record in stack.index(folder)}

    for name in names[:2]:
        stack.dynamodb.delete_item(TableName=table, Key={"id": {"S": records[name]}})
    stack.dynamodb.update_item(
        TableName=table,
        Key={"id": {"S": records[names[2]]}},
        UpdateExpression="SET etag = :etag",
        ExpressionAttributeValues={":etag": {"S": "another"}},
    )
    ghost = f"{folder}ghost.png"
    copied = stack.dynamodb.get_item(TableName=table, Key={"id": {"S": records[names[3]]}})["Item"]
    own = {"id": {"S": str(uuid.uuid5(uuid.UUID(LAKE), ghost))}, "object_name": {"S": ghost}}
    stack.dynamodb.put_item(TableName=table, Item=copied | own)
    first = run(stack, JobKind.SYNC)
    assert (first["state"], first["error"]) == ("succeeded", None)
    counts = {name: first["progress"][name] for name in ("new", "changed", "ghosts", "hinted")}
    assert counts == {"new": 2, "changed": 1, "ghosts": 1, "hinted": 4}
    assert eventually(stack.settled)
    second = run(stack, JobKind.SYNC)["progress"]
    assert {second[name] for name in ("new", "changed", "ghosts", "missing_thumbnails", "hinted")} == {0}

    for name in names[3:]:
        stack.dynamodb.delete_item(TableName=table, Key={"id": {"S": records[name]}})
    scanned = run(stack, JobKind.SCAN)["progress"]
    assert (scanned["inserted"], scanned["hinted"]) == (3, 0)
    assert eventually(stack.settled)
