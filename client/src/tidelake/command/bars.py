"""How far something is, on a terminal."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING, TypeVar

from tidelake.command.telling import counted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.progress import Progress

    from tidelake.jobs import Job

T = TypeVar("T")

_QUIET_SECONDS = 1.0
"""Who waits no longer than this needs no bar."""


class Bar:
    """Drawn on a terminal's stderr, once something takes long enough, whether or not anything is heard of it
    by then."""

    def __init__(self, what: str, total: int | None, *, quiet: bool) -> None:
        self._what, self._total, self._done = what, total, 0
        self._text = what
        self._progress: Progress | None = None
        self._lock = Lock()
        self._later = Timer(_QUIET_SECONDS, self._draw)
        self._later.daemon = True
        self.is_seen = not quiet and sys.stderr.isatty()
        if self.is_seen:
            self._later.start()

    def advance(self, octets: int) -> None:
        with self._lock:
            self._done += octets
            if self._total is None:
                self._text = f"{self._what}: {self._done / 1e6:.1f} MB"
            self._refresh()

    def watch(self, job: Job) -> None:
        self.tell(f"{job.state} {counted(job)}")

    def count(self, items: Iterable[T]) -> Iterator[T]:
        """The same, counted as they come."""
        for number, item in enumerate(items, 1):
            self.tell(str(number))
            yield item

    def precede(self, items: Iterable[T]) -> Iterator[T]:
        """The same, for lines: who sees them come needs no bar from the first one on; who writes them to a
        file sees their number."""
        if not sys.stdout.isatty():
            yield from self.count(items)
            return
        for item in items:
            self.end()
            yield item

    def wait(self, seconds: float) -> None:
        self.tell("waiting")
        time.sleep(seconds)

    def tell(self, text: str) -> None:
        """How far it is, where nobody knows how much there is to do."""
        with self._lock:
            self._text = shown(f"{self._what}: {text}")
            self._refresh()

    def end(self) -> None:
        self._later.cancel()
        with self._lock:
            self.is_seen = False
            progress, self._progress = self._progress, None
        if progress is not None:
            progress.stop()

    def _draw(self) -> None:
        with self._lock:
            if not self.is_seen:
                return
            # Loaded for who sees it only: it takes as long as all the rest that is drawn nowhere.
            from tidelake.command import drawing

            self._progress = drawing.progress(self._what, self._total)
            self._refresh()
            self._progress.start()

    def _refresh(self) -> None:
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=self._done, description=self._text)


@contextmanager
def bar(what: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Bar]:
    drawn = Bar(what, total, quiet=quiet)
    try:
        yield drawn
    finally:
        drawn.end()


def waited(job: Job, *, wait: bool, quiet: bool) -> Job:
    if not wait:
        return job
    with bar(job.kind, quiet=quiet) as drawn:
        return job.wait_for_done(on_progress=drawn.watch)
