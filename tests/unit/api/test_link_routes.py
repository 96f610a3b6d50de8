"""Links over the API: what is answered of each, and what is refused."""

import pytest

from chalicelib.model import limits
from tests.simulation import faults
from tests.simulation.interference import let
from tests.simulation.objects import add_connector, put

URL = "https://images.example.org/a/frame.0001.jpg"


def link(n: int = 0, **more: object) -> dict[str, object]:
    return {"url": f"https://images.example.org/{n}.jpg", **more}


def create(gateway, *links, **more):
    answer = gateway.call("POST", "/links", {"links": list(links), **more})
    assert answer.status == 200
    return answer.body


def test_each_link_is_answered_by_itself(gateway, lake):
    create(gateway, link(0))
    answered = create(
        gateway,
        link(0),
        link(
            1,
            folder="f",
            tags=["b", "a"],
            source="s",
            custom_metadata={"lot": 1},
            metadata={"weather": "wet"},
        ),
        {"url": "http://169.254.169.254/"},
        {"url": 5},
        {"link": URL},
        link(2, tags="a"),
        link(3, metadata={"latitude": 91, "longitude": 0}),
        link(4, custom_metadata={"a": []}),
    )
    assert [each["index"] for each in answered["ok"]] == [1]
    assert [(each["index"], each["code"], each["retryable"]) for each in answered["failed"]] == [
        (0, "conflict", False),
        *((n, "invalid_request", False) for n in (2, 3, 4, 5, 6, 7)),
    ]
    assert "public internet" in answered["failed"][1]["detail"] or "https" in answered["failed"][1]["detail"]
    data = answered["ok"][0]["data"]
    assert data == gateway.call("GET", f"/data/{data['id']}").body
    expected = {
        "kind": "link",
        "url": "https://images.example.org/1.jpg",
        "object_name": "f/1.jpg",
        "status": "indexed",
        "size": None,
        "etag": None,
        "health": None,
        "checked_at": None,
        "tags": ["a", "b"],
        "source": "s",
        "custom_metadata": {"lot": 1},
        "metadata": {"weather": "wet"},
        "thumbnail": False,
    }
    assert {name: data[name] for name in expected} == expected
    [skipped] = create(gateway, link(1, folder="f"), if_exists="skip")["skipped"]
    assert (skipped["code"], skipped["data"]) == ("exists", data)


def test_links_are_listed_searched_tagged_and_edited_as_all_data(gateway, world, lake):
    put(world, lake, "1.jpg")
    [linked] = create(gateway, link(1))["ok"]
    data_id = linked["data"]["id"]
    assert [each["id"] for each in gateway.call("GET", "/data", kind="link").body["items"]] == [data_id]
    q = f'url = "{link(1)["url"]}" and not health exists'
    assert [each["id"] for each in gateway.call("GET", "/data", q=q).body["items"]] == [data_id]
    ambiguous = gateway.call("GET", "/data/find", object_name="1.jpg")
    assert (ambiguous.status, len(ambiguous.body["ids"])) == (409, 2)
    assert gateway.call("POST", "/data/tags", {"tags": ["car"], "ids": [data_id]}).body["changed"] == 1
    assert gateway.call("PATCH", f"/data/{data_id}", {"description": "d"}).body["description"] == "d"
    pages = []
    cursor = {}
    while True:
        page = gateway.call("GET", "/data", order_by="object_name", limit="1", **cursor).body
        pages += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(pages) == len(set(pages)) == 2
    folder = gateway.call("POST", "/data/search", {"prefix": "1", "delimiter": "/"}).body
    assert len(folder["items"]) == 2


def test_a_link_is_exported_as_a_file_and_an_object_is_none(gateway, world, lake):
    [object_id] = put(world, lake, "a.jpg")
    [linked] = create(gateway, {"url": URL, "mimetype": "image/jpeg"})["ok"]
    assert gateway.call("GET", f"/data/{linked['data']['id']}/link").body == {
        "type": "link",
        "shebang": "dataloop",
        "metadata": {"dltype": "link", "linkInfo": {"type": "url", "ref": URL, "mimetype": "image/jpeg"}},
    }
    refused = gateway.call("GET", f"/data/{object_id}/link")
    assert (refused.status, refused.body["detail"]) == (404, "the data is no link")


def test_a_bucket_that_nobody_reaches_any_more_is_told(gateway, lake, monkeypatch):
    add_connector(lake.bucket)
    [linked] = create(gateway, {"url": f"s3://{lake.bucket}/a.jpg"})["ok"]
    monkeypatch.setattr("chalicelib.storage.connectors.homes", lambda organization: {})
    answer = gateway.call("GET", f"/data/{linked['data']['id']}/content")
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert lake.bucket in answer.body["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"links": []},
        {"links": [link(n) for n in range(limits.LINKS_AT_ONCE + 1)]},
        {"links": [link()], "if_exists": "overwrite"},
        {"links": [link()], "more": 1},
        {"links": link()},
        {"links": [link(n, tags=[f"t{n}-{m}" for m in range(30)]) for n in range(40)]},
    ],
    ids=lambda body: str(body)[:60],
)
def test_a_body_that_is_none_is_refused_as_a_whole(gateway, body):
    assert gateway.call("POST", "/links", body).status == 400


@pytest.mark.parametrize(
    "body", [{"ids": []}, {"ids": ["a"], "q": "size > 0"}, {"q": "size >"}, {"all": True}]
)
def test_a_check_that_says_not_of_what_is_refused(gateway, body):
    assert gateway.call("POST", "/links/check", body).status == 400


def test_a_thousand_links_fit_into_one_call_and_one_answer(gateway):
    description = "ü" * 100
    answered = create(gateway, *(link(n, description=description, tags=["a", "b"]) for n in range(1000)))
    assert len(answered["ok"]) == 1000


@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.denied])
def test_a_failing_storage_is_a_503_and_the_call_may_be_repeated(gateway, world, lake, fault):
    let(world, "BatchGetItem", fault)
    assert gateway.call("POST", "/links", {"links": [link()]}).status == 503
    assert len(create(gateway, link())["ok"]) == 1
