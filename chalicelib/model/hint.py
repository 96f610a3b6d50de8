from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import reduce
from typing import TYPE_CHECKING

from chalicelib.model import limits, moment
from chalicelib.model.lake import is_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class Change(StrEnum):
    CREATED = "created"
    REMOVED = "removed"
    LISTED = "listed"
    UNKNOWN = "unknown"


class Channel(StrEnum):
    S3 = "s3"
    EVENTBRIDGE = "eventbridge"


@dataclass(frozen=True, slots=True)
class Sequencer:
    """Orders the changes of one key as one channel reports them; across channels it says nothing.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """

    channel: Channel
    value: str

    def is_covered_by(self, other: "Sequencer | None") -> bool:
        """Whether `other` is the same change or a later one."""
        if other is None or other.channel is not self.channel:
            return False
        width = max(len(self.value), len(other.value))
        return self.value.ljust(width, "0") <= other.value.ljust(width, "0")

    def __str__(self) -> str:
        return f"{self.channel}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> "Sequencer":
        channel, _, value = text.partition(":")
        return cls(Channel(channel), value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Anything that says "look at this key": an event, a line of a listing, a redrive. Never the truth."""

    bucket: str
    object_name: str
    change: Change
    occurred_at: "datetime | None" = None
    sequencer: Sequencer | None = None
    size: int | None = None
    etag: str | None = None
    version_id: str | None = None

    def can_insert(self) -> bool:
        """Whether the hint alone is enough for a first record of its key, without asking S3."""
        if self.size is None or self.etag is None or is_folder(self.object_name, self.size):
            return False
        if self.change is Change.LISTED:
            return True
        return (
            self.change is Change.CREATED
            and self.occurred_at is not None
            and abs(moment.now() - self.occurred_at) < timedelta(seconds=limits.FRESH_SECONDS)
        )


def merge(hints: "Iterable[Hint]") -> Hint:
    """One hint that stands for several about one key, so that a burst costs one look at S3."""
    return reduce(_merge_two, hints)


def _merge_two(first: Hint, second: Hint) -> Hint:
    if (
        first.sequencer is None
        or second.sequencer is None
        or first.sequencer.channel is not second.sequencer.channel
    ):
        # Without the other's sequencer, so that the two are not skipped together because one of them is old.
        return replace(first, change=Change.UNKNOWN, sequencer=None)
    later = first if second.sequencer.is_covered_by(first.sequencer) else second
    return later if first.change is second.change else replace(later, change=Change.UNKNOWN)
