"""Which data a datalake has: found, listed, watched and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from tidelake import snapshots, watching
from tidelake.data import Data, MultiData
from tidelake.places import Place
from tidelake.queries import Query
from tidelake.snapshots import Snapshot
from tidelake.wire import IDS_AT_ONCE, PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike
    from pathlib import Path
    from typing import Literal

    from tidelake.downloads import Downloaded
    from tidelake.outcomes import Outcome
    from tidelake.sending import OnProgress
    from tidelake.watching import Event


@dataclass(frozen=True)
class Folder:
    """What lies directly under a prefix."""

    folders: list[str]
    """Their whole names, which end in `/`."""
    data: MultiData


class Holdings(Place):
    def list_data(
        self,
        *,
        limit: int | None = None,
        order_by: str = "created_at",
        prefix: str | None = None,
        kind: str | None = None,
        type: str | None = None,
        status: str | None = None,
        source: str | None = None,
        tags: Sequence[str] | None = None,
        intersect_tags: bool = False,
        ids: Sequence[str] | None = None,
        filenames: Sequence[str] | None = None,
        object_names: Sequence[str] | None = None,
        q: str | None = None,
    ) -> MultiData:
        """The data for which all that is given holds, fetched as far as it is looked at.

        `order_by` is `created_at`, `object_name` or `filename`, with `-` for descending. `tags` is data with
        any of them, with `intersect_tags` data with all; any of none is no data. `ids`, `filenames` and
        `object_names` may be of any number; those that are unknown are simply not in the answer. `q` is a
        condition in the query language.

        Raises InvalidRequest, InvalidQuery; also while it is gone through, as do all calls.

        >>> [data.object_name for data in lake.list_data(type="image", order_by="object_name", limit=2)]
        ['camera-one/0600.jpg', 'camera-one/1000.jpg']
        >>> len(lake.list_data(q='width > 400 and filename starts with "0"'))
        1
        >>> list(lake.list_data(filenames=["no such file.jpg"]))
        []
        """
        return MultiData(
            self._whole,
            self.iter_data(
                limit=limit,
                order_by=order_by,
                prefix=prefix,
                kind=kind,
                type=type,
                status=status,
                source=source,
                tags=tags,
                intersect_tags=intersect_tags,
                ids=ids,
                filenames=filenames,
                object_names=object_names,
                q=q,
            ),
        )

    def iter_data(
        self,
        *,
        limit: int | None = None,
        order_by: str = "created_at",
        ids: Sequence[str] | None = None,
        filenames: Sequence[str] | None = None,
        object_names: Sequence[str] | None = None,
        **conditions: Any,
    ) -> Iterator[Data]:
        """As `list_data`, once through, and nothing is kept: for lakes that do not fit into memory."""
        if limit is not None and limit < 0:
            raise ValueError(f"limit should not be negative, as {limit}")
        lists = {"ids": ids, "filenames": filenames, "object_names": object_names}
        given = {name: list(dict.fromkeys(values)) for name, values in lists.items() if values is not None}
        asked = {name: value for name, value in conditions.items() if value not in (None, False)}
        found = self._batches({**asked, "order_by": order_by}, given, limit)
        return (Data._read(self._whole, each) for each in islice(found, limit))

    def _batches(
        self, asked: Mapping[str, Any], given: Mapping[str, list[str]], limit: int | None
    ) -> Iterator[dict[str, Any]]:
        long = [name for name, values in given.items() if len(values) > IDS_AT_ONCE]
        if not long:
            yield from self._search({**asked, **given}, limit)
            return
        # Of names and ids that are too many for one call, each is in one part only; so is each data.
        name = long[0]
        for start in range(0, len(given[name]), IDS_AT_ONCE):
            part = {name: given[name][start : start + IDS_AT_ONCE]}
            yield from self._batches(asked, {**given, **part}, limit)

    def _search(self, body: Mapping[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
        left, cursor = limit, None
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self.call("POST", "data", "search", body={**body, "limit": size, "cursor": cursor})
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def list_folder(self, prefix: str = "") -> Folder:
        """The folders and the data directly under a prefix, which is empty or ends in `/`.

        >>> lake.list_folder().folders
        ['camera-one/', 'others/']
        """
        folders: list[str] = []
        items: list[Data] = []
        cursor = None
        while True:
            body = {
                "prefix": prefix,
                "delimiter": "/",
                "order_by": "object_name",
                "limit": PAGE,
                "cursor": cursor,
            }
            page = self.call("POST", "data", "search", body=body)
            folders += page["folders"]
            items += (Data._read(self._whole, each) for each in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return Folder(folders, MultiData(self._whole, items))

    def find_data(
        self, *, filename: str | None = None, object_name: str | None = None, id: str | None = None
    ) -> Data:
        """The one data with this file name, object name and id, of which at least one is given.

        Raises NotFound, and Ambiguous, whose `ids` are those that are meant.
        """
        query = {"filename": filename, "object_name": object_name, "id": id}
        if not any(query.values()):
            raise ValueError("give a filename, an object_name or an id")
        return Data._read(self._whole, self.call("GET", "data", "find", query=query))

    def get_data(self, id: str) -> Data:
        """Raises NotFound."""
        return Data._read(self._whole, self.call("GET", "data", id))

    def watch(self, *, interval: float = 2.0) -> Iterator[Event]:
        """What is added from now on, and what changes or goes of the latest 200 data; for ever. One call each
        `interval`, which is in seconds."""
        return watching.watch(self._whole, interval=interval)

    def snapshot(self, path: str | PathLike[str], *, q: str | None = None, **conditions: Any) -> int:
        """Freeze what is found to a file: one JSON a line, with etags and versions; how many data that are.

        It takes all that `list_data` takes; `clone` fetches it again. Raises OSError.
        """
        return snapshots.take(self._whole, path, self.iter_data(q=q, **conditions), q=q)

    def clone(
        self,
        snapshot: str | PathLike[str],
        folder: str | PathLike[str],
        *,
        how: Literal["copy", "link", "list"] = "copy",
        max_workers: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> Outcome[Downloaded] | Outcome[Path]:
        """What a snapshot holds, in a folder: its bytes (`copy`), for each a small JSON file that says where
        they are (`link`), or one file of object names (`list`).

        What has other bytes by now has failed (`etag_mismatch`). Raises OSError, and ValueError for what is
        no snapshot of this datalake.

        >>> lake.snapshot(folder / "pictures.jsonl", q='type = "image"')
        3
        >>> len(lake.clone(folder / "pictures.jsonl", folder / "pictures").ok)
        3
        """
        found = Snapshot.read(snapshot)
        return snapshots.clone(
            self._whole, found, folder, how=how, max_workers=max_workers, on_progress=on_progress
        )

    def query(self, q: str) -> Query:
        """What a condition of the query language finds, to be looked at or changed as a whole.

        >>> job = lake.query('type = "image"').add_tags(["picture"])
        >>> job.wait_for_done(timeout=60).progress["changed"]
        3
        """
        return Query(self._whole, q)
