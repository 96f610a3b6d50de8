"""Events a second on the local stack, beside the same stack with a handler that only logs a line.

Both get what S3 sends, one message for each new object, from the queue of events and by the same settings of
the event source, in turns: one waits while the other works. What comes after upstream is held back meanwhile,
because on AWS it has machines of its own and here it would take upstream's.
"""

import io
import time
import zipfile
from contextlib import redirect_stdout
from itertools import batched
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench import stack
from bench.calls import Calls
from bench.results import figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results import Results
    from bench.stack import Stack

ROUNDS: Final = 3
OBJECTS: Final = 1500
FEW: Final = 500

CALLS: Final = 10
RECORDS: Final = 100
"""In one call, the most that Lambda delivers."""

FLOOR: Final = 0.3
BUDGET_REQUESTS: Final = 0.05
"""25 first records in one request, and the lakes."""

NOTE: Final = b"Camera two was moved on 2 November.\n"

LOG_ONLY: Final = """
def handle(event, context):
    print('{"message": "events received", "received": %d}' % len(event["Records"]))
    return {"batchItemFailures": []}
"""


def measure() -> "Results":
    with stack.deployed() as cloud:
        cloud.adopt("Upstream")
        return _measure_queue(cloud) | _measure_calls(cloud)


def _measure_queue(cloud: "Stack") -> "Results":
    ours = cloud.source("Upstream")
    cloud.switch(ours, on=False)
    log_only = _add_log_only(cloud, ours)
    for source in (log_only, ours):
        _drain(cloud, source, f"warm-up/{source['UUID']}", FEW)
    everything = _drain(cloud, ours, "everything", FEW)
    cloud.wait_until_empty("preprocess")
    cloud.hold("Preprocess", "PreprocessLarge", "Changes")
    indexed, logged = [], []
    for turn in range(ROUNDS):
        indexed.append(_drain(cloud, ours, f"ours/{turn}", OBJECTS))
        logged.append(_drain(cloud, log_only, f"log-only/{turn}", OBJECTS))
        # A long queue would make the next turn slower.
        cloud.purge()
    if (found := cloud.count_records()) != 2 * FEW + ROUNDS * OBJECTS:
        raise RuntimeError(f"{found} records are not what was put")
    return {
        "events_rate_vs_log_only": figure(median(indexed) / median(logged), "ratio", FLOOR),
        "events_rate": figure(median(indexed), "events/s", digits=0),
        "events_rate_of_log_only": figure(median(logged), "events/s", digits=0),
        "events_rate_with_preprocess_and_changes": figure(everything, "events/s", digits=0),
    }


def _measure_calls(cloud: "Stack") -> "Results":
    calls = Calls()
    with redirect_stdout(io.StringIO()):
        from chalicelib.upstream import intake

        cloud.put("direct", (CALLS + 1) * RECORDS, NOTE)
        deliveries = list(batched(cloud.receive("events", (CALLS + 1) * RECORDS), RECORDS, strict=True))
        seconds = []
        for messages in deliveries:
            start = time.perf_counter()
            answer = intake.receive(messages, stack.CONTEXT.get_remaining_time_in_millis)
            if answer["batchItemFailures"]:
                raise RuntimeError("intake failed")
            seconds.append(time.perf_counter() - start)
    made, _ = calls.take()
    requests = sum(call.service == "dynamodb" for call in made) / ((CALLS + 1) * RECORDS)
    return {
        "intake_rate": figure(RECORDS / median(seconds), "events/s", digits=0),
        "intake_dynamodb": figure(requests, "requests/event", BUDGET_REQUESTS, digits=3),
    }


def _add_log_only(cloud: "Stack", ours: "Mapping[str, Any]") -> "Mapping[str, Any]":
    """Beside upstream, with its settings and those of what calls it."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("log.py", LOG_ONLY)
    settings = cloud.settings("Upstream")
    cloud.functions.create_function(
        FunctionName="log-only",
        Handler="log.handle",
        Code={"ZipFile": code.getvalue()},
        **{name: settings[name] for name in ("Architectures", "MemorySize", "Role", "Runtime", "Timeout")},
    )
    shared = (
        "BatchSize",
        "EventSourceArn",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "ScalingConfig",
    )
    source: Mapping[str, Any] = cloud.functions.create_event_source_mapping(
        FunctionName="log-only", Enabled=False, **{name: ours[name] for name in shared}
    )
    return source


def _drain(cloud: "Stack", source: "Mapping[str, Any]", folder: str, count: int) -> float:
    """Events a second, from when they may be received until all of them are done with."""
    cloud.put(folder, count - 1, NOTE)
    start = time.perf_counter()
    cloud.switch(source, on=True)
    # MiniStack looks at a queue once a second, or as soon as it gets something.
    cloud.put(f"{folder}/last", 1, NOTE)
    cloud.wait_until_empty("events")
    seconds = time.perf_counter() - start
    cloud.switch(source, on=False)
    return count / seconds
