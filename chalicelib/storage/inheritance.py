"""What people wrote of a record that is gone, passed on to the one that its bytes are under now."""

from typing import TYPE_CHECKING, Any

from chalicelib.model import moment
from chalicelib.model.edit import inherited
from chalicelib.storage import records, taggings, transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.model.data import Data

type Pair = "tuple[Data, Data]"
"""A tombstone, and the record that takes its place."""


def pass_on(pairs: "Sequence[Pair]", room: int) -> list[bool]:
    """Whether each was refused: somebody has written to one of the two since they were read. Else what people
    wrote is the heir's, the tombstone remembers nothing, and no moment is seen at which it were nobody's, or
    both's."""
    return transactions.attempt_each("pass on", [_writes(*pair) for pair in pairs], room)


def _writes(left: "Data", heir: "Data") -> list[dict[str, Any]]:
    op_id = moment.new_op_id()
    after = inherited(heir, left, op_id)
    # What the tagging items of before say is swept by what the stream tells of this: both do not fit.
    puts = taggings.passage(after, frozenset(), after.tags)
    return [records.oblivion_of(left, op_id), records.inheritance_of(heir, after), *puts]
