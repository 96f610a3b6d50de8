"""What rows of a CSV file ask for, foreseen and done. Doing it again changes nothing more."""

import hashlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.downstream import allowances, links, uploads
from chalicelib.downstream.allowances import Allowance
from chalicelib.downstream.links import LinkDraft
from chalicelib.downstream.outcomes import IfExists, IfLinked, OutcomeKind
from chalicelib.downstream.uploads import Announcement
from chalicelib.errors import AccessDenied, ContentChanged, StorageUnavailable
from chalicelib.formats import signatures
from chalicelib.imports.items import content_type_of, decode
from chalicelib.imports.report import Entry, Outcome
from chalicelib.model import upload
from chalicelib.model.edit import Edit, differ
from chalicelib.model.fetch import Fetch
from chalicelib.model.label import LabelKind, fold
from chalicelib.model.sheet import Action, Mode
from chalicelib.storage import buckets, labels, quarantine, queues, records

if TYPE_CHECKING:
    from collections.abc import Container, Hashable, Iterator, Mapping, Sequence

    from chalicelib.downstream.outcomes import Outcome as Done
    from chalicelib.imports.items import Item
    from chalicelib.model.data import Data
    from chalicelib.model.fetch import Arrival
    from chalicelib.model.label import Label
    from chalicelib.model.lake import Lake

check_url = links.check_url

_DONE = (Outcome.CREATED, Outcome.UPDATED)


@dataclass(frozen=True, slots=True)
class Errand:
    """What is the same for all rows of a step."""

    lake: "Lake"
    job_id: str
    number: int
    """Of the step, among those that do rows."""
    folder: str
    """Of the items, with its `/`."""
    mode: Mode
    foreseen: int = 0
    """Items that earlier steps would have created, had they not been of a dry run."""

    def object_name(self, item: "Item") -> str:
        return f"{self.lake.prefix}{self.folder}{item.name}"

    def quarantine_key(self, item: "Item") -> str:
        return f"{self.job_id}/{self.number}/{item.line}"


def foresee(errand: Errand, items: "Sequence[Item]", arrivals: "Mapping[int, Arrival]") -> list[Entry]:
    """What would become of each, in their order, by what has come of those that were fetched. Changes
    nothing."""
    allowance = Allowance.of(errand.lake, errand.foreseen)
    linked = [item for item in items if item.action is Action.LINK]
    found = dict(_foresee_links(errand, linked, allowance))
    uploaded = [item for item in items if item.action is Action.UPLOAD]
    found |= _foresee_objects(errand, uploaded, arrivals, allowance)
    return [found[item.line] for item in items]


def to_fetch(items: "Sequence[Item]", foreseen: "Sequence[Entry]") -> "list[Item]":
    """Those whose bytes lie elsewhere, and are wanted."""
    return [item for item in _to_do(items, foreseen) if item.action is Action.UPLOAD and item.url]


def fetch(errand: Errand, items: "Sequence[Item]") -> None:
    # Who is still at an earlier step is done with it, but somebody else may be at this one.
    quarantine.empty(f"{errand.job_id}/{errand.number - 1}/")
    fetches = [Fetch(str(item.url), errand.quarantine_key(item)) for item in items]
    if queues.send_fetches(fetches):
        raise StorageUnavailable("send fetches", "some were not accepted")


def arrivals(errand: Errand, items: "Sequence[Item]") -> "dict[int, Arrival]":
    """What came of those that were fetched, by line. Others may still come."""
    looked = parallel.for_each(lambda item: quarantine.look(errand.quarantine_key(item)), items)
    return {item.line: arrival for item, arrival in zip(items, looked, strict=True) if arrival}


def clear(job_id: str) -> None:
    """Nothing that was fetched for the job is needed any more."""
    quarantine.empty(f"{job_id}/")


def place(
    errand: Errand,
    items: "Sequence[Item]",
    foreseen: "Sequence[Entry]",
    arrivals: "Mapping[int, Arrival]",
) -> list[Entry]:
    """Do what was foreseen. Answers what became of each: that, or a failure that nobody could foresee."""
    wanted = _to_do(items, foreseen)
    failed: dict[int, Entry] = {}
    replaced = {entry.row for entry in foreseen if entry.outcome is Outcome.UPDATED}
    for wave in _waves([item for item in wanted if item.action is Action.LINK]):
        failed |= _create_links(errand, wave)
    failed |= _create_objects(
        errand, [item for item in wanted if item.action is Action.UPLOAD], arrivals, replaced
    )
    return [failed.get(entry.row, entry) for entry in foreseen]


