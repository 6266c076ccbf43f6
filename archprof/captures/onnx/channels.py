"""Which axis of each tensor holds channels or features, by who makes it and who reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archprof.captures.onnx.ran import Ran
from archprof.ir.graph import Edge

# Kinds of operators on maps: the channels of what they read first, and return, are axis 1, behind the images.
_ON_MAPS = ("standard", "depthwise", "pool")
_MAPS = ("BatchNormalization", "InstanceNormalization", "GroupNormalization", "Resize", "Upsample", "PRelu", "LRN")
_MORE_MAPS = ("DepthToSpace", "SpaceToDepth", "GridSample")
# Operators on features, which are the last axis.
_ON_FEATURES = ("Gemm", "LayerNormalization", "RMSNormalization", "SkipLayerNormalization", "Attention")
# What hands its channels on in another place.
_MOVES = ("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Gather", "Expand")


def channel_axes(rows: Sequence[Ran]) -> Mapping[Edge, int]:
    """Return the axis of channels, in the whole shape, of the tensors of which that is known."""
    found: dict[Edge, int] = {}
    for index, row in enumerate(rows):
        axis = _axis(row)
        if axis is None:
            continue
        first = row.inputs[0]
        if first is not None and first.edge is not None and first.shape:
            found.setdefault(first.edge, axis % len(first.shape))
        if row.outputs[0].shape:
            found.setdefault(Edge(index), axis % len(row.outputs[0].shape))
    # Whoever hands a tensor on has its channels where its reader has them.
    for index in range(len(rows) - 1, -1, -1):
        known = found.get(Edge(index))
        if known is not None:
            for edge in _alike(rows[index]):
                found.setdefault(edge, known)
    return found


def _axis(row: Ran) -> int | None:
    op, rule = row.node.op, row.rule
    if rule is None or not row.inputs:
        return None
    if op in _ON_FEATURES or (op == "MatMul" and row.inputs[1] is not None and row.inputs[1].source is not None):
        return -1
    on_maps = (rule.kind in _ON_MAPS and op != "ReduceMean") or op in _MAPS or op in _MORE_MAPS
    first = row.inputs[0]
    return 1 if on_maps and first is not None and first.shape is not None and len(first.shape) > 1 else None


def _alike(row: Ran) -> list[Edge]:
    """Return the tensors that a row reads and whose axes are those of what it returns."""
    if row.node.op in _MOVES or row.outputs[0].shape is None:
        return []
    rank = len(row.outputs[0].shape)
    return [one.edge for one in row.inputs if one is not None and one.edge and one.shape and len(one.shape) == rank]
