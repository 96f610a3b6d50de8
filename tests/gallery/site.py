"""The gallery and the API over an AWS in memory, for a browser on this machine: large lakes in seconds, and
whatever goes wrong when it is asked for."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import batched
from threading import Lock, Thread
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote, urlsplit

from chalicelib.jobs import walks, worker
from chalicelib.model import limits, moment
from chalicelib.model.data import Data, Facts, Reason, Sight, Status, Type, first_record
from chalicelib.model.lake import Lake
from chalicelib.storage import aws, records
from tests.e2e.lake import png
from tests.simulation import objects
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ARTIFACTS, OWNER, World, installed
from tests.unit.api.gateway import Gateway

KEYS = {role: f"tl_{n:016x}_{'5' * 64}" for n, role in enumerate(("viewer", "editor", "admin"))}
PICTURE = png(40, 30)
SECONDS_BETWEEN = 0.01
LEFT_MS = 300_000

READY = Facts(status=Status.READY, type=Type.IMAGE, content_type="image/png", width=40, height=30, channels=3)
CORRUPT = Facts(status=Status.FAILED, status_reason=Reason.CORRUPT, type=Type.IMAGE)

STAGE = "/stage"
"""Below it the same is found as without it."""

_ROLES = {f"Bearer {key}": role for role, key in KEYS.items()}


@dataclass
class Site:
    world: World
    lake: Lake
    address: str = ""
    asked: list[str] = field(default_factory=list)
    """Method and path of every request."""
    failing: int | None = None
    """The status that the API answers everything with."""
    expired: bool = False
    """Whether addresses of bytes have had their time."""
    revoked: bool = False
    """Whether no key is good any more."""

    def fill(self, names: Sequence[str], facts: Facts | None = READY) -> list[str]:
        """The ids of new data, one created after the other. Without facts nobody has looked at them."""
        drafts = [self._draft(name) for name in names]
        for batch in batched(drafts, limits.INSERT_BATCH, strict=False):
            records.insert_absent(batch)
            for draft in batch:
                self._look(draft, facts)
            self.world.calls.clear()
        return [draft.id for draft in drafts]

    def look(self, data_id: str) -> None:
        """What comes of it that somebody asked for it."""
        data = records.read(data_id)
        if data is None:
            raise LookupError(data_id)
        self._look(data, READY)
        self.world.calls.clear()

    def remove_thumbnail(self, data_id: str) -> None:
        objects_there = self.world.s3.buckets[ARTIFACTS].objects
        for key in [each for each in objects_there if each.startswith(f"{data_id}/")]:
            del objects_there[key]

    def change_lake(self, **change: Any) -> None:
        if Gateway(role="admin").call("PATCH", "", change).status != 200:
            raise RuntimeError(f"the lake cannot be {change}")
        self.world.calls.clear()

    def tag(self, name: str, ids: Sequence[str]) -> None:
        gateway = Gateway(role="editor")
        if gateway.call("POST", "/data/tags", {"tags": [name], "ids": list(ids)}).status != 200:
            raise RuntimeError(f"nothing can be tagged {name}")
        self.world.calls.clear()

    def count(self) -> None:
        """As the table's stream has it by now."""
        objects.count(self.world)
        self.world.calls.clear()

    def _look(self, data: Data, facts: Facts | None) -> None:
        if facts is None:
            return
        records.publish(data.id, data.content, facts, None, thumbnail=facts is READY)
        if facts is READY:
            self.world.s3.put_object(
                Bucket=ARTIFACTS, Key=data.thumbnail_key, Body=PICTURE, ContentType="image/png"
            )

    def _draft(self, name: str) -> Data:
        self.world.clock += SECONDS_BETWEEN
        sight = Sight(size=len(PICTURE), etag=md5(PICTURE).hexdigest(), content_type="image/png")
        return first_record(self.lake, name, sight, None, moment.new_op_id())

    def answer(
        self, method: str, address: str, body: str | None, authorization: str
    ) -> tuple[int, Any, bytes]:
        parts = urlsplit(address)
        _, bucket, key = unquote(parts.path).split("/", 2) if parts.path.count("/") > 1 else ("", "", "")
        if bucket in (ARTIFACTS, "photos"):
            return self._fetch(bucket, key)
        path = parts.path.removeprefix(STAGE) or "/"
        self.asked.append(f"{method} {path}")
        if path.startswith("/v1/"):
            if self.failing:
                return self._problem(self.failing, "storage_unavailable", "the storage did not answer")
            if self.revoked or authorization not in _ROLES:
                return self._problem(401, "unauthorized", "a valid API key is needed")
        if method == "GET" and path.startswith("/v1/jobs"):
            self._work()
        gateway = Gateway(role=_ROLES.get(authorization, "viewer"), place=parts.path)
        told = gateway.send(method, path, body, parse_qs(parts.query, keep_blank_values=True))
        self.world.calls.clear()
        headers = told["headers"] | {name: each[-1] for name, each in told["multiValueHeaders"].items()}
        return told["statusCode"], headers, (told["body"] or "").encode()

    def _fetch(self, bucket: str, key: str) -> tuple[int, Any, bytes]:
        there = self.world.s3.buckets[bucket].current(key)
        if self.expired or (bucket == ARTIFACTS and there is None):
            return 403, {}, b""
        if there is None:
            return 200, {"Content-Type": "image/png"}, PICTURE
        return 200, {"Content-Type": there.content_type}, there.body

    def _work(self) -> None:
        for name, receive in (("jobs", worker.receive), ("walks", walks.receive)):
            queue = self.world.sqs.queues[name]
            while queue.visible:
                _, message = queue.visible.popitem()
                receive([message.as_record()], lambda: LEFT_MS)

    def _problem(self, status: int, code: str, detail: str) -> tuple[int, Any, bytes]:
        headers = {"Content-Type": "application/problem+json"}
        return status, headers, json.dumps({"status": status, "code": code, "detail": detail}).encode()


@contextmanager
def opened() -> Iterator[Site]:
    """On an empty lake. What is signed leads back here."""
    world, lock = World(), Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode() if length else None
            with lock:
                status, headers, content = site.answer(
                    self.command, self.path, body, self.headers.get("Authorization", "")
                )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

        def log_message(self, format: str, *given: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, installed(world):
        server.daemon_threads = True
        address = f"http://127.0.0.1:{server.server_port}"
        _forget_clients()
        with patch.dict(os.environ, {"AWS_ENDPOINT_URL": address}):
            site = Site(world, world.add_lake("default", "photos", shards=limits.SHARDS), f"{address}/")
            objects.add_connector("photos")
            world.s3.buckets["photos"] = Bucket(OWNER)
            thread = Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield site
            finally:
                server.shutdown()
                thread.join()
                _forget_clients()


def _forget_clients() -> None:
    """They keep the endpoint that they were made with."""
    aws._make.cache_clear()
    aws._session.cache_clear()
