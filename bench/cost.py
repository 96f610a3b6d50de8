"""What a new image costs: the requests of the handlers, counted, and their time, estimated, at list prices.

The handlers run in this process against a local cloud, with the batches that Lambda gives them when there is
enough to do: 500 events, 10 images, 1,000 changes. The time that would be billed is estimated from the
processor time that was measured, of which a function has its share by its memory, and from assumed waits for
AWS. Cold starts, the polling of empty queues and what is kept for months are not in it.
"""

import base64
import io
import json
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from itertools import batched
from math import ceil
from statistics import mean, median
from typing import TYPE_CHECKING, Any, Final

from bench import capacity, pictures, stack
from bench.calls import Call, Calls, count_operations
from bench.results import figure
from chalicelib.config import config
from chalicelib.model.prices import Usage, price_million

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.results import Results
    from bench.stack import Stack

KINDS: Final = {"2mp_jpeg": (1920, 1080, 400), "12mp_jpeg": (4000, 3000, 100)}
"""Width, height and how many. Each record is written twice: together they fill one batch of the stream."""

WARM_UP: Final = (640, 480, 20)

BUDGETS: Final = {"index": 3.0, "2mp_jpeg": 10.0, "12mp_jpeg": None}
"""Dollars for a million."""

POLLED: Final = 10
"""Messages that Lambda receives, and deletes, with one request."""

WAIT_MS: Final = {
    "BatchExecuteStatement": 15,
    "GetObject": 30,
    "PutItem": 8,
    "PutObject": 40,
    "Query": 8,
    "SendMessageBatch": 12,
    "TransactWriteItems": 20,
    "UpdateItem": 8,
}
"""Assumed until AWS answers."""

BYTES_A_MS: Final = 50_000
"""Assumed from S3 into one function, for all of its images together."""

PROCESSOR_MB: Final = 1769
"""Memory that brings one whole processor.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

PLATFORM_LOG_BYTES: Final = 400
"""What Lambda itself logs about one call."""

_WRITING: Final = {"PutItem", "TransactWriteItems"}

SERVICES: Final = {
    "s3": ("s3_reads", "s3_writes"),
    "dynamodb": ("write_units", "read_units"),
    "sqs": ("sqs_requests",),
    "lambda": ("invocations", "gb_seconds"),
    "logs": ("log_bytes",),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of a function."""

    processor_ms: float
    calls: "Sequence[Call]"
    received: int
    """Bytes from S3."""
    logged: int

    def estimate_ms(self, processor_ms: float, workers: int) -> float:
        """Until the last worker is done. Each image is a job, all else together is one. Jobs share a network
        and a processor, and wait for AWS once for each kind of call."""
        made = count_operations(self.calls)
        jobs = made["GetObject"] or 1
        waits = {kind: WAIT_MS[kind] * ceil(count / jobs / workers) for kind, count in made.items()}
        opening = waits.pop("GetObject", 0)
        network = processor = 0.0
        idle = [0.0] * workers
        for _ in range(jobs):
            network = max(heappop(idle) + opening, network) + self.received / jobs / BYTES_A_MS
            processor = max(network, processor) + processor_ms / jobs
            heappush(idle, processor + sum(waits.values()))
        return ceil(max(idle))


@dataclass(frozen=True, slots=True)
class Stage:
    """What one function did with so many records."""

    memory_mb: int
    workers: int
    records: int
    deliveries: "Sequence[Delivery]"

    def count(self, operation: str) -> float:
        """Calls for one record."""
        return sum(count_operations(each.calls)[operation] for each in self.deliveries) / self.records

    @property
    def processor_ms(self) -> float:
        """For one record."""
        return self._usual_ms * len(self.deliveries) / self.records

    @property
    def billed_ms(self) -> float:
        """For one record."""
        slowed = self._usual_ms * PROCESSOR_MB / self.memory_mb
        return sum(each.estimate_ms(slowed, self.workers) for each in self.deliveries) / self.records

    @property
    def _usual_ms(self) -> float:
        """The middle one of the calls: others on the machine disturb some of them."""
        return median(delivery.processor_ms for delivery in self.deliveries)

    @property
    def usage(self) -> Usage:
        """For one record, without what its queue and the data table are asked for."""
        invocations = len(self.deliveries) / self.records
        logged = sum(delivery.logged for delivery in self.deliveries) / self.records
        return Usage(
            s3_reads=self.count("GetObject") + self.count("HeadObject") + self.count("HeadBucket"),
            s3_writes=self.count("PutObject") + self.count("ListObjectsV2"),
            write_units=sum(_units_beside_data(each.calls) for each in self.deliveries) / self.records,
            read_units=self.count("Query") + self.count("GetItem"),
            invocations=invocations,
            gb_seconds=self.billed_ms / 1000 * self.memory_mb / 1024,
            log_bytes=logged + invocations * PLATFORM_LOG_BYTES,
        )

    @property
    def polls(self) -> float:
        """Requests to the queue for one record, to receive and to delete it."""
        return 2 * ceil(self.records / POLLED) / self.records


