"""Pieces of the names in a bucket. Names compare as text, character by character, which is also the order of
their UTF-8: that in which S3 lists and DynamoDB sorts. Where a manifest is walked over, its places are texts
that compare alike."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Span:
    """The names that begin with `prefix` and stand in `(after, upto]`."""

    prefix: str
    after: str = ""
    upto: str | None = None
    """None: to the last one."""

    def holds(self, name: str) -> bool:
        return self.upto is None or name <= self.upto

    def ends_with(self, name: str) -> bool:
        """Whether nothing of it comes after the name."""
        return self.upto is not None and name >= self.upto


class Part(NamedTuple):
    """A file that a step wrote. Whoever does the step again writes another one."""

    name: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """A span of a walk, and how far it was walked. `step` counts what was recorded of it, so that of two
    workers at one range only one goes on."""

    walk: str
    id: str
    """That of the range it was cut off from, with a number after it: so it sorts after that one."""
    span: Span
    position: str
    """Up to here all is done."""
    done: bool = False
    step: int = 0
    worker: str = ""
    """Who recorded the last step."""
    children: int = 0
    """Ranges that were cut off from it."""
    uncalled: tuple[str, ...] = ()
    """Those of them that perhaps nobody was called to yet."""
    counts: "Mapping[str, int]" = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    """What its steps wrote, one after the other."""
    expires_at: int
    """Seconds since the epoch."""

    @property
    def family(self) -> int:
        """Which of the walk's first ranges it comes from."""
        return int(self.id.partition(".")[0])

    @property
    def left(self) -> Span:
        return Span(self.span.prefix, self.position, self.span.upto)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Ranges that are walked at the same time."""

    id: str
    spans: "Sequence[Span]"
    """What is walked over, as it was before any range was cut."""
    open: int
    """Ranges that are not done."""
    made: int
    """Ranges that there ever were."""
    expires_at: int
    """Seconds since the epoch."""


def total(ranges: "Iterable[KeyRange]") -> Counter[str]:
    counted: Counter[str] = Counter()
    for each in ranges:
        counted.update(each.counts)
    return counted


def mistake_in(walk: Walk, ranges: "Sequence[KeyRange]") -> str | None:
    """None when every name of the walk was in one range, and in one only. Otherwise no count of it can be
    believed."""
    if walk.open or walk.made != len(ranges) or not all(each.done for each in ranges):
        return "its ranges are not those that were counted"
    ordered = sorted(ranges, key=lambda each: (each.family, each.span.after))
    families = {family: list(found) for family, found in groupby(ordered, lambda each: each.family)}
    whole = all(_is_whole(span, families.get(family, [])) for family, span in enumerate(walk.spans))
    return None if whole else "its ranges leave a gap or overlap"


def _is_whole(span: Span, ranges: "Sequence[KeyRange]") -> bool:
    ends = [span.after, *(each.span.upto for each in ranges)]
    starts = [*(each.span.after for each in ranges), span.upto]
    return bool(ranges) and ends == starts and {each.span.prefix for each in ranges} == {span.prefix}
