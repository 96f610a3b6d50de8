"""Data whose bytes stay where they are, one by one or as the rows of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tidelake import batches, edits
from tidelake.batches import Wish
from tidelake.data import Data, MultiData
from tidelake.jobs import Job
from tidelake.outcomes import DataOutcome, Failure, Skip

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from tidelake.datalakes import Datalake
    from tidelake.edits import Metadata
    from tidelake.outcomes import ErrorManager

_IN_THE_CALL = 500_000
"""Bytes of a CSV file that go with the call; what is larger goes to the storage."""


@dataclass(frozen=True)
class Link:
    """What a link is made of; only its URL is needed."""

    url: str
    """https or s3."""
    name: str | None = None
    """By default the last part of the URL."""
    folder: str | None = None
    mimetype: str | None = None
    tags: Iterable[str] = ()
    source: str | None = None
    metadata: Metadata = field(default_factory=dict)
    custom_metadata: Metadata = field(default_factory=dict)
    description: str | None = None

    def _body(self) -> dict[str, Any]:
        said = {
            **self.__dict__,
            "tags": list(self.tags),
            "metadata": edits.spelled(self.metadata),
            "custom_metadata": edits.spelled(self.custom_metadata),
        }
        return {name: value for name, value in said.items() if value}


def add(
    lake: Datalake,
    targets: str | Link | Iterable[str | Link],
    *,
    if_exists: str,
    error_manager: ErrorManager | None,
) -> DataOutcome:
    given = [targets] if isinstance(targets, (str, Link)) else targets
    made = [each if isinstance(each, Link) else Link(each) for each in given]
    wishes = [Wish(link.url, link._body()) for link in made]
    answers = batches.create(lake, "links", wishes, {"if_exists": if_exists})
    ok = [Data._read(lake, each["data"]) for each in answers if isinstance(each, Mapping)]
    failed = [each for each in answers if isinstance(each, Failure)]
    if error_manager is not None:
        error_manager.add(failed)
    return DataOutcome(MultiData(lake, ok), failed, [each for each in answers if isinstance(each, Skip)])


def import_csv(lake: Datalake, path: Path, options: Mapping[str, Any]) -> Job:
    """Raises OSError."""
    body: dict[str, Any] = {"filename": path.name, **options}
    if path.stat().st_size <= _IN_THE_CALL:
        # What is no UTF-8 goes as bytes.
        with suppress(UnicodeDecodeError):
            body["content"] = path.read_bytes().decode("utf-8-sig")
    found = lake.call("POST", "imports", "csv", body=body)
    if form := found.get("upload"):
        with path.open("rb") as file:
            send_file(lake, form, path.name, file)
    return Job._read(lake.wire, found["job"])


def send_file(lake: Datalake, form: Mapping[str, Any], name: str, file: IO[bytes]) -> None:
    """As the form has it. Raises TransferFailed, and Unreachable."""
    given = {"data": form["fields"], "files": {"file": (name, file)}}
    with lake.wire.exchange("POST", form["url"], (200, 201, 204), **given):
        pass