def _to_do(items: "Sequence[Item]", foreseen: "Sequence[Entry]") -> "list[Item]":
    return [item for item, entry in zip(items, foreseen, strict=True) if entry.outcome in _DONE]


def _waves(items: "Sequence[Item]") -> "Iterator[list[Item]]":
    """In each of them every link is there once, and what comes later in the file comes in a later one."""
    met: Counter[Hashable] = Counter()
    waves: dict[int, list[Item]] = {}
    for item in items:
        waves.setdefault(met[_link_key(item)], []).append(item)
        met[_link_key(item)] += 1
    return iter(waves.values())


def _link_key(item: "Item") -> "Hashable":
    return item.name, item.url


def _draft(errand: Errand, item: "Item") -> LinkDraft:
    return LinkDraft(
        url=str(item.url),
        name=item.name,
        folder=errand.lake.prefix + errand.folder,
        mimetype=item.mimetype,
        tags=item.tags,
        source=item.source,
        metadata=item.metadata,
        custom_metadata=item.custom_metadata,
        description=item.description,
    )


def _foresee_links(
    errand: Errand, items: "Sequence[Item]", allowance: Allowance
) -> "Iterator[tuple[int, Entry]]":
    """A row that cannot be a link is passed over: the next one about the same may well be."""
    while items:
        fresh: dict[Hashable, Item] = {}
        for item in items:
            fresh.setdefault(_link_key(item), item)
        void: set[Hashable] = set()
        drafts = [_draft(errand, item) for item in fresh.values()]
        outcomes = links.foresee(errand.lake, drafts, IfLinked(errand.mode), allowance)
        for (thing, item), done in zip(fresh.items(), outcomes, strict=True):
            yield item.line, _entry(errand, item, done)
            if done.kind is OutcomeKind.FAILED and done.data is None:
                void.add(thing)
        yield from _foresee_repeated(errand, [item for item in items if _link_key(item) not in void])
        items = [item for item in items if _link_key(item) in void and item is not fresh[_link_key(item)]]


def _create_links(errand: Errand, items: "Sequence[Item]") -> dict[int, Entry]:
    """Those that failed, by line."""
    if_exists = IfLinked.UPDATE if errand.mode is Mode.UPDATE else IfLinked.SKIP
    outcomes = links.create(errand.lake, [_draft(errand, item) for item in items], if_exists)
    return dict(_failures(errand, items, outcomes))


def _failures(
    errand: Errand, items: "Sequence[Item]", outcomes: "Sequence[Done]"
) -> "Iterator[tuple[int, Entry]]":
    """Raises StorageUnavailable when one may succeed the next time."""
    for item, done in zip(items, outcomes, strict=True):
        if done.retryable:
            raise StorageUnavailable("place row", done.detail)
        if done.kind is OutcomeKind.FAILED:
            yield item.line, _entry(errand, item, done)


def _entry(errand: Errand, item: "Item", done: "Done") -> Entry:
    name = item.name or ""
    if done.data:
        name = done.data.object_name.removeprefix(errand.lake.prefix + errand.folder)
    if done.kind is OutcomeKind.OK:
        return Entry(item.line, name, Outcome.CREATED if done.created else Outcome.UPDATED)
    outcome = Outcome.SKIPPED if done.kind is OutcomeKind.SKIPPED else Outcome.FAILED
    return Entry(item.line, name, outcome, done.code or "", done.detail or "")


def _foresee_repeated(errand: Errand, items: "Sequence[Item]") -> "Iterator[tuple[int, Entry]]":
    """What rows do that are about the same link as an earlier one of the step, by line."""
    first: dict[Hashable, Item] = {}
    said: dict[Hashable, dict[Hashable, object]] = {}
    for item in items:
        thing, says = _link_key(item), _sayings(item)
        if earlier := first.get(thing):
            is_new = not says.items() <= said[thing].items()
            yield item.line, _repeated(errand, item, earlier, is_new=is_new)
        else:
            first[thing], said[thing] = item, {}
        said[thing] |= says


