"""What objects are called as files of this machine: never outside of a folder, never two alike."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STEP_BYTES = 200
"""File systems take 255, of which some are left for what is put to a name."""

_MARKS = (0, 8, 36)
"""Characters of an id: somebody may have named an object just as another one is marked."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Source: https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file"""


def plan(
    names: Mapping[str, str], *, flat: bool, windows: bool = os.name == "nt"
) -> dict[str, PurePosixPath]:
    """For each id the path of its file below a folder, by its object name, or only by what follows the last
    `/` in it.

    Where names meet, also those that some file systems take for the same, each gets a part of its id, so
    that it does not matter in which order they come.

    >>> planned = plan({"1f": "a/x.jpg", "2e": "b/x.jpg", "3d": "../y"}, flat=True)
    >>> [str(path) for path in planned.values()]
    ['x-1f.jpg', 'x-2e.jpg', 'y']
    >>> str(plan({"3d": "../../etc//passwd"}, flat=False)["3d"])
    '_/_/etc/passwd'
    """
    steps = {id: _steps(name, flat=flat, windows=windows) for id, name in names.items()}
    folders = {_folded(each[:depth]) for each in steps.values() for depth in range(1, len(each))}
    marks = dict.fromkeys(steps, 0)
    while True:
        paths = {id: (*each[:-1], _marked(each[-1], id, marks[id])) for id, each in steps.items()}
        folded = {id: _folded(path) for id, path in paths.items()}
        taken = Counter(folded.values())
        meeting = [id for id, each in folded.items() if taken[each] > 1 or each in folders]
        raised = [id for id in meeting if marks[id] < len(_MARKS) - 1]
        if not raised:
            return {id: PurePosixPath(*path) for id, path in paths.items()}
        for id in raised:
            marks[id] += 1


def leads_into(folder: Path, path: Path) -> bool:
    """Whether a path below the folder stays there, whatever lies on the way: a link may lead elsewhere."""
    deepest = next(each for each in path.parents if os.path.lexists(each))
    return deepest.resolve().is_relative_to(folder.resolve())


def _steps(name: str, *, flat: bool, windows: bool) -> list[str]:
    steps = [_step(each, windows=windows) for each in name.split("/") if each] or ["_"]
    return steps[-1:] if flat else steps


def _step(step: str, *, windows: bool) -> str:
    clean = "".join("_" if unicodedata.category(each) in ("Cc", "Cs") else each for each in step)
    if not clean.strip("."):
        return "_"
    if windows:
        clean = re.sub(r'[<>:"\\|?*]', "_", clean).rstrip(". ") or "_"
        clean = f"_{clean}" if _RESERVED.fullmatch(clean) else clean
    return _cut(clean)


def _cut(step: str) -> str:
    if len(step.encode()) <= _STEP_BYTES:
        return step
    stem, suffix = _parted(step)
    room = max(0, _STEP_BYTES - len(suffix.encode()))
    return stem.encode()[:room].decode(errors="ignore") + suffix


def _parted(step: str) -> tuple[str, str]:
    path = PurePosixPath(step)
    return (path.stem, path.suffix) if len(path.suffix.encode()) <= 20 else (step, "")


def _marked(step: str, id: str, mark: int) -> str:
    stem, suffix = _parted(step)
    part = id[: _MARKS[mark]]
    return f"{stem}-{part}{suffix}" if part else step


def _folded(steps: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        unicodedata.normalize("NFC", unicodedata.normalize("NFC", each).casefold()) for each in steps
    )
