"""What people write of data, on the deployed stack."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.lake import Answer, Stack, eventually
from tests.e2e.test_access import send

PREFIX = "labels/"
NAMES = ["a/b", "a%2Fb", 'a "b"', "a+b c", "é 😀"]


class Lake:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        return send(self.stack, method, f"/v1/datalakes/default{path}", body)

    def objects(self) -> list[tuple[str, str, Any]]:
        answer = self.stack.s3.list_objects_v2(Bucket=self.stack.bucket, Prefix=PREFIX)
        return [(each["Key"], each["ETag"], each["LastModified"]) for each in answer["Contents"]]


@pytest.fixture(scope="module")
def lake(stack: Stack) -> Lake:
    for n in range(60):
        stack.s3.put_object(Bucket=stack.bucket, Key=f"{PREFIX}{n:02}.txt", Body=b"text")
    assert eventually(lambda: stack.settled(PREFIX))
    return Lake(stack)


@pytest.fixture(scope="module")
def ids(lake: Lake) -> list[str]:
    records = {each["object_name"]: each["id"] for each in lake.stack.index(PREFIX)}
    return [records[name] for name in sorted(records)]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_characters_can_stand_in_a_path(lake, name):
    created = lake.call("PUT", f"/tags/{quote(name, safe='')}")
    assert (created.status, created.body["name"]) == (201, name)
    assert lake.call("GET", f"/tags/{quote(name, safe='')}").body == created.body


def test_all_who_ask_at_once_get_the_same_tag(lake):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: lake.call("PUT", "/tags/at%20once"), range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert len({answer.body["id"] for answer in answers}) == 1


def test_tags_edits_and_jobs_are_exact_and_touch_no_object(lake, ids):
    before = lake.objects()
    with ThreadPoolExecutor(6) as pool:
        tagging = [
            pool.submit(lake.call, "POST", "/data/tags", {"tags": [f"e2e-{n}"], "ids": ids}) for n in range(3)
        ]
        editing = [
            pool.submit(lake.call, "PATCH", "/data", {"ids": ids, "set": {"custom_metadata": {f"k{n}": n}}})
            for n in range(3)
        ]
    assert [each.result().body["changed"] for each in (*tagging, *editing)] == [60] * 6
    renamed = lake.call("PATCH", "/tags/e2e-0", {"name": "E2E zero"})
    assert renamed.status == 200
    begun = lake.call("PATCH", "/data", {"q": 'tags.name = "e2e ZERO"', "set": {"description": "by query"}})
    assert begun.status == 202
    job = f"/v1/jobs/{begun.body['job']['id']}"
    assert eventually(lambda: send(lake.stack, "GET", job).body["state"] == "succeeded")
    assert send(lake.stack, "GET", job).body["progress"]["changed"] == 60
    for each in lake.stack.index(PREFIX):
        assert each["tags"] == ["E2E zero", "e2e-1", "e2e-2"]
        assert (each["custom_metadata"], each["description"]) == ({"k0": 0, "k1": 1, "k2": 2}, "by query")
    assert eventually(lambda: lake.call("GET", "/tags/e2e%20zero").body["count"] == 60)
    assert lake.objects() == before
