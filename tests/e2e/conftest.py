from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from infra import local
from tests.e2e.lake import Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all of these, so that they share one stack."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with local.stack(tmp_path_factory.mktemp("stack")) as handle:
        yield Stack(asdict(handle))
