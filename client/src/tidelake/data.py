"""One item of a datalake, and many of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, overload

from tidelake import edits, moments
from tidelake.errors import NoData, TimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from os import PathLike

    from typing_extensions import Unpack

    from tidelake.datalakes import Datalake
    from tidelake.downloads import Downloaded
    from tidelake.edits import Changes
    from tidelake.jobs import Job
    from tidelake.outcomes import Change, ErrorManager, Outcome

_FINAL = frozenset({"ready", "skipped", "failed"})
_TIMES = frozenset({"checked_at", "last_modified", "created_at", "updated_at"})
_SOON_SECONDS = 0.5
_LATE_SECONDS = 5.0


@dataclass(frozen=True)
class Data:
    """One item of a datalake, as it was when the API was asked; `refresh` asks again.

    >>> data = lake.find_data(filename="0600.jpg")
    >>> data.width, data.height, data.type, data.status
    (480, 640, 'image', 'ready')
    """

    id: str
    datalake_id: str
    kind: str
    """`object` or `link`."""
    type: str | None
    """`image`, `video` or `other`, by the bytes, whatever the name says. None: not looked at yet."""
    status: str
    """`pending` (announced, not here yet), `indexed` (not looked at yet), `ready`, `failed` or `skipped`."""
    status_reason: str | None
    """Why it is `failed` or `skipped`."""
    object_name: str
    filename: str
    """What follows the last `/` of the object name, or all of it."""
    url: str | None
    """Where a link points to."""
    health: str | None
    """Of a link: `ok`, `dead` or `changed`, as found at `checked_at`."""
    checked_at: datetime | None
    size: int | None
    """Bytes; of a link those that were fetched."""
    etag: str | None
    version_id: str | None
    content_type: str | None
    content_encoding: str | None
    last_modified: datetime | None
    created_at: datetime
    """When the datalake learned of it."""
    updated_at: datetime
    width: int | None
    """Pixels, as displayed, with the orientation applied; so is `height`."""
    height: int | None
    orientation: int | None
    """As in EXIF, 1 to 8."""
    channels: int | None
    metadata: Mapping[str, Any]
    """What the bytes say (EXIF), and over it what people wrote. Angles in degrees, altitude in metres, focal
    length in millimetres, exposure time in seconds."""
    custom_metadata: Mapping[str, Any]
    description: str | None
    tags: list[str]
    source: str | None
    thumbnail: bool
    """Whether there is one."""
    _lake: Datalake = field(repr=False, compare=False)

    @classmethod
    def _read(cls, lake: Datalake, found: Mapping[str, Any]) -> Data:
        # What an older or newer stack does not tell or tells on top does no harm.
        told: dict[str, Any] = {name: found.get(name) for name in _FIELDS}
        return cls(**told | {name: moments.parse(told[name]) for name in _TIMES}, _lake=lake)

    @property
    def is_processed(self) -> bool:
        """Whether nothing is left to do for its present bytes."""
        return self.status in _FINAL

    def to_dict(self) -> dict[str, Any]:
        """All that is known of it, ready for JSON."""
        return {name: _plain(getattr(self, name)) for name in _FIELDS}

    def refresh(self) -> Data:
        """As it is now. Raises NotFound."""
        return self._lake.get_data(self.id)

    def edit(self, **changes: Unpack[Changes]) -> Data:
        """With other metadata, description or source; see `tidelake.edits.Changes` for what may be changed.

        What is not named stays, and None clears. Raises NotFound, and InvalidRequest with every mistake.

        >>> data = lake.find_data(filename="0600.jpg")
        >>> data.edit(custom_metadata={"lot": "A7"}, description="before sunrise").custom_metadata["lot"]
        'A7'
        """
        return self._read(self._lake, self._lake.call("PATCH", "data", self.id, body=edits.body(changes)))

    def add_tags(self, tags: str | Iterable[str]) -> Change:
        """Give it tags, which are created where they do not exist."""
        return self._lake.add_tags(tags, ids=[self.id])

    def remove_tags(self, tags: str | Iterable[str]) -> Change:
        """Take tags off it, which it need not have."""
        return self._lake.remove_tags(tags, ids=[self.id])

    def content_url(self) -> str:
        """Where its bytes are, for 15 minutes, without a key. Raises NotFound."""
        return self._lake.wire.locate("datalakes", self._lake.id, "data", self.id, "content")

    def thumbnail_url(self) -> str:
        """Where its thumbnail is, a WebP of at most 256 pixels a side, for 15 minutes, without a key.

        Raises NotFound, which says why there is none.
        """
        return self._lake.wire.locate("datalakes", self._lake.id, "data", self.id, "thumbnail")

    def download(
        self,
        folder: str | PathLike[str] = ".",
        *,
        flat: bool = True,
        force_replace: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Outcome[Downloaded]:
        """Its bytes as a file in the folder, under its file name; see `MultiData.download`.

        >>> outcome = lake.find_data(filename="0600.jpg").download(folder)
        >>> outcome.ok[0].path.name, outcome.ok[0].verified
        ('0600.jpg', True)
        """
        return MultiData(self._lake, [self]).download(
            folder, flat=flat, force_replace=force_replace, on_progress=on_progress
        )

    def delete(self, *, delete_object: bool = False) -> None:
        """Forget it; with `delete_object` delete its object from the bucket, provided these are still its
        bytes.

        What was forgotten while its object stays comes back with the next sync. Raises Forbidden where the
        connector does not allow deleting, EtagMismatch where the object has changed, NotFound.
        """
        query = {"object": True, "etag": self.etag} if delete_object else None
        self._lake.call("DELETE", "data", self.id, query=query)


_FIELDS = tuple(each.name for each in dataclasses.fields(Data) if not each.name.startswith("_"))


class MultiData(Sequence[Data]):
    """Data in order, fetched as far as it is looked at, a page at a time.

    Empty is empty: no verb of it minds. Slices and sums are such sequences too.

    >>> found = lake.list_data(prefix="camera-one/", order_by="object_name")
    >>> len(found), found[0].filename, [data.filename for data in found[1:]]
    (2, '0600.jpg', ['1000.jpg'])
    >>> (found[:1] + found[1:]).ids == found.ids
    True
    """

    def __init__(self, lake: Datalake, items: Iterable[Data] = ()) -> None:
        self._lake = lake
        self._seen: list[Data] = []
        self._rest: Iterator[Data] = iter(items)

    def __len__(self) -> int:
        """How many there are in all, for which all have to be fetched."""
        self._fetch(None)
        return len(self._seen)

    def __bool__(self) -> bool:
        self._fetch(1)
        return bool(self._seen)

    def __iter__(self) -> Iterator[Data]:
        place = 0
        while True:
            if place == len(self._seen):
                self._fetch(place + 1)
                if place == len(self._seen):
                    return
            yield self._seen[place]
            place += 1

    @overload
    def __getitem__(self, place: int) -> Data: ...
    @overload
    def __getitem__(self, place: slice) -> MultiData: ...
    def __getitem__(self, place: int | slice) -> Data | MultiData:
        if isinstance(place, slice):
            ends = (place.start or 0, place.stop if place.stop is not None else -1)
            self._fetch(None if min(ends) < 0 or (place.step or 1) < 0 else ends[1])
            return MultiData(self._lake, self._seen[place])
        self._fetch(None if place < 0 else place + 1)
        return self._seen[place]

    def __add__(self, other: MultiData) -> MultiData:
        """These, and then those. Raises ValueError for data of another datalake."""
        if self._lake.id != other._lake.id:
            raise ValueError("data of two datalakes cannot be put together")
        return MultiData(self._lake, chain(self, other))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiData) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        self._fetch(4)
        shown = ", ".join(repr(data.object_name) for data in self._seen[:3])
        return f"MultiData([{shown}{', …' if len(self._seen) > 3 else ''}])"

    def _fetch(self, count: int | None) -> None:
        if count is None:
            self._seen.extend(self._rest)
        elif count > len(self._seen):
            self._seen.extend(islice(self._rest, count - len(self._seen)))

    @property
    def ids(self) -> list[str]:
        """Of each once, in order."""
        return list(dict.fromkeys(data.id for data in self))

    def require(self) -> MultiData:
        """Itself, for those who would rather have NoData raised than an empty sequence."""
        if not self:
            raise NoData("nothing was found")
        return self

    def refresh(self) -> MultiData:
        """As they are now, in the same order, without those that are gone."""
        now = {data.id: data for data in self._lake.list_data(ids=self.ids)}
        return MultiData(self._lake, [now[each] for each in self.ids if each in now])

    def wait_until_processed(
        self, timeout: float | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> MultiData:
        """As they are when all of them are `ready`, `skipped` or `failed`. One call asks for up to 1,000.

        `timeout` is in seconds, None is for ever. Raises TimedOut, whose `last` is what was known of all
        of them by then.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        known, pause = {data.id: data for data in self}, _SOON_SECONDS
        while waiting := {each for each, data in known.items() if not data.is_processed}:
            if deadline is not None and time.monotonic() >= deadline:
                last = MultiData(self._lake, known.values())
                raise TimedOut(f"{len(waiting)} of {len(known)} are not processed after {timeout} s", last)
            sleep(pause if deadline is None else min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(_LATE_SECONDS, pause * 1.3)
            for data in self._lake.list_data(ids=list(waiting)):
                waiting.remove(data.id)
                if not _is_awaited(known[data.id], data):
                    known[data.id] = data
            # What was not found is gone.
            known = {each: data for each, data in known.items() if each not in waiting}
        return MultiData(self._lake, known.values())

    def add_tags(self, tags: str | Iterable[str]) -> Change:
        """Give all of them tags, which are created where they do not exist.

        >>> lake.list_data(prefix="camera-one/").add_tags(["outside", "morning"]).changed
        2
        """
        return self._lake.add_tags(tags, ids=self.ids)

    def remove_tags(self, tags: str | Iterable[str]) -> Change:
        """Take tags off all of them, which they need not have."""
        return self._lake.remove_tags(tags, ids=self.ids)

    def edit(self, **changes: Unpack[Changes]) -> Change:
        """Edit all of them alike; see `tidelake.edits.Changes`."""
        return self._lake.edit_data(self.ids, **changes)

    def delete(self, *, delete_objects: bool = False, dry_run: bool = False) -> list[Job]:
        """Forget all of them, or delete their objects from the bucket: a job for each 1,000."""
        return self._lake.delete_data(self.ids, delete_objects=delete_objects, dry_run=dry_run)

    def download(
        self,
        folder: str | PathLike[str] = ".",
        *,
        flat: bool = False,
        force_replace: bool = False,
        max_workers: int | None = None,
        error_manager: ErrorManager | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> Outcome[Downloaded]:
        """Their bytes as files in the folder, under their object names, or with `flat` under file names.

        No two share a file: where names meet, each gets a part of its id. No file is outside of the folder,
        whatever the object's name. A file is under its name when it is whole and verified, before that
        under a name that ends in `.part`; what is there of it already is not fetched again. A file that
        holds these very bytes is `skipped` (`present`); one that holds others has `failed` (`exists`),
        unless `force_replace`. Data whose object has changed since it was listed has `failed`
        (`etag_mismatch`): `refresh` it.

        `max_workers`, from 1 to 64, is by default the number of cores and 4. `on_progress` is called, from
        any thread, with the number of bytes that came.
        """
        from tidelake.downloads import download

        return download(
            self._lake,
            self,
            folder,
            flat=flat,
            force_replace=force_replace,
            max_workers=max_workers,
            error_manager=error_manager,
            on_progress=on_progress,
        )


def _is_awaited(sent: Data, now: Data) -> bool:
    """Whether what is known now is still of the bytes from before those that were sent."""
    return sent.status == "pending" and (now.status == "pending" or now.etag == sent.etag)


def ids_of(data: Data | Iterable[Data]) -> list[str]:
    return [data.id] if isinstance(data, Data) else list(dict.fromkeys(each.id for each in data))


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