def _repeated(errand: Errand, item: "Item", earlier: "Item", *, is_new: bool) -> Entry:
    told = f"row {earlier.line} is about the same"
    if errand.mode is Mode.ERROR:
        return Entry(item.line, item.name or "", Outcome.FAILED, "conflict", told)
    if errand.mode is Mode.SKIP or not is_new:
        return Entry(item.line, item.name or "", Outcome.SKIPPED, "exists", told)
    return Entry(item.line, item.name or "", Outcome.UPDATED)


def _sayings(item: "Item") -> "dict[Hashable, object]":
    """All that the row says, by what it says it of."""
    said: dict[Hashable, object] = {
        "description": item.description,
        "source": item.source and fold(item.source),
        **{("tag", fold(tag)): True for tag in item.tags},
        # To Python 1 and True are equal.
        **{("custom_metadata", key): repr(value) for key, value in item.custom_metadata.items()},
        **{("metadata", key): repr(value) for key, value in item.metadata.items()},
    }
    return {name: value for name, value in said.items() if value}


def _foresee_objects(
    errand: Errand, items: "Sequence[Item]", arrivals: "Mapping[int, Arrival]", allowance: Allowance
) -> "Iterator[tuple[int, Entry]]":
    found = records.read_all(errand.lake.data_id(errand.object_name(item)) for item in items)
    there = {item.line: found.get(errand.lake.data_id(errand.object_name(item))) for item in items}
    live = {line for line, data in there.items() if data and data.live}
    held = live | _held(errand, [item for item in items if item.line not in live])
    tags, sources = _labels(errand.lake, items)
    for item in items:
        if mistake := upload.mistake_in_name(errand.lake, errand.object_name(item)):
            yield item.line, Entry(item.line, item.name or "", Outcome.FAILED, "invalid_name", mistake)
            continue
        data, is_there = there[item.line], item.line in held
        says_more = (
            errand.mode is Mode.UPDATE
            and is_there
            and (
                data is None
                or _says_more(item, data, tags, sources)
                or _has_other_bytes(errand, item, data, arrivals.get(item.line))
            )
        )
        entry = _foresee_object(errand, item, is_there=is_there, says_more=says_more)
        if entry.outcome in _DONE:
            added = uploads.addition(data, _size(item, arrivals))
            if not allowance.grants(errand.lake.data_id(errand.object_name(item)), *added):
                entry = Entry(item.line, item.name or "", Outcome.FAILED, *allowances.REFUSAL)
        yield item.line, entry


def _held(errand: Errand, items: "Sequence[Item]") -> set[int]:
    """The lines of those whose objects S3 has, whether the index knows of them or not."""
    if not items:
        return set()
    home = errand.lake.home
    buckets.confirm(home)
    held = parallel.for_each(lambda item: buckets.holds(home, errand.object_name(item)), items)
    return {item.line for item, is_held in zip(items, held, strict=True) if is_held}


def _foresee_object(errand: Errand, item: "Item", *, is_there: bool, says_more: bool) -> Entry:
    name = item.name or ""
    if not is_there:
        return Entry(item.line, name, Outcome.CREATED)
    if errand.mode is Mode.ERROR:
        return Entry(item.line, name, Outcome.FAILED, "conflict", "there is an object of this name")
    if says_more:
        return Entry(item.line, name, Outcome.UPDATED)
    return Entry(item.line, name, Outcome.SKIPPED, "exists")


def _labels(lake: "Lake", items: "Sequence[Item]") -> "tuple[Mapping[str, Label], Mapping[str, Label]]":
    """Those tags and sources of the items that exist, by their names."""
    tags = {name for item in items for name in item.tags}
    sources = {item.source for item in items if item.source}
    return labels.find(lake.id, LabelKind.TAG, tags), labels.find(lake.id, LabelKind.SOURCE, sources)


def _says_more(
    item: "Item", there: "Data", tags: "Mapping[str, Label]", sources: "Mapping[str, Label]"
) -> bool:
    """Whether the row has other things to say of the object."""
    if not all(name in tags and tags[name].id in there.tags for name in item.tags):
        return True
    texts = {"description": item.description} if item.description else {}
    if item.source:
        texts["source"] = sources[item.source].id if item.source in sources else "?"
    edit = Edit(metadata=item.metadata, custom_metadata=item.custom_metadata, texts=texts)
    return differ(there, edit.apply(there))


