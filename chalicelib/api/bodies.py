"""What may stand in a request's body: one JSON object, as its model has it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError, WrapValidator

from chalicelib.downstream.statements import Strict, told
from chalicelib.errors import InvalidBody, TooLarge
from chalicelib.model import strict_json
from chalicelib.model.strict_json import InvalidJson

if TYPE_CHECKING:
    from pydantic import ValidatorFunctionWrapHandler
    from pydantic_core import ErrorDetails

PLACE = "#"
"""Of what is wrong with the body as a whole."""

_MEBIBYTE = 1024**2
_SHOWN_CHARACTERS = 100
_TOLD_CHARACTERS = 250
"""Of what is wrong with one of a thousand entries."""


class Body(Strict):
    MEBIBYTES: ClassVar[int] = 1
    """The most that a body may have."""


def read[B: Body](model: type[B], text: bytes) -> B:
    """The body as the model has it. Raises InvalidBody with every mistake there is, and TooLarge."""
    if len(text) > model.MEBIBYTES * _MEBIBYTE:
        raise TooLarge(f"{model.MEBIBYTES} MiB")
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
        strict_json.read(text.decode())
    except UnicodeDecodeError as error:
        raise InvalidBody((PLACE, "Input should be UTF-8")) from error
    except InvalidJson as error:
        raise InvalidBody((PLACE, str(error))) from error


def _mistake(error: "ErrorDetails") -> tuple[str, str]:
    return pointer(*error["loc"]), told(error)
