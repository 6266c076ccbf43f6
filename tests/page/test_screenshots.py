"""Pages look as they did when somebody last looked at them: `pytest tests/page/test_screenshots.py --update-golden`
keeps what there is now, to be looked at."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.page.browser import NARROW, WIDE

GOLDEN = Path(__file__).parent / "golden"
SEVERAL = ("v1", "v2", "v3", "--device", "h100")
SHOWN = {
    "network": (("mobilenet_v3_large", "--device", "h100"), "", "light"),
    "network_dark": (("mobilenet_v3_large", "--device", "h100"), "", "dark"),
    "layers": (("mobilenet_v3_large", "--device", "h100"), "#1.10", "light"),
    "several": (SEVERAL, "", "light"),
}
# A pixel differs where a channel does by more than that; as large a part of them may, as where text is drawn by another
# version of a font or of the browser.
_OFF, _PART = 48, 0.02


def differing(first: Image.Image, second: Image.Image) -> float:
    """Return how large a part of the pixels of two pictures of one size differ."""
    channels = ImageChops.difference(first, second).split()
    largest = channels[0]
    for channel in channels[1:]:
        largest = ImageChops.lighter(largest, channel)
    return sum(largest.histogram()[_OFF + 1 :]) / (first.width * first.height)


@pytest.mark.few(4)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", SHOWN)
def test_a_page_looks_as_it_did(browser, pages, request, name, size):
    arguments, where, scheme = SHOWN[name]
    browser.open(pages(*arguments), where, size=size, scheme=scheme)
    taken = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    assert taken.size == size
    path = GOLDEN / f"{name}_{size[0]}.png"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        taken.quantize(64).save(path, optimize=True)
    assert differing(taken, Image.open(path).convert("RGB")) <= _PART


def test_what_looks_otherwise_is_seen():
    """A box of a twentieth of the picture is."""
    white = Image.new("RGB", (100, 100), "white")
    boxed = white.copy()
    boxed.paste("black", (0, 0, 100, 5))
    assert differing(white, white) == 0
    assert differing(white, boxed) == 0.05
