"""What a walk is over, and what is done on it: the same for all who walk there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.jobs import cuts
from chalicelib.model.keyrange import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.jobs.steps import Step
    from chalicelib.model.keyrange import KeyRange
    from chalicelib.model.lake import Lake


@dataclass(frozen=True, slots=True)
class Way:
    spans: "Sequence[Span]"
    """It begins with these, and they are all there is."""
    visit: "Callable[[KeyRange], Step]"
    cut: "Callable[[Span], str | None]"
    """Where what is left may be parted, if that is worth it."""


def over_names(
    lake: "Lake", visit: "Callable[[KeyRange], Step]", prefixes: "Sequence[str] | None" = None
) -> Way:
    """In the lake's bucket. Without prefixes: all of the lake's."""
    spans = [Span(prefix) for prefix in prefixes or [lake.prefix]]
    names = cuts.of_bucket(lake.home)
    return Way(spans, visit, lambda left: cuts.find(names, left))
