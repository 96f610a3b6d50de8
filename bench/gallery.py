"""A first visit to the gallery, in Chromium, of a lake with as many pictures as a page of data shows.

Requests are those that the first thumbnail waits for. Bytes are those of all the page's own files, as the
gateway sends them; the local one does not compress.
"""

import gzip
import re
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import pictures, stack
from bench.results import figure
from chalicelib.model import moment
from chalicelib.model.data import Sight, first_record
from chalicelib.model.lake import Lake
from chalicelib.storage import buckets
from tests.e2e import browsing

if TYPE_CHECKING:
    from bench.results import Results
    from bench.stack import Stack

PICTURES: Final = 100
BUDGET_REQUESTS: Final = 5

_REFERENCE: Final = re.compile(r'(?:href|src)="(web/[^"]+)"')
_ASKED: Final = """
    const asked = performance.getEntriesByType("resource").filter((each) => !each.name.endsWith(".svg"));
    const first = asked.find((each) => each.initiatorType === "img");
    return first && 1 + asked.filter((each) => each.startTime < first.startTime).length;
"""
"""With the page itself, and without its icon, which nothing waits for."""


def measure() -> "Results":
    with stack.deployed() as cloud:
        cloud.put("shown", PICTURES, pictures.take_photograph(640, 480))
        stack.wait_until(lambda: _is_ready(cloud))
        requests = _visit(cloud)
        octets = _page_octets(cloud.handle.gallery_url)
        cloud.adopt("APIHandler")
        signing = _signing_ms()
    return {
        "gallery_requests_until_thumbnails": figure(requests, "requests", BUDGET_REQUESTS, digits=0),
        "gallery_page": figure(octets / 1000, "kB, compressed", digits=0),
        "gallery_sign_thumbnails": figure(signing, f"ms of CPU for {PICTURES}", digits=1),
    }


def _is_ready(cloud: "Stack") -> bool:
    objects = cloud.s3.list_objects_v2(Bucket=cloud.handle.artifacts_bucket)
    return int(objects.get("KeyCount", 0)) >= PICTURES


def _visit(cloud: "Stack") -> int:
    with (
        tempfile.TemporaryDirectory() as downloads,
        browsing.chromium(Path(downloads)) as driver,
        browsing.tab(driver, cloud.handle.gallery_url) as tab,
    ):
        tab.open("", cloud.handle.api_key)
        return int(tab.until(lambda: tab.run(_ASKED)))


def _page_octets(url: str) -> int:
    page = _read(url)
    files = [page, *(_read(url + name) for name in _REFERENCE.findall(page.decode()))]
    return sum(len(gzip.compress(each)) for each in files)


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        found: bytes = answer.read()
    return found


def _signing_ms() -> float:
    lake = Lake(
        id=str(uuid.uuid4()),
        name="bench",
        organization="bench",
        connector="stack",
        bucket="bench",
        bucket_owner=None,
        prefix="",
        shards=1,
        created_at=moment.rfc3339(moment.now()),
    )
    data = first_record(lake, "a.jpg", Sight(size=1, etag="etag"), None, moment.new_op_id())
    buckets.thumbnail_url(data)
    started = time.process_time()
    for _ in range(PICTURES):
        buckets.thumbnail_url(data)
    return (time.process_time() - started) * 1000
