from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.model.data import State
from chalicelib.model.label import LabelKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.model.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a lake holds."""

    items: int
    bytes: int
    announced_bytes: int
    """Of objects that are announced and have not come: not among `bytes`."""
    by_type: "Mapping[str, int]"
    by_status: "Mapping[str, int]"
    by_kind: "Mapping[str, int]"


def weigh(data: "Data | None") -> Counter[str]:
    """What one record adds to the counters of its lake and of its labels, by counter. The bytes tell a type
    only once looked at, and what is announced has none yet."""
    if data is None or data.state is State.GONE:
        return Counter()
    size = (data.size or 0) if data.live else 0
    counted = Counter({"items": 1, "bytes": size, f"status:{data.status}": 1, f"kind:{data.kind}": 1})
    if not data.live:
        counted["announced_bytes"] = data.size or 0
    if data.type:
        counted[f"type:{data.type}"] = 1
    counted.update(label_counter(LabelKind.TAG, tag) for tag in data.tags)
    if data.source:
        counted[label_counter(LabelKind.SOURCE, data.source)] = 1
    return counted


def label_counter(kind: LabelKind, label_id: str) -> str:
    return f"{kind}:{label_id}"


def is_of_label(counter: str) -> bool:
    return counter.partition(":")[0] in LabelKind


def gather(counters: "Mapping[str, int]") -> Counts:
    def group(name: str) -> dict[str, int]:
        return {
            key.removeprefix(f"{name}:"): value
            for key, value in sorted(counters.items())
            if key.startswith(f"{name}:") and value
        }

    return Counts(
        items=counters.get("items", 0),
        bytes=counters.get("bytes", 0),
        announced_bytes=counters.get("announced_bytes", 0),
        by_type=group("type"),
        by_status=group("status"),
        by_kind=group("kind"),
    )
