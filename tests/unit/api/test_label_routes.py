"""Tags and sources as a caller meets them."""

import pytest

from chalicelib.model.lake import Lake
from tests.simulation import faults
from tests.simulation.interference import let
from tests.simulation.objects import count, delete, put
from tests.unit.api.gateway import Answer, Gateway, encoded

NAMES = ["car", 'a "b" é', "a/b", "😀", "a%2Fb", "a+b c", " ", "..", "\x01", "x" * 128]
KINDS = ["tags", "sources"]


def attach(gateway: Gateway, tags: list[str], ids: list[str]) -> Answer:
    return gateway.call("POST", "/data/tags", {"tags": tags, "ids": ids})


def detach(gateway: Gateway, tags: list[str], ids: list[str]) -> Answer:
    return gateway.call("DELETE", "/data/tags", {"tags": tags, "ids": ids})


def tags_of(gateway: Gateway, data_id: str) -> list[str]:
    return gateway.call("GET", f"/data/{data_id}").body["tags"]


def is_refused(answer: Answer, status: int, code: str) -> bool:
    assert (answer.status, answer.body["status"], answer.body["code"]) == (status, status, code)
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_characters_is_created_shown_renamed_and_listed(gateway, kind, name):
    created = gateway.call("POST", f"/{kind}", {"name": name})
    assert created.status == 201
    assert created.body == {
        "id": created.body["id"],
        "name": name,
        "count": 0,
        "created_at": "2026-03-01T12:00:00.000Z",
    }
    assert gateway.call("GET", f"/{kind}/{encoded(name)}").body == created.body
    assert gateway.call("GET", f"/{kind}").body == {"items": [created.body], "next_cursor": None}
    renamed = gateway.call("PATCH", f"/{kind}/{encoded(name)}", {"name": "new"})
    assert (renamed.status, renamed.body) == (200, created.body | {"name": "new"})
    assert is_refused(gateway.call("GET", f"/{kind}/{encoded(name)}"), 404, "not_found")
    assert gateway.call("GET", f"/{kind}/NEW").body == renamed.body


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_created_once(gateway, kind):
    first = gateway.call("PUT", f"/{kind}/caf%C3%A9")
    again = gateway.call("PUT", f"/{kind}/CAFE%CC%81")
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    refused = gateway.call("POST", f"/{kind}", {"name": "Café"})
    assert is_refused(refused, 409, "conflict")
    assert refused.body["detail"] == f"there is a {kind[:-1]} of this name already"


def test_what_is_created_with_an_idempotency_key_is_created_once(gateway):
    gateway.headers["Idempotency-Key"] = "k-1"
    first, again = (gateway.call("POST", "/tags", {"name": "car"}) for _ in range(2))
    assert (first.status, first.body) == (again.status, again.body) == (201, first.body)


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_another_has_cannot_be_taken_but_ones_own_in_another_form_can(gateway, kind):
    for name in ("one", "two"):
        gateway.call("PUT", f"/{kind}/{name}")
    assert is_refused(gateway.call("PATCH", f"/{kind}/one", {"name": "TWO"}), 409, "conflict")
    assert gateway.call("PATCH", f"/{kind}/one", {"name": "ONE"}).body["name"] == "ONE"


def test_lists_go_on_where_they_ended(gateway):
    names = [f"{n:02}" for n in range(25)]
    for name in reversed(names):
        gateway.call("PUT", f"/tags/{name}")
    found, cursor = [], {}
    while True:
        page = gateway.call("GET", "/tags", limit="10", **cursor).body
        found += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == names
    for other in (Gateway(lake="other"), Gateway(organization="foreign")):
        assert other.call("GET", "/tags", limit="10", **cursor).status in (400, 404)
    assert is_refused(gateway.call("GET", "/sources", limit="10", **cursor), 400, "invalid_cursor")


def test_tags_are_attached_and_detached_with_exact_numbers(gateway, world, lake):
    ids = put(world, lake, *"abcdef")
    delete(world, lake, "f")
    foreign = Lake.data_id(lake, "a").replace("-", "")
    assert attach(gateway, ["car"], ids[:2]).body == {"changed": 2, "missing": [], "failed": []}
    answer = attach(gateway, ["Car", "van", "VAN"], [*ids, ids[0], "no-such-id", foreign])
    assert answer.status == 200
    assert answer.body == {"changed": 5, "missing": [ids[5], "no-such-id", foreign], "failed": []}
    assert attach(gateway, ["car", "van"], ids).body["changed"] == 0
    assert [tags_of(gateway, data_id) for data_id in ids[:5]] == [["car", "van"]] * 5
    assert detach(gateway, ["CAR", "never"], ids).body == {"changed": 5, "missing": [ids[5]], "failed": []}
    assert detach(gateway, ["never"], ids[:5]).body == {"changed": 0, "missing": [], "failed": []}
    assert [tags_of(gateway, data_id) for data_id in ids[:5]] == [["van"]] * 5
    assert [tag["name"] for tag in gateway.call("GET", "/tags").body["items"]] == ["car", "van"]


def test_a_record_that_is_full_fails_alone(gateway, world, lake):
    ids = put(world, lake, "a", "b")
    attach(gateway, [str(n) for n in range(90)], ids[:1])
    answer = attach(gateway, ["one more"], ids)
    assert answer.body == {
        "changed": 1,
        "missing": [],
        "failed": [{"id": ids[0], "code": "conflict", "detail": "it would have more than 90 tags"}],
    }


