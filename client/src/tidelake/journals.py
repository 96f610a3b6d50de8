"""What is known of uploads in parts that are under way, kept on this machine for who is interrupted."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Journal:
    path: Path
    upload_id: str
    part_size: int
    """Bytes, of each part but the last."""
    part_count: int
    etags: dict[int, str] = field(default_factory=dict)
    """Of the parts that are there."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def begin(cls, path: Path, ticket: Mapping[str, Any]) -> Journal:
        journal = cls(path, ticket["upload_id"], ticket["part_size"], ticket["part_count"])
        journal._write()
        return journal

    @classmethod
    def find(cls, path: Path) -> Journal | None:
        """None where there is none that can be read."""
        try:
            found = json.loads(path.read_text("utf-8"))
            etags = {int(number): str(etag) for number, etag in found["etags"].items()}
            return cls(path, found["upload_id"], found["part_size"], found["part_count"], etags)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def missing(self) -> list[int]:
        return [number for number in range(1, self.part_count + 1) if number not in self.etags]

    def note(self, number: int, etag: str) -> None:
        with self._lock:
            self.etags[number] = etag
            self._write()

    def end(self) -> None:
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        told = {name: getattr(self, name) for name in ("upload_id", "part_size", "part_count", "etags")}
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(told), "utf-8")
        draft.replace(self.path)


def path_of(*what: Any) -> Path:
    """Where the journal of an upload is: the same for the same bytes, said the same of, to the same place."""
    name = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    return _folder() / "uploads" / f"{name[:32]}.json"


def _folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "tidelake" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidelake"
