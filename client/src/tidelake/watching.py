"""What happens in a datalake, as it happens."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidelake.data import Data
    from tidelake.datalakes import Datalake

INTERVAL_SECONDS = 2.0
LATEST = 200


@dataclass(frozen=True)
class Event:
    kind: str
    """`added`, `changed` or `removed`."""
    data: Data
    """As it is now, or as it was last."""


def watch(
    lake: Datalake,
    *,
    interval: float = INTERVAL_SECONDS,
    latest: int = LATEST,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """What is added from now on, and what changes or goes of the `latest` data; for ever. One call each
    `interval`, which is in seconds."""
    known = _look(lake, latest)
    while True:
        sleep(interval)
        now = _look(lake, latest)
        yield from _differences(known, now, latest)
        known = now


def _look(lake: Datalake, latest: int) -> dict[str, Data]:
    found = {data.id: data for data in lake.list_data(order_by="-created_at", limit=latest)}
    return dict(reversed(found.items()))


def _differences(before: dict[str, Data], now: dict[str, Data], latest: int) -> Iterator[Event]:
    last = max((data.created_at for data in before.values()), default=None)
    # What is older than all that is shown now may only have been crowded out.
    first = min((data.created_at for data in now.values()), default=None) if len(now) == latest else None
    for each, data in before.items():
        if each not in now and (first is None or data.created_at > first):
            yield Event("removed", data)
    for each, data in now.items():
        if each in before:
            if data != before[each]:
                yield Event("changed", data)
        elif last is None or data.created_at >= last:
            yield Event("added", data)
