"""Generated requests, also malformed ones: none is a server error, and every answer is one that the document
tells of."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.wrappers import Request, Response

from chalicelib.api import openapi
from tests.integration.api.conftest import Gateway

EXAMPLES = 12
"""Requests of each operation."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def strict() -> dict[str, Any]:
    """The document, and that nothing is answered that it does not name. Keys are test_access.py's matter."""
    document = json.loads(openapi.text())
    for name, schema in document["components"]["schemas"].items():
        if name.endswith(("Answer", "Problem")) and "properties" in schema:
            schema["additionalProperties"] = False
    # Its entries are refused one by one, in an answer that is none but a 200.
    document["components"]["schemas"]["UploadsBody"]["properties"]["uploads"]["items"] = {}
    del document["servers"], document["security"], document["components"]["securitySchemes"]
    return document


class Application:
    """The API as a WSGI application, which Schemathesis calls."""

    gateway: Gateway

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        query = {name: request.args.getlist(name) for name in request.args}
        answer = self.gateway.call(
            request.method,
            urlsplit(environ["REQUEST_URI"]).path,
            request.get_data(as_text=True),
            headers=dict(request.headers),
            multiValueQueryStringParameters=query or None,
        )
        body = "" if answer.body is None else json.dumps(answer.body)
        response = Response(body, answer.status, answer.headers)
        return response(environ, start_response)


application = Application()
config = schemathesis.Config.from_dict({"phases": {"coverage": {"unexpected-methods": []}}})
schema = schemathesis.openapi.from_dict(strict(), config=config)
schema.app = application


@pytest.fixture
def served(gateway, lake, put):
    put(lake, "a.jpg")
    gateway.authorizer["role"] = "admin"
    application.gateway = gateway
    return application


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_generated_requests_get_answers_that_are_documented(case, served):
    case.call_and_validate(checks=CHECKS)