def _has_other_bytes(errand: Errand, item: "Item", there: "Data", arrival: "Arrival | None") -> bool:
    """Those that lie elsewhere may be others until they have come."""
    if item.url and (arrival is None or arrival.reason or arrival.size != there.size):
        return True
    own = quarantine.etag(errand.quarantine_key(item)) if item.url else _etag(decode(item.encoded))
    if there.live:
        return own != there.etag
    # What the index waits for S3 has already.
    sight = buckets.look(errand.lake.home, errand.object_name(item))
    return sight is None or own != sight.etag


def _create_objects(
    errand: Errand, items: "Sequence[Item]", arrivals: "Mapping[int, Arrival]", replaced: "Container[int]"
) -> dict[int, Entry]:
    """Those that failed, by line. Each has its record before its bytes, so that no event comes first."""
    failed: dict[int, Entry] = {}
    types: dict[int, str] = {}
    for item in items:
        with _noting(failed, item):
            types[item.line] = _type(errand, item, arrivals)
    left = [item for item in items if item.line in types]
    drafts = [_announcement(errand, item, types[item.line], arrivals) for item in left]
    failed |= _failures(errand, left, uploads.announce(errand.lake, drafts, IfExists.OVERWRITE))
    for item in left:
        if item.line not in failed:
            with _noting(failed, item):
                _put(errand, item, types[item.line], replaces=item.line in replaced)
    return failed


@contextmanager
def _noting(failed: dict[int, Entry], item: "Item") -> "Iterator[None]":
    try:
        yield
    except _Unplaceable as error:
        failed[item.line] = Entry(item.line, item.name or "", Outcome.FAILED, *error.args)


class _Unplaceable(Exception):
    """Its arguments are a code and the reason."""


def _type(errand: Errand, item: "Item", arrivals: "Mapping[int, Arrival]") -> str:
    """What the bytes say they are."""
    if not item.url:
        return content_type_of(decode(item.encoded))
    arrival = arrivals.get(item.line)
    if arrival is None:
        raise _Unplaceable("fetch_timeout", "url: the bytes did not come in time")
    if arrival.reason:
        raise _Unplaceable("not_fetched", f"url: the bytes cannot be had: {arrival.reason}")
    try:
        with quarantine.open(errand.quarantine_key(item)) as (_, stream):
            return content_type_of(stream.read(signatures.HEAD_BYTES))
    except ValueError as error:
        raise _Unplaceable("unsupported_type", f"url: {error}") from error
    except ContentChanged as error:
        # Somebody else is done with this step already.
        raise StorageUnavailable("read quarantine", "it was emptied") from error


def _announcement(
    errand: Errand, item: "Item", content_type: str, arrivals: "Mapping[int, Arrival]"
) -> Announcement:
    return Announcement(
        object_name=errand.object_name(item),
        size=_size(item, arrivals),
        content_type=content_type,
        tags=item.tags,
        source=item.source,
        metadata=item.metadata,
        custom_metadata=item.custom_metadata,
        description=item.description,
    )


def _size(item: "Item", arrivals: "Mapping[int, Arrival]") -> int | None:
    """None: its bytes have not come yet."""
    if not item.url:
        return len(decode(item.encoded))
    return arrivals[item.line].size if item.line in arrivals else None


def _put(errand: Errand, item: "Item", content_type: str, *, replaces: bool) -> None:
    """What is not to be replaced is either there from an earlier attempt, or somebody else's."""
    home, name = errand.lake.home, errand.object_name(item)
    try:
        if not item.url:
            buckets.put_object(home, name, decode(item.encoded), content_type, replaces=replaces)
        elif replaces or not buckets.holds(home, name):
            quarantine.copy(errand.quarantine_key(item), home, name, content_type)
    except AccessDenied as error:
        raise _Unplaceable("access_denied", "the datalake's bucket does not take it") from error
    except ContentChanged as error:
        there = None if item.url else buckets.look(home, name)
        if there is None:
            raise StorageUnavailable("place row", "what was there is gone") from error
        if there.etag != _etag(decode(item.encoded)):
            raise _Unplaceable("conflict", "somebody else has put an object of this name") from error


def _etag(body: bytes) -> str:
    """As S3 has it of what comes in one piece and is encrypted with its own keys."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
