"""`python -m bench [NAME …]`: measures everything or what is named, prints tables and keeps results.json."""

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from bench import (
    client,
    cold_start,
    cost,
    csv_import,
    gallery,
    imaging,
    labels,
    latency,
    pages,
    results,
    scan,
    scrolling,
    throughput,
    uploads,
)
from infra.failure import reported

if TYPE_CHECKING:
    from bench.results import Results

PARTS: Final[dict[str, Any]] = {
    "cost": cost,
    "cold_start": cold_start,
    "throughput": throughput,
    "latency": latency,
    "pages": pages,
    "labels": labels,
    "uploads": uploads,
    "scan": scan,
    "imaging": imaging,
    "csv": csv_import,
    "client": client,
    "gallery": gallery,
    "scrolling": scrolling,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARTS))
    names = parser.parse_args().names
    if unknown := ", ".join(sorted(set(names) - set(PARTS))):
        parser.error(f"there is no {unknown}; there are {', '.join(PARTS)}")
    console = Console()
    kept = results.read() if names else {}
    for name in names or PARTS:
        part = PARTS[name]
        console.rule(f"[bold]{name.replace('_', ' ')}", align="left")
        console.print(part.__doc__, style="dim", highlight=False, soft_wrap=True)
        with console.status("Measuring …"):
            measured = _measure(part)
        console.print(getattr(part, "table", results.tabulate)(measured), "")
        kept |= measured
        results.write(kept)


def _measure(part: Any) -> "Results":
    """In a process of its own, because the measured code reads its environment once, and to warm no other."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        measured: Results = pool.submit(part.measure).result()
    return measured


if __name__ == "__main__":
    with reported():
        main()
