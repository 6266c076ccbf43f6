"""The weights of a network folded: norms and factors into the convolution before them, and convolutions of one map that
are summed into one (Ding et al. 2021, section 3.3). Two networks that fold to the same are the same function."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from archprof.ir.graph import Edge, Graph, Node

NORMS = ("batch_norm",)
PRODUCTS = ("conv2d", "linear")


class Layer(NamedTuple):
    """A product, norm or factor of a network, and the module that holds its weights."""

    node: Node
    module: Any


@dataclass
class Form:
    """What an edge is of a map at *source*: its convolution with a kernel of (outputs, inputs of a group, …), and a
    bias; the layers that it is made of."""

    source: Edge
    kernel: Tensor
    bias: Tensor
    layers: list[Layer] = field(default_factory=list)

    def scaled(self, factor: Tensor, shift: Tensor, layer: Layer) -> "Form":
        kernel = self.kernel * factor.reshape(-1, *[1] * (self.kernel.dim() - 1))
        return Form(self.source, kernel, self.bias * factor + shift, [*self.layers, layer])

    def __add__(self, other: "Form") -> "Form":
        sides = [max(pair) for pair in zip(self.kernel.shape[2:], other.kernel.shape[2:], strict=True)]
        kernel = _widened(self.kernel, sides) + _widened(other.kernel, sides)
        return Form(self.source, kernel, self.bias + other.bias, self.layers + other.layers)

    def __neg__(self) -> "Form":
        return Form(self.source, -self.kernel, -self.bias, self.layers)


def fold(graph: Graph, network: nn.Module) -> list[Form]:
    """Return what all layers with weights fold to, in the order in which their maps are asked for."""
    return _Folder(graph, network).folded()


def set_folded(mine: list[Form], theirs: list[Form]) -> None:
    """Give the layers of *mine* weights by which they fold to *theirs*."""
    for form, other in zip(mine, theirs, strict=True):
        first, *behind = form.layers
        if first.node.op.name in PRODUCTS:
            _set(first.module.weight, other.kernel.reshape(first.module.weight.shape))
        else:  # a norm or factors of their own
            _set_factors(first, other.kernel, other.bias)
        bias = other.bias
        if getattr(first.module, "bias", None) is not None:
            _set(first.module.bias, bias)
            bias = torch.zeros_like(bias)
        for layer in behind:
            _set_factors(layer, torch.ones_like(bias), bias)
            bias = torch.zeros_like(bias)
        assert not bias.any() or first.node.op.name not in PRODUCTS


def _set_factors(layer: Layer, factor: Tensor, shift: Tensor) -> None:
    _set(layer.module.weight, factor.reshape(layer.module.weight.shape))
    if layer.node.op.name in NORMS:
        _set(layer.module.bias, shift)
        _set(layer.module.running_mean, torch.zeros_like(shift))
        _set(layer.module.running_var, torch.ones_like(shift) - layer.module.eps)


def _set(tensor: Tensor, value: Tensor) -> None:
    with torch.no_grad():
        tensor.copy_(value)


class _Folder:
    def __init__(self, graph: Graph, network: nn.Module) -> None:
        self.graph, self.network = graph, network
        self.forms: dict[Edge, Form] = {}
        self.found: list[Form] = []
        self.readers: dict[Edge, int] = {}
        for edge in (*(edge for node in graph.nodes for edge in node.inputs), *graph.outputs.values()):
            self.readers[edge] = self.readers.get(edge, 0) + 1

    def folded(self) -> list[Form]:
        for index, node in enumerate(self.graph.nodes):
            form = self._form(node)
            if form is not None:
                self.forms[Edge(index)] = form
                if self.readers[Edge(index)] > 1:
                    self._ask(Edge(index))
        for edge in self.graph.outputs.values():
            self._ask(edge)
        return self.found

    def _ask(self, edge: Edge) -> Edge:
        """Return an edge whose map is there."""
        if edge in self.forms:
            self.found.append(self.forms.pop(edge))
        return edge

    def _form(self, node: Node) -> Form | None:
        name = node.op.name
        if name in ("add", "subtract"):
            return self._sum(node)
        if name in PRODUCTS:
            return self._product(node)
        if name in (*NORMS, "layer_scale"):
            return self._factors(node)
        if name == "scale" and node.inputs[0] in self.forms:
            form, factor = self.forms.pop(node.inputs[0]), getattr(node.op, "factor")  # noqa: B009
            return Form(form.source, form.kernel * factor, form.bias * factor, form.layers)
        for edge in node.inputs:
            self._ask(edge)
        assert not node.op.parameters(), name
        return None

    def _product(self, node: Node) -> Form:
        module: Any = self.network.get_submodule(node.path)
        bias = module.weight.new_zeros(len(module.weight)) if module.bias is None else module.bias
        before = self.forms.get(node.inputs[0])
        layer = Layer(node, module)
        if before is not None and node.op.name == "linear":  # behind a norm of features
            del self.forms[node.inputs[0]]
            kernel = module.weight * before.kernel.reshape(1, -1)
            return Form(before.source, kernel, module.weight @ before.bias + bias, [layer])
        return Form(self._ask(node.inputs[0]), module.weight, bias, [layer])

    def _factors(self, node: Node) -> Form:
        layer = Layer(node, self.network.get_submodule(node.path))
        module, form = layer.module, self.forms.pop(node.inputs[0], None)
        factor = module.weight.flatten()
        shift = torch.zeros_like(factor)
        if node.op.name in NORMS:
            factor = factor / (module.running_var + module.eps).sqrt()
            shift = module.bias - module.running_mean * factor
        return (form or self._identity(node.inputs[0])).scaled(factor, shift, layer)

    def _identity(self, edge: Edge) -> Form:
        shape = self.graph.value(edge).shape
        ones = torch.ones(shape[0], 1, *[1] * (len(shape) - 1), dtype=torch.float64)
        return Form(edge, ones, ones.new_zeros(shape[0]))

    def _sum(self, node: Node) -> Form | None:
        """Return the sum of what is of one map, which may be a term itself."""
        forms = [self.forms.get(edge) for edge in node.inputs]
        sources = {edge if form is None else form.source for edge, form in zip(node.inputs, forms, strict=True)}
        if len(sources) > 1 or not any(forms):
            for edge in node.inputs:
                self._ask(edge)
            return None
        terms = [form or self._identity(edge) for edge, form in zip(node.inputs, forms, strict=True)]
        for edge in node.inputs:
            self.forms.pop(edge, None)
        total = self._alike(terms[0], terms)
        for term in terms[1:]:
            other = self._alike(term, terms)
            total = total + (-other if node.op.name == "subtract" else other)
        return total

    def _alike(self, form: Form, terms: list[Form]) -> Form:
        """Return a form with a kernel over as many inputs as the widest: a norm of each channel is one of all."""
        inputs = max(term.kernel.shape[1] for term in terms)
        if form.kernel.shape[1] == inputs:
            return form
        kernel = form.kernel.new_zeros(len(form.kernel), inputs, *form.kernel.shape[2:])
        places = torch.arange(len(kernel))
        kernel[places, places % inputs] = form.kernel[:, 0]
        return Form(form.source, kernel, form.bias, form.layers)


def _widened(kernel: Tensor, sides: list[int]) -> Tensor:
    """Return a kernel with zeros around it."""
    edges = [(side - have) // 2 for side, have in zip(sides, kernel.shape[2:], strict=True)]
    return functional.pad(kernel, [edge for edge in reversed(edges) for _ in range(2)])
