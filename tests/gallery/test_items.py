"""One item, and many of them."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.e2e.browsing import Tab
from tests.gallery.site import CORRUPT, KEYS, PICTURE, Site
from tests.unit.api.gateway import Gateway

MARKUP = "<b onclick=alert(1)>&amp;"
CHECKS = "document.querySelectorAll('[data-check]').forEach((each, n) => n < arguments[0] && each.click())"


@pytest.fixture
def ids(site: Site) -> list[str]:
    return site.fill([f"day/{n}.png" for n in range(6)])


@pytest.fixture
def tab(tab: Tab, ids: list[str]) -> Tab:
    tab.open("#/default", KEYS["admin"])
    tab.find(".grid img")
    return tab


def shown(data_id: str) -> Any:
    answer = Gateway().call("GET", f"/data/{data_id}")
    return answer.body if answer.status == 200 else None


def objects_of(site: Site) -> list[str]:
    listing = site.world.s3.list_objects_v2(Bucket="photos")
    return [each["Key"] for each in listing.get("Contents", [])]


def pick(tab: Tab, count: int) -> None:
    tab.run(CHECKS, count)
    tab.says(f"{count} selected")


def test_an_item_is_shown_large_and_stepped_through_and_has_an_address(
    site: Site, tab: Tab, ids: list[str]
) -> None:
    tab.find(".tile img").click()
    large = tab.find("dialog .media img.large")
    tab.until(lambda: tab.run("return arguments[0].naturalWidth", large) == 40)
    assert tab.find("dialog h2").text == "5.png"
    tab.require_usable()
    tab.press("Next")
    tab.until(lambda: tab.find("dialog h2").text == "4.png")
    assert tab.driver.current_url.endswith(f"/data/{ids[4]}")
    tab.driver.refresh()
    tab.until(lambda: tab.find("dialog h2").text == "4.png")
    tab.driver.back()
    tab.until(lambda: not tab.all("dialog"))


def test_tags_are_edited_where_they_stand_and_are_text(site: Site, tab: Tab, ids: list[str]) -> None:
    site.tag("car", ids[:1])
    tab.find(".tile img").click()
    tab.find("dialog .name-field input").send_keys(MARKUP, Keys.ENTER)
    tab.says(MARKUP)
    assert shown(ids[5])["tags"] == [MARKUP]
    tab.until(
        lambda: tab.run("return [...document.querySelectorAll('dialog option')].map((each) => each.value)")
    )
    assert tab.run("return document.querySelector('dialog datalist option').value") == "car"
    tab.press(f"Remove the tag {MARKUP}")
    tab.until(lambda: shown(ids[5])["tags"] == [])
    assert tab.run("return document.querySelectorAll('b[onclick]').length") == 0


def test_what_people_write_is_edited_and_what_is_wrong_is_said(site: Site, tab: Tab, ids: list[str]) -> None:
    tab.forgiven.append("400")
    tab.find(".tile img").click()
    tab.press("Edit description")
    tab.find("dialog textarea").send_keys("A boat.")
    tab.press("Save")
    tab.until(lambda: shown(ids[5])["description"] == "A boat.")
    tab.press("Edit custom metadata")
    for name, kind, value in (("lot", "text", "A7"), ("__proto__", "number", "7")):
        tab.press("Add a field")
        tab.all("dialog .field input[aria-label=Field]")[-1].send_keys(name)
        tab.all("dialog .field select")[-1].send_keys(kind)
        tab.named(f"Value of {name}").send_keys(value)
    tab.press("Save")
    tab.until(lambda: shown(ids[5])["custom_metadata"] == {"lot": "A7", "__proto__": 7})
    tab.until(lambda: not tab.all("dialog .fields"))
    tab.press("Edit metadata")
    for name, value in (("latitude", "143.5"), ("longitude", "3")):
        tab.press("Add a field")
        tab.all("dialog .field input[aria-label=Field]")[-1].send_keys(name)
        tab.named(f"Value of {name}").send_keys(value)
    tab.press("Save")
    tab.says("latitude: Input should be less than or equal to 90.")
    tab.require_usable()
    tab.named("Value of latitude").clear()
    tab.named("Value of latitude").send_keys("43.5")
    tab.press("Save")
    link = tab.find("dialog a[href*=openstreetmap]")
    assert link.get_attribute("href") == "https://www.openstreetmap.org/?mlat=43.5&mlon=3#map=15/43.5/3"
    assert (link.get_attribute("rel"), link.get_attribute("target")) == ("noreferrer noopener", "_blank")


def test_many_are_tagged_and_untagged_by_choice_and_by_what_a_query_finds(
    site: Site, tab: Tab, ids: list[str]
) -> None:
    tab.hurry()
    pick(tab, 2)
    tab.press("Tag …")
    tab.find("dialog .name-field input").send_keys("car", Keys.ENTER)
    tab.require_usable()
    tab.press("Tag")
    tab.says("2 items changed.")
    assert [shown(each)["tags"] for each in ids] == [[]] * 4 + [["car"]] * 2
    tab.press("All that this finds")
    tab.says("All that this finds: 6")
    tab.find(".tile .check").click()
    tab.says("All that this finds: 5")
    tab.press("Untag …")
    tab.find("dialog .name-field input").send_keys("CAR", Keys.ENTER)
    tab.press("Untag")
    tab.says("1 item changed.")
    assert [shown(each)["tags"] for each in ids] == [[]] * 5 + [["car"]]


def test_before_anything_is_deleted_it_is_said_how_many_and_what_that_means(
    site: Site, tab: Tab, ids: list[str]
) -> None:
    tab.hurry()
    pick(tab, 3)
    tab.press("Delete …")
    tab.says("3 items, ")
    tab.says("The datalake's connector does not allow deleting objects.")
    tab.require_usable()
    assert not tab.all("dialog input[type=radio]")[1].is_enabled()
    tab.press("Cancel")
    tab.until(lambda: not tab.all("dialog"))
    assert all(map(shown, ids))
    tab.press("Delete …")
    button = tab.named("Forget 3 items")
    before = len(site.asked)
    ActionChains(tab.driver).double_click(button).perform()
    tab.says("3 items forgotten.")
    tab.until(lambda: len(tab.all(".tile img")) == 3)
    assert [bool(shown(each)) for each in ids] == [True] * 3 + [False] * 3
    assert sum(each.endswith("/data/delete") for each in site.asked[before:]) == 1


def test_a_list_of_what_is_selected_is_a_file(site: Site, tab: Tab, ids: list[str], downloads: Path) -> None:
    formula = "=HYPERLINK(1),x.png"
    site.fill([formula], CORRUPT)
    tab.press("Refresh")
    tab.until(lambda: formula in tab.text())
    for place, name in ((1, "csv"), (2, "jsonl")):
        pick(tab, 2)
        tab.press("Download list …")
        tab.find("dialog")
        tab.all("dialog input[type=radio]")[place].click()
        tab.press("Download")
        tab.until(lambda name=name: (downloads / f"default.{name}").exists())
        tab.press("Clear")
    table = list(csv.DictReader((downloads / "default.csv").read_text().splitlines()))
    assert {each["object_name"] for each in table} == {f"'{formula}", "day/5.png"}
    lines = (downloads / "default.jsonl").read_text().splitlines()
    assert {json.loads(each)["object_name"] for each in lines} == {formula, "day/5.png"}


def test_an_object_is_deleted_only_when_its_number_was_typed(site: Site, tab: Tab, ids: list[str]) -> None:
    change = {"allow_delete": True}
    assert Gateway(role="admin").call("PATCH", "/v1/connectors/stack", change).status == 200
    name = "day/5.png"
    site.world.s3.put_object(Bucket="photos", Key=name, Body=PICTURE)
    tab.driver.refresh()
    tab.find(".grid img")
    tab.hurry()
    pick(tab, 1)
    tab.press("Delete …")
    tab.says("1 item, ")
    tab.all("dialog input[type=radio]")[1].click()
    button = tab.find("dialog .danger")
    assert not button.is_enabled()
    tab.find("dialog input[inputmode]").send_keys("2")
    assert not button.is_enabled()
    tab.find("dialog input[inputmode]").send_keys(Keys.BACKSPACE, "1")
    assert button.is_enabled()
    assert name in objects_of(site)
    button.click()
    tab.says("1 item deleted.")
    assert name not in objects_of(site)
