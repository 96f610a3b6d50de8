"""`python -m bench [NAME …]`: measures all or what is named, prints tables and keeps the figures in results.json."""

import argparse
import importlib
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from bench import results
from infra.failure import reported

if TYPE_CHECKING:
    from bench.results import Results

PARTS: Final = ("cost", "cold_start", "throughput", "imaging", "latency")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PARTS)}")
    names = parser.parse_args().names
    if unknown := set(names) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}, only {', '.join(PARTS)}")
    console = Console()
    kept = results.read() if names else {}
    for name in names or PARTS:
        with console.status(f"Measuring {name} …"):
            measured = _measure(name)
        console.rule(name.replace("_", " "), align="left")
        console.print(_table(name, measured))
        kept |= measured
        results.write(kept)


def _measure(name: str) -> "Results":
    """In a process of its own: the code under measurement reads its environment once, and none warms another's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_measure_here, name).result()


def _measure_here(name: str) -> "Results":
    return importlib.import_module(f"bench.{name}").measure()


if __name__ == "__main__":
    with reported():
        main()
