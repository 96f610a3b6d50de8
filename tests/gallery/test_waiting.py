"""What is not there yet, not there any more, or comes when one has gone on."""

import pytest

from tests.e2e.browsing import Tab
from tests.gallery.site import CORRUPT, KEYS, Site

HURRIED = "const wait = setTimeout; window.setTimeout = (work, ms) => wait(work, ms / 200)"
HOLDS_ONE = """
    const ask = fetch;
    window.fetch = async (address, request) => {
      const body = String(request.body ?? "");
      const isHeld = window.holds && (String(address).includes(window.holds) || body.includes(window.holds));
      if (isHeld) window.holds = null;
      const answer = await ask(address, isHeld ? { ...request, signal: undefined } : request);
      if (isHeld) await new Promise((resolve) => (window.release = resolve));
      return answer;
    };
"""
"""An answer that comes when it is let go, also if nobody waits for it any more."""


def prepare(tab: Tab, script: str) -> None:
    tab.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})


def asked(site: Site, ending: str) -> int:
    return sum(each.endswith(ending) for each in site.asked)


def captions(tab: Tab) -> list[str]:
    found: list[str] = tab.run(
        "return [...document.querySelectorAll('.caption')].map((each) => each.textContent)"
    )
    return found


def test_what_nobody_has_looked_at_is_looked_at_and_shown(site: Site, tab: Tab) -> None:
    site.change_lake(preprocess="lazy")
    ids = site.fill(["a.png", "b.png"], None)
    tab.open("#/default", KEYS["viewer"])
    tab.says("being looked at")
    assert len(site.world.sqs.queues["preprocess"].visible) == 2
    site.look(ids[0])
    tab.until(lambda: len(tab.all(".grid img")) == 1)
    tab.open(f"#/default/data/{ids[1]}")
    tab.says("It is waited for.")
    site.look(ids[1])
    tab.until(lambda: "It is waited for." not in tab.text())


def test_what_does_not_become_ready_is_not_asked_for_for_ever(site: Site, tab: Tab) -> None:
    site.change_lake(preprocess="lazy")
    site.fill(["a.png"], None)
    prepare(tab, HURRIED)
    tab.open("#/default", KEYS["viewer"])
    tab.says("not looked at yet")
    assert 20 < asked(site, "/data/search") < 30


def test_a_thumbnail_that_was_removed_is_made_again_and_shown(site: Site, tab: Tab) -> None:
    ids = site.fill(["a.png", "b.png"])
    tab.forgiven += ["403", "404"]
    for data_id in ids:
        site.remove_thumbnail(data_id)
    tab.open("#/default", KEYS["viewer"])
    tab.says("being made again")
    site.look(ids[0])
    tab.until(lambda: len(tab.all(".grid img")) == 1)
    prepare(tab, HURRIED)
    tab.driver.refresh()
    tab.says("thumbnail not loaded")
    assert asked(site, f"{ids[1]}/thumbnail") <= 2 * 12


def test_an_answer_that_comes_late_is_not_shown(site: Site, tab: Tab) -> None:
    site.fill(["a.png", "b.png"])
    site.fill(["c.png"], CORRUPT)
    site.count()
    prepare(tab, HOLDS_ONE)
    tab.open("#/default", KEYS["viewer"])
    tab.run("window.holds = 'ready'")
    tab.press("Ready, 2")
    tab.until(lambda: tab.run("return window.release !== undefined"))
    tab.press("Failed, 1")
    tab.until(lambda: captions(tab) == ["c.png"])
    tab.run("release(); delete window.release")
    tab.press("Show everything")
    tab.until(lambda: len(captions(tab)) == 3)
    tab.run("window.holds = '/data/'")
    tab.all(".tile")[1].click()
    tab.until(lambda: tab.run("return window.release !== undefined"))
    tab.press("Next")
    tab.until(lambda: tab.find("dialog h2").text == "a.png")
    tab.find(".facts dl")
    tab.driver.execute_async_script("release(); setTimeout(arguments[0], 100)")
    assert tab.find("dialog h2").text == "a.png"


def test_a_key_that_is_revoked_meanwhile_leads_out(site: Site, tab: Tab) -> None:
    site.fill(["a.png"])
    tab.forgiven.append("401")
    tab.open("#/default", KEYS["editor"])
    tab.find(".grid img")
    site.revoked = True
    tab.press("Refresh")
    tab.says("no longer, accepted")
    assert tab.run("return sessionStorage.length") == 0


def test_a_quota_is_told_and_when_there_is_more(site: Site, tab: Tab) -> None:
    site.fill(["a.png", "b.png"])
    site.count()
    site.change_lake(quota={"items": 3, "bytes": 1_000_000})
    tab.open("#/default", KEYS["editor"])
    tab.says("Its quota is 3 items and 1 MB.")
    site.change_lake(quota={"items": 1, "bytes": None})
    tab.open("#/default/upload")
    tab.driver.refresh()
    tab.says("More than its quota of 1 item: nothing more can be uploaded. It holds 2 items")


@pytest.mark.parametrize(("view", "role"), [("upload", "editor"), ("connectors", "admin")])
def test_an_address_of_what_one_may_not_do_says_so(site: Site, tab: Tab, view: str, role: str) -> None:
    tab.open(f"#/default/{view}", KEYS["viewer"])
    tab.says(f"It takes a key with the role {role}; this one has the role viewer.")
    assert not tab.all("input[type=file], form")


def test_an_address_that_is_not_well_formed_leads_somewhere(site: Site, tab: Tab) -> None:
    tab.forgiven.append("404")
    site.fill(["a.png"])
    tab.open("#", KEYS["viewer"])
    for hash in ("#//", "#/default/__proto__", "#/default?order=__proto__&type=constructor&tag=&kind", "#?&"):
        tab.run("location.hash = arguments[0]", hash)
        tab.find(".grid img")
    for hash, told in (
        ("#/%E0%A4%A", "There is no datalake “%E0%A4%A”"),
        ("#/default/data/..", "There is no such item"),
        ("#/default/data/%2e%2e%2f%2e", "There is no such item"),
        ("#/__proto__/constructor", "There is no datalake “__proto__”"),
        ("#/%00%FF", "There is no datalake"),
    ):
        tab.run("location.hash = arguments[0]", hash)
        tab.says(told)
    assert not any(".." in each for each in site.asked)


def test_times_are_those_of_whoever_looks(site: Site, tab: Tab) -> None:
    [data_id] = site.fill(["\u202egnp.\u05d0.png"])
    tab.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Pacific/Auckland"})
    tab.open(f"#/default/data/{data_id}", KEYS["viewer"])
    tab.says("Mar 2, 2026")
    assert "Mar 1, 2026" not in tab.text()
    # What turns a name around turns nothing else.
    names = tab.all(".caption, .dialog-head h2, .facts dd")
    assert {each.value_of_css_property("unicode-bidi") for each in names} == {"plaintext"}
