"""A built network beside an independent implementation: the same weights, taken in order, must give the same
outputs."""

import torch
from torch import Tensor, nn

import archprof
from archprof.runtime.build import build_network


def outputs(reference: nn.Module, name: str, side: int) -> tuple[Tensor, Tensor]:
    """Return what *reference* and the network *name*, with the parameters and buffers of *reference*, give for two
    random inputs of that side."""
    network, x = twin(reference, name, side)
    with torch.no_grad():
        return reference.eval()(x), network.eval()(x)


def twin(reference: nn.Module, name: str, side: int) -> tuple[nn.Module, Tensor]:
    """Return the network *name* with the parameters and buffers of *reference*, whose norms are drawn anew, and two
    random inputs of that side."""
    torch.manual_seed(7)
    _randomise(reference)
    graph = archprof.expand(f"{name},resolution={side}" if "@" in name else f"{name}@resolution={side}")
    network = build_network(graph, initialise=False)
    names, tensors = network.state_dict().keys(), reference.state_dict().values()
    network.load_state_dict(dict(zip(names, tensors, strict=True)))
    return network, torch.randn(2, *graph.inputs["input"].shape)


def _randomise(network: nn.Module) -> None:
    """Give every norm an affine and statistics of its own, so that a mistake in any of them shows."""
    for name, tensor in network.state_dict().items():
        if tensor.dim() == 1:
            kind = name.rpartition(".")[2]
            tensor.uniform_(0.5, 1.5) if kind in ("weight", "running_var") else tensor.normal_(std=0.2)
