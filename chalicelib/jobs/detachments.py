"""A label that was deleted is taken off all data that has it.

Its name is free and shown nowhere from the deletion on, so nobody waits for this.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.jobs.steps import RECORDS_PER_STEP, Step
from chalicelib.model.edit import Edit
from chalicelib.model.label import Label, LabelKind
from chalicelib.query import fields, pages
from chalicelib.query.pages import Query
from chalicelib.query.tree import Clause, Operator
from chalicelib.storage import edits, labels, members, records, taggings
from chalicelib.storage.edits import Outcome
from chalicelib.storage.records import Order

if TYPE_CHECKING:
    from chalicelib.model.data import Data
    from chalicelib.model.job import Job
    from chalicelib.model.lake import Lake


def step(lake: "Lake", job: "Job") -> Step:
    label = Label(**{**job.task, "kind": LabelKind(job.task["kind"])})
    # Whoever began the job deletes it, too, but may have been interrupted.
    labels.delete(lake.id, label)
    return (_untag if label.kind is LabelKind.TAG else _unsource)(lake, label, job.position)


def _untag(lake: "Lake", tag: Label, after: str | None) -> Step:
    low, high = records.span(Order.CREATED_AT)
    found = members.positions(lake, [tag.id], (after or low, high), descending=False, limit=RECORDS_PER_STEP)
    outcome = taggings.purge(lake, tag.id, found)
    is_last = len(found) < RECORDS_PER_STEP
    return Step(None if is_last else found[-1][0], {"seen": len(found), "changed": len(outcome.changed)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaving(Edit):
    source: str

    def apply(self, data: "Data") -> "Data":
        """Unless it has another one by now."""
        return replace(data, source=None) if data.source == self.source else data


def _unsource(lake: "Lake", source: Label, after: str | None) -> Step:
    query = Query(where=Clause(fields.SOURCE_ID, Operator.EQUAL, (source.id,)))
    page = pages.read(lake, query, after, RECORDS_PER_STEP)
    edited = edits.apply(lake, _Leaving(source=source.id), [data.id for data in page.items])
    changed = sum(each.outcome is Outcome.CHANGED for each in edited)
    return Step(page.end, {"seen": len(edited), "changed": changed})
