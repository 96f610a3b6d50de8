"""What people say of data that comes into being, be it announced, linked or found."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chalicelib.model import limits
from chalicelib.model.data import overlay
from chalicelib.model.edit import Edit
from chalicelib.storage import records, taggings

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

    def and_then(self, later: "Saying") -> "Saying":
        """Both. Where they contradict each other, the later one is right."""
        return Saying(
            tags=[*self.tags, *later.tags],
            source=self.source if later.source is None else later.source,
            metadata={**self.metadata, **later.metadata},
            custom_metadata={**self.custom_metadata, **later.custom_metadata},
            description=self.description if later.description is None else later.description,
        )

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


def added(base: "Data", edit: Edit, tags: frozenset[str]) -> "Data":
    """The data, of which that is said too. Tags by their ids."""
    after = edit.apply(base)
    return replace(after, tags=base.tags | tags, metadata=overlay(base.metadata, after.edited_metadata))


def writes_of(before: "Data | None", base: "Data", after: "Data") -> list[dict[str, Any]]:
    """What is to be written, in one transaction, on condition that people wrote nothing since `before` was
    read. `base` is that, where it stays what it is; else an announcement takes its place."""
    write = records.labelling_of(base, after) if base is before else records.announcement_of(before, after)
    return [write, *taggings.passage(after, before.tags if before else frozenset(), after.tags)]


def mistake_in(lake: "Lake", base: "Data", after: "Data", edit: Edit) -> tuple[str, str] | None:
    """(code, detail) of what forbids that data becomes so."""
    if len(after.tags) > max(limits.TAGS_PER_RECORD, len(base.tags)):
        return "conflict", f"it would have more than {limits.TAGS_PER_RECORD} tags"
    if mistakes := list(edit.mistakes_in(after, lake.metadata_schema)):
        return "invalid_request", "; ".join(f"{'.'.join(place)}: {detail}" for place, detail in mistakes)
    return None
