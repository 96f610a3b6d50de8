from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.e2e import browsing
from tests.e2e.browsing import Tab
from tests.gallery import site as sites
from tests.gallery.site import Site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all of these, so that they share one browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("gallery"))


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def chromium(downloads: Path) -> Iterator[Chrome]:
    try:
        with browsing.chromium(downloads) as driver:
            yield driver
    except browsing.Absent as absent:
        pytest.fail(str(absent), pytrace=False)


@pytest.fixture
def site() -> Iterator[Site]:
    with sites.opened() as opened:
        yield opened


@pytest.fixture
def tab(site: Site, chromium: Chrome) -> Iterator[Tab]:
    """Nobody is signed in. Whoever leaves complaints in its console has failed."""
    with browsing.tab(chromium, site.address) as opened:
        yield opened
        assert opened.complaints() == []
