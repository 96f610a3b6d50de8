"""Uploads as people ask for them, over an AWS in memory."""

import base64
import json
from dataclasses import replace
from hashlib import md5, sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.api import answers
from chalicelib.model import limits, upload
from chalicelib.model.connector import Permission
from chalicelib.model.lake import Lake
from chalicelib.storage import connectors, lakes, records
from chalicelib.storage.transfers import Multipart
from tests.simulation import faults, objects
from tests.simulation.fakes.world import Request, World
from tests.simulation.interference import let
from tests.simulation.objects import deliver, put
from tests.unit.api.gateway import Answer, Gateway
from tests.unit.storage.neighbours import BY_KEYS, KEYS

MIB = 1024**2
PNG = "image/png"


@pytest.fixture
def lake(lake: Lake) -> Lake:
    objects.add_connector(lake.bucket)
    return lake


def entry(name: str | None = "a.png", **more: object) -> dict[str, Any]:
    return {"size": 5, "content_type": PNG} | ({"object_name": name} if name else {}) | more


def announce(gateway: Gateway, *entries: object, **more: object) -> Answer:
    return gateway.call("POST", "/uploads", {"uploads": list(entries), **more})


def policy(form: dict[str, Any]) -> list[Any]:
    return list(json.loads(base64.b64decode(form["fields"]["policy"]))["conditions"])


def begun(gateway: Gateway, size: int = 40 * MIB + 64 * MIB, **more: object) -> dict[str, Any]:
    [one] = announce(gateway, entry("a.mp4", content_type="video/mp4", size=size), **more).body["ok"]
    return dict(one["upload"])


def say(gateway: Gateway, lake: Lake, description: str) -> None:
    edited = gateway.call("PATCH", f"/data/{lake.data_id('a.mp4')}", {"description": description})
    assert edited.status == 200


