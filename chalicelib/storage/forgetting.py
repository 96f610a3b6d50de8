"""Records that people want to be no more, though their objects may be there."""

from typing import TYPE_CHECKING

from chalicelib.errors import StorageUnavailable
from chalicelib.model import moment
from chalicelib.storage import records, taggings, transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake


def forget(lake: "Lake", ids: "Iterable[str]", name: "Callable[[str], str] | None" = None) -> set[str]:
    """The records that this forgot, by id; of the others there is nothing to forget. What is left is a
    tombstone without a memory: the next event of the object, or a listing, brings it back as new.

    `name` gives the writes names, by id of data, so that the same call made again counts what it did before.
    Raises StorageUnavailable when it is not known of all; then the same may be asked again.
    """
    asked = list(dict.fromkeys(ids))
    op_ids = {data_id: name(data_id) if name else moment.new_op_id() for data_id in asked}
    done: set[str] = set()
    waiting, room = asked, transactions.WRITES
    for attempt in range(transactions.ATTEMPTS):
        found = records.read_all(waiting)
        done |= {data.id for data in found.values() if data.op_id == op_ids[data.id]}
        plans = [data for data in found.values() if data.shown_in(lake.id)]
        writes = [_writes(data, op_ids[data.id]) for data in plans]
        refused = transactions.attempt_each("forget records", writes, room)
        waiting = [data.id for data, was_refused in zip(plans, refused, strict=True) if was_refused]
        done |= {data.id for data in plans} - set(waiting)
        if not waiting:
            return done
        room //= 4
        transactions.pause(attempt)
    raise StorageUnavailable("forget records", "others were in the way")


def give_up(announced: "Data") -> None:
    """Forget what was announced, unless anybody has written to it since it was read: its bytes may have come.
    What is left then ends by itself."""
    writes = _writes(announced, moment.new_op_id())
    transactions.attempt_each("give up record", [writes], transactions.WRITES)


def _writes(data: "Data", op_id: str) -> "list[dict[str, object]]":
    return [records.oblivion_of(data, op_id), *taggings.passage(data, data.tags, frozenset())]
