"""An export of the deployed stack's index, and the index made anew of it, with nothing but HTTP."""

import gzip
import io
import json
import uuid
from typing import Any

from chalicelib.formats import parquet
from tests.e2e.elsewhere import Elsewhere
from tests.e2e.lake import Stack, eventually, png
from tests.e2e.test_access import send
from tests.e2e.test_imports import ended, report
from tests.unit.formats.bombs import bomb

LAKE = "/v1/datalakes/default"


def exported(stack: Stack, begun: Any) -> tuple[dict[str, Any], bytes]:
    job = ended(stack, begun)
    assert (job["state"], job["error"], job["progress"]["files"]) == ("succeeded", None, 1)
    answer = send(stack, "GET", f"/v1/jobs/{job['id']}/report")
    assert answer.status == 302
    stored = stack.fetch(answer.headers["Location"])
    assert stored.headers["Content-Disposition"].startswith("attachment")
    return job, stored.raw


def given(stack: Stack, content: bytes) -> dict[str, Any]:
    begun = send(stack, "POST", f"{LAKE}/imports/export", {}).body
    form = begun["upload"]
    fields = {**form["fields"], "file": ("x", content)}
    assert stack.http.request("POST", form["url"], fields=fields).status in (200, 201, 204)
    return ended(stack, begun)


def shown(stack: Stack, folder: str) -> list[dict[str, Any]]:
    """In the order of creation, but for when they were looked at."""
    anew = ("updated_at", "checked_at")
    return [{name: each[name] for name in each if name not in anew} for each in stack.index(folder)]


def test_an_index_that_was_lost_comes_back_as_it_was(stack: Stack, elsewhere: Elsewhere) -> None:
    folder = f"exports-{uuid.uuid4().hex[:8]}/"
    elsewhere.files["/exported.png"] = png(31)
    for name in ("b é.png", "a𠀀.png", "c.txt"):
        body = b"text" if name == "c.txt" else png(len(name))
        stack.s3.put_object(Bucket=stack.bucket, Key=folder + name, Body=body)
    link = {"url": elsewhere.url("/exported.png"), "name": f"{folder}link.png", "tags": ["car"]}
    assert send(stack, "POST", f"{LAKE}/links", {"links": [link]}).body["ok"]
    assert eventually(lambda: stack.settled(folder))
    ids = [each["id"] for each in stack.index(folder)]
    said = {
        "metadata": {"weather": "rain"},
        "custom_metadata": {"lot": "𠀀"},
        "description": "x",
        "source": "one",
    }
    assert send(stack, "PATCH", f"{LAKE}/data/{ids[0]}", said).status == 200
    assert send(stack, "POST", f"{LAKE}/data/tags", {"tags": ["car", "red"], "ids": ids[:2]}).status == 200
    before = shown(stack, folder)
    tagged = [each["id"] for each in stack.index(folder, tags="red")]

    formats = ("jsonl", "parquet")
    as_lines, as_rows = [send(stack, "POST", f"{LAKE}/exports", {"format": each}).body for each in formats]
    job, content = exported(stack, as_lines)
    lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    ours = {line["id"]: line for line in lines if line["object_name"].startswith(folder)}
    assert len(lines) == len({line["id"] for line in lines})
    assert ours.keys() == set(ids)
    assert ours[ids[0]]["metadata"] == {"weather": "rain"}
    _, content = exported(stack, as_rows)
    rows = [row for row in parquet.rows(io.BytesIO(content)) if row["id"] in ours]
    assert {row["id"]: row["created_at"] for row in rows} == {
        data_id: line["created_at"] for data_id, line in ours.items()
    }

    for data_id in ids:
        stack.dynamodb.delete_item(TableName=stack.handle["tables"]["data"], Key={"id": {"S": data_id}})
    assert eventually(lambda: not shown(stack, folder))
    send(stack, "POST", f"{LAKE}/sync", {})
    assert eventually(lambda: stack.settled(folder))
    restored = ended(stack, send(stack, "POST", f"{LAKE}/imports/export", {"job": job["id"]}).body)
    assert (restored["state"], restored["progress"]["failed"]) == ("succeeded", 0)
    assert report(stack, restored) == []
    assert eventually(lambda: shown(stack, folder) == before), (shown(stack, folder), before)
    assert [each["id"] for each in stack.index(folder, tags="red")] == tagged

    again = given(stack, content)
    assert (again["state"], again["progress"]["failed"]) == ("succeeded", 0)
    assert again["progress"]["skipped"] == again["progress"]["rows"]
    stack.clear(folder)


def test_a_file_that_unfolds_to_too_much_ends_its_job_at_once(stack: Stack) -> None:
    job = given(stack, bomb(200, 4_000_000))
    assert job["state"] == "failed"
    assert job["error"].endswith("it is damaged, or unfolds to more than there is memory for")
    assert report(stack, job) == []
