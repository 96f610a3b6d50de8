"""Time and names for writes: the only two things the domain takes from its surroundings."""

import re
import time
import uuid
from datetime import UTC, datetime, timedelta

from chalicelib.model import limits

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds and a fixed width, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment.astimezone(UTC)


def is_rfc3339(text: str) -> bool:
    """A time with its offset from UTC."""
    try:
        return bool(_RFC3339.fullmatch(text) and parse(text.upper()))
    except (ValueError, OverflowError):
        return False


def tombstone_end() -> int:
    return int((now() + timedelta(days=limits.TOMBSTONE_DAYS)).timestamp())


def end_of(seconds: int) -> int:
    """Of so much time from now on, in seconds since the epoch."""
    return int(now().timestamp()) + seconds


def new_op_id() -> str:
    return uuid.uuid4().hex[:16]
