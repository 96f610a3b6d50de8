import json
import re
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from chalicelib.api import examples, openapi
from chalicelib.api.routes import ROUTES
from tests.access import operations

DOCUMENT = json.loads(openapi.text())
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def needed(method: str, path: str) -> str | None:
    """The least role, as people were promised it."""
    if path == "/v1/openapi.json":
        return None
    changes_lakes = method != "GET" and path in ("/v1/datalakes", "/v1/datalakes/{lake}")
    if changes_lakes or path.startswith(("/v1/keys", "/v1/connectors")):
        return "admin"
    only_shows = method == "GET" or path.endswith(("/search", "/data/content", "/status"))
    return "viewer" if only_shows and not path.endswith("/parts") else "editor"


def refs(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from refs(each)
    elif isinstance(value, list):
        for each in value:
            yield from refs(each)


def test_every_route_is_in_the_document_and_nothing_else():
    assert OPERATIONS.keys() == {(route.method, route.path) for route in ROUTES}


def test_every_operation_needs_the_role_that_was_promised():
    assert {(each.method, each.path): each.role for each in operations(DOCUMENT)} == {
        key: needed(*key) for key in OPERATIONS
    }


def test_what_needs_no_key_says_so():
    open_to_all = {key for key, operation in OPERATIONS.items() if operation.get("security") == []}
    assert open_to_all == {key for key in OPERATIONS if needed(*key) is None}
    assert DOCUMENT["security"] == [{"key": []}]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=map(" ".join, OPERATIONS))
def test_an_operation_is_described(operation):
    assert operation["summary"]
    assert operation["description"]
    assert all(parameter["description"] for parameter in operation["parameters"])
    statuses = operation["responses"].keys()
    assert statuses >= {"400", "500", "503"}
    assert [status for status in statuses if status < "400"]
    assert all(response["description"] for response in operation["responses"].values())
    for status, response in operation["responses"].items():
        kinds = {"application/problem+json"} if status >= "400" else {"application/json"}
        assert response.get("content", {}).keys() <= kinds
        assert "content" in response or status in ("204", "302")


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_every_place_in_a_path_is_a_parameter(path):
    for operation in DOCUMENT["paths"][path].values():
        places = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert places == set(re.findall(r"{(\w+)}", path))


def test_what_is_referred_to_is_there_and_nothing_is_idle():
    assert {ref.rpartition("/")[2] for ref in refs(DOCUMENT)} == SCHEMAS.keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_json_schemas(name):
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_body_and_answer_has_an_example_that_fits():
    contents = [
        content["schema"]["$ref"].rpartition("/")[2]
        for operation in OPERATIONS.values()
        for each in (operation.get("requestBody"), *operation["responses"].values())
        for content in (each or {}).get("content", {}).values()
        if "$ref" in content["schema"]
    ]
    assert set(contents) <= examples.BY_SCHEMA.keys()
    for name, example in examples.BY_SCHEMA.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(example)
        assert example.keys() <= SCHEMAS[name]["properties"].keys(), name


def test_creating_takes_an_idempotency_key():
    taking = {
        key
        for key, operation in OPERATIONS.items()
        if "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
    }
    assert taking == {
        key for key, operation in OPERATIONS.items() if key[0] == "POST" and "201" in operation["responses"]
    }


def test_no_function_waits_for_the_document():
    program = "import app, sys; sys.exit('chalicelib.api.openapi' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
