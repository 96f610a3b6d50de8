from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.model import limits, moment
from chalicelib.model.lake import is_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
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

    `value` is lower-case and without the zeros at its end, which mean nothing, so that text order is the
    order.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """

    channel: Channel
    value: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.value}"

    @classmethod
    def read(cls, channel: Channel, hexadecimal: str) -> "Sequencer":
        return cls(channel, hexadecimal.lower().rstrip("0"))

    @classmethod
    def parse(cls, text: str) -> "Sequencer":
        channel, _, value = text.partition(":")
        return cls(Channel(channel), value)


def later(first: Sequencer | None, second: Sequencer | None) -> Sequencer | None:
    """The later one where the two compare; else the second, if there is one."""
    if first and second and first.channel is second.channel:
        return max(first, second, key=lambda sequencer: sequencer.value)
    return second or first


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
    copied: bool = False
    """Whether S3 says that the object was copied, as it is when it gets another name."""

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


def merge(hints: "Sequence[Hint]") -> Hint:
    """One hint that stands for all about one key, so that a burst costs one look at S3. Repetitions of one
    event are that event; what is left after different ones only S3 can tell."""
    first, *others = hints
    if not others or (first.sequencer and {hint.sequencer for hint in others} == {first.sequencer}):
        return first
    return Hint(bucket=first.bucket, object_name=first.object_name, change=Change.UNKNOWN)
