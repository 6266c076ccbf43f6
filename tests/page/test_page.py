"""The page of a network, in a browser: what it shows, how it moves, who can use it."""

import csv
import io
import json

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.cli.console import archprof
from tests.page.browser import LOOKS, WIDE, document

V3 = ("mobilenet_v3_large", "--device", "h100")
SEVERAL = ("v1", "v2", "v3")
LSTM = ("lstm_ptb_medium", "--device", "h100")  # calls take no time, and of some there is no rule for memory


def printed(capsys, *arguments):
    """Return the JSON that a command prints, without the version of its form."""
    result = archprof(capsys, *arguments, "--format", "json")
    assert result.code == 0, result.err
    return {key: value for key, value in json.loads(result.out).items() if key != "schema"}


def test_its_data_is_what_the_commands_print(capsys, pages):
    at = ("--dtype", "fp16", "--layout", "channels_last")
    (found,) = document(pages(*V3))["networks"]
    assert found["summary"] == printed(capsys, "summary", V3[0], "--bytes", *at)
    assert found["memory"] == printed(capsys, "memory", V3[0], *at)
    assert found["latency"] == printed(capsys, "latency", *V3)


def test_the_data_of_several(capsys, pages):
    found = document(pages(*SEVERAL))
    assert found["compare"] == printed(capsys, "compare", *SEVERAL)
    assert found["diffs"] == [printed(capsys, "diff", *pair) for pair in (("v1", "v2"), ("v2", "v3"))]


@pytest.mark.parametrize(
    ("arguments", "most"), [(("resnet152",), 400_000), (V3, 200_000), (("resnet152", "--train", "adamw"), 400_000)]
)
def test_size(pages, arguments, most):
    assert pages(*arguments).stat().st_size <= most


@pytest.mark.night
def test_size_of_5000_operators(pages, big):
    assert len(document(pages(big))["networks"][0]["summary"]["layers"]) >= 5000
    assert pages(big).stat().st_size <= 2_000_000


@pytest.mark.few(4)
@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=["wide", "narrow"])
@pytest.mark.parametrize("arguments", [V3, SEVERAL, ("resnet50", "--train", "adamw")], ids=lambda one: one[0])
def test_nothing_is_complained_of(browser, pages, arguments, size, scheme):
    browser.open(pages(*arguments), size=size, scheme=scheme)
    assert browser.complaints() == []
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]


def test_numbers_are_those_of_the_json(browser, pages):
    (network,) = document(pages(*V3))["networks"]
    layers = network["summary"]["layers"]
    browser.open(pages(*V3))
    browser.click("#unfold")
    by_path = dict(
        zip(browser.column("path"), zip(browser.column("params"), browser.column("MACs"), strict=True), strict=True)
    )
    shown = {path.lstrip("▾▸"): numbers for path, numbers in by_path.items()}
    assert {one["path"]: (f"{one['params']:,}", f"{one['macs']:,}") for one in layers}.items() <= shown.items()
    totals = network["summary"]["totals"]
    assert browser.texts(".exact")[:3] == [f"{totals[key]:,}" for key in ("macs", "params", "activations")]


def test_what_is_not_known_of_memory_is_said(browser, pages):
    (network,) = document(pages(*LSTM))["networks"]
    browser.open(pages(*LSTM))
    assert browser.texts("#memory-says")[0].startswith(f"At least {network['memory']['peak_bytes']:,} bytes")
    assert "No rule for the memory of lstm ×" in browser.texts("#memory-says")[0]
    assert browser.texts(".tile .large")[3].startswith("at least ")
    browser.click(f"#metric label:nth-child({browser.texts('#metric label').index('Latency') + 2})")
    assert browser.complaints() == []


def test_a_block_is_the_sum_of_its_calls(browser, pages):
    layers = document(pages(*V3))["networks"][0]["summary"]["layers"]
    browser.open(pages(*V3))
    folded = dict(zip(browser.column("path"), browser.column("MACs"), strict=True))
    assert folded["▸1.10"] == f"{sum(one['macs'] for one in layers if one['block'] == '1.10'):,}"


def test_sorting(browser, pages):
    macs = [one["macs"] for one in document(pages(*V3))["networks"][0]["summary"]["layers"]]
    browser.open(pages(*V3))
    unsorted = browser.column("path")
    browser.click("#unfold")
    heading = "#head th:nth-child(8) button"
    for wanted in (sorted(macs, reverse=True), sorted(macs)):
        browser.click(heading)
        assert browser.column("MACs") == [f"{one:,}" for one in wanted]
    assert browser.run("return document.activeElement.closest('th').getAttribute('aria-sort')") == "ascending"
    browser.click(heading)
    browser.click("#fold")
    assert browser.column("path") == unsorted


