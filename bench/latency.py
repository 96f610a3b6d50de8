"""What people wait for: a new object on the local stack, and the requests behind a page of the list."""

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from itertools import batched
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final

from bench import pictures, stack
from bench.calls import Calls
from bench.results import figure
from chalicelib.model import limits, moment
from chalicelib.model.data import Sight, Status, first_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.results import Results
    from bench.stack import Stack
    from chalicelib.model.lake import Lake

PUTS: Final = 50
POLL_SECONDS: Final = 0.02

FEW: Final = 1_000
MANY: Final = 10_000
PAGES: Final = 3
"""The first one, and some behind it."""

INSERTS_AT_ONCE: Final = 8


def measure() -> "Results":
    with stack.deployed() as cloud, redirect_stdout(io.StringIO()):
        cloud.adopt("APIHandler")
        calls = Calls()
        from chalicelib.storage import lakes

        [lake] = lakes.of_bucket(cloud.handle.bucket)
        results = _measure_puts(cloud, lake)
        cloud.hold(*stack.FED)
        present = PUTS + 1
        for count in (FEW, MANY):
            _insert(lake, present, count)
            present = count
            results[f"page_requests_of_{count}"] = figure(_count_page(calls), "requests")
    results[f"page_requests_of_{MANY}"]["budget"] = results[f"page_requests_of_{FEW}"]["value"]
    return results


def _measure_puts(cloud: "Stack", lake: "Lake") -> "Results":
    """One at a time, so that none waits for another."""
    picture = pictures.take_photograph(640, 480)
    waits = [_put(cloud, lake, f"put/{number}", picture) for number in range(PUTS + 1)]
    results: Results = {}
    # The first one waits for the functions to start.
    for name, seconds in zip(("indexed", "ready"), zip(*waits[1:], strict=True), strict=True):
        ordered = quantiles(seconds, n=20)
        results[f"seconds_to_{name}_p50"] = figure(ordered[9], "s")
        results[f"seconds_to_{name}_p95"] = figure(ordered[18], "s")
    return results


def _put(cloud: "Stack", lake: "Lake", folder: str, picture: bytes) -> tuple[float, float]:
    """Seconds until the object is indexed, and until it is ready."""
    from chalicelib.storage import records

    start = time.perf_counter()
    [name] = cloud.put(folder, 1, picture)
    data_id = lake.data_id(name)
    stack.wait_until(lambda: records.read(data_id) is not None, POLL_SECONDS)
    indexed = time.perf_counter() - start
    stack.wait_until(lambda: getattr(records.read(data_id), "status", None) is Status.READY, POLL_SECONDS)
    return indexed, time.perf_counter() - start


def _insert(lake: "Lake", start: int, end: int) -> None:
    from chalicelib.storage import records

    sight = Sight(size=600_000, etag="d41d8cd98f00b204e9800998ecf8427e")
    drafts = (
        first_record(lake, f"camera-one/IMG_{number:06}.jpg", sight, None, moment.new_op_id())
        for number in range(start, end)
    )
    with ThreadPoolExecutor(INSERTS_AT_ONCE) as pool:
        list(pool.map(records.insert_absent, batched(drafts, limits.INSERT_BATCH, strict=False)))


def _count_page(calls: Calls) -> int:
    """Requests to AWS for one page of 100, the most that a page took."""
    counts, cursor = [], None
    for _ in range(PAGES):
        calls.take()
        cursor = _read_page(cursor)
        made, _ = calls.take()
        counts.append(len(made))
    return max(counts)


def _read_page(cursor: str | None) -> str:
    """The cursor of the next one."""
    import app

    query = {"limit": ["100"]} | ({"cursor": [cursor]} if cursor else {})
    answer = app.app(_as_api_gateway(query), stack.CONTEXT)
    body = json.loads(answer["body"])
    if answer["statusCode"] != 200 or len(body["items"]) != 100:
        raise RuntimeError(f"the API answers {answer['statusCode']} with {answer['body'][:500]}")
    next_cursor: str = body["next_cursor"]
    return next_cursor


def _as_api_gateway(query: "Mapping[str, Sequence[str]]") -> dict[str, Any]:
    caller = {"organization": "default", "role": "viewer", "key_id": "0123456789abcdef"}
    return {
        "requestContext": {
            "resourcePath": "/v1/datalakes/{lake}/data",
            "httpMethod": "GET",
            "path": "/v1/datalakes/default/data",
            "requestId": "bench",
            "authorizer": caller,
        },
        "pathParameters": {"lake": "default"},
        "multiValueQueryStringParameters": query,
        "headers": {},
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
