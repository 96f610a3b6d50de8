"""Long work on a whole datalake."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from tidelake import exports
from tidelake.jobs import Job
from tidelake.places import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Literal


class Works(Place):
    def sync(self, *, dry_run: bool = False, force: bool = False, thumbnails: bool = False) -> Job:
        """A job that holds the index against the bucket: what is new, what has changed, what is gone. With
        `thumbnails` also of which of them the thumbnail was removed, which takes longer."""
        body = {"dry_run": dry_run, "force": force, "thumbnails": thumbnails}
        return self.begin("sync", body=body)

    def list_jobs(self, *, state: str | None = None, limit: int | None = None) -> list[Job]:
        """Of this datalake, of the last 30 days, the newest first."""
        query = {"datalake": self.id, "state": state}
        found = self.wire.pages("jobs", query=query, limit=limit)
        return [Job._read(self.wire, each) for each in islice(found, limit)]

    def check_links(self, *, ids: Sequence[str] | None = None, q: str | None = None) -> Job:
        """A job that looks whether the targets of links are there and the same: of up to 1,000 ids, of what a
        query finds, or of all."""
        given = {"ids": ids, "q": q}
        body = {name: value for name, value in given.items() if value is not None}
        return self.begin("links", "check", body=body)

    def export(self, *, format: Literal["jsonl", "parquet"] = "jsonl") -> Job:
        """A job that writes the index to a file: what people wrote of each data, and what is shown of it.
        When it is done, `save` fetches it."""
        return self.begin("exports", body={"format": format})

    def import_export(self, export: Job | str | PathLike[str], *, part: int | None = None) -> Job:
        """A job that gives the data of this datalake back what an export says that people wrote of it: the
        job that exported it, or a file. `part` is one of several files of such a job.

        Objects must be recorded: when the index was lost, `sync` comes first. Its `progress` counts `rows`,
        `created` (links), `updated`, `skipped` and `failed`; its `report` tells of the rows that failed.
        Raises OSError.
        """
        return exports.restore(self._whole, export, part)
