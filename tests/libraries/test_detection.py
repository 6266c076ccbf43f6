"""Detection and optical flow of torchvision: what data decides is bounded, as torchvision prints it, or refused."""

from importlib import import_module

import pytest

from archprof.captures.source import capture, make, parse
from archprof.costs.at_most import at_most
from archprof.costs.report import analyze_graph
from archprof.errors import UsageError
from tests.cli.console import archprof

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("detection")]

# Where boxes are chosen after all that multiplies.
EXACT = (
    "fcos_resnet50_fpn", "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large", "raft_small", "raft_large",
)  # fmt: skip
# Where a head runs on the boxes that are chosen: torchvision printed a run in which all 1000 were.
BOUNDED = ("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2")


@pytest.mark.parametrize("name", [*EXACT, *BOUNDED])
def test_macs_are_those_that_torchvision_prints(name):
    report = analyze_graph(capture(f"torchvision:{name}"))
    meta = next(iter(import_module("torchvision").models.get_model_weights(name))).meta
    # Without weights norms learn that are frozen with them.
    module = make(parse(f"torchvision:{name}")).module
    assert report.totals.params == sum(parameter.numel() for parameter in module.parameters())
    assert round(report.totals.macs / 1e9, 3) == meta["_ops"]
    assert (at_most(report) is not None) == (name in BOUNDED)


# Levels of the pyramid at 800×800: anchors, three a position, of which the 1000 best of a level are looked at.
PROPOSED = sum(min(1000, 3 * side * side) for side in (200, 100, 50, 25, 13))
# At most 1000 of them are handed on to a head of two layers, for 91 classes and 4 coordinates of each.
HEAD = 1000 * (256 * 7 * 7 * 1024 + 1024 * 1024 + 1024 * 91 + 1024 * 4 * 91)


def test_a_head_runs_on_as_many_boxes_as_are_handed_on():
    report = analyze_graph(capture("torchvision:fasterrcnn_resnet50_fpn"))
    bound = at_most(report)
    assert bound is not None
    assert bound.within == ("rpn", "roi_heads.box_roi_pool")
    rows = {row.path: row for row in report.rows}
    assert sum(row.cost.macs for path, row in rows.items() if path.startswith("roi_heads")) == HEAD
    [kept] = [row for row in report.rows if row.op == "torchvision.nms" and row.block == "rpn"]
    assert kept.output == (PROPOSED,)


def test_a_network_of_320_pixels_hands_on_fewer():
    report = analyze_graph(capture("torchvision:fasterrcnn_mobilenet_v3_large_320_fpn"))
    [kept] = [row for row in report.rows if row.op == "torchvision.nms" and row.block == "rpn"]
    # Two maps of 10×10 and one of 5×5, 15 anchors a position, the 150 best of each.
    assert kept.output == (3 * 150,)
    heads = sum(row.cost.macs for row in report.rows if row.path.startswith("roi_heads"))
    assert heads == 150 * (256 * 7 * 7 * 1024 + 1024 * 1024 + 1024 * 91 + 1024 * 4 * 91)


@pytest.mark.parametrize(
    ("name", "where", "line"),
    [
        ("maskrcnn_resnet50_fpn", "this MaskRCNN", "w = int(box[2] - box[0] + TO_REMOVE)"),
        ("keypointrcnn_resnet50_fpn", "`roi_heads` (RoIHeads)", "roi_map_width = int(widths_ceil[i].item())"),
    ],
)
def test_what_is_as_large_as_a_box_is_refused(name, where, line):
    with pytest.raises(UsageError) as raised:
        capture(f"torchvision:{name}")
    first, _, last = str(raised.value).splitlines()
    asks = "it asks for elements, by `aten._local_scalar_dense`, and there are none"
    assert first == f"what {where} does depends on data: {asks}"
    assert last.endswith(line)


def test_a_lock_has_the_bound(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = "torchvision:fasterrcnn_mobilenet_v3_large_320_fpn"
    assert archprof(capsys, "lock", model, "-o", "boxes.lock.json").code == 0
    assert '"inputs": ["3x320x320:list"]' in (tmp_path / "boxes.lock.json").read_text()
    assert archprof(capsys, "lock", model, "--check", "boxes.lock.json").code == 0
    result = archprof(capsys, "summary", "boxes.lock.json")
    [total] = [line for line in result.out.splitlines() if line.startswith("params")]
    assert "MACs at most " in total
