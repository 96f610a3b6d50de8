from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from threading import Thread

import pytest
from selenium.webdriver import Chrome

from infra import local
from tests.e2e import browsing
from tests.e2e.browsing import Tab
from tests.e2e.elsewhere import Elsewhere
from tests.e2e.lake import WALKED, Stack


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
        found = Stack(asdict(handle))
        make_walked(found)
        yield found


def make_walked(stack: Stack) -> None:
    """Before any event: whoever has heard one knows, for a while, only the lakes that the bucket had then."""
    body = {"name": WALKED, "connector": "stack", "prefix": f"{WALKED}/", "on_create": "none"}
    headers = {"Authorization": f"Bearer {stack.handle['api_key']}"}
    answer = stack.http.request("POST", f"{stack.handle['api_url']}/datalakes", json=body, headers=headers)
    assert answer.status == 201, answer.data


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
def tab(request: pytest.FixtureRequest, stack: Stack, chromium: Chrome) -> Iterator[Tab]:
    """The gallery, with nobody signed in. Whoever leaves complaints in its console has failed."""
    with browsing.tab(chromium, stack.handle["gallery_url"]) as opened:
        yield opened
        if request.node.stash.get(_FAILED, False):
            opened.photograph(browsing.FAILURES / f"{request.node.name}.png")
        assert opened.complaints() == []


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[_FAILED] = report.failed
    return report
