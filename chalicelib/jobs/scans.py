"""A scan records what a bucket lists. It writes first records only: what has one already that says something
else becomes a hint, as a listing is no more the truth than an event is."""

from itertools import batched
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.errors import Refused, StorageUnavailable
from chalicelib.jobs.steps import Step
from chalicelib.model import limits
from chalicelib.model.data import first_record
from chalicelib.model.lake import Preprocess, is_folder
from chalicelib.model.work import Work
from chalicelib.observability import logger
from chalicelib.storage import listings, queues, records, transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chalicelib.model.data import Data, Sight
    from chalicelib.model.errand import Phase
    from chalicelib.model.job import Job
    from chalicelib.model.keyrange import KeyRange, Span
    from chalicelib.model.lake import Lake
    from chalicelib.model.listing import Listed

PAGES = 8
"""Of the listing, in one step."""

_SENDINGS = 3
_OP_ID_CHARACTERS = 16


def visitor(lake: "Lake", job: "Job", phase: "Phase") -> "Callable[[KeyRange], Step]":
    # The same for every attempt: a page that comes again after a crash knows its own records.
    op_id = job.id.replace("-", "")[-_OP_ID_CHARACTERS:]
    return lambda here: _visit(lake, op_id, here.left)


def _visit(lake: "Lake", op_id: str, left: "Span") -> Step:
    listing = listings.read(lake.home, left, pages=PAGES)
    objects = data_among(lake, listing.objects)
    fitting = [each for each in objects if can_be_recorded(each)]
    there: dict[str, Data] = {}
    batches = list(batched(fitting, limits.INSERT_BATCH, strict=False))
    for found in parallel.for_each(lambda batch: _insert(lake, op_id, batch), batches):
        there |= found
    changed = [each.object_name for each in fitting if _differs(there.get(each.object_name), each.sight)]
    for name in changed:
        there.pop(name, None)
    inserted = [data for data in there.values() if data.op_id == op_id]
    if lake.preprocess is Preprocess.EAGER:
        look(lake, [data for data in inserted if not data.complete])
    hint(lake, changed)
    counts = {
        "seen": len(objects),
        "bytes": sum(each.sight.size or 0 for each in objects),
        "inserted": len(inserted),
        "unchanged": len(there) - len(inserted),
        "changed": len(changed),
        "ghosts": 0,
        "hinted": len(changed),
        "failed": len(objects) - len(fitting),
    }
    return Step(listing.end, counts)


def data_among(lake: "Lake", objects: "Iterable[Listed]") -> "list[Listed]":
    return [
        each
        for each in objects
        if lake.holds(each.object_name) and not is_folder(each.object_name, each.sight.size)
    ]


def can_be_recorded(each: "Listed") -> bool:
    """Other vendors may have longer names."""
    return len(each.object_name.encode()) <= limits.KEY_BYTES


def _differs(record: "Data | None", sight: "Sight") -> bool:
    return record is None or not record.live or (record.etag, record.size) != (sight.etag, sight.size)


def hint(lake: "Lake", names: "Sequence[str]") -> None:
    """Have these objects looked at: whatever there is to be said of them, upstream says."""
    _send("send rechecks", lambda left: queues.send_rechecks(lake.home.routing_key, left), names)


def look(lake: "Lake", data: "Iterable[Data]") -> None:
    """Have the bytes of these objects looked at."""
    _send("send preprocess", queues.send_preprocess, [Work.on(lake, each) for each in data])


def _insert(lake: "Lake", op_id: str, batch: "Sequence[Listed]") -> "Mapping[str, Data]":
    """What is recorded now, by name; nothing of those that the table refuses."""
    drafts = [first_record(lake, each.object_name, each.sight, None, op_id) for each in batch]
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
