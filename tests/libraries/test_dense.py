"""Segmentation and detection of torchvision: with its parameters in order our networks give what its modules give."""

from collections.abc import Callable, Iterable
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


class Returning(nn.Module):
    """A module that returns what a function of it and its input says."""

    def __init__(self, module: nn.Module, apply: Callable[[Any, Tensor], Iterable[Tensor]]) -> None:
        super().__init__()
        self.module, self.apply_to = module, apply

    def forward(self, x: Tensor) -> list[Tensor]:
        return list(self.apply_to(self.module, x))


def torchvision_module(name: str, **options: Any) -> nn.Module:
    from torchvision.models import get_model

    torch.manual_seed(3)
    module = get_model(name, weights=None, weights_backbone=None, **options)
    randomise(module)
    return module


@pytest.mark.parametrize("name", SEGMENTATION)
def test_segmentation_gives_the_same_maps(name):
    plain = name.removesuffix("_aux")
    reference = torchvision_module(plain, **({"aux_loss": True} if plain != name else {}))
    network = built_with_weights_of(reference, name, resolution=97)
    assert_same_outputs(Returning(reference, lambda module, x: module(x).values()), network, torch.randn(2, 3, 97, 97))


@pytest.mark.parametrize("name", SEGMENTATION)
def test_segmentation_costs_what_torchvision_prints(name):
    from torchvision.models import get_model_weights

    meta = next(iter(get_model_weights(name.removesuffix("_aux")))).meta
    totals = archprof.analyze(name).totals
    assert (totals.params, round(totals.macs / 1e9, 3)) == (meta["num_params"], meta["_ops"])