def _md5(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


def send_parts(world: World, *bodies: bytes) -> list[dict[str, Any]]:
    [waiting] = world.s3.uploads.values()
    waiting.parts = dict(enumerate(bodies, 1))
    etags = {n: _md5(body) for n, body in waiting.parts.items()}
    return [{"number": n, "etag": etag} for n, etag in etags.items()]


def complete(gateway: Gateway, upload_id: str, parts: object) -> Answer:
    return gateway.call("POST", f"/uploads/{upload_id}/complete", {"parts": parts})


def test_a_bucket_that_was_never_written_to_takes_none(gateway, world, lake):
    elsewhere = replace(BY_KEYS, organization=lake.organization, grants=frozenset({Permission.LIST}))
    connectors.create(elsewhere, KEYS)
    lakes._item(replace(lake, connector=elsewhere.id)).save()
    world.calls.clear()
    refused = announce(gateway, entry())
    assert (refused.status, refused.body["code"]) == (409, "not_supported")
    assert "check" in refused.body["detail"]
    assert not [call for call in world.calls if call.service == "s3"]
    connectors.record(elsewhere, replace(elsewhere, grants=frozenset(Permission)))
    assert connectors.allows_upload(elsewhere.home)


def test_a_form_takes_one_name_one_type_and_one_size(gateway, world, lake):
    summed = sha256(b"bytes").hexdigest()
    [one] = announce(gateway, entry(sha256=summed)).body["ok"]
    form = one["upload"]
    assert (form["method"], form["url"]) == ("POST", "https://photos.s3.amazonaws.com/")
    assert policy(form)[:4] == [
        {"Content-Type": PNG},
        {"x-amz-checksum-algorithm": "SHA256"},
        {"x-amz-checksum-sha256": base64.b64encode(sha256(b"bytes").digest()).decode()},
        ["content-length-range", 5, 5],
    ]
    assert {"bucket": "photos"} in policy(form)
    assert {"key": "a.png"} in policy(form)
    assert "starts-with" not in json.dumps(policy(form))
    assert form["fields"]["key"] == "a.png"


def signed(ticket: dict[str, Any]) -> set[str]:
    query = parse_qs(urlsplit(ticket["url"]).query)
    return set(query["X-Amz-SignedHeaders"][0].split(";"))


def test_a_put_takes_one_name_one_type_one_size_and_replaces_nothing(gateway, world, lake):
    summed = sha256(b"bytes").digest()
    [one] = announce(gateway, entry("a é+%.png", sha256=summed.hex()), by="put").body["ok"]
    ticket = one["upload"]
    assert ticket["headers"] == {
        "Content-Type": PNG,
        "If-None-Match": "*",
        "x-amz-checksum-sha256": base64.b64encode(summed).decode(),
    }
    assert ticket["url"].startswith("https://photos.s3.amazonaws.com/a%20%C3%A9%2B%25.png?")
    assert signed(ticket) == {"content-length", "host", *map(str.lower, ticket["headers"])}
    [bare] = announce(gateway, entry("b.png"), by="put", if_exists="overwrite").body["ok"]
    assert (bare["upload"]["method"], bare["upload"]["headers"]) == ("PUT", {"Content-Type": PNG})
    assert signed(bare["upload"]) == {"content-length", "content-type", "host"}


def test_what_goes_in_parts_does_so_however_the_others_go(gateway, lake):
    entries = [entry("a.mp4", size=65 * MIB), entry("a.png")]
    answer = announce(gateway, *entries, by="put").body
    assert [each["upload"]["method"] for each in answer["ok"]] == ["MULTIPART", "PUT"]
    assert announce(gateway, entry("b.png"), by="post").status == 400


def test_a_form_in_another_region_goes_to_that_region(gateway, world, lake, monkeypatch):
    from chalicelib.storage import aws

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    aws._make.cache_clear()
    try:
        [one] = announce(gateway, entry()).body["ok"]
    finally:
        aws._make.cache_clear()
    assert one["upload"]["url"] == "https://photos.s3.eu-west-1.amazonaws.com/"


def test_each_entry_is_answered_for_itself(gateway, world, lake):
    put(world, lake, "there.png")
    answer = announce(
        gateway,
        entry("a.png", tags=["car"], source="cam", metadata={"weather": "rain"}, custom_metadata={"n": 1}),
        entry("a.png"),
        entry("evil.svg", content_type="image/svg+xml"),
        entry("../up.png"),
        entry("there.png"),
        entry("long.png", description=""),
        entry("place.png", metadata={"latitude": 1}),
        "no entry",
        entry("more.png", colour="red"),
        {"object_name": "x"},
    )
    assert answer.status == 200
    assert [each["index"] for each in answer.body["ok"]] == [0]
    assert {each["index"]: each["code"] for each in answer.body["failed"]} == {
        **dict.fromkeys((2, 3, 5, 6, 7, 8, 9), "invalid_request"),
        **dict.fromkeys((1, 4), "conflict"),
    }
    details = {each["index"]: each["detail"] for each in answer.body["failed"]}
    assert details[8] == "#/colour: There is no such field"
    assert details[6].startswith("#/metadata: ")
    assert not any(each["retryable"] for each in answer.body["failed"])
    data = answer.body["ok"][0]["data"]
    assert (data["status"], data["etag"], data["size"], data["tags"], data["source"]) == (
        *("pending", None, 5, ["car"], "cam"),
    )
    assert (data["metadata"], data["custom_metadata"]) == ({"weather": "rain"}, {"n": 1})


def test_pending_data_is_listed_found_and_edited_and_has_no_bytes(gateway, world, lake):
    [one] = announce(gateway, entry(tags=["car"])).body["ok"]
    path = f"/data/{one['data']['id']}"
    assert gateway.call("GET", path).body == one["data"]
    for found in (
        gateway.call("GET", "/data", status="pending"),
        gateway.call("GET", "/data", tags="car"),
        gateway.call("GET", "/data", prefix="a"),
        gateway.call("GET", "/data", q='status = "pending"'),
    ):
        assert [each["id"] for each in found.body["items"]] == [one["data"]["id"]]
    assert gateway.call("PATCH", path, {"description": "d"}).body["description"] == "d"
    tagged = gateway.call("POST", "/data/tags", {"tags": ["van"], "ids": [one["data"]["id"]]})
    assert tagged.body["changed"] == 1
    for bytes_of_it in ("content", "thumbnail"):
        assert gateway.call("GET", f"{path}/{bytes_of_it}").status == 404
    put(world, lake, "a.png")
    shown = gateway.call("GET", path).body
    assert (shown["tags"], shown["description"], shown["status"]) == (["car", "van"], "d", "indexed")


def test_what_is_over_is_not_there(gateway, world, lake):
    [one] = announce(gateway, entry()).body["ok"]
    world.clock += limits.ANNOUNCED_SECONDS + 1
    assert gateway.call("GET", f"/data/{one['data']['id']}").status == 404
    assert gateway.call("GET", "/data").body["items"] == []
    assert gateway.call("POST", "/uploads/status", {"ids": [one["data"]["id"]]}).body["missing"]


def test_names_may_be_made_of_the_content(gateway, world, lake):
    summed = sha256(b"bytes").hexdigest()
    answer = announce(
        gateway,
        entry(None, sha256=summed),
        entry("frames/x.png", sha256=summed),
        entry("frames/", sha256=summed),
        entry("a.png"),
        entry(None, sha256="f" * 64, size=100 * MIB),
        entry(None, sha256="e" * 64, size=limits.WHOLE_BYTES + 1),
        name_by="content",
    ).body
    assert [each["data"]["object_name"] for each in answer["ok"]] == [
        *(f"{summed}.png", f"frames/{summed}.png", f"{'f' * 64}.png"),
    ]
    assert [(each["index"], each["code"]) for each in answer["failed"]] == [
        *((2, "conflict"), (3, "invalid_request"), (5, "invalid_request")),
    ]
    assert answer["ok"][2]["upload"]["method"] == "POST"


def test_what_exists_is_skipped_with_its_data(gateway, world, lake):
    [data_id] = put(world, lake, "a.png")
    world.s3.put_object(Bucket="photos", Key="b.png", Body=b"x")
    answer = announce(gateway, entry(), entry("b.png"), if_exists="skip").body
    assert [(each["index"], each["code"]) for each in answer["skipped"]] == [(0, "exists"), (1, "exists")]
    assert [each["data"] and each["data"]["id"] for each in answer["skipped"]] == [data_id, None]


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["#/uploads"]),
        ({"uploads": []}, ["#/uploads"]),
        ({"uploads": [entry()] * 1001}, ["#/uploads"]),
        ({"uploads": [entry()], "if_exists": "perhaps"}, ["#/if_exists"]),
        ({"uploads": [entry()], "name_by": "chance"}, ["#/name_by"]),
        ({"uploads": [entry(tags=[f"{n}-{m}" for m in range(90)]) for n in range(12)]}, ["#"]),
        ([], ["#"]),
    ],
)
def test_a_bad_call_is_a_400(gateway, world, lake, body, places):
    answer = gateway.call("POST", "/uploads", body)
    assert (answer.status, answer.places) == (400, places)
    assert not world.dynamodb.tables["data"].items


