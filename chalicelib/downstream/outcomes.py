from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.model.data import Data


_PASSING = frozenset({"storage_unavailable", "too_large"})


class IfExists(StrEnum):
    """What to do where there is an object of the name. An announced one is none yet."""

    ERROR = "error"
    SKIP = "skip"
    OVERWRITE = "overwrite"


class IfLinked(StrEnum):
    """What to do about a link that is there already: the same URL under the same name."""

    ERROR = "error"
    SKIP = "skip"
    UPDATE = "update"


class OutcomeKind(StrEnum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one of many things that were asked for."""

    index: int
    """Its place among them."""
    kind: OutcomeKind
    data: "Data | None" = None
    """As it is now; what was in the way, where there is a record of it."""
    code: str | None = None
    detail: str | None = None
    created: bool = False
    """Of what is ok: whether it was not there before."""

    @property
    def retryable(self) -> bool:
        """Whether asking again as it is may help."""
        return self.code in _PASSING


def done(index: int, data: "Data", *, created: bool = False) -> Outcome:
    return Outcome(index=index, kind=OutcomeKind.OK, data=data, created=created)


def failed(index: int, code: str, detail: str, data: "Data | None" = None) -> Outcome:
    return Outcome(index=index, kind=OutcomeKind.FAILED, code=code, detail=detail, data=data)


def skipped(index: int, data: "Data | None") -> Outcome:
    return Outcome(index=index, kind=OutcomeKind.SKIPPED, code="exists", data=data)
