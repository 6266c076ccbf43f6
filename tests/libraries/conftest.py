"""Models of torchvision and timm: where those are installed, as the gate does it; it asks for them by an environment
variable, so that nothing is skipped there."""

import os
from importlib.util import find_spec

import torch

LIBRARIES = ("torchvision", "timm", "transformers")

if not all(map(find_spec, LIBRARIES)) and "ARCHPROF_LIBRARIES" not in os.environ:
    collect_ignore_glob = ["test_*.py"]
elif not hasattr(torch.ops.torchvision, "nms"):
    # The compiled half of torchvision's wheel wants the CUDA build of torch. Without it torchvision still describes the
    # shapes of two of its operators as it is imported, for which their signatures have to be there.
    SIGNATURES = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        SIGNATURES.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
