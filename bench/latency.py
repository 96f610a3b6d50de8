"""What people wait for on the local stack: a new object, and a page of 100, beside bare queries for the same.

Bare is what anyone would write with boto3 to get these items out of the same tables: a query of each shard of
the index, one after the other, and a batch of the records. The page comes from the API by HTTP: the gateway,
what it remembers of the authorizer, and the function's worker are in it. The floor is the same request with a
limit that is refused, which passes all of these and reads nothing; the handler is the function's code in this
process. One query is for copies of the items that lie together in a table made for nothing else; it has no
budget. All of them take turns. MiniStack's Query looks at all of a partition, however little it is to answer:
the lake is small, or that would hide the rest.
"""

import http.client
import io
import json
import time
from contextlib import redirect_stdout
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from bench import pictures, stack
from bench.results import figure
from chalicelib.model.data import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.results import Results
    from bench.stack import Stack
    from chalicelib.model.lake import Lake

PUTS: Final = 50
POLL_SECONDS: Final = 0.02

RECORDS: Final = 200
ITEMS: Final = 100
ROUNDS: Final = 100
WARM_UP: Final = 5
BUDGET: Final = 3.0
"""Times as long as bare."""


def measure() -> "Results":
    with stack.deployed() as cloud, redirect_stdout(io.StringIO()):
        cloud.adopt("APIHandler")
        from chalicelib.storage import lakes

        [lake] = lakes.of_bucket(cloud.handle.bucket)
        picture = pictures.take_photograph(640, 480)
        results = _measure_puts(cloud, lake, picture)
        cloud.put("page", RECORDS - PUTS - 1, picture)
        cloud.wait_until_empty("events", "preprocess")
        cloud.hold(*stack.FED)
        return results | _measure_pages(Reader(cloud, lake))


def _measure_puts(cloud: "Stack", lake: "Lake", picture: bytes) -> "Results":
    """One at a time, so that none waits for another."""
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


class Reader:
    """One who reads the first page of a lake in several ways."""

    def __init__(self, cloud: "Stack", lake: "Lake") -> None:
        self.lake, self.table = lake, cloud.handle.tables["data"]
        self._dynamodb = cloud.handle.client("dynamodb")
        address = urlsplit(cloud.handle.api_url)
        self._path = f"{address.path}/datalakes/{lake.name}/data?limit="
        self._headers = {"Authorization": f"Bearer {cloud.handle.api_key}"}
        self._connection = http.client.HTTPConnection(address.netloc)

    def page(self) -> list[str]:
        return _ids(self._get(str(ITEMS), 200))

    def floor(self) -> None:
        self._get("none", 400)

    def handler(self) -> list[str]:
        import app

        answer = app.app(_as_api_gateway({"limit": [str(ITEMS)]}), stack.CONTEXT)
        return _ids(answer["body"])

    def bare(self) -> list[str]:
        entries = [entry for shard in self.lake.all_shards() for entry in self._query_shard(shard)]
        entries.sort(key=lambda entry: entry["created_key"]["S"])
        keys = [{"id": entry["id"]} for entry in entries[:ITEMS]]
        answer = self._dynamodb.batch_get_item(RequestItems={self.table: {"Keys": keys}})
        found = {item["id"]["S"]: item for item in answer["Responses"][self.table]}
        return [found[key["id"]["S"]]["id"]["S"] for key in keys]

    def copy(self, ids: "Sequence[str]") -> None:
        """Into a table of their own, for `one_query`."""
        keys = {"together": "HASH", "created_key": "RANGE"}
        self._dynamodb.create_table(
            TableName="copies",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        for data_id in ids:
            item = self._dynamodb.get_item(TableName=self.table, Key={"id": {"S": data_id}})["Item"]
            self._dynamodb.put_item(TableName="copies", Item={"together": {"S": "all"}, **item})

    def one_query(self) -> list[str]:
        answer = self._dynamodb.query(
            TableName="copies",
            KeyConditionExpression="together = :all",
            ExpressionAttributeValues={":all": {"S": "all"}},
            Limit=ITEMS,
        )
        return [item["id"]["S"] for item in answer["Items"]]

    def _get(self, limit: str, status: int) -> bytes:
        self._connection.request("GET", self._path + limit, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != status:
            raise RuntimeError(f"the API answers {response.status} with {body[:500]!r}")
        return body

    def _query_shard(self, shard: str) -> Any:
        answer = self._dynamodb.query(
            TableName=self.table,
            IndexName="by_created",
            KeyConditionExpression="#shard = :shard",
            ExpressionAttributeNames={"#shard": "shard"},
            ExpressionAttributeValues={":shard": {"S": shard}},
            Limit=ITEMS,
        )
        return answer["Items"]


def _measure_pages(reader: Reader) -> "Results":
    ids = reader.page()
    reader.copy(ids)
    if len(ids) != ITEMS or not ids == reader.handler() == reader.bare() == reader.one_query():
        raise RuntimeError("the pages differ")
    ways = {
        "page": reader.page,
        "page_floor": reader.floor,
        "page_handler": reader.handler,
        "page_bare": reader.bare,
        "page_one_query": reader.one_query,
    }
    times = _take_turns(ways)
    p50, p95 = ({name: quantiles(each, n=20)[nth] for name, each in times.items()} for nth in (9, 18))
    return {
        "page_vs_bare_p50": figure(p50["page"] / p50["page_bare"], "ratio", BUDGET),
        "page_vs_bare_p95": figure(p95["page"] / p95["page_bare"], "ratio", BUDGET),
        "page_handler_vs_bare_p50": figure(p50["page_handler"] / p50["page_bare"], "ratio"),
        "page_vs_one_query_p50": figure(p50["page"] / p50["page_one_query"], "ratio"),
        **{f"{name}_p50": figure(p50[name] * 1000, "ms", digits=1) for name in ways},
        **{f"{name}_p95": figure(p95[name] * 1000, "ms", digits=1) for name in ways},
    }


def _take_turns(ways: "Mapping[str, Callable[[], object]]") -> dict[str, list[float]]:
    """Seconds."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(WARM_UP + ROUNDS):
        for name, read in ways.items():
            start = time.perf_counter()
            read()
            if turn >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    return times


def _ids(body: bytes | str) -> list[str]:
    return [item["id"] for item in json.loads(body)["items"]]


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
