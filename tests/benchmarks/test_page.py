"""How long a browser takes over the page of a network of 5,000 operators, as ratios to a plain table of its rows."""

import pytest

from tests.page.conftest import big, browser, pages  # noqa: F401 (fixtures)

ROUNDS = 5
ROW = "<tr><th>layers.4.rows.1.repeat.31.conv</th>" + "<td>1,234,567</td>" * 8 + "</tr>"

# What a page does, as a script that says how many milliseconds it took with the layout that follows.
TIMED = "const start = performance.now(); {} document.body.offsetHeight; return performance.now() - start"
UNFOLD = TIMED.format("document.getElementById('unfold').click();")
SEARCH = TIMED.format(
    "const field = document.getElementById('search'); field.value = 'depthwise';"
    "field.dispatchEvent(new Event('input'));"
)
READY = "return performance.timing.loadEventEnd - performance.timing.navigationStart"


@pytest.fixture
def plain(tmp_path):
    """A page with a table of 5,009 rows and nothing else."""
    path = tmp_path / "plain.html"
    path.write_text(f"<!doctype html><table>{ROW * 5009}</table>")
    return path


def test_5000_rows_are_there_as_soon_as_a_plain_table_of_them(note, browser, pages, big, plain):  # noqa: F811
    def seconds(page, *scripts):
        browser.open(page)
        return [browser.run(script) for script in (READY, *scripts)]

    rounds = [(*seconds(plain), *seconds(pages(big), UNFOLD, SEARCH)) for _ in range(ROUNDS)]
    table, ready, every, found = (min(column) for column in zip(*rounds, strict=True))
    note("page of 5,009 operators, until loaded", f"{ready / table:.2f} × a plain table", "2")
    note("page of 5,009 operators, all unfolded", f"{every / table:.2f} × a plain table", "1")
    note("page of 5,009 operators, a word found", f"{found / table:.2f} × a plain table", "1")
    assert (ready < 2 * table, every < table, found < table) == (True, True, True), (table, ready, every, found)
