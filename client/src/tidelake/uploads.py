"""Files of this machine become objects of the bucket. Bytes go straight to the storage, never through the
API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from tidelake import batches, edits, files
from tidelake.batches import Wish
from tidelake.data import Data, MultiData
from tidelake.errors import NotFound, TidelakeError, TransferFailed
from tidelake.journals import Journal, path_of
from tidelake.labels import names
from tidelake.outcomes import DataOutcome, Failure, Skip
from tidelake.sending import TAKEN, Digest, Parts, send
from tidelake.wire import checked_workers, parts

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from tidelake.batches import Answer
    from tidelake.datalakes import Datalake
    from tidelake.edits import Metadata
    from tidelake.files import File
    from tidelake.outcomes import ErrorManager
    from tidelake.sending import OnProgress, Ticket

    PerFile = Metadata | Sequence[Metadata | None] | None
    Sent = Future[Data | None]
    Begun = tuple["_Described", Sent]

FORM_BYTES = 64 * 1024**2
"""What is larger goes up in parts."""

FILES_AT_FIRST, FILES_AT_ONCE = 200, 800
"""Announced with one call. While their bytes go up, the next are announced; so the first are few."""

BYTES_AT_ONCE = 1024**3
"""Announced together: what the API gives leave for is to be used within a quarter of an hour."""


@dataclass(frozen=True)
class Saying:
    """What people say of files."""

    tags: Sequence[str]
    source: str | None
    metadata: Sequence[Metadata | None]
    """Of the files of each path, and so is `custom_metadata`."""
    custom_metadata: Sequence[Metadata | None]
    description: str | None
    sidecars: bool
    """Whether a file beside one says more of it."""

    def of(self, file: File) -> dict[str, Any]:
        """What the caller says goes over what a sidecar says. Raises ValueError and OSError."""
        beside = files.read_sidecar(file.path) if self.sidecars else {}
        said = {
            "tags": list(dict.fromkeys([*beside.get("tags", ()), *self.tags])),
            "source": self.source or beside.get("source"),
            "metadata": {**beside.get("metadata", {}), **edits.spelled(self.metadata[file.place] or {})},
            "custom_metadata": {
                **beside.get("custom_metadata", {}),
                **edits.spelled(self.custom_metadata[file.place] or {}),
            },
            "description": self.description or beside.get("description"),
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True)
class _Described:
    file: File
    digest: Digest
    wish: Wish


def upload(
    lake: Datalake,
    paths: str | PathLike[str] | Iterable[str | PathLike[str]],
    *,
    folder: str,
    tags: str | Iterable[str],
    source: str | None,
    metadata: PerFile,
    custom_metadata: PerFile,
    description: str | None,
    fill_metadata: bool,
    include: Sequence[str],
    options: Mapping[str, Any],
    max_workers: int | None,
    error_manager: ErrorManager | None,
    on_progress: OnProgress | None,
) -> DataOutcome:
    workers = checked_workers(max_workers)
    given = files.as_paths(paths)
    saying = Saying(
        names(tags),
        source,
        _per_path("metadata", metadata, len(given)),
        _per_path("custom_metadata", custom_metadata, len(given)),
        description,
        fill_metadata,
    )
    found = files.collect(given, prefix=below(lake, folder), include=include, sidecars=fill_metadata)
    run = _Run(lake, saying, options, on_progress or _ignore, found.failed, found.skipped)
    run.upload(found.files, workers)
    if error_manager is not None:
        error_manager.add(run.failed)
    return DataOutcome(MultiData(lake, run.ok), run.failed, run.skipped)


@dataclass
class _Run:
    lake: Datalake
    saying: Saying
    options: Mapping[str, Any]
    on_progress: OnProgress
    failed: list[Failure]
    skipped: list[Skip]
    ok: list[Data] = field(default_factory=list)
    taken: list[tuple[_Described, Data]] = field(default_factory=list)
    """What was announced of those whose names had objects by the time their bytes came."""
    has_begun: bool = False
    """Whether anything was announced: from then on nothing is raised, so that all that was done is told."""

    def upload(self, found: Sequence[File], workers: int) -> None:
        with ThreadPoolExecutor(workers) as reading, ThreadPoolExecutor(workers) as sending:
            try:
                under_way: list[Begun] = []
                for part in _together(self._described(found, reading, workers)):
                    begun = self._begin(part, sending)
                    self._finish(under_way)
                    under_way = begun
                self._finish(under_way)
                self._tell_taken()
            except BaseException:
                for pool in (reading, sending):
                    pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _described(
        self, found: Sequence[File], pool: ThreadPoolExecutor, workers: int
    ) -> Iterator[_Described]:
        """In their order, some read ahead. What cannot be read has failed."""
        waiting: list[Future[_Described | Failure]] = []
        for file in found:
            waiting.append(pool.submit(self._describe, file))
            if len(waiting) > 4 * workers:
                yield from self._sound(waiting.pop(0))
        yield from chain.from_iterable(map(self._sound, waiting))

    def _sound(self, described: Future[_Described | Failure]) -> Iterator[_Described]:
        each = described.result()
        if isinstance(each, Failure):
            self.failed.append(each)
        else:
            yield each

    def _describe(self, file: File) -> _Described | Failure:
        try:
            digest = Digest.of(file.path)
            body = {
                "object_name": file.object_name,
                "size": digest.size,
                "content_type": file.content_type,
                "sha256": digest.sha256,
                **self.saying.of(file),
            }
        except OSError as error:
            return Failure.of(file.what, error, key=file.object_name)
        except ValueError as error:
            return Failure(file.what, "bad_sidecar", str(error), file.object_name)
        return _Described(file, digest, Wish(file.what, body))

    def _begin(self, part: Sequence[_Described], pool: ThreadPoolExecutor) -> list[Begun]:
        begun: list[Begun] = []
        large: list[tuple[_Described, Ticket | None]] = []
        fresh = []
        for each in part:
            if each.digest.size > FORM_BYTES and Journal.find(self._journal_of(each)):
                large.append((each, None))
            else:
                fresh.append(each)
        for each, answer in zip(fresh, self._announce(fresh), strict=True):
            if isinstance(answer, Failure):
                self.failed.append(answer)
            elif isinstance(answer, Skip):
                self.skipped.append(answer)
            elif answer["upload"]["method"] == "MULTIPART":
                large.append((each, answer["upload"]))
            else:
                begun.append((each, pool.submit(self._send, each, answer)))
        return begun + [(each, self._send_large(each, ticket, pool)) for each, ticket in large]

    def _announce(self, part: Sequence[_Described]) -> list[Answer]:
        wishes = [each.wish for each in part]
        try:
            answers = batches.create(self.lake, "uploads", wishes, {**self.options, "by": "put"})
        except TidelakeError as error:
            if not self.has_begun:
                raise
            return [Failure.of(wish.what, error, key=wish.key) for wish in wishes]
        self.has_begun = True
        return answers

    def _journal_of(self, each: _Described) -> Path:
        where = (self.lake.wire.url, self.lake.id, str(each.file.path.resolve()))
        return path_of(*where, each.wish.body, self.options)

    def _send(self, each: _Described, answer: Mapping[str, Any]) -> Data | None:
        """None: it is one of those that are taken."""

        def renew(by: str) -> Ticket:
            return self._renew(each, by)

        data = Data._read(self.lake, answer["data"])
        try:
            etag = send(self.lake, each.file.path, each.digest, answer["upload"], renew, self.on_progress)
        except TransferFailed as error:
            if error.code != TAKEN:
                raise
            self.taken.append((each, data))
            return None
        # Until the index has heard of the new bytes it shows those that were there.
        return data if etag and etag == data.etag else replace(data, status="pending", status_reason=None)

    def _send_large(self, each: _Described, ticket: Ticket | None, pool: ThreadPoolExecutor) -> Sent:
        """Here and now; the pool is for its parts. Without a ticket it goes on with what its journal says."""
        sent: Sent = Future()
        try:
            found = self._send_parts(each, ticket, pool)
            sent.set_result(self.lake.get_data(found["id"]))
        except (TidelakeError, OSError) as error:
            sent.set_exception(error)
        return sent

    def _send_parts(
        self, each: _Described, ticket: Ticket | None, pool: ThreadPoolExecutor
    ) -> Mapping[str, Any]:
        path = self._journal_of(each)
        journal = Journal.find(path) if ticket is None else Journal.begin(path, ticket)
        urls = ticket["parts"] if ticket else ()
        try:
            if journal is not None:
                parts = Parts(self.lake, each.file.path, each.digest.size, journal, self.on_progress)
                return parts.send(pool, urls)
        except (NotFound, TransferFailed) as error:
            # The upload that the journal tells of was dropped, or is too old.
            if ticket is not None or error.code not in ("not_found", "NoSuchUpload"):
                raise
        return self._send_parts(each, self._renew(each), pool)

    def _finish(self, begun: Sequence[Begun]) -> None:
        for each, sent in begun:
            try:
                if data := sent.result():
                    self.ok.append(data)
            except (TidelakeError, OSError) as error:
                self.failed.append(Failure.of(each.file.what, error, key=each.wish.key))

    def _tell_taken(self) -> None:
        """An attempt whose answer was lost may have taken the name, or somebody else. The index knows when it
        has heard of the object."""
        for ids in parts([data.id for _, data in self.taken]):
            try:
                there = self._there(ids)
            except TidelakeError as error:
                there = dict.fromkeys(ids, error)
            for each, data in self.taken:
                if data.id in ids:
                    self._tell_one(each, there.get(data.id), data.object_name)

    def _there(self, ids: Sequence[str]) -> dict[str, Data | TidelakeError]:
        """What there is by now, as far as patience lasts."""
        attempt = 0
        while True:
            attempt += 1
            found = {data.id: data for data in self.lake.list_data(ids=ids) if data.status != "pending"}
            if len(found) == len(ids) or not self.lake.wire.retries.wait(attempt):
                return {**found}

    def _tell_one(self, each: _Described, there: Data | TidelakeError | None, key: str) -> None:
        what = each.file.what
        try:
            if isinstance(there, TidelakeError):
                raise there
            if there is not None and each.digest.is_of(there):
                self.ok.append(there)
            elif self.options["if_exists"] == "skip":
                self.skipped.append(Skip(what, "exists", "an object of this name came meanwhile", key))
            else:
                self.failed.append(Failure(what, "conflict", "an object of this name came meanwhile", key))
        except TidelakeError as error:
            self.failed.append(Failure.of(what, error, key=key))

    def _renew(self, each: _Described, by: str = "put") -> Ticket:
        """Leave to send what could not be sent while the first leave held."""
        (answer,) = batches.create(self.lake, "uploads", [each.wish], {**self.options, "by": by})
        if isinstance(answer, Failure):
            raise TransferFailed(answer.code, answer.detail, retryable=answer.retryable)
        if isinstance(answer, Skip):
            raise TransferFailed("exists", "another upload of this name came first")
        ticket: Ticket = answer["upload"]
        return ticket


def _together(described: Iterable[_Described]) -> Iterator[list[_Described]]:
    part: list[_Described] = []
    octets, count = 0, FILES_AT_FIRST
    for each in described:
        if part and (len(part) == count or octets + each.digest.size > BYTES_AT_ONCE):
            yield part
            part, octets, count = [], 0, FILES_AT_ONCE
        part.append(each)
        octets += each.digest.size
    if part:
        yield part


def below(lake: Datalake, folder: str) -> str:
    """What object names begin with: the folder, which lies below the datalake's prefix."""
    bare = folder.strip("/")
    prefix = f"{bare}/" if bare else ""
    return prefix if prefix.startswith(lake.prefix) else lake.prefix + prefix


def _per_path(name: str, values: PerFile, count: int) -> Sequence[Metadata | None]:
    if values is None or isinstance(values, Mapping):
        return [values] * count
    if len(values) != count:
        raise ValueError(f"there are {len(values)} {name} for {count} paths")
    return list(values)


def _ignore(octets: int) -> None:
    pass
