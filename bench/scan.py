"""A bucket that nobody knows yet is scanned, and one that is known compared, by the deployed functions.

Beside them, in turns, a bare script does the least that there is to do: it lists the same bucket page after
page and inserts the same items by PartiQL, in batches of 25, from eight threads. No bytes are looked at, and
what comes after the walk is held back, because on AWS it has machines of its own. Requests are counted in
this process, by the same code.
"""

import io
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from itertools import batched
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench import stack
from bench.calls import Calls
from bench.results import figure
from chalicelib.model import limits, moment
from chalicelib.model.job import JobKind

if TYPE_CHECKING:
    from bench.results import Results
    from bench.stack import Stack
    from chalicelib.model.job import Job
    from chalicelib.model.lake import Lake

OBJECTS: Final = 200_000
ROUNDS: Final = 3
ROUND_PREFIX: Final = "0/"
"""A tenth of the objects: what is scanned in turns with the bare script."""

FLOOR: Final = 0.7
BUDGET_SCAN: Final = 0.05
BUDGET_SYNC: Final = 0.003

THREADS: Final = 8
PUTS_AT_ONCE: Final = 16
PATIENCE_SECONDS: Final = 1800


def measure() -> "Results":
    with stack.deployed() as cloud, redirect_stdout(io.StringIO()):
        cloud.hold("Upstream", "Preprocess", "PreprocessLarge", "Changes")
        cloud.adopt("Walk")
        _fill(cloud)
        _scan(cloud, _add_lake(cloud, "warm-up", "0/000000"))
        ours, bare = [], []
        for turn in range(ROUNDS):
            ours.append(_scan(cloud, _add_lake(cloud, f"ours-{turn}", ROUND_PREFIX)))
            bare.append(_run_bare(cloud, _add_lake(cloud, f"bare-{turn}", ROUND_PREFIX)))
        everything = _add_lake(cloud, "everything", "")
        rate = _scan(cloud, everything)
        seconds = _sync(cloud, everything)
        cloud.hold("Walk")
        calls, unit = Calls(), "requests/object"
        scan_dynamodb, scan_s3 = _count(cloud, calls, _add_lake(cloud, "counted", ROUND_PREFIX), JobKind.SCAN)
        sync_both = sum(_count(cloud, calls, everything, JobKind.SYNC))
    return {
        "scan_rate_vs_bare_script": figure(median(ours) / median(bare), "ratio", FLOOR),
        "scan_rate": figure(median(ours), "objects/s", digits=0),
        "scan_rate_of_bare_script": figure(median(bare), "objects/s", digits=0),
        f"scan_rate_of_{OBJECTS}": figure(rate, "objects/s", digits=0),
        f"sync_seconds_of_{OBJECTS}": figure(seconds, "s", digits=1),
        "scan_dynamodb": figure(scan_dynamodb, unit, BUDGET_SCAN, digits=4),
        "scan_s3": figure(scan_s3, unit, digits=4),
        "sync_dynamodb_and_s3": figure(sync_both, unit, BUDGET_SYNC, digits=4),
    }


def _fill(cloud: "Stack") -> None:
    """Without anybody being told."""
    cloud.s3.put_bucket_notification_configuration(Bucket=cloud.handle.bucket, NotificationConfiguration={})
    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        names = (f"{number % 10}/{number:08}.jpg" for number in range(OBJECTS))
        for _ in pool.map(lambda name: cloud.s3.put_object(Bucket=cloud.handle.bucket, Key=name), names):
            pass


def _add_lake(cloud: "Stack", name: str, prefix: str) -> "Lake":
    from chalicelib.storage import lakes

    [default] = [lake for lake in lakes.of_organization("default") if lake.name == "default"]
    there = {"organization": {"S": "default"}, "id": {"S": default.id}}
    dynamodb = cloud.handle.client("dynamodb")
    table = cloud.handle.tables["lakes"]
    item = dynamodb.get_item(TableName=table, Key=there)["Item"]
    own = {"id": {"S": str(uuid.uuid4())}, "name": {"S": name}, "prefix": {"S": prefix}}
    dynamodb.put_item(TableName=table, Item=item | own | {"preprocess": {"S": "off"}})
    return lakes.find("default", name)


