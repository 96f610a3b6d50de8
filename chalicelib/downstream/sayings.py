"""What people say of data that comes into being, be it announced or linked."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.model import limits
from chalicelib.model.edit import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.edit import Scalar
    from chalicelib.model.lake import Lake


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    tags: "Sequence[str]" = ()
    """Names, as `source` is. Those that do not exist are created."""
    source: str | None = None
    metadata: "Mapping[str, Scalar | None]" = field(default_factory=dict)
    custom_metadata: "Mapping[str, Scalar | None]" = field(default_factory=dict)
    description: str | None = None

    @property
    def names(self) -> "Iterator[str]":
        """Of all labels."""
        yield from self.tags
        if self.source is not None:
            yield self.source

    def edit(self, source_ids: "Mapping[str, str]") -> Edit:
        """`source_ids` by their names."""
        texts: dict[str, str | None] = {}
        if self.description is not None:
            texts["description"] = self.description
        if self.source is not None:
            texts["source"] = source_ids[self.source]
        return Edit(metadata=self.metadata, custom_metadata=self.custom_metadata, texts=texts)


def mistake_in(lake: "Lake", base: "Data", after: "Data", edit: Edit) -> tuple[str, str] | None:
    """(code, detail) of what forbids that data becomes so."""
    if len(after.tags) > max(limits.TAGS_PER_RECORD, len(base.tags)):
        return "conflict", f"it would have more than {limits.TAGS_PER_RECORD} tags"
    if mistakes := list(edit.mistakes_in(after, lake.metadata_schema)):
        return "invalid_request", "; ".join(f"{'.'.join(place)}: {detail}" for place, detail in mistakes)
    return None
