"""The sync protocol: the one door through which what we believe about an object may change.

An event is a hint, S3 is the truth, and a revision orders our observations. See docs/protocol.md.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits, moment
from chalicelib.model.lake import is_folder
from chalicelib.storage import buckets, records

if TYPE_CHECKING:
    from chalicelib.model.data import Data, Sight
    from chalicelib.model.hint import Hint
    from chalicelib.model.lake import Lake


@dataclass(frozen=True, slots=True)
class Verdict:
    applied: bool
    """False when the hint only repeats what the record was written for."""
    record: "Data"


def check(lake: "Lake", hint: "Hint", before: "Data | None" = None) -> Verdict:
    """Make the record of one key agree with S3, whatever the hint says.

    `before` is the record as just read, where the caller has it. Raises StorageUnavailable when S3 or the
    table did not answer, or when every attempt lost its race: nothing was concluded, and the hint must come
    again.
    """
    before = before or records.read(lake.data_id(hint.object_name))
    ours: set[str] = set()
    for _ in range(limits.CHECK_ATTEMPTS):
        if before and before.op_id in ours:
            return Verdict(True, before)
        if before and is_repeated(hint, before):
            return Verdict(False, before)
        op_id = moment.new_op_id()
        ours.add(op_id)
        if written := _observe(lake, hint, before, op_id):
            return Verdict(True, written)
        before = records.read(lake.data_id(hint.object_name))
    raise StorageUnavailable("check object", "lost every race for its record")


def is_repeated(hint: "Hint", record: "Data") -> bool:
    """Whether the record was written for this very event, and nothing is left to do for it. Only the same
    sequencer says so: to skip all earlier ones too would let one wrong sequencer silence every event that is
    still to come."""
    return record.complete and hint.sequencer is not None and hint.sequencer == record.sequencer


def _observe(lake: "Lake", hint: "Hint", before: "Data | None", op_id: str) -> "Data | None":
    sight = _look(lake, hint.object_name)
    if sight is None and before and before.announced:
        return records.write_unseen(before, hint.sequencer, op_id)
    if sight is None:
        return records.write_gone(lake, hint.object_name, before, hint.sequencer, op_id)
    return records.write_live(lake, hint.object_name, before, sight, hint.sequencer, op_id)


def _look(lake: "Lake", object_name: str) -> "Sight | None":
    sight = buckets.look(lake.home, object_name)
    return None if sight is None or is_folder(object_name, sight.size) else sight
