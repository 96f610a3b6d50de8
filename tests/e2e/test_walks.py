"""Scans and syncs on the deployed stack, with IAM enforced, seen from outside."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.model import limits
from chalicelib.model.errand import Errand
from chalicelib.model.job import JobKind, new_job
from tests.e2e.lake import WALKED, Stack, eventually, png

HARD = [
    "a",
    "a/",
    "a//b",
    "A",
    "\u00e9",
    "e\u0301",
    "\U0001f40b",
    "\U0010ffff",
    "\x7f",
    "a b+c%20&?#",
    "k" * 1024,
]
"""Names that some take for others, or for none."""


@pytest.fixture
def lake(stack: Stack) -> Iterator[dict[str, Any]]:
    """In which a walk meets nothing of other tests."""
    yield stack.call(f"/datalakes/{WALKED}").body
    stack.clear(f"{WALKED}/")


def run(stack: Stack, lake: dict[str, Any], kind: JobKind, **task: Any) -> dict[str, Any]:
    usual = {"dry_run": False, "force": False, "thumbnails": False, "patience_seconds": 0}
    job = new_job("default", lake["id"], kind, usual | task)
    stack.sqs.send_message(QueueUrl=stack.handle["queues"]["walks"], MessageBody=Errand(job).encode())
    over = ("succeeded", "failed")
    assert eventually(lambda: stack.call(f"/jobs/{job.id}").body.get("state") in over)
    found: dict[str, Any] = stack.call(f"/jobs/{job.id}").body
    return found


def test_what_events_did_not_tell_is_found_and_repaired(stack: Stack, lake: dict[str, Any]) -> None:
    folder = lake["prefix"]

    def settled() -> bool:
        return stack.settled(folder, lake["id"])

    names = [f"{folder}{n}.png" for n in range(6)]
    for name in names:
        stack.s3.put_object(Bucket=stack.bucket, Key=name, Body=png())
    for name in HARD:
        key = (folder + name)[: limits.KEY_BYTES]
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"no picture")
    assert run(stack, lake, JobKind.SCAN)["progress"]["seen"] == len(names) + len(HARD)
    assert eventually(settled)
    table = stack.handle["tables"]["data"]
    records = {record["object_name"]: record["id"] for record in stack.index(folder, lake["id"])}

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
    own = {"id": {"S": str(uuid.uuid5(uuid.UUID(lake["id"]), ghost))}, "object_name": {"S": ghost}}
    stack.dynamodb.put_item(TableName=table, Item=copied | own)
    first = run(stack, lake, JobKind.SYNC)
    assert (first["state"], first["error"]) == ("succeeded", None)
    counts = {name: first["progress"][name] for name in ("new", "changed", "ghosts", "hinted")}
    assert counts == {"new": 2, "changed": 1, "ghosts": 1, "hinted": 4}
    assert eventually(settled)
    second = run(stack, lake, JobKind.SYNC)["progress"]
    assert {second[name] for name in ("new", "changed", "ghosts", "missing_thumbnails", "hinted")} == {0}

    for name in names[3:]:
        stack.dynamodb.delete_item(TableName=table, Key={"id": {"S": records[name]}})
    scanned = run(stack, lake, JobKind.SCAN)["progress"]
    assert (scanned["inserted"], scanned["hinted"]) == (3, 0)
    assert eventually(settled)
