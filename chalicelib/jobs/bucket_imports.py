"""Objects that are in a lake's bucket already become data, with what is said of them: all below some
prefixes, or those that a manifest names.

What names an object is a hint: a line of a manifest may be days old. So each is looked for in the bucket
first, and what is found there is as good as what a scan lists.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from chalicelib.downstream import remarks, sayings
from chalicelib.downstream.remarks import Remark
from chalicelib.downstream.sayings import Saying
from chalicelib.imports import report
from chalicelib.imports.report import Outcome
from chalicelib.jobs import manifests, scans, syncs, ways
from chalicelib.jobs.manifests import Portion, Wanted, failure
from chalicelib.jobs.steps import Step
from chalicelib.jobs.ways import Way
from chalicelib.model import limits
from chalicelib.model.data import first_record
from chalicelib.model.edit import Edit
from chalicelib.model.errand import Phase, walk_of
from chalicelib.model.keyrange import Span
from chalicelib.model.label import LabelKind
from chalicelib.model.lake import is_folder
from chalicelib.model.manifest import Format, Manifest
from chalicelib.storage import keyranges, labels, listings, records, sheets, sightings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from chalicelib.imports.report import Entry
    from chalicelib.model.data import Data, Sight
    from chalicelib.model.job import Job
    from chalicelib.model.keyrange import KeyRange
    from chalicelib.model.lake import Lake

_OP_ID_CHARACTERS = 16

_NOTHING = dict.fromkeys(
    ("seen", "bytes", "new", "inserted", "unchanged", "changed", "hinted", "edited", "taggings"), 0
)
"""What a dry run counts."""


@dataclass(frozen=True, slots=True)
class _Object:
    """One that is there, and what is to be said of it."""

    wanted: Wanted
    sight: "Sight"
    edit: Edit
    tags: frozenset[str]

    @property
    def name(self) -> str:
        return self.wanted.object_name

    @property
    def is_spoken_of(self) -> bool:
        return bool(self.tags) or self.edit != Edit()


@dataclass(frozen=True, slots=True)
class _Import:
    lake: "Lake"
    job_id: str
    saying: Saying
    """Of every object."""
    dry_run: bool


def way(lake: "Lake", job: "Job", phase: "Phase") -> Way:
    task = job.task
    errand = _Import(lake, job.id, Saying(tags=task["tags"], source=task["source"]), task["dry_run"])
    if task["manifest"]:
        source = manifests.open_manifest(lake, job)
        return Way([Span("")], lambda here: _visit(errand, here, source.read(here)), source.cut)
    if errand.dry_run:
        return ways.over_names(lake, partial(_foresee_range, errand), task["prefixes"])
    return ways.over_names(lake, partial(_visit_range, errand), task["prefixes"])


def end(job: "Job") -> None:
    """All failures are reported, as far as it is known in which row they are. Of a dry run that has none
    nothing is written."""
    bodies = _bodies(job)
    first = next(bodies, None)
    if first is not None or not job.task["dry_run"]:
        sheets.join(job.id, report.head(), [first or b"", *bodies])


def _bodies(job: "Job") -> "Iterator[bytes]":
    written: dict[str, list[str]] = {}
    for name in sheets.parts(job.id)[: limits.REPORTED_STEPS]:
        written.setdefault(name.partition("/")[0], []).append(name)
    lines, counts_lines = 0, _counts_lines(job)
    for each in _in_order(job):
        # What comes after the last step that was recorded, no such step wrote.
        recorded = [name for name in written.get(each.id, ()) if name < _part(each.id, each.step)]
        for body in sheets.read_parts(job.id, recorded):
            yield report.shifted(body, lines) if lines else body
        if counts_lines and not each.done:
            return
        lines += each.counts.get("lines", 0) if counts_lines else 0


def _part(range_id: str, step: int) -> str:
    return f"{range_id}/{step:09}.csv"


def _in_order(job: "Job") -> "list[KeyRange]":
    ranges = keyranges.of_walk(walk_of(job, Phase.FIND))
    return sorted(ranges, key=lambda each: (each.family, each.span.after))


def _counts_lines(job: "Job") -> bool:
    """Whether a worker knows of a line only which one it is of its range."""
    manifest = job.task["manifest"]
    return bool(manifest) and Manifest.read(manifest).format in (Format.TEXT, Format.JSONL)


def _visit_range(errand: _Import, here: "KeyRange") -> Step:
    listing = listings.read(errand.lake.home, here.left, pages=scans.PAGES)
    among = scans.data_among(errand.lake, listing.objects)
    wanted = [Wanted(each.object_name, Saying(), 0, each.sight) for each in among]
    failed = [_too_long(each) for each in wanted if _is_too_long(each)]
    objects = _resolve(errand, [each for each in wanted if not _is_too_long(each)])
    return _end_step(errand, here, listing.end, _make(errand, here, objects, failed), failed)


def _foresee_range(errand: _Import, here: "KeyRange") -> Step:
    found = syncs.compare(errand.lake, here.left, syncs.PAGES)
    failed = [
        _too_long(Wanted(each.object_name, Saying(), 0))
        for each in found.new
        if not scans.can_be_recorded(each)
    ]
    seen = len(found.listed) - len(failed)
    counts = _NOTHING | {
        "seen": seen,
        "bytes": sum(each.sight.size or 0 for each in found.listed),
        "new": len(found.new) - len(failed),
        "unchanged": len(found.same),
        "changed": len(found.changed),
        "taggings": seen * len(errand.saying.tags),
    }
    return _end_step(errand, here, found.end, counts, failed)


def _visit(errand: _Import, here: "KeyRange", portion: Portion) -> Step:
    wanted = _merged(portion.wanted)
    failed = list(portion.failed)
    there = _look(errand, wanted, failed)
    objects = _resolve(errand, there)
    made = _foresee(errand, objects, failed) if errand.dry_run else _make(errand, here, objects, failed)
    counts = made | {
        "lines": portion.lines,
        "repeated": len(portion.wanted) - len(wanted),
        **({"skipped": portion.skipped} if portion.skipped else {}),
        **({"unclosed": portion.unclosed} if portion.unclosed else {}),
    }
    if portion.place:
        failed = [replace(each, detail=each.detail + portion.place) for each in failed]
    return _end_step(errand, here, portion.end, counts, failed)


def _end_step(
    errand: _Import,
    here: "KeyRange",
    end: str | None,
    counts: "Mapping[str, int]",
    entries: "Sequence[Entry]",
) -> Step:
    """The same step, done again, reports in the same place."""
    if entries:
        told = sorted(entries, key=lambda entry: entry.row)
        sheets.put_part(errand.job_id, _part(here.id, here.step), report.text(told))
    failed = sum(entry.outcome is Outcome.FAILED for entry in entries)
    return Step(end, {**counts, "failed": failed})


def _merged(wanted: "Sequence[Wanted]") -> list[Wanted]:
    """Each object once, where it is named first, with all that is said of it."""
    found: dict[str, Wanted] = {}
    for each in wanted:
        before = found.get(each.object_name)
        if before is None:
            found[each.object_name] = each
        else:
            saying = before.saying.and_then(each.saying)
            found[each.object_name] = replace(before, saying=saying, sight=before.sight or each.sight)
    return list(found.values())


def _look(errand: _Import, wanted: "Sequence[Wanted]", failed: "list[Entry]") -> list[Wanted]:
    """Those that are in the bucket, as they are, and can be data of the lake."""
    lake = errand.lake
    possible: list[Wanted] = []
    for each in wanted:
        if _is_too_long(each):
            failed.append(_too_long(each))
        elif not lake.holds(each.object_name):
            failed.append(failure(each.row, each.object_name, "outside", manifests.outside(lake)))
        else:
            possible.append(each)
    seen = sightings.look(lake.home, (each.object_name for each in possible if each.sight is None))
    there: list[Wanted] = []
    for each in possible:
        sight = each.sight or seen[each.object_name]
        if sight is None:
            failed.append(failure(each.row, each.object_name, "not_found", "there is no such object"))
        elif is_folder(each.object_name, sight.size):
            failed.append(failure(each.row, each.object_name, "folder", "an empty folder is no data"))
        else:
            there.append(replace(each, sight=sight))
    return there


def _is_too_long(wanted: Wanted) -> bool:
    return manifests.is_too_long(wanted.object_name)


def _too_long(wanted: Wanted) -> "Entry":
    return failure(wanted.row, wanted.object_name[: limits.KEY_BYTES], *manifests.TOO_LONG)


def _resolve(errand: _Import, wanted: "Sequence[Wanted]") -> list[_Object]:
    """What is to be said of each, with the labels of these names."""
    said = [(each, errand.saying.and_then(each.saying)) for each in wanted]
    tags = _ids(errand, LabelKind.TAG, (name for _, saying in said for name in saying.tags))
    sources = _ids(errand, LabelKind.SOURCE, (saying.source for _, saying in said if saying.source))
    return [
        _Object(each, each.sight, saying.edit(sources), frozenset(tags[name] for name in saying.tags))
        for each, saying in said
        if each.sight
    ]


def _ids(errand: _Import, kind: LabelKind, given: "Iterable[str]") -> "Mapping[str, str]":
    """By the names. In a dry run a label that there is not has its name for one."""
    names = dict.fromkeys(given)
    if not names:
        return {}
    find = labels.find if errand.dry_run else labels.get_or_create_all
    found = find(errand.lake.id, kind, names)
    return {name: found[name].id if name in found else name for name in names}


def _make(
    errand: _Import, here: "KeyRange", objects: "Sequence[_Object]", failed: "list[Entry]"
) -> dict[str, int]:
    """Record them, and what is said of them. Whoever does the step again knows what was done before."""
    op_id = _op_id(errand, here)
    drafts = {each.name: _draft(errand, each, op_id) for each in objects}
    # With what is recorded already it may be none.
    doubtful = [each for each in objects if _mistake(errand, drafts[each.name], each)]
    known = _known(errand, doubtful)
    unfit: set[str] = set()
    for each in doubtful:
        if mistake := _mistake(errand, known.get(each.name, drafts[each.name]), each):
            failed.append(failure(each.wanted.row, each.name, *mistake))
            unfit.add(each.name)
    fit = [each for each in objects if each.name not in unfit]
    recorded = scans.record([_said(drafts[each.name], each, op_id) for each in fit])
    spoken_of = [
        Remark(each.name, each.sight, recorded.there.get(each.name), each.edit, each.tags)
        for each in fit
        if each.is_spoken_of
    ]
    remarked = remarks.write(errand.lake, spoken_of, op_id)
    rows = {each.name: each.wanted.row for each in fit}
    failed += [failure(rows[name], name, *mistake) for name, mistake in remarked.mistakes.items()]
    scans.dispatch(errand.lake, recorded)
    return {
        "seen": len(fit),
        "bytes": sum(each.sight.size or 0 for each in fit),
        "inserted": len(recorded.inserted),
        "unchanged": len(fit) - len(recorded.inserted) - len(recorded.changed),
        "changed": len(recorded.changed),
        "hinted": len(recorded.changed),
        "edited": len(remarked.changed),
    }


def _op_id(errand: _Import, here: "KeyRange") -> str:
    """Of this step, in every attempt, and of no other: an object may be named in two of them."""
    step = f"{errand.job_id}#{here.id}#{here.position}"
    return hashlib.sha256(step.encode()).hexdigest()[:_OP_ID_CHARACTERS]


def _draft(errand: _Import, each: _Object, op_id: str) -> "Data":
    return first_record(errand.lake, each.name, each.sight, None, op_id)


def _said(draft: "Data", each: _Object, op_id: str) -> "Data":
    """Its tags are written with their taggings, when it is known that this is the record."""
    if each.edit == Edit():
        return draft
    return replace(sayings.added(draft, each.edit, frozenset()), edit_id=op_id)


def _mistake(errand: _Import, base: "Data", each: _Object) -> tuple[str, str] | None:
    if not each.is_spoken_of:
        return None
    after = sayings.added(base, each.edit, each.tags)
    return sayings.mistake_in(errand.lake, base, after, each.edit)


def _known(errand: _Import, objects: "Sequence[_Object]") -> "dict[str, Data]":
    """The records of those that people see."""
    found = records.read_all(errand.lake.data_id(each.name) for each in objects)
    return {data.object_name: data for data in found.values() if data.shown}


def _foresee(errand: _Import, objects: "Sequence[_Object]", failed: "list[Entry]") -> dict[str, int]:
    known = _known(errand, objects)
    counts = Counter(_NOTHING)
    for each in objects:
        there = known.get(each.name)
        if mistake := _mistake(errand, there or _draft(errand, each, ""), each):
            failed.append(failure(each.wanted.row, each.name, *mistake))
            continue
        same = there and there.live and (there.etag, there.size) == (each.sight.etag, each.sight.size)
        counts["unchanged" if same else "changed" if there else "new"] += 1
        counts["seen"] += 1
        counts["bytes"] += each.sight.size or 0
        counts["taggings"] += len(each.tags)
    return dict(counts)
