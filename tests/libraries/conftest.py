"""Models of torchvision and timm: where those are installed, as the gate does it; it asks for them by an environment
variable, so that nothing is skipped there."""

import os
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch

LIBRARIES = ("torchvision", "timm", "transformers")

if not all(map(find_spec, LIBRARIES)) and "ARCHPROF_LIBRARIES" not in os.environ:
    collect_ignore_glob = ["test_*.py"]
elif not hasattr(torch.ops.torchvision, "nms"):
    # The compiled half of torchvision's wheel wants the CUDA build of torch. Without it torchvision still describes the
    # shapes of two of its operators as it is imported, for which their signatures have to be there. On a CPU no box is
    # left out, and the features in boxes are empty: that is all that a count needs.
    SIGNATURES = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        SIGNATURES.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    SIGNATURES.define(
        "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width,"
        " int sampling_ratio, bool aligned) -> Tensor"
    )

    def _pooled(maps, boxes, scale, height, width, samples, aligned):
        return maps.new_empty(len(boxes), maps.shape[1], height, width)

    for device in ("Meta", "CPU"):
        SIGNATURES.impl("roi_align", _pooled, device)
    SIGNATURES.impl("nms", lambda boxes, scores, _: scores.argsort(descending=True), "CPU")


def let_detect(monkeypatch):
    """Tell torchvision that the operators that detection needs are there: they have shapes."""
    boxes, pooling = (import_module(f"torchvision.ops.{name}") for name in ("boxes", "roi_align"))
    for module in (boxes, pooling):
        monkeypatch.setattr(module, "_assert_has_ops", lambda: None)
    monkeypatch.setattr(pooling, "_has_ops", lambda: True)


@pytest.fixture
def detection(monkeypatch):
    """Let torchvision's detection run."""
    let_detect(monkeypatch)
