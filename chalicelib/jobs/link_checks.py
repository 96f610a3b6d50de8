"""Whether what links point to is still there, and still the same. Others look; here that is asked for, waited
for and counted."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.downstream.targets import Courier
from chalicelib.jobs.steps import Step
from chalicelib.model import moment
from chalicelib.model.data import Health, Kind, Status
from chalicelib.model.lake import Preprocess
from chalicelib.query import fields, language, pages
from chalicelib.query.pages import Query
from chalicelib.query.tree import Clause, Operator, conjoin
from chalicelib.storage import records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.job import Job
    from chalicelib.model.lake import Lake
    from chalicelib.query.tree import Tree

    type _Links = tuple[Sequence[Data], int, str | None]
    """Some links, how many others there are none of, and where more are found."""

LINKS_PER_STEP = 200
"""Their ids must find room in the job."""

PAUSE_SECONDS = 2
PATIENCE_SECONDS = 900
"""How long links of one step are waited for; those of which nothing is known by then count as failed."""

_SKEW_SECONDS = 1
"""By which clocks differ."""


@dataclass(frozen=True, slots=True)
class _Position:
    after: str | None = None
    """Where the next links are found."""
    is_last: bool = False
    awaited: "Sequence[str]" = field(default_factory=list)
    """Links that were asked for."""
    since: str = ""
    until: str = ""


def step(lake: "Lake", job: "Job") -> Step:
    position = _Position(**json.loads(job.position)) if job.position else _Position()
    return _wait(lake, position) if position.awaited else _ask(lake, job, position)


def _ask(lake: "Lake", job: "Job", position: _Position) -> Step:
    if position.is_last:
        return Step(None)
    found, missing, after = (_listed if "ids" in job.task else _queried)(lake, job, position.after)
    now = moment.now()
    courier = Courier(lake.organization)
    fetched = found if lake.preprocess is Preprocess.EAGER else []
    waiting = [link for link in fetched if not link.complete]
    lost = [link for link in fetched if link.status is Status.FAILED and link.health is Health.DEAD]
    there = [link for link in found if link not in waiting and link not in lost]
    asked = courier.fetch(waiting) | courier.fetch_again(lost) | courier.look(there)
    ahead = _Position(
        after=after,
        is_last=after is None,
        awaited=sorted(asked),
        since=moment.rfc3339(now - timedelta(seconds=_SKEW_SECONDS)),
        until=moment.rfc3339(now + timedelta(seconds=PATIENCE_SECONDS)),
    )
    progress = {"seen": len(found) + missing, "missing": missing, "failed": len(found) - len(asked)}
    return _ahead(ahead, progress)


def _wait(lake: "Lake", position: _Position) -> Step:
    found = records.read_all(position.awaited)
    seen = {data_id: _verdict(lake, found.get(data_id), position.since) for data_id in position.awaited}
    progress = Counter(verdict for verdict in seen.values() if verdict)
    left = [data_id for data_id, verdict in seen.items() if not verdict]
    if left and moment.rfc3339(moment.now()) > position.until:
        progress["failed"] += len(left)
        left = []
    return _ahead(replace(position, awaited=left), progress)


def _ahead(position: _Position, progress: "Mapping[str, int]") -> Step:
    if position.awaited:
        return Step(json.dumps(asdict(position)), progress, PAUSE_SECONDS)
    return Step(None if position.is_last else json.dumps(asdict(position)), progress)


def _verdict(lake: "Lake", link: "Data | None", since: str) -> str | None:
    """None: nobody has looked yet."""
    if link is None or not link.live:
        return "missing"
    is_settled = link.complete or lake.preprocess is not Preprocess.EAGER
    is_seen = link.checked_at is not None and link.checked_at >= since
    return link.health if is_settled and is_seen else None


def _listed(lake: "Lake", job: "Job", after: str | None) -> "_Links":
    start = int(after or 0)
    asked = list(dict.fromkeys(job.task["ids"]))
    part = asked[start : start + LINKS_PER_STEP]
    found = records.read_all(part)
    links = [data for data in found.values() if data.live and data.lake_id == lake.id]
    end = start + len(part)
    return _of_kind(links), len(part) - len(links), str(end) if end < len(asked) else None


def _queried(lake: "Lake", job: "Job", after: str | None) -> "_Links":
    conditions: list[Tree] = [Clause(fields.KIND, Operator.EQUAL, (Kind.LINK.value,))]
    if "q" in job.task:
        conditions.append(language.parse(job.task["q"], lake.metadata_schema))
    page = pages.read(lake, Query(where=conjoin(conditions)), after, LINKS_PER_STEP)
    return page.items, 0, page.end


def _of_kind(found: "Sequence[Data]") -> "list[Data]":
    return [data for data in found if data.kind is Kind.LINK]
