"""CSV imports and bucket imports on the deployed stack, with nothing but HTTP."""

import base64
import csv
import io
import json
import uuid
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from chalicelib.formats import parquet
from tests.e2e.elsewhere import Elsewhere
from tests.e2e.lake import Stack, eventually, png
from tests.e2e.test_access import send

ENDED = {"succeeded", "failed", "canceled"}


def ended(stack: Stack, begun: Any) -> dict[str, Any]:
    path = f"/v1/jobs/{begun['job']['id']}"
    assert eventually(lambda: send(stack, "GET", path).body["state"] in ENDED)
    return dict(send(stack, "GET", path).body)


def report(stack: Stack, job: dict[str, Any]) -> list[dict[str, str]]:
    answer = send(stack, "GET", f"/v1/jobs/{job['id']}/report")
    assert answer.status == 302
    located = send(stack, "GET", f"/v1/jobs/{job['id']}/report?redirect=false")
    assert urlsplit(located.body["url"]).path == urlsplit(answer.headers["Location"]).path
    stored = stack.fetch(located.body["url"])
    assert stored.headers["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(stored.raw.decode(), newline="")))


def test_a_file_goes_up_by_its_form_and_becomes_links_and_objects_once(
    stack: Stack, elsewhere: Elsewhere
) -> None:
    folder = f"csv-{uuid.uuid4().hex[:8]}"
    encoded = base64.b64encode(png(21)).decode()
    rows = [
        "url;image_bytes;name;action;tags",
        f";{encoded};bytes.png;upload;car",
        f"{elsewhere.url('/none.png')};;;upload;",
        *["nothing;;;;"] * 1000,
        *(f"s3://{stack.bucket}/{folder}/bytes.png;;{n}.jpg;;car|red" for n in range(20)),
    ]
    content = "\ufeff" + "\r\n".join(rows)
    body = {"filename": f"{folder}.csv"}
    begun = send(stack, "POST", "/v1/datalakes/default/imports/csv", body)
    assert begun.status == 202
    form = begun.body["upload"]
    fields = {**form["fields"], "file": ("x", content.encode("utf-16-le"))}
    assert stack.http.request("POST", form["url"], fields=fields).status in (200, 201, 204)
    job = ended(stack, begun.body)
    assert job["state"] == "succeeded"
    assert job["progress"] == {"rows": 1022, "created": 21, "updated": 0, "skipped": 0, "failed": 1001}
    told = report(stack, job)
    assert [int(each["row"]) for each in told] == list(range(2, 1024))
    codes = Counter(each["code"] for each in told if each["outcome"] == "failed")
    assert codes == {"invalid_url": 1000, "not_fetched": 1}
    found = {each["filename"]: each for each in stack.index(f"{folder}/")}
    assert len([each for each in found.values() if each["kind"] == "link"]) == 20
    assert found["7.jpg"]["tags"] == ["car", "red"]
    assert eventually(lambda: next(stack.index(f"{folder}/bytes.png"))["width"] == 21)
    again = send(stack, "POST", "/v1/datalakes/default/imports/csv", body | {"content": content[1:]})
    assert ended(stack, again.body)["progress"]["created"] == 0
    stack.clear(f"{folder}/")


def test_bytes_are_fetched_into_the_bucket_and_are_what_they_say(stack: Stack, elsewhere: Elsewhere) -> None:
    folder = f"csv-{uuid.uuid4().hex[:8]}"
    elsewhere.files |= {"/csv.jpg": png(23), "/csv.png": b"<html>not found</html>"}
    urls = [elsewhere.url("/csv.jpg"), elsewhere.url("/csv.png"), elsewhere.url("/none.png")]
    body = {"filename": f"{folder}.csv", "action": "upload", "content": "\n".join(["URL", *urls])}
    job = ended(stack, send(stack, "POST", "/v1/datalakes/default/imports/csv", body).body)
    assert job["progress"] == {"rows": 3, "created": 1, "updated": 0, "skipped": 0, "failed": 2}
    assert [each["code"] for each in report(stack, job)] == ["", "unsupported_type", "not_fetched"]
    stored = stack.s3.get_object(Bucket=stack.bucket, Key=f"{folder}/csv.jpg")
    assert (stored["Body"].read(), stored["ContentType"]) == (png(23), "image/png")
    update = body | {"mode": "update"}
    again = ended(stack, send(stack, "POST", "/v1/datalakes/default/imports/csv", update).body)
    assert again["progress"] == {"rows": 3, "created": 0, "updated": 0, "skipped": 1, "failed": 2}
    stack.clear(f"{folder}/")


def test_objects_of_the_bucket_become_data_by_prefixes_and_by_manifests(stack: Stack) -> None:
    folder = f"import-{uuid.uuid4().hex[:8]}/"
    names = [f"{folder}{n} +é.png" for n in range(4)]
    for name in names:
        stack.s3.put_object(Bucket=stack.bucket, Key=name, Body=png())
    assert eventually(lambda: stack.settled(folder))
    ids = {each["object_name"]: each["id"] for each in stack.index(folder)}
    table = stack.handle["tables"]["data"]
    for name in names[:3]:
        # As if its event had been lost.
        stack.dynamodb.delete_item(TableName=table, Key={"id": {"S": ids[name]}})

    def run(**body: Any) -> dict[str, Any]:
        answer = send(stack, "POST", "/v1/datalakes/default/imports/bucket", body)
        assert answer.status == 202, answer.raw
        job = ended(stack, answer.body)
        assert job["state"] == "succeeded", job
        return job

    foreseen = run(prefixes=[folder], tags=["imported"], dry_run=True)["progress"]
    assert (foreseen["new"], foreseen["unchanged"], foreseen["estimate"]["objects"]) == (3, 1, 4)
    done = run(manifest={"content": f"{names[0]}\n{folder}none\n", "format": "text"}, tags=["imported"])
    assert (done["progress"]["inserted"], done["progress"]["edited"]) == (1, 1)
    assert [(each["row"], each["code"]) for each in report(stack, done)] == [("2", "not_found")]
    lines = [json.dumps({"object_name": names[1], "source": "camera", "custom_metadata": {"lot": 1}})]
    lines.append(json.dumps({"object_name": names[3], "tags": ["known"], "description": "x"}))
    key = f"{folder}m.jsonl"
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body="\n".join(lines).encode())
    done = run(manifest={"key": key, "format": "jsonl"})
    assert (done["progress"]["inserted"], done["progress"]["unchanged"], done["progress"]["edited"]) == (
        1,
        1,
        2,
    )
    written = io.BytesIO()
    rows = "".join(
        json.dumps({"bucket": stack.bucket, "key": name}, ensure_ascii=False) + "\n" for name in names
    )
    columns = {"bucket": parquet.Column.TEXT, "key": parquet.Column.TEXT}
    parquet.write(io.BytesIO(rows.encode()), columns, written)
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}0.parquet", Body=written.getvalue())
    told = {"sourceBucket": stack.bucket, "fileFormat": "Parquet", "files": [{"key": f"{folder}0.parquet"}]}
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}manifest.json", Body=json.dumps(told).encode())
    done = run(manifest={"key": f"{folder}manifest.json", "format": "inventory"})
    assert (done["progress"]["inserted"], done["progress"]["unchanged"]) == (1, 3)
    done = run(prefixes=[folder], source="all")
    assert (done["progress"]["seen"], done["progress"]["changed"]) == (7, 0)
    found = {each["object_name"]: each for each in stack.index(folder)}
    assert found[names[0]]["tags"] == ["imported"]
    assert found[names[1]]["custom_metadata"] == {"lot": 1}
    assert (found[names[3]]["tags"], found[names[3]]["description"]) == (["known"], "x")
    assert {found[name]["source"] for name in names} == {"all"}
    assert eventually(lambda: stack.settled(folder))
    stack.clear(folder)
