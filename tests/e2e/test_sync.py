"""Upstream on the deployed stack, with IAM enforced, seen from outside."""

import io
import json
import urllib.parse
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.e2e.lake import Stack, eventually, png

ODD_NAMES = [
    "a b.png", "a+b.png", "a%2Bb.png", "100%.png", "%.png", "😀.png", "caf\u00e9.png", "cafe\u0301.png",
    "d//e.png", "d/e.png", "../a", "./b", "tab\there.png", "bell\x07.png", "q?h#.png", "x&y=z.png",
    "UPPER.PNG", "upper.png", "'quoted\".png", "\u202eevil.png",
]  # fmt: skip


@pytest.fixture
def folder(stack: Stack) -> Iterator[str]:
    prefix = f"e2e-{uuid.uuid4().hex[:8]}/"
    yield prefix
    stack.clear(prefix)


def test_five_hundred_objects_put_overwritten_and_removed_by_sixteen_threads(
    stack: Stack, folder: str
) -> None:
    names = [f"{folder}{n % 7}/{n:03d}.png" for n in range(500)]

    def live_through(number: int) -> None:
        stack.s3.put_object(Bucket=stack.bucket, Key=names[number], Body=png(8 + number % 5))
        if number % 3 == 0:
            stack.s3.put_object(Bucket=stack.bucket, Key=names[number], Body=png(20 + number % 5))
        if number % 5 == 0:
            stack.s3.delete_object(Bucket=stack.bucket, Key=names[number])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(live_through, range(500)))

    assert eventually(lambda: stack.settled(folder), 150)
    records = list(stack.index(folder))
    assert len(records) == 400
    assert {r["status"] for r in records} == {"ready"}
    widths = {r["object_name"]: r["width"] for r in records}
    assert all(
        width == (20 if int(name[-7:-4]) % 3 == 0 else 8) + int(name[-7:-4]) % 5
        for name, width in widths.items()
    )
    assert stack.depth("events_dlq") == 0


def test_names_that_break_others_are_indexed_and_have_thumbnails_that_open(stack: Stack, folder: str) -> None:
    longest = "k" * (1024 - len(folder) - 4) + ".png"
    for name in [*ODD_NAMES, longest]:
        stack.s3.put_object(Bucket=stack.bucket, Key=folder + name, Body=png())
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}folder/", Body=b"")

    expected = {folder + name for name in [*ODD_NAMES, longest]}
    assert eventually(
        lambda: {r["object_name"] for r in stack.index(folder) if r["status"] == "ready"} == expected
    )
    for record in stack.index(folder):
        answer = stack.call(f"/datalakes/default/data/{record['id']}/thumbnail")
        assert answer.status == 302, answer.raw
        with Image.open(io.BytesIO(stack.fetch(answer.headers["Location"]).raw)) as thumbnail:
            assert thumbnail.size == (8, 6)


def test_every_event_sent_twice_again_changes_nothing(stack: Stack, folder: str) -> None:
    names = [f"{folder}{n}.png" for n in range(30)]
    for name in names:
        stack.s3.put_object(Bucket=stack.bucket, Key=name, Body=png())
    for name in names[:10]:
        stack.s3.delete_object(Bucket=stack.bucket, Key=name)
    assert eventually(lambda: stack.settled(folder))
    before = {r["id"]: r | {"updated_at": None} for r in stack.index(folder)}
    thumbnails = artifacts(stack)

    for _ in range(2):
        for name in names:
            send_event(stack, "ObjectCreated:Put", name, size=1, eTag="0" * 32)
            send_event(stack, "ObjectRemoved:Delete", name)
    assert eventually(lambda: stack.depth("events") == 0 and stack.settled(folder))

    assert {r["id"]: r | {"updated_at": None} for r in stack.index(folder)} == before
    assert artifacts(stack) == thumbnails


def test_a_thumbnail_goes_when_its_object_goes(stack: Stack, folder: str) -> None:
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}a.png", Body=png())
    assert eventually(lambda: stack.settled(folder))
    (record,) = stack.index(folder)
    assert any(key.startswith(record["id"]) for key in artifacts(stack))

    stack.s3.delete_object(Bucket=stack.bucket, Key=f"{folder}a.png")

    assert eventually(lambda: not any(key.startswith(record["id"]) for key in artifacts(stack)))


def test_what_nobody_understands_is_parked_with_its_reason(stack: Stack) -> None:
    text = f"no JSON {uuid.uuid4()}"
    stack.sqs.send_message(QueueUrl=stack.handle["queues"]["events"], MessageBody=text)

    assert eventually(lambda: stack.depth("events_dlq") > 0)

    parked = stack.sqs.receive_message(
        QueueUrl=stack.handle["queues"]["events_dlq"], MessageAttributeNames=["All"], MaxNumberOfMessages=10
    )["Messages"]
    (message,) = [m for m in parked if m["Body"] == text]
    assert message["MessageAttributes"]["reason"]["StringValue"] == "not JSON"
    stack.sqs.delete_message(
        QueueUrl=stack.handle["queues"]["events_dlq"], ReceiptHandle=message["ReceiptHandle"]
    )


def test_counters_equal_a_recount(stack: Stack, folder: str) -> None:
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}a.png", Body=png())
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}a.txt", Body=b"words")
    assert eventually(lambda: stack.settled(folder))

    def recount() -> dict[str, object]:
        records = list(stack.index())
        return {
            "items": len(records),
            "bytes": sum(r["size"] or 0 for r in records if r["status"] != "pending"),
            "by_type": dict(Counter(r["type"] for r in records if r["type"])),
            "by_status": dict(Counter(r["status"] for r in records)),
            "by_kind": dict(Counter(r["kind"] for r in records)),
            "quota": None,
            "over_quota": False,
        }

    stats = "/datalakes/default/stats"
    assert eventually(lambda: stack.call(stats).body == recount(), 30), (stack.call(stats).body, recount())


def send_event(stack: Stack, name: str, key: str, **fields: object) -> None:
    entity = {"key": urllib.parse.quote_plus(key, safe="/"), "sequencer": "0055AED6DCD90281E5", **fields}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2020-01-01T00:00:00.000Z",
        "eventName": name,
        "s3": {"bucket": {"name": stack.bucket}, "object": entity},
    }
    stack.sqs.send_message(
        QueueUrl=stack.handle["queues"]["events"], MessageBody=json.dumps({"Records": [record]})
    )


def artifacts(stack: Stack) -> set[str]:
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.handle["artifacts_bucket"])
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}
