"""What runs on a device: the kind of each call of a network, and the sizes of one image that its time hangs on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archprof.allocation.forward import Passed
from archprof.allocation.traffic import is_view
from archprof.ir.dims import Dim, product
from archprof.ir.footprint import Run
from archprof.ir.graph import Node
from archprof.ir.terms import NOTHING, total
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

# What returns its input in inference, though it is no view.
_IDLE = frozenset(("dropout", "stochastic_depth", "identity"))

# Activations that are one kernel, all alike.
ACTIVATIONS = (
    "relu", "relu6", "hardswish", "hardsigmoid", "silu", "sigmoid", "tanh", "gelu", "gelu_tanh", "leaky_relu", "elu",
    "mish",
)  # fmt: skip
_WINDOW = (
    "in_channels", "out_channels", "kernel_h", "kernel_w", "stride", "dilation", "groups", "bias",
    "in_h", "in_w", "out_h", "out_w",
)  # fmt: skip
_POOL = ("channels", "kernel_h", "kernel_w", "stride", "in_h", "in_w", "out_h", "out_w")
_MAP = ("channels", "places")
_ELEMENTS = ("elements",)
# Of a kind without columns of its own, which is an operator by its name.
_OTHER = ("read", "written", "weights", "macs")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("standard", "pointwise", "depthwise", "grouped"), _WINDOW),
    "linear": ("in_features", "out_features", "bias", "places"),
    **dict.fromkeys(("max_pool", "avg_pool"), _POOL),
    **dict.fromkeys(("global_avg_pool", "batch_norm", "layer_norm", "layer_scale", "channel_shuffle"), _MAP),
    "add": ("elements", "read"),
    "multiply": ("elements", "read"),
    "concat": ("elements", "inputs"),
    **dict.fromkeys(ACTIVATIONS, _ELEMENTS),
    "swish": _ELEMENTS,
    "frozen_batch_norm": _MAP,
    "group_norm": ("channels", "places", "groups"),
    # Of all windows together, if there are some: queries, what is read and written; keys that one query looks at.
    "attention": ("read", "written", "heads", "queries", "keys", "key_dim", "value_dim", "causal", "biased", "maps"),
}


class Kernel(NamedTuple):
    """A kernel: its kind, and its sizes in the order of the kind's columns."""

    kind: str
    sizes: tuple[Dim, ...]

    def named(self) -> dict[str, Dim]:
        """Return the sizes by the names of their columns."""
        return dict(zip(columns_of(self.kind), self.sizes, strict=True))


def columns_of(kind: str) -> tuple[str, ...]:
    """Return the sizes that tell kernels of a kind apart, in the order in which profiles have them, all of one image.
    Kernels of the same kind and sizes take the same time."""
    return _COLUMNS.get(kind, _OTHER)


def kernel_of(passed: Passed) -> Kernel | None:
    """Return the kernel of a call; None where nothing runs, and for a form of an operator that no kind is for."""
    node = passed.node
    if runs_nothing(node):
        return None
    found = _RULES.get(node.op.name, _other)(node.op, passed.run)
    return None if found is None else Kernel(*found)


def runs_nothing(node: Node) -> bool:
    """Tell whether a call runs nothing in inference."""
    return node.op.name in _IDLE or is_view(node)


def parts_of(kernel: Kernel) -> tuple[Kernel, ...]:
    """Return the kernels that a call without one of its own runs, one after another; itself, if it has one."""
    if kernel.kind == "swish":
        elements = kernel.sizes[0]
        return Kernel("sigmoid", (elements,)), Kernel("multiply", (elements, 2 * elements))
    if kernel.kind == "frozen_batch_norm":  # scale and shift of each channel anew, then x·scale + shift
        channels, places = kernel.sizes
        vector, whole = (channels, 2 * channels), (channels * places, channels * places + channels)
        return (*[Kernel("multiply", vector)] * 3, *[Kernel("add", vector)] * 2,
                Kernel("multiply", whole), Kernel("add", whole))  # fmt: skip
    return (kernel,)


_Found = tuple[str, tuple[Dim, ...]] | None


def _other(op: Any, run: Run) -> _Found:
    """Return the kind of an operator by its name, unless that has columns of its own."""
    return None if op.name in _COLUMNS else _by_name(op.name, op, run)


def _by_name(name: str, op: Any, run: Run) -> _Found:
    """Return a kind without columns of its own, which may be several kernels: what it reads, writes, has of weights and
    computes."""
    learned = total(sum({**op.parameters(), **op.buffers()}.values(), NOTHING))
    return name, (_elements(run.inputs), _elements(run.outputs), learned, total(op.macs(run.inputs, run.outputs)))


def _elements(values: Sequence[Value]) -> Dim:
    return sum([value.elements for value in values])


