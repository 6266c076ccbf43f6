"""Segmentation and detection of torchvision: with its parameters in order our networks give what its modules give."""

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archprof
from tests.zoo.twins import assert_same_outputs, built_with_weights_of, randomise

pytestmark = pytest.mark.filterwarnings("ignore")

SEGMENTATION = (
    "fcn_resnet50_aux", "deeplabv3_resnet50_aux", "deeplabv3_mobilenet_v3_large_aux", "lraspp_mobilenet_v3_large",
)  # fmt: skip
# What takes seconds waits for the night, where a smaller one of its kind is here.
LONG = (
    "fcn_resnet50_aux",
    "deeplabv3_resnet50_aux",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
)


def by_kind(names: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.night) if name in LONG else name for name in names]


class Returning(nn.Module):
    """A module that returns what a function of it and its input says."""

    def __init__(self, module: nn.Module, apply: Callable[[Any, Tensor], Iterable[Tensor]]) -> None:
        super().__init__()
        self.module, self.apply_to = module, apply

    def forward(self, x: Tensor) -> list[Tensor]:
        return list(self.apply_to(self.module, x))


def torchvision_module(name: str, **options: Any) -> nn.Module:
    torch.manual_seed(3)
    module: nn.Module = import_module("torchvision.models").get_model(
        name, weights=None, weights_backbone=None, **options
    )
    randomise(module)
    return module


@pytest.mark.parametrize("name", by_kind(SEGMENTATION))
def test_segmentation_gives_the_same_maps(name):
    plain = name.removesuffix("_aux")
    reference = torchvision_module(plain, **({"aux_loss": True} if plain != name else {}))
    network = built_with_weights_of(reference, name, resolution=97)
    assert_same_outputs(Returning(reference, lambda module, x: module(x).values()), network, torch.randn(2, 3, 97, 97))


@pytest.mark.parametrize("name", SEGMENTATION)
def test_segmentation_costs_what_torchvision_prints(name):
    get_model_weights = import_module("torchvision.models").get_model_weights

    meta = next(iter(get_model_weights(name.removesuffix("_aux")))).meta
    totals = archprof.analyze(name).totals
    assert (totals.params, round(totals.macs / 1e9, 3)) == (meta["num_params"], meta["_ops"])


# Of each network, the body and the heads as torchvision runs them on a size, and what heads give at every anchor.
DETECTION = {
    "retinanet_resnet50_fpn": (65, ("cls_logits", "bbox_regression")),
    "retinanet_resnet50_fpn_v2": (65, ("cls_logits", "bbox_regression")),
    "fcos_resnet50_fpn": (65, ("cls_logits", "bbox_regression", "bbox_ctrness")),
    "ssdlite320_mobilenet_v3_large": (320, ("cls_logits", "bbox_regression")),
    "ssd300_vgg16": (300, ("cls_logits", "bbox_regression")),
}


@pytest.mark.parametrize("name", by_kind(DETECTION))
def test_detection_gives_the_same_predictions(name):
    side, heads = DETECTION[name]
    reference = torchvision_module(name)

    def predicted(module: Any, x: Tensor) -> Iterable[Tensor]:
        found = module.head([*module.backbone(x).values()])
        return [found[head] for head in heads]

    with torch.no_grad():
        wide = [one.shape[-1] for one in predicted(reference.eval(), torch.zeros(1, 3, side, side))]
    assert_same_outputs(
        Returning(reference, predicted),
        Returning(
            built_with_weights_of(reference, name, resolution=side), lambda module, x: along_anchors(module(x), wide)
        ),
        torch.randn(1, 3, side, side),
    )


def along_anchors(found: dict[str, Tensor], wide: list[int]) -> list[Tensor]:
    """Return what each head gives, (batch, anchors, width), from its map at every level, (batch, A·width, H, W)."""
    each = len(found) // len(wide)
    levels = [*found.values()]
    return [
        torch.cat(
            [one.unflatten(1, (-1, width)).permute(0, 3, 4, 1, 2).flatten(1, 3) for one in levels[k : k + each]], 1
        )
        for k, width in zip(range(0, len(levels), each), wide, strict=True)
    ]


PROPOSING = {"fasterrcnn_resnet50_fpn": 1, "fasterrcnn_resnet50_fpn_v2": 2, "fasterrcnn_mobilenet_v3_large_fpn": 1}


@pytest.mark.parametrize(("name", "depth"), PROPOSING.items())
def test_proposals_are_the_same(name, depth):
    """Parameters of the second half follow those of the first."""
    reference = torchvision_module(name)
    del reference.roi_heads
    network = built_with_weights_of(reference, f"{name}_rpn", resolution=65)

    def predicted(module: Any, x: Tensor) -> Iterable[Tensor]:
        objects, boxes = module.rpn.head([*module.backbone(x).values()])
        return [*objects, *boxes]

    head: Any = reference.rpn
    assert len(head.head.conv) == depth
    assert_same_outputs(Returning(reference, predicted), network, torch.randn(1, 3, 65, 65))


@pytest.mark.parametrize("name", DETECTION)
def test_detection_costs_what_torchvision_prints(name):
    get_model_weights = import_module("torchvision.models").get_model_weights

    meta = next(iter(get_model_weights(name))).meta
    frozen = {"norm": "frozen_batch_norm"} if name in ("retinanet_resnet50_fpn", "fcos_resnet50_fpn") else {}
    totals = archprof.analyze(name, **frozen).totals
    assert (totals.params, round(totals.macs / 1e9, 3)) == (meta["num_params"], meta["_ops"])
