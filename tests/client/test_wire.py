"""What becomes of a call that the network, the gateway or the storage spoils."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from tidelake import (
    Client,
    Conflict,
    InvalidRequest,
    NotFound,
    RateLimited,
    Retries,
    Unavailable,
    Unreachable,
)

from tests.client.stack import lost, refused, says


def sent_keys(stack):
    return [request.headers.get("Idempotency-Key") for request in stack.sent]


@pytest.mark.parametrize("fault", [refused, lost, says(500), says(502), says(503), says(504), says(429)])
def test_what_passes_is_tried_again(stack, client, fault, pauses):
    stack.faults += [("GET", fault), ("GET", fault)]
    assert client.get_datalake().name == "default"
    assert pauses == [0.25, 0.5]


def test_a_server_that_says_when_is_not_asked_sooner(stack, client, pauses):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    stack.faults += [("GET", says(503, Retry_After="9")), ("GET", says(429, Retry_After=later))]
    client.get_datalake()
    assert pauses[0] >= 9
    assert 25 < pauses[1] < 35


def test_a_server_that_asks_for_too_much_patience_is_left_alone(stack, client, pauses):
    stack.faults.append(("GET", says(503, Retry_After="100000")))
    with pytest.raises(Unavailable):
        client.get_datalake()
    assert pauses == []


def test_after_so_many_attempts_it_is_given_up(stack, client, pauses):
    stack.faults += [("GET", refused)] * 7
    with pytest.raises(Unreachable, match="nobody is there"):
        client.get_datalake()
    assert len(stack.sent) == 7
    assert pauses == sorted(pauses)
    stack.faults = [("GET", says(429))] * 7
    with pytest.raises(RateLimited) as limited:
        client.get_datalake()
    assert limited.value.retryable


def test_what_is_wrong_is_not_tried_again(stack, client):
    with pytest.raises(NotFound) as unknown:
        client.get_datalake("nowhere")
    assert len(stack.sent) == 1
    assert (unknown.value.status, unknown.value.code, unknown.value.request_id) == (404, "not_found", "r")
    assert not unknown.value.retryable


def test_what_creates_does_so_once_however_often_it_is_asked(stack, client, lake):
    stack.sent.clear()
    stack.faults += [("POST .*/tags", lost), ("POST .*/tags", says(504))]
    tag = lake.create_data_tag("car")
    assert len(set(sent_keys(stack))) == 1
    assert len(sent_keys(stack)) == 3
    assert [each.id for each in lake.list_data_tags()] == [tag.id]
    with pytest.raises(Conflict):
        lake.create_data_tag("CAR")
    assert len(set(sent_keys(stack)) - {None}) == 2


def test_who_is_still_being_answered_waits(stack, client, lake, pauses):
    stack.faults.append(("POST .*/tags", says(409, Retry_After="2")))
    assert lake.create_data_tag("car").name == "car"
    assert pauses[0] >= 2


def test_a_key_made_twice_is_made_once(stack, client):
    stack.faults.append(("POST .*/keys", lost))
    made = client.create_key("ci", "viewer", expires_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert [key.id for key in client.list_keys() if key.name == "ci"] == [made.id]
    assert made.key is not None
    assert made.key not in repr(made)
    client.revoke_key(made.id)
    with pytest.raises(NotFound):
        client.revoke_key(made.id)
    with pytest.raises(ValueError, match="zone"):
        client.create_key("ci", "viewer", expires_at=datetime(2027, 1, 1))


@pytest.mark.parametrize(
    "name", ["a/b", "a%2Fb", "..", ".", "a b", "é😀", "?q=1", "#", "a\\b", "%", "tags", "a;b", "a+b"]
)
def test_a_name_goes_through_a_path_as_it_is(lake, name):
    assert lake.get_or_create_data_tag(name).name == name
    assert lake.get_data_tag(name).name == name
    lake.get_data_tag(name).delete()
    assert lake.list_data_tags() == []


def test_an_empty_name_is_nobodys(lake):
    for ask in (lake.get_data, lake.get_data_tag):
        with pytest.raises(ValueError, match="empty"):
            ask("")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://a.test/api/v1", "https://a.test/api/v1"),
        ("https://a.test/api/v1/", "https://a.test/api/v1"),
        ("https://a.test/api", "https://a.test/api/v1"),
        ("http://127.0.0.1:4566/api", "http://127.0.0.1:4566/api/v1"),
        ("http://localhost/api", "http://localhost/api/v1"),
    ],
)
def test_addresses(url, base):
    with Client(url, "tl_x") as client:
        assert repr(client) == f"Client({base!r})"


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://a.test", "tl_x"),
        ("ftp://a.test", "tl_x"),
        ("a.test", "tl_x"),
        ("https://a.test?x=1", "tl_x"),
        ("https://a.test", ""),
        ("https://a.test", "tl_x\r\nEvil: 1"),
        ("https://a.test", "tl_é"),
    ],
)
def test_what_is_no_address_or_no_key_or_would_show_the_key(url, key):
    with pytest.raises(ValueError):  # noqa: PT011
        Client(url, key)
    if url.startswith("http:"):
        Client(url, key, allow_http=True).close()


def test_the_key_goes_to_the_api_and_nowhere_else(stack, lake, tmp_path):
    stack.put("a.bin", b"bytes")
    lake.list_data()[0].download(tmp_path)
    to_storage = [request for request in stack.sent if request.url.host != "stack.test"]
    assert to_storage
    assert all("Authorization" not in request.headers for request in to_storage)
    assert all("Idempotency-Key" not in request.headers for request in to_storage)


def test_an_answer_that_is_no_problem_json_is_one_nevertheless():
    def answer(request):
        return httpx.Response(403, text="<html>the proxy says no</html>")

    client = Client("https://a.test", "tl_x", transport=httpx.MockTransport(answer))
    with pytest.raises(Exception, match="the API answered 403") as told:
        client.get_datalake()
    assert told.value.code == "internal"


def test_pauses_are_drawn_at_random_below_what_grows():
    drawn = iter([0.0, 0.5, 1.0])
    retries = Retries(draw=lambda: next(drawn))
    assert [retries.pause(attempt) for attempt in (1, 2, 3)] == [0, 0.25, 1.0]
    with pytest.raises(ValueError, match="at least 1"):
        Retries(attempts=0)


def test_lists_go_page_by_page(stack, client, lake, monkeypatch):
    monkeypatch.setattr("tidelake.wire.PAGE", 2)
    for n in range(5):
        lake.get_or_create_data_tag(f"tag {n}")
    stack.sent.clear()
    assert [tag.name for tag in lake.list_data_tags()] == [f"tag {n}" for n in range(5)]
    assert len(stack.sent) == 3
    assert len(lake.list_data_tags(limit=3)) == 3


@pytest.mark.parametrize(
    "body",
    [{"ids": "one"}, {"ids": [7]}, {"limit": "7"}, {"limit": None}, {"ours": True}, {"q": ["width > 1"]}],
)
def test_what_the_description_does_not_have_is_noticed_here(lake, body):
    with pytest.raises(AssertionError):
        lake.call("POST", "data", "search", body=body)


def test_a_wrong_value_is_for_the_api_to_refuse(lake):
    with pytest.raises(InvalidRequest):
        lake.call("POST", "data", "search", body={"limit": 0})
