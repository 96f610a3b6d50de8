"""Every route, called with the events that API Gateway sends."""

import json
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

import app
from chalicelib.api.routes import ROUTES
from chalicelib.errors import StorageUnavailable
from chalicelib.model.data import Reason, Status, Type
from chalicelib.storage import aws, buckets, records
from chalicelib.storage.tables import DataItem

ORDERS = ["created_at", "-created_at", "object_name", "-object_name", "filename", "-filename"]
DATA = "/v1/datalakes/default/data"


def is_problem(answer, status, code):
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status, answer.body["status"], answer.body["code"]) == (status, status, code)
    assert answer.body["request_id"] == "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9"
    return True


def walk(gateway, **query):
    items, cursor = [], None
    while True:
        page = gateway.get(f"{DATA}?" + urlencode(query | ({"cursor": cursor} if cursor else {})))
        assert page.status == 200
        items += page.body["items"]
        cursor = page.body["next_cursor"]
        if cursor is None:
            return items


def test_lakes_are_listed_and_found_by_name_and_by_id(gateway, lake, foreign_lake):
    listed = gateway.get("/v1/datalakes")
    assert listed.status == 200
    assert listed.body["next_cursor"] is None
    assert [found["id"] for found in listed.body["items"]] == [lake.id]
    for name in ("default", lake.id, "%64efault"):
        assert gateway.get(f"/v1/datalakes/{name}").body == listed.body["items"][0]
    assert listed.body["items"][0] == {
        "id": lake.id,
        "name": "default",
        "organization": "acme",
        "connector": "stack",
        "bucket": "bucket",
        "prefix": "",
        "capabilities": ["upload", "import"],
        "allow_delete": False,
        "preprocess": "eager",
        "metadata_schema": None,
        "quota": None,
        "over_quota": False,
        "notifications": {"state": "connected", "detail": None},
        "created_at": lake.created_at,
    }


def test_stats_are_the_counters(gateway, lake):
    counted = {"items": 2, "bytes": 30, "type:image": 1, "status:ready": 2, "kind:object": 2}
    item = {"lake_id": {"S": lake.id}, "slot": {"S": "0"}}
    item |= {name: {"N": str(count)} for name, count in counted.items()}
    aws.client("dynamodb").put_item(TableName="counters", Item=item)
    assert gateway.get("/v1/datalakes/default/stats").body == {
        "items": 2,
        "bytes": 30,
        "by_type": {"image": 1},
        "by_status": {"ready": 2},
        "by_kind": {"object": 2},
        "quota": None,
        "over_quota": False,
    }


@pytest.mark.parametrize("order", ORDERS)
def test_pages_hold_every_record_once_and_in_order(gateway, lake, put, order):
    names = ["a/é.jpg", "a/😀.jpg", "a/b.jpg", "b/b.jpg", "b/\x01.jpg", "c", "~/a", "A", "b/" + "n" * 1022]
    for name in names:
        put(lake, name)
    items = walk(gateway, order_by=order, limit=2)
    field = order.removeprefix("-")
    values = [item[field].encode() for item in items]
    assert sorted(item["object_name"] for item in items) == sorted(names)
    assert values == sorted(values, reverse=order.startswith("-"))


@pytest.mark.parametrize("order", ORDERS)
def test_filters_hold_in_every_order(gateway, lake, put, order):
    put(lake, "a/1.jpg")
    put(lake, "a/2.jpg", status=Status.FAILED, status_reason=Reason.CORRUPT)
    put(lake, "a/3.mov", status=Status.SKIPPED, type=Type.VIDEO)
    put(lake, "b/4.jpg")

    def names(**query):
        return sorted(item["object_name"] for item in walk(gateway, order_by=order, limit=1, **query))

    assert names(prefix="a/") == ["a/1.jpg", "a/2.jpg", "a/3.mov"]
    assert names(status="ready") == ["a/1.jpg", "b/4.jpg"]
    assert names(type="video") == ["a/3.mov"]
    assert names(prefix="a/", status="failed", type="image") == ["a/2.jpg"]
    assert names(prefix="c") == []


