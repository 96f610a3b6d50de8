"""`python -m bench [NAME …]`: measures everything or what is named, prints tables and keeps results.json."""

import argparse
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from bench import imaging, results
from infra.failure import reported

if TYPE_CHECKING:
    from bench.results import Results

PARTS: Final = ("cost", "cold_start", "throughput", "latency", "imaging")

TABLES: Final[dict[str, Any]] = {"imaging": imaging.table}
"""Of those that have their own."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARTS))
    names = parser.parse_args().names
    if unknown := ", ".join(sorted(set(names) - set(PARTS))):
        parser.error(f"there is no {unknown}; there are {', '.join(PARTS)}")
    console = Console()
    kept = results.read() if names else {}
    for name in names or PARTS:
        with console.status(f"Measuring {name} …"):
            measured = _measure(name)
        console.rule(f"[bold]{name.replace('_', ' ')}", align="left")
        console.print(TABLES.get(name, results.tabulate)(measured))
        kept |= measured
        results.write(kept)


def _measure(name: str) -> "Results":
    """In a process of its own: code under measurement reads its environment once, and none warms another's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure_here, name).result()


def _measure_here(name: str) -> "Results":
    measured: Results = import_module(f"bench.{name}").measure()
    return measured


if __name__ == "__main__":
    with reported():
        main()
