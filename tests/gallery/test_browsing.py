"""The grid: what it shows, what it asks for, and how one gets about in it."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.e2e.browsing import PHONE, Tab
from tests.gallery.site import CORRUPT, KEYS, Site

SEARCH = "/data/search"
MANY = 1200
MARKUP = "<img src=x onerror=alert(1)>.png"

FOCUSED = "return Number(document.activeElement.dataset.index)"
SCROLL = "const grid = document.querySelector('.grid'); grid.scrollTop = arguments[0] ?? grid.scrollHeight"
SCROLL_TO = "const grid = document.querySelector('.grid'); grid.scrollTop = arguments[0] * grid.scrollHeight"
NEVER_ANSWERED = """
    window.pending = 0;
    window.fetch = (_, { signal }) => new Promise((_, refuse) => {
      window.pending += 1;
      signal.addEventListener("abort", () => {
        window.pending -= 1;
        refuse(signal.reason);
      });
    });
"""
TILES = "return document.querySelectorAll('.tile').length"


@pytest.fixture
def opened(site: Site, tab: Tab) -> Callable[[str], Tab]:
    def open_lake(question: str = "") -> Tab:
        tab.open(f"#/default{question}", KEYS["editor"])
        tab.find(".tile:not([aria-busy]), .empty, .query-mistake p")
        return tab

    return open_lake


def captions(tab: Tab) -> list[str]:
    found: list[str] = tab.run(
        "return [...document.querySelectorAll('.caption')].map((each) => each.textContent)"
    )
    return found


def press(tab: Tab, *keys: str, shift: bool = False) -> None:
    actions = ActionChains(tab.driver)
    if shift:
        actions.key_down(Keys.SHIFT)
    actions.send_keys(*keys)
    if shift:
        actions.key_up(Keys.SHIFT)
    actions.perform()


def searches(site: Site) -> int:
    return sum(asked.endswith(SEARCH) for asked in site.asked)


def test_all_of_a_large_lake_is_scrolled_through_with_few_tiles_and_few_pages_at_a_time(
    site: Site, opened: Callable[..., Tab]
) -> None:
    site.fill([f"{n:05}.png" for n in range(MANY)])
    tab = opened()
    most = tab.run(TILES)

    def ended() -> bool:
        nonlocal most
        tab.run(SCROLL)
        most = max(most, tab.run(TILES))
        return "00000.png" in captions(tab)

    tab.until(ended)
    assert int(tab.find(".grid").get_attribute("aria-rowcount") or 0) > MANY // 10
    assert most < 100
    assert searches(site) == MANY // 100
    tab.run(SCROLL, 0)
    tab.until(lambda: f"{MANY - 1:05}.png" in captions(tab))
    assert searches(site) == MANY // 100 + 1
    tab.require_usable()
    # Of what one drags past nothing is waited for.
    tab.run(NEVER_ANSWERED)
    for place in (1, 0, 0.5, 1):
        tab.run(SCROLL_TO, place)
        tab.driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
    tab.until(lambda: tab.run("return window.pending") <= 2)


def test_one_gets_about_with_the_keyboard_alone(site: Site, opened: Callable[..., Tab]) -> None:
    site.fill([f"{n:03}.png" for n in range(300)])
    tab = opened()
    tab.run("document.querySelector('[data-index=\"0\"]').focus()")
    columns = int(tab.find(".grid").get_attribute("aria-colcount") or 0)
    for key, place in ((Keys.ARROW_RIGHT, 1), (Keys.ARROW_DOWN, columns + 1), (Keys.END, 2 * columns - 1)):
        press(tab, key)
        assert tab.run(FOCUSED) == place
    press(tab, " ")
    tab.says("1 selected")
    press(tab, Keys.ARROW_DOWN, shift=True)
    tab.says(f"{columns + 1} selected")
    press(tab, Keys.ESCAPE)
    tab.until(lambda: "selected" not in tab.text())
    press(tab, Keys.PAGE_DOWN, Keys.ENTER)
    place = tab.run("return document.querySelector('.tile[tabindex=\"0\"]').dataset.index")
    name = tab.find("dialog h2").text
    press(tab, Keys.ARROW_RIGHT)
    tab.until(lambda: tab.find("dialog h2").text != name)
    press(tab, Keys.ESCAPE)
    tab.until(lambda: tab.run(FOCUSED) == int(place) + 1)


def test_what_has_no_thumbnail_says_why(site: Site, opened: Callable[..., Tab]) -> None:
    site.fill([MARKUP], CORRUPT)
    tab = opened()
    assert captions(tab) == [MARKUP]
    assert tab.find(".tile").text.splitlines() == ["corrupt", MARKUP]
    tab.find(".tile").click()
    tab.says("Failed: the bytes are damaged, or not what they claim to be.")
    assert tab.all("img") == []


def test_a_thumbnail_whose_address_expired_is_asked_for_anew(site: Site, opened: Callable[..., Tab]) -> None:
    site.fill(["a.png"])
    site.expired = True
    tab = opened()
    tab.forgiven.append("403")
    tab.says("thumbnail not loaded")
    site.expired = False
    # As if the tab had slept.
    tab.run("const now = Date.now; Date.now = () => now() + 14 * 60000")
    tab.run("document.dispatchEvent(new Event('visibilitychange'))")
    tab.find(".grid img")


def test_a_query_is_marked_where_it_is_wrong_and_back_leads_out_of_it(
    site: Site, opened: Callable[..., Tab]
) -> None:
    site.fill(["a.png", "b.png"])
    tab = opened()
    tab.forgiven.append("400")
    tab.find("#query").send_keys('filename = "é𝄞" and >', Keys.ENTER)
    tab.says("At character 21")
    assert tab.find(".query-mistake mark").text == ">"
    assert tab.run("return [document.activeElement.selectionStart, document.activeElement.id]") == [
        21,
        "query",
    ]
    tab.require_usable()
    tab.find("#query").clear()
    tab.find("#query").send_keys('filename = "b.png"', Keys.ENTER)
    tab.until(lambda: captions(tab) == ["b.png"])
    tab.driver.back()
    tab.says("At character 21")
    tab.driver.back()
    tab.until(lambda: captions(tab) == ["b.png", "a.png"])


def test_what_is_asked_for_stands_in_the_address_and_can_be_let_go_of(
    site: Site, opened: Callable[..., Tab]
) -> None:
    ids = site.fill([f"{n}.png" for n in range(6)])
    site.fill(["corrupt.png"], CORRUPT)
    tab = opened()
    site.tag("car", ids[:4])
    site.tag("Éclair & co", ids[2:])
    site.count()
    tab.press("Refresh")
    tab.press("car, 4")
    tab.until(lambda: len(captions(tab)) == 4)
    tab.press("Éclair & co, 4")
    tab.until(lambda: len(captions(tab)) == 6)
    tab.press("All of them")
    tab.until(lambda: captions(tab) == ["3.png", "2.png"])
    tab.find(".order select").send_keys("Oldest first")
    tab.until(lambda: captions(tab) == ["2.png", "3.png"])
    address = tab.driver.current_url
    assert quote("Éclair") in address
    tab.press("Show everything")
    tab.until(lambda: len(captions(tab)) == 7)
    tab.press("Failed, 1")
    tab.until(lambda: captions(tab) == ["corrupt.png"])
    tab.find("#query").send_keys("size > 1000000", Keys.ENTER)
    tab.says("Nothing is like that")
    tab.open()
    tab.driver.get(address)
    tab.until(lambda: captions(tab) == ["2.png", "3.png"])


def test_folders_are_entered_and_left(site: Site, opened: Callable[..., Tab]) -> None:
    site.fill(["a.png", "day/one/b.png", "day/c.png", "night/d.png"])
    tab = opened()
    tab.press("Folders")
    tab.until(lambda: captions(tab) == ["a.png", "Folder day", "Folder night"])
    tab.all(".tile.folder")[0].click()
    tab.until(lambda: captions(tab) == ["c.png", "Folder one"])
    assert tab.find(".path").text.replace("\n", "") == "default/day"
    tab.press("All")
    tab.until(lambda: captions(tab) == ["c.png", "b.png"])
    tab.find(".path a").click()
    tab.until(lambda: len(captions(tab)) == 4)


def test_a_phone_has_room_for_all_of_it(site: Site, opened: Callable[..., Tab]) -> None:
    site.fill([f"{n}.png" for n in range(20)])
    site.count()
    tab = opened()
    tab.resize(PHONE)
    tab.until(lambda: tab.find(".grid").get_attribute("aria-colcount") == "3")
    tab.press("Filters")
    tab.press("Image, 20")
    tab.says("type: Image")
    assert tab.run("return document.documentElement.scrollWidth <= innerWidth")
    assert tab.barriers() == []
