"""What a bar looks like."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


def progress(what: str, total: int | None) -> Progress:
    """On stderr; `total` is in bytes. None: nobody knows how much there is to do."""
    known = () if total is None else (DownloadColumn(), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), *known)
    drawn = Progress(*columns, console=Console(stderr=True), transient=True)
    drawn.add_task(what, total=total)
    return drawn
