"""Long work that can be watched, waited for and canceled."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidelake import moments
from tidelake.errors import JobCanceled, JobFailed, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from os import PathLike

    from tidelake.wire import Wire

_SOON_SECONDS = 0.5
_LATE_SECONDS = 5.0


@dataclass(frozen=True)
class Job:
    """A job as it was when the API was asked; `refresh` asks again.

    >>> job = lake.create_data_tag("old").delete()
    >>> job.kind, job.state
    ('detach_label', 'queued')
    >>> job.wait_for_done(timeout=90).state
    'succeeded'
    """

    id: str
    kind: str
    datalake_id: str | None
    state: str
    """`queued`, `running`, `succeeded`, `failed` or `canceled`."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: Mapping[str, Any]
    """Counts of what was done so far. A dry run adds `estimate`."""
    error: str | None
    """Why it failed."""
    _wire: Wire = field(repr=False, compare=False)

    @classmethod
    def _read(cls, wire: Wire, found: Mapping[str, Any]) -> Job:
        return cls(
            id=found["id"],
            kind=found["kind"],
            datalake_id=found.get("datalake_id"),
            state=found["state"],
            created_at=moments.parse(found["created_at"]),
            started_at=moments.parse(found.get("started_at")),
            finished_at=moments.parse(found.get("finished_at")),
            progress=found.get("progress") or {},
            error=found.get("error"),
            _wire=wire,
        )

    @property
    def is_done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in ("succeeded", "failed", "canceled")

    def refresh(self) -> Job:
        """The job as it is now. Raises NotFound 30 days after it was made."""
        return self._read(self._wire, self._wire.call("GET", "jobs", self.id))

    def cancel(self) -> Job:
        """Let it do nothing more. What it did stays done. Raises Conflict if it is over already."""
        return self._read(self._wire, self._wire.call("POST", "jobs", self.id, "cancel")["job"])

    def wait_for_done(
        self,
        timeout: float | None = None,
        *,
        on_progress: Callable[[Job], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Job:
        """The job when it has succeeded.

        `timeout` is in seconds, None is for ever; `on_progress` is called with the job each time it was asked
        about. Raises JobFailed, JobCanceled, and TimedOut with the job as it was `last`; it goes on
        nevertheless.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        job, pause = self, _SOON_SECONDS
        while True:
            if on_progress:
                on_progress(job)
            if job.is_done:
                return job._succeeded()
            if deadline is not None and time.monotonic() >= deadline:
                raise TimedOut(f"the job {job.id} ({job.kind}) is {job.state} after {timeout} s", job)
            left = pause if deadline is None else min(pause, max(0.0, deadline - time.monotonic()))
            sleep(left)
            job, pause = job.refresh(), min(_LATE_SECONDS, pause * 1.3)

    def report(self) -> str:
        """What became of each row or object, as CSV. Raises NotFound if the job made none."""
        url = self._wire.locate("jobs", self.id, "report")
        return self._wire.fetch_text(url)

    def save(self, path: str | PathLike[str]) -> list[Path]:
        """What an export wrote, under this name. Where that is several files each has its number before the
        endings: `lake-2.jsonl.gz`. Raises NotFound if there is nothing (any more), and OSError."""
        whole, count = Path(path), self.progress.get("files", 1)
        stem, dot, endings = whole.name.partition(".")
        names = [f"{stem}-{n}{dot}{endings}" for n in range(1, count + 1)] if count > 1 else [whole.name]
        paths = [whole.with_name(name) for name in names]
        for number, each in enumerate(paths, 1):
            url = self._wire.locate("jobs", self.id, "report", query={"part": number})
            self._wire.fetch_file(url, each)
        return paths

    def _succeeded(self) -> Job:
        if self.state == "failed":
            raise JobFailed(self)
        if self.state == "canceled":
            raise JobCanceled(self)
        return self
