"""Headless Chromium for the tests, or why there is none."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

AXE = Path(__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def missing() -> str:
    """What the browser tests lack here; empty where they can run."""
    lacks = []
    if not any(map(shutil.which, _PROGRAMS)):
        lacks.append(f"no browser ({' or '.join(_PROGRAMS)})")
    if not shutil.which("chromedriver"):
        lacks.append("no chromedriver")
    if not AXE.is_file():
        lacks.append("no axe-core in node_modules")
    return f"{', '.join(lacks)}; scripts/install-browser.sh installs them" if lacks else ""


def need() -> None:
    """Skips a test that cannot run here, saying why; where CI is set, fails it."""
    lack = missing()
    if lack and os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"the browser tests cannot run: {lack}")
    if lack:
        pytest.skip(lack)


class Browser:
    """A browser window of a size and theme."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def look(self, width: int, theme: str = "light") -> None:
        """Makes the window as wide as a phone or a desk, and light or dark."""
        size = {"width": width, "height": 780, "deviceScaleFactor": 1, "mobile": width < 500}
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns; it is not bound by the page's policy."""
        return self.driver.execute_script(script, *arguments)

    def press(self, key: str) -> None:
        """Presses a key where the focus is."""
        self.driver.switch_to.active_element.send_keys(key)

    def tab_to(self, selector: str, most: int = 60) -> None:
        """Presses Tab until the focus is on what the selector says."""
        for _ in range(most):
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
            self.press(Keys.TAB)
        pytest.fail(f"{selector} was not reached by {most} Tabs")

    def violations(self) -> list[str]:
        """What axe-core finds serious or critical on the page."""
        self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations))"
        )
        return [
            f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]

    def complaints(self) -> list[str]:
        """What the browser's console holds against the pages, such as breaches of their policy."""
        return [one["message"] for one in self.driver.get_log("browser") if one["level"] == "SEVERE"]


@contextmanager
def opened() -> Iterator[Browser]:
    """A fresh browser, closed when the block ends."""
    need()
    options = Options()
    options.binary_location = next(filter(None, map(shutil.which, _PROGRAMS)))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            yield Browser(driver)
        finally:
            driver.quit()
