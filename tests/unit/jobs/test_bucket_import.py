"""Bucket imports from the call that begins one to its report, over an AWS in memory that fails."""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from typing import Any
from urllib.parse import quote_plus

import pytest

from chalicelib.formats import parquet
from chalicelib.jobs import manifests, scans, syncs, walks
from chalicelib.model.data import Data, State
from chalicelib.model.lake import Lake
from chalicelib.observability import logger
from chalicelib.storage import listings, records
from chalicelib.upstream import intake
from tests.simulation import faults, objects
from tests.simulation.fakes.dynamodb import encoded
from tests.simulation.fakes.errors import refusal
from tests.simulation.fakes.world import ARTIFACTS, Request, World, installed
from tests.simulation.shift import deliver, plenty, work
from tests.unit.api.gateway import Gateway
from tests.unit.formats.bombs import bomb


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(listings, "PAGE", 3)
    monkeypatch.setattr(scans, "PAGES", 2)
    monkeypatch.setattr(syncs, "PAGES", 2)
    monkeypatch.setattr(manifests, "NAMES", 4)
    monkeypatch.setattr(manifests, "CUT_BYTES", 60)
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default")


@pytest.fixture
def gateway(lake: Lake) -> Gateway:
    return Gateway()


def fill(world: World, *names: str, body: bytes = b"12345") -> None:
    """Without anybody being told."""
    for name in names:
        world.s3.put_object(Bucket="photos", Key=name, Body=body)
    world.s3.events.clear()


def begin(gateway: Gateway, **body: Any) -> str:
    answer = gateway.call("POST", "/imports/bucket", body)
    assert answer.status == 202, answer.body
    return str(answer.body["job"]["id"])


def run(gateway: Gateway, world: World, **body: Any) -> dict[str, Any]:
    begun = begin(gateway, **body)
    work(world, queue="walks")
    return job(gateway, begun)


def text(*lines: str) -> dict[str, str]:
    return {"content": "\n".join(lines), "format": "text"}


def jsonl(*lines: dict[str, Any] | str) -> dict[str, str]:
    written = (each if isinstance(each, str) else json.dumps(each) for each in lines)
    return {"content": "\n".join(written), "format": "jsonl"}


def job(gateway: Gateway, job_id: str) -> dict[str, Any]:
    return dict(gateway.call("GET", f"/v1/jobs/{job_id}").body)


def counts(job: dict[str, Any], *names: str) -> tuple[int, ...]:
    assert job["state"] == "succeeded", job["error"]
    return tuple(job["progress"][name] for name in names)


def report(world: World, job: dict[str, Any]) -> list[tuple[str, str, str]]:
    stored = world.s3.buckets[ARTIFACTS].current(f"imports/{job['id']}/report.csv")
    assert stored
    rows = csv.DictReader(io.StringIO(stored.body.decode(), newline=""))
    return [(each["row"], each["name"], each["code"]) for each in rows]


def listed(gateway: Gateway, **query: str) -> dict[str, dict[str, Any]]:
    page = gateway.call("GET", "/data", limit="1000", **query).body
    return {each["object_name"]: each for each in page["items"]}


def upstream(world: World) -> None:
    """All hints are looked at."""
    while ids := list(world.sqs.queues["events"].visible):
        received = world.sqs.receive("events", ids)
        answer = intake.receive([message.as_record() for message in received], lambda: 60_000)
        assert answer == {"batchItemFailures": []}
        world.sqs.settle("events", [message.id for message in received], [])


def live(world: World) -> dict[str, Data]:
    items = world.dynamodb.tables["data"].items.values()
    found = [records.from_attributes(encoded(item)) for item in items]
    return {data.object_name: data for data in found if data.live}


# By prefixes


def test_what_is_below_prefixes_becomes_data_once_with_tags_and_a_source(gateway, world, lake):
    fill(world, *(f"a/{n:02}.jpg" for n in range(20)), "ab.jpg", "b/1.jpg", "c/1.jpg", "a/empty/")
    world.s3.put_object(Bucket="photos", Key="a/folder/", Body=b"")
    prefixes = ["b/", "a/1", "a/", "a/", "a/12.jpg"]
    done = run(gateway, world, prefixes=prefixes, tags=["car", "CAR", "red"], source="camera")
    assert counts(done, "seen", "inserted", "unchanged", "changed", "hinted", "edited", "failed") == (
        *(22, 22, 0, 0, 0, 22, 0),
    )
    assert done["progress"]["bytes"] == 22 * 5
    found = listed(gateway)
    assert len(found) == 22
    assert {name[0] for name in found} == {"a", "b"}
    assert {(tuple(each["tags"]), each["source"]) for each in found.values()} == {(("car", "red"), "camera")}
    assert listed(gateway, tags="red").keys() == found.keys()
    assert len(world.sqs.queues["preprocess"].visible) == 22
    asked = {each.operation for each in world.calls if each.parameters.get("Bucket") == "photos"}
    assert asked == {"ListObjectsV2"}
    written = [each.parameters["Key"] for each in world.calls if each.operation == "PutObject"]
    assert written == [f"imports/{done['id']}/report.csv"]


