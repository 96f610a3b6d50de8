"""What can be asked of the API. The index of routes names operations without importing their rooms, as one
request needs one of them, and it may be the one that a cold start waits for."""

from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from chalicelib.api.parameters import Parameters
from chalicelib.model.key import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalice.app import Response

    from chalicelib.api.bodies import Body
    from chalicelib.api.repeats import Secrets
    from chalicelib.errors import TidelakeError

    type View = Callable[..., Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    view: "View"
    """Takes the caller, the parameters, the body if there is one and, by their names, the parts of the path,
    and `seed` where it creates. Its docstring is the operation's in the OpenAPI document."""
    parameters: type[Parameters]
    body: "type[Body] | None"
    creates: bool
    """Takes an Idempotency-Key."""
    placed: bool
    """Takes `place`, the path that was asked for with all that is before it, as far as that is known."""
    hidden: "Secrets"
    answers: "Mapping[int, type | None]"
    """What it says when all is well, by status."""
    errors: "tuple[type[TidelakeError], ...]"
    """What may go wrong, beside what may always go wrong."""


def operation(
    parameters: type[Parameters] = Parameters,
    *,
    answers: "Mapping[int, type | None]",
    body: "type[Body] | None" = None,
    creates: bool = False,
    placed: bool = False,
    hidden: "Secrets" = MappingProxyType({}),
    errors: "tuple[type[TidelakeError], ...]" = (),
) -> "Callable[[View], Operation]":
    """Makes a view an operation."""
    return lambda view: Operation(
        view=view,
        parameters=parameters,
        body=body,
        creates=creates,
        placed=placed,
        hidden=hidden,
        answers=answers,
        errors=errors,
    )


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    name: str
    """Of the operation, behind that of its room in chalicelib/api."""
    role: Role | None = Role.VIEWER
    """The least that may. None: everybody, without a key."""

    @property
    def operation(self) -> Operation:
        room, _, name = self.name.partition(".")
        found: Operation = getattr(import_module(f"chalicelib.api.{room}"), name)
        return found
