"""Objects that got another name: the bytes of one that went came under another name, before or after that.

S3 knows no renaming. So what comes and what goes leaves a trace of its content, and whoever leaves one looks
for those of the other side: of two batches at the same time at least one finds the other's. Traces only say
where to look; what is true the records say. See docs/protocol.md.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.data import Kind, State
from chalicelib.model.edit import has_words, inherited, mistakes_in_custom
from chalicelib.observability import count, logger
from chalicelib.storage import inheritance, records, traces, transactions
from chalicelib.storage.inheritance import Succession
from chalicelib.storage.traces import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from chalicelib.changes.step import Step
    from chalicelib.model.data import Data
    from chalicelib.storage.traces import Trace

_WINDOW = timedelta(minutes=limits.RENAME_MINUTES)


@dataclass(frozen=True, slots=True)
class Suspects:
    """Records that went and came with contents of one print."""

    went: frozenset[str]
    came: frozenset[str]


def follow(shard: str, steps: "Sequence[Step]") -> None:
    """Pass on what was written of objects that have another name now. Raises StorageUnavailable; then the
    same steps must come again."""
    went, came = list(_gone(steps)), list(_new(steps))
    _leave_traces(f"{shard}-{steps[0].sequence}" if steps else "", went, came)
    own_went, own_came = _by_lake(went), _by_lake(came)
    for lake_id in own_went.keys() | own_came.keys():
        try:
            suspects = _suspects(lake_id, own_went.get(lake_id, []), own_came.get(lake_id, []))
        except traces.TooMany:
            logger.warning("too much came and went to look for new names", lake_id=lake_id)
            count("RenamesNotLookedFor")
        else:
            _pass_on(suspects)


def _leave_traces(name: str, went: "Sequence[Data]", came: "Sequence[Data]") -> None:
    """Before others' are looked for."""
    for side, found in ((Side.WENT, went), (Side.CAME, _worth_tracing(came))):
        for lake_id, own in _by_lake(found).items():
            traces.write(lake_id, side, own, name)


def _gone(steps: "Iterable[Step]") -> "Iterator[Data]":
    """What was forgotten is not: nothing is known of its content."""
    for step in steps:
        before, after = step.before, step.after
        if before and before.live and after and after.state is State.GONE and _has_content(after):
            yield after


def _new(steps: "Iterable[Step]") -> "Iterator[Data]":
    """What returns to what people wrote of it is not."""
    for step in steps:
        before, after = step.before, step.after
        returns = before and (before.live or (before.state is State.GONE and before.created_at))
        if after and after.live and not returns and _has_content(after):
            yield after


def _has_content(data: "Data") -> bool:
    """That tells it from others: all empty objects are alike."""
    return data.kind is Kind.OBJECT and bool(data.etag and data.size)


def _worth_tracing(came: "Sequence[Data]") -> "Sequence[Data]":
    if len(came) <= limits.TRACED_PUTS:
        return came
    # Only who has looked at an object knows its type.
    return [data for data in came if data.copied or data.content_type]


def _by_lake(found: "Iterable[Data]") -> "Mapping[str, list[Trace]]":
    by_lake: defaultdict[str, list[Trace]] = defaultdict(list)
    for data in found:
        by_lake[data.lake_id].append(traces.trace(data))
    return by_lake


def _suspects(lake_id: str, own_went: "Sequence[Trace]", own_came: "Sequence[Trace]") -> list[Suspects]:
    """Where something went and something came, at most an hour apart."""
    own = [*own_went, *own_came]
    minutes = [_moment(each) for each in {each.minute for each in own}]
    span = [
        moment.isoformat(timespec="minutes") for moment in (min(minutes) - _WINDOW, max(minutes) + _WINDOW)
    ]
    went = _by_print(traces.read(lake_id, Side.WENT, {each.print for each in own}, *span))
    if not went:
        return []
    came = _by_print([*traces.read(lake_id, Side.CAME, went, *span), *own_came])
    found = [Suspects(_near(went[each], came[each]), _near(came[each], went[each])) for each in went]
    return [each for each in found if len(each.went) + len(each.came) <= limits.RENAME_SUSPECTS]


def _by_print(found: "Iterable[Trace]") -> "dict[bytes, list[Trace]]":
    by_print: defaultdict[bytes, list[Trace]] = defaultdict(list)
    for each in found:
        by_print[each.print].append(each)
    return by_print


def _near(some: "Sequence[Trace]", others: "Iterable[Trace]") -> frozenset[str]:
    """There may be any number of either, but few minutes."""
    minutes, times = {each.minute for each in some}, {_moment(other.minute) for other in others}
    near = {each for each in minutes if any(abs(_moment(each) - time) <= _WINDOW for time in times)}
    return frozenset(each.data_id for each in some if each.minute in near)


def _moment(minute: str) -> datetime:
    return datetime.fromisoformat(minute)


def _pass_on(suspects: "Sequence[Suspects]") -> None:
    """Whoever writes to a record at the same time is in the way of all that share its transaction. So what
    was refused is read again and written with ever fewer others."""
    waiting, room = suspects, transactions.WRITES
    for attempt in range(transactions.ATTEMPTS):
        found = records.read_all({data_id for each in waiting for data_id in each.went | each.came})
        renamed = [(each, succession) for each in waiting for succession in _successions(each, found)]
        refused = inheritance.pass_on([succession for _, succession in renamed], room)
        waiting = [each for (each, _), was_refused in zip(renamed, refused, strict=True) if was_refused]
        count("Renames", len(renamed) - len(waiting))
        if not waiting:
            return
        room //= 4
        transactions.pause(attempt)
    raise StorageUnavailable("pass on", "others were in the way")


def _successions(suspects: Suspects, found: "Mapping[str, Data]") -> "Iterator[Succession]":
    """Which tombstone belongs to which record, where there is one of each."""
    went = [found[data_id] for data_id in suspects.went if data_id in found]
    came = [found[data_id] for data_id in suspects.came if data_id in found]
    for content in {_content(data) for data in came}:
        heirs = [data for data in came if data.live and not data.heir_of and _content(data) == content]
        left = [data for data in went if _is_left(data) and _content(data) == content]
        # What came and went, and nobody wrote of, was on its way from a first name to a last one.
        lasting = [data for data in left if data.id not in suspects.came or has_words(data)]
        left = lasting or left
        if len(heirs) == len(left) == 1 and _fit(left[0], heirs[0]):
            yield Succession(left[0], heirs[0], is_last=bool(lasting))


def _content(data: "Data") -> tuple[str | None, int | None]:
    return data.etag, data.size


def _is_left(data: "Data") -> bool:
    """Whether it is a tombstone that remembers something."""
    return data.state is State.GONE and bool(data.created_at)


def _fit(left: "Data", heir: "Data") -> bool:
    """Whether one record can have all that was written of both."""
    both = inherited(heir, left, "")
    mistakes = list(mistakes_in_custom(both.custom_metadata, None))
    return not mistakes and len(both.tags) <= limits.TAGS_PER_RECORD
