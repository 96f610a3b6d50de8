"""A bucket of 100,000 objects that nobody knows yet is scanned, one that is known is compared, and one more
object is put there, beside what others do who list buckets.

They take turns, all on one local cloud. The deployed functions scan a new lake; a bare script does the least
that there is to do for the same records; DataChain lists into its SQLite database; Label Studio syncs a tenth
once, as all would take minutes. No bytes are looked at, and what comes after the walk is held back, because
on AWS it has machines of its own. Then the same through a network that is slow, and a bucket of twice as
many. Requests are counted in this process, by the functions' code.
"""

import io
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Final

from bench import bare_scan, filling, one_more, slow_network, stack, walk_usage, walking
from bench.calls import Calls
from bench.peers import processes
from bench.results import figure
from bench.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results import Figure, Results
    from chalicelib.model.lake import Lake

OBJECTS: Final = 100_000
"""In each half of the bucket."""
HALF: Final = "one/"
TENTH: Final = "one/0/"
FEW: Final = OBJECTS // 10
WARM_UP: Final = "one/0/0000"
ROUNDS: Final = 2

LEAST_OF_BARE: Final = 0.7
LEAST_OF_LABEL_STUDIO: Final = 10.0
LEAST_OF_DATACHAIN: Final = 1.0
"""Where the network is slow."""

type Rates = dict[str, float]
"""Objects a second, by who lists them."""


def measure() -> "Results":
    with ExitStack() as opened:
        cloud = opened.enter_context(stack.deployed())
        datachain = opened.enter_context(processes.at_work(processes.DATACHAIN, cloud.handle))
        label_studio = opened.enter_context(processes.at_work(processes.LABEL_STUDIO, cloud.handle))
        opened.enter_context(redirect_stdout(io.StringIO()))
        cloud.hold(*stack.FED)
        cloud.adopt("Walk")
        calls = Calls()
        default = walking.look_at_no_bytes(walking.default())
        results = one_more.measure(cloud, calls, default, 0)
        filling.fill(cloud, names())
        walking.scan(walking.add_lake(cloud, WARM_UP), 100)
        datachain.list_objects(TENTH, FEW)
        rounds = [_run_round(cloud, datachain) for _ in range(ROUNDS)]
        rounds[0]["label_studio"] = FEW / label_studio.list_objects(TENTH, FEW)
        with slow_network.slowed(cloud.handle.endpoint_url) as url:
            slow, listings = _run_slow_round(cloud, url)
        results |= _report(rounds) | _report_slow(slow) | {"scan_listings_of_datachain": listings}
        results |= one_more.measure_again("datachain", datachain, HALF, OBJECTS)
        results |= one_more.measure_again("label_studio", label_studio, TENTH, FEW)
        results |= _measure_whole(cloud, default) | one_more.measure(cloud, calls, default, 2 * OBJECTS)
        half = walking.add_lake(cloud, HALF)
        walking.scan(half, OBJECTS)
        results["sync_seconds"] = figure(walking.sync(half, OBJECTS), "s", digits=1)
        cloud.hold("Walk")
        new = walking.add_lake(cloud, TENTH)
        return results | walk_usage.measure(cloud, calls, new, half, (FEW, OBJECTS))


def names() -> "Iterator[str]":
    return (f"{half}/{n * 10 // OBJECTS}/{n:06}.jpg" for half in ("one", "two") for n in range(OBJECTS))


def _run_round(cloud: Stack, datachain: "processes.Peer") -> Rates:
    return {
        "ours": walking.scan(walking.add_lake(cloud, HALF), OBJECTS),
        "bare": bare_scan.scan(cloud, walking.add_lake(cloud, HALF), OBJECTS),
        "datachain": OBJECTS / datachain.list_objects(HALF, OBJECTS),
    }


def _run_slow_round(cloud: Stack, url: str) -> "tuple[Rates, Figure]":
    """And how many listings one of DataChain takes."""
    slow = Stack(replace(cloud.handle, endpoint_url=url))
    with processes.at_work(processes.DATACHAIN, slow.handle) as datachain, _reached_by(cloud, url):
        walking.scan(walking.add_lake(cloud, WARM_UP), 100)
        if not slow_network.count_listings(url):
            raise RuntimeError("the functions do not use the slow network")
        datachain.list_objects(TENTH, FEW)
        rates = _run_round(slow, datachain)
        before = slow_network.count_listings(url)
        datachain.list_objects(HALF, OBJECTS)
        listings = slow_network.count_listings(url) - before
    return rates, figure(listings, "requests", digits=0)


@contextmanager
def _reached_by(cloud: Stack, url: str) -> "Iterator[None]":
    """The deployed function reaches AWS there."""
    settings = cloud.settings("Walk")
    name, variables = settings["FunctionName"], settings["Environment"]["Variables"]

    def set_environment(more: dict[str, str]) -> None:
        environment = {"Variables": variables | more}
        cloud.functions.update_function_configuration(FunctionName=name, Environment=environment)

    set_environment({"AWS_ENDPOINT_URL": url})
    try:
        yield
    finally:
        set_environment({})


def _measure_whole(cloud: Stack, lake: "Lake") -> "Results":
    """Twice as many, and that each of them is in the index, and nothing else."""
    known = [each.object_name for each in walking.entries(lake)]
    rate = walking.scan(lake, 2 * OBJECTS, len(known))
    if [each.object_name for each in walking.entries(lake)] != sorted([*names(), *known]):
        raise RuntimeError("the index does not hold the names of the bucket")
    return {f"scan_rate_of_{2 * OBJECTS}": figure(rate, "objects/s", digits=0)}


def _report(rounds: "Sequence[Rates]") -> "Results":
    def ratio(peer: str) -> float:
        return median(each["ours"] / each[peer] for each in rounds if peer in each)

    def rate(of: str) -> "Figure":
        return figure(median(each[of] for each in rounds if of in each), "objects/s", digits=0)

    return {
        "scan_rate_vs_bare_script": figure(ratio("bare"), "ratio", LEAST_OF_BARE),
        "scan_rate_vs_label_studio": figure(ratio("label_studio"), "ratio", LEAST_OF_LABEL_STUDIO),
        "scan_rate_vs_datachain": figure(ratio("datachain"), "ratio"),
        "scan_rate": rate("ours"),
        "scan_rate_of_bare_script": rate("bare"),
        "scan_rate_of_label_studio": rate("label_studio"),
        "scan_rate_of_datachain": rate("datachain"),
    }


def _report_slow(rates: Rates) -> "Results":
    compared = rates["ours"] / rates["datachain"]
    return {
        "scan_slowly_vs_datachain": figure(compared, "ratio", LEAST_OF_DATACHAIN),
        "scan_slowly_vs_bare_script": figure(rates["ours"] / rates["bare"], "ratio"),
        "scan_slowly_rate": figure(rates["ours"], "objects/s", digits=0),
        "scan_slowly_rate_of_bare_script": figure(rates["bare"], "objects/s", digits=0),
        "scan_slowly_rate_of_datachain": figure(rates["datachain"], "objects/s", digits=0),
    }
