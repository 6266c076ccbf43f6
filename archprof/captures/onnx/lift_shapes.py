"""Which operators of ours those are that move elements and compute none."""

from __future__ import annotations

from collections.abc import Mapping

from archprof.captures.onnx.rules.movement import bounds
from archprof.captures.onnx.site import Lift, Site, made, plain
from archprof.ir.operators.base import Operator

_MODES = {1: {"linear": "linear"}, 2: {"linear": "bilinear", "cubic": "bicubic"}, 3: {"linear": "trilinear"}}


def _reshape(site: Site) -> Operator | None:
    shape = site.outputs[0].shape
    return made("Flatten") if len(shape) == 1 < len(site.inputs[0].shape) else made("Reshape", shape)


def _transpose(site: Site) -> Operator | None:
    before, behind = site.inputs[0].batch, site.outputs[0].batch
    order = site.call.integers("perm") or tuple(reversed(range(len(site.call.shape()))))
    if not isinstance(before, int) or not isinstance(behind, int):
        return made("Permute", order) if before is behind is None else None
    if order[behind] != before:
        return None
    return made("Permute", tuple([axis - (axis > before) for axis in order if axis != before]))


def _concat(site: Site) -> Operator | None:
    if len(site.inputs) != len(site.call.inputs):
        return None
    axis = site.axis(site.call.integer("axis"))
    return made("Concat") if axis == 0 and len(site.inputs) > 1 else made("ConcatAxis", axis)


def _split(site: Site) -> Operator | None:
    axis = site.axis(site.call.integer("axis"))
    return made("Chunk", axis, tuple([value.shape[axis] for value in site.outputs]))


def _slice(site: Site) -> Operator | None:
    call = site.call
    starts = bounds(call, "starts", 1)
    axes = call.listed("axes", 3) or tuple(range(len(starts)))
    steps = bounds(call, "steps", 4) if call.has(4) else (1,) * len(starts)
    if len(axes) != 1:
        return None
    axis, size = site.axis(axes[0]), call.sizes()[axes[0]]
    start, step = int(starts[0] or 0), int(steps[0] or 1)
    start = min(max(start + size if start < 0 else start, 0), size)
    return made("Slice", axis, start, site.outputs[0].shape[axis], step) if step > 0 else None


def _gather(site: Site) -> Operator | None:
    call = site.call
    axis, table = call.integer("axis"), call.input()
    if table.source is not None:
        return made("Embedding", *table.sizes) if axis == 0 and len(table.sizes) == 2 else None
    return made("Select", site.axis(axis)) if call.shape(1) == () else None


def _expand(site: Site) -> Operator | None:
    return made("Expand", site.outputs[0].shape)


def _pad(site: Site) -> Operator | None:
    call = site.call
    pads, rank = call.listed("pads", 1) or (), len(call.shape())
    axes = call.listed("axes", 3) or tuple(range(rank))
    before, behind = [0] * len(site.inputs[0].shape), [0] * len(site.inputs[0].shape)
    for k, axis in enumerate(axes):
        if pads[k] or pads[k + len(axes)]:
            before[site.axis(axis)], behind[site.axis(axis)] = pads[k], pads[k + len(axes)]
    return made("PadAxes", tuple(before), tuple(behind)) if min(pads) >= 0 else None


def _resize(site: Site) -> Operator | None:
    size = site.outputs[0].shape[1:]
    mode = site.call.text("mode", "nearest")
    return made("Interpolate", size, _MODES[len(size)].get(mode, mode))


def _depth_to_space(site: Site) -> Operator | None:
    return made("PixelShuffle", site.call.integer("blocksize"), site.call.op == "SpaceToDepth")


SHAPES: Mapping[str, Lift] = {
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshape),
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Expand": _expand,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _depth_to_space,
    "GridSample": plain("GridSample", 2),
}
