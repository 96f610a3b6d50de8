"""What may stand in a query string. The models that check a request are the ones that describe it."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from chalicelib.errors import InvalidRequest
from chalicelib.model import limits
from chalicelib.model.data import Status, Type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
_SHOWN_CHARACTERS = 100

NOT_TEXT = "Input should be Unicode text"


def _number(text: str) -> int:
    # Pydantic would take "1_0", " 5" and "5.0" as well.
    if not _DIGITS.fullmatch(text):
        raise PydanticCustomError("digits", "Input should be a number in digits")
    return int(text)


def _short(text: str) -> str:
    if len(text.encode()) > limits.KEY_BYTES:
        raise PydanticCustomError("too_long", "Input should be at most 1,024 bytes of UTF-8")
    return text


class Parameters(BaseModel):
    """None, for the routes that have no model of their own."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PageParameters(Parameters):
    limit: Annotated[int, Field(ge=1, le=1000), BeforeValidator(_number)] = 100
    cursor: str | None = None
    order_by: Literal["created_at", "-created_at", "object_name", "-object_name", "filename", "-filename"] = (
        "created_at"
    )
    prefix: Annotated[str, AfterValidator(_short)] = ""
    status: Status | None = None
    type: Type | None = None


def read[P: Parameters](model: type[P], given: "Mapping[str, Sequence[str]]") -> P:
    """The parameters as the model has them. Raises InvalidRequest with every mistake there is."""
    if mistakes := list(_malformed(given)):
        raise InvalidRequest(*mistakes)
    try:
        return model.model_validate_strings({name: values[-1] for name, values in given.items()})
    except ValidationError as error:
        raise InvalidRequest(*map(_mistake, error.errors(include_url=False))) from error


def is_text(value: str) -> bool:
    """False for half a surrogate pair, which JSON can spell and nothing behind this can store or compare."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _malformed(given: "Mapping[str, Sequence[str]]") -> "Iterator[tuple[str, str]]":
    for name, values in given.items():
        shown = name[:_SHOWN_CHARACTERS]
        if not all(map(is_text, (name, *values))):
            yield ascii(shown)[1:-1], NOT_TEXT
        elif len(values) > 1:
            yield shown, "Input should be given once"


def _mistake(error: "ErrorDetails") -> tuple[str, str]:
    place = ".".join(map(str, error["loc"]))[:_SHOWN_CHARACTERS]
    return place, "There is no such parameter" if error["type"] == "extra_forbidden" else error["msg"]
