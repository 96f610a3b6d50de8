"""The gallery as a person has it: in Chromium, with a key, and with nothing in the console."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_selenium_python import Axe
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from infra.local import FOLDER

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ABSENT = (
    "The gallery's tests need Chromium and its driver; on Debian: apt-get install chromium chromium-driver"
)
FAILURES = FOLDER / "failures"
"""Screenshots of tests that failed."""

DESKTOP, PHONE = (1280, 900), (390, 844)
GRAVE = ("serious", "critical")
PATIENCE_SECONDS = 20
KEY_PLACE = "tidelake.key"

_CALLED = """
    const labels = (each) => [...(each.labels ?? [])].map((label) => label.innerText);
    const texts = (each) => [each.ariaLabel, each.innerText, ...labels(each)];
    return [...document.querySelectorAll("a, button, input, select, textarea, summary")]
      .filter((each) => !each.disabled && texts(each).some((text) => text?.includes(arguments[0])));
"""
"""What may be called so. What it is called is asked of the browser, one by one."""


class Absent(Exception):
    pass


@contextmanager
def chromium(downloads: Path) -> Iterator[Chrome]:
    binary = next(filter(None, map(shutil.which, CHROMIUM)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        raise Absent(ABSENT)
    options = ChromeOptions()
    options.binary_location = binary
    for flag in (
        *("--headless", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
        *("--disable-dev-shm-usage", "--lang=en", "--force-color-profile=srgb", "--hide-scrollbars"),
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Told where the driver is, Selenium looks for none in the network.
    with Chrome(options, ChromeService(driver)) as browser:
        browser.set_script_timeout(PATIENCE_SECONDS)
        yield browser


class Tab:
    """A tab of its own, with nothing left of those before."""

    def __init__(self, driver: Chrome, address: str) -> None:
        self.driver = driver
        self.address = address
        self.forgiven: list[str] = []
        self.wait = WebDriverWait(driver, PATIENCE_SECONDS, 0.05, [StaleElementReferenceException])

    def open(self, hash: str = "", key: str | None = None, address: str | None = None) -> None:
        """Signed in, if there is a key."""
        if key:
            script = f"if (origin !== 'null') sessionStorage.setItem({KEY_PLACE!r}, {key!r})"
            self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        self.driver.get((address or self.address) + hash)

    def resize(self, size: tuple[int, int]) -> None:
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def paint(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def find(self, selector: str) -> WebElement:
        """The first that matches and is shown, once there is one."""
        return self.until(lambda: next(filter(WebElement.is_displayed, self.all(selector)), None))

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def named(self, name: str) -> WebElement:
        """The control that a screen reader calls so, once it can be used."""

        def look() -> WebElement | None:
            return next((each for each in self.run(_CALLED, name) if each.accessible_name == name), None)

        return self.until(look)

    def press(self, name: str) -> None:
        """With the keyboard."""
        self.named(name).send_keys(Keys.ENTER)

    def says(self, text: str) -> None:
        """Waits until it is shown somewhere."""
        self.until(lambda: text in self.text())

    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def until[T](self, holds: Callable[[], T | bool | None]) -> T:
        return self.wait.until(lambda _: holds() or False)  # type: ignore[return-value]

    def run(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def hurry(self) -> None:
        """Its own pauses between one look and the next are short from now on."""
        self.run("const wait = setTimeout; window.setTimeout = (f, ms) => wait(f, ms < 5000 ? ms / 20 : ms)")

    def complaints(self) -> list[str]:
        """What the console holds that is no mere remark: exceptions, refusals by the page's policy, what was
        not there. What is `forgiven` was meant to happen."""
        entries = self.driver.get_log("browser")
        grave = [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]
        return [each for each in grave if not any(known in each for known in self.forgiven)]

    def barriers(self, *rules: str) -> list[str]:
        """What keeps people from using the page as it is shown now, by all rules or by these."""
        axe = Axe(self.driver)
        if not self.run("return window.axe !== undefined"):
            axe.inject()
        found = axe.run(options=json.dumps({"runOnly": list(rules)}) if rules else None)["violations"]
        return [
            f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
            for each in found
            if each["impact"] in GRAVE
        ]

    def require_usable(self) -> None:
        """By everybody, in the light, in the dark and on a phone."""
        assert self.barriers() == []
        self.paint("dark")
        assert self.barriers("color-contrast") == []
        self.paint("light")
        self.resize(PHONE)
        assert self.run("return document.documentElement.scrollWidth <= innerWidth")
        self.resize(DESKTOP)

    def photograph(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))


@contextmanager
def tab(driver: Chrome, address: str) -> Iterator[Tab]:
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    opened = Tab(driver, address)
    opened.resize(DESKTOP)
    opened.complaints()
    try:
        yield opened
    finally:
        driver.close()
        driver.switch_to.window(first)
