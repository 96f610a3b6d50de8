import json

import pytest

from chalicelib import errors
from chalicelib.api import problems
from chalicelib.api.problems import answer


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidRequest(("limit", "no")), 400, "invalid_request"),
        (errors.InvalidCursor(), 400, "invalid_cursor"),
        (errors.Unauthorized(), 401, "unauthorized"),
        (errors.Forbidden("admin"), 403, "forbidden"),
        (errors.UnknownLake("x"), 404, "not_found"),
        (errors.UnknownData("x"), 404, "not_found"),
        (errors.NoThumbnail("x"), 404, "not_found"),
        (errors.StorageUnavailable("read lakes", "arn:aws:secret"), 503, "storage_unavailable"),
        (errors.TidelakeError("arn:aws:secret"), 500, "internal"),
        (KeyError("arn:aws:secret"), 500, "internal"),
    ],
)
def test_every_error_is_a_problem_that_leaks_nothing(error, status, code):
    response = answer(error, "request-1")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.status_code == response.body["status"] == status
    assert (response.body["code"], response.body["request_id"]) == (code, "request-1")
    assert set(response.body) - {"errors"} == {"type", "title", "status", "detail", "code", "request_id"}
    assert "secret" not in json.dumps(response.body)


def test_mistakes_are_listed():
    response = answer(errors.InvalidRequest(("limit", "no number"), ("colour", "unknown")), "r")
    assert response.body["errors"] == [
        {"parameter": "limit", "detail": "no number"},
        {"parameter": "colour", "detail": "unknown"},
    ]


@pytest.mark.parametrize("error", [errors.StorageUnavailable("read lakes"), errors.BeingAnswered()])
def test_what_passes_says_when_to_come_again(error):
    assert int(str(answer(error, "r").headers["Retry-After"])) > 0


def test_what_stays_does_not_ask_to_come_again():
    assert "Retry-After" not in answer(errors.IdempotencyKeyReused(), "r").headers


def test_a_missing_thumbnail_says_why():
    assert (
        answer(errors.NoThumbnail("the data is skipped"), "r").body["detail"].endswith("the data is skipped")
    )


def test_words_of_the_caller_are_not_taken_for_places_to_fill_in():
    assert answer(errors.Forbidden("{1} {x}"), "r").body["detail"].endswith("{1} {x}")


def test_every_error_that_a_caller_can_meet_has_its_own_words():
    spoken = {errors.InvalidRequest, errors.Unauthorized, errors.Forbidden, errors.StorageUnavailable}
    spoken |= set(errors.NotFound.__subclasses__()) | set(errors.InvalidRequest.__subclasses__())
    assert all(problems._KINDS[kind].detail for kind in spoken)
