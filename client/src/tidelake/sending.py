"""The bytes of one file go up: in one piece, or in parts. What the storage says it got is compared with what
was meant."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tidelake.errors import ChecksumMismatch, Problem, TidelakeError, TransferFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    import httpx

    from tidelake.data import Data
    from tidelake.datalakes import Datalake
    from tidelake.journals import Journal

    Ticket = Mapping[str, Any]
    """What the API gives leave for, as it says it."""
    OnProgress = Callable[[int], None]

_BLOCK = 1024**2

TAKEN = "PreconditionFailed"
"""What the storage says when there is an object of the name already."""

_NO_CONDITIONS = "NotImplemented"
"""What storages say that take no condition with a PUT."""

_EXPIRED = frozenset({"AccessDenied", "ExpiredToken", "RequestExpired"})
"""What the storage says when the leave has run out; it may mean other things, too."""

_NOT_OF_THE_BYTES = ("aws:kms", "aws:kms:dsse")
"""Encryption with which an etag is no MD5.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html"""


@dataclass(frozen=True)
class Digest:
    """What a file's bytes were when it was read."""

    size: int
    sha256: str
    md5: str

    @classmethod
    def of(cls, path: Path) -> Digest:
        """Raises OSError."""
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                sha256.update(block)
                md5.update(block)
                size += len(block)
        return cls(size, sha256.hexdigest(), md5.hexdigest())

    def is_of(self, data: Data) -> bool:
        """Whether these are its bytes, which are fetched where its etag is no MD5. Raises TidelakeError."""
        if data.etag == self.md5 or data.size != self.size:
            return data.size == self.size
        sha256 = hashlib.sha256()
        with data._lake.wire.exchange("GET", data.content_url()) as answer:
            for block in answer.iter_raw():
                sha256.update(block)
        return sha256.hexdigest() == self.sha256


def send(
    lake: Datalake,
    path: Path,
    digest: Digest,
    ticket: Ticket,
    renew: Callable[[str], Ticket],
    on_progress: OnProgress,
) -> str | None:
    """In one piece. The etag of the object. `renew` is asked for leave by a `put` or a `form`.

    Raises TransferFailed, whose code is TAKEN where it must not overwrite what is there by now, Unreachable,
    OSError.
    """
    try:
        etag = _send(lake, path, digest, ticket)
    except TransferFailed as error:
        if error.code not in _EXPIRED | {_NO_CONDITIONS}:
            raise
        ticket = renew("form" if error.code == _NO_CONDITIONS else "put")
        etag = _send(lake, path, digest, ticket)
    on_progress(digest.size)
    return etag


def _send(lake: Datalake, path: Path, digest: Digest, ticket: Ticket) -> str | None:
    way = _put if ticket["method"] == "PUT" else _post
    return way(lake, path, digest, ticket)


def _put(lake: Datalake, path: Path, digest: Digest, ticket: Ticket) -> str | None:
    if path.stat().st_size != digest.size:
        raise TransferFailed("changed", f"{path} has another size than before")
    content = _Blocks(path) if digest.size > _BLOCK else path.read_bytes()
    headers = {**ticket["headers"], "Content-Length": str(digest.size)}
    with lake.wire.exchange("PUT", ticket["url"], headers=headers, content=content) as answer:
        return confirm(answer, digest.md5)


@dataclass(frozen=True)
class _Blocks:
    """The bytes of a file, from its beginning each time."""

    path: Path

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block


def _post(lake: Datalake, path: Path, digest: Digest, ticket: Ticket) -> str | None:
    with path.open("rb") as file:
        form = {"data": ticket["fields"], "files": {"file": ("file", file, ticket["fields"]["Content-Type"])}}
        with lake.wire.exchange("POST", ticket["url"], (200, 201, 204), **form) as answer:
            return confirm(answer, digest.md5)


