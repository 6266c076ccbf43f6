"""An independent implementation beside the built module: the same weights, taken in order, must give the same
outputs."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

import archprof
from archprof.runtime.build import build_network


def randomise(network: nn.Module) -> None:
    """Give every norm, frozen ones too, an affine and statistics of its own, every bias its own value, and what starts
    as one number everywhere, as factors do, others, so that a mistake in any shows."""
    for name, tensor in network.state_dict().items():
        if tensor.dim() == 1 or (tensor.dim() > 1 and bool((tensor == tensor.flatten()[0]).all())):
            positive = name.endswith(("weight", "running_var"))
            tensor.uniform_(0.5, 1.5) if positive else tensor.normal_(std=0.2)


def built_with_weights_of(reference: nn.Module, model: str, **knobs: object) -> nn.Module:
    """Return the module of a spec with the parameters and buffers of *reference*, taken in order; every one must fit,
    but for axes of one place: a linear layer of a position is a convolution of a map."""
    network = build_network(archprof.expand(model, **knobs), initialise=False)
    own = network.state_dict()
    # Places in a table of biases are computed from its size.
    theirs = [tensor for tensor in reference.state_dict().values() if tensor.is_floating_point() or tensor.dim() == 0]
    rows = _in_rows(list(own.values()), theirs)
    network.load_state_dict({name: _as(own[name], tensor) for name, tensor in zip(own, rows, strict=True)})
    return network


def _in_rows(own: list[Tensor], theirs: list[Tensor]) -> list[Tensor]:
    """Return tensors, a table of biases for all heads as a row for each where ours has heads by themselves."""
    found: list[Tensor] = []
    for tensor in theirs:
        place = own[len(found)].shape
        by_heads = tensor.dim() == 2 and len(place) == 2 and place[0] == 1 and place[1] == tensor.shape[1]
        found += tensor.split(1) if by_heads else [tensor]
    return found


def _as(own: Tensor, tensor: Tensor) -> Tensor:
    """Return a tensor in the shape of another, which may have other axes of one place, the experts of a kernel as
    columns instead of rows, or a table of biases for rows and columns, that of a query behind its key first, as rows
    for each way that two positions lie to each other, that of a query in front first."""
    if tensor.dim() == 3 and own.shape == (tensor[0].numel(), len(tensor)):
        return tensor.flip(1, 2).flatten(1).mT
    if tensor.dim() == 2 and tensor.shape != own.shape and tensor.mT.shape == own.shape:
        return tensor.mT
    assert [side for side in tensor.shape if side != 1] == [side for side in own.shape if side != 1]
    return tensor.reshape(own.shape)


def assert_same_outputs(reference: nn.Module, network: nn.Module, x: Tensor) -> None:
    """Compare what both give for one input in evaluation mode, bit by bit."""
    with torch.no_grad():
        expected, found = maps(reference.eval()(x)), maps(network.eval()(x))
    assert [tensor.shape for tensor in found] == [tensor.shape for tensor in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert theirs.isfinite().all()
        assert torch.equal(mine, theirs)


def maps(output: Tensor | Iterable[Tensor] | dict[str, Tensor]) -> list[Tensor]:
    """Return the tensors that a network returns: one, several, or several by name."""
    if isinstance(output, Tensor):
        return [output]
    return list(output.values() if isinstance(output, dict) else output)
