"""Tagging and editing of all data that a query finds, in the order of its creation. Data that comes to fulfil
the query meanwhile may be among it or not."""

from typing import TYPE_CHECKING, Any

from chalicelib.jobs.steps import RECORDS_PER_STEP, Step
from chalicelib.model.edit import Edit
from chalicelib.query import language, pages
from chalicelib.query.pages import Query
from chalicelib.storage import edits, taggings
from chalicelib.storage.edits import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.model.job import Job
    from chalicelib.model.lake import Lake


def step(lake: "Lake", job: "Job") -> Step:
    query = Query(where=language.parse(job.task["q"], lake.metadata_schema))
    page = pages.read(lake, query, job.position, RECORDS_PER_STEP)
    progress = _change(lake, job.task, [data.id for data in page.items])
    return Step(page.end, {"seen": len(page.items), **progress})


def _change(lake: "Lake", task: "Mapping[str, Any]", ids: "Sequence[str]") -> dict[str, int]:
    if "edit" in task:
        edited = edits.apply(lake, Edit(**task["edit"]), ids)
        outcomes = [each.outcome for each in edited]
        return {
            "changed": outcomes.count(Outcome.CHANGED),
            "missing": outcomes.count(Outcome.MISSING),
            "failed": outcomes.count(Outcome.REFUSED),
        }
    retag = taggings.attach if "attach" in task else taggings.detach
    tags = frozenset(task["attach"] if "attach" in task else task["detach"])
    outcome = retag(lake.id, tags, ids)
    return {
        "changed": len(outcome.changed),
        "missing": len(outcome.missing),
        "failed": len(outcome.full),
    }
