import json
import re

import pytest

KINDS = {
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "UNAUTHORIZED",
    "ACCESS_DENIED",
    "MISSING_AUTHENTICATION_TOKEN",
    "INVALID_API_KEY",
    "EXPIRED_TOKEN",
    "THROTTLED",
    "QUOTA_EXCEEDED",
    "REQUEST_TOO_LARGE",
    "INTEGRATION_TIMEOUT",
    "INTEGRATION_FAILURE",
}


@pytest.fixture(scope="session")
def definition(resources):
    return resources["RestAPI"]["DefinitionBody"]


@pytest.fixture(scope="session")
def responses(definition):
    return definition["x-amazon-apigateway-gateway-responses"]


def problem(response):
    """The body as API Gateway fills it in: the message is a JSON text already, the request's id is bare."""
    body = response["responseTemplates"]["application/json"]
    body = body.replace("$context.error.messageString", '"why"').replace("$context.requestId", "r-1")
    return json.loads(body)


def test_every_answer_of_the_gateway_itself_is_a_problem(responses):
    assert responses.keys() >= KINDS
    for kind, response in responses.items():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'", kind
        body = problem(response)
        assert body.keys() == {"type", "title", "status", "detail", "code", "request_id"}, kind
        assert body["status"] == response["statusCode"], kind
        assert body["request_id"] == "r-1", kind


def test_a_missing_or_unknown_key_is_a_401_and_an_unknown_route_a_404(responses):
    assert {kind: problem(responses[kind])["status"] for kind in ("UNAUTHORIZED", "ACCESS_DENIED")} == {
        "UNAUTHORIZED": 401,
        "ACCESS_DENIED": 401,
    }
    assert problem(responses["MISSING_AUTHENTICATION_TOKEN"])["code"] == "not_found"


def test_every_route_but_the_gallery_and_the_description_of_the_api_asks_the_authorizer(definition):
    guards = {
        (path, method): operation.get("security")
        for path, operations in definition["paths"].items()
        for method, operation in operations.items()
    }
    assert guards.pop(("/v1/openapi.json", "get")) is None
    assert [guards.pop(path) for path in (("/", "get"), ("/web/{file}", "get"))] == [None, None]
    assert guards
    assert all(guard == [{"authorize": []}] for guard in guards.values())


def test_a_revoked_key_is_forgotten_within_a_minute(definition):
    authorizer = definition["securityDefinitions"]["authorize"]["x-amazon-apigateway-authorizer"]
    assert authorizer["authorizerResultTtlInSeconds"] <= 60


def test_the_gateway_limits_what_one_stage_takes(resources):
    (settings,) = resources["RestAPI"]["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] <= settings["ThrottlingBurstLimit"] < 10_000


def test_the_gateway_compresses_what_is_not_tiny(definition, resources):
    assert resources["RestAPI"]["MinimumCompressionSize"] <= 2048


ORIGIN = "https://store.example.org:9000"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("", True),
        (ORIGIN, True),
        ("https://*.s3.eu-north-1.amazonaws.com https://s3.eu-north-1.amazonaws.com", True),
        ("*", False),
        ("https://*", False),
        ("http://example.org", False),
        (f"{ORIGIN}; script-src *", False),
        (f"{ORIGIN}\n{ORIGIN}", False),
        ("'unsafe-inline'", False),
    ],
)
def test_the_gallery_is_told_of_origins_and_of_nothing_else(template, given, taken):
    pattern = template["Parameters"]["GalleryOrigins"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, given)) == taken
