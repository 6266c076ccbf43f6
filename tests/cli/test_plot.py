"""`--plot`: pictures with every name on them, none over another, and with what they leave out said."""

import importlib
import json
import sys
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


def words(path):
    """Return the texts of a picture."""
    return ["".join(node.itertext()).strip() for node in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_every_network_is_named(capsys, tmp_path):
    path = tmp_path / "out.svg"
    assert archprof(capsys, "compare", *MODELS, "--plot", str(path)).code == 0
    assert {
        "mobilenet_v1",
        "width=0.75",
        "mixnet_l",
        "published top-1 accuracy, %",
        "MACs (convention archprof 1)",
    } <= set(words(path))


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
    assert (result.code, result.err) == (
        2,
        "cannot draw `out.gif`\n  help: a name that ends with .svg, .png, .pdf, or `-`\n",
    )


def test_networks_that_are_not_drawn_are_named(capsys, tmp_path):
    path = tmp_path / "out.svg"
    result = archprof(capsys, "compare", "v1", "v2", "R-50-C4", "--plot", str(path))
    assert (result.code, result.err) == (0, f"not in `{path}`, no top-1 accuracy was published: R-50-C4\n")


@pytest.mark.parametrize(
    ("arguments", "labels", "absent"),
    [
        # one network has no legend
        (
            ("v2", "--width", "0.5,0.75,1"),
            {"mobilenet_v2 · labels: width at the points", "0.5", "0.75", "1"},
            {"mobilenet_v2"},
        ),
        (
            ("v2", "--resolution", "160,192"),
            {"mobilenet_v2 · labels: resolution at the points", "160", "192", "activations"},
            {"parameters"},
        ),
        (
            ("v1", "v2", "--width", "0.35,0.7", "--resolution", "128,256"),
            {
                "labels: width at the points, resolution at the ends of lines",
                "mobilenet_v1",
                "mobilenet_v2",
                "0.35",
                "256",
            },
            set(),
        ),
        (
            ("v2", "--width", "0.5:1:0.02", "--resolution", "32:512:32"),
            {"parameters", "mobilenet_v2"},
            {"0.52", "labels"},
        ),
    ],
)
def test_a_sweep_is_labelled_by_what_varies(capsys, tmp_path, arguments, labels, absent):
    path = tmp_path / "out.svg"
    assert archprof(capsys, "sweep", *arguments, "--plot", str(path)).code == 0
    found = set(words(path))
    assert {*labels, "MACs (convention archprof 1)"} <= found
    assert not absent & found


def test_convolutions_over_their_outputs(capsys, tmp_path):
    path = tmp_path / "out.svg"
    result = archprof(capsys, "cost", "--conv", "std,pw,mix", "--k", "3,5", "--plot", str(path))
    assert (result.code, result.err) == (0, f"not in `{path}`, nothing to hold it against over N: mix\n")
    assert {"std, K 3", "pw, of std K 3", "pw, of std K 5", "output channels N", "1024"} <= set(words(path))


def test_every_convolution_has_its_own_line(capsys, tmp_path):
    path = tmp_path / "out.svg"
    archprof(capsys, "cost", "--conv", "std,dw,inverted,bottleneck", "--k", "3,5", "--plot", str(path))
    (legend,) = ET.parse(path).iterfind(".//*[@id='legend_1']")
    lines = [node.get("style") for node in legend.iter("{http://www.w3.org/2000/svg}path") if node.get("style")]
    assert len(set(lines)) == len(lines) == 8


@pytest.mark.parametrize(
    ("models", "ticks"), [("v1 v2 v3", {"300M", "600M"}), ("v3_small v1 vgg16", {"100M", "1G", "10G"})]
)
def test_networks_far_apart_stand_on_a_logarithmic_axis(capsys, tmp_path, models, ticks):
    path = tmp_path / "out.svg"
    archprof(capsys, "compare", *models.split(), "--plot", str(path))
    assert ticks <= set(words(path))


def test_each_row_has_its_own_kernel(capsys):
    out = archprof(capsys, "cost", "--conv", "std,pw,linear", "--format", "csv").out
    assert [line.split(",")[:2] for line in out.splitlines()] == [
        ["conv", "kernels"],
        ["std", "3x3"],
        ["pw", "1x1"],
        ["linear", ""],
    ]


@pytest.mark.parametrize(
    ("line", "labels", "absent"),
    [
        # 32 images, two maps of 64×112×112 and weights: 196 + 18.4 MiB and some
        (
            "v1 --batch 32",
            {"MobileNetV1 · batch 32, fp32, inference, cuda", "MiB", "forward"},
            "step",
        ),
        ("v1 --train adamw", {"forward", "backward", "step", "comes and goes", "steps of the pass"}, "GiB"),
    ],
)
def test_memory_over_time(capsys, tmp_path, line, labels, absent):
    path = tmp_path / "out.svg"
    result = archprof(capsys, "memory", *line.split(), "--plot", str(path))
    assert (result.code, result.err) == (0, "")
    said = set(words(path))
    assert labels <= said
    assert absent not in said
    peak = next(word for word in said if " MiB at " in word)
    assert peak.rpartition(" ")[2] in result.out


def test_memory_has_whole_steps(capsys, tmp_path):
    """A single convolution: 2.5 KiB, of which the axis has halves; steps have none."""
    file, path = tmp_path / "net.yaml", tmp_path / "out.svg"
    file.write_text("archprof: 1\ninput: 3x8x8\nlayers: [conv2d: {k: 3, c: 5}]\n")
    assert archprof(capsys, "memory", str(file), "--plot", str(path)).code == 0
    said = set(words(path))
    assert {"1", "0.5"} <= said
    assert not said & {"0.6", "0.8", "1.2", "1.4"}


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("--max-macs 150M --resolution 160,224", {"parameters"}),
        ("--max-peak 1MiB --resolution 96,160", {"peak, MiB"}),
        ("--max-latency 0.58ms --device h100", {"latency, ms"}),
    ],
)
def test_what_a_network_was_chosen_from(capsys, tmp_path, line, labels):
    path = tmp_path / "out.svg"
    result = archprof(capsys, "solve", "v2", *line.split(), "--plot", str(path), "--format", "json")
    found = json.loads(result.out)
    said = set(words(path))
    assert labels <= said
    for one in ("best", "above"):
        assert ",".join(f"{name}={value}" for name, value in found[one]["settings"].items()) in said
    (title,) = [word for word in said if word.startswith("mobilenet_v2 · ")]
    assert title.endswith(f" of {found['distinct']:,} networks, up to 3 × the best")


