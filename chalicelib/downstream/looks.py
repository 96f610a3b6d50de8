"""Bytes that are looked at when somebody asks for them: those of a lazy lake, and those whose thumbnail was
removed.

Who asks for data gets it as it is, and what is still to be known of it soon after. Many may ask for one thing
at once, and again and again until it is there; the first one notes that he did, and the others leave it to
him.
"""

from itertools import batched
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.downstream.targets import Courier
from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits, moment
from chalicelib.model.data import Kind
from chalicelib.model.lake import Preprocess
from chalicelib.model.work import Work
from chalicelib.observability import logger
from chalicelib.storage import queues, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake


def ask(lake: "Lake", found: "Iterable[Data]") -> None:
    """Have the bytes looked at of all data that is shown and that nobody has asked for yet, where the lake
    waits for that. What cannot be asked for now is when it is shown again."""
    if lake.preprocess is Preprocess.LAZY:
        _ask(lake, [data for data in found if not data.complete])


def ask_again(lake: "Lake", data: "Data") -> None:
    """Have a thumbnail made that was there before."""
    _ask(lake, [data])


def _ask(lake: "Lake", found: "Sequence[Data]") -> None:
    now = int(moment.now().timestamp())
    fresh = [data for data in found if (data.asked_at or 0) <= now - limits.ASKED_SECONDS]
    try:
        _note(_send(lake, _note(fresh, now)), None)
    except StorageUnavailable as error:
        logger.warning("looks were not asked for", lake_id=lake.id, reason=str(error), records=len(fresh))


def _note(found: "Sequence[Data]", at: int | None) -> "list[Data]":
    batches = list(batched(found, limits.INSERT_BATCH, strict=False))
    noted = parallel.for_each(lambda batch: records.note_asked(batch, at), batches)
    return [data for part in noted for data in part]


def _send(lake: "Lake", found: "Sequence[Data]") -> "list[Data]":
    """Answers those that were not accepted."""
    links = [data for data in found if data.kind is Kind.LINK]
    asked = Courier(lake.organization).fetch(links) if links else set()
    objects = {Work.on(lake, data): data for data in found if data.kind is Kind.OBJECT}
    try:
        left = queues.send_preprocess(list(objects))
    except StorageUnavailable as error:
        logger.warning("preprocess was not asked", reason=str(error), records=len(objects))
        left = list(objects)
    return [link for link in links if link.id not in asked] + [objects[work] for work in left]
