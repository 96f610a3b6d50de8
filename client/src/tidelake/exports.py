"""The index of a datalake as files, there and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidelake import links
from tidelake.jobs import Job

if TYPE_CHECKING:
    from os import PathLike

    from tidelake.datalakes import Datalake


def restore(lake: Datalake, export: Job | str | PathLike[str], part: int | None) -> Job:
    """Raises OSError."""
    if isinstance(export, Job):
        body = {"job": export.id, "part": part}
        return Job._read(lake.wire, lake.call("POST", "imports", "export", body=body)["job"])
    path = Path(export)
    # Before the call: it begins a job that waits for the file.
    with path.open("rb") as file:
        found = lake.call("POST", "imports", "export", body={})
        links.send_file(lake, found["upload"], path.name, file)
    return Job._read(lake.wire, found["job"])
