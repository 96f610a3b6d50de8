"""What an export says of one record: first what nobody could find out again, as it is wanted when the record
is made again, then what is shown beside it."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, ValidationError

from chalicelib.downstream.restoring import Kept
from chalicelib.downstream.statements import Statement, Time, told
from chalicelib.formats.parquet import Column
from chalicelib.model import limits, strict_json
from chalicelib.model.data import Kind
from chalicelib.model.strict_json import InvalidJson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.imports.unpacking import Row
    from chalicelib.model.data import Data

KEPT: Final = {
    "object_name": Column.TEXT,
    "kind": Column.TEXT,
    "url": Column.TEXT,
    "created_at": Column.MOMENT,
    "tags": Column.TEXTS,
    "source": Column.TEXT,
    "metadata": Column.TEXT,
    "custom_metadata": Column.TEXT,
    "description": Column.TEXT,
}
"""`metadata` is what people wrote of it, with null where they want nothing to be said."""

SHOWN: Final = {
    "id": Column.TEXT,
    "filename": Column.TEXT,
    "type": Column.TEXT,
    "status": Column.TEXT,
    "status_reason": Column.TEXT,
    "size": Column.INTEGER,
    "etag": Column.TEXT,
    "version_id": Column.TEXT,
    "content_type": Column.TEXT,
    "content_encoding": Column.TEXT,
    "last_modified": Column.MOMENT,
    "updated_at": Column.MOMENT,
    "width": Column.INTEGER,
    "height": Column.INTEGER,
    "orientation": Column.INTEGER,
    "channels": Column.INTEGER,
    "thumbnail": Column.FLAG,
    "health": Column.TEXT,
    "checked_at": Column.MOMENT,
    "shown_metadata": Column.TEXT,
}
"""`shown_metadata` is what the bytes say, and over it what people wrote."""

COLUMNS: Final = KEPT | SHOWN

_OBJECTS: Final = ("metadata", "custom_metadata")


class BadRow(Exception):
    """Its arguments are what seems to be the name, a code, and the reason."""


class _Line(Statement):
    object_name: Annotated[str, Field(min_length=1)]
    kind: Kind = Kind.OBJECT
    url: Annotated[str, Field(max_length=limits.URL_CHARACTERS)] | None = None
    created_at: Time | None = None
    content_type: Annotated[str, Field(max_length=limits.TEXT_CHARACTERS)] | None = None


def read(row: "Row") -> Kept:
    """What a row says that people wrote. Of what is shown, only the type that a link is said to have means
    anything. Raises BadRow."""
    try:
        fields = _fields(row)
        wanted = {
            name: value for name, value in fields.items() if name not in SHOWN or name == "content_type"
        }
        line = _Line.model_validate_json(_text(wanted))
    except (UnicodeError, InvalidJson) as error:
        raise BadRow("", "invalid_row", str(error)) from error
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        details = "; ".join(f"{'.'.join(map(str, each['loc']))}: {told(each)}" for each in mistakes)
        raise BadRow(_shown(fields.get("object_name")), "invalid_row", details) from error
    kept = line.model_dump(include={"object_name", "kind", "url", "created_at", "content_type"})
    return Kept(**kept, **line.said)


def _shown(name: object) -> str:
    """Half a surrogate pair, which JSON can spell, no report can."""
    return name.encode(errors="replace").decode() if isinstance(name, str) else ""


def _fields(row: "Row") -> dict[str, Any]:
    fields = strict_json.read(row.decode()) if isinstance(row, bytes) else _unfolded(row)
    if not isinstance(fields, dict):
        raise InvalidJson("Input should be an object")
    return fields


def _unfolded(row: "Mapping[str, Any]") -> dict[str, Any]:
    """Of Parquet, where a column has one type."""
    found = {name: value for name, value in row.items() if value is not None}
    texts = {name: found[name] for name in _OBJECTS if isinstance(found.get(name), str)}
    return found | {name: strict_json.read(text) for name, text in texts.items()}


def line(data: "Data", names: "Mapping[str, str]", *, flat: bool) -> bytes:
    """Of a file of JSON lines. What is empty is left out; what is `flat` has texts of JSON in place of
    objects, as a column has one type. `names` are those of labels by their ids; what was deleted has none."""
    told: dict[str, Any] = {name: getattr(data, name) for name in COLUMNS if name != "shown_metadata"}
    told |= {
        "tags": sorted(names[tag] for tag in data.tags if tag in names),
        "source": names.get(data.source or ""),
        "metadata": data.edited_metadata,
        "shown_metadata": data.metadata,
    }
    told = {name: value for name, value in told.items() if value is not None and value not in ([], {})}
    if flat:
        told = {name: _text(value) if isinstance(value, dict) else value for name, value in told.items()}
    # Characters stand for themselves: that is shorter, and what reads the lines for Parquet needs it.
    return f"{_text(told)}\n".encode()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