@dataclass(frozen=True, slots=True)
class Change:
    """One write to the data table, as its stream shows it."""

    record: "Mapping[str, Any]"

    @property
    def before(self) -> "capacity.Item | None":
        image: capacity.Item | None = self.record["dynamodb"].get("OldImage")
        return image

    @property
    def after(self) -> "capacity.Item | None":
        image: capacity.Item | None = self.record["dynamodb"].get("NewImage")
        return image


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """New images of one kind on their way through the functions."""

    upstream: Stage
    preprocess: Stage
    changes: "Sequence[Change]"

    def index(self, fold: Stage, indexes: "Sequence[Sequence[str]]") -> Usage:
        """Of one image until it is in the index, and counted. A queue's requests are its reader's."""
        written = self._written([change for change in self.changes if not change.before], fold, indexes)
        return self.upstream.usage + written + Usage(sqs_requests=1 + self.upstream.polls)

    def make_ready(self, fold: Stage, indexes: "Sequence[Sequence[str]]") -> Usage:
        """Of one image from there on."""
        written = self._written([change for change in self.changes if change.before], fold, indexes)
        sent = self.upstream.count("SendMessageBatch")
        return self.preprocess.usage + written + Usage(sqs_requests=sent + self.preprocess.polls)

    def _written(self, changes: "Sequence[Change]", fold: Stage, indexes: "Sequence[Sequence[str]]") -> Usage:
        units = sum(
            capacity.count_write_units(change.before, change.after)
            + sum(capacity.count_index_units(change.before, change.after, keys) for keys in indexes)
            for change in changes
        )
        records = self.upstream.records
        return Usage(write_units=units / records) + fold.usage * (len(changes) / records)


@dataclass(frozen=True, slots=True)
class Workshop:
    """The functions in this process."""

    cloud: "Stack"
    calls: Calls
    log: io.StringIO

    def run(self, folder: str, width: int, height: int, count: int) -> Run:
        import app

        known = len(self.cloud.read_stream())
        self.cloud.put(folder, count, pictures.take_photograph(width, height))
        upstream = self._call("Upstream", app.upstream, self.cloud.receive("events", count))
        preprocess = self._call("Preprocess", app.preprocess, self.cloud.receive("preprocess", count))
        changes = [Change(record) for record in self.cloud.read_stream()[known:]]
        return Run(upstream=upstream, preprocess=preprocess, changes=changes)

    def fold(self, changes: "Sequence[Change]") -> Stage:
        import app

        return self._call("Changes", app.changes, [_spell(change.record) for change in changes])

    def _call(self, function: str, handler: Any, records: "Sequence[Any]") -> Stage:
        self.cloud.adopt(function)
        size = self.cloud.source(function)["BatchSize"]
        deliveries = [self._deliver(handler, batch) for batch in batched(records, size, strict=False)]
        memory_mb = self.cloud.settings(function)["MemorySize"]
        return Stage(memory_mb, config.workers, len(records), deliveries)

    def _deliver(self, handler: Any, records: "Sequence[Any]") -> Delivery:
        self.calls.take()
        logged = self.log.tell()
        start = time.process_time()
        answer = handler({"Records": list(records), "shardId": "shardId-bench"}, stack.CONTEXT)
        processor_ms = (time.process_time() - start) * 1000
        if answer.get("batchItemFailures"):
            raise RuntimeError(f"the handler failed: {self.log.getvalue()[logged:]}")
        made, received = self.calls.take()
        if not made:
            raise RuntimeError("the handler called nobody")
        return Delivery(processor_ms, made, received, self.log.tell() - logged)