def test_the_same_import_again_changes_nothing(gateway, world, lake):
    fill(world, *(f"a/{n}.jpg" for n in range(9)))
    run(gateway, world, prefixes=["a/"], tags=["car"], source="camera")
    before = deepcopy([world.dynamodb.tables[name].items for name in ("data", "taggings", "labels")])
    done = run(gateway, world, prefixes=["a/"], tags=["car"], source="camera")
    assert counts(done, "inserted", "unchanged", "edited") == (0, 9, 0)
    assert [world.dynamodb.tables[name].items for name in ("data", "taggings", "labels")] == before


def test_what_is_known_gets_the_tags_too(gateway, world, lake):
    objects.put(world, lake, "a/1.jpg", "a/2.jpg")
    gateway.call("POST", "/data/tags", {"tags": ["old"], "ids": [lake.data_id("a/1.jpg")]})
    fill(world, "a/3.jpg")
    done = run(gateway, world, prefixes=["a/"], tags=["new"])
    assert counts(done, "seen", "inserted", "unchanged", "edited") == (3, 1, 2, 3)
    assert {name: each["tags"] for name, each in listed(gateway).items()} == {
        "a/1.jpg": ["new", "old"],
        "a/2.jpg": ["new"],
        "a/3.jpg": ["new"],
    }


