"""Which stack is meant, and with which key: from the environment, else as `tidelake login` wrote it down."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tidelake.client import Client

if TYPE_CHECKING:
    from tidelake.datalakes import Datalake

URL, KEY = "TIDELAKE_URL", "TIDELAKE_KEY"


class NotLoggedIn(Exception):
    pass


@dataclass(frozen=True)
class Settings:
    url: str
    key: str

    def open(self) -> Client:
        return Client(self.url, self.key)


def path() -> Path:
    if given := os.environ.get("TIDELAKE_CONFIG"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home()) / "tidelake" / "config.json"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tidelake" / "config.json"


def read() -> Settings:
    """Raises NotLoggedIn."""
    written = _written()
    url, key = os.environ.get(URL) or written.get("url"), os.environ.get(KEY) or written.get("key")
    if not (url and key):
        raise NotLoggedIn(f"which stack is meant? `tidelake login`, or set {URL} and {KEY}")
    return Settings(url, key)


def write(settings: Settings) -> Path:
    """Nobody else on this machine can read it, at no moment."""
    there = path()
    there.parent.mkdir(parents=True, exist_ok=True)
    draft = there.with_name(f".{there.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"url": settings.url, "key": settings.key}, file)
    draft.replace(there)
    return there


def open_lake(lake: str) -> Datalake:
    return read().open().get_datalake(lake)


def _written() -> dict[str, str]:
    try:
        found = json.loads(path().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise NotLoggedIn(f"{path()} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}
