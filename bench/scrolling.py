"""What a browser holds of a lake when the gallery's grid was scrolled through 1,000 and 100,000 of its items,
three screens at a time.

The page is the real one, in Chromium; the API beside it is a list of items that are alike, so that nothing
but the page is measured. Counted are the bytes of JavaScript's heap after a collection, and nodes of the
document.
"""

import json
import tempfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from bench import pictures
from bench.results import figure
from chalicelib.api.examples import BY_SCHEMA
from chalicelib.web import files
from tests.e2e import browsing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.results import Results
    from tests.e2e.browsing import Tab

FEW, MANY = 1_000, 100_000
PICTURES: Final = 50
"""That differ. The browser keeps them, so that they take no time."""

GROWTH: Final = 1.5
"""What may be held after many items, of what is held after few: places of pages, two words for each."""

_KEY: Final = f"tl_{'0' * 16}_{'0' * 64}"
_PATIENCE_SECONDS: Final = 600

_SCROLL: Final = """
    const [items, done] = arguments;
    const grid = document.querySelector(".grid");
    const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
    (async () => {
      for (;;) {
        const shown = [...document.querySelectorAll("[data-index]")].map((tile) => tile.dataset.index);
        if (Math.max(...shown) >= items - 1) break;
        grid.scrollTop += 3 * grid.clientHeight;
        await frame();
      }
      done();
    })();
"""


def measure() -> "Results":
    with (
        _served() as address,
        tempfile.TemporaryDirectory() as downloads,
        browsing.chromium(Path(downloads)) as driver,
        browsing.tab(driver, address) as tab,
    ):
        driver.set_script_timeout(_PATIENCE_SECONDS)
        driver.execute_cdp_cmd("Performance.enable", {})
        tab.open("#/bench", _KEY)
        tab.find(".grid img")
        held = {}
        for items in (FEW, MANY):
            driver.execute_async_script(_SCROLL, items)
            held[items] = _held(tab)
    few, many = held[FEW], held[MANY]
    return {
        f"gallery_heap_after_{FEW}": figure(few["JSHeapUsedSize"] / 1e6, "MB"),
        f"gallery_heap_after_{MANY}": figure(
            many["JSHeapUsedSize"] / 1e6, "MB", round(GROWTH * few["JSHeapUsedSize"] / 1e6, 2)
        ),
        f"gallery_nodes_after_{FEW}": figure(few["Nodes"], "nodes", digits=0),
        f"gallery_nodes_after_{MANY}": figure(many["Nodes"], "nodes", round(GROWTH * few["Nodes"]), digits=0),
    }


def _held(tab: "Tab") -> dict[str, float]:
    tab.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    metrics = tab.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return {each["name"]: each["value"] for each in metrics}


@contextmanager
def _served() -> "Iterator[str]":
    picture = pictures.take_photograph(64, 48)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content_type, content = _answer(urlsplit(self.path).path, body, picture)
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Cache-Control", "max-age=3600" if self.command == "GET" else "no-store")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, format: str, *given: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _answer(path: str, body: bytes, picture: bytes) -> tuple[str, bytes]:
    if path.startswith("/thumbnails/"):
        return "image/jpeg", picture
    if not path.startswith("/v1/"):
        file = files.find(path.removeprefix("/web/")) or files.page()
        return file.content_type, file.text.encode()
    told = {"datalakes": _lakes, "caller": _caller, "stats": _stats, "search": _search}
    tell = told.get(path.rpartition("/")[2], _nothing)
    return "application/json", json.dumps(tell(json.loads(body or b"{}"))).encode()


def _lakes(asked: Any) -> Any:
    return {"items": [BY_SCHEMA["LakeAnswer"] | {"name": "bench"}], "next_cursor": None}


def _caller(asked: Any) -> Any:
    return BY_SCHEMA["CallerAnswer"]


def _stats(asked: Any) -> Any:
    return {"items": MANY, "bytes": 0, "by_type": {}, "by_status": {}, "by_kind": {}}


def _nothing(asked: Any) -> Any:
    return {"items": [], "next_cursor": None}


def _search(asked: Any) -> Any:
    first = int(asked.get("cursor") or 0)
    last = min(first + asked["limit"], MANY)
    return {
        "items": [_item(n) for n in range(first, last)],
        "next_cursor": str(last) if last < MANY else None,
    }


def _item(number: int) -> dict[str, Any]:
    name = f"IMG_{number:06}.jpg"
    own = {"id": f"{number:032x}", "object_name": f"frames/{name}", "filename": name}
    return BY_SCHEMA["DataAnswer"] | own | {"thumbnail_url": f"/thumbnails/{number % PICTURES}"}