def test_counts_follow_the_records(gateway, world, lake):
    ids = put(world, lake, *"abc")
    attach(gateway, ["car"], ids)
    attach(gateway, ["van"], ids[:2])
    delete(world, lake, "a")
    gateway.call("PATCH", "/data", {"ids": ids, "set": {"source": "camera"}})
    count(world)
    counted = {tag["name"]: tag["count"] for tag in gateway.call("GET", "/tags").body["items"]}
    assert counted == {"car": 2, "van": 1}
    assert gateway.call("GET", "/tags/car").body["count"] == 2
    assert gateway.call("GET", "/sources/camera").body["count"] == 2


def test_a_new_name_is_seen_wherever_the_tag_is(gateway, world, lake):
    ids = put(world, lake, "a", "b")
    attach(gateway, ["car"], ids)
    gateway.call("PATCH", "/data", {"ids": ids, "set": {"source": "camera"}})
    world.calls.clear()
    gateway.call("PATCH", "/tags/car", {"name": "Auto"})
    assert [call.operation for call in world.calls].count("TransactWriteItems") == 1
    gateway.call("PATCH", "/sources/camera", {"name": "camera-one"})
    for data_id in ids:
        shown = gateway.call("GET", f"/data/{data_id}").body
        assert (shown["tags"], shown["source"]) == (["Auto"], "camera-one")


def test_another_lakes_tags_are_others(gateway, world, lake):
    gateway.call("PUT", "/tags/car")
    assert Gateway(lake="other").call("GET", "/tags").body["items"] == []
    assert is_refused(Gateway(organization="foreign").call("GET", "/tags/car"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tags", {"name": "x"}),
        ("PUT", "/tags/x", None),
        ("PATCH", "/tags/x", {"name": "y"}),
        ("POST", "/sources", {"name": "x"}),
        ("PUT", "/sources/x", None),
        ("PATCH", "/sources/x", {"name": "y"}),
        ("DELETE", "/tags/x", None),
        ("DELETE", "/sources/x", None),
        ("POST", "/data/tags", {"tags": ["x"], "ids": ["y"]}),
        ("DELETE", "/data/tags", {"tags": ["x"], "ids": ["y"]}),
    ],
)
def test_a_viewer_changes_nothing(gateway, world, method, path, body):
    assert is_refused(Gateway(role="viewer").call(method, path, body), 403, "forbidden")
    assert world.calls == []


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["#/name"]),
        ({"name": ""}, ["#/name"]),
        ({"name": "x" * 129}, ["#/name"]),
        ({"name": "\U0001d160" * 128}, ["#/name"]),
        ({"name": 5}, ["#/name"]),
        ({"name": "x", "colour": "red"}, ["#/colour"]),
        ('{"name": "\\ud800"}', ["#"]),
        ("[]", ["#"]),
        (None, ["#"]),
    ],
)
def test_a_bad_name_is_a_400_with_its_place(gateway, body, places):
    for method, path in (("POST", "/tags"), ("PATCH", "/tags/x")):
        answer = gateway.call(method, path, body)
        assert is_refused(answer, 400, "invalid_request")
        assert answer.places == places


@pytest.mark.parametrize("name", ["x" * 129, "%F0%9D%85%A0" * 128])
def test_a_bad_name_in_the_path_is_a_400_where_it_creates_and_unknown_elsewhere(gateway, name):
    answer = gateway.call("PUT", f"/tags/{name}")
    assert is_refused(answer, 400, "invalid_request")
    assert answer.places == ["name"]
    assert is_refused(gateway.call("GET", f"/tags/{name}"), 404, "not_found")
    assert is_refused(gateway.call("PATCH", f"/tags/{name}", {"name": "y"}), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"tags": [], "ids": ["x"]}, ["#/tags"]),
        ({"tags": ["x"], "ids": []}, ["#/ids"]),
        ({"tags": ["x"], "ids": ["y"] * 1001}, ["#/ids"]),
        ({"tags": ["x"] * 91, "ids": ["y"]}, ["#/tags"]),
        ({"tags": ["x", ""], "ids": ["y", 5]}, ["#/ids/1", "#/tags/1"]),
        ({"tags": "x", "ids": ["y"]}, ["#/tags"]),
        ({"tags": ["x"]}, ["#"]),
        ({"tags": ["x"], "ids": ["y"], "q": "size > 0"}, ["#"]),
    ],
)
def test_a_bad_tagging_is_a_400_with_its_places_and_changes_nothing(gateway, world, body, places):
    for method in ("POST", "DELETE"):
        answer = gateway.call(method, "/data/tags", body)
        assert is_refused(answer, 400, "invalid_request")
        assert answer.places == places
    assert not world.dynamodb.tables["labels"].items


@pytest.mark.parametrize("operation", ["Query", "BatchGetItem", "TransactWriteItems"])
@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.denied, faults.lost])
def test_a_failing_storage_is_a_503_and_the_call_may_be_repeated(gateway, world, lake, operation, fault):
    ids = put(world, lake, *"abc")
    let(world, operation, fault)
    assert is_refused(attach(gateway, ["car"], ids), 503, "storage_unavailable")
    assert attach(gateway, ["car"], ids).status == 200
    assert [tags_of(gateway, data_id) for data_id in ids] == [["car"]] * 3
