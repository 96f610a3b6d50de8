from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from threading import Thread

import pytest

from infra import local
from tests.e2e.elsewhere import Elsewhere
from tests.e2e.lake import Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all of these, so that they share one stack."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Elsewhere]:
    """The one other host that the stack may fetch from."""
    with Elsewhere() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, elsewhere: Elsewhere) -> Iterator[Stack]:
    parameters = {**local.PARAMETERS, "FetchTestServer": elsewhere.address}
    with local.stack(tmp_path_factory.mktemp("stack"), parameters=parameters) as handle:
        yield Stack(asdict(handle))
