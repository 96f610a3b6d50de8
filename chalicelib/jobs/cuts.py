"""Where a range is cut, so that two workers have something to do.

Nothing is known of names but those that are answered when it is asked what comes after some text. So the
names themselves show where they part: the first character at which what is left of the range still differs is
looked for, then the middle between the first and the last character there.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.model import limits
from chalicelib.model.keyrange import Span
from chalicelib.storage import entries, listings

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.model.lake import Bucket, Lake

_ATTEMPTS = 24
"""Enough to halve all characters that there are until two are left."""
_SURROGATES = range(0xD800, 0xE000)
"""Code points that are no characters."""
_LAST = 0x10FFFF

type _Ask = Callable[[str], str | None]
"""The first name after a text, if there is one."""


@dataclass(frozen=True, slots=True)
class Names:
    """Where the names of a walk are looked up."""

    first: "Callable[[Span], str | None]"
    """It may also be one behind the end of the span."""
    is_long: "Callable[[Span], bool]"
    """Whether there is enough for a worker."""


def of_bucket(bucket: "Bucket") -> Names:
    def first(span: Span) -> str | None:
        page = listings.read_page(bucket, span.prefix, span.after, 1)
        return page.objects[0].object_name if page.objects else None

    return Names(first, lambda span: listings.read(bucket, span).end is not None)


def of_index(lake: "Lake") -> Names:
    return Names(lambda span: entries.first(lake, span), lambda span: entries.is_long(lake, span))


def find(names: Names, whole: Span) -> str | None:
    """A text to cut at, after which a worker has enough to do. None where it seems not to be worth it."""
    look, left = _looking(names, whole), whole
    for _ in range(_ATTEMPTS):
        ask = _within(left, look)
        first = ask(left.after)
        if first is None:
            return None
        at = _middle(ask, first, left)
        if at is None:
            # The others begin with this one, and may part further on.
            left = replace(left, after=first)
        elif names.is_long(replace(whole, after=at)):
            return at
        elif left.upto == whole.upto and not names.is_long(whole):
            return None
        else:
            left = replace(left, upto=at)
    return None


def _looking(names: Names, whole: Span) -> _Ask:
    return cache(lambda after: names.first(replace(whole, after=after)))


def _within(left: Span, look: _Ask) -> _Ask:
    def ask(after: str) -> str | None:
        name = look(after)
        return name if name is not None and left.holds(name) else None

    return ask


def _middle(ask: _Ask, first: str, left: Span) -> str | None:
    bound = left.prefix if left.upto is None else left.upto
    places = range(_shared(first, bound), len(first))
    found = bisect_left(places, True, key=lambda place: _after(ask, first, place) is not None)
    if found == len(places):
        return None
    at = _between(ask, first, places[found], bound)
    return at if len(at.encode()) <= limits.KEY_BYTES and left.holds(at) else None


def _between(ask: _Ask, first: str, place: int, bound: str) -> str:
    stem, low, beyond = first[:place], ord(first[place]), _after(ask, first, place) or ""
    if not _goes_on(beyond, stem):
        return stem + _character(low + 1)
    high = ord(bound[place]) if _goes_on(bound, stem) else _highest(ask, stem, ord(beyond[place]))
    return stem + _character((low + high + 1) // 2)


def _goes_on(name: str, stem: str) -> bool:
    return name.startswith(stem) and len(name) > len(stem)


def _shared(one: str, other: str) -> int:
    """How many characters they begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _after(ask: _Ask, name: str, place: int) -> str | None:
    """The first name after all that agree with this one up to and with the place."""
    code = ord(name[place])
    return ask(name[:place] + _character(code + 1)) if code < _LAST else None


def _highest(ask: _Ask, stem: str, known: int) -> int:
    """The highest character that follows the stem in any name, where a lower one is known."""
    step, unknown = 1, _LAST + 1
    while known + 1 < unknown:
        guess = min(known + step, unknown - 1)
        found = ask(stem + _character(guess))
        if found is not None and _goes_on(found, stem):
            known, step = max(ord(found[len(stem)]), guess), step * 2
        else:
            unknown, step = guess, max(1, (guess - known) // 2)
    return known


def _character(code: int) -> str:
    return chr(_SURROGATES.stop if code in _SURROGATES else code)
