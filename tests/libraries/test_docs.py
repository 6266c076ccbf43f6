"""What the documentation shows of models of timm and torchvision, run again beside those libraries."""

import pytest

from tests.docs.console import actual
from tests.docs.markdown import blocks, pages

SHOWN = [path for path in pages() if any(block.mark == "needs timm" for block in blocks(path.read_text("utf-8")))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
def test_commands_print_what_the_page_shows(path, tmp_path):
    found = [(block, text) for block, text in actual(path.read_text("utf-8"), tmp_path) if block.mark == "needs timm"]
    assert found
    for block, text in found:
        where = f"{path.name}:{block.start}"
        assert block.text == text, f"{where}: `python -m tests.libraries.rewrite` writes it anew"