def confirm(answer: httpx.Response, md5: str) -> str | None:
    """The etag. Raises ChecksumMismatch where the storage tells that it has other bytes."""
    etag: str | None = answer.headers.get("ETag")
    told = md5_of(etag, answer.headers)
    if told not in (None, md5):
        raise ChecksumMismatch(f"the storage got bytes with the MD5 {told}, not {md5}")
    return etag and etag.strip('"')


def md5_of(etag: str | None, headers: Mapping[str, str]) -> str | None:
    """The MD5 of the bytes, where the etag is one."""
    found = re.fullmatch(r'"?([0-9a-f]{32})"?', etag or "")
    encryption = headers.get("x-amz-server-side-encryption", "")
    own_key = headers.get("x-amz-server-side-encryption-customer-algorithm")
    return None if found is None or own_key or encryption in _NOT_OF_THE_BYTES else found[1]


@dataclass
class Parts:
    """One large file. A part that fails is sent again alone, and those that are there stay there, also for
    who goes on another day, with the journal."""

    lake: Datalake
    path: Path
    size: int
    journal: Journal
    on_progress: OnProgress

    def send(self, pool: ThreadPoolExecutor, urls: Iterable[Ticket]) -> Mapping[str, Any]:
        """The `id` and `object_name` that it has then.

        Raises TransferFailed, Unreachable, Problem, OSError. What the API or the storage refused is dropped.
        """
        try:
            self._send_all(pool, urls)
            found: Mapping[str, Any] = self._call("POST", "complete", body={"parts": self._parts()})
        except (Problem, TransferFailed) as error:
            if not error.retryable:
                self._drop(error)
            raise
        self.journal.end()
        return found

    def _send_all(self, pool: ThreadPoolExecutor, urls: Iterable[Ticket]) -> None:
        self.on_progress(sum(map(self._size, self.journal.etags)))
        expired = self._send(pool, urls)
        while missing := self.journal.missing():
            before = len(missing)
            found = self._call("GET", "parts", query={"first": missing[0]})
            expired = self._send(pool, found["parts"])
            if expired and len(self.journal.missing()) == before:
                raise expired

    def _send(self, pool: ThreadPoolExecutor, urls: Iterable[Ticket]) -> TransferFailed | None:
        """Why some could not be sent any more: their addresses are good for a quarter of an hour."""
        expired = None
        sent = {
            pool.submit(self._put, each["number"], each["url"]): each["number"]
            for each in urls
            if each["number"] not in self.journal.etags
        }
        try:
            for future, number in sent.items():
                try:
                    self.journal.note(number, future.result())
                except TransferFailed as error:
                    if error.code not in _EXPIRED:
                        raise
                    expired = error
        finally:
            for future in sent:
                future.cancel()
        return expired

    def _put(self, number: int, url: str) -> str:
        with self.path.open("rb") as file:
            file.seek((number - 1) * self.journal.part_size)
            octets = file.read(self.journal.part_size)
        if len(octets) != self._size(number):
            raise TransferFailed("changed", f"{self.path} has become shorter meanwhile")
        md5 = hashlib.md5(octets, usedforsecurity=False).hexdigest()
        with self.lake.wire.exchange("PUT", url, content=octets) as answer:
            etag = confirm(answer, md5)
        self.on_progress(len(octets))
        return etag or ""

    def _size(self, number: int) -> int:
        return min(self.journal.part_size, self.size - (number - 1) * self.journal.part_size)

    def _parts(self) -> list[dict[str, Any]]:
        return [{"number": number, "etag": etag} for number, etag in sorted(self.journal.etags.items())]

    def _call(self, method: str, step: str, **given: Any) -> Any:
        return self.lake.call(method, "uploads", self.journal.upload_id, step, **given)

    def _drop(self, why: TidelakeError) -> None:
        self.journal.end()
        # What failed is told already, and in some days the bucket removes what is left.
        with suppress(TidelakeError):
            self.lake.call("DELETE", "uploads", self.journal.upload_id)
