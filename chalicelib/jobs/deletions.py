"""Forgetting of data, or deletion of its objects, by ids or by a query.

Two steps take turns: one finds the next data and writes down which, the next one does it. So a step that is
done twice finds and counts the same.
"""

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.downstream import deletions
from chalicelib.errors import AccessDenied, DeleteNotAllowed, EtagMismatch, HasNoObject, NotSupported
from chalicelib.jobs.steps import RECORDS_PER_STEP, Step
from chalicelib.model.data import Kind
from chalicelib.query import language, pages
from chalicelib.query.pages import Query
from chalicelib.storage import forgetting, records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.job import Job
    from chalicelib.model.lake import Lake

type Chosen = list[list[str]]
"""Ids, each with the etag that was seen; empty where there was none."""

_COUNTS = ("seen", "bytes", "missing", "failed")


def step(lake: "Lake", job: "Job") -> Step:
    place: dict[str, Any] = json.loads(job.position) if job.position else {"after": None}
    if "chosen" in place:
        counts = (_delete if job.task["object"] else _forget)(lake, job, place["chosen"])
        return _step(job, counts, place["after"])
    found, missing, after = _next(lake, job.task, place["after"])
    counts = {"seen": len(found), "bytes": sum(each.size or 0 for each in found), "missing": missing}
    if job.task["dry_run"] or not found:
        return _step(job, counts, after)
    return _step(job, counts, after, [[each.id, each.etag or ""] for each in found])


def _step(job: "Job", counts: dict[str, int], after: Any, chosen: Chosen | None = None) -> Step:
    progress = dict.fromkeys((*_COUNTS, _done(job)), 0) | counts
    if chosen:
        return Step(json.dumps({"after": after, "chosen": chosen}), progress)
    return Step(None if after is None else json.dumps({"after": after}), progress)


def _done(job: "Job") -> str:
    return "deleted" if job.task["object"] else "forgotten"


def _next(lake: "Lake", task: "Mapping[str, Any]", after: Any) -> "tuple[list[Data], int, Any]":
    """Data, how much of what was named is not there, and where the next begins."""
    if task["ids"] is not None:
        ids, start = list(dict.fromkeys(task["ids"])), after or 0
        end = start + RECORDS_PER_STEP
        asked = ids[start:end]
        read = records.read_all(asked)
        found = [each for each in read.values() if each.shown_in(lake.id)]
        return found, len(asked) - len(found), end if end < len(ids) else None
    query = Query(where=language.parse(task["q"], lake.metadata_schema))
    page = pages.read(lake, query, after, RECORDS_PER_STEP)
    return page.items, 0, page.end


def _forget(lake: "Lake", job: "Job", chosen: Chosen) -> dict[str, int]:
    done = forgetting.forget(lake, [data_id for data_id, _ in chosen], lambda each: _op_id(job, each))
    return {"forgotten": len(done), "missing": len(chosen) - len(done)}


def _op_id(job: "Job", data_id: str) -> str:
    """The same each time that the job forgets this data."""
    return sha256(f"{job.id}/{data_id}".encode()).hexdigest()[:16]


def _delete(lake: "Lake", job: "Job", chosen: Chosen) -> dict[str, int]:
    read = records.read_all([data_id for data_id, _ in chosen])

    def outcome(each: "Sequence[str]") -> str:
        data_id, etag = each
        data = read.get(data_id)
        if data is None or not (etag or data.kind is Kind.LINK):
            return "missing"
        try:
            deletions.delete(lake, data, etag)
        except (AccessDenied, DeleteNotAllowed, EtagMismatch, HasNoObject, NotSupported):
            return "failed"
        return "deleted"

    outcomes = parallel.for_each(outcome, chosen)
    return {name: outcomes.count(name) for name in ("deleted", "missing", "failed")}
