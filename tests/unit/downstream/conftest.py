from collections.abc import Iterator

import pytest

from chalicelib.model.lake import Lake
from tests.simulation import objects
from tests.simulation.fakes.world import World, installed


@pytest.fixture
def world() -> Iterator[World]:
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    lake = objects.add_lake(world, "default")
    objects.add_connector(lake.bucket)
    world.calls.clear()
    return lake
