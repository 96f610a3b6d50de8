"""docs/scale.md says what the formula says, of what was counted."""

import re
from pathlib import Path

from bench import results, scale

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "scale.md").read_text()


def test_the_page_shows_the_tables_that_are_computed() -> None:
    assert scale.tables(results.read()) in PAGE


def test_the_walkers_are_those_that_are_deployed() -> None:
    deployed = re.findall(
        r"^    (\w+): \{.*\bWalk: (\d+)\}", (ROOT / "infra" / "resources.yaml").read_text(), re.M
    )
    assert {size: int(walkers) for size, walkers in deployed} == scale.WALKERS


def test_a_scan_is_held_back_by_its_shards_and_a_sync_is_not() -> None:
    counted = results.read()
    assert scale.scan(counted).rate(1000) == 4000
    assert scale.sync(counted).rate(32) == 32 * scale.sync(counted).rate(1)