@pytest.mark.parametrize(
    "text",
    [
        '{"uploads": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"uploads": [{"object_name": "a", "size": NaN, "content_type": "image/png"}]}',
        '{"uploads": [{"object_name": "a", "size": 1' + "0" * 5000 + ', "content_type": "image/png"}]}',
        '{"uploads": [{"object_name": "a", "object_name": "b", "size": 1, "content_type": "image/png"}]}',
        '{"uploads": [{"object_name": "a", "size": 1e999, "content_type": "image/png"}]}',
        '{"uploads": [{"object_name": "\\ud800", "size": 1, "content_type": "image/png"}]}',
    ],
)
def test_hostile_json_is_refused_and_leaves_nothing(gateway, world, lake, text):
    answer = gateway.call("POST", "/uploads", text)
    assert answer.status == 400 or [each["code"] for each in answer.body["failed"]] == ["invalid_request"]
    assert not world.dynamodb.tables["data"].items


def test_a_thousand_forms_fit_into_one_answer_of_a_function_with_long_credentials(
    gateway, world, lake, monkeypatch
):
    from chalicelib.storage import aws

    monkeypatch.setenv("AWS_SESSION_TOKEN", "t" * 1200)
    aws._make.cache_clear(), aws._session.cache_clear()
    try:
        body = announce(gateway, *(entry(f"frames/{n:012}.png", tags=["a", "b"]) for n in range(1000))).body
    finally:
        aws._make.cache_clear(), aws._session.cache_clear()
    assert len(body["ok"]) == 1000
    assert "t" * 1200 in body["ok"][0]["upload"]["fields"].values()
    assert len(json.dumps(json.dumps(body))) < 6 * MIB


