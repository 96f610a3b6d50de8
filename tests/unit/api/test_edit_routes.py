"""Editing of data as a caller meets it."""

import json
from typing import Any

import pytest

from chalicelib.api.routes import ROUTES
from chalicelib.model.data import Facts, Status
from chalicelib.model.key import Role
from chalicelib.storage import records
from tests.simulation import faults
from tests.simulation.interference import let
from tests.simulation.objects import delete, put
from tests.simulation.shift import work
from tests.unit.api.gateway import Answer, Gateway, route_of

EVERYTHING: dict[str, Any] = {
    "latitude": 43.5,
    "longitude": -1,
    "altitude": -3.25,
    "acquired_by": "Ann",
    "weather": "rain",
    "resolution_x": 72,
    "resolution_y": 72.5,
    "resolution_unit": "inch",
    "compression": "jpeg",
    "manufacturer": "Canon",
    "model": "40D",
    "lens": "EF 50",
    "software": "x",
    "color_space": "sRGB",
    "exposure_time": 0.01,
    "f_number": 2.8,
    "iso": 100,
    "focal_length": 50,
    "sensor_width": 22.2,
    "brand": "Canon",
    "custom_id": "7",
    "reference": "r",
    "yaw": -180,
    "pitch": 0,
    "roll": 359.9,
    "region_of_interest": "[0, 0, 10, 10]",
}


def edit(gateway: Gateway, data_id: str, **body: Any) -> Answer:
    return gateway.call("PATCH", f"/data/{data_id}", body)


def test_an_edit_answers_the_data_as_it_is_now(gateway, world, lake):
    [data_id] = put(world, lake, "a.jpg")
    answer = edit(
        gateway,
        data_id,
        metadata={"latitude": 43.5, "longitude": -1.5},
        custom_metadata={"lot": "A7", "area": 12.5, "ok": True, "n": 3},
        description="first",
        source="camera-one",
    )
    assert answer.status == 200
    assert answer.body == gateway.call("GET", f"/data/{data_id}").body
    assert answer.body["metadata"] == {"latitude": 43.5, "longitude": -1.5}
    assert json.dumps(answer.body["custom_metadata"]) == '{"lot": "A7", "area": 12.5, "ok": true, "n": 3}'
    assert (answer.body["description"], answer.body["source"]) == ("first", "camera-one")
    assert [source["name"] for source in gateway.call("GET", "/sources").body["items"]] == ["camera-one"]


def test_null_clears_a_field_and_what_is_not_named_stays(gateway, world, lake):
    [data_id] = put(world, lake, "a.jpg")
    edit(gateway, data_id, metadata=EVERYTHING, custom_metadata={"lot": "A7", "area": 1}, description="first")
    edit(gateway, data_id, source="camera-one")
    shown = edit(
        gateway,
        data_id,
        metadata={"weather": None, "latitude": None, "longitude": None},
        custom_metadata={"area": None, "never": None},
        description=None,
    ).body
    left = {
        name: value for name, value in EVERYTHING.items() if name not in ("weather", "latitude", "longitude")
    }
    assert (shown["metadata"], shown["custom_metadata"]) == (left, {"lot": "A7"})
    assert (shown["description"], shown["source"]) == (None, "camera-one")
    assert edit(gateway, data_id, source=None).body["source"] is None


def test_every_typed_field_is_taken(gateway, world, lake):
    [data_id] = put(world, lake, "a.jpg")
    assert edit(gateway, data_id, metadata=EVERYTHING).body["metadata"] == EVERYTHING