def test_tags_and_source_take_few_requests(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(listings, "PAGE", 1000)
    fill(world, *(f"a/{n:03}.jpg" for n in range(400)))
    begun = begin(gateway, prefixes=["a/"], tags=["car"], source="camera")
    world.calls.clear()
    work(world, queue="walks")
    assert counts(job(gateway, begun), "inserted", "edited") == (400, 400)
    made = Counter(call.operation for call in world.calls)
    assert (made["BatchExecuteStatement"], made["ListObjectsV2"]) == (16, 2)
    # Eight with fifty records each, and those of the two labels and of the range.
    assert made["TransactWriteItems"] == 8 + 2 + 2
    assert made["BatchGetItem"] <= 4
    assert made["HeadObject"] == 0


@pytest.mark.parametrize("state", ["gone", "forgotten", "changed", "announced"])
def test_what_has_no_record_that_lives_gets_what_is_said_through_the_door_of_the_protocol(
    gateway, world, lake, state
):
    name, data_id = "a/1.jpg", lake.data_id("a/1.jpg")
    if state == "announced":
        entry = {"object_name": name, "size": 5, "content_type": "image/jpeg", "tags": ["old"]}
        assert gateway.call("POST", "/uploads", {"uploads": [entry]}).status == 200
    else:
        objects.put(world, lake, name)
        gateway.call("POST", "/data/tags", {"tags": ["old"], "ids": [data_id]})
    if state == "gone":
        objects.delete(world, lake, name)
    if state == "forgotten":
        gateway.call("DELETE", f"/data/{data_id}")
    fill(world, name, body=b"other bytes")
    done = run(gateway, world, prefixes=["a/"], tags=["car"], source="camera")
    assert counts(done, "seen", "changed", "hinted", "edited") == (1, 1, 1, 1)
    upstream(world)
    found = listed(gateway)[name]
    assert found["tags"] == (["car"] if state == "forgotten" else ["car", "old"])
    assert (found["source"], found["size"]) == ("camera", 11)
    assert world.dynamodb.tables["data"].items[(("S", data_id),)]["state"] == ("S", State.LIVE)
    again = run(gateway, world, prefixes=["a/"], tags=["car"], source="camera")
    assert counts(again, "unchanged", "edited") == (1, 0)


def test_an_object_that_went_after_it_was_seen_leaves_nothing(gateway, world, lake):
    objects.put(world, lake, "a/1.jpg")
    objects.delete(world, lake, "a/1.jpg")
    fill(world, "a/1.jpg")
    run(gateway, world, prefixes=["a/"], tags=["car"])
    world.s3.delete_object(Bucket="photos", Key="a/1.jpg")
    objects.deliver(world)
    upstream(world)
    world.clock += 2 * 3600
    objects.deliver(world)
    assert listed(gateway) == {}


SAID = {"tags": ["car"], "source": "camera"}


@pytest.mark.parametrize(
    ("by", "said"), [("prefixes", SAID), ("text", {}), ("jsonl", SAID), ("inventory", {"source": "camera"})]
)
def test_whichever_call_fails_the_import_ends_as_without(gateway, world, lake, said, by):
    """The worker dies at every call of an import by its number, and some faults leave it alive."""
    names = [f"a/{n}.jpg" for n in range(7)]
    objects.put(world, lake, *names[:3])
    objects.delete(world, lake, names[0])
    fill(world, *names)
    fill(world, names[1], body=b"others")
    rows = [(name, True, False) for name in (*names, "a/none.jpg")]
    lines = ({"object_name": name, "tags": [name], "description": name} for name in names)
    what = {
        "prefixes": {"prefixes": ["a/"]},
        "text": {"manifest": text(*names[:5], "a/none.jpg", "", names[2], "a/*")},
        "jsonl": {"manifest": jsonl(*lines, {"object_name": "a/none.jpg"}, "{")},
        "inventory": {"manifest": {"key": inventory(world, rows[:5], rows[5:]), "format": "inventory"}},
    }[by]
    before = deepcopy(world.dynamodb.tables), deepcopy(world.sqs.queues), deepcopy(world.s3.buckets)

    def restore() -> None:
        world.dynamodb.tables, world.sqs.queues = deepcopy(before[0]), deepcopy(before[1])
        world.s3.buckets = deepcopy(before[2])

    expected, calls = failing(world, gateway, 10**9, None, what | said)
    assert expected[0] == "succeeded"
    assert calls > 15
    for number in range(calls):
        restore()
        assert failing(world, gateway, number, None, what | said)[0] == expected, f"call {number}"
    for place, fault in enumerate(faults.ALL):
        for number in range(place, calls, 15):
            restore()
            assert failing(world, gateway, number, fault, what | said)[0] == expected, f"{fault}, {number}"


def failing(
    world: World, gateway: Gateway, number: int, fault: faults.Fault | None, what: dict[str, Any]
) -> tuple[Any, int]:
    """What came of it, and how many calls it took. Without a fault the worker dies at the call."""
    begun, calls = begin(gateway, **what), count()

    def decide(request: Request) -> Any:
        act = fault or die if next(calls) == number else faults.none
        return act(world, request)

    queue = world.sqs.queues["walks"]
    while queue.visible:
        [message] = world.sqs.receive("walks", list(queue.visible)[:1])
        world.interpose = decide
        try:
            answer = walks.receive([message.as_record()], plenty)
        except Dead:
            answer = {"batchItemFailures": [message.id]}
        world.interpose = None
        failed = [message.id] if answer["batchItemFailures"] else []
        world.sqs.settle("walks", [] if failed else [message.id], failed)
    over = job(gateway, begun)
    told = report(world, over) if over["state"] == "succeeded" else over["error"]
    upstream(world)
    shown = {
        name: (each["tags"], each["source"], each["description"], each["etag"])
        for name, each in listed(gateway).items()
    }
    return (over["state"], over["progress"], told, shown), next(calls)


class Dead(BaseException):
    pass


def die(world: World, request: Request) -> Any:
    raise Dead


# By manifests


def test_lines_name_objects_and_patterns_of_them(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(manifests, "NAMES", 100)
    names = ["a.jpg", "b/1.jpg", "b/2.jpg", "b/2.png", "c*d.jpg", "cxd.jpg", "#x.jpg", " y ", "back\\slash"]
    fill(world, *names, "other.jpg")
    done = run(
        gateway,
        world,
        manifest=text(
            *("a.jpg", "", "b/*.jpg", "c\\*d.jpg", "#x.jpg", "   ", " y ", "back\\\\slash", "back\\slash"),
            *("nothing.jpg", "no*thing", ".tidelake/x", "a.jpg", "b/", "k" * 1025),
        ),
        tags=["t"],
    )
    assert set(listed(gateway)) == {*names} - {"b/2.png", "cxd.jpg"}
    assert counts(done, "seen", "inserted", "edited", "repeated") == (7, 7, 7, 2)
    assert counts(done, "lines", "failed") == (15, 5)
    assert report(world, done) == [
        ("10", "nothing.jpg", "not_found"),
        ("11", "no*thing", "not_found"),
        ("12", ".tidelake/x", "outside"),
        ("14", "b/", "not_found"),
        ("15", "k" * 1024, "invalid_object_name"),
    ]


def test_an_object_that_is_named_twice_counts_once_and_the_other_line_as_such(
    gateway, world, lake, monkeypatch
):
    fill(world, "a", "b")
    for step, expected in ((10, (2, 2, 0, 2)), (1, (4, 2, 2, 0))):
        monkeypatch.setattr(manifests, "NAMES", step)
        world.dynamodb.tables["data"].items.clear()
        done = run(gateway, world, manifest=text("a", "b", "a", "a"))
        assert counts(done, "seen", "inserted", "unchanged", "repeated") == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_lines_end_in_any_way(gateway, world, lake, end, start):
    fill(world, "a", "é", "b")
    done = run(gateway, world, manifest={"content": start + end.join(["a", "é", "", "b"]), "format": "text"})
    assert counts(done, "inserted", "lines", "failed") == (3, 4, 0)


def test_a_large_manifest_is_read_by_several_and_no_line_is_lost_or_read_twice(gateway, world, lake):
    names = [f"{'é' * (n % 7)}{n:03}.jpg" for n in range(150)]
    lines = [name for n, name in enumerate(names) for name in (["", name] if n % 11 == 0 else [name])]
    missing = {name for n, name in enumerate(names) if n % 10 == 3}
    fill(world, *(name for name in names if name not in missing))
    world.s3.put_object(Bucket="photos", Key="lists/m.txt", Body="\r\n".join(lines).encode())
    done = run(gateway, world, manifest={"key": "lists/m.txt", "format": "text"})
    assert counts(done, "seen", "inserted", "failed", "lines") == (135, 135, 15, len(lines))
    assert [(row, name) for row, name, _ in report(world, done)] == [
        (str(n), name) for n, name in enumerate(lines, 1) if name in missing
    ]
    opened = {key for key in world.s3.buckets[ARTIFACTS].objects if "/report/" in key}
    assert len({key.split("/")[3] for key in opened}) > 3


def test_lines_that_are_too_long_or_no_text_are_failed_rows(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(manifests.limits, "MANIFEST_LINE_BYTES", 40)
    monkeypatch.setattr("chalicelib.imports.lines._FIRST_WINDOW", 64)
    monkeypatch.setattr("chalicelib.imports.lines._LAST_WINDOW", 64)
    monkeypatch.setattr(manifests.limits, "ROW_BYTES", 100)
    monkeypatch.setattr(manifests, "BYTES", 120)
    fill(world, "a", "b", "c")
    body = b"\n".join([b"a", b"x" * 50, b"b", b"\xff\xfe", b"y" * 900, b"c", b"z" * 300])
    world.s3.put_object(Bucket="photos", Key="m.txt", Body=body)
    done = run(gateway, world, manifest={"key": "m.txt", "format": "text"})
    assert counts(done, "inserted", "failed", "lines") == (3, 4, 7)
    assert [(row, code) for row, _, code in report(world, done)] == [
        ("2", "row_too_long"),
        ("4", "not_text"),
        ("5", "row_too_long"),
        ("7", "row_too_long"),
    ]


def test_a_pattern_that_begins_with_more_than_a_name_can_have_is_a_failed_row(gateway, world, lake):
    def ask(request: Request) -> Any:
        if request.operation == "ListObjectsV2" and len(request.parameters["Prefix"].encode()) > 1024:
            raise refusal(request.operation, "KeyTooLongError")
        return world.perform(request)

    fill(world, "a/1.jpg")
    world.interpose = ask
    done = run(gateway, world, manifest=text("é" * 513 + "*", "a/*"))
    assert counts(done, "inserted", "failed") == (1, 1)
    assert report(world, done) == [("1", "é" * 513, "invalid_object_name")]


def test_a_pattern_that_matches_much_goes_on_in_further_steps(gateway, world, lake):
    fill(world, *(f"a/{n:03}.{'jpg' if n % 2 else 'png'}" for n in range(60)), "b.jpg")
    begun = begin(gateway, manifest=text("a/*.jpg", "*0.png", "b.jpg", "b*.png"))
    while deliver(world, lambda: 61_000 if world.clock else 0, queue="walks"):
        pass
    done = job(gateway, begun)
    assert counts(done, "seen", "inserted", "unchanged", "lines", "failed") == (37, 37, 0, 4, 1)
    assert report(world, done) == [("4", "b*.png", "not_found")]


def test_lines_say_what_their_objects_are(gateway, world, lake):
    fill(world, "a", "b", "c", "d")
    line = {
        "object_name": "a",
        "tags": ["one"],
        "source": "other",
        "metadata": {"latitude": 1.5, "longitude": 2, "custom_id": "7"},
        "custom_metadata": {"lot": "A7"},
        "description": "é",
    }
    done = run(
        gateway,
        world,
        manifest=jsonl(
            line,
            {"object_name": "b"},
            {"object_name": "c", "metadata": {"latitude": 91, "longitude": 0}},
            {"object_name": "c", "colour": "red"},
            {"name": "c"},
            "no JSON",
            '{"object_name": "c", "object_name": "d"}',
            {"object_name": "b", "description": "later"},
            {"object_name": "gone", "tags": ["never"]},
            "",
            {"object_name": "d", "tags": "x"},
        ),
        tags=["all"],
        source="camera",
    )
    found = listed(gateway)
    assert (found["a"]["tags"], found["a"]["source"], found["a"]["description"]) == (
        ["all", "one"],
        "other",
        "é",
    )
    assert found["a"]["metadata"] == {"latitude": 1.5, "longitude": 2, "custom_id": "7"}
    assert found["a"]["custom_metadata"] == {"lot": "A7"}
    assert (found["b"]["tags"], found["b"]["source"], found["b"]["description"]) == (
        ["all"],
        "camera",
        "later",
    )
    assert set(found) == {"a", "b"}
    assert [(row, code) for row, _, code in report(world, done)] == [
        ("3", "invalid_metadata"),
        ("4", "invalid_row"),
        ("5", "invalid_row"),
        ("6", "invalid_row"),
        ("7", "invalid_row"),
        ("9", "not_found"),
        ("11", "invalid_tags"),
    ]


def test_what_a_line_says_is_held_against_the_schema_with_what_is_known(gateway, world, lake):
    schema = {"fields": {"lot": {"type": "string", "required": True}}, "extra": False}
    objects.put(world, lake, "a", "b")
    gateway.call("PATCH", f"/data/{lake.data_id('a')}", {"custom_metadata": {"lot": "A7"}})
    assert (
        Gateway(role="admin").call("PATCH", "/v1/datalakes/default", {"metadata_schema": schema}).status
        == 200
    )
    fill(world, "c")
    said = ({"object_name": name, "custom_metadata": {"lot": None, "x": 1}} for name in "ab")
    done = run(
        gateway,
        world,
        manifest=jsonl(
            *said, {"object_name": "c", "custom_metadata": {"x": 1}}, {"object_name": "c", "description": "d"}
        ),
    )
    assert [(row, code) for row, _, code in report(world, done)] == [
        ("1", "invalid_request"),
        ("2", "invalid_request"),
        ("3", "invalid_request"),
    ]
    assert set(listed(gateway)) == {"a", "b"}
    done = run(gateway, world, manifest=jsonl({"object_name": "a", "custom_metadata": {"lot": "B"}}))
    assert listed(gateway)["a"]["custom_metadata"] == {"lot": "B"}


def test_more_tags_than_a_record_can_have_are_a_failed_row(gateway, world, lake):
    objects.put(world, lake, "a")
    gateway.call("POST", "/data/tags", {"tags": [f"t{n}" for n in range(90)], "ids": [lake.data_id("a")]})
    done = run(gateway, world, prefixes=["a"], tags=["more"])
    assert counts(done, "seen", "unchanged", "edited", "failed") == (1, 1, 0, 1)
    assert report(world, done) == [("", "a", "conflict")]


def test_rows_of_a_csv_file_say_what_their_objects_are(gateway, world, lake):
    fill(world, "a", " b ", "c\nd", "e")
    content = (
        "Source;OBJECT_NAME;tags;metadata;custom_metadata;description;comment\r\n"
        'camera;a;"car,red";"{""custom_id"": ""7""}";"{""lot"": 1}";x;y\r\n'
        '; b ;"[""one, two""]";;;;\r\n'
        ';"c\nd";;;;;\r\n'
        ";none;;;;;\r\n"
        ";e;;{;;;\r\n"
        ";;;;;;\r\n"
        ";e;;[];;;\r\n"
        ";e;;;;;;too many\r\n"
        'camera;"e\r\n'
    )
    done = run(gateway, world, manifest={"content": "\ufeff" + content, "format": "csv"})
    found = listed(gateway)
    assert set(found) == {"a", " b ", "c\nd"}
    assert (found["a"]["tags"], found["a"]["source"], found["a"]["description"]) == (
        ["car", "red"],
        "camera",
        "x",
    )
    assert (found["a"]["metadata"], found["a"]["custom_metadata"]) == ({"custom_id": "7"}, {"lot": 1})
    assert found[" b "]["tags"] == ["one, two"]
    assert report(world, done) == [
        ("1", "comment", "unknown_column"),
        ("6", "none", "not_found"),
        ("7", "e", "invalid_metadata"),
        ("9", "e", "invalid_metadata"),
        ("10", "", "invalid_row"),
        ("11", "", "unclosed_quote"),
    ]
    assert counts(done, "inserted", "failed", "lines") == (3, 5, 11)


@pytest.mark.parametrize(
    ("column", "cell"),
    [("custom_metadata", {"k": "\ud800"}), ("metadata", {"weather": "\ud800"}), ("tags", ["\ud800"])],
)
def test_half_a_character_in_a_cell_is_one_failed_row(gateway, world, lake, column, cell):
    fill(world, "a", "b")
    quoted = json.dumps(cell).replace('"', '""')
    content = f'object_name,{column}\na,"{quoted}"\nb,\n'
    done = run(gateway, world, manifest={"content": content, "format": "csv"})
    assert counts(done, "inserted", "failed") == (1, 1)
    assert report(world, done) == [("2", "a", f"invalid_{column}")]


# Inventories

SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag"


def inventory(
    world: World, *files: list[tuple[str, bool, bool]], bucket: str = "photos", **changes: Any
) -> str:
    """Of names, whether they are the latest version, and whether they are a marker."""
    named = []
    for number, rows in enumerate(files):
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows(
            [bucket, quote_plus(name), "v", str(latest).lower(), str(marker).lower(), "5", "2026-01-01", "e"]
            for name, latest, marker in rows
        )
        key = f"reports/data/{number}.csv.gz"
        world.s3.put_object(Bucket="photos", Key=key, Body=gzip.compress(out.getvalue().encode()))
        named.append({"key": key, "size": 1, "MD5checksum": "x"})
    return describe(world, **{"sourceBucket": bucket, "files": named} | changes)


def describe(world: World, **changes: Any) -> str:
    told = {
        "sourceBucket": "photos",
        "destinationBucket": "arn:aws:s3:::photos",
        "version": "2016-11-30",
        "fileFormat": "CSV",
        "fileSchema": SCHEMA,
        "files": [],
    }
    body = json.dumps(told | changes).encode()
    world.s3.put_object(Bucket="photos", Key="reports/manifest.json", Body=body)
    world.s3.events.clear()
    return "reports/manifest.json"


def test_an_inventory_names_what_is_looked_for(gateway, world, lake):
    names = [f"a b/{n:02}+é.jpg" for n in range(30)]
    fill(world, *names)
    rows = [(name, True, False) for name in names]
    files = [
        rows[:13],
        [],
        rows[13:14],
        [*rows[14:], ("went.jpg", True, False), (".tidelake/x", True, False)],
    ]
    files.append([(names[0], False, False), ("old.jpg", False, False), ("marker.jpg", True, True)])
    key = inventory(world, *files)
    done = run(gateway, world, manifest={"key": key, "format": "inventory"}, tags=["t"])
    assert set(listed(gateway)) == set(names)
    assert counts(done, "seen", "inserted", "edited", "failed", "skipped", "lines") == (30, 30, 30, 1, 4, 35)
    assert report(world, done) == [("17", "went.jpg", "not_found")]
    assert {each["size"] for each in listed(gateway).values()} == {5}


def test_a_row_of_an_inventory_without_a_name_is_a_failed_row(gateway, world, lake):
    fill(world, "a")
    key = inventory(world, [("", True, False), ("a", True, False)])
    done = run(gateway, world, manifest={"key": key, "format": "inventory"})
    assert counts(done, "inserted", "failed") == (1, 1)
    assert report(world, done) == [("1", "", "invalid_object_name")]


def test_an_inventory_in_parquet_is_read_as_well(gateway, world, lake, tmp_path):
    names = [f"a b/{n:02}+é%20.jpg" for n in range(9)]
    fill(world, *names)
    lines = [
        {"bucket": "photos", "key": name, "is_latest": n != 3, "is_delete_marker": n == 4, "size": 5}
        for n, name in enumerate([*names, None])
    ]
    source = io.BytesIO("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
    columns = {
        "bucket": parquet.Column.TEXT,
        "key": parquet.Column.TEXT,
        "is_latest": parquet.Column.FLAG,
        "is_delete_marker": parquet.Column.FLAG,
        "size": parquet.Column.INTEGER,
    }
    written = io.BytesIO()
    parquet.write(source, columns, written)
    world.s3.put_object(Bucket="photos", Key="reports/x.parquet", Body=written.getvalue())
    files = [{"key": "reports/x.parquet", "size": 9}]
    key = describe(world, files=files, fileFormat="Parquet", fileSchema="message s3.inventory")
    done = run(gateway, world, manifest={"key": key, "format": "inventory"})
    assert set(listed(gateway)) == set(names) - {names[3], names[4]}
    assert counts(done, "inserted", "skipped", "failed", "lines") == (7, 2, 1, 10)
    assert report(world, done) == [("10", "", "not_text")]


BODIES = {
    "plain": b'"photos","a"\n' * 5,
    "cut": gzip.compress(b'"photos","a"\n' * 5000)[:-20],
    "few": gzip.compress(b'"photos","a"\n'),
    "foreign": gzip.compress(b'"others"' + b',"a"' * 7),
    "long": gzip.compress(b"x" * 100_000),
    "deadly": bomb(200, 4_000_000),
    "torn": gzip.compress(b'"photos",a\rb' + b',"a"' * 6),
}


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"sourceBucket": "others"}, "the inventory is of another bucket than the datalake's, photos"),
        ({"fileFormat": "ORC"}, "the files of the inventory should be CSV or Parquet"),
        ({"fileSchema": "Key, Size"}, "the fileSchema of the inventory should name Bucket and Key"),
        ({"files": "none"}, "it should be the manifest.json of an inventory"),
        ({"files": [{"size": 1}]}, "the inventory should name the keys of its files"),
        ("gone", "gone is not there"),
        ("plain", "plain cannot be read: it should be CSV, compressed by gzip"),
        ("cut", "cut cannot be read: it should be CSV, compressed by gzip"),
        ("few", "few cannot be read: a row has fewer cells than the fileSchema names"),
        ("foreign", "foreign cannot be read: row 1 is about another bucket"),
        ("long", "long cannot be read: a row is too long"),
        ("torn", "torn cannot be read: a row is no CSV"),
        (
            {"files": [{"key": "plain"}], "fileFormat": "Parquet"},
            "plain cannot be read: it cannot be read as Parquet: ",
        ),
        (
            {"files": [{"key": "deadly"}], "fileFormat": "Parquet"},
            "deadly cannot be read: it is damaged, or unfolds to more than there is memory for",
        ),
    ],
)
def test_what_is_no_such_inventory_ends_the_job_and_says_why(gateway, world, lake, monkeypatch, told, error):
    monkeypatch.setattr(manifests, "NAMES", 10_000)
    for name, body in BODIES.items():
        fill(world, name, body=body)
    told = {"files": [{"key": told, "size": 1}]} if isinstance(told, str) else told
    if told.get("files") == [{"key": "cut", "size": 1}]:
        told |= {"fileSchema": "Bucket, Key"}
    key = describe(world, **told)
    done = run(gateway, world, manifest={"key": key, "format": "inventory"})
    assert (done["state"], done["error"][: len(error)]) == ("failed", error)