def test_what_does_not_fit_into_the_answer_may_be_asked_for_again(gateway, world, lake, monkeypatch):
    monkeypatch.setattr(answers, "_ANSWER_BYTES", 4000)
    body = announce(gateway, *(entry(f"{n}.png") for n in range(4))).body
    assert 0 < len(body["ok"]) < 4
    assert {(each["code"], each["retryable"]) for each in body["failed"]} == {("too_large", True)}
    again = [entry(f"{each['index']}.png") for each in body["failed"]]
    assert announce(gateway, again[0]).body["ok"]


def test_large_ones_come_in_parts_of_their_exact_sizes(gateway, world, lake):
    ticket = begun(gateway, 100 * MIB)
    assert (ticket["method"], ticket["part_size"], ticket["part_count"]) == ("MULTIPART", 16 * MIB, 7)
    assert ([part["number"] for part in ticket["parts"]], ticket["next"]) == (list(range(1, 8)), None)
    assert "X-Amz-SignedHeaders=content-length%3Bhost" in ticket["parts"][0]["url"]
    page = gateway.call("GET", f"/uploads/{ticket['upload_id']}/parts", first="6").body
    assert ([part["number"] for part in page["parts"]], page["next"]) == ([6, 7], None)
    past = gateway.call("GET", f"/uploads/{ticket['upload_id']}/parts", first="8").body
    assert past == {"parts": [], "next": None}


@pytest.mark.parametrize("size", [limits.FORM_BYTES + 1, 160_000 * MIB, 160_000 * MIB + 1, upload.BYTES])
def test_parts_are_as_many_and_as_large_as_s3_takes(size):
    multipart = Multipart(object_name="a", size=size, upload_id="u", overwrites=True)
    sizes = [multipart.size_of(number) for number in range(1, multipart.part_count + 1)]
    assert sum(sizes) == size
    assert len(sizes) <= 10_000
    assert all(each == multipart.part_size for each in sizes[:-1])
    assert 5 * MIB <= multipart.part_size <= limits.WHOLE_BYTES
    assert sizes[-1] > 0


def test_many_parts_are_shown_in_pages(gateway, world, lake):
    ticket = begun(gateway, 20_000 * MIB)
    assert (len(ticket["parts"]), ticket["next"], ticket["part_count"]) == (500, 501, 1250)
    page = gateway.call("GET", f"/uploads/{ticket['upload_id']}/parts", first="1001").body
    assert ([page["parts"][0]["number"], page["parts"][-1]["number"]], page["next"]) == ([1001, 1250], None)


