"""Edits of any number of records. None is lost: each starts from the record as it is, and starts again when
somebody else has edited that meanwhile."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.errors import StorageUnavailable
from chalicelib.model import moment
from chalicelib.model.edit import differ
from chalicelib.storage import records, transactions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.edit import Edit, Mistake
    from chalicelib.model.lake import Lake


class Outcome(Enum):
    CHANGED = auto()
    UNCHANGED = auto()
    """It was so before."""
    MISSING = auto()
    """Not there, gone, or of another lake."""
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Edited:
    id: str
    outcome: Outcome
    data: "Data | None" = None
    """As it is now."""
    mistakes: "Sequence[Mistake]" = field(default_factory=list)


def apply(lake: "Lake", edit: "Edit", ids: "Iterable[str]") -> list[Edited]:
    """What became of each record. Raises StorageUnavailable when that is not known of all; then the same edit
    may be made again."""
    asked = list(dict.fromkeys(ids))
    found = records.read_all(asked)
    return parallel.for_each(lambda data_id: _apply_one(lake, edit, data_id, found.get(data_id)), asked)


def _apply_one(lake: "Lake", edit: "Edit", data_id: str, before: "Data | None") -> Edited:
    edit_id = moment.new_op_id()
    for attempt in range(transactions.ATTEMPTS):
        if before is None or not before.shown or before.lake_id != lake.id:
            return Edited(data_id, Outcome.MISSING)
        if before.edit_id == edit_id:
            # Our own write was done, and only its answer was lost.
            return Edited(data_id, Outcome.CHANGED, before)
        after = edit.apply(before)
        if not differ(before, after):
            return Edited(data_id, Outcome.UNCHANGED, before)
        if mistakes := list(edit.mistakes_in(after, lake.metadata_schema)):
            return Edited(data_id, Outcome.REFUSED, before, mistakes)
        if written := records.write_edit(before, after, edit_id):
            return Edited(data_id, Outcome.CHANGED, written)
        transactions.pause(attempt)
        before = records.read(data_id)
    raise StorageUnavailable("edit record", "others were in the way")
