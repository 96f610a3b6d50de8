"""A sync walks along the listing of a bucket and the index of a lake, both in the order of the names, and has
looked at what they do not agree on. It writes nothing itself.

What the listing lacks is counted first, and hinted in a second walk over the ranges where that is: so a pass
that would remove too much is stopped before anything is.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.errors import Hopeless
from chalicelib.jobs import scans, ways
from chalicelib.jobs.steps import Step
from chalicelib.model import keyrange, limits, moment
from chalicelib.model.data import Status
from chalicelib.model.errand import Phase
from chalicelib.model.keyrange import Span
from chalicelib.model.lake import Preprocess
from chalicelib.storage import counters, entries, keyranges, listings, records, thumbnails

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.jobs.ways import Way
    from chalicelib.model.data import Data
    from chalicelib.model.job import Job
    from chalicelib.model.keyrange import KeyRange
    from chalicelib.model.lake import Lake
    from chalicelib.model.listing import Listed
    from chalicelib.storage.entries import Entry

PAGES = 20
"""Of the listing, in one step: about as many names as one reading of the index gives. Each step is also
recorded, and looks whether there is room for another worker."""
PAGES_WITH_FILES = 8
"""The same where the file of each thumbnail is looked for. That takes a worker of 512 MB up to 4 ms each, or
30 s, and a step should take less than a minute."""

ALWAYS_REMOVED = 1000
"""Objects that may be found missing without anybody being asked."""
SHARE_REMOVED = 0.2
"""Of what is known: if no more than that is missing nobody is asked either."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of the listing and the index, up to a name."""

    end: str | None
    listed: "Sequence[Listed]"
    new: "Sequence[Listed]"
    changed: "Sequence[Listed]"
    same: "Sequence[Entry]"
    ghosts: "Sequence[Entry]"
    announced: "Sequence[Entry]"
    """Of which no object was ever seen, nor is."""


def way(lake: "Lake", job: "Job", phase: Phase) -> "Way":
    if phase is Phase.REMOVE:
        most = None if job.task["force"] else keyranges.counted(job)["ghosts"]
        return ways.over_names(lake, lambda here: _remove(lake, here, most))
    since = _waiting_since(lake, job)
    looks_for_files = lake.preprocess is not Preprocess.OFF and job.task.get("thumbnails", False)
    missing = _missing_files if looks_for_files else _none
    pages = PAGES_WITH_FILES if looks_for_files else PAGES
    dry_run = job.task["dry_run"]
    return ways.over_names(lake, lambda here: _find(lake, here.left, since, missing, pages, dry_run=dry_run))


def removals(job: "Job", ranges: "Sequence[KeyRange]") -> list[Span]:
    """What is to be walked over once more. Raises Hopeless when that must be asked for."""
    counted = keyrange.total(ranges)
    ghosts = counted["ghosts"]
    if not ghosts or job.task["dry_run"]:
        return []
    known = ghosts + counted["unchanged"] + counted["changed"] + counted["missing_thumbnails"]
    if not job.task["force"] and ghosts > max(ALWAYS_REMOVED, SHARE_REMOVED * known):
        raise Hopeless(
            f"{ghosts} of {known} objects are not in the bucket any more; "
            "nothing was removed: check the bucket, then ask again with force"
        )
    spans = [each.span for each in sorted(ranges, key=lambda each: each.span.after) if each.counts["ghosts"]]
    whole = Span(spans[0].prefix, spans[0].after, spans[-1].upto)
    return spans if len(spans) <= keyranges.MOST_SPANS else [whole]


def _find(
    lake: "Lake",
    left: Span,
    since: str | None,
    missing: "Callable[[Sequence[Entry]], Sequence[Data]]",
    pages: int,
    *,
    dry_run: bool,
) -> Step:
    found = compare(lake, left, pages)
    recorded = [each for each in found.new if scans.can_be_recorded(each)]
    waiting = entries.waiting(found.same, since=since) if since else set()
    lost = missing(found.same)
    stale = _stale(found.announced)
    names = [each.object_name for each in (*recorded, *found.changed)]
    names += [each.object_name for each in (*stale, *(same for same in found.same if same.id in waiting))]
    if not dry_run:
        scans.hint(lake, names)
        scans.look(lake, lost)
    counts = {
        "seen": len(found.listed),
        "bytes": sum(each.sight.size or 0 for each in found.listed),
        "inserted": 0,
        "unchanged": len(found.same) - len(waiting) - len(lost),
        "new": len(recorded),
        "changed": len(found.changed),
        "ghosts": len(found.ghosts),
        "missing_thumbnails": len(waiting) + len(lost),
        "stale": len(stale),
        "hinted": 0 if dry_run else len(names) + len(lost),
        "failed": len(found.new) - len(recorded),
    }
    return Step(found.end, counts)


def _remove(lake: "Lake", here: "KeyRange", most: int | None) -> Step:
    found = compare(lake, here.left, PAGES)
    if most is not None and here.counts.get("hinted", 0) + len(found.ghosts) > most:
        raise Hopeless("more objects are missing than were counted; sync again")
    scans.hint(lake, [each.object_name for each in found.ghosts])
    return Step(found.end, {"hinted": len(found.ghosts)})


def compare(lake: "Lake", left: Span, pages: int) -> Comparison:
    listing = listings.read(lake.home, left, pages=pages)
    upto = left.upto if listing.end is None else listing.end
    index = entries.read(lake, Span(left.prefix, left.after, upto))
    reached = Span(left.prefix, left.after, upto if index.end is None else index.end)
    listed = [each for each in scans.data_among(lake, listing.objects) if reached.holds(each.object_name)]
    known = {entry.object_name: entry for entry in index.found}
    pairs = [(each, known.pop(each.object_name, None)) for each in listed]
    return Comparison(
        end=listing.end if index.end is None else index.end,
        listed=listed,
        new=[each for each, entry in pairs if entry is None],
        changed=[each for each, entry in pairs if entry and _differ(entry, each)],
        same=[entry for each, entry in pairs if entry and not _differ(entry, each)],
        ghosts=[entry for entry in known.values() if entry.etag is not None],
        announced=[entry for entry in known.values() if entry.etag is None],
    )


def _differ(entry: "Entry", listed: "Listed") -> bool:
    return (entry.etag, entry.size) != (listed.sight.etag, listed.sight.size)


def _stale(announced: "Sequence[Entry]") -> "list[Entry]":
    """Those that need not be waited for any longer."""
    found = records.read_all(entry.id for entry in announced)
    return [entry for entry in announced if entry.id in found and not found[entry.id].announced]


def _missing_files(same: "Sequence[Entry]") -> "Sequence[Data]":
    """Data whose thumbnail was removed. Nothing tells of that: records are read, and files looked for."""
    batches = list(batched((entry.id for entry in same), limits.READ_BATCH, strict=False))
    found = [data for part in parallel.for_each(records.read_many, batches) for data in part.values()]
    return thumbnails.missing(data for data in found if data.live)


def _none(same: "Sequence[Entry]") -> "Sequence[Data]":
    return ()


def _waiting_since(lake: "Lake", job: "Job") -> str | None:
    """Records are read only where the counters say that some await that their bytes are looked at."""
    is_eager = lake.preprocess is Preprocess.EAGER
    if not is_eager or not counters.read(lake.id).by_status.get(Status.INDEXED):
        return None
    return moment.rfc3339(moment.now() - timedelta(seconds=job.task["patience_seconds"]))