def test_folding(browser, pages):
    browser.open(pages(*V3))
    browser.find("button[aria-label='Unfold 1.10']").send_keys(Keys.ENTER)
    assert "▸1.10.expand" in browser.column("path")
    assert browser.run("return document.activeElement.ariaLabel") == "Fold 1.10"
    browser.press(Keys.ENTER)
    assert "▸1.10.expand" not in browser.column("path")


@pytest.mark.parametrize("place", ["strip", "map"])
def test_zooming_by_click_crumb_and_escape(browser, pages, place):
    browser.open(pages(*V3))
    browser.click_top(browser.box(place, "1.10"))
    assert browser.texts("#crumbs li") == ["MobileNetV3-Large", "1", "10"]
    assert browser.column("path")[0] == "▸1.10.expand"
    assert browser.run("return location.hash") == "#1.10"
    browser.click("#crumbs li:nth-child(2) button")
    assert browser.texts("#crumbs li") == ["MobileNetV3-Large", "1"]
    browser.press(Keys.ESCAPE)
    assert browser.texts("#crumbs li") == ["MobileNetV3-Large"]


def test_boxes_by_keyboard(browser, pages):
    browser.open(pages(*V3))
    browser.run("document.querySelector('#strip .box').focus()")
    said = "return document.activeElement.ariaLabel.split(' ')[0]"
    assert browser.run(said) == "0.conv"
    browser.press(Keys.ARROW_RIGHT)
    assert browser.run(said) == "1"
    browser.press(Keys.ENTER)
    assert browser.texts("#crumbs li") == ["MobileNetV3-Large", "1"]
    assert browser.run("return document.activeElement.closest('#strip') !== null")
    browser.press(Keys.ESCAPE)
    assert browser.texts("#crumbs li") == ["MobileNetV3-Large"]


def test_searching(browser, pages):
    layers = document(pages(*V3))["networks"][0]["summary"]["layers"]
    wanted = [one for one in layers if one["kind"] == "depthwise" and one["kernel"] == [5, 5]]
    browser.open(pages(*V3))
    browser.type("#search", "depthwise dw 5")
    paths = browser.column("path")
    assert {one["path"] for one in wanted} <= set(paths) < {one["path"] for one in layers}
    assert browser.texts("#found")[0].startswith(f"{len(paths)} operators of {len(layers)}, ")
    assert browser.run("return document.querySelectorAll('#map .box.dim').length") > 0
    browser.type("#search", "no such thing")
    assert browser.column("path") == []
    assert browser.find("#no-rows").is_displayed()


def test_another_metric(browser, pages):
    (network,) = document(pages(*V3))["networks"]
    browser.open(pages(*V3))
    for label, key, parts in (
        ("Params", "params", network["summary"]["layers"]),
        ("Latency", "ms", network["latency"]["layers"]),
    ):
        browser.click(f"#metric label:nth-child({browser.texts('#metric label').index(label) + 2})")
        whole, part = (
            sum(one[key] for one in kept) for kept in (parts, [one for one in parts if one["block"] == "1.14"])
        )
        width = browser.run(
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return box.width / document.querySelector('#strip').clientWidth",
            browser.box("strip", "1.14"),
        )
        assert width == pytest.approx(part / whole, rel=0.01)


@pytest.mark.parametrize("path", ["1.10", "1.10.se.reduce"])
def test_deep_links(browser, pages, path):
    browser.open(pages(*V3), f"#{path}")
    assert [text.lstrip("▾▸") for text in browser.texts("tr.selected th")] == [path]
    assert browser.find("tr.selected").is_displayed()
    top, bottom = browser.run(
        "const box = document.querySelector('tr.selected').getBoundingClientRect(); return [box.top, box.bottom]"
    )
    assert 0 <= top < bottom <= WIDE[1]


