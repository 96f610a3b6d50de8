"""Which files of this machine are meant, and what they are to be called in the datalake."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidelake.outcomes import Failure, Skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SIDECAR = ".json"

_SAID: dict[str, type] = {
    "metadata": dict,
    "custom_metadata": dict,
    "tags": list,
    "source": str,
    "description": str,
}
_SAYS = ", ".join(_SAID)

_TYPES = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jfif": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
"""Those that the API takes. What cannot be one of them goes as bytes; what it is, its bytes tell."""

_BYTES = "application/octet-stream"


@dataclass(frozen=True)
class File:
    path: Path
    place: int
    """Which of the caller's paths it comes from."""
    object_name: str

    @property
    def what(self) -> str:
        return str(self.path)

    @property
    def content_type(self) -> str:
        return _TYPES.get(self.path.suffix.lower(), _BYTES)


@dataclass
class Collection:
    files: list[File] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)


def collect(
    paths: Sequence[str | os.PathLike[str]],
    *,
    prefix: str = "",
    include: Sequence[str] = (),
    sidecars: bool = False,
) -> Collection:
    """The files, and those in the folders, however deep. Hidden files are skipped in folders only; with
    `sidecars` the files that describe others are none of their own.

    `prefix` is what all object names begin with. `include` are patterns such as `*.jpg`, in any case, for
    the files in folders.
    """
    found = Collection()
    seen: set[Path] = set()
    for place, given in enumerate(paths):
        for file in _under(Path(given), place, prefix, include, found):
            same = file.path.resolve()
            if same in seen:
                found.skipped.append(Skip(file.what, "duplicate", "it was given before", file.object_name))
            else:
                seen.add(same)
                found.files.append(file)
    if sidecars:
        described = {sidecar_of(file.path) for file in found.files}
        found.files = [file for file in found.files if file.path not in described]
    _part_namesakes(found)
    return found


def sidecar_of(path: Path) -> Path:
    return path.with_name(path.name + SIDECAR)


def read_sidecar(path: Path) -> Mapping[str, Any]:
    """What the file beside it says of it. Nothing if there is none. Raises ValueError and OSError."""
    try:
        found = json.loads(sidecar_of(path).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{sidecar_of(path).name} should hold an object")
    if wrong := [name for name, value in found.items() if not _fits(name, value)]:
        raise ValueError(f"{sidecar_of(path).name} should hold {_SAYS}, and not this as {', '.join(wrong)}")
    return found


def _fits(name: str, value: Any) -> bool:
    kind = _SAID.get(name)
    if kind is None or not isinstance(value, kind):
        return False
    return not isinstance(value, list) or all(isinstance(each, str) for each in value)


def _under(path: Path, place: int, prefix: str, include: Sequence[str], found: Collection) -> Iterator[File]:
    if not path.is_dir():
        yield from _one(path, place, prefix + path.name, found)
        return
    for parent, folders, names in os.walk(path, onerror=lambda error: _unread(error, path, found)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(parent, name)
            object_name = prefix + file.relative_to(path).as_posix()
            if name.startswith("."):
                found.skipped.append(Skip(str(file), "hidden", "its name begins with a dot", object_name))
            elif not include or any(fnmatch(name.casefold(), each.casefold()) for each in include):
                yield from _one(file, place, object_name, found)


def _one(path: Path, place: int, object_name: str, found: Collection) -> Iterator[File]:
    try:
        object_name.encode()
    except UnicodeEncodeError:
        found.failed.append(Failure(ascii(str(path)), "invalid_name", "its name is no UTF-8"))
        return
    if path.is_file():
        yield File(path, place, object_name)
    elif path.exists():
        found.failed.append(Failure(str(path), "no_file", "it is no regular file", object_name))
    else:
        found.failed.append(Failure(str(path), "not_found", "there is no such file", object_name))


def _part_namesakes(found: Collection) -> None:
    """Two files cannot be one object; which of them is meant is not ours to say."""
    counts = Counter(file.object_name for file in found.files)
    found.failed += (
        Failure(
            file.what,
            "duplicate_name",
            f"{counts[file.object_name]} files would be {file.object_name!r}",
            file.object_name,
        )
        for file in found.files
        if counts[file.object_name] > 1
    )
    found.files = [file for file in found.files if counts[file.object_name] == 1]


def _unread(error: OSError, folder: Path, found: Collection) -> None:
    found.failed.append(Failure.of(str(error.filename or folder), error))


def as_paths(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> list[str | os.PathLike[str]]:
    return [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
