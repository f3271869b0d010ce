"""A real headless Chromium for the tests of pages."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A browser with its own ``profile``, driven by Selenium; skips the test where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no Chromium with its chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    flags = (
        "headless=new no-sandbox disable-gpu disable-quic no-first-run "
        "disable-background-networking disable-component-update disable-sync window-size=1200,1000"
    )
    for flag in [*flags.split(), f"user-data-dir={profile}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driving = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield driving
    finally:
        driving.quit()


def wait(browser: Any, script: str, seconds: float = 20) -> Any:
    """What ``script`` returns, once that is something."""
    until = time.monotonic() + seconds
    while not (value := browser.execute_script(script)):
        assert time.monotonic() < until, script
        time.sleep(0.1)
    return value


def cleared(browser: Any) -> Any:
    """The browser with an empty page, and without what earlier pages have complained of and asked for."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    return browser


def errors(browser: Any) -> list[Any]:
    """What the page has complained of since the last time."""
    return [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]


def requests(browser: Any, origin: str) -> list[str]:
    """What pages whose address begins with ``origin`` (not the first tab) have asked for since the last time."""
    events = [json.loads(line["message"])["message"] for line in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [one["request"]["url"] for one in sent if one["documentURL"].startswith(origin)]


def downloaded(browser: Any, folder: Path, script: str, name: str, seconds: float = 20) -> bytes:
    """The file ``name`` that the page saves to ``folder`` (made if need be) when ``script`` is run."""
    folder.mkdir(exist_ok=True)
    allowed = {"behavior": "allow", "downloadPath": str(folder)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    browser.execute_script(script)
    until = time.monotonic() + seconds
    while not (folder / name).is_file():  # Chromium writes it under another name first
        assert time.monotonic() < until, f"{name} is not among {sorted(p.name for p in folder.iterdir())}"
        time.sleep(0.1)
    return (folder / name).read_bytes()
