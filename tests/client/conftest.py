from collections.abc import Iterator
from pathlib import Path

import pytest
from tidelake import Client, Datalake, Retries

from chalicelib.observability import logger
from tests.client.stack import URL, Stack, running


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running() as stack:
        yield stack


@pytest.fixture
def pauses() -> list[float]:
    """Seconds that were waited before each further attempt."""
    return []


@pytest.fixture
def client(stack: Stack, pauses: list[float]) -> Iterator[Client]:
    retries = Retries(sleep=pauses.append, draw=lambda: 1.0)
    with Client(URL, stack.key, retries=retries, transport=stack) as client:
        yield client


@pytest.fixture
def lake(client: Client) -> Datalake:
    return client.get_datalake()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder to put files in."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder
