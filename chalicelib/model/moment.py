"""Time and names for writes: the only two things the domain takes from its surroundings."""

import time
import uuid
from datetime import UTC, datetime, timedelta

from chalicelib.model import limits


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds and a fixed width, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment.astimezone(UTC)


def tombstone_end() -> int:
    return int((now() + timedelta(days=limits.TOMBSTONE_DAYS)).timestamp())


def new_op_id() -> str:
    return uuid.uuid4().hex[:16]
