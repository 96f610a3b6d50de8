"""One of many new data in a request: what it says of the data, and that it is answered by itself."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic_core import PydanticCustomError

from chalicelib.api.bodies import Body, Unfit
from chalicelib.api.edits import Key, MetadataBody, Value
from chalicelib.api.labels import Name
from chalicelib.downstream.outcomes import failed
from chalicelib.model import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chalicelib.downstream.outcomes import Outcome


class Entry(Body):
    tags: Annotated[list[Name], Field(max_length=limits.TAGS_PER_RECORD)] = Field(default_factory=list)
    """Names. Tags that do not exist are created."""
    source: Name | None = None
    """Its name. One that does not exist is created."""
    metadata: MetadataBody = MetadataBody()
    custom_metadata: dict[Key, Value] = Field(default_factory=dict)
    """As in edits."""
    description: Annotated[str, Field(min_length=1, max_length=limits.DESCRIPTION_CHARACTERS)] | None = None

    @property
    def said(self) -> dict[str, Any]:
        """As a `Saying` has it."""
        return {
            "tags": self.tags,
            "source": self.source,
            "metadata": self.metadata.model_dump(exclude_unset=True),
            "custom_metadata": self.custom_metadata,
            "description": self.description,
        }


def require_few_labels(entries: "Iterable[Entry | Unfit]") -> None:
    fit = [entry for entry in entries if isinstance(entry, Entry)]
    named = {name for entry in fit for name in (*entry.tags, entry.source)}
    if len(named) > limits.IDS_AT_ONCE:
        raise PydanticCustomError(
            "labels", f"There should be at most {limits.IDS_AT_ONCE} different tags and sources in a call"
        )


def fitting[E: Entry](entries: "Sequence[E | Unfit]") -> dict[int, E]:
    """Those that are understood, by their places."""
    return {n: entry for n, entry in enumerate(entries) if not isinstance(entry, Unfit)}


def woven(entries: "Sequence[Entry | Unfit]", told: "Iterable[Outcome]") -> "dict[int, Outcome]":
    """What became of each: `told` is of those that are understood, in their order."""
    fit: Mapping[int, Entry] = fitting(entries)
    outcomes = {n: replace(outcome, index=n) for n, outcome in zip(fit, told, strict=True)}
    unfit = {n: entry for n, entry in enumerate(entries) if isinstance(entry, Unfit)}
    return outcomes | {n: failed(n, "invalid_request", entry.detail) for n, entry in unfit.items()}
