"""Who may see what, and what is said when nothing can be seen."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.browsing import Tab
from tests.gallery.site import KEYS, STAGE, Site


def test_a_key_that_is_refused_leads_back_with_the_reason_and_a_right_one_leads_in(
    site: Site, tab: Tab
) -> None:
    site.fill(["a.png"])
    tab.forgiven.append("401")
    tab.open()
    for key, told in (("nonsense", "this is none"), (f"tl_{'0' * 15}9_{'0' * 64}", "no longer, accepted")):
        tab.find("#key").clear()
        tab.find("#key").send_keys(key, Keys.ENTER)
        tab.says(told)
        assert tab.run("return sessionStorage.length") == 0
    tab.find("#key").send_keys(KEYS["editor"], Keys.ENTER)
    tab.find(".grid img")
    assert tab.driver.current_url.endswith("#/default")


def test_who_signs_out_leaves_nothing_behind(site: Site, tab: Tab) -> None:
    tab.open("#/default")
    tab.find("#key").send_keys(KEYS["viewer"], Keys.ENTER)
    tab.says("default is empty")
    tab.press("Sign out")
    tab.find("#key")
    assert tab.run("return [sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]


@pytest.mark.parametrize(("role", "edits"), [("viewer", False), ("editor", True)])
def test_what_one_may_not_do_is_not_offered(site: Site, tab: Tab, role: str, edits: bool) -> None:
    [data_id] = site.fill(["a.png"])
    tab.open("#/default", KEYS[role])
    tab.find(".grid img")
    tab.says(role)
    tab.run("document.querySelector('[data-check]').click()")
    tab.says("1 selected")
    assert ("Tag …" in tab.text(), "Delete …" in tab.text(), "Upload" in tab.text()) == (edits,) * 3
    tab.open(f"#/default/data/{data_id}")
    tab.find(".facts dl")
    assert bool(tab.all("dialog .name-field input")) is edits


def test_what_fails_for_a_while_is_tried_again_and_what_keeps_failing_is_said(site: Site, tab: Tab) -> None:
    site.fill(["a.png"])
    tab.forgiven += ["503", "500"]
    site.failing = 503
    tab.open("#/default", KEYS["viewer"])
    tab.says("Trying again")
    site.failing = None
    tab.find(".grid img")
    tab.until(lambda: "Trying again" not in tab.text())
    site.failing = 500
    tab.hurry()
    tab.press("Refresh")
    tab.named("Try again")
    assert "The storage did not answer." in tab.text()
    site.failing = None
    tab.press("Try again")
    tab.find(".grid img")


def test_an_address_that_leads_nowhere_says_so(site: Site, tab: Tab) -> None:
    tab.forgiven.append("404")
    tab.open("#/nothing", KEYS["viewer"])
    tab.says("There is no datalake “nothing”")
    tab.open("#/default/data/00000000-0000-5000-8000-000000000002")
    tab.says("There is no such item")


def test_the_page_is_the_same_without_the_slash_behind_it(site: Site, tab: Tab) -> None:
    site.fill(["a.png"])
    tab.open("", KEYS["viewer"], site.address.rstrip("/") + STAGE)
    tab.find(".grid img")
    tab.says("viewer")
