"""Events a second on the local stack, beside the same stack with a handler that only logs a line.

Both are fed by the queue of events itself, with the messages that S3 sends, one for each object, and under the same
event source settings; one waits while the other works, in turns.
"""

import io
import json
import time
import zipfile
from contextlib import contextmanager, redirect_stdout
from itertools import batched
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench import stack
from bench.calls import Calls
from bench.results import figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.results import Results
    from bench.stack import Stack

ROUNDS: Final = 3
OBJECTS: Final = 2000
WARM_UP: Final = 200

DIRECT_CALLS: Final = 10
DIRECT_EVENTS: Final = 100

FLOOR: Final = 0.3
BUDGET_REQUESTS: Final = 0.05

BODY: Final = b"Camera two was moved on 2 November.\n"

LOG_ONLY: Final = """
import json

def handle(event, context):
    print(json.dumps({"message": "events received", "received": len(event["Records"])}))
    return {"batchItemFailures": []}
"""


def measure() -> "Results":
    with stack.deployed() as cloud:
        cloud.adopt()
        return _measure_queue(cloud) | _measure_calls(cloud)


def _measure_queue(cloud: "Stack") -> "Results":
    ours = cloud.source("Upstream")
    cloud.switch(ours, on=False)
    sources = {"ours": ours, "log_only": _add_log_only(cloud, ours)}
    rates: dict[str, list[float]] = {name: [] for name in sources}
    for turn in range(ROUNDS + 1):
        for name, source in sources.items():
            rate = _drain(cloud, source, f"{name}/{turn}", OBJECTS if turn else WARM_UP)
            if turn:
                rates[name].append(rate)
    indexed, logged = median(rates["ours"]), median(rates["log_only"])
    return {
        "events_rate_vs_log_only": figure(indexed / logged, "ratio", FLOOR),
        "events_rate": figure(indexed, "events/s", digits=0),
        "events_rate_of_log_only": figure(logged, "events/s", digits=0),
    }
