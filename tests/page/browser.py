"""A page in a real Chromium, as a person would use it."""

import json
import re
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

WIDE, NARROW = (1280, 900), (390, 844)
# Each size and each scheme once: colours do not depend on the size.
LOOKS = ((WIDE, "light"), (NARROW, "dark"))
# What axe-core is, at this version, on the npm registry.
_AXE = ("axe-core@4.14.1", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745")
# Without `--headless` of its own a page has no size; nothing is to be reached.
_SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


class Browser:
    """A Chromium that has a page open, its console watched."""

    def __init__(self, chromium: str, driver: str, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver))

    def close(self) -> None:
        """End the process."""
        self.driver.quit()

    def open(self, file: Path, where: str = "", size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        """Open a page, at a place in it, in a window of that size, where the system is light or dark."""
        self.driver.get("about:blank")
        self.driver.get_log("browser")  # of the page before
        emulated = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", emulated)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [feature]})
        self.driver.get(f"{file.as_uri()}{where}")

    def complaints(self) -> list[str]:
        """Return what the console has said since the page was opened."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script finds on the page."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        """Return the first element of a selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        """Click on what a selector finds, once it is on the screen."""
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def click_top(self, selector: str) -> None:
        """Click on the head of a box, where none of those inside it are."""
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        up = 8 - element.size["height"] // 2
        webdriver.ActionChains(self.driver).move_to_element_with_offset(element, 0, up).click().perform()

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def type(self, selector: str, text: str) -> None:
        """Type into a field, instead of what is there."""
        field = self.find(selector)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.BACKSPACE, text)

    def texts(self, selector: str) -> list[str]:
        """Return what all elements of a selector say."""
        return list(
            self.run("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)
        )

    def column(self, title: str) -> list[str]:
        """Return what rows of the layer table have under a heading."""
        head = self.texts("#head th")
        index = next(number for number, text in enumerate(head) if text.rstrip("▲▼") == title)
        return self.texts(f"#rows tr > :nth-child({index + 1})")

    def box(self, place: str, path: str) -> str:
        """Return a selector of the box of a path in the strip or the map."""
        return f"#{place} .box[aria-label^='{path} ']"

    def violations(self, axe_core: str) -> list[str]:
        """Return what axe-core finds on the page."""
        self.run(axe_core)
        script = (
            "const done = arguments[0]; axe.run().then(({violations}) => done(violations.map("
            "({id, impact, nodes}) => `${impact} ${id}: ${nodes.map((one) => one.html).slice(0, 3)}`)))"
        )
        return list(self.driver.execute_async_script(script))


def document(file: Path) -> dict[str, Any]:
    """Return the document of a page, put together again as its script does."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.read_text("utf-8"), re.S)
    assert found is not None
    return together(json.loads(found[1]))


def together(data: dict[str, Any]) -> dict[str, Any]:
    """Return a document whose tables stand apart."""
    for table in data["tables"]:
        *way, last = table["place"]
        holder = data["document"]
        for key in way:
            holder = holder[key]
        holder[last] = [_row(table["columns"], index) for index in range(table["count"])]
    return dict(data["document"])


def _row(columns: dict[str, list[Any]], index: int) -> dict[str, Any]:
    places = {key: column[1][index] if len(column) > 1 else index for key, column in columns.items()}
    return {key: columns[key][0][place] for key, place in places.items() if place >= 0}


def axe(folder: Path) -> str:
    """Return axe-core's script, which npm brings. Raises AssertionError where it is not what it was."""
    package, digest = _AXE
    command = ["npm", "pack", "--silent", package]
    name = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
    assert sha256((folder / name).read_bytes()).hexdigest() == digest
    with tarfile.open(folder / name) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode("utf-8")
