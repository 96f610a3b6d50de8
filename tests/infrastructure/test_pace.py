"""The local cloud answers as MiniStack does, however it is quickened."""

import json
from collections.abc import Callable, Iterator
from random import Random
from types import ModuleType
from typing import Any

import pytest
from ministack.services import dynamodb, s3

from infra import pace

NAMES = ["a", "a/", "a//b", *(f"a/{n:02}" for n in range(30)), "a0", "b", "é", "\U0001f40b", "z"]
TABLE = {
    "TableName": "data",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in {"id": "S", "shard": "S", "name": "S", "raw": "B"}.items()
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": f"by_{name}",
            "KeySchema": [
                {"AttributeName": "shard", "KeyType": "HASH"},
                {"AttributeName": name, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
        for name in ("name", "raw")
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def quicken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    for module, name in touched():
        monkeypatch.setattr(module, name, getattr(module, name))
    dynamodb._tables.clear()
    s3._buckets.clear()
    yield pace.keep
    dynamodb._tables.clear()
    s3._buckets.clear()


def touched() -> list[tuple[ModuleType, str]]:
    names = ("_index_members", "_index_item", "_query", "_parse_partiql")
    return [(dynamodb, name) for name in names] + [
        (s3, name) for name in ("_ensure_bucket", "_collect_list_entries", "_fire_s3_event_async")
    ]


def listings() -> list[Any]:
    starts = ["", "a", "a/", "a/05", "a/0", "b", "zz", "\U0010ffff"]
    return [
        s3._collect_list_entries(s3._ensure_bucket("bucket")["objects"], prefix, delimiter, limit, after)
        for prefix in ("", "a", "a/", "a/1", "none")
        for delimiter in ("", "/")
        for limit in (0, 1, 7, 1000)
        for after in starts
    ]


def test_listings_are_the_same(quicken: Callable[[], None]) -> None:
    shuffled = Random(1).sample(NAMES, len(NAMES))
    s3._buckets["bucket"] = {"objects": {name: {} for name in shuffled}}
    before = listings()
    quicken()
    assert listings() == before
    for name in shuffled[:5]:
        del s3._ensure_bucket("bucket")["objects"][name]
    s3._ensure_bucket("bucket")["objects"]["a/055"] = {}
    after = listings()
    s3._buckets["bucket"] = {"objects": {name: {} for name in (*shuffled[5:], "a/055")}}
    assert listings() == after


def item(data_id: str, random: Random) -> dict[str, Any]:
    found = {
        "id": {"S": data_id},
        "name": {"S": random.choice(NAMES)},
        "raw": {"B": random.choice(["AA==", "/w=="])},
    }
    return found | ({"shard": {"S": random.choice("xy")}} if random.random() < 0.9 else {})


def write(random: Random) -> None:
    for n in range(200):
        data_id = str(random.randrange(60))
        if random.random() < 0.2:
            dynamodb._delete_item({"TableName": "data", "Key": {"id": {"S": data_id}}})
        elif random.random() < 0.5:
            dynamodb._put_item({"TableName": "data", "Item": item(data_id, random)})
        else:
            values = item(str(n), random)
            places = ", ".join(f"'{name}': ?" for name in values)
            statement = f'INSERT INTO "data" VALUE {{{places}}}'
            dynamodb._execute_statement({"Statement": statement, "Parameters": list(values.values())})


def pages(index: str, low: Any, high: Any, limit: int | None, *, forward: bool) -> Iterator[Any]:
    asked = {
        "TableName": "data",
        "IndexName": f"by_{index}",
        "KeyConditionExpression": "#shard = :shard AND #key BETWEEN :low AND :high",
        "ExpressionAttributeNames": {"#shard": "shard", "#key": index},
        "ExpressionAttributeValues": {":shard": {"S": "x"}, ":low": low, ":high": high},
        "ScanIndexForward": forward,
    } | ({"Limit": limit} if limit else {})
    while True:
        status, _, body = dynamodb._query(asked)
        answer = json.loads(body)
        yield status, answer
        if "LastEvaluatedKey" not in answer:
            return
        asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def all_pages() -> list[Any]:
    bounds = [("name", {"S": "a"}, {"S": "z"}), ("name", {"S": "a/05"}, {"S": "a/2"})]
    bounds += [("raw", {"B": "AA=="}, {"B": "/w=="})]
    return [
        list(pages(*each, limit, forward=forward))
        for each in bounds
        for limit in (None, 1, 3)
        for forward in (True, False)
    ]


def test_queries_and_inserts_are_the_same(quicken: Callable[[], None]) -> None:
    def run(seed: int) -> list[Any]:
        dynamodb._tables.clear()
        dynamodb._create_table(TABLE)
        random, found = Random(seed), []
        for _ in range(3):
            write(random)
            found += all_pages()
        return found

    before = run(1)
    assert any(answer["Items"] for found in before for _, answer in found)
    quicken()
    assert run(1) == before
