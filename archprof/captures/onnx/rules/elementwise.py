"""Operators that go element by element, and norms and activations, which have the shape of their first input."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import add
from typing import Any

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.elements import INTEGERS, Data
from archprof.captures.onnx.model import MAX_ELEMENTS
from archprof.captures.onnx.rules.rule import Outputs, Rule, Rules
from archprof.captures.onnx.tensor import Dims, Misfit, Tensor, axis_of, broadcast, made, numbers, spread

Compute = Callable[..., Any]


def elementwise(compute: Compute | None = None, dtype: str = "", of: int = 0) -> Outputs:
    """Return the rule of an operator of one element of each input, all of them stretched; its output has the type of
    input *of* unless another is said."""

    def outputs(call: Call) -> list[Tensor]:
        given = [one for one in call.inputs if one is not None]
        shape = broadcast([one.known_shape for one in given])
        data = computed(compute, given, shape) if compute is not None else None
        return [made(dtype or call.dtype(of), shape, data)]

    return outputs


def computed(compute: Compute, given: Sequence[Tensor], shape: Dims) -> Data | None:
    """Return what is computed of known elements; of one that is not known, nothing is."""
    if any(one.data is None for one in given) or None in shape:
        return None
    columns = [spread(one, numbers(shape)) for one in given]
    if any(column is None for column in columns):
        return None
    return tuple([_value(compute, values) for values in zip(*[one for one in columns if one is not None], strict=True)])


def _value(compute: Compute, values: Sequence[Any]) -> Any:
    if None in values:
        return None
    try:
        found = compute(*values)
    except (ArithmeticError, ValueError, TypeError):
        return None
    return None if isinstance(found, complex) or (isinstance(found, int) and abs(found) >> 64) else found


def same(compute: Compute | None = None, dtype: str = "", count: int = 1) -> Outputs:
    """Return the rule of an operator whose first *count* outputs have the shape of the first input."""

    def outputs(call: Call) -> list[Tensor]:
        first = call.input()
        data = None if compute is None or first.data is None else [_value(compute, [one]) for one in first.data]
        found = made(dtype or first.dtype, first.known_shape, data)
        return [found, *[found._replace(data=None)] * (count - 1)]

    return outputs


def _divided(first: Any, second: Any) -> Any:
    """Return a quotient; of integers towards zero."""
    if isinstance(first, int) and isinstance(second, int):
        quotient = abs(first) // abs(second)
        return quotient if (first < 0) == (second < 0) else -quotient
    return first / second


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        return base**exponent if exponent < 64 else None
    return float(base) ** float(exponent)


def dropped(call: Call) -> list[Tensor]:
    """Return what a dropout returns, and which elements it keeps."""
    first = call.input()
    return [Tensor(first.dtype, first.shape), Tensor("bool", first.shape)]


def _identity(call: Call) -> list[Tensor]:
    return [call.input()._replace(edge=None)]


def _cast(call: Call) -> list[Tensor]:
    first = call.input()
    dtype = call.dtype(1) if call.op == "CastLike" else call.element_type("to")
    return [made(dtype, first.known_shape, _as(dtype, first.data))]


def _as(dtype: str, data: Data | None) -> Data | None:
    if data is None:
        return None
    if dtype == "bool":
        return tuple([None if value is None else bool(value) for value in data])
    kind: type[int] | type[float] = int if dtype in INTEGERS else float
    return tuple([_value(kind, [value]) for value in data])


def _where(call: Call) -> list[Tensor]:
    given = [call.input(index) for index in range(3)]
    shape = broadcast([one.known_shape for one in given])
    chosen = given[0].data
    if chosen is not None and None not in shape and math.prod(numbers(shape)) <= MAX_ELEMENTS:
        nothing = (None,) * math.prod(numbers(shape))
        columns = [spread(one, numbers(shape)) or nothing for one in given]
        data = [(None, b, a)[1 + bool(c)] if c is not None else None for c, a, b in zip(*columns, strict=True)]
        return [made(given[1].dtype, shape, data)]
    return [made(given[1].dtype, shape)]


def _normalised(call: Call) -> list[Tensor]:
    """Return an output, and the mean and inverse deviation of each position."""
    first = call.input()
    shape = first.known_shape
    axis = axis_of(call.integer("axis", -1), len(shape))
    kept = Tensor("float32", (*shape[:axis], *([1] * (len(shape) - axis))))
    return [first._replace(data=None, source=None, edge=None), kept, kept]


def _batch_norm(call: Call) -> list[Tensor]:
    first = call.input()
    shape = first.known_shape
    for index, name in enumerate(("scale", "bias", "mean", "variance"), 1):
        channels = call.shape(index)
        if len(shape) < 2 or broadcast([(shape[1],), channels]) != (shape[1],):
            raise Misfit(f"a batch norm of {channels} {name} on {shape}")
    kept = Tensor(call.dtype(3), (shape[1],))
    return [Tensor(first.dtype, shape), kept, kept, kept, kept]


def _random_like(call: Call) -> list[Tensor]:
    dtype = call.element_type("dtype") if call.integer("dtype") else call.dtype()
    return [Tensor(dtype, call.shape())]


def _cumulative(call: Call) -> list[Tensor]:
    first = call.input()
    plain = len(first.known_shape) == 1 and not call.attributes and first.data is not None and None not in first.data
    return [made(first.dtype, first.known_shape, accumulate(first.known(), add) if plain else None)]


def _modulo(call: Call) -> list[Tensor]:
    return elementwise(_remainder if call.integer("fmod") else lambda a, b: a % b)(call)


def _remainder(first: Any, second: Any) -> Any:
    """Return what is left of a division towards zero, as C has it."""
    left = math.fmod(first, second)
    return int(left) if isinstance(first, int) and isinstance(second, int) else left


def _as_other(call: Call) -> list[Tensor]:
    return [Tensor(call.element_type("to"), call.shape())]


_UNARY: dict[str, Compute | None] = {
    "Abs": abs,
    "Ceil": math.ceil,
    "Floor": math.floor,
    "Neg": lambda a: -a,
    "Reciprocal": lambda a: 1 / a,
    "Round": lambda a: float(round(a)),
    "Sign": lambda a: (a > 0) - (a < 0),
    "Sqrt": math.sqrt,
    "Exp": math.exp,
    "Log": math.log,
    **dict.fromkeys(("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Sin", "Sinh", "Tan")),
    **dict.fromkeys(("BitwiseNot", "Erf", "Trilu", "LpNormalization", "MeanVarianceNormalization", "LRN")),
    **dict.fromkeys(("ReverseSequence", "Scatter", "ScatterElements")),
}
_ACTIVATIONS = (
    *("Celu", "Clip", "Elu", "Gelu", "HardSigmoid", "HardSwish", "Hardmax", "LeakyRelu", "LogSoftmax", "Mish"),
    *("Selu", "Shrink", "SwiGLU", "Sigmoid", "Softmax", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu"),
)
_BINARY: dict[str, Compute] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": _divided,
    "Pow": _power,
    "Max": lambda *all: max(all),
    "Min": lambda *all: min(all),
    "Sum": lambda *all: sum(all),
    "Mean": lambda *all: sum(all) / len(all),
    "BitwiseAnd": lambda a, b: a & b,
    "BitwiseOr": lambda a, b: a | b,
    "BitwiseXor": lambda a, b: a ^ b,
}
_COMPARED: dict[str, Compute] = {
    "And": lambda a, b: bool(a and b),
    "Or": lambda a, b: bool(a or b),
    "Xor": lambda a, b: bool(a) != bool(b),
    "Equal": lambda a, b: a == b,
    "Less": lambda a, b: a < b,
    "Greater": lambda a, b: a > b,
    "LessOrEqual": lambda a, b: a <= b,
    "GreaterOrEqual": lambda a, b: a >= b,
}
_JOINS = ("Add", "Sub", "Mul", "Div", "Sum")
_AFFINE = ("", "weight", "bias")

RULES: Rules = {
    **{name: Rule(same(compute)) for name, compute in _UNARY.items()},
    **{name: Rule(same(), "act") for name in _ACTIVATIONS},
    "Relu": Rule(same(lambda a: max(a, 0)), "act"),
    **{name: Rule(elementwise(one), "join" if name in _JOINS else "other") for name, one in _BINARY.items()},
    **{name: Rule(elementwise(one, "bool")) for name, one in _COMPARED.items()},
    # Given up by the standard; files of old exporters have them.
    **{name: Rule(same(), "act") for name in ("ParametricSoftplus", "ScaledTanh")},
    **{name: Rule(same()) for name in ("Affine", "ImageScaler", "Scale")},
    "BitShift": Rule(elementwise()),
    "Mod": Rule(_modulo),
    "BitCast": Rule(_as_other),
    "PRelu": Rule(same(), "act", slots=("", "weight")),
    "Not": Rule(same(lambda a: not a, "bool")),
    "IsNaN": Rule(same(dtype="bool")),
    "IsInf": Rule(same(dtype="bool")),
    "Cast": Rule(_cast, keeps=True),
    "CastLike": Rule(_cast, keeps=True),
    "Identity": Rule(_identity, keeps=True),
    "Where": Rule(_where),
    "CumSum": Rule(_cumulative),
    "CumProd": Rule(same()),
    "Dropout": Rule(dropped, "dropout"),
    "Bernoulli": Rule(_random_like),
    "RandomNormalLike": Rule(_random_like),
    "RandomUniformLike": Rule(_random_like),
    "EyeLike": Rule(_random_like),
    "ScatterND": Rule(same()),
    "TensorScatter": Rule(same()),
    "RotaryEmbedding": Rule(same()),
    "BatchNormalization": Rule(_batch_norm, "norm", slots=("", "weight", "bias", "running_mean", "running_var")),
    "InstanceNormalization": Rule(same(), "norm", slots=_AFFINE),
    "GroupNormalization": Rule(same(), "norm", slots=_AFFINE),
    "LayerNormalization": Rule(_normalised, "norm", slots=_AFFINE),
    "SimplifiedLayerNormalization": Rule(_normalised, "norm", slots=_AFFINE),
    "RMSNormalization": Rule(_normalised, "norm", slots=_AFFINE),
}