# What is no manifest


def test_a_manifest_that_is_changed_while_it_is_read_ends_the_job_with_its_report(gateway, world, lake):
    fill(world, "a", "b")
    lines = ["none", *"abab" * 8]
    world.s3.put_object(Bucket="photos", Key="m.txt", Body="\n".join(lines).encode())
    begun = begin(gateway, manifest={"key": "m.txt", "format": "text"})
    world.clock += 30
    steps = iter([61_000, 61_000])
    deliver(world, lambda: next(steps, 0), queue="walks")
    fill(world, "m.txt")
    work(world, queue="walks")
    done = job(gateway, begun)
    assert (done["state"], done["error"]) == ("failed", "the manifest was changed while it was read")
    assert report(world, done) == [("1", "none", "not_found")]


@pytest.mark.parametrize(
    ("manifest", "error"),
    [
        ({"content": "a,b\n1,2\n", "format": "csv"}, "its first row should name a column object_name"),
        ({"content": "\n", "format": "csv"}, "the file has no row"),
    ],
)
def test_what_is_no_manifest_ends_the_job(gateway, world, lake, manifest, error):
    done = run(gateway, world, manifest=manifest)
    assert (done["state"], done["error"]) == ("failed", error)


def test_utf_16_is_told_to_be_no_text_manifest(gateway, world, lake):
    fill(world, "m.txt", body="\ufeffa\n".encode("utf-16-le"))
    done = run(gateway, world, manifest={"key": "m.txt", "format": "text"})
    assert (done["state"], done["error"]) == ("failed", "the manifest should be UTF-8")


