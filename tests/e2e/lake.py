"""What an outsider sees of a running stack: its bucket, its queues and its HTTP API, and nothing else."""

import io
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
import urllib3
from botocore.config import Config
from PIL import Image

FINAL = {"ready", "skipped", "failed"}
WALKED = "walked"
"""A lake beside the default one, and its folder."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Stack:
    def __init__(self, handle: Mapping[str, Any]) -> None:
        self.handle = handle
        self.bucket = handle["bucket"]
        self.http = urllib3.PoolManager(maxsize=16, retries=False, timeout=35)

    @cached_property
    def s3(self) -> Any:
        return self._client("s3", s3={"addressing_style": "path"})

    @cached_property
    def sqs(self) -> Any:
        return self._client("sqs")

    @cached_property
    def dynamodb(self) -> Any:
        return self._client("dynamodb")

    def _client(self, service: str, **config: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.handle["endpoint_url"],
            region_name=self.handle["region"],
            aws_access_key_id=self.handle["aws_access_key_id"],
            aws_secret_access_key=self.handle["aws_secret_access_key"],
            config=Config(signature_version="s3v4", max_pool_connections=32, **config)
            if service == "s3"
            else Config(max_pool_connections=32),
        )

    def call(self, path: str, method: str = "GET", key: str | None = "", **query: Any) -> Answer:
        url = self.handle["api_url"] + path
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        token = self.handle["api_key"] if key == "" else key
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = self.http.request(method, url, headers=headers, redirect=False)
        return Answer(response.status, response.headers, response.data)

    def fetch(self, url: str) -> Answer:
        response = self.http.request("GET", url)
        return Answer(response.status, response.headers, response.data)

    def index(self, prefix: str = "", lake: str = "default", **query: Any) -> Iterator[dict[str, Any]]:
        cursor = None
        while True:
            page = query | ({"prefix": prefix} if prefix else {}) | ({"cursor": cursor} if cursor else {})
            answer = self.call(f"/datalakes/{lake}/data", limit=1000, **page)
            assert answer.status == 200, answer.raw
            yield from answer.body["items"]
            cursor = answer.body["next_cursor"]
            if cursor is None:
                return

    def listing(self, prefix: str = "") -> dict[str, tuple[int, str]]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        objects = [entry for page in pages for entry in page.get("Contents", [])]
        return {entry["Key"]: (entry["Size"], entry["ETag"].strip('"')) for entry in objects}

    def in_step(self, prefix: str = "", lake: str = "default") -> bool:
        objects = self.index(prefix, lake, kind="object")
        records = {record["object_name"]: (record["size"], record["etag"]) for record in objects}
        return records == self.listing(prefix)

    def settled(self, prefix: str = "", lake: str = "default") -> bool:
        return self.in_step(prefix, lake) and all(r["status"] in FINAL for r in self.index(prefix, lake))

    def depth(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.handle["queues"][queue], AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def clear(self, prefix: str) -> None:
        for key in self.listing(prefix):
            self.s3.delete_object(Bucket=self.bucket, Key=key)


def eventually(holds: Callable[[], bool], seconds: float = 90) -> bool:
    deadline, pause = time.monotonic() + seconds, 0.05
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
    return holds()


def png(width: int = 8, height: int = 6) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()
