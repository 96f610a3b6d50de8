"""One request and its answer: who asks for what, whether they may, and one line in the log about it."""

from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chalice.app import Response

from chalicelib.api import bodies, parameters, problems, repeats
from chalicelib.api.callers import caller_of
from chalicelib.errors import InvalidBody, InvalidRequest
from chalicelib.observability import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalice.app import Blueprint, Request

    from chalicelib.api.bodies import Body
    from chalicelib.api.operations import Route
    from chalicelib.api.parameters import Parameters


def answering(blueprint: "Blueprint", route: "Route") -> "Callable[..., Response]":
    """What Chalice calls for the route. No exception leaves it: Chalice's own answers are no problem+json."""

    def answer(**path: str) -> Response:
        request, started, failure = blueprint.current_request, perf_counter(), None
        try:
            response = _answer(route, request, path)
        except Exception as error:
            failure = error
            response = problems.answer(error, request.context["requestId"])
        if _is_known(request, response):
            response = Response("", headers=response.headers, status_code=HTTPStatus.NOT_MODIFIED)
        _log(route, request, response, perf_counter() - started, failure)
        return response

    return answer


def _answer(route: "Route", request: "Request", path: "Mapping[str, str]") -> Response:
    caller = None if route.role is None else caller_of(request.context)
    if caller and route.role:
        caller.require(route.role)
    operation = route.operation
    asked: list[Parameters | Body] = [parameters.read(operation.parameters, _query(request))]
    if operation.body:
        asked.append(bodies.read(operation.body, _raw_body(request)))
    places = {name: _decoded(name, value) for name, value in path.items()}
    if operation.placed:
        places["place"] = request.context.get("path", "")
    if not (caller and operation.creates):
        return operation.view(caller, *asked, **places)
    return repeats.once(
        (caller.organization, route.method, route.path, *places.values()),
        "".join(each.model_dump_json() for each in asked),
        request.headers.get(repeats.HEADER),
        lambda seed: operation.view(caller, *asked, **places, seed=seed),
        operation.hidden,
    )


def _is_known(request: "Request", response: Response) -> bool:
    """Whether the caller has what is answered, and says so."""
    etag = response.headers.get("ETag")
    return etag is not None and etag in request.headers.get("If-None-Match", "").split(", ")


def _raw_body(request: "Request") -> bytes:
    try:
        raw = request.raw_body
    except UnicodeEncodeError as error:
        raise InvalidBody(("#", parameters.NOT_TEXT)) from error
    return raw.encode() if isinstance(raw, str) else raw


def _query(request: "Request") -> dict[str, list[str]]:
    query = request.query_params
    return {name: query.getlist(name) for name in query} if query else {}


def _decoded(name: str, value: str) -> str:
    # Chalice hands over the parts of a path as they came.
    try:
        text = unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest((name, parameters.NOT_TEXT)) from error
    if not parameters.is_text(text):
        raise InvalidRequest((name, parameters.NOT_TEXT))
    return text


def _log(
    route: "Route", request: "Request", response: "Response", seconds: float, failure: Exception | None
) -> None:
    who = request.context.get("authorizer") or {}
    fields: dict[str, Any] = {
        "route": f"{route.method} {route.path}",
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "organization": who.get("organization"),
        "key_id": who.get("key_id"),
        "request_id": request.context["requestId"],
    }
    if response.status_code >= 500:
        logger.error("request failed", exc_info=failure, **fields)
    else:
        logger.info("request answered", **fields)
