"""The API's description, made of what the API runs on: the table of routes, the models that check requests,
the types of the answers, and the errors with what is said of them.

Source: https://spec.openapis.org/oas/v3.1.1.html
"""

import ast
import inspect
import json
import textwrap
from copy import deepcopy
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from chalicelib.api import examples, problems, repeats
from chalicelib.api.parameters import ListParameters
from chalicelib.api.problems import Problem
from chalicelib.api.routes import ROUTES
from chalicelib.errors import (
    BeingAnswered,
    Forbidden,
    IdempotencyKeyReused,
    InvalidBody,
    InvalidCursor,
    InvalidRequest,
    StorageUnavailable,
    TooLarge,
    Unauthorized,
    UnknownLake,
)
from chalicelib.model.key import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue
    from pydantic_core import core_schema

    from chalicelib.api.operations import Route

type Schema = dict[str, Any]

_VERSION = "1"
_SCHEMAS = "#/components/schemas/{model}"
_PLACES = {"lake": "Id or name of the datalake; `default` is there from the deploy on."}
_PROBLEM = "application/problem+json"

_OF_THE_GATEWAY = {
    "429": "Too many requests at once (`rate_limited`).",
    "504": "The answer took too long (`internal`).",
}

_ABOUT = """\
An image datalake that keeps itself in step with S3 buckets.

Times are RFC 3339 in UTC. A list answers `next_cursor`, which gives its next page as `cursor`, with all
other parameters as before. What went wrong is a problem (RFC 9457) whose `code` programs can rely on. Another
organization's things answer exactly as those that do not exist. Unknown parameters and fields are refused.
Answers may get new fields.
"""


@cache
def text() -> str:
    return json.dumps(document(), separators=(",", ":"), ensure_ascii=False)


def document() -> dict[str, Any]:
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tidelake", "version": _VERSION, "description": _ABOUT},
        "servers": [{"url": "..", "description": "The stage that this document comes from."}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "tl_…",
                    "description": "An API key, as `POST /v1/keys` shows it.",
                }
            },
        },
    }


class _Described(GenerateJsonSchema):
    """The texts below the fields of a class are their descriptions."""

    def model_schema(self, schema: "core_schema.ModelSchema") -> "JsonSchemaValue":
        return _describe(super().model_schema(schema), schema["cls"])

    def typed_dict_schema(self, schema: "core_schema.TypedDictSchema") -> "JsonSchemaValue":
        return _describe(super().typed_dict_schema(schema), schema.get("cls"))


def _describe(schema: "JsonSchemaValue", of: type | None) -> "JsonSchemaValue":
    schema.pop("title", None)
    for each in reversed(of.__mro__ if of else ()):
        for name, description in _texts(each).items():
            if name in schema["properties"]:
                schema["properties"][name]["description"] = description
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
    return schema


def _texts(of: type) -> dict[str, str]:
    if not of.__module__.startswith("chalicelib."):
        return {}
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(of))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _schemas() -> tuple["Mapping[Any, Schema]", dict[str, Schema]]:
    """What each model and type is referred to by, and what is referred to."""
    operations = [route.operation for route in ROUTES]
    queries = {each.parameters for each in operations}
    asked = queries | {each.body for each in operations if each.body}
    told = {answer for each in operations for answer in each.answers.values() if answer} | {Problem}
    inputs: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
        *((model, "validation", TypeAdapter(model)) for model in sorted(asked, key=repr)),
        *((answer, "serialization", TypeAdapter(answer)) for answer in sorted(told, key=repr)),
    ]
    found, rest = TypeAdapter.json_schemas(inputs, ref_template=_SCHEMAS, schema_generator=_Described)
    components = rest["$defs"]
    for name, example in examples.BY_SCHEMA.items():
        components[name]["examples"] = [example]
    schemas = {model: schema for (model, _), schema in found.items()}
    return schemas | {model: components.pop(model.__name__) for model in queries}, components


