"""The fields that a query can name, and what each of them holds."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from chalicelib.model.data import Health, Kind, Reason, Status, Type
from chalicelib.model.schema import Schema, ValueType

if TYPE_CHECKING:
    from collections.abc import Mapping

_BARE_KEY: Final = re.compile(r"\w[\w-]*")


class Content(StrEnum):
    TEXT = "text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    TIME = "a time"
    LABEL = "a name"
    """Of a tag or a source: without regard to case and Unicode form."""
    ANY = "anything"
    """What people wrote freely: each value is of the type that it is."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    key: str = ""
    """Of metadata: which one."""
    content: Content = Content.TEXT
    choices: type[StrEnum] | None = None
    """All that it can be, where that is known."""

    def __str__(self) -> str:
        return f"{self.name}.{_spell(self.key)}" if self.key else self.name


def _spell(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


TAGS: Final = Field("tags", "name", Content.LABEL)
SOURCE: Final = Field("source", "", Content.LABEL)
TAG_IDS: Final = Field("tags", "id")
SOURCE_ID: Final = Field("source", "id")
"""What records really hold of their tags and source. Not in the language."""

ID: Final = Field("id")
OBJECT_NAME: Final = Field("object_name")
FILENAME: Final = Field("filename")
CREATED_AT: Final = Field("created_at", "", Content.TIME)
KIND: Final = Field("kind", "", Content.TEXT, Kind)
TYPE: Final = Field("type", "", Content.TEXT, Type)
STATUS: Final = Field("status", "", Content.TEXT, Status)

_OTHERS: Final = {
    Content.TEXT: "datalake_id etag version_id content_type content_encoding url description",
    Content.NUMBER: "size width height orientation channels",
    Content.BOOLEAN: "thumbnail",
    Content.TIME: "last_modified updated_at checked_at",
}

FIELDS: Final = {
    str(field): field
    for field in (
        *(ID, OBJECT_NAME, FILENAME, CREATED_AT, KIND, TYPE, STATUS, TAGS, SOURCE),
        Field("status_reason", "", Content.TEXT, Reason),
        Field("health", "", Content.TEXT, Health),
        *(Field(name, "", content) for content, names in _OTHERS.items() for name in names.split()),
    )
}

METADATA: "Final[Mapping[str, Content]]" = {
    name: content
    for content, names in {
        Content.TEXT: (
            "acquired_by brand color_space compression custom_id lens manufacturer model reference "
            "region_of_interest resolution_unit software weather"
        ),
        Content.NUMBER: (
            "altitude exposure_time f_number focal_length iso latitude longitude pitch resolution_x "
            "resolution_y roll sensor_width yaw"
        ),
        Content.TIME: "acquired_at",
    }.items()
    for name in names.split()
}


_TYPED: Final = {
    ValueType.STRING: Content.TEXT,
    ValueType.CHOICE: Content.TEXT,
    ValueType.INTEGER: Content.NUMBER,
    ValueType.FLOAT: Content.NUMBER,
    ValueType.BOOLEAN: Content.BOOLEAN,
    ValueType.DATETIME: Content.TIME,
}


def find(name: str, key: str, schema: "Mapping[str, Any] | None" = None) -> Field | None:
    """None: there is no such field. The schema is the lake's, of custom metadata."""
    if name == "custom_metadata" and key:
        rule = Schema.read(schema).rules.get(key) if schema else None
        return Field(name, key, _TYPED[rule.type] if rule else Content.ANY)
    if name == "metadata" and key in METADATA:
        return Field(name, key, METADATA[key])
    return FIELDS.get(str(Field(name, key)))