def boxes_of(figure):
    """Return the rectangles that the labels of a figure's points cover, without the thin lines to their points."""
    extent = importlib.import_module("matplotlib.text").Text.get_window_extent
    agg = importlib.import_module("matplotlib.backends.backend_agg")
    canvas = agg.FigureCanvasAgg(figure)
    canvas.draw()
    (axes,) = figure.axes
    return [extent(text, canvas.get_renderer()) for text in axes.texts]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", *MODELS, "efficientnet_b0", "mnasnet_a1", "ghostnet"),
        ("compare", "mobilenet_v*", "efficientnet_*", "mnasnet*"),
        ("sweep", "v1", "v2", "--width", "0.35:1.4:0.05", "--resolution", "128,160,192,224"),
    ],
)
def test_labels_do_not_collide(capsys, monkeypatch, tmp_path, arguments):
    plot = importlib.import_module("archprof.render.plot")
    kept = []
    monkeypatch.setattr(plot, "write_figure", lambda figure, axes, to: kept.append(figure))
    assert archprof(capsys, *arguments, "--plot", str(tmp_path / "out.svg")).code == 0
    places = boxes_of(kept[0])
    assert len(places) > 5
    for index, place in enumerate(places):
        assert not any(place.overlaps(other) for other in places[index + 1 :])


SCREEN = [
    ("compare v1 v2 v3", ["up: published top-1 accuracy, %", "mobilenet_v3_large", "MACs (convention archprof 1)"]),
    ("sweep v1 v2 --width 0.5,0.75,1", ["up: parameters", "o mobilenet_v1   x mobilenet_v2", "0.75"]),
    ("memory v3 --batch 32", ["batch 32, fp32", "MobileNetV3-Large", "steps of the pass"]),
    ("cost --conv std,dw --k 3", ["o std, K 3   x dw, K 3", "output channels N", "1024"]),
    ("solve v2 --max-macs 150M --resolution 160,224", ["up: parameters", "o beyond   x within", "mobilenet_v2 · "]),
    (
        "space space_spos_shufflenet --histogram macs",
        ["share of the networks, %", "space_spos_shufflenet", "MACs (convention archprof 1)"],
    ),
    (
        "space space_spos_shufflenet --pareto macs,-params",
        ["up: parameters", "space_spos_shufflenet", "MACs (convention archprof 1)"],
    ),
    ("latency v3 --device h100", ["MACs per second", "MACs per byte", "10T"]),
]


@pytest.mark.few(10)
@pytest.mark.parametrize(("line", "said"), SCREEN)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_plot_in_the_terminal(capsys, monkeypatch, line, said, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    result = archprof(capsys, *line.split(), "--plot", "-", "--format", "json")
    assert result.code == 0
    assert result.out.startswith("{")  # which carries data: the plot is elsewhere
    assert [word for word in said if word not in result.err] == []
    assert "\x1b" not in result.err
    assert max(map(len, result.err.splitlines())) <= columns


def test_a_plot_stands_above_a_table(capsys):
    result = archprof(capsys, "compare", "v1", "v2", "--plot", "-")
    assert (result.code, result.err) == (0, "")
    assert result.out.index("published top-1 accuracy") < result.out.index("568,740,352")


def test_without_plotext(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotext", None)
    result = archprof(capsys, "compare", "v1", "v2", "--plot", "-")
    told = "`--plot` needs plotext, which is not installed\n  help: pip install 'archprof[plot]'\n"
    assert (result.code, result.err) == (2, told)
