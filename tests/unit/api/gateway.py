"""The API as API Gateway calls it, over an AWS in memory."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import app
from tests.simulation.fakes.world import ORGANIZATION

_CONTEXT = SimpleNamespace(
    function_name="api",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:api",
    aws_request_id="r",
)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    location: str = ""

    @property
    def places(self) -> list[str]:
        """Where the mistakes are."""
        return [each.get("pointer") or each["parameter"] for each in self.body["errors"]]


@dataclass(slots=True)
class Gateway:
    lake: str = "default"
    role: str = "editor"
    organization: str = ORGANIZATION
    headers: dict[str, str] = field(default_factory=dict)
    place: str = "/"
    """What was asked for, with all that is before it."""

    def call(self, method: str, path: str, body: object = None, **query: str) -> Answer:
        """`path` is below the lake, unless it is a whole one, with its parts encoded."""
        path = path if path.startswith("/v1/") else f"/v1/datalakes/{encoded(self.lake)}{path}"
        answer = self.send(method, path, body, {name: [value] for name, value in query.items()})
        told = json.loads(answer["body"]) if answer["body"] else None
        return Answer(answer["statusCode"], told, answer["headers"].get("Location", ""))

    def send(
        self, method: str, path: str, body: object = None, query: Mapping[str, Sequence[str]] | None = None
    ) -> dict[str, Any]:
        """What Lambda hands back."""
        _, resource = route_of(method, path)
        answer: dict[str, Any] = app.app(
            self._event(method, resource, _parts(resource, path), body, query), _CONTEXT
        )
        return answer

    def _event(
        self,
        method: str,
        resource: str,
        names: Mapping[str, str] | None,
        body: object,
        query: Mapping[str, Sequence[str]] | None,
    ) -> dict[str, Any]:
        authorizer = {"organization": self.organization, "role": self.role, "key_id": "k"}
        return {
            "headers": self.headers,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": names,
            "stageVariables": None,
            "isBase64Encoded": False,
            "body": body if isinstance(body, str | None) else json.dumps(body),
            "requestContext": {
                "requestId": "r",
                "resourcePath": resource,
                "httpMethod": method,
                "path": self.place,
                "authorizer": authorizer,
                "identity": {"sourceIp": "192.0.2.1"},
            },
        }


def route_of(method: str, path: str) -> tuple[str, str]:
    """As API Gateway finds it: plain parts before those in braces."""
    found = [
        each for each in app.app.routes if _parts(each, path) is not None and method in app.app.routes[each]
    ]
    return method, min(found, key=lambda resource: resource.count("{"))


def _parts(resource: str, path: str) -> dict[str, str] | None:
    found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", resource), path)
    return found and found.groupdict()


def encoded(name: str) -> str:
    return quote(name, safe="")
