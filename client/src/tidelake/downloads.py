"""Objects become files: whole and verified, or not at all."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import httpx

from tidelake import names
from tidelake.errors import ChecksumMismatch, TidelakeError, TransferFailed, Unreachable
from tidelake.outcomes import Failure, Outcome, Skip
from tidelake.sending import md5_of
from tidelake.wire import checked_workers, parts, refusal, with_dots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike

    from tidelake.data import Data, MultiData
    from tidelake.datalakes import Datalake
    from tidelake.outcomes import ErrorManager

_BLOCK = 1024**2
_EXPIRED = 403
_WHOLE, _PART, _CHANGED, _NOTHING_LEFT = 200, 206, 412, 416


@dataclass(frozen=True)
class Downloaded:
    """A file that is whole."""

    data: Data
    path: Path
    size: int
    """Bytes."""
    verified: bool
    """Whether the storage told the MD5 of the bytes, and it is that of the file. Where it does not (objects
    that went up in parts, encryption with KMS, links), only the size was compared."""


def download(
    lake: Datalake,
    items: MultiData,
    folder: str | PathLike[str],
    *,
    flat: bool,
    force_replace: bool,
    max_workers: int | None,
    error_manager: ErrorManager | None,
    on_progress: Callable[[int], None] | None,
) -> Outcome[Downloaded]:
    workers = checked_workers(max_workers)
    wanted = {data.id: data for data in items}
    paths = names.plan({data.id: data.object_name for data in wanted.values()}, flat=flat)
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    run = _Run(lake, root.resolve(), force_replace=force_replace, on_progress=on_progress or _ignore)
    with ThreadPoolExecutor(workers) as pool:
        try:
            for ids in parts(list(wanted)):
                run.fetch([(wanted[each], root / paths[each]) for each in ids], pool)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if error_manager is not None:
        error_manager.add(run.failed)
    return Outcome(run.ok, run.failed, run.skipped)


@dataclass
class _Run:
    lake: Datalake
    root: Path
    force_replace: bool
    on_progress: Callable[[int], None]
    ok: list[Downloaded] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)

    def fetch(self, wanted: Sequence[tuple[Data, Path]], pool: ThreadPoolExecutor) -> None:
        """As many as one call tells the addresses of."""
        missing = list(self._missing(wanted, pool))
        for became in pool.map(lambda each: self._fetch(*each), self._located(missing)):
            self._note(became)

    def _note(self, became: Downloaded | Failure | Skip) -> None:
        if isinstance(became, Downloaded):
            self.ok.append(became)
        elif isinstance(became, Failure):
            self.failed.append(became)
        else:
            self.skipped.append(became)

    def _missing(
        self, wanted: Sequence[tuple[Data, Path]], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[Data, Path]]:
        for each, became in zip(wanted, pool.map(lambda each: self._look(*each), wanted), strict=True):
            if became is None:
                yield each
            else:
                self._note(became)

    def _look(self, data: Data, path: Path) -> Failure | Skip | None:
        """What is in the way, if anything is."""
        try:
            if not names.leads_into(self.root, path):
                return _failure(data, "outside", f"{path.parent} leads out of the folder")
            if not os.path.lexists(path):
                return None
            if path.is_file() and is_same(path, data):
                return Skip(data.object_name, "present", f"{path} has these bytes", data.object_name)
            if path.is_dir() and not path.is_symlink():
                return _failure(data, "exists", f"{path} is a folder")
            if self.force_replace:
                return None
            return _failure(data, "exists", f"{path} is there and has other bytes")
        except OSError as error:
            return Failure.of(data.object_name, error, key=data.object_name)

    def _located(self, missing: Sequence[tuple[Data, Path]]) -> list[tuple[Data, Path, str]]:
        if not missing:
            return []
        try:
            found = self.lake.call("POST", "data", "content", body={"ids": [data.id for data, _ in missing]})
        except TidelakeError as error:
            if not (self.ok or self.skipped):
                raise
            self.failed += (Failure.of(data.object_name, error, key=data.object_name) for data, _ in missing)
            return []
        urls = {each["id"]: each["url"] for each in found["items"]}
        self.failed += (_absent(data) for data, _ in missing if data.id not in urls)
        return [(data, path, urls[data.id]) for data, path in missing if data.id in urls]

    def _fetch(self, data: Data, path: Path, url: str) -> Downloaded | Failure:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return _Transfer(self.lake, data, path, url, self.on_progress).run()
        except (TidelakeError, OSError) as error:
            return Failure.of(data.object_name, error, key=data.object_name)


class _Again(Exception):
    """The transfer broke off; what came so far is kept."""

    def __init__(self, why: TidelakeError, headers: httpx.Headers | None = None) -> None:
        self.why = why
        self.headers = headers


@dataclass
class _Transfer:
    """One file on its way. `came` and `md5` are of what lies in the part."""

    lake: Datalake
    data: Data
    path: Path
    url: str
    on_progress: Callable[[int], None]
    came: int = 0
    renewed: bool = False
    md5: hashlib._Hash = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    def run(self) -> Downloaded:
        part = self.path.with_name(f".{self.data.id}-{self._mark}.part")
        with part.open("r+b" if part.exists() else "w+b") as file:
            self._read_in(file)
            try:
                verified = self._receive_all(file)
            except ChecksumMismatch:
                part.unlink()
                raise
        if self.data.last_modified:
            os.utime(part, times=(self.data.last_modified.timestamp(),) * 2)
        part.replace(self.path)
        return Downloaded(self.data, self.path, self.came, verified)

    @property
    def _mark(self) -> str:
        """Of these bytes: a part of others is not gone on with."""
        return hashlib.sha256(f"{self.data.etag} {self.data.url}".encode()).hexdigest()[:16]

    def _read_in(self, file: BinaryIO) -> None:
        while block := file.read(_BLOCK):
            self.md5.update(block)
            self.came += len(block)

    def _receive_all(self, file: BinaryIO) -> bool:
        """Whether the bytes are verified."""
        attempt = 1
        while True:
            before = self.came
            try:
                return self._receive(file)
            except _Again as again:
                attempt = 1 if self.came > before else attempt
                if not self.lake.wire.retries.wait(attempt, again.headers):
                    raise again.why from again
                attempt += 1

    def _receive(self, file: BinaryIO) -> bool:
        is_link = self.data.kind == "link"
        headers = {"If-Match": f'"{self.data.etag}"'} if self.data.etag and not is_link else {}
        if self.came:
            headers["Range"] = f"bytes={self.came}-"
        try:
            with self.lake.wire.storage.stream(
                "GET", with_dots(self.url), headers=headers, follow_redirects=is_link
            ) as answer:
                self._begin(file, answer)
                for block in answer.iter_raw():
                    file.write(block)
                    self.md5.update(block)
                    self.came += len(block)
                    self.on_progress(len(block))
                return self._verify(file, answer)
        except httpx.InvalidURL as error:
            raise TransferFailed("invalid_url", str(error)) from error
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise TransferFailed("invalid_url", str(error)) from error
        except httpx.TransportError as error:
            told = str(error) or type(error).__name__
            raise _Again(Unreachable(f"the storage broke off after {self.came} bytes: {told}")) from error

    def _begin(self, file: BinaryIO, answer: httpx.Response) -> None:
        status = answer.status_code
        if status == _PART and answer.headers.get("Content-Range", "").startswith(f"bytes {self.came}-"):
            return
        if status in (_WHOLE, _PART):
            self._start_over(file)
            if status == _WHOLE:
                return
            raise _Again(TransferFailed("wrong_range", "the storage sent another range than was asked for"))
        if status == _NOTHING_LEFT and self.came:
            self._start_over(file)
            raise _Again(TransferFailed("wrong_range", "more was there than there is"))
        if status == _CHANGED:
            raise TransferFailed(
                "etag_mismatch", "the object has changed since it was listed", retryable=True
            )
        if status == _EXPIRED and not self.renewed:
            self.renewed, self.url = True, self.data.content_url()
            raise _Again(TransferFailed("AccessDenied", "the storage refuses"))
        answer.read()
        failed = refusal(answer)
        raise _Again(failed, answer.headers) if failed.retryable else failed

    def _start_over(self, file: BinaryIO) -> None:
        self.came, self.md5 = 0, hashlib.md5(usedforsecurity=False)
        file.seek(0)
        file.truncate()

    def _verify(self, file: BinaryIO, answer: httpx.Response) -> bool:
        expected = None if self.data.kind == "link" else self.data.size
        told = md5_of(answer.headers.get("ETag"), answer.headers)
        wrong = expected not in (None, self.came) or told not in (None, self.md5.hexdigest())
        if wrong and answer.status_code == _PART:
            # What lay there from before may be at fault.
            self._start_over(file)
            raise _Again(ChecksumMismatch("what had come before were other bytes"))
        if wrong:
            raise ChecksumMismatch(f"{self.came} bytes came, with the MD5 {self.md5.hexdigest()}, not {told}")
        return told is not None


def is_same(path: Path, data: Data) -> bool:
    """Whether the file has these bytes: by their MD5, or as it was left when it was downloaded."""
    found = path.stat()
    if found.st_size != data.size:
        return False
    if data.last_modified and found.st_mtime == data.last_modified.timestamp():
        return True
    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            md5.update(block)
    return md5.hexdigest() == data.etag


def _failure(data: Data, code: str, detail: str) -> Failure:
    return Failure(data.object_name, code, detail, data.object_name, code == "etag_mismatch")


def _absent(data: Data) -> Failure:
    if data.status == "pending":
        detail = "its bytes are not there yet"
        return Failure(data.object_name, "pending", detail, data.object_name, retryable=True)
    return _failure(data, "not_found", "it is not in the datalake any more")


def _ignore(octets: int) -> None:
    pass
