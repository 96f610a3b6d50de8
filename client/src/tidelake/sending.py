"""The bytes of one file go up: in one form, or in parts. What the storage says it got is compared with what
was meant."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tidelake.errors import ChecksumMismatch, TidelakeError, TransferFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    import httpx

    from tidelake.datalakes import Datalake

    Ticket = Mapping[str, Any]
    """What the API gives leave for, as it says it."""
    Renew = Callable[[], Ticket]
    OnProgress = Callable[[int], None]

_BLOCK = 1024**2
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


def post(
    lake: Datalake, path: Path, digest: Digest, ticket: Ticket, renew: Renew, on_progress: OnProgress
) -> None:
    """In one form. Raises TransferFailed, Unreachable, OSError."""
    try:
        _post(lake, path, digest, ticket)
    except TransferFailed as error:
        if error.code not in _EXPIRED:
            raise
        _post(lake, path, digest, renew())
    on_progress(digest.size)


def _post(lake: Datalake, path: Path, digest: Digest, ticket: Ticket) -> None:
    with path.open("rb") as file:
        form = {
            "data": ticket["fields"],
            "files": {"file": ("file", file, ticket["fields"].get("Content-Type"))},
        }
        with lake.wire.exchange("POST", ticket["url"], (200, 201, 204), **form) as answer:
            confirm(answer, digest.md5)


def confirm(answer: httpx.Response, md5: str) -> None:
    """Raises ChecksumMismatch where the storage tells that it has other bytes."""
    told = md5_of(answer.headers.get("ETag"), answer.headers)
    if told not in (None, md5):
        raise ChecksumMismatch(f"the storage got bytes with the MD5 {told}, not {md5}")


def md5_of(etag: str | None, headers: Mapping[str, str]) -> str | None:
    """The MD5 of the bytes, where the etag is one."""
    encryption = headers.get("x-amz-server-side-encryption", "")
    found = re.fullmatch(r'"?([0-9a-f]{32})"?', etag or "")
    if not found or encryption in _NOT_OF_THE_BYTES:
        return None
    if any(name.lower().startswith("x-amz-server-side-encryption-customer") for name in headers):
        return None
    return found[1]


@dataclass
class Parts:
    """One large file. A part that fails is sent again alone, and those that are there stay there."""

    lake: Datalake
    path: Path
    ticket: Ticket
    renew: Renew
    on_progress: OnProgress

    def send(self, pool: ThreadPoolExecutor) -> None:
        """Raises TransferFailed, Unreachable, Problem, OSError. What is in the storage by then is dropped."""
        try:
            self._complete(self._send(pool))
        except BaseException:
            self._drop()
            raise

    def _send(self, pool: ThreadPoolExecutor) -> Mapping[int, str]:
        etags: dict[int, str] = {}
        while missing := [part for part in self.ticket["parts"] if part["number"] not in etags]:
            before = len(etags)
            expired = self._send_each(missing, etags, pool)
            if expired and len(etags) == before:
                raise expired
            if expired:
                self._take(self.renew(), etags)
        return etags

    def _send_each(
        self, parts: Sequence[Ticket], etags: dict[int, str], pool: ThreadPoolExecutor
    ) -> TransferFailed | None:
        """Fills in the etags. What is returned is why some could not be sent any more."""
        expired = None
        sent = [(part["number"], pool.submit(self._put, part)) for part in parts]
        try:
            for number, future in sent:
                try:
                    etags[number] = future.result()
                except TransferFailed as error:
                    if error.code not in _EXPIRED:
                        raise
                    expired = error
        finally:
            for _, future in sent:
                future.cancel()
        return expired

    def _put(self, part: Ticket) -> str:
        size = self.ticket["part_size"]
        with self.path.open("rb") as file:
            file.seek((part["number"] - 1) * size)
            octets = file.read(size)
        with self.lake.wire.exchange("PUT", part["url"], content=octets) as answer:
            confirm(answer, hashlib.md5(octets, usedforsecurity=False).hexdigest())
            etag = answer.headers["ETag"]
        self.on_progress(len(octets))
        return etag

    def _take(self, ticket: Ticket, etags: dict[int, str]) -> None:
        """Go on with a new leave: where it is for another upload, from the beginning."""
        if ticket.get("upload_id") != self.ticket["upload_id"]:
            etags.clear()
        self.ticket = ticket

    def _complete(self, etags: Mapping[int, str]) -> None:
        parts = [{"number": number, "etag": etags[number]} for number in sorted(etags)]
        self.lake.call("POST", "uploads", self.ticket["upload_id"], "complete", body={"parts": parts})

    def _drop(self) -> None:
        # What failed is told already, and in some days the bucket removes what is left.
        with suppress(TidelakeError):
            self.lake.call("DELETE", "uploads", self.ticket["upload_id"])