def test_a_deep_link_into_another_network(browser, pages):
    browser.open(pages(*SEVERAL), "#3/1.10")
    assert browser.texts("#network-name") == ["MobileNetV3-Large"]
    assert [text.lstrip("▾▸") for text in browser.texts("tr.selected th")] == ["1.10"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_as_the_system_or_by_the_switch(browser, pages, scheme):
    dark = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((part) => part < 60)"
    browser.open(pages(*V3), scheme=scheme)
    assert browser.run(dark) is (scheme == "dark")
    browser.click("#dark")
    assert browser.run(dark) is (scheme == "light")


def test_printing(browser, pages):
    browser.open(pages(*V3), scheme="dark")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not browser.find("#search").is_displayed()
    assert browser.run("return getComputedStyle(document.body).color") != browser.run(
        "return getComputedStyle(document.body).backgroundColor"
    )
    assert browser.run(
        "return document.querySelector('.tall').scrollHeight === document.querySelector('.tall').clientHeight"
    )


def test_copying(browser, pages):
    browser.open(pages(*V3))
    layers = document(pages(*V3))["networks"][0]["summary"]["layers"]
    browser.click("#unfold")
    browser.click("#head th:nth-child(8) button")
    caught = "window.caught = ''; navigator.clipboard.writeText = async (text) => { window.caught = text; }"
    browser.run(caught)
    browser.click("#copy-csv")
    rows = list(csv.DictReader(io.StringIO(browser.run("return window.caught"))))
    assert sorted(int(row["MACs"]) for row in rows) == sorted(one["macs"] for one in layers)
    assert browser.texts("#status") == [f"{len(layers)} rows copied"]
    browser.click("#copy-markdown")
    lines = browser.run("return window.caught").splitlines()
    assert lines[1].startswith("| --- | --- | ---: |")
    assert f"{max(one['macs'] for one in layers):,}" in lines[2]


def test_memory_step_by_step(browser, pages):
    (network,) = document(pages(*V3))["networks"]
    browser.open(pages(*V3))
    slider = browser.find("#memory-step")
    peak = network["memory"]["peak_at"]
    assert slider.get_attribute("value") == str(peak["step"])
    slider.send_keys(Keys.ARROW_RIGHT)
    assert network["memory"]["timeline"][peak["step"]]["path"] in browser.texts("#memory-at")[0]


def test_several_networks(browser, pages):
    browser.open(pages(*SEVERAL))
    models = document(pages(*SEVERAL))["compare"]["models"]
    macs = browser.texts("#totals-table tbody td:nth-child(3)")
    assert macs == [f"{one['totals']['macs']:,}" for one in models]
    assert browser.texts("#scatter .label") == ["MobileNetV1", "MobileNetV2", "MobileNetV3-Large"]
    browser.find("#which").send_keys("MobileNetV2")
    assert browser.texts("#network-name") == ["MobileNetV2"]
    assert browser.texts(".exact")[0] == f"{models[1]['totals']['macs']:,}"


def test_large_integers_are_exact(browser, tmp_path, pages):
    """2⁶⁰ MACs and more: as numbers of JavaScript they would be rounded."""
    wide = tmp_path / "wide.yaml"
    wide.write_text(
        "archprof: 1\nname: wide\ninput: 3x4096x4096\nlayers:\n"
        "  - conv2d: {k: 3, c: 65536, bias: false}\n  - conv2d: {k: 5, c: 65535, bias: false}\n"
    )
    first, second = 9 * 3 * 65536 * 4096**2, 25 * 65536 * 65535 * 4096**2
    assert second > 2**53
    browser.open(pages(str(wide)))
    assert browser.column("MACs") == [f"{first:,}", f"{second:,}"]
    assert browser.texts(".exact")[0] == f"{first + second:,}"


@pytest.mark.night
def test_of_very_many_rows_those_in_sight_are_there(browser, pages, big):
    layers = document(pages(big))["networks"][0]["summary"]["layers"]
    browser.open(pages(big))
    browser.click("#unfold")
    every = int(browser.find("#table").get_attribute("aria-rowcount")) - 1
    assert every > len(layers)
    assert len(browser.texts("#rows tr")) < 400
    browser.run("document.querySelector('.tall').scrollTop = 1e9")
    WebDriverWait(browser.driver, 5).until(lambda _: browser.texts("#rows th a")[-1] == layers[-1]["path"])
    assert browser.run("return document.querySelector('#rows tr:nth-last-child(3)').ariaRowIndex") == str(every + 1)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert len(browser.texts("#rows th a")) == every
    browser.open(pages(big), f"#{layers[2500]['path']}")
    assert browser.texts("tr.selected th") == [layers[2500]["path"]]
    assert browser.find("tr.selected").is_displayed()


@pytest.mark.few(2)
@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=["wide", "narrow"])
@pytest.mark.parametrize("arguments", [V3, SEVERAL], ids=lambda one: one[0])
def test_axe_finds_nothing(browser, pages, axe_core, arguments, size, scheme):
    browser.open(pages(*arguments), size=size, scheme=scheme)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.violations(axe_core) == []
