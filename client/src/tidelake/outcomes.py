"""What became of each of many: always all of them, whatever went wrong with some."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from tidelake.data import Data
from tidelake.errors import Incomplete, Problem, TidelakeError, TransferFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typing_extensions import Self

    from tidelake.data import MultiData

Done = TypeVar("Done")


@dataclass(frozen=True)
class Failure:
    """One of many that did not go well."""

    what: str
    """As the caller named it: a path, a URL, an object name, or the id of a data."""
    code: str
    """For programs, as `exists`, `checksum_mismatch` or a code of the API."""
    detail: str
    """For people."""
    key: str | None = None
    """The object name that it has, or would have, in the datalake."""
    retryable: bool = False
    """Whether the same may go well later."""
    cause: BaseException | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.what}: {self.detail} ({self.code})"

    @classmethod
    def of(cls, what: str, cause: TidelakeError | OSError, *, key: str | None = None) -> Self:
        if isinstance(cause, (Problem, TransferFailed)):
            return cls(what, cause.code, cause.detail, key, cause.retryable, cause)
        if isinstance(cause, TidelakeError):
            return cls(what, "unreachable", str(cause), key, True, cause)
        return cls(what, "io_error", cause.strerror or str(cause), key, False, cause)


@dataclass(frozen=True)
class Skip:
    """One of many that needed no doing."""

    what: str
    code: str
    """`exists`, `duplicate`, `hidden`, `present` …"""
    detail: str = ""
    key: str | None = None


@dataclass(frozen=True)
class Outcome(Generic[Done]):
    """All that was asked for is in exactly one of the three."""

    ok: Sequence[Done]
    failed: list[Failure]
    skipped: list[Skip]

    def raise_for_failures(self) -> Self:
        """Itself, if nothing failed. Raises Incomplete."""
        if self.failed:
            raise Incomplete(self.failed)
        return self


@dataclass(frozen=True)
class DataOutcome(Outcome[Data]):
    ok: MultiData


@dataclass(frozen=True)
class Change:
    """What a change of many data did."""

    changed: int = 0
    """Data that is not as it was."""
    missing: list[str] = field(default_factory=list)
    """Ids of no data in the datalake."""
    failed: list[Failure] = field(default_factory=list)
    """Data that stays as it was."""

    def __add__(self, other: Change) -> Change:
        return Change(self.changed + other.changed, self.missing + other.missing, self.failed + other.failed)


class ErrorManager:
    """Gathers the failures of several calls.

    >>> errors = ErrorManager()
    >>> outcome = lake.upload_data(["no such file.jpg"], error_manager=errors)
    >>> len(outcome.ok), errors.error_paths
    (0, ['no such file.jpg'])
    """

    def __init__(self) -> None:
        self.errors: list[Failure] = []

    def add(self, failed: Sequence[Failure]) -> None:
        self.errors.extend(failed)

    @property
    def error_paths(self) -> list[str]:
        """What failed, as the caller named it: to be given to the same call again."""
        return [each.what for each in self.errors]

    @property
    def retryable(self) -> list[Failure]:
        return [each for each in self.errors if each.retryable]

    def __len__(self) -> int:
        return len(self.errors)

    def __bool__(self) -> bool:
        return bool(self.errors)

    def __iter__(self) -> Iterator[Failure]:
        return iter(self.errors)

    def __repr__(self) -> str:
        return f"ErrorManager({len(self.errors)} errors)"
