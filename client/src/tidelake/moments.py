"""Times, as the API tells them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import overload


@overload
def parse(text: str) -> datetime: ...
@overload
def parse(text: None) -> None: ...
def parse(text: str | None) -> datetime | None:
    """RFC 3339 in UTC.

    >>> parse("2026-11-01T06:00:00.250Z").isoformat()
    '2026-11-01T06:00:00.250000+00:00'
    """
    # Python 3.10 does not know the Z.
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def spell(value: object) -> object:
    """A time as the API takes it, and all else as it is. Raises ValueError for a time without a zone.

    >>> from datetime import datetime, timezone
    >>> spell(datetime(2026, 11, 1, 6, tzinfo=timezone.utc))
    '2026-11-01T06:00:00+00:00'
    """
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value} has no zone: give it one, as datetime.timezone.utc")
    return value.astimezone(timezone.utc).isoformat()
