"""Multiply-accumulates as fvcore counts them on a traced forward pass."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import (
    addmm_flop_jit,
    bmm_flop_jit,
    conv_flop_count,
    conv_flop_jit,
    get_shape,
    linear_flop_jit,
)
from torch import Tensor, nn, strided
from torch._C._functorch import get_unwrapped, is_functorch_wrapped_tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from archprof.runtime.arguments import CallArguments
from archprof.runtime.count import Count
from archprof.runtime.einsum import einsum_macs
from archprof.runtime.products import RULES, Rule, matmul, multiplies


def fvcore_macs(module: nn.Module, arguments: CallArguments) -> Count:
    """Return the MACs of convolutions, linear layers and matrix products, by the path of the module that runs them
    itself, and the operators there that multiply and have no rule.

    *module* is run once. It should be one that nobody else has: fvcore leaves its hooks on it when a forward fails.
    """
    analysis = FlopCountAnalysis(module, _on_tensors(module, arguments)).clear_op_handles().set_op_handle(**_HANDLES)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    sums: Mapping[str, float] = analysis.by_module()
    others = {path: _without_rule(analysis.unsupported_ops(path)) for path in sums}
    macs = Counter({path: int(count) for path, count in sums.items()})
    not_counted = {path: Counter(names) for path, names in others.items()}
    for path, count in sums.items():
        if path:
            parent = path.rpartition(".")[0]
            macs[parent] -= int(count)
            not_counted[parent] -= others[path]
    return Count(macs, not_counted)


def _on_tensors(module: nn.Module, arguments: CallArguments) -> tuple[Tensor, ...]:
    """Have a module called with the tensors of its arguments alone, which is what a trace takes, and return them."""
    leaves, structure = tree_flatten(arguments)
    forward = module.forward

    def call(*tensors: Tensor) -> Any:
        given = iter(tensors)
        values = [next(given) if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        positional, named = tree_unflatten(values, structure)
        with _Alive() as alive:
            result = _tensors(forward(*positional, **named))
        return (*result, *alive.witnesses) if isinstance(result, tuple) else result

    module.forward = call
    return tuple(leaf for leaf in leaves if isinstance(leaf, Tensor))


class _Alive(TorchFunctionMode):
    """Takes an element of each product: a trace drops what reaches none of its outputs, though it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.witnesses: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if multiplies(_name(func)):
            found = next((one for one in tree_leaves(result) if isinstance(one, Tensor)), None)
            while found is not None and is_functorch_wrapped_tensor(found):  # inside `vmap`, which it must not leave
                found = get_unwrapped(found)
            if found is not None and found.layout is strided and not found.is_quantized:
                self.witnesses.append(found.reshape(-1)[:1].clone())
        return result


def _name(func: Any) -> str:
    """Return an operator's name as a trace has it, of a function of torch the one that it most likely runs."""
    packet = getattr(func, "_overloadpacket", func)
    name: str = getattr(packet, "_qualified_op_name", f"aten::{getattr(func, '__name__', '')}")
    return name


def _tensors(result: Any) -> Any:
    """Return the tensors of a result, where nothing else in it could hold any; a trace refuses what is no tensor."""
    leaves = tree_leaves(result)
    plain = all(leaf is None or isinstance(leaf, Tensor | int | float | str) for leaf in leaves)
    return tuple(leaf for leaf in leaves if isinstance(leaf, Tensor)) if plain else result


def _without_rule(operators: Mapping[str, int]) -> Counter[str]:
    return Counter({name: calls for name, calls in operators.items() if multiplies(name)})


def _handle(rule: Rule, inputs: list[Any], outputs: list[Any]) -> int:
    return rule([_sizes(value) for value in inputs], get_shape(outputs[0]))


def _sizes(value: Any) -> Any:
    """Return the shape of a traced tensor, or the shapes of a list of them."""
    if value.node().kind() == "prim::ListConstruct":
        return [_sizes(item) for item in value.node().inputs()]
    return get_shape(value)


def _convolution_mode(inputs: list[Any], outputs: list[Any]) -> int:
    """Count a convolution whose padding is a word, `same` or `valid`."""
    macs: int = conv_flop_count(get_shape(inputs[0]), get_shape(inputs[1]), get_shape(outputs[0]))
    return macs


def _einsum(inputs: list[Any], outputs: list[Any]) -> int:
    """Count an einsum exactly: fvcore's own handle rounds to four digits."""
    path = [place.toIValue() for place in inputs[2].node().inputs()] if len(inputs) > 2 else None
    return einsum_macs(inputs[0].toIValue(), _sizes(inputs[1]), path)


# What the convention counts; fvcore's own handles where it has exact ones.
_HANDLES: Mapping[str, Callable[[list[Any], list[Any]], Any]] = {
    **{name: partial(_handle, rule) for name, rule in RULES.items()},
    "aten::_convolution": conv_flop_jit,
    "aten::_convolution_mode": _convolution_mode,
    "aten::linear": linear_flop_jit,
    "aten::addmm": addmm_flop_jit,
    "aten::mm": partial(_handle, matmul),
    "aten::matmul": partial(_handle, matmul),
    "aten::linalg_matmul": partial(_handle, matmul),
    "aten::bmm": bmm_flop_jit,
    "aten::einsum": _einsum,
}
