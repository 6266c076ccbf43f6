"""Names of strangers on a page: whatever they hold, they are text."""

from collections.abc import Mapping
from urllib.parse import quote

import pytest

from archprof.analysis.models import read_data
from archprof.analysis.report_page import describe_networks
from archprof.ir.setup import INFERENCE
from archprof.render.page import to_page
from tests.docs.markdown import ROOT
from tests.hostile.test_injection import HELD
from tests.page.browser import document

LOCK = ROOT / "tests" / "captures" / "schema_1.lock.json"
MARKUP = {
    "script's end": "</script><script>owned()</script>",
    "script in comment": "<!--<script>",
    "image": "<img src=x onerror=owned()>",
    "style's end": "</style><style>*{display:none}",
    "title's end": "</title><svg/onload=owned()>",
    "quotes": "\"'><b onclick='owned()'>`${owned()}`",
    "template": "{{7*7}}{% raw %}{{cycler}}",
    "address": "javascript:owned()",
    "entity": "&lt;&#60;&quot;",
    "key of all objects": "__proto__",
    "constructor": "constructor",
    "right to left": "\u202eimg\u2066 \u05d0\u05d1",
    "long": "w" * 20_000,
    "shell": "$(touch owned) `touch owned`; touch owned",
}
NAMES = {**HELD, **MARKUP}
UNLINKED = (HELD["no text"], HELD["no character"])  # an address is text
GIVEN = ("stem", "small.py:Net", "conv", "conv2d")


def renamed(value, text):
    """Return a result with a text for each of some names in it, as no reader of files would let it through."""
    if isinstance(value, str):
        return text if value in GIVEN else value
    if isinstance(value, Mapping):
        return {renamed(key, text): renamed(inner, text) for key, inner in value.items()}
    if hasattr(value, "_fields"):
        return value._make([renamed(inner, text) for inner in value])
    return tuple([renamed(inner, text) for inner in value]) if isinstance(value, tuple) else value


@pytest.fixture(scope="module")
def networks():
    """What a page shows of the network of a lock, beside another one."""
    graphs = [read_data(str(LOCK)), read_data("lenet5")]
    return describe_networks(graphs, INFERENCE, command="stem")


@pytest.mark.few(6)
@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
def test_a_name_is_text(browser, networks, tmp_path, text):
    """All that is on the page is what is there for a harmless name, its row is found by its link, and the console says
    nothing."""
    page = tmp_path / "page.html"
    page.write_text(to_page(renamed(networks, text)), "utf-8")
    linked = text not in UNLINKED
    browser.open(page, f"#{quote(text)}" if linked else "")
    selected = browser.run("return [...document.querySelectorAll('tr.selected')].map((row) => row.node.path)")
    assert selected == ([text] if linked else [])
    found = browser.run(
        "window.owned = () => { window.caught = true };"
        "for (const one of document.querySelectorAll('details')) one.open = true;"
        "document.getElementById('unfold').click();"
        "const kinds = new Set([...document.querySelectorAll('*')].map((one) => one.localName));"
        "return [document.scripts.length, document.images.length, document.styleSheets.length, "
        "[...kinds].filter((kind) => ['b', 'img', 'iframe'].includes(kind)), window.caught === true]"
    )
    assert found == [2, 0, 1, [], False]
    assert browser.complaints() == []
    assert "49" not in browser.driver.title
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert document(page)["networks"][0]["summary"]["model"] == text
