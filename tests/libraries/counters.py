"""What torch's own counter finds in a run of its own, in evaluation, without gradients and without fused attention."""

from contextlib import contextmanager
from importlib import import_module

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import FlopCounterMode

from tests.libraries.architectures import ARCHITECTURES, write_config


def counted_on_meta(module, arguments, train=False):
    """Return the multiply-accumulates that FlopCounterMode finds of a module on meta, in evaluation or as it trains."""
    on_meta = tree_map_only(torch.Tensor, lambda tensor: torch.empty_like(tensor, device="meta"), tuple(arguments))
    positional, named = on_meta
    return _counted(module.to("meta"), positional, named, train=train)


def counted_of_detection(name, arguments):
    """Return what it finds of a detector of torchvision that is made without us, in a real run on zeros."""
    module = import_module("torchvision").models.get_model(name, weights=None, weights_backbone=None)
    return _counted(module, *tree_map_only(torch.Tensor, torch.zeros_like, tuple(arguments)))


def counted_of_transformers(kind, folder, arguments):
    """Return what it finds of an architecture that is made without us, and how: on meta or, where that asks for
    elements, in a real run on zeros.

    It sees nothing of the grouped products of experts, which therefore have a product for every token.
    """
    try:
        return counted_on_meta(_made(kind, folder), arguments), "on meta"
    except RuntimeError:
        zeros = tree_map_only(torch.Tensor, torch.zeros_like, tuple(arguments))
        return _counted(_made(kind, folder), *zeros), "for real"


def _made(kind, folder):
    transformers = import_module("transformers")
    config = transformers.AutoConfig.from_pretrained(write_config(kind, folder))
    config._experts_implementation = "batched_mm"
    return getattr(transformers, ARCHITECTURES[kind].name)(config)


def _counted(module, positional, named, *, train=False):
    module = module.train(train).requires_grad_(False)
    with _unfused(), torch.no_grad(), FlopCounterMode(display=False) as counted:
        module(*positional, **named)
    return counted.get_total_flops() // 2


@contextmanager
def _unfused():
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
