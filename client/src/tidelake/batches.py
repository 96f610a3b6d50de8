"""Many things made with few calls, each with an answer of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tidelake.errors import TidelakeError
from tidelake.outcomes import Failure, Skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    from tidelake.datalakes import Datalake

Answer: TypeAlias = "Mapping[str, Any] | Failure | Skip"

_COUNT = 800
"""In one call. The API takes a thousand, and answers for as many as it has room for."""

_OCTETS = 900_000
"""Of a body; the API takes 1 MiB."""


@dataclass(frozen=True)
class Wish:
    """One thing to be made, as the caller named it and as the API takes it."""

    what: str
    body: Mapping[str, Any]

    @property
    def key(self) -> str | None:
        """The object name that it asks for."""
        return self.body.get("object_name")


def create(lake: Datalake, group: str, wishes: Sequence[Wish], options: Mapping[str, Any]) -> list[Answer]:
    """One answer for each wish, in their order: what the API says of what is made, or why it is not.

    Raises what the first call raises: nothing was made then. What later calls raise are failures of theirs.
    """
    answers: list[Answer] = []
    for part in _parts(wishes):
        try:
            answers += _create(lake, group, part, options)
        except TidelakeError as error:
            if not answers:
                raise
            answers += (Failure.of(wish.what, error, key=wish.key) for wish in part)
    return answers


def _create(lake: Datalake, group: str, wishes: Sequence[Wish], options: Mapping[str, Any]) -> list[Answer]:
    body = {group: [dict(wish.body) for wish in wishes], **options}
    found = lake.call("POST", group, body=body)
    answers: dict[int, Answer] = {each["index"]: each for each in found["ok"]}
    for each in found["failed"]:
        wish = wishes[each["index"]]
        retryable = each.get("retryable", False)
        answers[each["index"]] = Failure(wish.what, each["code"], each["detail"], wish.key, retryable)
    for each in found["skipped"]:
        wish, there = wishes[each["index"]], each.get("data") or {}
        detail = "there is one already"
        answers[each["index"]] = Skip(wish.what, each["code"], detail, there.get("object_name", wish.key))
    return _complete(lake, group, wishes, options, [answers[index] for index in range(len(wishes))])


def _complete(
    lake: Datalake,
    group: str,
    wishes: Sequence[Wish],
    options: Mapping[str, Any],
    answers: list[Answer],
) -> list[Answer]:
    """What the answer had no room for is asked again, among fewer."""
    left = [
        index
        for index, answer in enumerate(answers)
        if isinstance(answer, Failure) and answer.code == "too_large"
    ]
    if left and len(left) < len(wishes):
        rest = _create(lake, group, [wishes[index] for index in left], options)
        for index, answer in zip(left, rest, strict=True):
            answers[index] = answer
    return answers


def _parts(wishes: Sequence[Wish], count: int = _COUNT) -> Iterator[Sequence[Wish]]:
    start = size = 0
    for index, wish in enumerate(wishes):
        octets = len(json.dumps(wish.body)) + 1
        if index > start and (index - start == count or size + octets > _OCTETS):
            yield wishes[start:index]
            start, size = index, 0
        size += octets
    if start < len(wishes):
        yield wishes[start:]