def test_parts_become_one_object_which_its_event_confirms(gateway, world, lake):
    size = 65 * MIB
    ticket = begun(gateway, size)
    bodies = [b"x" * (16 * MIB)] * 4 + [b"x" * MIB]
    parts = send_parts(world, *bodies)
    done = complete(gateway, ticket["upload_id"], parts[::-1])
    assert (done.status, done.body) == (200, {"id": lake.data_id("a.mp4"), "object_name": "a.mp4"})
    assert complete(gateway, ticket["upload_id"], parts).status == 200
    deliver(world)
    shown = gateway.call("GET", f"/data/{done.body['id']}").body
    assert (shown["size"], shown["status"], shown["etag"][-2:]) == (size, "indexed", "-5")


def test_wrong_parts_are_a_400(gateway, world, lake):
    ticket = begun(gateway, 65 * MIB)
    parts = send_parts(world, *[b"1", b"2", b"3", b"4", b"5"])
    for wrong in (parts[:-1], [*parts, parts[0]], [*parts[:-1], parts[0]], parts, []):
        answer = complete(gateway, ticket["upload_id"], wrong)
        assert (answer.status, answer.places) == (400, ["#/parts"])


def test_parts_that_were_not_to_overwrite_do_not(gateway, world, lake):
    ticket = begun(gateway, 65 * MIB)
    parts = send_parts(world, *[b"x" * (16 * MIB)] * 4, b"x" * MIB)
    put(world, lake, "a.mp4")
    answer = complete(gateway, ticket["upload_id"], parts)
    assert (answer.status, answer.body["code"]) == (409, "conflict")
    assert world.s3.buckets["photos"].current("a.mp4").body == b"12345"
    assert gateway.call("DELETE", f"/uploads/{ticket['upload_id']}").status == 204
    assert not world.s3.uploads
    assert gateway.call("GET", f"/data/{lake.data_id('a.mp4')}").body["status"] == "indexed"


def test_whose_parts_come_second_is_not_told_that_they_are_there(gateway, world, lake):
    size = 65 * MIB
    first, second = begun(gateway, size), begun(gateway, size)
    for letter, waiting in zip(b"ab", world.s3.uploads.values(), strict=True):
        bodies = [bytes([letter]) * (16 * MIB)] * 4 + [bytes([letter]) * MIB]
        waiting.parts = dict(enumerate(bodies, 1))
    told = [
        [{"number": n, "etag": _md5(body)} for n, body in waiting.parts.items()]
        for waiting in world.s3.uploads.values()
    ]
    assert complete(gateway, first["upload_id"], told[0]).status == 200
    answer = complete(gateway, second["upload_id"], told[1])
    assert (answer.status, answer.body["code"]) == (409, "conflict")


def test_parts_that_were_to_overwrite_do(gateway, world, lake):
    put(world, lake, "a.mp4")
    ticket = begun(gateway, 65 * MIB, if_exists="overwrite")
    parts = send_parts(world, *[b"x" * (16 * MIB)] * 4, b"x" * MIB)
    assert complete(gateway, ticket["upload_id"], parts).status == 200


def test_a_dropped_upload_leaves_neither_parts_nor_a_record(gateway, world, lake):
    ticket = begun(gateway)
    assert gateway.call("DELETE", f"/uploads/{ticket['upload_id']}").status == 204
    assert gateway.call("DELETE", f"/uploads/{ticket['upload_id']}").status == 204
    assert not world.s3.uploads
    assert gateway.call("GET", f"/data/{lake.data_id('a.mp4')}").status == 404
    parts = [{"number": n, "etag": "e"} for n in range(1, 8)]
    assert complete(gateway, ticket["upload_id"], parts).status == 404


