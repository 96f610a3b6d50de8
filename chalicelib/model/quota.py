from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.model.counts import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The most that a lake should hold, of either. None: as much as there is."""

    items: int | None = None
    bytes: int | None = None

    @classmethod
    def read(cls, fields: "Mapping[str, Any]") -> "Quota":
        return cls(items=fields["items"], bytes=fields["bytes"])

    def is_exceeded_by(self, counts: "Counts") -> bool:
        return not self.holds(counts.items, counts.bytes)

    def holds(self, items: int, size: int) -> bool:
        return (self.items is None or items <= self.items) and (self.bytes is None or size <= self.bytes)
