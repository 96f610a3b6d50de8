"""A query frozen to a file: which data it found, with the etags and versions that it had."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidelake import names
from tidelake.data import Data, MultiData
from tidelake.outcomes import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Literal

    from tidelake.datalakes import Datalake
    from tidelake.downloads import Downloaded

FORMAT = "tidelake-snapshot-1"
MANIFEST = "manifest.txt"


@dataclass(frozen=True)
class Snapshot:
    """What a file says: in its first line how it came about, in each further one a data."""

    lake: str
    """Id of the datalake."""
    bucket: str
    q: str | None
    taken_at: str
    items: list[dict[str, Any]]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Snapshot:
        """Raises OSError, and ValueError for what is no snapshot."""
        with Path(path).open(encoding="utf-8") as file:
            try:
                head = json.loads(file.readline())
                if head["format"] != FORMAT:
                    raise ValueError(f"{path} has the format {head['format']}, not {FORMAT}")
                items = [json.loads(line) for line in file]
                # A file that was cut off says so.
                if len(items) != head["count"]:
                    raise ValueError(f"{path} should hold {head['count']} data, and holds {len(items)}")
                return cls(head["datalake_id"], head["bucket"], head["q"], head["taken_at"], items)
            except (KeyError, TypeError, json.JSONDecodeError) as error:
                raise ValueError(f"{path} is no snapshot: {error!r}") from error

    def data_of(self, lake: Datalake) -> MultiData:
        """The data as it was. Raises ValueError for another datalake."""
        if lake.id != self.lake:
            raise ValueError(f"the snapshot is of the datalake {self.lake}, not of {lake.id}")
        return MultiData(lake, [Data._read(lake, each) for each in self.items])


def take(lake: Datalake, path: str | os.PathLike[str], items: Iterable[Data], *, q: str | None = None) -> int:
    """Write what was found to a file, one JSON a line; how many that are. The file is there when it is whole.

    >>> take(lake, folder / "pictures.jsonl", lake.list_data(type="image"))
    3
    >>> Snapshot.read(folder / "pictures.jsonl").items[0]["type"]
    'image'
    """
    whole = Path(path)
    draft = whole.with_name(f".{whole.name}.{os.getpid()}")
    lines = [json.dumps(data.to_dict(), ensure_ascii=False, sort_keys=True) for data in items]
    head = {
        "format": FORMAT,
        "datalake_id": lake.id,
        "datalake": lake.name,
        "bucket": lake.bucket,
        "q": q,
        "taken_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "count": len(lines),
    }
    try:
        draft.write_text("".join(f"{line}\n" for line in (json.dumps(head), *lines)), "utf-8")
        draft.replace(whole)
    finally:
        draft.unlink(missing_ok=True)
    return len(lines)


def clone(
    lake: Datalake,
    snapshot: Snapshot,
    folder: str | os.PathLike[str],
    *,
    how: Literal["copy", "link", "list"] = "copy",
    max_workers: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Outcome[Downloaded] | Outcome[Path]:
    """What a snapshot holds, in a folder.

    `copy`: the bytes, as `MultiData.download` does it; what has other bytes by now has failed
    (`etag_mismatch`). `link`: for each a small JSON file that says where the bytes are, which a bucket's
    datalake understands as a link. `list`: one file, `manifest.txt`, with an object name a line, as
    `Datalake.import_bucket_objects` takes it.
    """
    items = snapshot.data_of(lake)
    root = Path(folder)
    if how == "copy":
        return items.download(root, max_workers=max_workers, on_progress=on_progress)
    root.mkdir(parents=True, exist_ok=True)
    if how == "list":
        path = root / MANIFEST
        path.write_text("".join(f"{data.object_name}\n" for data in items), "utf-8")
        return Outcome([path], [], [])
    return _link(snapshot, items, root)


def _link(snapshot: Snapshot, items: MultiData, root: Path) -> Outcome[Path]:
    ok: list[Path] = []
    failed: list[Failure] = []
    paths = names.plan({data.id: f"{data.object_name}.json" for data in items}, flat=False)
    for data in items:
        path = root / paths[data.id]
        try:
            if not names.leads_into(root, path):
                failed.append(Failure(data.object_name, "outside", f"{path} leads out of the folder"))
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(_link_file(snapshot, data)), "utf-8")
            ok.append(path)
        except OSError as error:
            failed.append(Failure.of(data.object_name, error, key=data.object_name))
    return Outcome(ok, failed, [])


def _link_file(snapshot: Snapshot, data: Data) -> dict[str, Any]:
    """As Dataloop has it, and Tidelake reads it."""
    ref = data.url or f"s3://{snapshot.bucket}/{data.object_name}"
    info = {"type": "url", "ref": ref, "mimetype": data.content_type}
    return {"type": "link", "shebang": "dataloop", "metadata": {"dltype": "link", "linkInfo": info}}
