from collections.abc import Iterator

import pytest

from chalicelib.model.lake import Lake
from tests.simulation import objects
from tests.simulation.fakes.world import World, installed
from tests.unit.api.gateway import Gateway


@pytest.fixture
def world() -> Iterator[World]:
    with installed(World()) as world:
        yield world


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default", "other")


@pytest.fixture
def gateway(lake: Lake) -> Gateway:
    return Gateway()
