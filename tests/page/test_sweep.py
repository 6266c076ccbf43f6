"""The page of a sweep: points, or cells where there are too many, and the best."""

import json

import pytest

from archprof.cli import run
from tests.page.browser import LOOKS, document

POINTS = ("v2", "--width", "0.35,0.5,1", "--resolution", "128,224")
CELLS = ("v2", "--width", "0.25:1.5:0.01", "--resolution", "96:320:8")


@pytest.fixture(scope="module")
def swept(tmp_path_factory, pages):
    """A function that makes the page of a sweep, and gives its variants too."""
    folder = tmp_path_factory.mktemp("sweeps")

    def page(*arguments):
        files = [str(folder / f"{len(arguments[2])}.{suffix}") for suffix in ("parquet", "json")]
        for file in files:
            assert run(["sweep", *arguments, "-o", file]) == 0
        with open(files[1]) as text:
            return pages(files[0]), json.load(text)["variants"]

    return page


def test_few_variants_are_points(browser, swept):
    page, variants = swept(*POINTS)
    picture = document(page)["sweep"]["pictures"][0]
    assert picture["marks"] == [[one["totals"]["macs"], one["totals"]["params"], 0] for one in variants]
    browser.open(page)
    assert browser.run("return document.querySelectorAll('#sweep-chart circle[class^=series]').length") == 6
    least = min(variants, key=lambda one: one["totals"]["macs"])
    assert browser.texts("#sweep-table tbody tr:first-child td:nth-child(7)") == [f"{least['totals']['macs']:,}"]


def test_many_are_counted_in_cells(browser, swept):
    """126 widths and 29 resolutions; every variant lies in a cell, and the page says so."""
    page, variants = swept(*CELLS)
    found = document(page)["sweep"]
    assert (found["variants"], found["axes"]) == (126 * 29, {"width": 126, "resolution": 29})
    assert page.stat().st_size < 400_000
    for picture in found["pictures"]:
        assert picture["binned"]
        assert sum(count for _, _, count in picture["marks"]) == len(variants)
    browser.open(page)
    assert browser.complaints() == []
    assert browser.texts("#sweep-note")[0].startswith(
        "There are too many for points: they are counted in 72 × 48 cells"
    )


def test_the_best_are_those_that_none_beats(swept):
    page, variants = swept(*CELLS)
    for picture in document(page)["sweep"]["pictures"]:
        costs = {(one["totals"]["macs"], one["totals"][picture["against"]]) for one in variants}
        front = {one for one in costs if not any(x <= one[0] and y <= one[1] and (x, y) != one for x, y in costs)}
        assert {(one["costs"]["macs"], one["costs"][picture["against"]]) for one in picture["best"]} == front


@pytest.mark.few(3)
@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=["wide", "narrow"])
@pytest.mark.parametrize("arguments", [POINTS, CELLS], ids=["points", "cells"])
def test_axe_finds_nothing(browser, swept, axe_core, arguments, size, scheme):
    page, _ = swept(*arguments)
    browser.open(page, size=size, scheme=scheme)
    assert browser.violations(axe_core) == []
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
