from collections.abc import Iterator

import pytest

from tests.simulation.fakes.world import World, installed


@pytest.fixture
def world() -> Iterator[World]:
    with installed(World()) as world:
        yield world
