"""A scan records what a bucket lists. It writes first records only: what has one already that says something
else becomes a hint, as a listing is no more the truth than an event is."""

from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.errors import Refused, StorageUnavailable
from chalicelib.jobs import ways
from chalicelib.jobs.steps import Step
from chalicelib.model import limits
from chalicelib.model.data import first_record
from chalicelib.model.lake import Preprocess, is_folder
from chalicelib.model.work import Work
from chalicelib.observability import logger
from chalicelib.storage import listings, queues, records, transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chalicelib.jobs.ways import Way
    from chalicelib.model.data import Data
    from chalicelib.model.errand import Phase
    from chalicelib.model.job import Job
    from chalicelib.model.keyrange import Span
    from chalicelib.model.lake import Lake
    from chalicelib.model.listing import Listed

PAGES = 8
"""Of the listing, in one step."""

_SENDINGS = 3
_OP_ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of objects that were seen in the bucket."""

    there: "Mapping[str, Data]"
    """Their records, by name, as far as they are known: such as they were, where they had one."""
    inserted: "Sequence[Data]"
    changed: "Sequence[str]"
    """The names of those whose records say something else."""


def way(lake: "Lake", job: "Job", phase: "Phase") -> "Way":
    # The same for every attempt: a page that comes again after a crash knows its own records.
    op_id = job.id.replace("-", "")[-_OP_ID_CHARACTERS:]
    return ways.over_names(lake, lambda here: _visit(lake, op_id, here.left))


def _visit(lake: "Lake", op_id: str, left: "Span") -> Step:
    listing = listings.read(lake.home, left, pages=PAGES)
    objects = data_among(lake, listing.objects)
    fitting = [each for each in objects if can_be_recorded(each)]
    recorded = record([first_record(lake, each.object_name, each.sight, None, op_id) for each in fitting])
    dispatch(lake, recorded)
    counts = {
        "seen": len(objects),
        "bytes": sum(each.sight.size or 0 for each in objects),
        "inserted": len(recorded.inserted),
        "unchanged": len(fitting) - len(recorded.inserted) - len(recorded.changed),
        "changed": len(recorded.changed),
        "ghosts": 0,
        "hinted": len(recorded.changed),
        "failed": len(objects) - len(fitting),
    }
    return Step(listing.end, counts)


def record(drafts: "Sequence[Data]") -> Recorded:
    """The first records of objects that are there, where they have none. All drafts have one `op_id`, the
    same in every attempt, by which an attempt knows what an earlier one inserted."""
    there: dict[str, Data] = {}
    batches = list(batched(drafts, limits.INSERT_BATCH, strict=False))
    for found in parallel.for_each(_insert, batches):
        there |= found
    changed = [each.object_name for each in drafts if _differs(there.get(each.object_name), each)]
    other = frozenset(changed)
    same = [there[each.object_name] for each in drafts if each.object_name not in other]
    return Recorded(there, [each for each in same if each.op_id == drafts[0].op_id], changed)


def dispatch(lake: "Lake", recorded: Recorded) -> None:
    """Have the bytes looked at of what is new, and the objects that seem to have changed."""
    if lake.preprocess is Preprocess.EAGER:
        look(lake, [data for data in recorded.inserted if not data.complete])
    hint(lake, recorded.changed)


def data_among(lake: "Lake", objects: "Iterable[Listed]") -> "list[Listed]":
    return [
        each
        for each in objects
        if lake.holds(each.object_name) and not is_folder(each.object_name, each.sight.size)
    ]


def can_be_recorded(each: "Listed") -> bool:
    """Other vendors may have longer names."""
    return len(each.object_name.encode()) <= limits.KEY_BYTES


def _differs(record: "Data | None", draft: "Data") -> bool:
    return record is None or not record.live or (record.etag, record.size) != (draft.etag, draft.size)


def hint(lake: "Lake", names: "Sequence[str]") -> None:
    """Have these objects looked at: whatever there is to be said of them, upstream says."""
    _send("send rechecks", lambda left: queues.send_rechecks(lake.home.routing_key, left), names)


def look(lake: "Lake", data: "Iterable[Data]") -> None:
    """Have the bytes of these objects looked at."""
    _send("send preprocess", queues.send_preprocess, [Work.on(lake, each) for each in data])


def _insert(drafts: "Sequence[Data]") -> "Mapping[str, Data]":
    """What is recorded now, by name; nothing of those that the table refuses."""
    there: dict[str, Data] = {}
    for attempted in range(transactions.ATTEMPTS):
        try:
            there |= {data.object_name: data for data in records.insert_absent(drafts) if data}
        except Refused as error:
            # Upstream takes them one by one, so that none takes the others along.
            logger.warning("records were not inserted", reason=str(error), records=len(drafts))
            return there
        drafts = [draft for draft in drafts if draft.object_name not in there]
        if drafts:
            there |= {data.object_name: data for data in records.read_all(d.id for d in drafts).values()}
            drafts = [draft for draft in drafts if draft.object_name not in there]
        if not drafts:
            return there
        transactions.pause(attempted)
    raise StorageUnavailable("insert records", "throttled")


def _send[T](action: str, send: "Callable[[Sequence[T]], Sequence[T]]", messages: "Sequence[T]") -> None:
    left = messages
    for attempted in range(_SENDINGS):
        left = send(left)
        if not left:
            return
        transactions.pause(attempted)
    raise StorageUnavailable(action, f"{len(left)} messages were not accepted")