def _operation(route: "Route", schemas: "Mapping[Any, Schema]") -> dict[str, Any]:
    asked = route.operation
    summary, _, description = inspect.cleandoc(asked.view.__doc__ or "").partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": asked.view.__name__,
        "tags": [_subject(route)],
        "summary": summary.rstrip("."),
        "description": "\n\n".join(filter(None, (description, _needed(route)))),
        "parameters": [*_places(route), *_query(schemas[asked.parameters]), *_headers(route)],
        "responses": _responses(route, schemas),
    }
    if asked.body:
        content = {"application/json": {"schema": schemas[asked.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.role is None:
        operation["security"] = []
    else:
        operation["x-role"] = route.role
    return operation


def _subject(route: "Route") -> str:
    steps = [step for step in route.path.split("/")[2:] if not step.startswith("{")]
    return steps[1] if steps[0] == "datalakes" and len(steps) > 1 else steps[0]


def _needed(route: "Route") -> str:
    return f"Needs a key with at least the role `{route.role}`." if route.role else ""


def _places(route: "Route") -> "Iterator[dict[str, Any]]":
    for step in route.path.split("/"):
        if step.startswith("{"):
            name = step.strip("{}")
            schema = {"type": "string", "minLength": 1}
            description = _PLACES.get(name, f"As `{name}` in answers.")
            yield {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def _query(model: Schema) -> "Iterator[dict[str, Any]]":
    for name, schema in deepcopy(model.get("properties", {})).items():
        # A parameter cannot be null: it is left out.
        choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) == 1:
            schema = choices[0] | {key: value for key, value in schema.items() if key != "anyOf"}
        if schema.get("default", ...) is None:
            del schema["default"]
        parameter = {"name": name, "in": "query", "required": name in model.get("required", ())}
        yield parameter | {"description": schema.pop("description", ""), "schema": schema}


def _headers(route: "Route") -> "Iterator[dict[str, Any]]":
    if route.operation.creates:
        yield {
            "name": repeats.HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": f"^{repeats.FORM.pattern}$"},
            "description": "For a day, the same request with the same text here is done once and answered"
            " alike, however often it comes. Another request with that text is a 409.",
        }


def _responses(route: "Route", schemas: "Mapping[Any, Schema]") -> dict[str, Any]:
    answers = route.operation.answers.items()
    answered = {str(status): _success(status, schemas.get(answer)) for status, answer in answers}
    return (
        answered | _failures(_errors(route)) | {s: _failure(text, {}) for s, text in _OF_THE_GATEWAY.items()}
    )


def _success(status: int, schema: Schema | None) -> dict[str, Any]:
    if status == 302:
        location = {"schema": {"type": "string", "format": "uri"}, "description": "Valid for 15 minutes."}
        return {"description": "Where it is.", "headers": {"Location": location}}
    description = {201: "Created.", 202: "Begun.", 204: "Done."}.get(status, "Found.")
    return {"description": description} | (
        {"content": {"application/json": {"schema": schema}}} if schema else {}
    )


def _errors(route: "Route") -> "Sequence[type[BaseException]]":
    found: list[type[BaseException]] = [InvalidRequest, StorageUnavailable, Exception]
    if route.role:
        found += [Unauthorized] if route.role is Role.VIEWER else [Unauthorized, Forbidden]
    if issubclass(route.operation.parameters, ListParameters):
        found.append(InvalidCursor)
    if route.operation.body:
        found += [InvalidBody, TooLarge]
    if route.operation.creates:
        found += [IdempotencyKeyReused, BeingAnswered]
    if "{lake}" in route.path:
        found.append(UnknownLake)
    return [*found, *route.operation.errors]


def _failures(errors: "Sequence[type[BaseException]]") -> dict[str, Any]:
    by_status: dict[str, dict[str, Any]] = {}
    repeatable = {
        str(kind.status.value) for kind in map(problems.kind_of, errors) if kind.retry_after is not None
    }
    for error in errors:
        kind = problems.kind_of(error)
        detail = kind.detail and kind.detail.replace("{0}", "…")
        example = problems.describe(kind, detail, "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9")
        by_status.setdefault(str(kind.status.value), {})[error.__name__] = {"value": example}
    return {
        status: _failure(_told(found), found, retry_after=status in repeatable)
        for status, found in sorted(by_status.items())
    }


def _told(found: "Mapping[str, Any]") -> str:
    values = [each["value"] for each in found.values()]
    return "; ".join(
        dict.fromkeys(f"{value['detail'] or value['title']} (`{value['code']}`)" for value in values)
    )


def _failure(description: str, found: "Mapping[str, Any]", *, retry_after: bool = False) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": _SCHEMAS.format(model=Problem.__name__)}}
    if found:
        content["examples"] = found
    response: dict[str, Any] = {"description": description, "content": {_PROBLEM: content}}
    if retry_after:
        seconds = {"schema": {"type": "integer"}, "description": "Seconds."}
        response["headers"] = {"Retry-After": seconds}
    return response
