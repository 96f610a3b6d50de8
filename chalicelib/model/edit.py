"""What people write of data: description, source, and metadata of both kinds."""

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chalicelib.model import limits
from chalicelib.model.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chalicelib.model.data import Data

type Scalar = str | int | float | bool
type Mistake = tuple[tuple[str, ...], str]
"""Where, from field to field, and what."""

WRITTEN = ("source", "description", "custom_metadata", "edited_metadata")
"""The attributes that are people's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is to change. What is not named stays, and None clears."""

    metadata: "Mapping[str, Scalar | None]" = field(default_factory=dict)
    custom_metadata: "Mapping[str, Scalar | None]" = field(default_factory=dict)
    texts: "Mapping[str, str | None]" = field(default_factory=dict)
    """`description`, and `source` by its id."""

    def apply(self, data: "Data") -> "Data":
        custom = {**data.custom_metadata, **self.custom_metadata}
        return replace(
            data,
            edited_metadata={**data.edited_metadata, **self.metadata},
            custom_metadata={key: value for key, value in custom.items() if value is not None},
            description=self.texts.get("description", data.description),
            source=self.texts.get("source", data.source),
        )

    def mistakes_in(self, edited: "Data", schema: "Mapping[str, Any] | None") -> "Iterator[Mistake]":
        """What is wrong with data after the edit. What was wrong before and is not touched may stay."""
        if self.custom_metadata:
            yield from mistakes_in_custom(edited.custom_metadata, schema)


def mistakes_in_custom(
    custom: "Mapping[str, Any]", schema: "Mapping[str, Any] | None"
) -> "Iterator[Mistake]":
    """What is wrong with all that a record has of it."""
    if len(custom) > limits.CUSTOM_KEYS:
        yield (
            ("custom_metadata",),
            f"There should be at most {limits.CUSTOM_KEYS} keys, with those before",
        )
    if len(json.dumps(custom, ensure_ascii=False).encode()) > limits.CUSTOM_BYTES:
        yield (
            ("custom_metadata",),
            f"It should be at most {limits.CUSTOM_BYTES} bytes, with what was before",
        )
    if schema is not None:
        for key, mistake in Schema.read(schema).mistakes_in(custom):
            yield ("custom_metadata", key), mistake


def has_words(data: "Data") -> bool:
    """Whether people have written anything of it."""
    return bool(data.tags or any(getattr(data, name) for name in WRITTEN))


def inherited(own: "Data", left: "Data", edit_id: str) -> "Data":
    """Data with what was written of the same bytes under another name. What was written of itself wins."""
    after = replace(
        own,
        created_at=left.created_at,
        tags=left.tags | own.tags,
        source=own.source or left.source,
        description=own.description or left.description,
        custom_metadata={**left.custom_metadata, **own.custom_metadata},
        edited_metadata={**left.edited_metadata, **own.edited_metadata},
    )
    return replace(after, edit_id=edit_id) if differ(own, after) else after


def differ(one: "Data", other: "Data") -> bool:
    """In what people wrote. To Python 1, 1.0 and True are equal; to people they are not."""
    return _spelled(one) != _spelled(other)


def _spelled(data: "Data") -> str:
    return json.dumps([getattr(data, name) for name in WRITTEN], sort_keys=True)
