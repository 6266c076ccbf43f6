"""`check --report html=FILE`: budgets as a page, which says what the table says."""

from contextlib import chdir

import pytest

from archprof.cli import run
from tests.page.browser import LOOKS

LINE = ("check", "v3", "v2", "--max-macs", "216M", "--max-params", "6M", "--min", "macs=1M")


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """The page of a check in which two budgets are exceeded, and the table of it."""
    folder = tmp_path_factory.mktemp("checked")
    page, table = folder / "budget.html", folder / "budget.txt"
    with chdir(folder):
        assert run([*LINE, "--report", f"html={page}", "-o", str(table)]) == 1
    return page, table.read_text("utf-8")


def test_it_says_what_the_table_says(browser, checked):
    page, table = checked
    browser.open(page)
    assert browser.complaints() == []
    assert browser.texts("h1#budgets-title") == [table.splitlines()[0]] == ["2 of 6 budgets exceeded"]
    rows = browser.run(
        "return [...document.querySelectorAll('main section:first-of-type tbody tr')].map((row) => "
        "[...row.cells].slice(0, 5).map((cell) => cell.textContent).join(' '))"
    )
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert all(any(line.startswith(row) for line in lines) for row in rows[:6])
    assert browser.texts("section li") == [line for line in table.splitlines() if line.startswith("✗ mobilenet")]


def test_gauges(browser, checked):
    """216,589,760 of 216,000,000 is 100.3 %, and 5,483,032 of 6,000,000 is 91.4 %."""
    browser.open(checked[0])
    said = browser.run("return [...document.querySelectorAll('meter')].map((one) => one.ariaLabel)")
    assert said[:2] == ["91.4 % of the limit", "100.3 % of the limit"]


@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=["wide", "narrow"])
def test_axe_finds_nothing(browser, checked, axe_core, size, scheme):
    browser.open(checked[0], size=size, scheme=scheme)
    assert browser.violations(axe_core) == []
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
