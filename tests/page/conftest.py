"""A browser for all tests of a session, and the pages that they look at."""

import shutil
from pathlib import Path

import pytest

from archprof.cli import run
from tests.page.browser import Browser, axe

BIG = """\
archprof: 1
name: big
input: 3x64x64
classes: 1000
defaults: {norm: batch_norm, act: relu6}
layers:
  - conv: {k: 3, s: 2, c: 32}
  - inverted_residual:
      columns: [t, c, n, s]
      rows: [[6, 64, 556, 1]]
  - avg_pool
  - linear: classes
"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium, if it is there."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("chromium or chromedriver is not installed: `apt-get install chromium chromium-driver`")
    opened = Browser(chromium, driver, tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def axe_core(tmp_path_factory):
    """The script that looks for what people with disabilities cannot use."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed, which brings axe-core")
    return axe(tmp_path_factory.mktemp("axe"))


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """A function that makes the page of a command line, once."""
    folder = tmp_path_factory.mktemp("pages")
    made: dict[tuple[str, ...], Path] = {}

    def page(*arguments):
        if arguments not in made:
            made[arguments] = folder / f"{len(made)}.html"
            assert run(["report", *arguments, "-o", str(made[arguments])]) == 0
        return made[arguments]

    return page


@pytest.fixture(scope="session")
def big(tmp_path_factory):
    """A network of 5,009 operators."""
    path = tmp_path_factory.mktemp("big") / "big.yaml"
    path.write_text(BIG)
    return str(path)
