import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidelake import Client, Datalake, Retries
from tidelake.command import settings
from tidelake.command.app import app
from typer.testing import CliRunner

from chalicelib.observability import logger
from tests.client import samples
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


class Told:
    def __init__(self, result):
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def say(stack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDELAKE_URL", URL)
    monkeypatch.setenv("TIDELAKE_KEY", stack.key)
    monkeypatch.setenv("TIDELAKE_CONFIG", str(tmp_path / "of-me" / "config.json"))
    retries = Retries(sleep=lambda seconds: None)
    monkeypatch.setattr(
        settings.Settings,
        "open",
        lambda self: Client(self.url, self.key, transport=stack, retries=retries),
    )
    samples.fill(stack)

    def say(*words, given=None):
        return Told(CliRunner().invoke(app, list(words), input=given))

    return say
