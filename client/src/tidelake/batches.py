"""Many things made with few calls, each with an answer of its own."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tidelake.errors import InvalidRequest, TidelakeError
from tidelake.outcomes import Failure, Skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tidelake.datalakes import Datalake

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


def create(
    lake: Datalake, group: str, wishes: Sequence[Wish], options: Mapping[str, Any]
) -> list[Mapping[str, Any] | Failure | Skip]:
    """One answer for each wish, in their order: what the API says of what is made, or why it is not.

    Raises what the first call raises: nothing was made then. What later calls raise are failures of theirs.
    """
    answers: list[Mapping[str, Any] | Failure | Skip] = []
    for part in _parts(wishes):
        try:
            answers += _create(lake, group, part, options)
        except TidelakeError as error:
            if not answers:
                raise
            answers += (Failure.of(wish.what, error, key=wish.key) for wish in part)
    return answers


def _create(
    lake: Datalake, group: str, wishes: Sequence[Wish], options: Mapping[str, Any]
) -> list[Mapping[str, Any] | Failure | Skip]:
    body = {group: [dict(wish.body) for wish in wishes], **options}
    try:
        found = lake.call("POST", group, body=body, creates=True)
    except InvalidRequest as error:
        malformed = _malformed(group, error)
        if not malformed or len(malformed) == len(wishes) == 1:
            raise
        return _without(lake, group, wishes, options, malformed)
    answers: dict[int, Mapping[str, Any] | Failure | Skip] = {}
    for each in found["ok"]:
        answers[each["index"]] = each
    for each in found["failed"]:
        wish = wishes[each["index"]]
        answers[each["index"]] = Failure(
            wish.what, each["code"], each["detail"], wish.key, each.get("retryable", False)
        )
    for each in found["skipped"]:
        wish = wishes[each["index"]]
        answers[each["index"]] = Skip(
            wish.what, each["code"], each.get("detail") or "", _name(each) or wish.key
        )
    return [answers[index] for index in range(len(wishes))]


def _without(
    lake: Datalake,
    group: str,
    wishes: Sequence[Wish],
    options: Mapping[str, Any],
    malformed: Mapping[int, str],
) -> list[Mapping[str, Any] | Failure | Skip]:
    """One that is malformed does not take the others along."""
    sound = [wish for index, wish in enumerate(wishes) if index not in malformed]
    rest = iter(_create(lake, group, sound, options) if sound else ())
    return [
        Failure(wish.what, "invalid_request", malformed[index], wish.key)
        if index in malformed
        else next(rest)
        for index, wish in enumerate(wishes)
    ]


def _malformed(group: str, error: InvalidRequest) -> dict[int, str]:
    """What is wrong with which; nothing, if something is wrong with all of them."""
    found: dict[int, str] = {}
    for mistake in error.errors:
        place = re.match(rf"#/{group}/(\d+)(/.*)?$", mistake.get("pointer", ""))
        if not place:
            return {}
        told = f"{(place[2] or '').lstrip('/')}: {mistake['detail']}".removeprefix(": ")
        index = int(place[1])
        found[index] = f"{found[index]}; {told}" if index in found else told
    return found


def _parts(wishes: Sequence[Wish], count: int = 1000) -> Iterator[Sequence[Wish]]:
    start = size = 0
    for index, wish in enumerate(wishes):
        octets = len(json.dumps(wish.body)) + 1
        if index > start and (index - start == count or size + octets > _OCTETS):
            yield wishes[start:index]
            start, size = index, 0
        size += octets
    if start < len(wishes):
        yield wishes[start:]


def _name(answer: Mapping[str, Any]) -> str | None:
    name: str | None = (answer.get("data") or {}).get("object_name")
    return name
