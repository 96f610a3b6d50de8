"""What a line of a manifest names, and what it says of that."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from chalicelib.downstream.sayings import Saying
from chalicelib.downstream.statements import Statement, told
from chalicelib.imports import globs
from chalicelib.imports.dialect import names_in
from chalicelib.imports.globs import Glob
from chalicelib.model import limits, strict_json
from chalicelib.model.strict_json import InvalidJson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from chalicelib.imports.dialect import Dialect

_HALF_PAIRS = re.compile("[\ud800-\udfff]")


class Column(StrEnum):
    """All that mean something in a manifest, written in any case."""

    OBJECT_NAME = "object_name"
    TAGS = "tags"
    SOURCE = "source"
    METADATA = "metadata"
    CUSTOM_METADATA = "custom_metadata"
    DESCRIPTION = "description"


class ManifestLine(Statement):
    object_name: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Named:
    glob: Glob
    saying: Saying


class BadLine(Exception):
    """Its arguments are a code, the reason, and what seems to be the name."""


def of_text(text: str) -> Named:
    """Raises BadLine, as the others do."""
    if _HALF_PAIRS.search(text):
        raise BadLine("not_text", "it is not UTF-8", "")
    return Named(globs.read(text), Saying())


def of_json(text: str) -> Named:
    try:
        strict_json.read(text)
    except InvalidJson as error:
        raise BadLine("invalid_row", str(error), "") from error
    try:
        return _named(ManifestLine.model_validate_json(text))
    except (ValidationError, UnicodeEncodeError) as error:
        raise _bad(error, "") from error


def of_cells(dialect: "Dialect", cells: "Sequence[str]") -> Named:
    """Blanks around a name are part of it; around other cells they mean nothing."""
    if any(cell.strip() for cell in cells[dialect.width :]):
        raise BadLine("invalid_row", f"it has more cells than there are columns: {dialect.width}", "")
    place = dialect.columns[Column.OBJECT_NAME]
    name = cells[place] if place < len(cells) else ""
    said = {column: cell for column, cell in dialect.cells(cells).items() if cell}
    given: dict[str, Any] = {**said, Column.OBJECT_NAME: name}
    for column in said.keys() & _READERS.keys():
        try:
            given[column] = _READERS[column](said[column])
        except InvalidJson as error:
            raise BadLine(f"invalid_{column}", f"{column}: {error}", name[: limits.KEY_BYTES]) from error
    try:
        return _named(ManifestLine.model_validate(given))
    except (ValidationError, UnicodeEncodeError) as error:
        raise _bad(error, name) from error


def _named(line: ManifestLine) -> Named:
    return Named(Glob((line.object_name,)), Saying(**line.said))


def _tags(cell: str) -> Any:
    return strict_json.read_unicode(cell) if cell.startswith("[") else names_in(cell)


_READERS: "Mapping[str, Callable[[str], Any]]" = {
    Column.TAGS: _tags,
    Column.METADATA: strict_json.read_unicode,
    Column.CUSTOM_METADATA: strict_json.read_unicode,
}


def _bad(error: ValidationError | UnicodeEncodeError, name: str) -> BadLine:
    if isinstance(error, UnicodeEncodeError):
        return BadLine("not_text", "it is not Unicode text", "")
    mistakes = error.errors(include_url=False)
    details = "; ".join(": ".join((*_place(each), told(each))) for each in mistakes)
    where = mistakes[0]["loc"][0] if mistakes[0]["loc"] else ""
    code = f"invalid_{where}" if where in Column else "invalid_row"
    return BadLine(code, details, name[: limits.KEY_BYTES])


def _place(mistake: "ErrorDetails") -> "Iterator[str]":
    if mistake["loc"]:
        yield ".".join(map(str, mistake["loc"]))
