"""Uploads and deletions on the deployed stack, by a client that knows HTTP and nothing else."""

import hashlib
from typing import Any

import pytest

from tests.e2e.lake import FINAL, Answer, Stack, eventually, png
from tests.e2e.test_access import send

PREFIX = "uploads/"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HTML = b"<!doctype html><script>alert(1)</script>"


class Lake:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        return send(self.stack, method, f"/v1/datalakes/default{path}", body)

    def announce(self, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.call("POST", "/uploads", {"uploads": list(entries), **more})
        assert answer.status == 200, answer.raw
        return dict(answer.body)

    def post(self, form: dict[str, Any], body: bytes, **fields: str) -> int:
        sent = {**form["fields"], **fields, "file": ("file", body)}
        return int(self.stack.http.request("POST", form["url"], fields=sent).status)

    def put(self, url: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        response = self.stack.http.request("PUT", url, body=body, headers=headers)
        return Answer(response.status, response.headers, response.data)

    def states(self, ids: list[str]) -> dict[str, int]:
        answer = self.call("POST", "/uploads/status", {"ids": ids})
        assert answer.status == 200, answer.raw
        return dict(answer.body["by_status"])

    def settle(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        assert eventually(lambda: self.states(ids).keys() <= FINAL), self.states(ids)
        records = {each["id"]: each for each in self.stack.index(PREFIX)}
        return {data_id: records[data_id] for data_id in ids}


@pytest.fixture(scope="module")
def lake(stack: Stack) -> Lake:
    return Lake(stack)


def entry(name: str, body: bytes, **more: Any) -> dict[str, Any]:
    return {"object_name": PREFIX + name, "size": len(body), "content_type": "image/png"} | more


def test_a_form_takes_what_was_announced_and_nothing_else(lake: Lake) -> None:
    body, other = png(8), png(9)
    # A byte behind a PNG is ignored, so both have one size.
    size = max(len(body), len(other))
    body, other = body.ljust(size, b"\0"), other.ljust(size, b"\0")
    said = {"tags": ["up", "e2e"], "source": "cam", "custom_metadata": {"lot": 1}, "description": "d"}
    sha256 = hashlib.sha256(body).hexdigest()
    [one] = lake.announce(entry("one.png", body, sha256=sha256, **said))["ok"]
    form, data_id = one["upload"], one["data"]["id"]
    assert lake.states([data_id]) == {"pending": 1}
    for refused in (
        lake.post(form, body + b"\0"),
        lake.post(form, body[:-1]),
        lake.post(form, other),
        lake.post(form, body, **{"Content-Type": "text/html"}),
        lake.post(form, body, key=f"{PREFIX}elsewhere.png"),
    ):
        assert refused in (400, 403)
    assert lake.states([data_id]) == {"pending": 1}
    assert lake.post(form, body) == 204
    record = lake.settle([data_id])[data_id]
    assert (record["status"], record["width"], record["content_type"]) == ("ready", 8, "image/png")
    assert {name: record[name] for name in said} == said | {"tags": ["e2e", "up"]}
    assert [each["id"] for each in lake.stack.index(f"{PREFIX}one")] == [data_id]


def test_a_put_takes_what_was_announced_and_replaces_nothing(lake: Lake) -> None:
    body = png(8)
    sha256 = hashlib.sha256(body).hexdigest()
    [one] = lake.announce(entry("put é+%2F.png", body, sha256=sha256), by="put")["ok"]
    url, headers, data_id = one["upload"]["url"], one["upload"]["headers"], one["data"]["id"]
    without = [{name: headers[name] for name in headers if name != left} for left in headers]
    refused = [
        lake.put(url, body + b"\0", headers),
        lake.put(url, body[:-1], headers),
        lake.put(url, bytes(len(body)), headers),
        lake.put(url, body, headers | {"Content-Type": "text/html"}),
        lake.put(url.replace("put%20", "other%20"), body, headers),
        *(lake.put(url, body, some) for some in without),
    ]
    assert [answer.status for answer in refused] == [403, 403, 400, *[403] * (2 + len(without))]
    assert lake.states([data_id]) == {"pending": 1}
    assert lake.put(url, body, headers).status == 200
    assert lake.put(url, body, headers).status == 412
    assert lake.settle([data_id])[data_id]["width"] == 8
    [again] = lake.announce(entry("put é+%2F.png", png(9)), by="put", if_exists="overwrite")["ok"]
    assert lake.put(again["upload"]["url"], png(9), again["upload"]["headers"]).status == 200
    assert eventually(lambda: lake.call("GET", f"/data/{data_id}").body["width"] == 9)


def test_many_go_up_after_one_call_and_are_waited_for_with_one(lake: Lake) -> None:
    body = png(5)
    ok = lake.announce(*(entry(f"many/{n}.png", body) for n in range(12)))["ok"]
    assert [lake.post(each["upload"], body) for each in ok] == [204] * 12
    records = lake.settle([each["data"]["id"] for each in ok])
    assert {each["width"] for each in records.values()} == {5}


def test_a_large_file_goes_up_in_parts(lake: Lake) -> None:
    body = bytes(65 * 1024**2)
    [one] = lake.announce(entry("large.mp4", body, content_type="video/mp4"))["ok"]
    ticket, data_id = one["upload"], one["data"]["id"]
    assert (ticket["method"], ticket["part_count"]) == ("MULTIPART", 5)
    size, sent = ticket["part_size"], []
    for part in ticket["parts"]:
        start = size * (part["number"] - 1)
        answer = lake.put(part["url"], body[start : start + size])
        assert answer.status == 200
        sent.append({"number": part["number"], "etag": answer.headers["ETag"].strip('"')})
    done = f"/uploads/{ticket['upload_id']}/complete"
    assert lake.call("POST", done, {"parts": sent[:-1]}).status == 400
    assert lake.call("POST", done, {"parts": sent}).status == 200
    assert lake.call("POST", done, {"parts": sent}).status == 200
    record = lake.settle([data_id])[data_id]
    assert (record["size"], record["type"]) == (len(body), "other")
    lake.stack.s3.delete_object(Bucket=lake.stack.bucket, Key=record["object_name"])


def test_parts_that_are_dropped_leave_nothing(lake: Lake) -> None:
    [one] = lake.announce({**entry("dropped.mp4", b""), "size": 100 * 1024**2})["ok"]
    assert lake.call("DELETE", f"/uploads/{one['upload']['upload_id']}").status == 204
    listed = lake.stack.s3.list_multipart_uploads(Bucket=lake.stack.bucket)
    assert not [each for each in listed.get("Uploads", []) if each["Key"].startswith(PREFIX)]
    assert lake.call("GET", f"/data/{one['data']['id']}").status == 404


@pytest.mark.parametrize("body", [SVG, HTML], ids=["svg", "html"])
def test_scripts_that_come_as_images_are_not_shown(lake: Lake, body: bytes) -> None:
    [one] = lake.announce(entry(f"{len(body)}.png", body))["ok"]
    assert lake.post(one["upload"], body) == 204
    data_id = one["data"]["id"]
    assert lake.settle([data_id])[data_id]["status"] == "skipped"
    shown = lake.stack.fetch(lake.call("GET", f"/data/{data_id}/content").headers["Location"])
    assert shown.raw == body
    assert shown.headers["Content-Type"] == "application/octet-stream"
    assert shown.headers["Content-Disposition"] == "attachment"


def test_any_page_may_send_forms_and_read_the_etags_of_parts(lake: Lake) -> None:
    [rule] = lake.stack.s3.get_bucket_cors(Bucket=lake.stack.bucket)["CORSRules"]
    assert {"POST", "PUT"} <= set(rule["AllowedMethods"])
    assert rule["ExposeHeaders"] == ["ETag"]


def test_what_is_forgotten_stays_in_the_bucket_and_nothing_is_deleted_unless_allowed(lake: Lake) -> None:
    body = png(4)
    ok = lake.announce(*(entry(f"old/{n}.png", body) for n in range(6)))["ok"]
    for each in ok:
        lake.post(each["upload"], body)
    records = lake.settle([each["data"]["id"] for each in ok])
    first, *rest = records.values()
    refused = lake.call("DELETE", f"/data/{first['id']}?object=true&etag={first['etag']}")
    assert (refused.status, refused.body["code"]) == (403, "delete_not_allowed")
    forgotten = lake.call("DELETE", f"/data/{first['id']}")
    assert (forgotten.status, forgotten.body["outcome"]) == (200, "forgotten")
    dry = _ended(lake, {"q": f'object_name starts with "{PREFIX}old/"', "dry_run": True})
    assert (dry["seen"], dry["bytes"], dry["forgotten"]) == (5, 5 * len(body), 0)
    done = _ended(lake, {"ids": [each["id"] for each in rest]})
    assert (done["seen"], done["forgotten"]) == (5, 5)
    assert list(lake.stack.index(f"{PREFIX}old/")) == []
    assert len(lake.stack.listing(f"{PREFIX}old/")) == 6
    lake.stack.clear(PREFIX)


def test_an_object_is_deleted_where_that_is_allowed_and_survives_where_it_was_overwritten(lake: Lake) -> None:
    ok = lake.announce(*(entry(f"delete/{n}.png", png(n + 1)) for n in range(4)))["ok"]
    for n, each in enumerate(ok):
        lake.post(each["upload"], png(n + 1))
    first, *rest = lake.settle([each["data"]["id"] for each in ok]).values()
    allowed = send(lake.stack, "PATCH", "/v1/connectors/stack", {"allow_delete": True})
    assert allowed.status == 200, allowed.raw
    try:
        path = f"/data/{first['id']}?object=true&etag="
        mismatch = lake.call("DELETE", path + "0" * 32)
        assert (mismatch.status, mismatch.body["code"]) == (409, "etag_mismatch")
        assert lake.call("DELETE", path + first["etag"]).status == 202
        done = _ended(lake, {"ids": [each["id"] for each in rest], "object": True})
    finally:
        send(lake.stack, "PATCH", "/v1/connectors/stack", {"allow_delete": False})
    assert (done["seen"], done["deleted"], done["failed"]) == (3, 3, 0)
    assert lake.stack.listing(f"{PREFIX}delete/") == {}
    assert eventually(lambda: not list(lake.stack.index(f"{PREFIX}delete/")))


def _ended(lake: Lake, body: dict[str, Any]) -> dict[str, int]:
    begun = lake.call("POST", "/data/delete", body)
    assert begun.status == 202, begun.raw
    job = f"/v1/jobs/{begun.body['job']['id']}"
    assert eventually(lambda: send(lake.stack, "GET", job).body["state"] == "succeeded")
    return dict(send(lake.stack, "GET", job).body["progress"])
