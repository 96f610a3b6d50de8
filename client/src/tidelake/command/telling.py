"""What people and scripts are told: the first in words and columns, the second in JSON; what went wrong on
stderr, and by the exit code."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidelake.data import Data
from tidelake.outcomes import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidelake.jobs import Job
    from tidelake.outcomes import Outcome

OK, SOME_FAILED, USAGE, REFUSED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130


def say(*words: object) -> None:
    print(*map(shown, words))


def complain(text: str, code: str | None = None, *, as_json: bool = False) -> None:
    told = json.dumps({"code": code, "detail": text}) if as_json else f"tidelake: {shown(text, lines=True)}"
    print(told, file=sys.stderr)


def shown(value: object, *, lines: bool = False) -> str:
    """As text that does nothing to a terminal: names come from strangers.

    >>> shown("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    text = str(value)
    kept = "\n" if lines else ""
    return "".join(each if each.isprintable() or each in kept else ascii(each)[1:-1] for each in text)


def tell(items: Iterable[Any], columns: Sequence[str], *, as_json: bool) -> int:
    """One line each, as they come; how many they were. In JSON they are whole, else these columns of them."""
    count = 0
    for item in items:
        count += 1
        if as_json:
            print(json.dumps(plain(item), ensure_ascii=True))
        else:
            print("  ".join(_column(item, each) for each in columns).rstrip())
    return count


def tell_one(item: Any, *, as_json: bool) -> None:
    found = plain(item)
    if as_json:
        print(json.dumps(found))
        return
    width = max(map(len, found), default=0)
    for name, value in found.items():
        if value not in (None, [], {}):
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
            print(f"{name:{width}}  {shown(text)}")


def tell_outcome(outcome: Outcome[Any], *, as_json: bool, done: str) -> int:
    """The exit code."""
    if as_json:
        print(json.dumps({name: plain(getattr(outcome, name)) for name in ("ok", "failed", "skipped")}))
    else:
        for failed in outcome.failed:
            complain(str(failed))
        skipped = f", {len(outcome.skipped)} skipped" if outcome.skipped else ""
        failures = f", {len(outcome.failed)} failed" if outcome.failed else ""
        print(f"{len(outcome.ok)} {done}{skipped}{failures}")
    return SOME_FAILED if outcome.failed else OK


def tell_job(job: Job, *, as_json: bool) -> int:
    """The exit code."""
    if as_json:
        print(json.dumps(plain(job)))
    else:
        say(f"{job.kind} {job.id} {job.state}", counted(job), job.error or "")
    return SOME_FAILED if job.state in ("failed", "canceled") or job.progress.get("failed") else OK


def counted(job: Job) -> str:
    counts = [(name.replace("_", " "), count) for name, count in job.progress.items() if name != "estimate"]
    told = ", ".join(f"{count} {name}" for name, count in counts)
    estimate = job.progress.get("estimate")
    return f"{told}; it takes {estimate['calls']} requests, ${estimate['usd']:.4f}" if estimate else told


def plain(value: Any) -> Any:
    """Ready for JSON."""
    if isinstance(value, Data):
        return value.to_dict()
    if isinstance(value, Failure):
        told = {name: getattr(value, name) for name in ("what", "code", "detail", "key", "retryable")}
        return told
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (each.name for each in dataclasses.fields(value))
        return {name: plain(getattr(value, name)) for name in fields if name != "wire" and name[0] != "_"}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value) if isinstance(value, Path) else [plain(each) for each in value]


def _column(item: Any, name: str) -> str:
    value = getattr(item, name)
    if name == "size":
        return f"{'' if value is None else value:>12}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (list, tuple)):
        return shown(",".join(map(str, value)))
    return f"{shown('' if value is None else value):{_WIDTHS.get(name, 0)}}"


_WIDTHS = {"status": 8, "type": 6, "state": 10, "kind": 14, "count": 9, "name": 24, "bucket": 24, "health": 7}
