"""Data that lies elsewhere: links to https URLs, and to objects in buckets of the organization's connectors.

No observer of buckets ever writes to the record of a link, and nothing here is ever written to a bucket.
"""

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from chalicelib.config import config
from chalicelib.downstream import allowances, sayings
from chalicelib.downstream.allowances import Allowance
from chalicelib.downstream.outcomes import IfLinked, Outcome, OutcomeKind, done, failed, skipped
from chalicelib.downstream.sayings import Saying
from chalicelib.downstream.targets import Courier
from chalicelib.errors import InvalidUrl, StorageUnavailable
from chalicelib.model import label, limits, link, moment
from chalicelib.model import url as urls
from chalicelib.model.data import Health, Status, first_link, overlay
from chalicelib.model.edit import differ
from chalicelib.model.label import LabelKind
from chalicelib.model.lake import Preprocess
from chalicelib.observability import logger
from chalicelib.storage import labels, records, taggings, transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from chalicelib.model.data import Data
    from chalicelib.model.label import Label
    from chalicelib.model.lake import Lake
    from chalicelib.model.url import Url

    type _Labelling = Callable[[str, LabelKind, Sequence[str]], Mapping[str, Label]]

_MIMETYPE: Final = re.compile(r"[a-z0-9][\w.+-]{0,63}/[a-z0-9][\w.+-]{0,63}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LinkDraft(Saying):
    url: str
    name: str | None = None
    """None: as the last part of the URL's path is called."""
    folder: str = ""
    mimetype: str | None = None
    """What it is said to be, until its bytes have been looked at."""


def check_url(text: str) -> str:
    """The URL in normal form. Raises InvalidUrl with the reason. Whether a bucket is the organization's is
    not asked."""
    try:
        return urls.read(text, config.fetch_test_server).text
    except ValueError as error:
        raise InvalidUrl(str(error)) from error


def create(lake: "Lake", drafts: "Sequence[LinkDraft]", if_exists: IfLinked) -> list[Outcome]:
    """What became of each, in their order. At most 1,000.

    Raises StorageUnavailable when that is not known of all; then the same may be asked again.
    """
    return _Desk(lake, drafts, if_exists, Courier(lake.organization), Allowance.of(lake)).create()


def foresee(
    lake: "Lake", drafts: "Sequence[LinkDraft]", if_exists: IfLinked, allowance: Allowance
) -> list[Outcome]:
    """What would become of each, and what its record would be. Nothing is written."""
    return _Desk(lake, drafts, if_exists, Courier(lake.organization), allowance).foresee()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One draft that can be a link."""

    index: int
    url: "Url"
    name: str

    @property
    def names(self) -> tuple[str, str]:
        """As given, and what it is called where another URL has that name."""
        return self.name, link.apart(self.name, self.url.text)


@dataclass(frozen=True, slots=True)
class _Plan:
    index: int
    before: "Data | None"
    after: "Data"

    @property
    def is_new(self) -> bool:
        return self.before is None or not self.before.live

    @property
    def writes(self) -> "list[dict[str, Any]]":
        before, after = self.before, self.after
        if before and before.live:
            return [records.labelling_of(before, after), *taggings.passage(after, before.tags, after.tags)]
        return [records.link_of(before, after), *taggings.passage(after, frozenset(), after.tags)]


@dataclass(slots=True)
class _Desk:
    lake: "Lake"
    drafts: "Sequence[LinkDraft]"
    if_exists: IfLinked
    courier: Courier
    allowance: Allowance
    wanted: dict[int, _Wanted] = field(default_factory=dict)
    repeated: dict[int, int] = field(default_factory=dict)
    """What was asked for twice, and where first."""
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    ours: set[str] = field(default_factory=set)
    """What our own writes are called: also of one whose answer was lost it can be told that it was done."""
    tags: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """Ids of labels by their names. What is only foreseen has no other than its name."""
    is_interrupted: bool = False

    def create(self) -> list[Outcome]:
        self._read()
        room = transactions.WRITES
        for attempt in range(transactions.ATTEMPTS):
            self._write(self._find(labels.get_or_create_all), room)
            if not self._waiting():
                break
            room = max(room // 4, 1)
            transactions.pause(attempt)
        for index in [each.index for each in self._waiting()]:
            self._settle(failed(index, "storage_unavailable", "others were writing to the same data"))
        self._fetch()
        return self._told()

    def foresee(self) -> list[Outcome]:
        self._read()
        for plan in self._find(labels.find):
            self._settle(done(plan.index, plan.after, created=plan.is_new))
        return self._told()

    def _told(self) -> list[Outcome]:
        for again, first in self.repeated.items():
            self._repeat(again, self.outcomes[first])
        return [self.outcomes[index] for index in range(len(self.drafts))]

    def _waiting(self) -> list[_Wanted]:
        return [each for index, each in self.wanted.items() if index not in self.outcomes]

    def _settle(self, outcome: Outcome) -> None:
        self.outcomes[outcome.index] = outcome

    def _read(self) -> None:
        """What can be no link under any circumstances, and what was asked for before."""
        first: dict[tuple[str, str], int] = {}
        for index, draft in enumerate(self.drafts):
            try:
                wanted = self._want(index, draft)
            except ValueError as error:
                self._settle(failed(index, "invalid_request", str(error)))
                continue
            if (earlier := first.setdefault((wanted.name, wanted.url.text), index)) == index:
                self.wanted[index] = wanted
            else:
                self.repeated[index] = earlier

    def _want(self, index: int, draft: LinkDraft) -> _Wanted:
        url = urls.read(draft.url, config.fetch_test_server)
        name = link.name_in(draft.folder, url.name if draft.name is None else draft.name)
        if mistake := link.mistake_in(name) or next(_mistakes_in(draft), None):
            raise ValueError(mistake)
        if url.in_s3 and self.courier.reach(url) is None:
            raise ValueError(f"No active connector reaches the bucket {url.host}")
        return _Wanted(index, url, name)

    def _find(self, label_all: "_Labelling") -> "list[_Plan]":
        """What is to be written of those that wait, against what is there now; the others are settled."""
        waiting = self._waiting()
        found = records.read_all({self.lake.link_id(name) for each in waiting for name in each.names})
        taken: set[str] = set()
        places = [(each, self._place(each, found, taken)) for each in waiting]
        self._resolve(
            [each for each, place in places if place and self._is_to_write(each, *place)], label_all
        )
        return [
            plan
            for each, place in places
            if place and each.index not in self.outcomes and (plan := self._plan(each, *place))
        ]

    def _place(
        self, wanted: _Wanted, found: "Mapping[str, Data]", taken: set[str]
    ) -> "tuple[str, Data | None] | None":
        """Its name, and what has it: the link itself, a tombstone, or nothing. None: it finds no place."""
        plain, suffixed = (found.get(self.lake.link_id(name)) for name in wanted.names)
        for there in (suffixed, plain):
            if there and there.live and there.url == wanted.url.text:
                return there.object_name, there
        for name, there in zip(wanted.names, (plain, suffixed), strict=True):
            if name not in taken and not (there and there.live):
                taken.add(name)
                return name, there
        self._settle(failed(wanted.index, "conflict", "other URLs have this name", plain))
        return None

    def _is_to_write(self, wanted: _Wanted, name: str, there: "Data | None") -> bool:
        """Of a link that is there already and is to stay as it is, it is said so."""
        if there is None or not there.live:
            return True
        if there.op_id in self.ours:
            self._settle(done(wanted.index, there, created=True))
        elif there.edit_id in self.ours:
            self._settle(done(wanted.index, there))
        elif self.if_exists is IfLinked.SKIP:
            self._settle(skipped(wanted.index, there))
        elif self.if_exists is IfLinked.ERROR:
            self._settle(failed(wanted.index, "conflict", "there is such a link", there))
        return wanted.index not in self.outcomes

    def _resolve(self, fresh: "Sequence[_Wanted]", label_all: "_Labelling") -> None:
        """The ids of their labels, which are created only for what is written."""
        drafts = [self.drafts[each.index] for each in fresh]
        tags = [tag for draft in drafts for tag in draft.tags]
        sources = [draft.source for draft in drafts if draft.source is not None]
        for kind, known, asked in (
            (LabelKind.TAG, self.tags, tags),
            (LabelKind.SOURCE, self.sources, sources),
        ):
            if unknown := [each for each in dict.fromkeys(asked) if each not in known]:
                found = label_all(self.lake.id, kind, unknown)
                known |= {each: found[each].id if each in found else each for each in unknown}

    def _plan(self, wanted: _Wanted, name: str, there: "Data | None") -> _Plan | None:
        draft = self.drafts[wanted.index]
        op_id = moment.new_op_id()
        self.ours.add(op_id)
        is_there = there is not None and there.live
        base = (
            there
            if there and is_there
            else first_link(self.lake, name, wanted.url.text, draft.mimetype, op_id)
        )
        edit = draft.edit(self.sources)
        after = edit.apply(base)
        after = replace(
            after,
            tags=base.tags | {self.tags[tag] for tag in draft.tags},
            metadata=overlay(base.metadata, after.edited_metadata),
            rev=there.rev + 1 if there and not is_there else base.rev,
        )
        if mistake := sayings.mistake_in(self.lake, base, after, edit):
            self._settle(failed(wanted.index, *mistake))
        elif not is_there and not self.allowance.grants(base.id, 1, 0):
            self._settle(failed(wanted.index, *allowances.REFUSAL))
        elif not is_there or differ(base, after):
            return _Plan(wanted.index, there, replace(after, edit_id=op_id))
        elif after.tags != base.tags:
            return _Plan(wanted.index, there, after)
        else:
            self._settle(skipped(wanted.index, base))
        return None

    def _write(self, plans: "Sequence[_Plan]", room: int) -> None:
        try:
            refused = transactions.attempt_each("write links", [plan.writes for plan in plans], room)
        except StorageUnavailable as error:
            if self.is_interrupted:
                raise
            # Which of them were written, the next reading tells.
            logger.warning("links were not written", reason=str(error), links=len(plans))
            self.is_interrupted = True
            return
        for plan, was_refused in zip(plans, refused, strict=True):
            if not was_refused:
                self._settle(done(plan.index, plan.after, created=plan.is_new))

    def _fetch(self) -> None:
        """Also for those who were here before and were interrupted."""
        if self.lake.preprocess is Preprocess.OFF:
            return
        there = {
            each.data.id: each for each in self.outcomes.values() if each.data and each.index in self.wanted
        }
        told = {data_id: each for data_id, each in there.items() if each.kind is not OutcomeKind.FAILED}
        found = [each.data for each in told.values() if each.data]
        again = [data for data in found if self.if_exists is IfLinked.UPDATE and _is_spoiled(data)]
        is_lazy = self.lake.preprocess is Preprocess.LAZY
        waiting = [] if is_lazy else [data for data in found if not data.complete]
        asked = self.courier.fetch(waiting) | self.courier.fetch_again(again)
        unasked = {data.id for data in (*waiting, *again)} - asked
        for data_id, outcome in told.items():
            if data_id in unasked:
                detail = "the link is there, but its target could not be asked for; ask again"
                self._settle(failed(outcome.index, "storage_unavailable", detail, outcome.data))

    def _repeat(self, index: int, first: Outcome) -> None:
        if first.kind is OutcomeKind.FAILED:
            self._settle(replace(first, index=index))
        elif self.if_exists is IfLinked.ERROR:
            self._settle(failed(index, "conflict", f"entry {first.index} is the same link", first.data))
        else:
            self._settle(skipped(index, first.data))


def _is_spoiled(data: "Data") -> bool:
    return data.status is Status.FAILED or data.health in (Health.DEAD, Health.CHANGED)


def _mistakes_in(draft: LinkDraft) -> "Iterator[str]":
    for name in draft.names:
        if mistake := label.mistake_in(name):
            yield mistake
    if draft.mimetype is not None and not _MIMETYPE.fullmatch(draft.mimetype):
        yield "A mimetype should be like image/jpeg"
    if draft.description is not None and not 1 <= len(draft.description) <= limits.DESCRIPTION_CHARACTERS:
        yield f"A description should have 1 to {limits.DESCRIPTION_CHARACTERS:,} characters"