def test_an_empty_object_names_nothing(gateway, world, lake):
    fill(world, "m.txt", body=b"")
    done = run(gateway, world, manifest={"key": "m.txt", "format": "jsonl"})
    assert counts(done, "seen", "lines") == (0, 0)


def test_a_canceled_import_has_the_report_of_what_it_did(gateway, world, lake):
    fill(world, "a")
    begun = begin(gateway, manifest=text("none", *["a"] * 20))
    world.clock += 30
    steps = iter([61_000, 61_000])
    deliver(world, lambda: next(steps, 0), queue="walks")
    assert gateway.call("POST", f"/v1/jobs/{begun}/cancel").status == 202
    work(world, queue="walks")
    done = job(gateway, begun)
    assert done["state"] == "canceled"
    assert report(world, done) == [("1", "none", "not_found")]


def test_a_step_that_was_not_recorded_is_not_reported(gateway, world, lake):
    begun = begin(gateway, manifest=text("none", "nothing"))

    def die_at_the_end(request: Request) -> Any:
        if request.operation == "TransactWriteItems" and "Put" in request.parameters["TransactItems"][1]:
            put = request.parameters["TransactItems"][1]["Put"]
            if put["Item"].get("done", {}).get("BOOL"):
                raise Dead
        return world.perform(request)

    world.interpose = die_at_the_end
    [message] = world.sqs.receive("walks", list(world.sqs.queues["walks"].visible))
    with pytest.raises(Dead):
        walks.receive([message.as_record()], plenty)
    world.interpose = None
    world.sqs.settle("walks", [], [message.id])
    assert [key for key in world.s3.buckets[ARTIFACTS].objects if "/report/" in key]
    assert gateway.call("POST", f"/v1/jobs/{begun}/cancel").status == 202
    work(world, queue="walks")
    assert report(world, job(gateway, begun)) == []


