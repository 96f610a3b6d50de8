"""What may stand in a query string. The models that check a request are the ones that describe it."""

import json
import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from chalicelib.errors import InvalidRequest
from chalicelib.model import limits
from chalicelib.model.data import Kind, Status, Type

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


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise PydanticCustomError("boolean", "Input should be 'true' or 'false'")
    return text == "true"


def _short(text: str) -> str:
    if len(text.encode()) > limits.KEY_BYTES:
        raise PydanticCustomError("too_long", "Input should be at most 1,024 bytes of UTF-8")
    return text


Number = BeforeValidator(_number)
Flag = Annotated[bool, BeforeValidator(_boolean)]
Name = Annotated[str, AfterValidator(_short)]
"""Of an object, or a part of it."""
LabelName = Annotated[str, Field(min_length=1, max_length=limits.NAME_CHARACTERS)]
"""Of a tag or a source."""


class Parameters(BaseModel):
    """None, for the routes that have no model of their own."""

    # Built when a request first needs it: a cold start would build every route's, and wait for it.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    REPEATED: ClassVar[frozenset[str]] = frozenset()
    """Those that may be given several times."""


class ConfirmParameters(Parameters):
    confirm: str
    """The name of what is to be deleted, so that nobody deletes another one by mistake."""


class ListParameters(Parameters):
    limit: Annotated[int, Field(ge=1, le=1000), Number] = 100
    """How many items a page holds at most."""
    cursor: str | None = None
    """`next_cursor` of the page before, asked with the same other parameters. None: the first page."""


class Conditions(BaseModel):
    """Which data, and in which order. All that is given must hold."""

    order_by: Literal["created_at", "-created_at", "object_name", "-object_name", "filename", "-filename"] = (
        "created_at"
    )
    """`-` is for descending."""
    prefix: Name = ""
    """How object names begin. At most 1,024 bytes of UTF-8."""
    object_name: Name | None = None
    """The whole object name."""
    filename: Name | None = None
    """What follows the last `/` of the object name, or all of it."""
    kind: Kind | None = None
    """An object of the bucket, or a link."""
    status: Status | None = None
    """How far the bytes have been looked at."""
    type: Type | None = None
    """What the bytes are, whatever the name says."""
    source: LabelName | None = None
    """Where the data came from. Without regard to case."""
    tags: Annotated[tuple[LabelName, ...], Field(max_length=100)] | None = None
    """Names of tags, without regard to case: data that has any of them. Any of none is no data."""
    intersect_tags: bool = False
    """Only data that has all of the tags. All of none is all data."""
    q: Annotated[str, Field(min_length=1, max_length=limits.QUERY_CHARACTERS)] | None = None
    """A condition in the query language, as `width >= 1000 and not tags.name = "car"`."""
    thumbnails: bool = False
    """Tell of each item where its thumbnail is, as `thumbnail_url`. Where `preprocess` is `lazy`, this asks
    for it."""
    explain: bool = False
    """Tell how the data was found, and what that took, as `plan`."""


class PageParameters(Conditions, ListParameters):
    REPEATED: ClassVar[frozenset[str]] = frozenset({"tags"})

    intersect_tags: Flag = False
    """Only data that has all of the tags."""
    thumbnails: Flag = False
    """Tell of each item where its thumbnail is, as `thumbnail_url`. Where `preprocess` is `lazy`, this asks
    for it."""
    explain: Flag = False
    """Tell how the data was found, and what that took, as `plan`."""


def read[P: Parameters](model: type[P], given: "Mapping[str, Sequence[str]]") -> P:
    """The parameters as the model has them. Raises InvalidRequest with every mistake there is."""
    if mistakes := list(_malformed(given, model.REPEATED)):
        raise InvalidRequest(*mistakes)
    values = {name: each if name in model.REPEATED else each[-1] for name, each in given.items()}
    try:
        # As JSON, because pydantic takes no lists in its own mode for texts.
        return model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise InvalidRequest(*map(_mistake, error.errors(include_url=False))) from error


def is_text(value: str) -> bool:
    """False for half a surrogate pair, which JSON can spell and nothing behind this can store or compare."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _malformed(given: "Mapping[str, Sequence[str]]", repeated: frozenset[str]) -> "Iterator[tuple[str, str]]":
    for name, values in given.items():
        shown = name[:_SHOWN_CHARACTERS]
        if not all(map(is_text, (name, *values))):
            yield ascii(shown)[1:-1], NOT_TEXT
        elif len(values) > 1 and name not in repeated:
            yield shown, "Input should be given once"


def _mistake(error: "ErrorDetails") -> tuple[str, str]:
    place = ".".join(map(str, error["loc"]))[:_SHOWN_CHARACTERS]
    return place, "There is no such parameter" if error["type"] == "extra_forbidden" else error["msg"]
