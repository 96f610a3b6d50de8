import gc
from collections.abc import Iterator

import pytest

from chalicelib.observability import logger


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="replay the simulation with this seed alone")


@pytest.fixture(autouse=True)
def _unhurried_garbage() -> Iterator[None]:
    """A model check keeps what it makes: to look through it again and again takes longer than the check."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A million handlers have much to say."""
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)