def test_a_bucket_that_is_gone_has_no_names_that_are_missing(gateway, world, lake):
    fill(world, "m.txt", body=b"a\nb\n")
    begun = begin(gateway, manifest=text("a", "b"))
    del world.s3.buckets["photos"]
    work(world, queue="walks")
    done = job(gateway, begun)
    assert done["state"] == "failed"
    assert done["error"].startswith("the storage did not answer: look at bucket")
    assert report(world, done) == []


def test_what_may_not_be_looked_at_is_listed(gateway, world, lake):
    fill(world, "a", "b")
    begun = begin(gateway, manifest=text("a", "b", "c"))

    def refuse(request: Request) -> Any:
        if request.operation == "HeadObject":
            raise refusal("HeadObject", "403", 403)
        return world.perform(request)

    world.interpose = refuse
    work(world, queue="walks")
    done = job(gateway, begun)
    assert counts(done, "inserted", "failed") == (2, 1)


def test_names_that_lie_close_together_are_listed_and_others_looked_at(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(listings, "PAGE", 1000)
    monkeypatch.setattr(manifests, "NAMES", 1000)
    monkeypatch.setattr(manifests, "CUT_BYTES", 10**6)
    fill(world, *(f"a/{n:04}" for n in range(1000)))
    for manifest, expected in (
        (text(*(f"a/{n:04}" for n in range(0, 1000, 7))), {"ListObjectsV2": 1}),
        (text(*(f"a/{n:04}" for n in range(0, 1000, 100))), {"HeadObject": 10}),
    ):
        begun = begin(gateway, manifest=manifest)
        world.calls.clear()
        work(world, queue="walks")
        assert job(gateway, begun)["progress"]["failed"] == 0
        made = Counter(each.operation for each in world.calls if each.service == "s3")
        assert {name: made[name] for name in ("ListObjectsV2", "HeadObject") if made[name]} == (
            expected | {"ListObjectsV2": expected.get("ListObjectsV2", 0) + 1}
        )


# Dry runs


@pytest.mark.parametrize("by", ["prefixes", "text", "jsonl"])
def test_a_dry_run_counts_and_writes_nothing(gateway, world, lake, by):
    objects.put(world, lake, "a/1", "a/2", "a/3")
    objects.delete(world, lake, "a/3")
    fill(world, "a/1", "a/3", *(f"a/{n}" for n in range(4, 9)))
    fill(world, "a/2", body=b"other bytes")
    what = {
        "prefixes": {"prefixes": ["a/"]},
        "text": {"manifest": text("a/*")},
        "jsonl": {"manifest": jsonl(*({"object_name": f"a/{n}", "tags": [f"t{n}"]} for n in range(1, 9)))},
    }[by]
    begun = begin(gateway, **what, tags=["car"], source="camera", dry_run=True)
    world.calls.clear()
    before = deepcopy([world.dynamodb.tables[name].items for name in ("data", "taggings", "labels")])
    work(world, queue="walks")
    done = job(gateway, begun)
    assert counts(done, "seen", "new", "unchanged", "changed", "failed", "inserted", "hinted") == (
        *(8, 6, 1, 1, 0, 0, 0),
    )
    assert done["progress"]["bytes"] == 7 * 5 + 11
    made = {each.operation for each in world.calls}
    assert not made & {"PutObject", "BatchExecuteStatement", "BatchWriteItem", "SendMessageBatch"}
    assert [world.dynamodb.tables[name].items for name in ("data", "taggings", "labels")] == before
    estimate = done["progress"]["estimate"]
    assert (estimate["objects"], estimate["bytes"]) == (8, 46)
    assert estimate["calls"] > 20
    assert 0 < estimate["usd"] < 0.001
    run(gateway, world, **what, tags=["car"], source="camera")
    upstream(world)
    done = run(gateway, world, **what, dry_run=True)
    assert counts(done, "new", "unchanged", "changed") == (0, 8, 0)
    assert gateway.call("GET", f"/v1/jobs/{done['id']}/report").status == 404


def test_a_dry_run_reports_what_would_fail(gateway, world, lake):
    fill(world, "a")
    done = run(gateway, world, manifest=text("a", "b"), dry_run=True)
    assert counts(done, "new", "failed") == (1, 1)
    assert report(world, done) == [("2", "b", "not_found")]
    assert gateway.call("GET", f"/v1/jobs/{done['id']}/report").status == 302


# Lakes under a prefix


def test_a_manifest_of_a_lake_under_a_prefix_names_nothing_beside_it(gateway, world, lake):
    world.add_lake("frames", "photos", prefix="frames/", shards=3)
    fill(world, "frames/a.jpg", "frames/b.png", "other.jpg", "frame.jpg")
    done = run(
        Gateway(lake="frames"), world, manifest=text("*.jpg", "other.jpg", "o*", "fr*", "frames/b*", "x")
    )
    assert set(listed(Gateway(lake="frames"))) == {"frames/a.jpg", "frames/b.png"}
    assert report(world, done) == [
        ("2", "other.jpg", "outside"),
        ("3", "o", "outside"),
        ("6", "x", "outside"),
    ]


def test_an_inventory_of_a_lake_under_a_prefix_lies_in_it_and_names_the_whole_bucket(gateway, world, lake):
    world.add_lake("reports", "photos", prefix="reports/", shards=3)
    fill(world, "reports/a.jpg", "other.jpg")
    key = inventory(world, [("reports/a.jpg", True, False), ("other.jpg", True, False)])
    done = run(Gateway(lake="reports"), world, manifest={"key": key, "format": "inventory"})
    assert counts(done, "inserted", "skipped", "failed") == (1, 1, 0)
    key = describe(world, files=[{"key": "other.jpg"}])
    done = run(Gateway(lake="reports"), world, manifest={"key": key, "format": "inventory"})
    assert done["error"] == "the files of the inventory should be in the datalake, below 'reports/'"