def test_a_person_wins_over_the_bytes(gateway, world, lake):
    [data_id] = put(world, lake, "a.jpg")
    edit(gateway, data_id, metadata={"model": "40D", "software": None})
    facts = Facts(status=Status.READY, metadata={"model": "wrong", "software": "x", "iso": 100})
    content = records.read_all([data_id])[data_id].content
    assert records.publish(data_id, content, facts, None, thumbnail=False)
    assert gateway.call("GET", f"/data/{data_id}").body["metadata"] == {"model": "40D", "iso": 100}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z"),
        ("2026-03-01t12:00:00.123456+02:00", "2026-03-01T10:00:00.123Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_kept_in_utc(gateway, world, lake, given, kept):
    [data_id] = put(world, lake, "a.jpg")
    assert edit(gateway, data_id, metadata={"acquired_at": given}).body["metadata"] == {"acquired_at": kept}


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"width": 1}, ["#/width"]),
        ({"metadata": {"latitude": 43.5}}, ["#/metadata"]),
        ({"metadata": {"longitude": None}}, ["#/metadata"]),
        ({"metadata": {"latitude": None, "longitude": 5}}, ["#/metadata"]),
        ({"metadata": {"latitude": 95, "longitude": 0}}, ["#/metadata/latitude"]),
        ({"metadata": {"latitude": 0, "longitude": -181}}, ["#/metadata/longitude"]),
        (
            {"metadata": {"latitude": "43", "longitude": True}},
            ["#/metadata/latitude", "#/metadata/longitude"],
        ),
        ({"metadata": {"colour": "red"}}, ["#/metadata/colour"]),
        ({"metadata": {"weather": ""}}, ["#/metadata/weather"]),
        ({"metadata": {"weather": "x" * 1025}}, ["#/metadata/weather"]),
        ({"metadata": {"focal_length": 0}}, ["#/metadata/focal_length"]),
        ({"metadata": {"yaw": 361}}, ["#/metadata/yaw"]),
        *(
            ({"metadata": {"acquired_at": time}}, ["#/metadata/acquired_at"])
            for time in (
                "2026-03-01",
                "2026-03-01T12:00:00",
                "2026-02-30T12:00:00Z",
                "1",
                "",
                "0001-01-01T00:00:00+01:00",
            )
        ),
        ({"metadata": None}, ["#/metadata"]),
        ({"custom_metadata": None}, ["#/custom_metadata"]),
        ({"custom_metadata": {"": 1}}, ["#/custom_metadata//[key]"]),
        ({"custom_metadata": {"x" * 129: 1}}, None),
        ({"custom_metadata": {"a": [1]}}, ["#/custom_metadata/a"]),
        ({"custom_metadata": {"a": {"b": 1}}}, ["#/custom_metadata/a"]),
        ({"custom_metadata": {"a": "x" * 1025}}, ["#/custom_metadata/a"]),
        ({"custom_metadata": {str(n): n for n in range(101)}}, ["#/custom_metadata"]),
        ({"custom_metadata": {str(n): "x" * 1024 for n in range(17)}}, ["#/custom_metadata"]),
        ({"description": ""}, ["#/description"]),
        ({"description": "x" * 4097}, ["#/description"]),
        ({"source": ""}, ["#/source"]),
        ('{"custom_metadata": {"a": NaN}}', ["#"]),
        ('{"custom_metadata": {"a": 9223372036854775808}}', ["#"]),
        ('{"custom_metadata": {"a": "\\ud800"}}', ["#"]),
    ],
)
def test_a_bad_edit_is_a_400_with_its_places_and_changes_nothing(gateway, world, lake, body, places):
    [data_id] = put(world, lake, "a.jpg")
    before = gateway.call("GET", f"/data/{data_id}").body
    answer = gateway.call("PATCH", f"/data/{data_id}", body)
    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert places is None or answer.places == places
    assert gateway.call("GET", f"/data/{data_id}").body == before


def test_what_is_not_there_cannot_be_edited(gateway, world, lake):
    [data_id] = put(world, lake, "a.jpg")
    delete(world, lake, "a.jpg")
    for missing in (data_id, "no-such-id", "x" * 3000):
        answer = edit(gateway, missing, description="x")
        assert (answer.status, answer.body["code"]) == (404, "not_found")
    [other] = put(world, lake, "b.jpg")
    assert Gateway(lake="other").call("PATCH", f"/data/{other}", {"description": "x"}).status == 404
    assert Gateway(organization="foreign").call("PATCH", f"/data/{other}", {}).status == 404
    assert Gateway(role="viewer").call("PATCH", f"/data/{other}", {}).status == 403