def measure() -> "Results":
    with stack.deployed() as cloud, redirect_stdout(io.StringIO()) as log:
        cloud.hold(*stack.FED)
        cloud.purge()
        cloud.adopt("Upstream")
        workshop = Workshop(cloud, Calls(), log)
        workshop.fold(workshop.run("warm-up", *WARM_UP).changes)
        runs = {kind: workshop.run(f"camera-one/{kind}", *picture) for kind, picture in KINDS.items()}
        fold = workshop.fold([change for run in runs.values() for change in run.changes])
        indexes = cloud.index_keys()
    usual = runs["2mp_jpeg"]
    index = usual.index(fold, indexes)
    prices = {"index": index} | {kind: index + run.make_ready(fold, indexes) for kind, run in runs.items()}
    results = _report_counts(usual, fold, prices["2mp_jpeg"])
    for name, usage in prices.items():
        results |= _report_price(name, usage)
    results |= _report_time("index", usual.upstream) | _report_time("changes", fold)
    for kind, run in runs.items():
        results |= _report_time(kind, run.preprocess)
    return results


def _report_counts(run: Run, fold: Stage, usage: Usage) -> "Results":
    """Of one new image, until it is ready."""
    written = len(run.changes) / run.upstream.records

    def count(*operations: str) -> float:
        made = sum(run.upstream.count(each) + run.preprocess.count(each) for each in operations)
        return made + written * sum(map(fold.count, operations))

    sizes = [capacity.measure_item(change.after) for change in run.changes if change.before and change.after]
    database = ("BatchExecuteStatement", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem")
    return {
        "image_s3_get": figure(count("GetObject"), "requests", 1),
        "image_s3_put": figure(count("PutObject"), "requests", 1),
        "image_s3_head": figure(count("HeadObject", "HeadBucket"), "requests", 0),
        "image_s3_list": figure(count("ListObjectsV2"), "requests", 0),
        "image_dynamodb": figure(count(*database), "requests", 1.1, digits=3),
        "image_item_writes": figure(written, "writes", 2),
        "image_write_units": figure(usage.write_units, "units", digits=3),
        "image_sqs": figure(usage.sqs_requests, "requests"),
        "image_item_size": figure(mean(sizes), "bytes", digits=0),
    }


def _report_time(name: str, stage: Stage) -> "Results":
    """Of one event, image or change."""
    return {
        f"time_{name}_processor": figure(stage.processor_ms, "ms", digits=3),
        f"time_{name}_billed": figure(stage.billed_ms, f"ms of {stage.memory_mb} MB", digits=3),
    }


def _report_price(name: str, usage: Usage) -> "Results":
    dollars = price_million(usage)
    parts = {service: sum(dollars[unit] for unit in units) for service, units in SERVICES.items()}
    results = {f"price_{name}": figure(sum(parts.values()), "$ a million", BUDGETS[name], digits=3)}
    return results | {
        f"price_{name}_{service}": figure(part, "$ a million", digits=4) for service, part in parts.items()
    }


def _units_beside_data(calls: "Sequence[Call]") -> int:
    """Of counters, whose items are small and whose writes in a transaction cost twice, and of traces."""
    bodies = [(call.operation, json.loads(call.body)) for call in calls if call.operation in _WRITING]
    transactions = (body["TransactItems"] for operation, body in bodies if operation == "TransactWriteItems")
    items = (body["Item"] for operation, body in bodies if operation == "PutItem")
    return sum(2 * len(writes) for writes in transactions) + sum(
        capacity.count_write_units(None, item | {"traces": {"B": base64.b64decode(item["traces"]["B"])}})
        for item in items
    )


def _spell(record: "Mapping[str, Any]") -> Any:
    """As Lambda does, which knows no types but those of JSON."""

    def plain(value: datetime | bytes) -> float | str:
        return value.timestamp() if isinstance(value, datetime) else base64.b64encode(value).decode()

    return json.loads(json.dumps(record, default=plain))
