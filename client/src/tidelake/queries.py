"""Whatever a condition finds, taken as a whole: the API changes it by itself, as a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tidelake import edits
from tidelake.jobs import Job
from tidelake.labels import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from typing_extensions import Unpack

    from tidelake.data import Data, MultiData
    from tidelake.datalakes import Datalake
    from tidelake.edits import Changes


@dataclass(frozen=True)
class Query:
    """A condition in the query language, as `width >= 4000 and not tags.name = "truck"`."""

    lake: Datalake = field(repr=False)
    q: str

    def __iter__(self) -> Iterator[Data]:
        """What it finds, a page at a time, none kept."""
        return self.lake.iter_data(q=self.q)

    def list_data(self, **given: Any) -> MultiData:
        """What it finds, with all that `Datalake.list_data` takes beside it."""
        return self.lake.list_data(q=self.q, **given)

    def explain(self) -> Mapping[str, Any]:
        """How a page of it is found, and what that costs: `access`, `index`, `bounds`, `filter`, `sorted`,
        `items_read`, `requests` and `capacity` (read units). Raises InvalidQuery.

        >>> lake.query('filename = "0600.jpg"').explain()["access"]
        'filename'
        """
        found = self.lake.call("POST", "data", "search", body={"q": self.q, "explain": True})
        plan: Mapping[str, Any] = found["plan"]
        return plan

    def add_tags(self, tags: str | Iterable[str]) -> Job:
        """Tag all of it. Raises InvalidQuery."""
        return self._begin("POST", {"tags": names(tags)}, "data", "tags")

    def remove_tags(self, tags: str | Iterable[str]) -> Job:
        """Take tags off all of it. Raises InvalidQuery."""
        return self._begin("DELETE", {"tags": names(tags)}, "data", "tags")

    def edit(self, **changes: Unpack[Changes]) -> Job:
        """Edit all of it alike; see `tidelake.edits.Changes`. Raises InvalidQuery, InvalidRequest."""
        return self._begin("PATCH", {"set": edits.body(changes)}, "data")

    def delete(self, *, delete_objects: bool = False, dry_run: bool = False) -> Job:
        """Forget all of it, or delete its objects from the bucket. Raises InvalidQuery, Forbidden."""
        return self._begin("POST", {"object": delete_objects, "dry_run": dry_run}, "data", "delete")

    def _begin(self, method: str, body: Mapping[str, Any], *steps: str) -> Job:
        found = self.lake.call(method, *steps, body={**body, "q": self.q})
        return Job._read(self.lake.wire, found["job"])
