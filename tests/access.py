"""Who may do what, for every operation of the OpenAPI document."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

NOBODY = ("anonymous", "malformed", "revoked", "expired")
ROLES = ("viewer", "editor", "admin")
STRANGER = "stranger"
"""An admin of another organization."""

ACTORS = (*NOBODY, STRANGER, *ROLES)
"""In this order: what an admin may remove is there for all others."""

type Places = Mapping[str, str]
"""What stands in the paths, by the name of the place. A whole path, as `/v1/keys/{id}`, goes first."""

UNKNOWN: Places = {
    "lake": "00000000-0000-5000-8000-000000000001",
    "id": "00000000-0000-5000-8000-000000000002",
    "name": "nothing of this name",
    "upload_id": "nothing",
}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    role: str | None
    """The least that it takes. None: no key at all."""
    body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, places: Places) -> str:
        url = re.sub(r"{\w+}", places[self.path], self.path, count=1) if self.path in places else self.path
        for name, value in places.items():
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        return url


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any


type Ask = Callable[[str, str, str | None, Any], Answer]
"""Method, URL, key, body."""


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield Operation(method.upper(), path, operation.get("x-role"), _example(document, operation))


def breaches(ask: Ask, operation: Operation, keys: Mapping[str, str | None], places: Places) -> list[str]:
    """What is not as it should be, for all actors."""
    asked = {
        actor: ask(operation.method, operation.url(places), keys[actor], operation.body) for actor in ACTORS
    }
    found = [
        f"{actor}: {answer.status} {answer.body}"
        for actor, answer in asked.items()
        if not _is_right(operation, actor, answer)
    ]
    if operation.role and "{" in operation.path:
        stranger = asked[STRANGER]
        nothing = ask(operation.method, operation.url(UNKNOWN), keys[STRANGER], operation.body)
        if stranger.status < 400 or _told(stranger) != _told(nothing):
            found.append(f"a stranger can tell: {stranger} from {nothing}")
    return found


def _is_right(operation: Operation, actor: str, answer: Answer) -> bool:
    if operation.role is None:
        return answer.status == 200
    if actor in NOBODY:
        return _is_problem(answer, 401, "unauthorized")
    held = "admin" if actor == STRANGER else actor
    if ROLES.index(held) < ROLES.index(operation.role):
        return _is_problem(answer, 403, "forbidden")
    return answer.status < 500 and not (
        answer.body and answer.body.get("code") in ("unauthorized", "forbidden")
    )


def _is_problem(answer: Answer, status: int, code: str) -> bool:
    return answer.status == status and answer.body["code"] == code


def _told(answer: Answer) -> str:
    told = {name: value for name, value in (answer.body or {}).items() if name != "request_id"}
    return json.dumps([answer.status, told])


def _example(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["examples"][0]
