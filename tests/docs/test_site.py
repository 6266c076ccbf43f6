"""What is wrong with a site is found: each fault alone, on a page that has no other."""

import pytest

from tests.docs.site import faults


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<p id="a"><a href="#a">here</a> <a href="https://example.org/">there</a></p>', []),
        ('<script src="https://unpkg.com/x.js"></script>', ["index.html: loads https://unpkg.com/x.js"]),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', ["index.html: loads //fonts.example/x.css"]),
        ('<a href="gone.html">x</a>', ["index.html: no gone.html"]),
        ('<a href="index.html#gone">x</a>', ["index.html: no index.html#gone"]),
        ("<p>so\n- it is</p>", ["index.html: Markdown left: so\n- it is"]),
        ("<p>so\n<code>-</code> is none</p>", []),
    ],
)
def test_faults_of_a_page(body, fault, tmp_path):
    (tmp_path / "index.html").write_text(body, encoding="utf-8")
    assert [*faults(tmp_path)] == fault


def test_blocks_that_are_lost(tmp_path):
    (tmp_path / "tour.html").write_text('<div class="highlight"></div>', encoding="utf-8")
    (fault,) = faults(tmp_path)
    assert fault.startswith("tour.html: 1 blocks, ")


@pytest.mark.parametrize("rule", ["@import 'https://x.org/y.css';", "a { background: url(https://x.org/y.css) }"])
def test_sheets_that_load_from_elsewhere(rule, tmp_path):
    (tmp_path / "site.css").write_text(rule, encoding="utf-8")
    assert [*faults(tmp_path)] == ["site.css: loads https://x.org/y.css"]
