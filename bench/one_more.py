"""One object more in a bucket of many: how long it takes until the index knows it, and what that asks for.
Whoever lists must list again."""

import time
import uuid
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Final

from bench import stack
from bench.results import figure

if TYPE_CHECKING:
    from bench.calls import Calls
    from bench.peers.processes import Peer
    from bench.results import Results
    from bench.stack import Stack
    from chalicelib.model.lake import Lake

BUDGET_DYNAMODB: Final = 2
"""The lakes of the bucket, and the first record; whatever there is."""

PUTS: Final = 10
POLL_SECONDS: Final = 0.02


def measure(cloud: "Stack", calls: "Calls", lake: "Lake", there: int) -> "Results":
    """Of a bucket with so many objects, whose events go to nobody else."""
    made = _count(cloud, calls)
    cloud.switch(cloud.source("Upstream"), on=True)
    # The first one waits for the function to start.
    seconds = [_wait(cloud, lake) for _ in range(1 + PUTS)][1:]
    cloud.hold("Upstream")
    return {
        f"one_more_seconds_at_{there}": figure(median(seconds), "s"),
        f"one_more_dynamodb_at_{there}": figure(made["dynamodb"], "requests", BUDGET_DYNAMODB, digits=0),
        f"one_more_s3_at_{there}": figure(made["s3"], "requests", 0, digits=0),
    }


def measure_again(name: str, peer: "Peer", prefix: str, objects: int) -> "Results":
    """What it takes a peer that has these objects already."""
    return {f"one_more_seconds_of_{name}_at_{objects}": figure(peer.list_objects(prefix, objects), "s")}


def _count(cloud: "Stack", calls: "Calls") -> Counter[str]:
    """Requests for one event, by service, in this process."""
    from chalicelib.upstream import intake

    cloud.purge()
    _put(cloud)
    messages = cloud.receive("events", 1)
    calls.take()
    if intake.receive(messages, stack.CONTEXT.get_remaining_time_in_millis)["batchItemFailures"]:
        raise RuntimeError("intake failed")
    made = Counter(call.service for call in calls.take()[0])
    cloud.purge()
    return made


def _wait(cloud: "Stack", lake: "Lake") -> float:
    from chalicelib.storage import records

    start = time.perf_counter()
    data_id = lake.data_id(_put(cloud))
    stack.wait_until(lambda: records.read(data_id) is not None, POLL_SECONDS)
    return time.perf_counter() - start


def _put(cloud: "Stack") -> str:
    name = f"more/{uuid.uuid4()}"
    cloud.s3.put_object(Bucket=cloud.handle.bucket, Key=name)
    return name
