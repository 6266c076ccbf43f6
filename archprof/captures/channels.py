"""Which axis of each tensor holds channels or features, by who makes it and who reads it."""

from collections.abc import Mapping, Sequence

from archprof.captures.calls import Dispatched, SeenTensor
from archprof.ir.graph import Edge

# Operators on maps: the channels of what they read first, and return, are axis 1, behind the images.
_ON_MAPS = (
    *("conv", "max_pool", "avg_pool", "adaptive_", "_adaptive_", "upsample_", "_upsample_", "pixel_", "grid_sampler"),
    *("batch_norm", "native_batch_norm", "_native_batch_norm", "group_norm", "native_group_norm", "instance_norm"),
    *("_convolution", "deform_conv"),
)
# Operators on features, which are the last axis.
_ON_FEATURES = ("linear", "layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm", "lstm", "gru", "rnn_")
# What hands its channels on in another place.
_MOVES = ("permute", "transpose", "t", "view", "_unsafe_view", "reshape", "flatten", "unflatten", "select", "unbind")


def channel_axes(calls: Sequence[Dispatched]) -> Mapping[Edge, int]:
    """Return the axis of channels, in the whole shape, of the tensors of which that is known."""
    found: dict[Edge, int] = {}
    for index, call in enumerate(calls):
        axis = _axis(call)
        if axis is not None:
            for edge, seen in _ends(call, index):
                found.setdefault(edge, axis % max(1, len(seen.shape)))
    # Whoever hands a tensor on has its channels where its reader has them.
    for index in range(len(calls) - 1, -1, -1):
        known = found.get(Edge(index))
        if known is not None:
            for edge in _alike(calls[index]):
                found.setdefault(edge, known)
    return found


def _axis(call: Dispatched) -> int | None:
    if call.name.startswith(_ON_FEATURES):
        return -1
    if not call.name.startswith(_ON_MAPS):
        return None
    first = next(call.tensors()).shape
    weight = call.arguments.get("weight")
    # A map without a batch has its channels in front.
    alone = call.name.startswith("conv") and isinstance(weight, SeenTensor) and len(first) < len(weight.shape)
    return 0 if alone else 1


def _ends(call: Dispatched, index: int) -> list[tuple[Edge, SeenTensor]]:
    """Return the first tensor that a call reads, and the first that it returns."""
    first = next(call.tensors())
    read = [(first.source, first)] if isinstance(first.source, Edge) else []
    return [(Edge(index), call.outputs[0]), *read]


def _alike(call: Dispatched) -> list[Edge]:
    """Return the tensors that a call reads and whose axes are those of what it returns."""
    if call.name in _MOVES:
        return []
    rank = len(call.outputs[0].shape)
    return [seen.source for seen in call.tensors() if isinstance(seen.source, Edge) and len(seen.shape) == rank]
