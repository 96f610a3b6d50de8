"""What an index knew and nobody could find out again is said of its data once more: of objects that are
recorded, and of links, which are made where they are not there.

What is there already stays, where nothing else is said of it. Doing it again changes nothing.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.downstream import allowances, sayings
from chalicelib.downstream.allowances import Allowance
from chalicelib.downstream.sayings import Saying
from chalicelib.downstream.targets import Courier
from chalicelib.errors import StorageUnavailable
from chalicelib.model import link
from chalicelib.model import url as urls
from chalicelib.model.data import Kind, first_link, overlay
from chalicelib.model.edit import differ
from chalicelib.model.label import LabelKind
from chalicelib.model.lake import Preprocess
from chalicelib.storage import labels, records, taggings, transactions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Saying):
    """What was kept of one data."""

    object_name: str
    kind: Kind = Kind.OBJECT
    url: str | None = None
    """Of a link."""
    content_type: str | None = None
    """Of a link, until its target was looked at."""
    created_at: str | None = None


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    SKIPPED = "skipped"
    """It says nothing new."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Restored:
    outcome: Outcome
    code: str = ""
    detail: str = ""


_NOT_THERE = Restored(
    Outcome.FAILED, "not_found", "no such object is recorded; scan or sync, and import again"
)
_OTHER_URL = Restored(Outcome.FAILED, "conflict", "another URL has this name")
_TOO_MANY = Restored(
    Outcome.FAILED, "conflict", "it has too many tags to be given another time of creation at once"
)
_OVER_QUOTA = Restored(Outcome.FAILED, *allowances.REFUSAL)


def restore(lake: "Lake", kept: "Sequence[Kept]", op_id: str) -> list[Restored]:
    """What became of each, in their order. The same `op_id` tells every attempt what earlier ones have
    written. Raises StorageUnavailable when that is not known of all; then the same may be restored again."""
    return _Desk(lake, op_id, kept, Allowance.of(lake)).restore()


@dataclass(frozen=True, slots=True)
class _Plan:
    data_id: str
    before: "Data | None"
    after: "Data"

    @property
    def is_new(self) -> bool:
        return self.before is None or not self.before.shown

    @property
    def writes(self) -> "list[dict[str, Any]]":
        if self.before and self.before.shown:
            write = records.restoration_of(self.before, self.after)
            return [write, *taggings.move(self.before, self.after)]
        write = records.link_of(self.before, self.after)
        return [write, *taggings.passage(self.after, frozenset(), self.after.tags)]


