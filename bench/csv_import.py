"""Rows of a CSV file a second on the local stack, beside bare inserts of the same records, in turns.

Each row is a link with two tags, a source and metadata. The worker of jobs runs in this process, or in one of
its own where its memory is measured; what comes after it is held back. The bare inserts are batches of 25
PartiQL statements, without tags, conditions or a report: the least that brings the rows into the table.
"""

import io
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from itertools import batched
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench import stack
from bench.calls import Calls
from bench.results import figure

if TYPE_CHECKING:
    from bench.results import Results
    from bench.stack import Stack

ROUNDS: Final = 3
ROWS: Final = 3000
FEW, MANY = 10_000, 100_000

FLOOR: Final = 0.3
"""Of the rate of bare inserts: a row with two tags is three writes and their conditions."""
BUDGET_REQUESTS: Final = 0.1
BUDGET_MB: Final = 256

_INSERTED_AT_ONCE: Final = 25


def measure() -> "Results":
    with stack.deployed() as cloud:
        cloud.hold("Jobs", "Fetch", "Preprocess", "Changes")
        cloud.adopt("Jobs")
        return _measure_rates(cloud) | _measure_memory(cloud)


def _measure_rates(cloud: "Stack") -> "Results":
    calls = Calls()
    imported, inserted = [], []
    run("warm-up", 200)
    requests = 0
    for turn in range(ROUNDS):
        calls.take()
        started = time.perf_counter()
        run(f"rate-{turn}", ROWS)
        imported.append(ROWS / (time.perf_counter() - started))
        made, _ = calls.take()
        requests = sum(call.service == "dynamodb" for call in made)
        started = time.perf_counter()
        _insert(f"bare-{turn}", ROWS)
        inserted.append(ROWS / (time.perf_counter() - started))
        # A long queue would make the next turn slower.
        cloud.purge()
    return {
        "csv_rows_rate_vs_bare_inserts": figure(median(imported) / median(inserted), "ratio", FLOOR),
        "csv_rows_rate": figure(median(imported), "rows/s", digits=0),
        "csv_bare_inserts_rate": figure(median(inserted), "rows/s", digits=0),
        "csv_dynamodb_requests_per_row": figure(requests / ROWS, "requests", BUDGET_REQUESTS, digits=3),
    }


def _measure_memory(cloud: "Stack") -> "Results":
    results: Results = {}
    for rows in (FEW, MANY):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            peak = pool.submit(measure_peak, cloud.handle, rows).result()
        results[f"csv_memory_at_{rows}_rows"] = figure(peak, "MB", BUDGET_MB, digits=0)
        cloud.purge()
    return results


def measure_peak(handle: Any, rows: int) -> float:
    """Megabytes that the process had at most."""
    stack.Stack(handle).adopt("Jobs")
    run(f"memory-{rows}", rows)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(name: str, rows: int) -> None:
    with redirect_stdout(io.StringIO()):
        _run(name, rows)


def _run(name: str, rows: int) -> None:
    # Only now is the environment that of the function.
    from chalicelib.jobs import worker
    from chalicelib.model.job import JobKind, JobState, new_job
    from chalicelib.storage import jobs, lakes, sheets

    lake = lakes.find("default", "default")
    task = {"filename": f"{name}.csv", "mode": "skip", "action": "link", "dry_run": False}
    job = new_job(lake.organization, lake.id, JobKind.CSV_IMPORT, task)
    sheets.put(job.id, _sheet(name, rows))
    message = {
        "messageId": job.id,
        "body": job.encode(),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    worker.receive([message], lambda: 300_000)
    done = jobs.read(lake.organization, job.id)
    if done.state is not JobState.SUCCEEDED or done.progress["created"] != rows:
        raise RuntimeError(f"{done.state}: {done.progress} of {rows} rows; {done.error}")


def _sheet(name: str, rows: int) -> str:
    lines = (
        f'https://images.example.org/{name}/{n:06}.jpg,"{{""lot"": ""A{n}""}}",car;red,camera-one\n'
        for n in range(rows)
    )
    return "URL,item_metadata,tags,source\n" + "".join(lines)


def _insert(name: str, rows: int) -> None:
    from chalicelib.model import moment
    from chalicelib.model.data import first_link
    from chalicelib.storage import lakes, records

    lake = lakes.find("default", "default")
    for numbers in batched(range(rows), _INSERTED_AT_ONCE, strict=False):
        drafts = [
            first_link(
                lake,
                f"{name}/{n:06}.jpg",
                f"https://images.example.org/{n}",
                None,
                moment.new_op_id(),
            )
            for n in numbers
        ]
        records.insert_absent(drafts)
