"""What may stand in a request's body: one JSON object, as its model has it."""

import json
from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError, WrapValidator

from chalicelib.errors import InvalidBody, TooLarge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidatorFunctionWrapHandler
    from pydantic_core import ErrorDetails

PLACE = "#"
"""Of what is wrong with the body as a whole."""

_BYTES = 1024**2
_DEPTH = 32
_INTEGERS = range(-(2**63), 2**63)
_INTEGER_CHARACTERS = 20
_SHOWN_CHARACTERS = 100
_TOLD_CHARACTERS = 250
"""Of what is wrong with one of a thousand entries."""


class Body(BaseModel):
    # Built when a request first needs it: a cold start would build every route's, and wait for it.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


def read[B: Body](model: type[B], text: bytes) -> B:
    """The body as the model has it. Raises InvalidBody with every mistake there is, and TooLarge."""
    if len(text) > _BYTES:
        raise TooLarge("1 MiB")
    _check(text)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise InvalidBody(*map(_mistake, error.errors(include_url=False))) from error


@dataclass(frozen=True, slots=True)
class Unfit:
    """An entry of a list that is not as it should be, among others that may be."""

    detail: str


def _alone(value: Any, handler: "ValidatorFunctionWrapHandler") -> Any:
    try:
        return handler(value)
    except ValidationError as error:
        mistakes = (_mistake(each) for each in error.errors(include_url=False))
        told = "; ".join(f"{place}: {detail}" for place, detail in mistakes)
        return Unfit(told[:_TOLD_CHARACTERS])


ByItself = WrapValidator(_alone)
"""Of an entry: its mistakes are its own, and others do not suffer from them. JSON is read there as Python has
it, without tuples and enumerations."""


def pointer(*place: str | int) -> str:
    """RFC 6901, as RFC 9457 has it in problems."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in place)
    return (PLACE + "".join(f"/{step}" for step in steps))[:_SHOWN_CHARACTERS]


def _check(text: bytes) -> None:
    """What JSON admits and pydantic would let pass."""
    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_refuse,
        )
    except UnicodeDecodeError as error:
        raise InvalidBody((PLACE, "Input should be UTF-8")) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidBody((PLACE, f"Input should be JSON: {error.msg} at {where}")) from error
    except RecursionError as error:
        raise _too_deep() from error
    if _is_deeper(value, _DEPTH):
        raise _too_deep()


def _object(pairs: "Sequence[tuple[str, Any]]") -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidBody((PLACE, f"{twice[:_SHOWN_CHARACTERS]!a} should be given once in an object"))
    return found


def _integer(text: str) -> int:
    if len(text) > _INTEGER_CHARACTERS or int(text) not in _INTEGERS:
        raise InvalidBody((PLACE, "Integers should have at most 64 bits"))
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    return _refuse(text) if isinf(number) else number


def _refuse(text: str) -> NoReturn:
    raise InvalidBody((PLACE, f"Numbers should be finite and at most 1.8e308: {text[:_SHOWN_CHARACTERS]}"))


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        return False
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


def _too_deep() -> InvalidBody:
    return InvalidBody((PLACE, f"Objects and lists should be at most {_DEPTH} deep"))


def _mistake(error: "ErrorDetails") -> tuple[str, str]:
    detail = "There is no such field" if error["type"] == "extra_forbidden" else error["msg"]
    return pointer(*error["loc"]), detail.removeprefix("Value error, ")
