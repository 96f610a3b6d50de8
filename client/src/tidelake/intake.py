"""What comes into a datalake: files, links, the rows of a file, objects of its bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidelake import links, uploads
from tidelake.labels import names
from tidelake.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike
    from typing import Literal

    from tidelake.jobs import Job
    from tidelake.links import Link
    from tidelake.outcomes import DataOutcome, ErrorManager
    from tidelake.sending import OnProgress
    from tidelake.uploads import PerFile

    IfExists = Literal["error", "skip", "overwrite"]
    IfLinked = Literal["error", "skip", "update"]
    NameBy = Literal["caller", "content"]


class Intake(Place):
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
            self._whole,
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
        return links.add(self._whole, targets, if_exists=if_exists, error_manager=error_manager)

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
        return links.import_csv(self._whole, Path(file), {"mode": mode, "action": action, "dry_run": dry_run})

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
        return self.begin("imports", "bucket", body=body)
