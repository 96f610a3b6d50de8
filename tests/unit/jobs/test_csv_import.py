"""CSV imports from the call that begins one to its report, over an AWS in memory that fails."""

import base64
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest

from chalicelib.jobs import csv_import
from chalicelib.model.data import Reason
from chalicelib.model.fetch import Arrival, Fetch
from chalicelib.model.lake import Lake
from chalicelib.storage import labels, quarantine, records
from tests.simulation import faults, objects
from tests.simulation.fakes.world import ARTIFACTS, Request, World, installed
from tests.simulation.interference import let
from tests.simulation.invocation import Invocation
from tests.simulation.shift import deliver
from tests.unit.api.gateway import Gateway

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
ENCODED = base64.b64encode(PNG).decode()
TOTALS = ("rows", "created", "updated", "skipped", "failed")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(csv_import, "_ROWS", 3)
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default")


@pytest.fixture
def gateway(lake: Lake) -> Gateway:
    return Gateway()


def table(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def links(n: int, **more: str) -> list[dict[str, str]]:
    return [{"URL": f"https://images.example.org/{each:03}.jpg", **more} for each in range(n)]


def begin(gateway: Gateway, content: str | None, **options: Any) -> str:
    body = {"filename": "frames.csv", **options} | ({} if content is None else {"content": content})
    answer = gateway.call("POST", "/imports/csv", body)
    assert answer.status == 202, answer.body
    assert (answer.body["upload"] is None) == (content is not None)
    return str(answer.body["job"]["id"])


def work(world: World) -> int:
    """Until nothing is left to do, also what is to be done later. Whatever is to be fetched comes at once."""
    deliveries = 0
    while deliver(world):
        deliveries += 1
        sent = [each for each in world.calls if each.operation == "SendMessage"]
        world.clock += sent[-1].parameters["DelaySeconds"] if sent else 0
        arrive(world)
        assert deliveries < 500
    return deliveries


def arrive(world: World) -> None:
    queue = world.sqs.queues["fetches"]
    for message in list(queue.visible.values()):
        fetch = Fetch.decode(message.body)
        del queue.visible[message.id]
        if fetch.work is None:
            name = fetch.url.rpartition("/")[2]
            body = {"page.html": b"<html>404</html>"}.get(name, PNG)
            reason = Reason.NOT_FOUND if name == "gone.png" else None
            arrival = Arrival(size=None if reason else len(body), reason=reason)
            quarantine.store(fetch.key, arrival, b"" if reason else body)


def job(gateway: Gateway, job_id: str) -> dict[str, Any]:
    return dict(gateway.call("GET", f"/v1/jobs/{job_id}").body)


def progress(gateway: Gateway, job_id: str) -> tuple[int, ...]:
    found = job(gateway, job_id)
    assert found["state"] == "succeeded", found
    return tuple(found["progress"][name] for name in TOTALS)


def report(world: World, job_id: str) -> list[dict[str, str]]:
    text = world.s3.buckets[ARTIFACTS].objects[f"imports/{job_id}/report.csv"][-1].body.decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def listed(gateway: Gateway, **query: str) -> dict[str, dict[str, Any]]:
    page = gateway.call("GET", "/data", limit="1000", **query).body
    assert page["next_cursor"] is None
    return {each["object_name"]: each for each in page["items"]}


def snapshot(world: World) -> Any:
    tables = {name: dict(world.dynamodb.tables[name].items) for name in ("data", "labels", "taggings")}
    return tables, dict(world.s3.buckets["photos"].objects)


MIXED = table(
    {
        "url": "https://images.example.org/a.jpg",
        "name": "a.jpg",
        "tags": "car;red",
        "source": "camera",
        "item_metadata": '{"k": 1}',
        "item_description": "one\ntwo",
        "ID": "7",
    },
    {"url": "https://images.example.org/b/frame.0001.jpg"},
    {"url": "https://images.example.org/c/frame.0001.jpg"},
    {"image_bytes": ENCODED, "name": "bytes.png", "mimetype": "image/jpg", "tags": "car"},
    {"url": "", "name": ""},
    {"ID": "neither"},
    {"url": "https://images.example.org/a.jpg", "image_bytes": "QUJD", "name": "=both()"},
    {"url": "http://169.254.169.254/latest/meta-data"},
    {"url": "https://images.example.org/x.png", "action": "upload", "name": "fetched.png"},
    {"url": "https://images.example.org/page.html", "action": "upload", "name": "page.png"},
    {"url": "https://images.example.org/gone.png", "action": "upload"},
    {"url": "https://images.example.org/a.jpg", "name": "a.jpg"},
)


def test_rows_become_links_and_objects_in_a_folder_of_the_files_name(gateway, world, lake):
    begun = begin(gateway, MIXED)
    assert work(world) > 1
    assert progress(gateway, begun) == (11, 5, 0, 1, 5)
    found = listed(gateway)
    linked = {name: each for name, each in found.items() if each["kind"] == "link"}
    assert len(linked) == 3
    first = linked["frames/a.jpg"]
    assert (first["tags"], first["source"], first["description"]) == (["car", "red"], "camera", "one\ntwo")
    assert (first["custom_metadata"], first["metadata"]) == ({"k": 1}, {"custom_id": "7"})
    assert "frames/frame.0001.jpg" in linked
    uploaded = found["frames/bytes.png"]
    assert (uploaded["kind"], uploaded["status"], uploaded["tags"]) == ("object", "pending", ["car"])
    stored = world.s3.buckets["photos"].current("frames/bytes.png")
    assert (stored.body, stored.content_type) == (PNG, "image/png")
    assert world.s3.buckets["photos"].current("frames/fetched.png").content_type == "image/png"
    assert [(each["row"], each["outcome"], each["code"]) for each in report(world, begun)] == [
        ("2", "created", ""),
        ("4", "created", ""),
        ("5", "created", ""),
        ("6", "created", ""),
        ("8", "failed", "invalid_url"),
        ("9", "failed", "invalid_url"),
        ("10", "failed", "invalid_url"),
        ("11", "created", ""),
        ("12", "failed", "unsupported_type"),
        ("13", "failed", "not_fetched"),
        ("14", "skipped", "exists"),
    ]
    assert {each["row"]: each["name"] for each in report(world, begun)}["9"] == "'=both()"
    assert not [key for key in world.s3.buckets[ARTIFACTS].objects if key.startswith("quarantine/")]


def test_the_report_is_downloaded_by_those_who_may_see_the_job(gateway, world, lake):
    begun = begin(gateway, table(*links(1)))
    assert gateway.call("GET", f"/v1/jobs/{begun}/report").status == 404
    work(world)
    assert Gateway(role="viewer").call("GET", f"/v1/jobs/{begun}/report").status == 302
    assert Gateway(organization="foreign").call("GET", f"/v1/jobs/{begun}/report").status == 404


def test_other_jobs_have_no_report(gateway, world, lake):
    answer = gateway.call("POST", "/data/tags", {"tags": ["x"], "q": "size > 0"})
    work(world)
    assert gateway.call("GET", f"/v1/jobs/{answer.body['job']['id']}/report").status == 404


def test_the_same_file_again_changes_nothing(gateway, world, lake):
    begin(gateway, MIXED)
    work(world)
    before = snapshot(world)
    fetched = world.sqs.sent
    begun = begin(gateway, MIXED)
    work(world)
    assert progress(gateway, begun) == (11, 0, 0, 6, 5)
    assert snapshot(world) == before
    assert fetched


def test_a_dry_run_tells_all_and_changes_nothing(gateway, world, lake):
    before = snapshot(world)
    begun = begin(gateway, MIXED, dry_run=True)
    work(world)
    # What cannot be fetched is found out only by fetching it, and that a row is about the same thing as one
    # of an earlier step only when that was done.
    assert progress(gateway, begun) == (11, 8, 0, 0, 3)
    assert snapshot(world) == before
    begin(gateway, table(*links(3)))
    work(world)
    before = snapshot(world)
    begun = begin(gateway, table(*links(5)), dry_run=True)
    work(world)
    assert progress(gateway, begun) == (5, 2, 0, 3, 0)
    assert snapshot(world) == before


def test_what_is_there_is_updated_if_that_is_asked_for_and_differs(gateway, world, lake):
    rows = [*links(3, tags="a", item_description="x"), {"image_bytes": ENCODED, "name": "b.png"}]
    begin(gateway, table(*rows))
    work(world)
    objects.deliver(world)
    rows[0]["item_description"] = "y"
    rows[1]["tags"] = "b"
    rows[3]["source"] = "camera"
    begun = begin(gateway, table(*rows), mode="update")
    work(world)
    assert progress(gateway, begun) == (4, 0, 3, 1, 0)
    found = listed(gateway)
    assert found["frames/000.jpg"]["description"] == "y"
    assert found["frames/001.jpg"]["tags"] == ["a", "b"]
    assert found["frames/b.png"]["source"] == "camera"
    begun = begin(gateway, table(*rows), mode="update")
    work(world)
    assert progress(gateway, begun) == (4, 0, 0, 4, 0)


def test_bytes_that_are_fetched_again_and_are_the_same_change_nothing(gateway, world, lake):
    rows = [{"URL": "https://a.example.org/x.png", "action": "upload", "name": "x.png"}]
    begin(gateway, table(*rows))
    work(world)
    objects.deliver(world)
    before = snapshot(world)
    begun = begin(gateway, table(*rows), mode="update")
    work(world)
    assert progress(gateway, begun) == (1, 0, 0, 1, 0)
    assert snapshot(world) == before
    world.s3.put_object(Bucket="photos", Key="frames/x.png", Body=PNG + b"more")
    objects.deliver(world)
    begun = begin(gateway, table(*rows), mode="update")
    work(world)
    assert progress(gateway, begun) == (1, 0, 1, 0, 0)
    assert world.s3.buckets["photos"].current("frames/x.png").body == PNG


def test_the_same_file_again_changes_nothing_before_its_objects_are_seen(gateway, world, lake):
    rows = [
        {"URL": "https://a.example.org/x.png", "action": "upload", "tags": "a"},
        {"image_bytes": ENCODED, "name": "b.png", "item_description": "x"},
    ]
    begin(gateway, table(*rows), mode="update")
    work(world)
    before = snapshot(world)
    begun = begin(gateway, table(*rows), mode="update")
    work(world)
    assert progress(gateway, begun) == (2, 0, 0, 2, 0)
    assert snapshot(world) == before
    rows[1]["item_description"] = "y"
    begun = begin(gateway, table(*rows), mode="update")
    work(world)
    assert progress(gateway, begun) == (2, 0, 1, 1, 0)


def test_a_step_creates_some_labels_and_no_more(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(csv_import, "_ROWS", 100)
    monkeypatch.setattr(csv_import, "_LABELS", 4)
    rows = [each | {"tags": f"a{n};b{n}"} for n, each in enumerate(links(6))]
    begun = begin(gateway, table(*rows))
    work(world)
    assert progress(gateway, begun) == (6, 6, 0, 0, 0)
    assert sum("/plan/" in key for key in world.s3.buckets[ARTIFACTS].objects) == 2


def test_looking_whether_bytes_have_come_costs_little(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(csv_import, "_ROWS", 100)
    rows = [{"URL": f"https://a.example.org/{n}.png", "action": "upload"} for n in range(5)]
    begin(gateway, table(*rows, *links(20)))
    for _ in range(3):
        deliver(world)
        world.clock += 60
    world.calls.clear()
    deliver(world)
    assert Counter(each.operation for each in world.calls if each.service == "s3") == {
        "GetObject": 1,
        "HeadObject": 5,
    }


def test_what_is_there_is_an_error_if_that_is_asked_for(gateway, world, lake):
    rows = [*links(2), {"image_bytes": ENCODED, "name": "b.png"}]
    begin(gateway, table(*rows))
    work(world)
    begun = begin(gateway, table(*rows), mode="error")
    work(world)
    assert progress(gateway, begun) == (3, 0, 0, 0, 3)
    assert {each["code"] for each in report(world, begun)} == {"conflict"}


@pytest.mark.parametrize(
    ("mode", "expected"), [("skip", (4, 1, 0, 3, 0)), ("update", (4, 1, 1, 2, 0)), ("error", (4, 1, 0, 0, 3))]
)
def test_rows_about_the_same_thing_follow_each_other(gateway, world, lake, monkeypatch, mode, expected):
    rows = links(1) * 4
    rows[2] = rows[2] | {"item_description": "x"}
    for size in (10, 1):
        monkeypatch.setattr(csv_import, "_ROWS", size)
        begun = begin(gateway, table(*rows), mode=mode, filename=f"{size}.csv")
        work(world)
        assert progress(gateway, begun) == expected
        assert listed(gateway, prefix=f"{size}/").popitem()[1]["description"] == (
            "x" if mode == "update" else None
        )


@pytest.mark.parametrize("mode", ["skip", "update", "error"])
def test_a_row_that_fails_stands_in_the_way_of_no_other_about_the_same(gateway, world, lake, mode):
    link = {"URL": "https://a.example.org/1.jpg"}
    rows = [
        link | {"mimetype": "no such"},
        link | {"mimetype": "never"},
        link | {"mimetype": "image/jpeg"},
        {"URL": "https://a.example.org/gone.png", "action": "upload", "name": "n.png"},
        {"URL": "https://a.example.org/x.png", "action": "upload", "name": "n.png"},
    ]
    begun = begin(gateway, table(*rows), mode=mode)
    work(world)
    outcomes = [each["outcome"] for each in report(world, begun)]
    assert outcomes == ["failed", "failed", "created", "failed", "created"]
    assert world.s3.buckets["photos"].current("frames/n.png").body == PNG


def test_what_can_be_no_object_is_foreseen(gateway, world, lake):
    rows = [
        {"image_bytes": ENCODED, "name": "${filename}"},
        {"URL": "s3://photos/x.png", "action": "upload", "name": "x.png"},
    ]
    for dry_run in (True, False):
        begun = begin(gateway, table(*rows), dry_run=dry_run)
        work(world)
        assert [each["code"] for each in report(world, begun)] == ["invalid_name", "invalid_url"]
    begun = begin(gateway, table(rows[0] | {"name": "b.png"}), filename=".tidelake.csv", dry_run=True)
    work(world)
    assert [each["code"] for each in report(world, begun)] == ["invalid_name"]


def test_an_object_that_nobody_has_seen_yet_is_there_too(gateway, world, lake):
    world.s3.put_object(Bucket="photos", Key="frames/b.png", Body=b"other")
    begun = begin(gateway, table({"image_bytes": ENCODED, "name": "b.png"}))
    work(world)
    assert progress(gateway, begun) == (1, 0, 0, 1, 0)
    assert world.s3.buckets["photos"].current("frames/b.png").body == b"other"


def put_file(world: World, job_id: str, body: bytes) -> None:
    world.s3.put_object(Bucket=ARTIFACTS, Key=f"imports/{job_id}/given.csv", Body=body)


def test_a_file_that_is_uploaded_is_waited_for(gateway, world, lake):
    begun = begin(gateway, None)
    for _ in range(5):
        assert deliver(world)
        world.clock += 10
    assert job(gateway, begun)["state"] == "running"
    put_file(world, begun, b"\xff\xfe" + "URL\r\nhttps://images.example.org/é.jpg\r\n".encode("utf-16-le"))
    work(world)
    assert progress(gateway, begun) == (1, 1, 0, 0, 0)


def test_a_file_that_never_comes_is_not_waited_for_forever(gateway, world, lake):
    begun = begin(gateway, None)
    assert 20 < work(world) < 200
    found = job(gateway, begun)
    assert (found["state"], found["error"]) == ("failed", "the file did not come within 30 minutes")
    assert gateway.call("GET", f"/v1/jobs/{begun}/report").status == 404


def test_the_form_takes_one_file_of_a_bounded_size(gateway, world, lake):
    answer = gateway.call("POST", "/imports/csv", {"filename": "frames.csv"})
    form, begun = answer.body["upload"], answer.body["job"]["id"]
    assert form["method"] == "POST"
    assert form["fields"]["key"] == f"imports/{begun}/given.csv"
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    assert ["content-length-range", 1, 1_000_000_000] in policy["conditions"]
    assert {"Content-Type": "text/csv"} in policy["conditions"]


def test_a_file_that_is_changed_while_it_is_read_ends_the_job(gateway, world, lake):
    begun = begin(gateway, table(*links(9)))
    deliver(world, partial(next, chain([300_000] * 2, repeat(0))))
    put_file(world, begun, b"URL\n")
    work(world)
    found = job(gateway, begun)
    assert (found["state"], found["error"]) == ("failed", "the file was changed while it was read")
    assert len(report(world, begun)) == found["progress"]["rows"] == 3


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("a,b\r\n1,2\r\n", "its first row should name a column URL or image_bytes"),
        ("\0\0\0", "its first row should name a column URL or image_bytes"),
        ("\n\n", "the file has no row"),
        ("URL" + ",c" * 10_000, "the file has more than 1000 columns"),
    ],
)
def test_what_is_no_such_file_ends_the_job_at_once(gateway, world, lake, content, error):
    begun = begin(gateway, content)
    assert work(world) == 1
    found = job(gateway, begun)
    assert (found["state"], found["error"]) == ("failed", error)


@pytest.mark.parametrize(
    ("content", "expected", "codes"),
    [
        ("URL\r\n", (0, 0, 0, 0, 0), []),
        ('URL\r\n"https://never closed', (1, 0, 0, 0, 1), ["unclosed_quote"]),
        ("URL\nhttps://a.example.org/x\0y.jpg\n", (1, 0, 0, 0, 1), ["not_text"]),
        ("URL\nhttps://a.example.org/x.jpg" + ",y" * 10_000, (1, 0, 0, 0, 1), ["invalid_row"]),
        ("URL,b,b\nhttps://a.example.org/x.jpg,1,2\n", (1, 1, 0, 0, 0), ["unknown_column"] * 2 + [""]),
    ],
)
def test_odd_files_are_imported_as_far_as_can_be(gateway, world, lake, content, expected, codes):
    begun = begin(gateway, content)
    work(world)
    assert progress(gateway, begun) == expected
    assert [each["code"] for each in report(world, begun)] == codes


def test_a_file_full_of_open_quotes_ends_the_job(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(csv_import.limits, "UNCLOSED_QUOTES", 3)
    monkeypatch.setattr(csv_import.limits, "ROW_LINES", 5)
    begun = begin(gateway, "URL\n" + 'x","\n' * 50)
    work(world)
    assert job(gateway, begun)["error"] == "more than 3 of its rows have a quote that is never closed"


def test_a_file_full_of_open_quotes_is_not_read_any_further(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(csv_import, "_ROWS", 1000)
    read = Counter[str]()
    parse = csv_import._item
    monkeypatch.setattr(csv_import, "_item", lambda *given: (read.update(["rows"]), parse(*given))[1])
    begun = begin(gateway, "URL\n" + 'x","\n' * 1000)
    work(world)
    assert job(gateway, begun)["state"] == "failed"
    assert read["rows"] == 101


def test_empty_lines_are_read_in_steps(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(csv_import, "_LINES", 10)
    begun = begin(gateway, "URL" + "\n" * 35 + "https://a.example.org/1.jpg")
    work(world)
    assert progress(gateway, begun) == (1, 1, 0, 0, 0)
    assert sum("/report/" in key for key in world.s3.buckets[ARTIFACTS].objects) == 5


def test_a_file_of_too_many_rows_ends_the_job_and_tells_what_it_did(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(csv_import.limits, "SHEET_ROWS", 7)
    begun = begin(gateway, table(*links(8)))
    work(world)
    found = job(gateway, begun)
    assert (found["error"], found["progress"]["rows"]) == ("the file has more than 7 rows", 6)
    assert len(report(world, begun)) == 6


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filename": ""},
        {"filename": "a/b.csv"},
        {"filename": "..\\b.csv"},
        {"filename": ".."},
        {"filename": "...csv"},
        {"filename": "a\n.csv"},
        {"filename": "x" * 201},
        {"filename": "a.csv", "content": ""},
        {"filename": "a.csv", "mode": "overwrite"},
        {"filename": "a.csv", "action": "both"},
        {"filename": "a.csv", "dry_run": 1},
        {"filename": "a.csv", "content": "x" * 5_000_001},
    ],
)
def test_what_is_asked_wrongly_begins_no_job(gateway, world, lake, body):
    answer = gateway.call("POST", "/imports/csv", body)
    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert gateway.call("GET", "/v1/jobs").body["items"] == []


def test_five_megabytes_of_text_come_within_a_request_and_no_more(gateway, world, lake):
    begin(gateway, "URL\n" + "," * 4_999_996)
    assert gateway.call("POST", "/imports/csv", {"filename": "a", "content": "é" * 2_500_001}).status == 413


@pytest.mark.parametrize(
    ("filename", "folder"), [("a.b.csv", "a.b"), ("frames", "frames"), (".csv", ".csv"), ("é ü.TSV", "é ü")]
)
def test_the_folder_is_called_after_the_file(gateway, world, lake, filename, folder):
    begin(gateway, table(*links(1)), filename=filename)
    work(world)
    assert list(listed(gateway)) == [f"{folder}/000.jpg"]


def test_a_canceled_job_keeps_the_report_of_what_it_did(gateway, world, lake):
    begun = begin(gateway, table(*links(20)))
    deliver(world, partial(next, chain([300_000] * 4, repeat(0))))
    assert gateway.call("POST", f"/v1/jobs/{begun}/cancel").status == 202
    work(world)
    found = job(gateway, begun)
    assert found["state"] == "canceled"
    assert len(report(world, begun)) == found["progress"]["rows"] == found["progress"]["created"] == 9
    assert not world.sqs.queues["jobs"].visible


def test_a_job_that_is_canceled_within_a_step_reports_what_it_recorded(gateway, world, lake):
    begun = begin(gateway, table(*links(9)))
    steps = Counter[str]()

    def decide(request: Request) -> Any:
        steps[request.operation] += 1
        if request.operation == "TransactWriteItems" and steps[request.operation] == 2:
            gateway.call("POST", f"/v1/jobs/{begun}/cancel")
        return world.perform(request)

    world.interpose = decide
    work(world)
    found = job(gateway, begun)
    assert found["state"] == "canceled"
    assert len(report(world, begun)) == found["progress"]["rows"]


def test_bytes_that_do_not_come_are_not_waited_for_forever(gateway, world, lake, monkeypatch):
    begun = begin(gateway, table({"URL": "https://a.example.org/x.png", "action": "upload"}, *links(1)))
    monkeypatch.setitem(globals(), "arrive", lambda world: None)
    work(world)
    assert progress(gateway, begun) == (2, 1, 0, 0, 1)
    assert report(world, begun)[0]["code"] == "fetch_timeout"


def test_a_worker_that_dies_each_time_is_the_end_of_its_job(gateway, world, lake, monkeypatch):
    begun = begin(gateway, table(*links(3)))

    def die(*_: Any) -> None:
        raise SystemExit

    queue = world.sqs.queues["jobs"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_import, "_go_on", die)
        for _ in range(8):
            with pytest.raises(SystemExit):
                deliver(world)
            for each in list(queue.in_flight):
                queue.visible[each] = queue.in_flight.pop(each)
    work(world)
    assert (job(gateway, begun)["state"], job(gateway, begun)["error"]) == (
        "failed",
        "its worker died each time",
    )
    assert report(world, begun) == []


OPERATIONS = [
    *("BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems"),
    *("SendMessage", "SendMessageBatch"),
    *("HeadObject", "GetObject", "PutObject", "CopyObject", "ListObjectsV2", "HeadBucket", "DeleteObjects"),
]
SMALL = table(
    *links(3, tags="a"),
    {"image_bytes": ENCODED, "name": "b.png", "tags": "a"},
    {"URL": "https://a.example.org/x.png", "action": "upload"},
    {"URL": "nothing"},
)
EXPECTED = (6, 5, 0, 0, 1)


def check(gateway: Gateway, world: World, begun: str) -> None:
    """All of it, once."""
    assert progress(gateway, begun) == EXPECTED
    found = report(world, begun)
    assert [each["row"] for each in found] == ["2", "3", "4", "5", "6", "7"]
    assert Counter(each["outcome"] for each in found) == {"created": 5, "failed": 1}
    items = listed(gateway)
    assert len(items) == 5
    assert sum(each["tags"] == ["a"] for each in items.values()) == 4
    assert len(world.dynamodb.tables["taggings"].items) == 4


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "fault",
    [faults.throttled, faults.broken, faults.unreachable, faults.lost, faults.repeated, faults.partial],
)
def test_whatever_fails_once_each_row_counts_once(gateway, world, lake, operation, fault):
    begun = begin(gateway, SMALL)
    let(world, operation, fault, faults.none, fault)
    work(world)
    world.interpose = None
    check(gateway, world, begun)


def test_crashed_at_every_call_and_delivered_again_each_row_counts_once(monkeypatch):
    monkeypatch.setattr(csv_import, "_ROWS", 3)
    calls, crashed = 0, True
    while crashed:
        with installed(World()) as world:
            objects.add_lake(world, "default")
            gateway = Gateway()
            begun = begin(gateway, SMALL)
            crashed = _work_and_crash(world, calls)
            work(world)
            check(gateway, world, begun)
        calls += 1
    assert calls > 60


def test_an_update_crashed_at_every_call_counts_each_row_once(monkeypatch):
    monkeypatch.setattr(csv_import, "_ROWS", 4)
    there = [*links(2, tags="a"), {"URL": "https://a.example.org/x.png", "action": "upload"}]
    there = [*there, {"URL": "https://a.example.org/y.png", "action": "upload"}]
    new = [there[0] | {"tags": "b"}, there[1], *there[2:], {"image_bytes": ENCODED, "name": "b.png"}]
    new = [*new, {"image_bytes": ENCODED, "name": "b.png", "tags": "c"}, {"URL": "nothing"}]
    calls, crashed = 0, True
    while crashed:
        with installed(World()) as world:
            objects.add_lake(world, "default")
            gateway = Gateway()
            begin(gateway, table(*there))
            work(world)
            world.s3.put_object(Bucket="photos", Key="frames/y.png", Body=PNG + b"more")
            objects.deliver(world)
            begun = begin(gateway, table(*new), mode="update")
            crashed = _work_and_crash(world, calls)
            work(world)
            assert progress(gateway, begun) == (7, 1, 3, 2, 1)
            told = [each["outcome"] for each in report(world, begun)]
            assert told == ["updated", "skipped", "skipped", "updated", "created", "updated", "failed"]
            found = listed(gateway)
            assert (found["frames/000.jpg"]["tags"], found["frames/b.png"]["tags"]) == (["a", "b"], ["c"])
            assert all(world.s3.buckets["photos"].current(f"frames/{name}.png").body == PNG for name in "xyb")
            assert len(world.dynamodb.tables["taggings"].items) == 4
        calls += 1
    assert calls > 80


def _work_and_crash(world: World, at: int) -> bool:
    """Handle messages up to that call. Whether there was one."""
    calls = 0
    queue = world.sqs.queues["jobs"]
    while queue.visible:
        [message] = world.sqs.receive("jobs", list(queue.visible)[:1])
        invocation = Invocation(world, partial(_receive, message.as_record()))
        while not invocation.ended:
            if calls == at:
                invocation.crash()
                world.sqs.settle("jobs", [], [message.id])
                return True
            invocation.answer(world.perform)
            calls += 1
        world.sqs.settle("jobs", [message.id], [])
        world.clock += 5
        arrive(world)
    return False


def _receive(record: dict[str, Any]) -> Any:
    from chalicelib.jobs import worker

    return worker.receive([record], lambda: 300_000)


def test_two_workers_at_one_step_count_each_row_once(gateway, world, lake):
    begun = begin(gateway, SMALL)
    [message] = world.sqs.queues["jobs"].visible.values()
    world.sqs.send_message(QueueUrl="jobs", MessageBody=message.body)
    overtaking: list[str] = []

    def decide(request: Request) -> Any:
        if request.operation == "TransactWriteItems" and not overtaking:
            overtaking.append(request.operation)
            deliver(world)
        return world.perform(request)

    world.interpose = decide
    work(world)
    world.interpose = None
    check(gateway, world, begun)


def test_somebody_elses_link_of_the_same_name_stands_beside(gateway, world, lake):
    begin(gateway, table({"URL": "https://a.example.org/1.jpg", "name": "n.jpg"}))
    work(world)
    begun = begin(gateway, table({"URL": "https://a.example.org/2.jpg", "name": "n.jpg"}))
    work(world)
    assert progress(gateway, begun) == (1, 1, 0, 0, 0)
    assert len(listed(gateway)) == 2
    assert report(world, begun)[0]["name"] != "n.jpg"


def test_a_thousand_links_cost_a_tenth_of_a_request_each(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(csv_import, "_ROWS", 1000)
    rows = links(1000, tags="a;b", source="camera", item_metadata='{"k": 1}')
    begun = begin(gateway, table(*rows))
    world.calls.clear()
    work(world)
    assert progress(gateway, begun) == (1000, 1000, 0, 0, 0)
    operations = Counter(each.operation for each in world.calls if each.service == "dynamodb")
    assert operations.total() <= 100, operations


def test_labels_are_created_once_for_all_forms_of_a_name(gateway, world, lake):
    begun = begin(gateway, table(*links(1, tags="Car"), *links(2, tags="car,CAR")[1:]))
    work(world)
    assert progress(gateway, begun)[1] == 2
    assert len(labels.find(lake.id, "tag", ["car"])) == 1
    assert {len(data.tags) for data in records.read_all([lake.link_id("frames/000.jpg")]).values()} == {1}


@pytest.mark.parametrize(("body", "outcome"), [(PNG, "created"), (b"other", "failed")])
def test_what_somebody_puts_meanwhile_is_not_overwritten(gateway, world, lake, body, outcome):
    begun = begin(gateway, table({"image_bytes": ENCODED, "name": "b.png"}))

    def decide(request: Request) -> Any:
        if request.operation == "TransactWriteItems":
            world.s3.put_object(Bucket="photos", Key="frames/b.png", Body=body)
        return world.perform(request)

    world.interpose = decide
    work(world)
    assert [each["outcome"] for each in report(world, begun)] == [outcome]
    assert world.s3.buckets["photos"].current("frames/b.png").body == body


def test_a_bucket_that_takes_nothing_costs_only_the_rows_with_bytes(gateway, world, lake):
    begun = begin(gateway, SMALL)

    def decide(request: Request) -> Any:
        if request.operation in ("PutObject", "CopyObject") and request.parameters["Bucket"] == "photos":
            return faults.denied(world, request)
        return world.perform(request)

    world.interpose = decide
    work(world)
    assert progress(gateway, begun) == (6, 3, 0, 0, 3)
    assert Counter(each["code"] for each in report(world, begun))["access_denied"] == 2


def test_a_worker_that_another_one_has_overtaken_does_not_end_the_job(gateway, world, lake, monkeypatch):
    """The other one is at the next step, and has emptied quarantine."""
    monkeypatch.setattr(csv_import, "_UPLOADS", 1)
    rows = [{"URL": f"https://a.example.org/{n}.png", "action": "upload"} for n in range(3)]
    begun = begin(gateway, table(*rows))
    [message] = world.sqs.queues["jobs"].visible.values()
    world.sqs.send_message(QueueUrl="jobs", MessageBody=message.body)
    overtaking: list[str] = []

    def decide(request: Request) -> Any:
        if request.operation == "GetObject" and "quarantine" in request.parameters["Key"] and not overtaking:
            overtaking.append(request.operation)
            work(world)
        return world.perform(request)

    world.interpose = decide
    work(world)
    assert overtaking
    assert progress(gateway, begun) == (3, 3, 0, 0, 0)