@pytest.mark.parametrize("query", ["", "?order_by=filename", "?order_by=-object_name&prefix=f"])
def test_a_page_of_100_is_six_requests(gateway, lake, put, query):
    for n in range(130):
        put(lake, f"f{n}.jpg")
    gateway.calls.clear()
    page = gateway.get(DATA + query)
    assert len(page.body["items"]) == 100
    assert sorted(gateway.calls) == ["BatchGetItem"] + ["Query"] * (1 + lake.shards)


def test_one_record_is_found_by_its_id(gateway, lake, put):
    data = put(lake, "a/1.jpg")
    assert gateway.get(f"{DATA}/{data.id}").body == gateway.get(DATA).body["items"][0]


def test_content_is_a_redirect_to_the_object(gateway, lake, put):
    data = put(lake, "a b/é+.jpg")
    answer = gateway.get(f"{DATA}/{data.id}/content")
    assert answer.status == 302
    assert answer.headers["Cache-Control"] == "no-store"
    location = answer.headers["Location"]
    assert quote("a b/é+.jpg") in location
    assert "response-content-type=image%2Fjpeg" in location
    assert "response-content-disposition=inline" in location


@pytest.mark.parametrize(
    "facts",
    [
        {"content_type": "image/svg+xml"},
        {"content_type": "text/html", "type": Type.OTHER},
        {"content_type": "image/png", "type": None},
        {"content_type": "image/png", "type": Type.OTHER},
        {"content_type": None},
        {"content_type": "image/jpeg; charset=utf-8"},
    ],
)
def test_what_could_run_in_a_browser_is_downloaded(gateway, lake, put, facts):
    data = put(lake, "x", **facts)
    location = gateway.get(f"{DATA}/{data.id}/content").headers["Location"]
    assert "response-content-type=application%2Foctet-stream" in location
    assert "response-content-disposition=attachment" in location


@pytest.mark.parametrize(("download", "disposition"), [(False, "inline"), (True, "attachment")])
def test_content_is_located_to_be_shown_or_to_be_saved(gateway, lake, put, download, disposition):
    data = put(lake, "a.jpg")
    answer = gateway.call("POST", f"{DATA}/content", {"ids": [data.id], "download": download})
    assert f"response-content-disposition={disposition}" in answer.body["items"][0]["url"]


def test_a_thumbnail_is_a_redirect_to_the_artifacts(gateway, lake, put):
    data = put(lake, "a.jpg")
    buckets.put_thumbnail(data.thumbnail_key, b"webp")
    answer = gateway.get(f"{DATA}/{data.id}/thumbnail")
    assert answer.status == 302
    assert "artifacts" in answer.headers["Location"]
    assert data.thumbnail_key in answer.headers["Location"]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"status": Status.FAILED, "status_reason": Reason.CORRUPT}, "the data is failed (corrupt)"),
        (
            {"status": Status.SKIPPED, "status_reason": Reason.UNSUPPORTED_TYPE},
            "the data is skipped (unsupported_type)",
        ),
    ],
)
def test_a_missing_thumbnail_is_a_problem_that_says_why(gateway, lake, put, facts, why):
    data = put(lake, "a.txt", thumbnail=False, **facts)
    answer = gateway.get(f"{DATA}/{data.id}/thumbnail")
    assert is_problem(answer, 404, "not_found")
    assert answer.body["detail"] == f"there is no thumbnail: {why}"


def test_a_thumbnail_that_is_being_made_is_to_be_asked_for_again(gateway, lake, put):
    data = put(lake, "a.jpg", thumbnail=False, status=Status.INDEXED, type=None)
    answer = gateway.get(f"{DATA}/{data.id}/thumbnail")
    assert is_problem(answer, 404, "not_ready")
    assert answer.headers["Retry-After"] == "2"


def test_the_content_of_many_is_where_that_of_each_is(gateway, lake, foreign_lake, put):
    first, second, foreign, gone = (
        put(lake, "b.jpg"),
        put(lake, "a.svg"),
        put(foreign_lake, "a"),
        put(lake, "c"),
    )
    DataItem(gone.id).update([DataItem.state.set("gone")])
    ids = [second.id, foreign.id, first.id, "no id", gone.id, second.id]
    answer = gateway.call("POST", f"{DATA}/content", {"ids": ids})
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["missing"] == [foreign.id, "no id", gone.id]
    assert [item["id"] for item in answer.body["items"]] == [second.id, first.id]
    for item in answer.body["items"]:
        alone = gateway.get(f"{DATA}/{item['id']}/content").headers["Location"]
        assert unsigned(item["url"]) == unsigned(alone)


