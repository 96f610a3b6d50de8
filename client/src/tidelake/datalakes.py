"""A named view of one bucket under one prefix, and all that can be done with what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidelake import edits, exports, links, moments, snapshots, uploads, watching
from tidelake.data import Data, MultiData
from tidelake.edits import KEEP
from tidelake.jobs import Job
from tidelake.labels import Label, Source, Tag, names
from tidelake.outcomes import Change, Failure
from tidelake.queries import Query
from tidelake.snapshots import Snapshot
from tidelake.wire import IDS_AT_ONCE, PAGE, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from os import PathLike
    from typing import Literal, TypeVar

    from tidelake.downloads import Downloaded
    from tidelake.edits import Keep, Metadata, Text
    from tidelake.links import Link
    from tidelake.outcomes import DataOutcome, ErrorManager, Outcome
    from tidelake.sending import OnProgress
    from tidelake.uploads import PerFile
    from tidelake.watching import Event
    from tidelake.wire import Wire

    L = TypeVar("L", bound=Label)
    IfExists = Literal["error", "skip", "overwrite"]
    IfLinked = Literal["error", "skip", "update"]
    NameBy = Literal["caller", "content"]


@dataclass(frozen=True)
class Stats:
    """Counts of live data, some seconds old."""

    items: int
    bytes: int
    by_type: Mapping[str, int]
    by_status: Mapping[str, int]
    by_kind: Mapping[str, int]


@dataclass(frozen=True)
class Folder:
    """What lies directly under a prefix."""

    folders: list[str]
    """Their whole names, which end in `/`."""
    data: MultiData


@dataclass(frozen=True)
class Datalake:
    """A datalake, as it was when the API was asked."""

    id: str
    name: str
    organization: str
    connector: str
    bucket: str
    prefix: str
    """What all object names begin with; empty is the whole bucket."""
    capabilities: list[str]
    """What it can: `upload`, `import`."""
    allow_delete: bool
    """Whether objects may be deleted through the API."""
    preprocess: str
    """`eager`, `lazy` or `off`."""
    metadata_schema: Mapping[str, Any] | None
    """What custom metadata may hold."""
    quota: Mapping[str, Any] | None
    """The most `items` and `bytes` that it is to hold, each a number or None."""
    over_quota: bool
    """Whether it holds more."""
    notifications: Mapping[str, Any] | None
    """Whether its bucket tells of its changes."""
    created_at: datetime
    wire: Wire = field(repr=False, compare=False)

    @classmethod
    def _read(cls, wire: Wire, found: Mapping[str, Any]) -> Datalake:
        told: dict[str, Any] = {name: found.get(name) for name in cls.__dataclass_fields__ if name != "wire"}
        return cls(**told | {"created_at": moments.parse(found["created_at"])}, wire=wire)

    def call(self, method: str, *steps: str, **given: Any) -> Any:
        """A call of the API below this datalake: see `Wire.call`."""
        return self.wire.call(method, "datalakes", self.id, *steps, **given)

    def refresh(self) -> Datalake:
        """As it is now. Raises NotFound."""
        return self._read(self.wire, self.call("GET"))

    def stats(self) -> Stats:
        """How many items and bytes it holds.

        >>> lake.stats().by_type["image"]
        3
        """
        found = self.call("GET", "stats")
        return Stats(**{name: found[name] for name in Stats.__dataclass_fields__})

    def update(
        self,
        *,
        name: str | None = None,
        preprocess: Literal["eager", "lazy", "off"] | None = None,
        metadata_schema: Mapping[str, Any] | Keep | None = KEEP,
        quota: Mapping[str, Any] | Keep | None = KEEP,
    ) -> Datalake:
        """With another name, preprocess, schema or quota; what is not given stays. Needs an admin's key.

        Without any change the bucket is asked again to tell of its changes.
        """
        given = {"name": name, "preprocess": preprocess}
        changes: dict[str, Any] = {each: value for each, value in given.items() if value is not None}
        if metadata_schema is not KEEP:
            changes["metadata_schema"] = metadata_schema
        if quota is not KEEP:
            changes["quota"] = quota
        return self._read(self.wire, self.call("PATCH", body=changes))

    def delete(self, *, confirm: str) -> Job:
        """Forget the datalake and its index. Nothing in its bucket changes. Needs an admin's key.

        `confirm` is its name.
        """
        return Job._read(self.wire, self.call("DELETE", query={"confirm": confirm})["job"])

    # Which data

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
            self,
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
        return (Data._read(self, each) for each in islice(found, limit))

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
            items += (Data._read(self, each) for each in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return Folder(folders, MultiData(self, items))

    def find_data(
        self, *, filename: str | None = None, object_name: str | None = None, id: str | None = None
    ) -> Data:
        """The one data with this file name, object name and id, of which at least one is given.

        Raises NotFound, and Ambiguous, whose `ids` are those that are meant.
        """
        query = {"filename": filename, "object_name": object_name, "id": id}
        if not any(query.values()):
            raise ValueError("give a filename, an object_name or an id")
        return Data._read(self, self.call("GET", "data", "find", query=query))

    def get_data(self, id: str) -> Data:
        """Raises NotFound."""
        return Data._read(self, self.call("GET", "data", id))

    def watch(self, *, interval: float = 2.0) -> Iterator[Event]:
        """What is added from now on, and what changes or goes of the latest 200 data; for ever. One call each
        `interval`, which is in seconds."""
        return watching.watch(self, interval=interval)

    def snapshot(self, path: str | PathLike[str], *, q: str | None = None, **conditions: Any) -> int:
        """Freeze what is found to a file: one JSON a line, with etags and versions; how many data that are.

        It takes all that `list_data` takes; `clone` fetches it again. Raises OSError.
        """
        return snapshots.take(self, path, self.iter_data(q=q, **conditions), q=q)

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
        return snapshots.clone(self, found, folder, how=how, max_workers=max_workers, on_progress=on_progress)

    def query(self, q: str) -> Query:
        """What a condition of the query language finds, to be looked at or changed as a whole.

        >>> job = lake.query('type = "image"').add_tags(["picture"])
        >>> job.wait_for_done(timeout=60).progress["changed"]
        3
        """
        return Query(self, q)

    # What people write

    def add_tags(self, tags: str | Iterable[str], *, ids: Sequence[str]) -> Change:
        """Give data tags, which are created where they do not exist. Any number of ids; of none, nothing.

        What has the tags already is not `changed`.
        """
        return self._many("POST", {"tags": names(tags)}, ids, "data", "tags")

    def remove_tags(self, tags: str | Iterable[str], *, ids: Sequence[str]) -> Change:
        """Take tags off data, which need not have them."""
        return self._many("DELETE", {"tags": names(tags)}, ids, "data", "tags")

    def edit_data(
        self,
        ids: Sequence[str],
        *,
        metadata: Metadata | None = None,
        custom_metadata: Metadata | None = None,
        description: Text = KEEP,
        source: Text = KEEP,
    ) -> Change:
        """Edit data alike. What is not named stays, and None clears.

        `metadata` has the fields `latitude`, `longitude` (degrees, together), `altitude` (metres),
        `acquired_at` (a time with a zone), `acquired_by`, `weather`, `resolution_x`, `resolution_y`,
        `resolution_unit`, `manufacturer`, `model`, `lens`, `focal_length`, `sensor_width` (millimetres),
        `yaw`, `pitch`, `roll` (degrees) … as the API's description has them; `custom_metadata` any, as far as
        the datalake has no schema.

        Raises InvalidRequest with every mistake; what the datalake's schema does not allow has `failed`.
        """
        changes = edits.body(metadata, custom_metadata, description, source)
        return self._many("PATCH", {"set": changes}, ids, "data")

    def delete_data(
        self, ids: Sequence[str], *, delete_objects: bool = False, dry_run: bool = False
    ) -> list[Job]:
        """Forget data, or delete their objects from the bucket: a job for each 1,000 ids.

        Raises Forbidden where the connector does not allow deleting.
        """
        options = {"object": delete_objects, "dry_run": dry_run}
        found = [self.call("POST", "data", "delete", body={"ids": part, **options}) for part in parts(ids)]
        return [Job._read(self.wire, each["job"]) for each in found]

    def _many(self, method: str, body: Mapping[str, Any], ids: Sequence[str], *steps: str) -> Change:
        change = Change()
        for part in parts(ids):
            found = self.call(method, *steps, body={**body, "ids": part})
            failed = [Failure(each["id"], each["code"], each["detail"]) for each in found.get("failed", ())]
            change += Change(found["changed"], list(found["missing"]), failed)
        return change

    # What comes in

    def upload_data(
        self,
        paths: str | PathLike[str] | Iterable[str | PathLike[str]],
        *,
        folder: str = "",
        tags: str | Iterable[str] = (),
        source: str | None = None,
        metadata: PerFile = None,
        custom_metadata: PerFile = None,
        description: str | None = None,
        fill_metadata: bool = False,
        include: Sequence[str] = (),
        if_exists: IfExists = "error",
        name_by: NameBy = "caller",
        max_workers: int | None = None,
        error_manager: ErrorManager | None = None,
        on_progress: OnProgress | None = None,
    ) -> DataOutcome:
        """Files become objects of the bucket, and data at once: `pending` until the bytes are there.

        What stands in `paths` is a file, named by its file name, or a folder, whose files, however deep, are
        named by their way from it; hidden ones are `skipped`, and so is one that is given twice. All names
        are put below `folder`. With `name_by="content"` the API names them by their SHA-256.

        `metadata` and `custom_metadata` are for all, or a list with one for each of the paths. With
        `fill_metadata` a JSON file beside a file, `a.jpg.json` beside `a.jpg`, says more of it: `metadata`,
        `custom_metadata`, `tags`, `source`, `description`; what is given here goes over it, and both over
        what the datalake itself reads from the bytes, as it always does. `include` are patterns, in any
        case, for files in folders. `if_exists` is `error`, `skip` or `overwrite`.

        `max_workers`, from 1 to 64, is by default the number of cores and 4. `on_progress` is called, from
        any thread, with the number of bytes that went up. Files above 64 MiB go in parts. Each is read
        twice: the storage refuses bytes that are not those of the first time.

        Raises ValueError for lists of other lengths, and what concerns all of them: Unauthorized, Forbidden,
        NotFound, Unreachable. What concerns some has `failed`.

        >>> outcome = lake.upload_data([folder / "a.png", folder / "b.png"], folder="new", tags="car")
        >>> [data.object_name for data in outcome.ok], outcome.failed, outcome.skipped
        (['new/a.png', 'new/b.png'], [], [])
        >>> [data.status for data in outcome.ok.wait_until_processed(timeout=60)]
        ['ready', 'ready']
        """
        return uploads.upload(
            self,
            paths,
            folder=folder,
            tags=tags,
            source=source,
            metadata=metadata,
            custom_metadata=custom_metadata,
            description=description,
            fill_metadata=fill_metadata,
            include=include,
            options={"if_exists": if_exists, "name_by": name_by},
            max_workers=max_workers,
            error_manager=error_manager,
            on_progress=on_progress,
        )

    def add_links(
        self,
        targets: str | Link | Iterable[str | Link],
        *,
        if_exists: IfLinked = "error",
        error_manager: ErrorManager | None = None,
    ) -> DataOutcome:
        """Data whose bytes stay where they are: at an https or s3 URL. Any number.

        `if_exists` is `error`, `skip` or `update`. After Unreachable or Unavailable the same call may be
        repeated with `skip`.

        >>> outcome = lake.add_links(["https://images.example.com/a.jpg", "ftp://example.com/b.jpg"])
        >>> [data.url for data in outcome.ok], [failed.what for failed in outcome.failed]
        (['https://images.example.com/a.jpg'], ['ftp://example.com/b.jpg'])
        """
        return links.add(self, targets, if_exists=if_exists, error_manager=error_manager)

    def check_links(self, *, ids: Sequence[str] | None = None, q: str | None = None) -> Job:
        """A job that looks whether the targets of links are there and the same: of up to 1,000 ids, of what a
        query finds, or of all."""
        given = {"ids": ids, "q": q}
        body = {name: value for name, value in given.items() if value is not None}
        return self._begin("links", "check", body=body)

    def import_csv(
        self,
        file: str | PathLike[str],
        *,
        mode: Literal["skip", "update", "error"] = "skip",
        action: Literal["link", "upload"] = "link",
        dry_run: bool = False,
    ) -> Job:
        """A job that makes data of the rows of a CSV file: of its columns `url` or `image_bytes`, `id`,
        `name`, `action`, `mimetype`, `item_metadata`, `item_description`, `tags` and `source`, in any case
        and order, in a folder called after the file.

        `mode` is what to do with rows whose data exists, `action` what rows mean that do not say. Its
        `progress` counts `rows`, `created`, `updated`, `skipped` and `failed`; its `report` tells of each.
        Raises OSError.
        """
        return links.import_csv(self, Path(file), {"mode": mode, "action": action, "dry_run": dry_run})

    def import_bucket_objects(
        self,
        prefixes: Sequence[str] | None = None,
        *,
        manifest: Mapping[str, Any] | None = None,
        tags: Iterable[str] = (),
        source: str | None = None,
        dry_run: bool = False,
    ) -> Job:
        """A job that makes data of objects that are in the bucket already, under prefixes of their whole
        names or in a manifest.

        A manifest is `{"key" or "content": …, "format": "text", "jsonl", "csv" or "inventory"}`. Of both, one
        is given. The job's `progress` counts objects `seen`, and of them `inserted`, `unchanged` and
        `changed`, those `edited`, and lines that `failed`, of which its `report` tells. A dry run counts what
        is `new` and adds an `estimate` of objects, bytes, calls and dollars.
        """
        if (prefixes is None) == (manifest is None):
            raise ValueError("give prefixes or a manifest")
        what = {"prefixes": list(prefixes)} if prefixes is not None else {"manifest": dict(manifest or {})}
        said = {name: value for name, value in {"tags": names(tags), "source": source}.items() if value}
        body = {**what, **said, "dry_run": dry_run}
        return self._begin("imports", "bucket", body=body)

    def export(self, *, format: Literal["jsonl", "parquet"] = "jsonl") -> Job:
        """A job that writes the index to a file: what people wrote of each data, and what is shown of it.
        When it is done, `save` fetches it."""
        return self._begin("exports", body={"format": format})

    def import_export(self, export: Job | str | PathLike[str], *, part: int | None = None) -> Job:
        """A job that gives the data of this datalake back what an export says that people wrote of it: the
        job that exported it, or a file. `part` is one of several files of such a job.

        Objects must be recorded: when the index was lost, `sync` comes first. Its `progress` counts `rows`,
        `created` (links), `updated`, `skipped` and `failed`; its `report` tells of the rows that failed.
        Raises OSError.
        """
        return exports.restore(self, export, part)

    def sync(self, *, dry_run: bool = False, force: bool = False, thumbnails: bool = False) -> Job:
        """A job that holds the index against the bucket: what is new, what has changed, what is gone. With
        `thumbnails` also of which of them the thumbnail was removed, which takes longer."""
        body = {"dry_run": dry_run, "force": force, "thumbnails": thumbnails}
        return self._begin("sync", body=body)

    def list_jobs(self, *, state: str | None = None, limit: int | None = None) -> list[Job]:
        """Of this datalake, of the last 30 days, the newest first."""
        query = {"datalake": self.id, "state": state}
        found = self.wire.pages("jobs", query=query, limit=limit)
        return [Job._read(self.wire, each) for each in islice(found, limit)]

    def _begin(self, *steps: str, body: Mapping[str, Any]) -> Job:
        return Job._read(self.wire, self.call("POST", *steps, body=body)["job"])

    # Tags and sources

    def create_data_tag(self, name: str) -> Tag:
        """Raises Conflict if there is one of this name, in any case and Unicode form."""
        return self._create(Tag, name)

    def get_data_tag(self, name: str) -> Tag:
        """Raises NotFound."""
        return self._get(Tag, name)

    def get_or_create_data_tag(self, name: str) -> Tag:
        """All who ask for one name at once get the same tag."""
        return self._get_or_create(Tag, name)

    def list_data_tags(self, *, limit: int | None = None) -> list[Tag]:
        """By name, all of them.

        >>> [tag.name for tag in lake.list_data_tags()]
        []
        """
        return self._list(Tag, limit)

    def create_data_source(self, name: str) -> Source:
        """Raises Conflict if there is one of this name."""
        return self._create(Source, name)

    def get_data_source(self, name: str) -> Source:
        """Raises NotFound."""
        return self._get(Source, name)

    def get_or_create_data_source(self, name: str) -> Source:
        """All who ask for one name at once get the same source."""
        return self._get_or_create(Source, name)

    def list_data_sources(self, *, limit: int | None = None) -> list[Source]:
        """By name, all of them."""
        return self._list(Source, limit)

    def _create(self, kind: type[L], name: str) -> L:
        return kind._read(self, self.call("POST", kind.GROUP, body={"name": name}, creates=True))

    def _get(self, kind: type[L], name: str) -> L:
        return kind._read(self, self.call("GET", kind.GROUP, name))

    def _get_or_create(self, kind: type[L], name: str) -> L:
        return kind._read(self, self.call("PUT", kind.GROUP, name))

    def _list(self, kind: type[L], limit: int | None) -> list[L]:
        found = self.wire.pages("datalakes", self.id, kind.GROUP, limit=limit)
        return [kind._read(self, each) for each in islice(found, limit)]
