"""`archprof draw`: what stands in a diagram, that no label covers another, what is said where none can be drawn."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from textwrap import dedent

import pytest

from archprof.language.registry import block_names
from archprof.render.drawing.font import shortened, text_width
from archprof.render.drawing.picture import Item, Picture, Text
from archprof.render.drawing.svg import to_svg
from tests.cli.console import archprof

SVG = "{http://www.w3.org/2000/svg}"
COLUMN = 85 / 25.4 * 72  # millimetres of a paper's column, in points


def drawn(capsys, *arguments):
    """Return the SVG that a command draws."""
    return ET.fromstring(printed(capsys, *arguments))


def printed(capsys, *arguments):
    """Return what a command prints. Skips a test that needs `dot` where that is not installed."""
    result = archprof(capsys, "draw", *arguments)
    if "needs Graphviz" in result.err:
        pytest.skip("dot is not installed: `apt-get install graphviz`")
    assert (result.code, result.err) == (0, "")
    return result.out


def words(svg):
    return [node.text for node in svg.iter(f"{SVG}text")]


def boxes(svg):
    """Return the rectangles of a drawing's boxes, with their texts' nodes."""
    for group in svg.iter(f"{SVG}g"):
        if (rect := group.find(f"{SVG}rect")) is not None:
            x, y, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
            yield (x, y, x + width, y + height), list(group.iter(f"{SVG}text"))


def extent(text):
    """Return the rectangle of a text: Helvetica rises by 0.72 of its size, and falls by 0.21."""
    x, y, size = (float(text.get(name)) for name in ("x", "y", "font-size"))
    width = text_width(text.text, size, bold=text.get("font-weight") == "bold")
    return x, y - 0.72 * size, x + width, y + 0.21 * size


def meet(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


NETWORKS = [
    "v1",
    "v2",
    "v3 --depth 1",
    "v3 --direction right",
    "resnet18 --depth 4",
    "googlenet",
    "mixnet_s",
    "densenet121 --depth 2",
    "shufflenet_v2",
    "resnet50_fpn",
    "resnet50_fpn_retinanet --direction right",
    "mobilenet_v3_small_backbone",
    "inception --depth 3",
    "fpn",
    "mix_block --depth 3",
]


@pytest.mark.parametrize("line", NETWORKS)
def test_no_label_covers_another(capsys, line):
    svg = drawn(capsys, *line.split())
    _, _, width, height = map(float, svg.get("viewBox").split())
    assert svg.get("role") == "img"
    assert svg.find(f"{SVG}title").text
    texts = list(svg.iter(f"{SVG}text"))
    places = list(map(extent, texts))
    for index, place in enumerate(places):
        assert not any(meet(place, other) for other in places[index + 1 :]), texts[index].text
        assert 0 <= place[0] < place[2] <= width and 0 <= place[1] < place[3] <= height  # noqa: PT018 one rectangle
    framed = list(boxes(svg))
    for index, (box, inside) in enumerate(framed):
        assert not any(meet(box, other) for other, _ in framed[index + 1 :])
        for text, place in zip(texts, places, strict=True):
            assert (text in inside) == meet(box, place), text.text


@pytest.mark.parametrize("line", ["windows", "v3", "v3 --direction right", "fpn"])
def test_a_text_keeps_its_room_in_any_font(capsys, line):
    """A renderer without Helvetica, Arial and Liberation Sans sets another font as wide as the text was laid out."""
    for text in drawn(capsys, *line.split()).iter(f"{SVG}text"):
        start, _, end, _ = extent(text)
        assert float(text.get("textLength")) == pytest.approx(end - start, abs=0.005)
        assert text.get("lengthAdjust") == "spacingAndGlyphs"


def test_a_text_that_is_not_measured_is_not_stretched():
    """Of a character that the metrics lack it is known that it is no wider than its size."""
    texts = tuple(Text(5, 10, one, 7, "#000000") for one in ("größe", "size"))
    svg = ET.fromstring(to_svg(Picture(60, 20, "a title", "", (), (Item("", (), texts),))))
    unknown, known = svg.iter(f"{SVG}text")
    assert unknown.get("textLength") is None
    # Of Helvetica's metrics: 500 + 222 + 500 + 556 thousandths.
    assert float(known.get("textLength") or 0) == pytest.approx(1.778 * 7, abs=0.005)


@pytest.mark.parametrize("line", ["v3", "v3 --depth 1", "v2", "resnet50", "inverted_residual"])
def test_a_chain_is_read_in_a_column_of_a_paper(capsys, line):
    svg = drawn(capsys, *line.split())
    assert float(svg.get("width").removesuffix("pt")) <= COLUMN
    assert min(float(text.get("font-size")) for text in svg.iter(f"{SVG}text")) >= 6


def test_blocks_with_sizes_between_them(capsys):
    """Howard et al. 2019, Table 1: 224²×3, 112²×16 twice; a bottleneck with exp size 64, 24 output channels, stride
    2."""
    said = words(drawn(capsys, "v3"))
    assert said[:2] == ["input", "3×224×224"]
    # 3·16·9 weights, 2·16 of the norm; 432 MACs at each of 112² places
    first = ["16×112×112", "conv", "3×3, s 2", "464 params · 5.419M MACs"]
    assert all(word in said for word in first)
    assert {"3×3, s 2, exp 64", "24×56×56", "5×5, s 2, exp 672, SE", "160×7×7"} <= set(said)
    # Rows 5 and 6 of the table are equal: 40 channels, exp 120, squeeze-excite, stride 1.
    assert said[said.index("5×5, exp 120, SE") - 1] == "inverted_residual ×2"
    assert said[-1] == "output"


def test_an_operator_is_said_once(capsys):
    """U-Net ends with a bare 1×1 convolution from 64 maps to 2: 64·2 + 2 parameters."""
    said = words(drawn(capsys, "unet"))
    assert said[said.index("130 params · 19.27M MACs") - 2 :][:2] == ["conv2d", "1×1"]


def test_a_call_that_another_waits_for_is_drawn_with_it(capsys, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    code = """
        from torch import nn


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer, self.mask = nn.Linear(4, 4), nn.Buffer(torch.ones(4, dtype=torch.bool))

            def forward(self, x):
                return self.layer(x).masked_fill(~self.mask, 0)
        """
    (tmp_path / "net.py").write_text(f"import torch{dedent(code)}")
    monkeypatch.chdir(tmp_path)
    result = archprof(capsys, "draw", "net.py:Net", "--input", "4")
    assert "masked fill" in words(ET.fromstring(result.out))


def test_a_depth_folds(capsys):
    said = words(drawn(capsys, "v3", "--depth", "1"))
    assert "inverted_residual ×15" in said
    # Of Table 1: what goes into the last stage and what comes out of it.
    assert {"16×112×112", "160×7×7"} <= set(said)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("inverted_residual", ["expand", "depthwise", "project", "+", "shortcut"]),
        ("inverted_residual --set s=2", ["expand", "depthwise", "project"]),
        ("inverted_residual@s=2,se=0.25", ["expand", "depthwise", "se", "project"]),
        ("bottleneck", ["conv1", "conv2", "conv3", "+", "act", "shortcut"]),
        ("squeeze_excite", ["pool", "reduce", "act", "expand", "gate", "×"]),
        ("inception", ["1x1", "3x3", "5x5", "pool", "concat"]),
        ("fpn", ["lateral2", "lateral5", "+", "p2", "p5", "p6"]),
        ("fpn --set extra=p6p7", ["p6", "p6_act", "p7"]),
    ],
)
def test_a_block_with_its_edges(capsys, line, names):
    said = words(drawn(capsys, *line.split()))
    assert [name for name in names if name not in said] == []
    assert ("shortcut" in said) == ("shortcut" in names)


@pytest.mark.parametrize("name", block_names())
def test_every_block_can_be_drawn(capsys, name):
    ends = {"fpn": "p6", "each": "second"}  # what returns several maps calls them
    assert ends.get(name, "output") in words(drawn(capsys, name))


def test_lateral_paths_lie_beside_the_maps_they_read(capsys):
    """Each level of a pyramid is a row: Lin et al. 2017, Figure 3."""
    svg = drawn(capsys, "fpn")
    rows = {text.text: float(text.get("y")) for text in svg.iter(f"{SVG}text")}
    for level in range(2, 6):
        assert rows[f"lateral{level}"] == pytest.approx(rows[f"p{level}"], abs=6)
    assert rows["lateral2"] < rows["lateral3"] < rows["lateral4"] < rows["lateral5"]


@pytest.mark.few(3)
@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<svg"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
@pytest.mark.parametrize("line", ["v2", "inception"])
def test_the_same_drawing_in_the_same_bytes(capsys, tmp_path, line, suffix, start):
    files = [tmp_path / f"{number}.{suffix}" for number in range(2)]
    for file in files:
        printed(capsys, line, "-o", str(file))
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert first.startswith(start)


HOSTILE = "</title><script>alert(1)</script> & \"' ]]>"


def test_a_hostile_name_stays_text(capsys, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(f"archprof: 1\ntitle: {json.dumps(HOSTILE)}\ninput: 3x8x8\nlayers: [conv2d: {{k: 3, c: 5}}]\n")
    svg = drawn(capsys, str(file))
    assert not list(svg.iter(f"{SVG}script"))
    assert "<script>" in svg.find(f"{SVG}title").text


def test_without_dot(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = archprof(capsys, "draw", "inception")
    assert (result.code, result.out, result.err) == (
        2,
        "",
        "laying out what is no chain needs Graphviz's `dot`, which is not installed\n"
        "  help: apt-get install graphviz, brew install graphviz, or conda install graphviz\n",
    )
    assert archprof(capsys, "draw", "v3").code == 0


def test_a_dot_that_fails(capsys, monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'no room' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    result = archprof(capsys, "draw", "inception")
    assert (result.code, result.err) == (2, "`dot` failed: no room\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("v3 -o v3.gif", "cannot draw `v3.gif`\n  help: a name that ends with .svg, .pdf, .png\n"),
        ("v3 --direction up", "unknown direction `up`\n  help: directions: down, right\n"),
        (
            "densenet201 --depth 9",
            "709 boxes are no picture\n  help: `--depth 1`, or a little more, folds them\n",
        ),
        (
            "inverted_residual --set kernels=5",
            "`inverted_residual` has no column `kernels`\n  help: did you mean `kernel`?\n",
        ),
        ("inverted_residual --set k=x", "expected a size, not `x`\n  help: a size: `3`, or `1x7` (height × width)\n"),
        (
            "inverted_residuals",
            "there is no network and no block `inverted_residuals`\n  help: did you mean `inverted_residual`?\n",
        ),
    ],
)
def test_wrong_calls(capsys, line, message):
    result = archprof(capsys, "draw", *line.split())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)


def test_widths_are_those_of_helvetica():
    matplotlib = pytest.importorskip("matplotlib")
    for name, bold in (("Helvetica", False), ("Helvetica-Bold", True)):
        metrics = (Path(matplotlib.get_data_path()) / "fonts" / "pdfcorefonts" / f"{name}.afm").read_text()
        widths = {int(code): int(width) for code, width in re.findall(r"^C (\d+) ; WX (\d+)", metrics, re.MULTILINE)}
        ours = {code: text_width(chr(code), 1000, bold=bold) for code in range(32, 127)}
        assert ours == {code: widths[code] for code in ours}


def test_what_is_too_long_is_cut():
    assert shortened("network", 100, 8) == "network"
    cut = shortened("network" * 9, 60, 8)
    assert cut.endswith("…")
    assert 50 < text_width(cut, 8) <= 60
