"""Small networks for tests, from the layers of a spec."""

import torch
from torch import Tensor
from torch.nn import functional

from archprof.ir.graph import Graph
from archprof.ir.operators.base import Operator
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.spec.load import load


def graph_of(layers: str, **header: str) -> Graph:
    """Return the graph of a spec of these lines, for inputs of 3×8×8 unless *header* says otherwise."""
    keys = {"archprof": "1", "name": "small", "input": "3x8x8", **header}
    lines = [f"{key}: {value}" for key, value in keys.items()]
    return expand(load("-", spellings=spellings, text="\n".join([*lines, layers])))


def called(op: Operator, *inputs: Tensor) -> Tensor:
    """Return what an operator that is a function gives for some inputs."""
    names = [f"input{index}" for index in range(len(inputs))]
    scope = {"torch": torch, "functional": functional, **dict(zip(names, inputs, strict=True))}
    output: Tensor = eval(op.expression(*names), scope)
    return output