def _scan(cloud: "Stack", lake: "Lake") -> float:
    """Objects a second."""
    from chalicelib.storage import jobs

    job = _wait(jobs.begin_scan(lake))
    return job.progress["inserted"] / _seconds(job)


def _sync(cloud: "Stack", lake: "Lake") -> float:
    from chalicelib.storage import jobs

    job = _wait(jobs.begin_sync(lake))
    if job.progress["unchanged"] != OBJECTS:
        raise RuntimeError(f"the sync found {job.progress}")
    return _seconds(job)


def _wait(job: "Job") -> "Job":
    from chalicelib.model.job import ACTIVE, JobState
    from chalicelib.storage import jobs

    deadline = time.monotonic() + PATIENCE_SECONDS
    while (there := jobs.read(job.organization, job.id)).state in ACTIVE and time.monotonic() < deadline:
        time.sleep(0.2)
    if there.state is not JobState.SUCCEEDED:
        raise RuntimeError(f"the job is {there.state}: {there.error}")
    return there


def _seconds(job: "Job") -> float:
    return (moment.parse(job.finished_at or "") - moment.parse(job.started_at or "")).total_seconds()


def _run_bare(cloud: "Stack", lake: "Lake") -> float:
    """Objects a second."""
    dynamodb, count, start = cloud.handle.client("dynamodb"), 0, time.perf_counter()
    table = cloud.handle.tables["data"]

    def insert(entries: "tuple[dict[str, Any], ...]") -> None:
        answer = dynamodb.batch_execute_statement(
            Statements=[_statement(table, lake, each) for each in entries]
        )
        if any("Error" in each for each in answer["Responses"]):
            raise RuntimeError("an item was not inserted")

    pages = cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=lake.bucket, Prefix=lake.prefix)
    with ThreadPoolExecutor(THREADS) as pool:
        for page in pages:
            list(pool.map(insert, batched(page["Contents"], limits.INSERT_BATCH, strict=False)))
            count += len(page["Contents"])
    return count / (time.perf_counter() - start)


def _statement(table: str, lake: "Lake", entry: "dict[str, Any]") -> dict[str, Any]:
    """The item that the scan writes, of what the listing says."""
    data_id, now = lake.data_id(entry["Key"]), moment.rfc3339(moment.now())
    item = {
        "id": {"S": data_id},
        "shard": {"S": lake.shard(data_id)},
        "created_key": {"S": f"{now}#{data_id}"},
        "object_name": {"S": entry["Key"]},
        "filename_key": {"B": f"{entry['Key']}#{data_id}".encode()},
        "state": {"S": "live"},
        "rev": {"N": "1"},
        "op_id": {"S": "0123456789abcdef"},
        "content": {"S": "0123456789abcdef"},
        "size": {"N": str(entry["Size"])},
        "etag": {"S": entry["ETag"].strip('"')},
        "last_modified": {"S": now},
        "status": {"S": "indexed"},
        "updated_at": {"S": now},
    }
    names = ", ".join(f"'{name}': ?" for name in item)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{names}}}', "Parameters": list(item.values())}


def _count(cloud: "Stack", calls: Calls, lake: "Lake", kind: "JobKind") -> tuple[float, float]:
    """Requests to DynamoDB and to S3 for each object."""
    from chalicelib.model.job import new_job

    task = {"dry_run": False, "force": False, "patience_seconds": 0}
    calls.take()
    seen = _walk_here(cloud, new_job(lake.organization, lake.id, kind, task))
    made, _ = calls.take()
    asked = Counter(call.service for call in made)
    return asked["dynamodb"] / seen, asked["s3"] / seen


def _walk_here(cloud: "Stack", job: "Job") -> int:
    """How many objects the job saw."""
    from chalicelib.jobs import walks
    from chalicelib.model.errand import Errand
    from chalicelib.model.job import JobState
    from chalicelib.storage import jobs

    first = {"messageId": "0", "receiptHandle": "0", "body": Errand(job).encode()}
    message = first | {"attributes": {"ApproximateReceiveCount": "1"}}
    while True:
        if walks.receive([message], lambda: 600_000)["batchItemFailures"]:
            raise RuntimeError("a walk failed")
        there = jobs.read(job.organization, job.id)
        if there.state is JobState.SUCCEEDED:
            return there.progress["seen"]
        [message] = cloud.receive("walks", 1)
