"""What people wrote of a record that is gone, passed on to the one that its bytes are under now."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.model import moment
from chalicelib.model.edit import inherited
from chalicelib.storage import records, taggings, transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.model.data import Data


@dataclass(frozen=True, slots=True)
class Succession:
    left: "Data"
    """A tombstone."""
    heir: "Data"
    is_last: bool
    """Whether the heir is nobody else's from then on."""


def pass_on(successions: "Sequence[Succession]", room: int) -> list[bool]:
    """Whether each was refused: somebody has written to one of the two since they were read. Else what people
    wrote is the heir's, the tombstone remembers nothing, and no moment is seen at which it were nobody's, or
    both's."""
    return transactions.attempt_each("pass on", [_writes(each) for each in successions], room)


def _writes(succession: Succession) -> list[dict[str, Any]]:
    left, heir, op_id = succession.left, succession.heir, moment.new_op_id()
    after = inherited(heir, left, op_id)
    if succession.is_last:
        after = replace(after, heir_of=left.id)
    # What the tagging items of before say is swept by what the stream tells of this: both do not fit.
    puts = taggings.passage(after, frozenset(), after.tags)
    return [records.oblivion_of(left, op_id), records.inheritance_of(heir, after), *puts]
