"""Long work that is begun in the page, first tried."""

from pathlib import Path
from typing import Any

from tests.e2e.browsing import Tab
from tests.gallery.site import KEYS, PICTURE, Site
from tests.unit.api.gateway import Gateway

MARKUP = "<img src=x onerror=alert(1)>"


def jobs(kind: str) -> list[Any]:
    found = Gateway().call("GET", "/v1/jobs").body["items"]
    return [each for each in found if each["kind"] == kind]


def test_a_bucket_is_compared_after_it_was_tried(site: Site, tab: Tab) -> None:
    site.world.s3.put_object(Bucket="photos", Key="new.png", Body=PICTURE)
    tab.open("#/default/jobs", KEYS["editor"])
    tab.hurry()
    tab.press("Compare with the bucket …")
    tab.press("Try it: nothing is changed")
    tab.says("What would happen: Done")
    assert "not recorded yet" in tab.find("form [role=status]").text
    tab.require_usable()
    tab.press("Look at what differs")
    tab.until(lambda: not tab.all("form"))
    tab.until(lambda: len(jobs("sync")) == 2)


def test_an_import_of_prefixes_says_first_what_it_costs(site: Site, tab: Tab) -> None:
    for n in range(3):
        site.world.s3.put_object(Bucket="photos", Key=f"day/{n}.png", Body=PICTURE)
    tab.open("#/default/jobs", KEYS["editor"])
    tab.hurry()
    tab.press("Import from the bucket …")
    tab.named("Prefixes, each in a line of its own").send_keys("day/")
    tab.named("Tags, with commas between").send_keys(MARKUP)
    tab.press("Try it: nothing is changed")
    tab.says("It would go through 3 objects")
    tab.says("less than a cent")
    tab.named("Source").send_keys("x")
    tab.until(lambda: "What would happen" not in tab.text())
    tab.press("Try it: nothing is changed")
    tab.says("It would go through 3 objects")
    tab.press("Import these")
    tab.until(lambda: not tab.all("form"))
    tab.until(lambda: len(jobs("bucket_import")) == 3)


def test_an_export_is_begun_and_downloaded(site: Site, tab: Tab, downloads: Path) -> None:
    site.fill(["a.png"])
    tab.open("#/default/jobs", KEYS["editor"])
    tab.press("Export the index …")
    tab.press("Export")
    tab.press("Download the export")
    tab.until(lambda: list(downloads.glob("*.jsonl.gz")))
    tab.open("#/default/jobs", KEYS["viewer"])
    tab.driver.refresh()
    tab.named("Download the export")
    assert not tab.all("[aria-label=Begin]")
