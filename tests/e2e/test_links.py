"""Links on the deployed stack: to another host, into the bucket, and as files in it."""

import json
from typing import Any

from tests.e2e.elsewhere import Elsewhere
from tests.e2e.lake import FINAL, Stack, eventually, png
from tests.e2e.test_access import send

PREFIX = "links/"
LAKE = "/v1/datalakes/default"


def found(stack: Stack) -> dict[str, dict[str, Any]]:
    return {each["filename"]: each for each in stack.index(PREFIX)}


def settled(stack: Stack, count: int) -> bool:
    data = found(stack).values()
    return len(data) == count and all(each["status"] in FINAL for each in data)


def test_links_get_the_size_and_thumbnail_of_their_targets_and_are_checked(
    stack: Stack, elsewhere: Elsewhere
) -> None:
    elsewhere.files |= {"/a.png": png(31, 17), "/c.png": png(32, 17)}
    elsewhere.moved |= {"/moved.png": "/a.png", "/home.png": "https://169.254.169.254/latest/meta-data"}
    stack.s3.put_object(Bucket=stack.bucket, Key="elsewhere/b.png", Body=png(41, 17))
    paths = ("/a.png", "/c.png", "/moved.png", "/home.png", "/missing.png")
    urls = [*map(elsewhere.url, paths), f"s3://{stack.bucket}/elsewhere/b.png"]
    refused = ["https://127.0.0.1/", "http://example.org/", f"s3://{stack.handle['artifacts_bucket']}/a"]
    asked = [{"url": url, "folder": PREFIX, "tags": ["linked"]} for url in (*urls, *refused)]
    answer = send(stack, "POST", f"{LAKE}/links", {"links": asked})
    assert answer.status == 200, answer.raw
    assert [each["index"] for each in answer.body["ok"]] == [0, 1, 2, 3, 4, 5]
    assert [each["index"] for each in answer.body["failed"]] == [6, 7, 8]
    file = send(stack, "GET", f"{LAKE}/data/{answer.body['ok'][1]['data']['id']}/link").body
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{PREFIX}file.json", Body=json.dumps(file).encode())

    assert eventually(lambda: settled(stack, 7))
    data = found(stack)
    assert {name: (each["status"], each["status_reason"], each["width"]) for name, each in data.items()} == {
        "a.png": ("ready", None, 31),
        "c.png": ("ready", None, 32),
        "moved.png": ("ready", None, 31),
        "home.png": ("failed", "refused", None),
        "missing.png": ("failed", "not_found", None),
        "b.png": ("ready", None, 41),
        "file.json": ("ready", None, 32),
    }
    assert {name for name, each in data.items() if each["kind"] == "object"} == {"file.json"}
    for name in ("a.png", "b.png", "file.json"):
        thumbnail = stack.call(f"/datalakes/default/data/{data[name]['id']}/thumbnail")
        assert stack.fetch(thumbnail.headers["Location"]).raw[8:12] == b"WEBP"
    content = stack.call(f"/datalakes/default/data/{data['a.png']['id']}/content")
    assert (content.status, content.headers["Location"]) == (302, elsewhere.url("/a.png"))
    content = stack.call(f"/datalakes/default/data/{data['b.png']['id']}/content")
    assert stack.fetch(content.headers["Location"]).raw == png(41, 17)

    elsewhere.files |= {"/a.png": png(310, 170)}
    del elsewhere.files["/c.png"]
    elsewhere.files["/missing.png"] = png(9, 9)
    begun = send(stack, "POST", f"{LAKE}/links/check", {"q": f'object_name starts with "{PREFIX}"'})
    job = f"/v1/jobs/{begun.body['job']['id']}"
    assert eventually(lambda: send(stack, "GET", job).body["state"] == "succeeded")
    progress = send(stack, "GET", job).body["progress"]
    assert progress == {"seen": 6, "missing": 0, "failed": 0, "ok": 2, "changed": 2, "dead": 2}
    data = found(stack)
    assert {name: each["health"] for name, each in data.items()} == {
        "a.png": "changed",
        "c.png": "dead",
        "moved.png": "changed",
        "home.png": "dead",
        "missing.png": "ok",
        "b.png": "ok",
        "file.json": None,
    }
    assert data["missing.png"]["width"] == 9
    artifacts = stack.handle["artifacts_bucket"]
    left = stack.s3.list_objects_v2(Bucket=artifacts, Prefix="quarantine/")
    assert left["KeyCount"] == 0
    assert stack.depth("fetches_dlq") == stack.depth("preprocess_dlq") == 0
