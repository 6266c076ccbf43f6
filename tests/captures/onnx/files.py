"""ONNX files of a few nodes, made by onnx."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
Shape = Sequence[int | str | None] | None


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """Return a node, its inputs and outputs by their names with blanks between; `_` for one that is left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), name=attributes.pop("name", ""), **attributes)


def graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Sequence[str] = ("y",),
    stored: Mapping[str, Any] = {},
    types: Mapping[str, int] = {},
) -> onnx.GraphProto:
    """Return a graph; inputs are of floats unless another type is said."""
    taken = [helper.make_tensor_value_info(name, types.get(name, FLOAT), shape) for name, shape in inputs.items()]
    returned = [helper.make_tensor_value_info(name, types.get(name, FLOAT), None) for name in outputs]
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()]
    return helper.make_graph(list(nodes), "g", taken, returned, held)


def model(made: onnx.GraphProto, opset: int = 18, **options: Any) -> bytes:
    """Return the bytes of a file."""
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    found: bytes = helper.make_model(made, opset_imports=opsets, **options).SerializeToString()
    return found


def saved(folder: Path, made: onnx.GraphProto, opset: int = 18, name: str = "net.onnx", **options: Any) -> Path:
    """Write a file, and return its path."""
    path = folder / name
    path.write_bytes(model(made, opset, **options))
    return path


def weights(*shape: int) -> Any:
    """Return numbers that all differ."""
    return (np.arange(np.prod(shape), dtype=np.float32) + 1).reshape(shape) / 7
