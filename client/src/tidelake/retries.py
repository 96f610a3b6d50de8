"""How often and how soon something is tried again."""

from __future__ import annotations

import email.utils
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Retries:
    """Pauses grow, are drawn at random so that many clients do not come at once, and are never shorter than
    the server asks for. All are in seconds.

    >>> [Retries(draw=lambda: 1.0).pause(attempt) for attempt in (1, 2, 3, 6)]
    [0.25, 0.5, 1.0, 8.0]
    >>> Retries().pause(1, {"Retry-After": "7"}) >= 7
    True
    """

    attempts: int = 7
    """At one request, the first one counted."""
    first: float = 0.25
    longest: float = 20
    patience: float = 120
    """A server that asks for a longer pause than this is not asked again."""
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    draw: Callable[[], float] = field(default=random.random, repr=False)
    """From 0 to 1."""

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts should be at least 1, not {self.attempts}")

    def pause(self, attempt: int, headers: Mapping[str, str] | None = None) -> float | None:
        """Seconds to wait after so many attempts, or None to give up."""
        if attempt >= self.attempts:
            return None
        asked = _asked(headers or {})
        if asked > self.patience:
            return None
        drawn: float = self.draw() * min(self.longest, self.first * 2 ** (attempt - 1))
        return max(drawn, asked + drawn / 10 if asked else 0)

    def wait(self, attempt: int, headers: Mapping[str, str] | None = None) -> bool:
        """Wait for the next attempt. False: there is none."""
        seconds = self.pause(attempt, headers)
        if seconds is None:
            return False
        self.sleep(seconds)
        return True


def _asked(headers: Mapping[str, str]) -> float:
    """Source: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after"""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
