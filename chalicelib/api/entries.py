"""One of many new data in a request: what it says of the data, and that it is answered by itself."""

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from chalicelib.api.bodies import Unfit
from chalicelib.downstream.outcomes import failed
from chalicelib.downstream.statements import Statement
from chalicelib.model import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chalicelib.downstream.outcomes import Outcome


def require_few_labels(entries: "Iterable[Statement | Unfit]") -> None:
    fit = [entry for entry in entries if isinstance(entry, Statement)]
    named = {name for entry in fit for name in (*entry.tags, entry.source)}
    if len(named) > limits.IDS_AT_ONCE:
        raise PydanticCustomError(
            "labels", f"There should be at most {limits.IDS_AT_ONCE} different tags and sources in a call"
        )


def fitting[E: Statement](entries: "Sequence[E | Unfit]") -> dict[int, E]:
    """Those that are understood, by their places."""
    return {n: entry for n, entry in enumerate(entries) if not isinstance(entry, Unfit)}


def woven(entries: "Sequence[Statement | Unfit]", told: "Iterable[Outcome]") -> "dict[int, Outcome]":
    """What became of each: `told` is of those that are understood, in their order."""
    fit: Mapping[int, Statement] = fitting(entries)
    outcomes = {n: replace(outcome, index=n) for n, outcome in zip(fit, told, strict=True)}
    unfit = {n: entry for n, entry in enumerate(entries) if isinstance(entry, Unfit)}
    return outcomes | {n: failed(n, "invalid_request", entry.detail) for n, entry in unfit.items()}