def test_the_content_of_a_thousand_fits_into_one_answer_and_costs_ten_reads(gateway, lake, put):
    gateway.calls.clear()
    answer = gateway.call(
        "POST", f"{DATA}/content", {"ids": [f"{n:08x}-0000-5000-8000-{'0' * 12}" for n in range(1000)]}
    )
    assert len(answer.body["missing"]) == 1000
    assert gateway.calls.count("BatchGetItem") == 10
    too_many = gateway.call("POST", f"{DATA}/content", {"ids": [str(n) for n in range(1001)]})
    assert is_problem(too_many, 400, "invalid_request")


def unsigned(url):
    """Without what depends on the moment."""
    parts = urlsplit(url)
    query = {name: values for name, values in parse_qs(parts.query).items() if name.startswith("response-")}
    return parts._replace(query=""), query


@pytest.mark.parametrize("view", ["", "/content", "/thumbnail"])
def test_data_that_is_gone_or_foreign_or_never_was_is_all_the_same(gateway, lake, foreign_lake, put, view):
    foreign = put(foreign_lake, "a.jpg")
    gone = put(lake, "b.jpg")
    DataItem(gone.id).update([DataItem.state.set("gone")])
    answers = [
        gateway.get(f"{DATA}/{data_id}{view}")
        for data_id in (
            foreign.id,
            gone.id,
            "00000000-0000-5000-8000-000000000000",
            "x" * 3000,
            foreign.id.upper(),
        )
    ]
    assert all(is_problem(answer, 404, "not_found") for answer in answers)
    assert len({json.dumps(answer.body) for answer in answers}) == 1


@pytest.mark.parametrize("data_id", ["x", "x" * 3000, "D7B0A1C2-55D1-5B9C-9D5E-0D2F1A3C4B5D"])
def test_what_cannot_be_an_id_is_not_looked_up(gateway, lake, data_id):
    # DynamoDB refuses keys over 2,048 bytes, and a refusal would pass for an outage.
    assert is_problem(gateway.get(f"{DATA}/{data_id}"), 404, "not_found")
    assert gateway.calls[-1:] == ["Query"]


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if "{lake}" in route.path and not route.operation.body]
)
def test_a_foreign_lake_answers_as_one_that_does_not_exist(gateway, lake, foreign_lake, put, route):
    gateway.authorizer["role"] = "admin"
    data = put(foreign_lake, "a.jpg")
    query = "?confirm=default" if "confirm" in route.operation.parameters.model_fields else ""
    answers = [
        gateway.call(route.method, route.path.replace("{lake}", name).replace("{id}", data.id) + query)
        for name in (foreign_lake.id, "no-such-lake", "n" * 3000, "%F0%9F%98%80")
    ]
    assert all(is_problem(answer, 404, "not_found") for answer in answers)
    assert len({json.dumps(answer.body) for answer in answers}) == 1


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_parameter_is_refused_everywhere(gateway, lake, route):
    gateway.authorizer["role"] = "admin"
    url = route.path.replace("{lake}", "default").replace("{id}", "x")
    answer = gateway.call(route.method, url + "?colour=red")
    assert is_problem(answer, 400, "invalid_request")
    assert {"parameter": "colour", "detail": "There is no such parameter"} in answer.body["errors"]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.role])
def test_nobody_is_let_in_without_the_authorizers_word(gateway, lake, route):
    gateway.authorizer = None
    assert is_problem(gateway.call(route.method, route.path), 401, "unauthorized")


@pytest.mark.parametrize("value", [["5", "5"], ["0"], ["x"], ["\ud800"], [""]])
def test_a_bad_value_is_a_400(gateway, lake, value):
    answer = gateway.get(DATA, multiValueQueryStringParameters={"limit": value})
    assert is_problem(answer, 400, "invalid_request")
    assert [error["parameter"] for error in answer.body["errors"]] == ["limit"]


