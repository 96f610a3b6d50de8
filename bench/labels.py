"""What it takes of DynamoDB to rename a tag of 100,000 records, and to tag 10,000 and untag them, counted.

The API's handler runs in this process over a DynamoDB in memory, and is told of 1,000 records in one call.
"""

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Final

from bench.results import figure
from chalicelib.model.data import Sight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.memory import Desk, Ledger
    from bench.results import Results

RECORDS: Final = 100_000
TAGGED: Final = 10_000

BUDGET_REQUESTS: Final = 0.035
"""One to read 100 records, one to write 50 with their taggings, and the lake and the tag for each call."""


def measure() -> "Results":
    with redirect_stdout(io.StringIO()):
        from bench import memory

        with memory.opened() as desk:
            return _measure(desk)


def _measure(desk: "Desk") -> "Results":
    sight = Sight(size=600_000, etag="d41d8cd98f00b204e9800998ecf8427e")
    ids = desk.fill({f"camera-one/IMG_{number:06}.jpg": sight for number in range(RECORDS)})
    attached = desk.retag("POST", "car", ids[:TAGGED])
    desk.retag("POST", "car", ids[TAGGED:])
    desk.count(RECORDS, {"car": RECORDS})
    answer, renamed = desk.ask("PATCH", "/tags/car", {"name": "automobile"})
    if (answer["name"], answer["count"]) != ("automobile", RECORDS):
        raise RuntimeError(f"the tag is {answer}")
    detached = desk.retag("DELETE", "automobile", ids[:TAGGED])
    return {
        "tag_rename_writes": figure(renamed.writes, "requests", 1),
        "tag_rename_requests": figure(renamed.requests, "requests"),
        "tag_rename_items": figure(renamed.written, "items written"),
        **_report("attach", attached),
        **_report("detach", detached),
    }


def _report(name: str, ledgers: "Sequence[Ledger]") -> "Results":
    requests = sum(each.requests for each in ledgers) / TAGGED
    written = sum(each.written for each in ledgers) / TAGGED
    return {
        f"tag_{name}_requests": figure(requests, "requests/record", BUDGET_REQUESTS, digits=4),
        f"tag_{name}_items": figure(written, "items written/record"),
    }
