"""What a lake still takes of what people add to it.

Its counters are some seconds behind, so those who add at the same time may add a little more between them
than its quota allows. What is in the bucket is recorded whatever the quota: the index is in step with it.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chalicelib.model.quota import Quota
from chalicelib.storage import counters

if TYPE_CHECKING:
    from chalicelib.model.lake import Lake

REFUSAL: Final = ("quota_exceeded", "the datalake would hold more than its quota allows")
"""A code, and why."""


@dataclass(slots=True)
class Allowance:
    """Of one lake, for one call."""

    quota: Quota
    items: int = 0
    bytes: int = 0
    """What the lake holds, awaits, and was granted."""
    granted: set[str] = field(default_factory=set)
    """Ids of data."""

    @classmethod
    def of(cls, lake: "Lake", foreseen: int = 0) -> "Allowance":
        """`foreseen` items are to come of which no counter knows."""
        if lake.quota is None:
            return cls(Quota())
        counts = counters.read(lake.id)
        return cls(lake.quota, counts.items + foreseen, counts.bytes + counts.announced_bytes)

    def grants(self, data_id: str, items: int, size: int) -> bool:
        """Whether the lake may hold so much more. Once granted, it stays so: what is tried again is
        there by then, or not."""
        if data_id in self.granted or (items <= 0 and size <= 0):
            return True
        if not self.quota.holds(self.items + items, self.bytes + size):
            return False
        self.granted.add(data_id)
        self.items += items
        self.bytes += size
        return True
