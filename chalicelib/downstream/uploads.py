"""Objects have their records before their bytes come, with all that people say of them.

An announcement is no observation: it may stand where nothing is believed to be, and never takes the place of
what is. What is announced becomes live by its own event, through the same door as every object.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.downstream import allowances, sayings
from chalicelib.downstream.allowances import Allowance
from chalicelib.downstream.outcomes import IfExists, Outcome, done, failed, skipped
from chalicelib.downstream.sayings import Saying
from chalicelib.errors import NotSupported, StorageUnavailable
from chalicelib.model import label, limits, moment, upload
from chalicelib.model.data import announced_record
from chalicelib.model.edit import differ
from chalicelib.model.label import LabelKind
from chalicelib.storage import buckets, connectors, labels, listings, records, transactions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.edit import Edit
    from chalicelib.model.label import Label
    from chalicelib.model.lake import Lake


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement(Saying):
    object_name: str
    size: int | None
    """In bytes; None where it is not known."""
    content_type: str


@dataclass(frozen=True, slots=True)
class _Plan:
    index: int
    after: "Data"
    writes: list[dict[str, Any]]


def require(lake: "Lake") -> None:
    """Raises NotSupported where no bytes could follow."""
    if not connectors.allows_upload(lake.home):
        raise NotSupported("be written to by the datalake's connector, as far as its last check has shown")


def announce(lake: "Lake", drafts: "Sequence[Announcement]", if_exists: IfExists) -> list[Outcome]:
    """What became of each, in their order. At most 1,000.

    Raises StorageUnavailable when that is not known of all; then the same may be asked again.
    """
    return _Desk(lake, drafts, if_exists, Allowance.of(lake)).announce()


@dataclass(slots=True)
class _Desk:
    lake: "Lake"
    drafts: "Sequence[Announcement]"
    if_exists: IfExists
    allowance: Allowance
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    vacant: set[int] = field(default_factory=set)
    """Where S3 said that there is no such object."""

    def announce(self) -> list[Outcome]:
        self._refuse()
        buckets.confirm(self.lake.home)
        edits, tags = self._resolve()
        room = transactions.WRITES
        for attempt in range(transactions.ATTEMPTS):
            plans = [self._plan(index, before, edits[index], tags[index]) for index, before in self._find()]
            self._write([plan for plan in plans if plan], room)
            if not self._waiting():
                break
            room //= 4
            transactions.pause(attempt)
        for index in self._waiting():
            self._settle(failed(index, "storage_unavailable", "others were writing to the same data"))
        return [self.outcomes[index] for index in range(len(self.drafts))]

    def _waiting(self) -> list[int]:
        return [index for index in range(len(self.drafts)) if index not in self.outcomes]

    def _settle(self, outcome: Outcome) -> None:
        self.outcomes[outcome.index] = outcome

    def _refuse(self) -> None:
        """What could be uploaded under no circumstances, and names that came before."""
        first: dict[str, int] = {}
        for index, draft in enumerate(self.drafts):
            name = draft.object_name
            if mistake := _mistake_in(self.lake, draft):
                self._settle(failed(index, "invalid_request", mistake))
            elif (earlier := first.setdefault(name, index)) != index:
                self._settle(failed(index, "conflict", f"entry {earlier} has the same object_name"))

    def _resolve(self) -> "tuple[dict[int, Edit], dict[int, frozenset[str]]]":
        waiting = {index: self.drafts[index] for index in self._waiting()}
        tags = self._labels(LabelKind.TAG, (name for draft in waiting.values() for name in draft.tags))
        sources = self._labels(LabelKind.SOURCE, (draft.source for draft in waiting.values() if draft.source))
        source_ids = {name: source.id for name, source in sources.items()}
        return (
            {index: draft.edit(source_ids) for index, draft in waiting.items()},
            {index: frozenset(tags[name].id for name in draft.tags) for index, draft in waiting.items()},
        )

    def _labels(self, kind: LabelKind, names: "Iterable[str]") -> "dict[str, Label]":
        return labels.get_or_create_all(self.lake.id, kind, dict.fromkeys(names))

    def _find(self) -> "list[tuple[int, Data | None]]":
        """The records of those that may still be announced, as they are."""
        waiting = {index: self.lake.data_id(self.drafts[index].object_name) for index in self._waiting()}
        found = records.read_all(waiting.values())
        befores = {index: found.get(data_id) for index, data_id in waiting.items()}
        if self.if_exists is not IfExists.OVERWRITE:
            self._yield_to_what_is_there(befores)
        return [(index, before) for index, before in befores.items() if index not in self.outcomes]

    def _yield_to_what_is_there(self, befores: "Mapping[int, Data | None]") -> None:
        for index, before in befores.items():
            if before and before.live:
                self._yield(index, before)
        unknown = [index for index in befores if index not in self.outcomes and index not in self.vacant]
        told = listings.presence(self.lake.home, [self.drafts[index].object_name for index in unknown])

        def look(index: int) -> bool | None:
            return self._is_there(self.drafts[index].object_name, told)

        for index, is_there in zip(unknown, parallel.for_each(look, unknown), strict=True):
            if is_there is None:
                self._settle(failed(index, "storage_unavailable", "the bucket did not answer"))
            elif is_there:
                self._yield(index, None)
            else:
                self.vacant.add(index)

    def _is_there(self, object_name: str, told: "Mapping[str, bool]") -> bool | None:
        """What the index does not know of yet, S3 may. None: it did not say."""
        if object_name in told:
            return told[object_name]
        try:
            return buckets.holds(self.lake.home, object_name)
        except StorageUnavailable:
            return None

    def _yield(self, index: int, there: "Data | None") -> None:
        if self.if_exists is IfExists.SKIP:
            self._settle(skipped(index, there))
        else:
            self._settle(failed(index, "conflict", "there is an object of this name", there))

    def _plan(self, index: int, before: "Data | None", edit: "Edit", tags: frozenset[str]) -> _Plan | None:
        base = before if before and before.live else self._draft(index, before)
        after = sayings.added(base, edit, tags)
        if mistake := sayings.mistake_in(self.lake, base, after, edit):
            self._settle(failed(index, *mistake))
        elif not self.allowance.grants(base.id, *addition(before, self.drafts[index].size)):
            self._settle(failed(index, *allowances.REFUSAL))
        elif base is before and after.tags == base.tags and not differ(base, after):
            self._settle(done(index, base))
        else:
            if differ(base, after):
                after = replace(after, edit_id=moment.new_op_id())
            return _Plan(index, after, sayings.writes_of(before, base, after))
        return None

    def _draft(self, index: int, before: "Data | None") -> "Data":
        draft = self.drafts[index]
        in_parts = draft.size is not None and draft.size > limits.FORM_BYTES
        expires_at = moment.end_of(limits.MULTIPART_SECONDS if in_parts else limits.ANNOUNCED_SECONDS)
        if before and before.announced:
            expires_at = max(expires_at, before.expires_at or 0)
        return announced_record(
            self.lake,
            draft.object_name,
            before,
            size=draft.size or 0,
            content_type=draft.content_type,
            expires_at=expires_at,
            op_id=moment.new_op_id(),
        )

    def _write(self, plans: "Sequence[_Plan]", room: int) -> None:
        refused = transactions.attempt_each("announce", [plan.writes for plan in plans], room)
        for plan, was_refused in zip(plans, refused, strict=True):
            if not was_refused:
                self._settle(done(plan.index, plan.after))


def addition(before: "Data | None", size: int | None) -> tuple[int, int]:
    """Items and bytes that come to the lake with an object of that size."""
    if before is None or not before.shown:
        return 1, size or 0
    return 0, (size or 0) - (before.size or 0)


def _mistake_in(lake: "Lake", draft: Announcement) -> str | None:
    mistakes = [
        upload.mistake_in(lake, draft.object_name, draft.size, draft.content_type),
        *map(label.mistake_in, draft.names),
    ]
    return next(filter(None, mistakes), None)
