"""Two forms of one network: the branches that it trains with, fused by arithmetic into one convolution each, give the
outputs of the form for inference."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

import archprof
from archprof.runtime.build import build_network
from tests.zoo.twins import randomise

NAMES = (
    "ghostnetv3_050",
    "mobileone_s0",
    "repghostnet_050",
    *(pytest.param(name, marks=pytest.mark.night) for name in ("mobileone_s1", "mobileone_s4")),
)


def branches(network: nn.Module, place: str) -> Iterator[tuple[nn.Conv2d | None, nn.BatchNorm2d]]:
    """Return what stands side by side at a place: a convolution and its norm, or a norm alone."""
    modules = dict(network.named_modules())
    for path, module in modules.items():
        if path.startswith(f"{place}.") and isinstance(module, nn.BatchNorm2d):
            convolution = modules.get(f"{path.removesuffix('norm')}conv") if path.endswith("norm") else None
            assert convolution is None or isinstance(convolution, nn.Conv2d)
            yield convolution, module


def fused(convolution: nn.Conv2d | None, norm: nn.BatchNorm2d, like: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Return kernel and bias of a branch, as wide as those of *like*: a norm alone is an identity that is scaled."""
    if convolution is None:
        kernel = torch.zeros_like(like.weight)
        middle = [side // 2 for side in like.kernel_size]
        for channel in range(len(kernel)):
            kernel[channel, channel % kernel.shape[1], middle[0], middle[1]] = 1
    else:
        sides = [(a - b) // 2 for a, b in zip(like.kernel_size, convolution.kernel_size, strict=True)]
        kernel = nn.functional.pad(convolution.weight, (sides[1], sides[1], sides[0], sides[0]))
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return kernel * scale.reshape(-1, 1, 1, 1), norm.bias - norm.running_mean * scale


@pytest.mark.parametrize("name", NAMES)
def test_fused_branches_give_the_outputs_of_the_form_for_inference(name):
    torch.manual_seed(7)
    training, inference = (
        build_network(archprof.expand(name, resolution=64, deploy=deploy)).double().eval() for deploy in (False, True)
    )
    randomise(training)
    mine = dict(training.state_dict())
    with torch.no_grad():
        for path, module in inference.named_modules():
            if isinstance(module, nn.Conv2d) and f"{path}.weight" not in mine:
                parent = path.rpartition(".")[0]
                parts = [fused(*branch, module) for branch in branches(training, parent)]
                assert len(parts) > 1 or module.kernel_size == (1, 1)
                module.weight.copy_(sum(kernel for kernel, _ in parts))
                module.bias.copy_(sum(bias for _, bias in parts))
        rest = {key: tensor for key, tensor in mine.items() if key in inference.state_dict()}
        assert inference.load_state_dict(rest, strict=False).unexpected_keys == []
        x = torch.randn(2, 3, 64, 64).double()
        theirs, ours = training(x), inference(x)
    assert (ours - theirs).abs().max() <= 1e-9 * theirs.abs().max()