def test_many_are_edited_alike_and_each_is_answered_for(gateway, world, lake):
    ids = put(world, lake, *map(str, range(120)))
    edit(gateway, ids[0], custom_metadata={"lot": "B1"})
    full = {f"k{n}": n for n in range(100)}
    edit(gateway, ids[1], custom_metadata=full)
    given = {"ids": [*ids, ids[5], "no-such-id"], "set": {"custom_metadata": {"lot": "B1"}}}
    answer = gateway.call("PATCH", "/data", given)
    assert answer.status == 200
    assert answer.body == {
        "changed": 118,
        "missing": ["no-such-id"],
        "failed": [
            {
                "id": ids[1],
                "code": "invalid_request",
                "detail": "#/custom_metadata: There should be at most 100 keys, with those before",
            }
        ],
    }
    assert gateway.call("GET", f"/data/{ids[119]}").body["custom_metadata"] == {"lot": "B1"}
    assert gateway.call("GET", f"/data/{ids[1]}").body["custom_metadata"] == full


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"ids": ["x"]}, ["#/set"]),
        ({"ids": [], "set": {}}, ["#/ids"]),
        ({"ids": ["x"] * 1001, "set": {}}, ["#/ids"]),
        ({"ids": ["x"], "set": {"metadata": {"latitude": 1}}}, ["#/set/metadata"]),
        ({"ids": ["x"], "set": {}, "q": "size > 0"}, ["#"]),
        ({"set": {}}, ["#"]),
        ({"q": "", "set": {}}, ["#/q"]),
    ],
)
def test_a_bad_edit_of_many_is_a_400(gateway, body, places):
    answer = gateway.call("PATCH", "/data", body)
    assert (answer.status, answer.places) == (400, places)


@pytest.mark.parametrize("operation", ["Query", "BatchGetItem", "TransactWriteItems", "UpdateItem"])
@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.denied, faults.lost])
def test_a_failing_storage_is_a_503_and_the_call_may_be_repeated(gateway, world, lake, operation, fault):
    ids = put(world, lake, *"abc")
    given = {"ids": ids, "set": {"source": "camera", "description": "x"}}
    let(world, operation, fault)
    answer = gateway.call("PATCH", "/data", given)
    assert (answer.status, answer.body["code"]) == (503, "storage_unavailable")
    assert gateway.call("PATCH", "/data", given).status == 200
    for data_id in ids:
        shown = gateway.call("GET", f"/data/{data_id}").body
        assert (shown["description"], shown["source"]) == ("x", "camera")


def test_nothing_that_people_write_reaches_a_bucket(gateway, world, lake):
    ids = put(world, lake, "a", "b")
    before = {name: dict(bucket.objects) for name, bucket in world.s3.buckets.items()}
    for method, path, body in _every_writing(ids):
        assert gateway.call(method, path, body).status < 300
    for job in gateway.call("GET", "/v1/jobs").body["items"]:
        work(world)
        assert gateway.call("GET", f"/v1/jobs/{job['id']}").body["state"] == "succeeded"
    assert gateway.call("POST", f"/v1/jobs/{job['id']}/cancel").status == 409
    assert {call.service for call in world.calls} == {"dynamodb", "sqs"}
    assert {name: dict(bucket.objects) for name, bucket in world.s3.buckets.items()} == before


def _every_writing(ids: list[str]) -> list[tuple[str, str, Any]]:
    set_ = {"metadata": EVERYTHING, "custom_metadata": {"a": 1}, "description": "x", "source": "camera"}
    return [
        *(("POST", f"/{kind}", {"name": "x"}) for kind in ("tags", "sources")),
        *(("PUT", f"/{kind}/y", None) for kind in ("tags", "sources")),
        *(("PATCH", f"/{kind}/x", {"name": "z"}) for kind in ("tags", "sources")),
        ("POST", "/data/tags", {"tags": ["y", "z", "new"], "ids": ids}),
        ("DELETE", "/data/tags", {"tags": ["y"], "ids": ids}),
        ("PATCH", "/data", {"ids": ids, "set": set_}),
        ("PATCH", "/data", {"q": "size > 0", "set": set_}),
        ("PATCH", f"/data/{ids[0]}", {"metadata": {"weather": None}, "source": None}),
        *(("DELETE", f"/{kind}/z", None) for kind in ("tags", "sources")),
        ("POST", "/links", {"links": [{"url": "https://example.org/a.jpg", "tags": ["new"]}]}),
        ("POST", "/links/check", {"ids": ids}),
        ("DELETE", f"/data/{ids[0]}", None),
        ("POST", "/data/delete", {"ids": ids}),
        ("POST", "/links", {"links": [{"url": "https://images.example.org/a.jpg", "tags": ["y"]}]}),
        ("POST", "/links/check", {"q": 'kind = "link"'}),
    ]


def test_every_route_of_an_editor_is_among_those():
    tried = {route_of(method, f"/v1/datalakes/x{path}") for method, path, _ in _every_writing(["x"])}
    tried.add(("POST", "/v1/jobs/{id}/cancel"))
    writing = {(route.method, route.path) for route in ROUTES if route.role is Role.EDITOR}
    of_buckets = ("/uploads", "/imports/", "/sync", "/exports")
    assert {each for each in writing if not any(part in each[1] for part in of_buckets)} <= tried
