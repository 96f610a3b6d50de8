"""The HTTP API behind its gateway and its authorizer."""

import pytest

from tests.e2e.lake import Stack, eventually, png

PROBLEM = {"type", "title", "status", "detail", "code", "request_id"}


@pytest.mark.parametrize(
    ("path", "key", "status", "code"),
    [
        ("/datalakes", None, 401, "unauthorized"),
        ("/datalakes", "no key", 401, "unauthorized"),
        ("/datalakes", "tl_0000000000000000_" + "0" * 64, 401, "unauthorized"),
        ("/datalakes/nowhere", "", 404, "not_found"),
        ("/datalakes/default/data/nothing", "", 404, "not_found"),
        ("/datalakes/default/data?colour=red", "", 400, "invalid_request"),
        ("/datalakes/default/data?limit=0", "", 400, "invalid_request"),
        ("/datalakes/default/data?cursor=AAAA", "", 400, "invalid_cursor"),
    ],
)
def test_every_refusal_is_a_problem(stack: Stack, path: str, key: str | None, status: int, code: str) -> None:
    answer = stack.call(path, key=key)
    assert answer.status == status, answer.raw
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.body.keys() >= PROBLEM
    assert (answer.body["status"], answer.body["code"]) == (status, code)


def test_a_route_that_is_not_there_is_the_gateways_problem(stack: Stack) -> None:
    answer = stack.call("/nowhere")
    assert answer.status in (403, 404)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.body.keys() >= PROBLEM


def test_content_and_thumbnail_are_fetched_from_s3_and_not_through_a_function(stack: Stack) -> None:
    stack.s3.put_object(Bucket=stack.bucket, Key="api/a.png", Body=png())
    assert eventually(lambda: stack.settled("api/"))
    (record,) = stack.index("api/")
    content = stack.call(f"/datalakes/default/data/{record['id']}/content")
    assert content.status == 302
    assert stack.fetch(content.headers["Location"]).raw == png()
    thumbnail = stack.call(f"/datalakes/default/data/{record['id']}/thumbnail")
    assert stack.fetch(thumbnail.headers["Location"]).headers["Content-Type"] == "image/webp"
    stack.clear("api/")


def test_what_has_no_thumbnail_says_why(stack: Stack) -> None:
    stack.s3.put_object(Bucket=stack.bucket, Key="api/words.txt", Body=b"words")
    assert eventually(lambda: stack.settled("api/words.txt"))
    (record,) = stack.index("api/words.txt")
    answer = stack.call(f"/datalakes/default/data/{record['id']}/thumbnail")
    assert answer.status == 404
    assert "unsupported_type" in answer.body["detail"]
    stack.clear("api/")