@pytest.mark.parametrize("name", ["%FF", "%ED%A0%80", "\ud800"])
def test_a_path_that_is_no_text_is_a_400(gateway, lake, name):
    event = {"pathParameters": {"lake": name}}
    assert is_problem(gateway.get("/v1/datalakes/x", **event), 400, "invalid_request")


def test_prefixes_of_any_characters_are_taken(gateway, lake):
    for prefix in ("\x01", "\x00", "\u202e", "é" * 512, "\U0010ffff" * 256, "\x7f%"):
        for order in ORDERS:
            page = gateway.get(DATA + "?" + urlencode({"prefix": prefix, "order_by": order}))
            assert (page.status, page.body["items"]) == (200, [])


def test_cursors_belong_to_their_list(gateway, lake, foreign_lake, put):
    for name in "abc":
        put(lake, name)
        put(foreign_lake, name)
    cursor = gateway.get(f"{DATA}?limit=1&order_by=object_name").body["next_cursor"]
    same = gateway.get(f"{DATA}?limit=2&order_by=object_name&cursor={cursor}")
    assert [item["object_name"] for item in same.body["items"]] == ["b", "c"]
    for query in (f"cursor={cursor}", f"order_by=-object_name&cursor={cursor}", "cursor=AAAA", "cursor="):
        assert is_problem(gateway.get(f"{DATA}?{query}"), 400, "invalid_cursor")
    gateway.authorizer = gateway.authorizer | {"organization": "other"}
    assert is_problem(gateway.get(f"{DATA}?order_by=object_name&cursor={cursor}"), 400, "invalid_cursor")


def test_a_page_that_grows_too_large_goes_on_in_the_next(gateway, lake, put, monkeypatch):
    for n in range(10):
        put(lake, f"{n}.jpg")
    monkeypatch.setattr("chalicelib.api.answers._BODY_BYTES", 2500)
    assert len(gateway.get(DATA).body["items"]) < 10
    assert [item["object_name"] for item in walk(gateway, order_by="filename")] == [
        f"{n}.jpg" for n in range(10)
    ]


def test_an_outage_is_a_503_and_a_bug_a_500_that_tell_nothing(gateway, lake, monkeypatch, capfd):
    def fail(error):
        def failing(*_args, **_kwargs):
            raise error

        monkeypatch.setattr(records, "positions", failing)
        return gateway.get(DATA)

    outage = fail(StorageUnavailable("list records", "ProvisionedThroughputExceeded"))
    assert is_problem(outage, 503, "storage_unavailable")
    assert outage.headers["Retry-After"]
    bug = fail(KeyError("arn:aws:secret"))
    assert is_problem(bug, 500, "internal")
    assert bug.body["detail"] is None


def test_an_unusual_content_type_does_not_matter(gateway, lake):
    answer = gateway.get(
        "/v1/datalakes/default", headers={"content-type": "text/plain", "accept": "image/png"}
    )
    assert answer.status == 200


def test_every_request_is_one_line_without_secrets(gateway, lake, put, monkeypatch):
    lines = []
    monkeypatch.setattr("chalicelib.api.exchanges.logger.info", lambda text, **fields: lines.append(fields))
    data = put(lake, "a.jpg")
    buckets.put_thumbnail(data.thumbnail_key, b"webp")
    gateway.get(f"{DATA}/{data.id}/thumbnail")
    [line] = lines
    assert line.pop("ms") > 0
    assert line == {
        "route": "GET /v1/datalakes/{lake}/data/{id}/thumbnail",
        "status": 302,
        "organization": "acme",
        "key_id": "0123456789abcdef",
        "request_id": "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9",
    }


def test_every_route_but_the_gallery_and_the_description_of_the_api_has_the_authorizer():
    guards = {
        (path, method): entry.authorizer
        for path, methods in app.app.routes.items()
        for method, entry in methods.items()
    }
    for path in ("/", "/web/{file}", "/v1/openapi.json"):
        assert guards.pop((path, "GET")) is None
    assert guards
    assert all(guard is app.authorize for guard in guards.values())
