"""archprof compare --plot: pictures with every name on them, none over another."""

import importlib
import xml.etree.ElementTree as ET

import pytest

from tests.cli.console import archprof

MODELS = [
    "v1",
    "v1@width=0.75",
    "v1@width=0.5",
    "v2",
    "v2@width=1.4",
    "v3",
    "v3_small",
    "mixnet_s",
    "mixnet_m",
    "mixnet_l",
]


@pytest.fixture
def text_in_svg():
    matplotlib = importlib.import_module("matplotlib")
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        yield


@pytest.mark.usefixtures("text_in_svg")
def test_every_network_is_named(capsys, tmp_path):
    path = tmp_path / "out.svg"
    assert archprof(capsys, "compare", *MODELS, "--plot", str(path)).code == 0
    words = {"".join(node.itertext()).strip() for node in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")}
    assert {
        "mobilenet_v1",
        "mobilenet_v1@width=0.75",
        "mixnet_l",
        "published top-1 accuracy, %",
        "multiply-accumulates (archprof 1)",
    } <= words


@pytest.mark.usefixtures("text_in_svg")
def test_params_where_no_accuracy_was_published(capsys, tmp_path):
    path = tmp_path / "out.svg"
    assert archprof(capsys, "compare", "R-50-C4", "R-50-C5", "--plot", str(path)).code == 0
    assert ">parameters<" in path.read_text()


def test_a_png(capsys, tmp_path):
    path = tmp_path / "out.png"
    assert archprof(capsys, "compare", "v1", "v2", "--plot", str(path)).code == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_another_suffix(capsys):
    result = archprof(capsys, "compare", "v1", "v2", "--plot", "out.gif")
    assert (result.code, result.err) == (2, "cannot draw `out.gif`\n  help: a name that ends with .svg, .png, .pdf\n")
