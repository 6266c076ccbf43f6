"""Modules as ONNX files, by both exporters of torch; what torch counts of them, and what onnxruntime makes of them."""

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.captures.onnx.modules import Family


class Exported(NamedTuple):
    """A module and its file, with the sizes that its free axes are to be given."""

    path: Path
    module: nn.Module
    inputs: tuple[Tensor, ...]
    sizes: tuple[tuple[str, str], ...]


def filled(family: Family, seed: int = 0) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return a module whose weights all differ, as a trained one's do: exporters merge tensors that are equal, and drop
    those that are zero; and its inputs."""
    torch.manual_seed(seed)
    module = family.make().eval()
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            tensor.data = torch.rand_like(tensor) + 0.5
    inputs = [torch.randn(shape) if len(shape) > 2 else torch.randint(0, 20, shape) for shape in family.shapes]
    return module, tuple(inputs)


def export(family: Family, folder: Path, *, dynamo: bool, free: bool) -> Exported:
    """Write the file of a family's module; *free* leaves all axes free that may be."""
    module, inputs = filled(family)
    path = folder / "model.onnx"
    # What a cell runs over has a fixed length for the newer exporter.
    more = {} if dynamo and family.recurrent else family.free
    axes: Mapping[int, str] = {0: "batch", **more} if free else {}
    options: dict[str, Any] = {"dynamo": dynamo, "input_names": ["x"], "verbose": False}
    if dynamo:
        options |= {"external_data": False}
        options |= {"dynamic_shapes": (dict.fromkeys(axes, torch.export.Dim.DYNAMIC),)} if free else {}
    elif free:
        options |= {"dynamic_axes": {"x": dict(axes)}}
    write(module, inputs, path, **options)
    sizes = [(f"x[{axis}]", str(family.shapes[0][axis])) for axis in more] if free else []
    return Exported(path, module, inputs, tuple(sizes))


def write(module: nn.Module, inputs: Sequence[Tensor], path: Path, **options: Any) -> None:
    """Export a module, without what exporters tell."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            torch.onnx.export(module, tuple(inputs), str(path), **options)
        finally:
            logging.disable(logging.NOTSET)


def counted(module: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Return the multiply-accumulates that torch's counter sees on the meta device, where nothing is fused."""
    meta = [tensor.to("meta") for tensor in inputs]
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            module.to("meta")(*meta)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counter.get_total_flops()) // 2


def shapes_run(path: Path, inputs: Sequence[Tensor]) -> dict[str, tuple[int, ...]]:
    """Return the shape of everything that onnxruntime computes, by name."""
    import onnx
    import onnxruntime

    model = onnx.load(path)
    outputs = {one.name for one in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in outputs:
                model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    found = session.run(None, {name: one.numpy() for name, one in zip(names, inputs, strict=True)})
    return {one.name: one_found.shape for one, one_found in zip(session.get_outputs(), found, strict=True)}
