"""What a page of 100 asks of DynamoDB in lakes of 1,000, 10,000 and 100,000 records, counted.

The API's handler runs in this process over a DynamoDB in memory. A quarter of each lake has the common tag,
250 records have the rare one, half of them both; 125 records share each file name, and one in a hundred is
large. Counted is the dearer of the first two pages, with all that the API asks for besides: the lake, the
labels, their counters. Items are entries of indexes and records together. The budgets say that no page costs
more in a larger lake, but for a scan, which reads until the page is full or 2,000 records are read.
"""

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench.results import figure
from chalicelib.model.data import Sight

if TYPE_CHECKING:
    from bench.memory import Desk, Ledger
    from bench.results import Figure, Results

SIZES: Final = (1_000, 10_000, 100_000)
ITEMS: Final = 100
PAGES: Final = 2

COMMON: Final = 4
"""One in so many."""
RARE: Final = 250
FOLDERS: Final = 125
LARGE: Final = 100
"""One in so many."""
LARGE_BYTES: Final = 4_000_000

QUESTIONS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "time": ({}, "order"),
    "name": ({"order_by": "object_name"}, "order"),
    "tag": ({"tags": ["common"]}, "tag"),
    "two_tags": ({"tags": ["common", "rare"], "intersect_tags": True}, "tag"),
    "selective_q": ({"q": 'filename = "IMG_000003.jpg" and size > 0'}, "filename"),
    "scanning_q": ({"q": f"size = {LARGE_BYTES}"}, "scan"),
}
"""What is asked, and the plan for it."""

MEASURES: Final = {"requests": "requests", "items": "items", "units": "read units"}


def measure() -> "Results":
    results: Results = {}
    for size in SIZES:
        # What is logged goes where standard output was when the code under measurement was imported.
        with redirect_stdout(io.StringIO()):
            from bench import memory

            with memory.opened() as desk:
                _fill(desk, size)
                for name in QUESTIONS:
                    results |= _report(name, size, _count(desk, name))
    for name, (_, plan) in QUESTIONS.items():
        for what in MEASURES if plan != "scan" else ():
            for size in SIZES[1:]:
                results[_key(name, what, size)]["budget"] = results[_key(name, what, SIZES[0])]["value"]
    return results


def table(measured: "Results") -> Table:
    shown = Table(box=None, header_style="bold")
    for name in ("by", "plan", "records in the lake"):
        shown.add_column(name)
    for size in SIZES:
        shown.add_column(f"{size:,}", justify="right")
    for name, (_, plan) in QUESTIONS.items():
        titles = [name.replace("_", " "), plan]
        for what, unit in MEASURES.items():
            shown.add_row(*titles, unit, *(_spell(measured[_key(name, what, size)]) for size in SIZES))
            titles = ["", ""]
    return shown


def _fill(desk: "Desk", size: int) -> None:
    sights = {
        f"camera-{n % FOLDERS:03}/IMG_{n // FOLDERS:06}.jpg": Sight(
            size=600_000 if n % LARGE else LARGE_BYTES, etag="d41d8cd98f00b204e9800998ecf8427e"
        )
        for n in range(size)
    }
    ids = desk.fill(sights)
    common = ids[::COMMON]
    # Spread over the lake, one after the other with the common tag and without.
    rare = [ids[k * len(common) // RARE * COMMON + k % 2] for k in range(RARE)]
    desk.retag("POST", "common", common)
    desk.retag("POST", "rare", rare)
    desk.count(size, {"common": len(common), "rare": len(rare)})


def _count(desk: "Desk", name: str) -> "list[Ledger]":
    question, plan = QUESTIONS[name]
    ledgers, cursor = [], None
    for _ in range(PAGES):
        answer, ledger = desk.ask(
            "POST", "/data/search", {**question, "limit": ITEMS, "explain": True, "cursor": cursor}
        )
        if answer["plan"]["access"] != plan or (
            plan != "scan" and not cursor and len(answer["items"]) != ITEMS
        ):
            raise RuntimeError(f"by {name}: {len(answer['items'])} items by {answer['plan']}")
        ledgers.append(ledger)
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    return ledgers


def _report(name: str, size: int, ledgers: "list[Ledger]") -> "Results":
    return {
        _key(name, "requests", size): figure(max(each.requests for each in ledgers), "requests", digits=0),
        _key(name, "items", size): figure(max(each.read.items for each in ledgers), "items", digits=0),
        _key(name, "units", size): figure(max(each.units for each in ledgers), "read units", digits=1),
    }


def _key(name: str, what: str, size: int) -> str:
    return f"page_by_{name}_{what}_of_{size}"


def _spell(found: "Figure") -> str:
    missed = found["budget"] is not None and found["value"] > found["budget"]
    return f"[bold red]{found['value']:,}" if missed else f"{found['value']:,}"