def _attention(op: Any, run: Run) -> _Found:
    """Return attention of features that heads share out, in one call with what takes them apart."""
    queries, macs = product(run.inputs[0].space), total(op.macs(run.inputs, run.outputs))
    keys = macs // (op.heads * queries * (op.key_dim + op.value_dim))
    return "attention", (
        _elements(run.inputs), _elements(run.outputs), op.heads, queries, keys, op.key_dim, op.value_dim,
        int(op.causal), int(bool(op.position or op.shifted)), int(not op.channels_last),
    )  # fmt: skip


def _attention_of_heads(op: Any, run: Run) -> _Found:
    """Return attention of queries, keys and values that are apart, head by head, as it was captured."""
    queries, keys, values, *mask = run.inputs
    key_dim, value_dim = queries.shape[-1], values.shape[-1]
    return "attention", (
        _elements(run.inputs[:3]), _elements(run.outputs), op.heads, queries.elements // (op.heads * key_dim),
        keys.shape[-2], key_dim, value_dim, int(op.causal), int(bool(mask)), 0,
    )  # fmt: skip


def _convolution(op: Any, run: Run) -> _Found:
    if len(op.kernel_size) != 2 or len(run.inputs[0].shape) != 3:
        return _other(op, run)
    sizes = (
        op.in_channels, op.out_channels, *op.kernel_size, op.stride[0], op.dilation[0], op.groups, int(op.bias),
        *run.inputs[0].space, *run.outputs[0].space,
    )  # fmt: skip
    return op.kind, sizes


def _linear(op: Any, run: Run) -> _Found:
    return "linear", (op.in_features, op.out_features, int(op.bias), product(run.outputs[0].space))


def _pool(op: Any, run: Run) -> _Found:
    value = run.inputs[0]
    if len(value.shape) != 3:
        return None
    return op.name, (value.channels, *op.kernel_size, op.stride[0], *value.space, *run.outputs[0].space)


def _global_pool(op: Any, run: Run) -> _Found:
    before, after = run.inputs[0], run.outputs[0]
    if len(before.shape) != 3:
        return _other(op, run)
    if after.elements is after.channels or after.elements == after.channels:
        return "global_avg_pool", _map(before)
    if len(after.shape) != 3 or any(size % out for size, out in zip(before.space, after.space, strict=True)):
        return _by_name("adaptive_pool", op, run)
    return _even_pool(before, after)


def _even_pool(before: Value, after: Value) -> _Found:
    """Return an adaptive pooling whose windows are all alike as the pooling by windows that it is."""
    window = tuple([size // out for size, out in zip(before.space, after.space, strict=True)])
    return "avg_pool", (before.channels, *window, window[0], *before.space, *after.space)


def _of_map(op: Any, run: Run) -> _Found:
    return op.name, _map(run.inputs[0])


def _map(value: Value) -> tuple[Dim, Dim]:
    return value.channels, product(value.space)


def _group_norm(op: Any, run: Run) -> _Found:
    return op.name, (*_map(run.inputs[0]), op.groups)


def _elementwise(op: Any, run: Run) -> _Found:
    return op.name, (run.outputs[0].elements,)


def _join(op: Any, run: Run) -> _Found:
    if len(run.inputs) == 1:
        return None
    return op.name, (run.outputs[0].elements, sum([value.elements for value in run.inputs]))


def _difference(op: Any, run: Run) -> _Found:
    return "add", (run.outputs[0].elements, sum([value.elements for value in run.inputs]))


def _arithmetic(kind: str) -> Callable[[Any, Run], _Found]:
    """Return the rule of a sum or product that was captured, of tensors, a constant or a learned tensor."""

    def rule(op: Any, run: Run) -> _Found:
        learned = product(op.weight) if op.weight else 0
        return kind, (run.outputs[0].elements, sum([value.elements for value in run.inputs]) + learned)

    return rule


def _concat(op: Any, run: Run) -> _Found:
    return "concat", (run.outputs[0].elements, len(run.inputs))


_RULES: Mapping[str, Callable[[Any, Run], _Found]] = {
    "conv2d": _convolution,
    "linear": _linear,
    **dict.fromkeys(("max_pool",), _pool),
    "avg_pool": lambda op, run: (_pool if hasattr(op, "kernel_size") else _global_pool)(op, run),
    "mean": _global_pool,
    **dict.fromkeys(("batch_norm", "frozen_batch_norm", "layer_norm", "layer_scale", "channel_shuffle"), _of_map),
    "group_norm": _group_norm,
    "add": lambda op, run: (_arithmetic("add") if hasattr(op, "weight") else _join)(op, run),
    "multiply": _join,
    **dict.fromkeys(("mul", "div"), _arithmetic("multiply")),
    **dict.fromkeys(("sub", "rsub"), _arithmetic("add")),
    "subtract": _difference,
    **dict.fromkeys(("concat", "concat_tokens"), _concat),
    **dict.fromkeys((*ACTIVATIONS, "swish"), _elementwise),
    "dot_product_attention": _attention,
    "attention": _attention_of_heads,
}
