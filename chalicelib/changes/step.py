from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.model.counts import weigh
from chalicelib.model.data import State, Status
from chalicelib.storage import counters, records

if TYPE_CHECKING:
    from chalicelib.model.data import Data


@dataclass(frozen=True, slots=True)
class Step:
    """One record's passage from what it was to what it is."""

    sequence: str
    before: "Data | None"
    after: "Data | None"

    @classmethod
    def read(cls, record: dict[str, Any]) -> "Step":
        change = record["dynamodb"]
        return cls(change["SequenceNumber"], _image(change, "OldImage"), _image(change, "NewImage"))

    @property
    def lake_id(self) -> str:
        return next(
            data.lake_id for data in (self.after, self.before) if data and data.state is not State.GONE
        )

    @property
    def change(self) -> Counter[str]:
        change = weigh(self.after)
        change.subtract(weigh(self.before))
        return Counter({name: value for name, value in change.items() if value})

    @property
    def deltas(self) -> dict[str, dict[str, int]]:
        return counters.holders(self.lake_id, self.change)

    @property
    def abandoned_thumbnail(self) -> str | None:
        """Also where the record shows none: a delivery may have died between storing one and saying so."""
        before, after = self.before, self.after
        if before is None or not before.live:
            return None
        if after and after.live and after.content == before.content:
            has_failed = after.status is Status.FAILED and before.status is not Status.FAILED
            return before.thumbnail_key if has_failed else None
        return before.thumbnail_key

    @property
    def abandoned_place(self) -> "Data | None":
        """The record where its tags listed it, before what was written of it was passed on, or came to it."""
        before, after = self.before, self.after
        if before is None or after is None or before.state is not after.state:
            return None
        return before if before.tags and before.created_at != after.created_at else None


def _image(change: dict[str, Any], name: str) -> "Data | None":
    return records.from_attributes(change[name]) if change.get(name) else None
