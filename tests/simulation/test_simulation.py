"""Seeded schedules of the whole system over AWS in memory. A seed that fails is replayed with
`pytest tests/simulation/test_simulation.py --seed N`."""

from random import Random

import pytest

from tests.simulation.audit import complaints, hints_in
from tests.simulation.fakes.world import ARTIFACTS, World, installed
from tests.simulation.painting import painted
from tests.simulation.system import System

SEEDS = range(8)
OPERATIONS = 4_000


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        seed = metafunc.config.getoption("seed", None)
        metafunc.parametrize("seed", SEEDS if seed is None else [seed])


def simulate(seed: int, operations: int = OPERATIONS, *, forgets: bool = True) -> System:
    system = System(World(), Random(seed), forgets=forgets)
    system.world.dynamodb.shows_duplicates = seed % 2 == 0
    with installed(system.world), painted():
        system.run(operations)
    return system


def test_after_any_schedule_everything_agrees_with_the_buckets(seed: int) -> None:
    system = simulate(seed)
    print(f"seed {seed}: {system.operations} operations, {dict(system.adversities)}")
    with installed(system.world):
        wrong = complaints(system)
    assert not wrong, f"seed {seed}, to be replayed with --seed {seed}:\n" + "\n".join(wrong)


def test_every_message_twice_more_changes_nothing(seed: int) -> None:
    system = simulate(seed, forgets=False)
    before = shown(system)
    with installed(system.world), painted():
        system.redeliver()
        wrong = complaints(system)
    assert not wrong
    assert shown(system) == before


def test_every_hint_is_accounted_for() -> None:
    """Without adversities their number is known beforehand, too."""
    system = simulate(0)
    system.world.metrics.clear()
    expected = 2 * sum(hints_in(system, body) for body in system.arrived)
    with installed(system.world), painted():
        system.redeliver()
    assert system.world.metrics["EventsReceived"] == expected


def test_the_same_seed_takes_the_same_way() -> None:
    assert simulate(1, 2_000).digest.digest() == simulate(1, 2_000).digest.digest()
    assert simulate(1, 2_000).digest.digest() != simulate(2, 2_000).digest.digest()


def test_every_adversity_is_met() -> None:
    """So that a simulation in which nothing happens cannot pass for one in which all is well."""
    met, renames = set(), 0
    for seed in (0, 1, 2):
        system = simulate(seed)
        met |= {name for name, times in system.adversities.items() if times}
        renames += system.world.metrics["Renames"]
    assert renames > 20
    assert met == {
        *("throttled", "broken", "denied", "unreachable", "lost", "repeated", "partial"),
        *("crash", "forgotten", "expired", "redriven"),
    }


def shown(system: System) -> object:
    """What anybody can see: the records, the counters and the thumbnails."""
    hidden = {"rev", "op_id", "sequencer"}
    items = system.world.dynamodb.tables["data"].items.values()
    live = [
        {name: value for name, value in item.items() if name not in hidden}
        for item in items
        if item["state"] == ("S", "live")
    ]
    counted = [
        item
        for key, item in system.world.dynamodb.tables["counters"].items.items()
        if not key[0][1].startswith("guard#")
    ]
    by_name = sorted(live, key=lambda item: item["id"][1])
    return by_name, counted, set(system.world.s3.buckets[ARTIFACTS].objects)