def test_to_drop_what_was_completed_costs_it_nothing(gateway, world, lake):
    ticket = begun(gateway, 65 * MIB)
    parts = send_parts(world, *[b"x" * (16 * MIB)] * 4, b"x" * MIB)
    say(gateway, lake, "d")
    let(world, "CompleteMultipartUpload", faults.lost)
    complete(gateway, ticket["upload_id"], parts)
    world.interpose = None
    assert gateway.call("DELETE", f"/uploads/{ticket['upload_id']}").status == 204
    deliver(world)
    shown = gateway.call("GET", f"/data/{lake.data_id('a.mp4')}").body
    assert (shown["status"], shown["description"]) == ("indexed", "d")


def test_to_drop_an_upload_forgets_nothing_that_came_meanwhile(gateway, world, lake):
    ticket = begun(gateway, 65 * MIB)
    say(gateway, lake, "d")

    def overtaken(world: World, request: Request) -> Any:
        try:
            return world.perform(request)
        finally:
            put(world, lake, "a.mp4")

    let(world, "HeadObject", overtaken)
    assert gateway.call("DELETE", f"/uploads/{ticket['upload_id']}").status == 204
    shown = gateway.call("GET", f"/data/{lake.data_id('a.mp4')}").body
    assert (shown["status"], shown["description"]) == ("indexed", "d")


def test_nobody_else_can_use_an_upload(gateway, world, lake):
    upload_id = begun(gateway)["upload_id"]
    other = replace(gateway, lake="other")
    forged = upload_id[:-4] + ("AAAA" if upload_id[-4:] != "AAAA" else "BBBB")
    for asker, given in ((other, upload_id), (gateway, forged), (gateway, "nothing"), (gateway, "é")):
        for method, path, body in (
            ("GET", "/parts", None),
            ("POST", "/complete", {"parts": [{"number": 1, "etag": "e"}]}),
            ("DELETE", "", None),
        ):
            answer = asker.call(method, f"/uploads/{given}{path}", body)
            assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert len(world.s3.uploads) == 1


def test_a_status_call_answers_for_the_whole_batch(gateway, world, lake):
    ids = [one["data"]["id"] for one in announce(gateway, entry("a.png"), entry("b.png")).body["ok"]]
    put(world, lake, "a.png")
    foreign = Lake.data_id(lake, "c")
    answer = gateway.call("POST", "/uploads/status", {"ids": [*ids, ids[0], foreign, "no id"]}).body
    assert answer["by_status"] == {"indexed": 1, "pending": 1}
    assert {each["id"]: each["status"] for each in answer["items"]} == {ids[0]: "indexed", ids[1]: "pending"}
    assert answer["missing"] == [foreign, "no id"]


@pytest.mark.parametrize("fault", faults.ALL)
@pytest.mark.parametrize(
    "operation", ["HeadBucket", "HeadObject", "CreateMultipartUpload", "TransactWriteItems"]
)
def test_a_failing_storage_loses_nothing_and_the_call_may_be_repeated(gateway, world, lake, operation, fault):
    let(world, operation, fault)
    entries = [entry("a.png", description="d"), entry("a.mp4", size=100 * MIB)]
    answer = announce(gateway, *entries)
    if answer.status == 200:
        assert all(each["retryable"] for each in answer.body["failed"])
    else:
        assert (answer.status, answer.body["code"]) == (503, "storage_unavailable")
    assert len(announce(gateway, *entries).body["ok"]) == 2
    assert gateway.call("GET", f"/data/{lake.data_id('a.png')}").body["description"] == "d"


@pytest.mark.parametrize("fault", faults.ALL)
def test_a_completion_whose_answer_is_lost_may_be_repeated(gateway, world, lake, fault):
    ticket = begun(gateway, 65 * MIB)
    parts = send_parts(world, *[b"x" * (16 * MIB)] * 4, b"x" * MIB)
    let(world, "CompleteMultipartUpload", fault)
    assert complete(gateway, ticket["upload_id"], parts).status in (200, 503)
    world.interpose = None
    assert complete(gateway, ticket["upload_id"], parts).status == 200
    assert world.s3.buckets["photos"].current("a.mp4")
    assert records.read(lake.data_id("a.mp4")).announced
