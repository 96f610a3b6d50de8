from types import SimpleNamespace

import pytest
from chalice.app import MultiDict, Response

from chalicelib.api import exchanges
from chalicelib.api.exchanges import answering
from chalicelib.api.operations import operation
from chalicelib.api.parameters import PageParameters, Parameters
from chalicelib.model.key import Role


class Log:
    def __init__(self):
        self.lines = []

    def info(self, text, **fields):
        self.lines.append(("info", text, fields))

    def error(self, text, **fields):
        self.lines.append(("error", text, fields))


@pytest.fixture
def log(monkeypatch):
    log = Log()
    monkeypatch.setattr(exchanges, "logger", log)
    return log


def answer(route, *, role="viewer", query=None, **path):
    who = {"organization": "acme", "role": role, "key_id": "k"}
    request = SimpleNamespace(
        context={"requestId": "r", "authorizer": who}, query_params=MultiDict(query) if query else None
    )
    return answering(SimpleNamespace(current_request=request), route)(**path)


def to(view, parameters=Parameters, role=Role.VIEWER, path="/"):
    """A route, with its operation at hand."""
    declared = operation(parameters, answers={200: None})(view)
    return SimpleNamespace(method="GET", path=path, role=role, operation=declared)


def view(caller, parameters, **path):
    return Response({"organization": caller.organization, "limit": parameters.limit, "path": path})


def failing(caller, parameters):
    raise RuntimeError("arn:aws:secret")


def test_a_view_gets_the_caller_the_parameters_and_the_decoded_path(log):
    route = to(view, PageParameters, path="/{lake}")
    body = answer(route, query={"limit": ["7"]}, lake="a%2Fb%20%C3%A9").body
    assert body == {"organization": "acme", "limit": 7, "path": {"lake": "a/b é"}}


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 200), ("admin", 200)])
def test_a_role_that_is_too_small_is_a_403(log, role, status):
    route = to(view, PageParameters, Role.EDITOR)
    assert answer(route, role=role).status_code == status


def test_a_bug_is_an_answer_and_its_trace_is_in_the_log_only(log):
    response = answer(to(failing))
    assert response.status_code == 500
    assert "secret" not in str(response.body)
    [(level, text, fields)] = log.lines
    assert (level, text, str(fields["exc_info"])) == ("error", "request failed", "arn:aws:secret")
    assert (fields["status"], fields["request_id"]) == (500, "r")


def test_a_refusal_is_an_ordinary_line(log):
    answer(to(view), query={"colour": ["red"]})
    [(level, text, fields)] = log.lines
    assert (level, text, fields["status"]) == ("info", "request answered", 400)