@dataclass(slots=True)
class _Desk:
    lake: "Lake"
    op_id: str
    kept: "Sequence[Kept]"
    allowance: Allowance
    """For links that are not there."""
    done: "dict[str, Restored]" = field(default_factory=dict)
    """By the ids of records."""
    made: "dict[str, Data]" = field(default_factory=dict)
    """Links whose targets nobody was asked for yet."""
    tags: "Mapping[str, str]" = field(default_factory=dict)
    sources: "Mapping[str, str]" = field(default_factory=dict)
    """Ids of labels by their names."""

    def restore(self) -> list[Restored]:
        wanted: dict[str, list[Kept]] = defaultdict(list)
        for each in self.kept:
            wanted[self._id(each)].append(each)
        self._label()
        self._write(wanted)
        self._fetch()
        return [self.done[self._id(each)] for each in self.kept]

    def _id(self, kept: Kept) -> str:
        find = self.lake.link_id if kept.kind is Kind.LINK else self.lake.data_id
        return find(kept.object_name)

    def _label(self) -> None:
        tags = {name for each in self.kept for name in each.tags}
        sources = {each.source for each in self.kept if each.source is not None}
        self.tags = self._ids(LabelKind.TAG, tags)
        self.sources = self._ids(LabelKind.SOURCE, sources)

    def _ids(self, kind: LabelKind, names: "set[str]") -> "Mapping[str, str]":
        found = labels.get_or_create_all(self.lake.id, kind, sorted(names)) if names else {}
        return {name: label.id for name, label in found.items()}

    def _write(self, wanted: "Mapping[str, Sequence[Kept]]") -> None:
        room, courier = transactions.WRITES, Courier(self.lake.organization)
        for attempt in range(transactions.ATTEMPTS):
            waiting = [data_id for data_id in wanted if data_id not in self.done]
            found = records.read_all(waiting)
            plans = [
                plan
                for data_id in waiting
                if (plan := self._plan(data_id, wanted[data_id], found.get(data_id), courier))
            ]
            refused = transactions.attempt_each("restore records", [plan.writes for plan in plans], room)
            for plan, was_refused in zip(plans, refused, strict=True):
                if not was_refused:
                    self._settle(plan)
            if not any(refused):
                return
            room = max(room // 4, 1)
            transactions.pause(attempt)
        raise StorageUnavailable("restore records", "others were in the way")

    def _settle(self, plan: _Plan) -> None:
        self.done[plan.data_id] = Restored(Outcome.CREATED if plan.is_new else Outcome.UPDATED)
        if plan.is_new:
            self.made[plan.data_id] = plan.after

    def _plan(
        self, data_id: str, wanted: "Sequence[Kept]", before: "Data | None", courier: Courier
    ) -> _Plan | None:
        """None: it is settled what becomes of it."""
        is_there = before is not None and before.shown
        base = before if is_there else self._new_link(data_id, wanted[-1], before, courier)
        if base is None:
            return None
        if is_there and any(each.kind is Kind.LINK and each.url != base.url for each in wanted):
            self.done[data_id] = _OTHER_URL
            return None
        after = base
        for each in wanted:
            after = self._said(after, each)
        edits = [each.edit(self.sources) for each in wanted]
        mistakes = (sayings.mistake_in(self.lake, base, after, edit) for edit in edits)
        if mistake := next(filter(None, mistakes), None):
            self.done[data_id] = Restored(Outcome.FAILED, *mistake)
        elif not is_there or self._is_new(base, after):
            plan = _Plan(data_id, before, replace(after, edit_id=self.op_id))
            if len(plan.writes) > transactions.WRITES:
                self.done[data_id] = _TOO_MANY
            elif plan.is_new and not self.allowance.grants(data_id, 1, 0):
                self.done[data_id] = _OVER_QUOTA
            else:
                return plan
        else:
            self._note(base)
        return None

    def _note(self, there: "Data") -> None:
        """Nothing is left to be said of it. Perhaps an earlier attempt said it."""
        is_ours = there.edit_id == self.op_id
        if there.kind is Kind.LINK and not there.complete:
            self.made[there.id] = there
        if is_ours and there.op_id == self.op_id:
            self.done[there.id] = Restored(Outcome.CREATED)
        else:
            self.done[there.id] = Restored(Outcome.UPDATED if is_ours else Outcome.SKIPPED)

    def _new_link(self, data_id: str, kept: Kept, before: "Data | None", courier: Courier) -> "Data | None":
        if kept.kind is not Kind.LINK:
            self.done[data_id] = _NOT_THERE
            return None
        if mistake := next(_mistakes_in(kept, courier), None):
            self.done[data_id] = Restored(Outcome.FAILED, "invalid_url", mistake)
            return None
        fresh = first_link(self.lake, kept.object_name, str(kept.url), kept.content_type, self.op_id)
        return replace(
            fresh, created_at=kept.created_at or fresh.created_at, rev=before.rev + 1 if before else 1
        )

    def _said(self, base: "Data", kept: Kept) -> "Data":
        after = kept.edit(self.sources).apply(base)
        return replace(
            after,
            tags=base.tags | {self.tags[name] for name in kept.tags},
            metadata=overlay(base.metadata, after.edited_metadata),
            # What was there first was there first, however often and in which order that is said.
            created_at=min(base.created_at, kept.created_at or base.created_at),
        )

    def _is_new(self, base: "Data", after: "Data") -> bool:
        return after.tags != base.tags or after.created_at != base.created_at or differ(base, after)

    def _fetch(self) -> None:
        """Also of those that were made by an attempt that was interrupted."""
        if self.lake.preprocess is not Preprocess.EAGER or not self.made:
            return
        asked = Courier(self.lake.organization).fetch(list(self.made.values()))
        if asked != self.made.keys():
            raise StorageUnavailable("send fetches", "not all were accepted")


def _mistakes_in(kept: Kept, courier: Courier) -> "Iterator[str]":
    try:
        url = urls.read(kept.url or "", config.fetch_test_server)
    except ValueError as error:
        yield str(error)
        return
    if url.text != kept.url:
        yield "A URL should be in its normal form"
    if url.in_s3 and courier.reach(url) is None:
        yield f"No active connector reaches the bucket {url.host}"
    if mistake := link.mistake_in(kept.object_name):
        yield mistake
