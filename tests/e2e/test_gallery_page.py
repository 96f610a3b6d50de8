"""The gallery's page itself: what it asks for, whom it talks to, what it keeps."""

import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.browsing import KEY_PLACE, Tab
from tests.e2e.lake import Stack, eventually, png

MOST_REQUESTS = 5
"""Until thumbnails: the page, its style, its script, the datalakes, a page of data."""

VIOLATION = """
    const [address, tell] = arguments;
    document.addEventListener("securitypolicyviolation", (event) => tell(event.effectiveDirective));
    fetch(address, { mode: "no-cors" }).catch(() => {});
"""


@pytest.fixture
def pictures(stack: Stack) -> Iterator[str]:
    folder = f"shown-{uuid.uuid4().hex[:8]}"
    for n in range(3):
        stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}/{n}.png", Body=png(40 + n, 30))
    assert eventually(lambda: stack.settled(f"{folder}/"))
    yield folder
    stack.clear(f"{folder}/")


def visit(tab: Tab) -> list[dict[str, Any]]:
    """What was asked for until the first thumbnail was, without the icon, which nothing waits for."""

    def asked() -> list[dict[str, Any]]:
        return list(tab.run("return performance.getEntriesByType('resource').map((each) => each.toJSON())"))

    def thumbnails() -> list[float]:
        return [each["startTime"] for each in asked() if each["initiatorType"] == "img"]

    first = min(tab.until(thumbnails))
    return [each for each in asked() if each["startTime"] < first and not each["name"].endswith(".svg")]


def test_thumbnails_are_there_after_five_requests_and_after_three_when_one_returns(
    stack: Stack, tab: Tab, pictures: str
) -> None:
    tab.open("", stack.handle["api_key"])
    page = 1
    assert page + len(visit(tab)) <= MOST_REQUESTS
    tab.driver.get("about:blank")
    tab.open()
    kept = [each for each in visit(tab) if each["transferSize"] == 0]
    assert {urlsplit(each["name"]).path.rpartition(".")[2] for each in kept} == {"css", "js"}


def test_the_key_is_in_the_tabs_own_storage_and_nowhere_else(stack: Stack, tab: Tab) -> None:
    tab.open()
    key = stack.handle["api_key"]
    tab.require_usable()
    tab.find("#key").send_keys(key)
    tab.press("Sign in")
    tab.find(".browse")
    kept = tab.run("return [{ ...sessionStorage }, localStorage.length, document.cookie, location.href]")
    assert kept == [{KEY_PLACE: key}, 0, "", f"{tab.address}#/default"]
    tab.press("Sign out")
    tab.find("#key")
    assert tab.run("return sessionStorage.length") == 0


def test_a_key_that_is_not_valid_is_asked_for_again(tab: Tab) -> None:
    tab.forgiven.append("status of 401")
    tab.open("", f"tl_{'0' * 16}_{'0' * 64}")
    tab.says("not, or no longer, accepted")
    assert tab.run("return sessionStorage.length") == 0


@pytest.mark.parametrize("address", ["https://example.org/", "http://127.0.0.1:9/"])
def test_the_page_talks_to_nobody_else(tab: Tab, address: str) -> None:
    tab.forgiven += ["Content Security Policy", "Fetch API cannot load"]
    tab.open()
    assert tab.driver.execute_async_script(VIOLATION, address) == "connect-src"


def test_nothing_that_is_written_into_the_page_runs(tab: Tab) -> None:
    tab.forgiven += ["Content Security Policy", "TrustedHTML", "TrustedScript"]
    tab.open()
    for attempt in (
        "document.body.innerHTML = '<img src=x onerror=\"window.ran = 1\">'",
        "document.body.setAttribute('onclick', 'window.ran = 1'); document.body.click()",
        "const it = document.createElement('script'); it.text = 'window.ran = 1'; document.body.append(it)",
        "setTimeout('window.ran = 1')",
    ):
        tab.run(f"try {{ {attempt} }} catch {{}}")
    assert tab.run("return window.ran ?? null") is None


def test_the_gateway_hands_on_what_the_page_says_of_itself(stack: Stack) -> None:
    url = stack.handle["gallery_url"]
    page = stack.fetch(url)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    again = stack.http.request("GET", url, headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status, again.data) == (304, b"")
    (script,) = re.findall(r'src="([^"]+)"', page.raw.decode())
    assert stack.fetch(url + script).headers["Cache-Control"].endswith("immutable")
    for name in ("app.js", "..%2Fconfig.py", "%2E%2E%2Fconfig.py", "style.0000000000000000.css"):
        answer = stack.fetch(f"{url}web/{name}")
        assert (answer.status, answer.body["code"]) == (404, "not_found"), name
