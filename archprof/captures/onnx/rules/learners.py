"""Operators of the domain `ai.onnx.ml`, as far as networks have them around them: features that are scaled, labels that
are looked up, linear models. Trees and kernel machines are no networks, and have no rule."""

from __future__ import annotations

from math import prod

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.model import Stored
from archprof.captures.onnx.rules.elementwise import same
from archprof.captures.onnx.rules.rule import Outputs, Rule, Rules
from archprof.captures.onnx.tensor import Dim, Misfit, Tensor, made

_LABELS = {"ints": "int64", "int64s": "int64", "strings": "string", "floats": "float32"}


def _looked_up(call: Call) -> list[Tensor]:
    """Return labels in the place of others."""
    tensor = call.attributes.get("values_tensor")
    dtype = tensor.dtype.name if isinstance(tensor, Stored) else _of_labels(call, "values_")
    return [made(dtype, call.shape())]


def _of_labels(call: Call, prefix: str) -> str:
    """Return the type of labels, which are listed in one of several attributes."""
    return next((dtype for name, dtype in _LABELS.items() if call.attributes.get(prefix + name)), "int64")


def _mapped(call: Call) -> list[Tensor]:
    return [made("string" if call.dtype() == "int64" else "int64", call.shape())]


def _picked(call: Call) -> list[Tensor]:
    """Return some features of each sample."""
    shape = call.shape() if len(call.shape()) > 1 else (1, *call.shape())
    return [made(call.dtype(), (*shape[:-1], call.input(1).elements))]


def _joined(call: Call) -> list[Tensor]:
    """Return features of several tensors (N, F) behind each other."""
    shapes = [one.known_shape for one in call.inputs if one is not None]
    sizes = call.integers("inputdimensions") or ()
    if not shapes or len(sizes) != len(shapes):
        raise Misfit(f"{len(sizes)} sizes of {len(shapes)} tensors")
    return [made("float32", (shapes[0][0] if len(shapes[0]) > 1 else 1, sum(sizes)))]


def _one_hot(call: Call) -> list[Tensor]:
    labels = call.attributes.get("cats_int64s") or call.attributes.get("cats_strings") or ()
    return [made("float32", (*call.shape(), len(labels)))]


def _coefficients(call: Call) -> tuple[float, ...]:
    found = call.attributes.get("coefficients", ())
    if not isinstance(found, tuple):
        raise Misfit("`coefficients` is no list of numbers")
    return found


def _samples(call: Call) -> Dim:
    shape = call.shape()
    return shape[0] if len(shape) > 1 else 1


def _regressed(call: Call) -> list[Tensor]:
    return [made("float32", (_samples(call), call.integer("targets", 1)))]


def _classified(call: Call) -> list[Tensor]:
    """Return a label for each sample, and a score for each label."""
    labels = call.attributes.get("classlabels_ints") or call.attributes.get("classlabels_strings") or ()
    scores = max(len(labels), len(call.attributes.get("intercepts") or ()))
    samples = _samples(call)
    return [made(_of_labels(call, "classlabels_"), (samples,)), made("float32", (samples, scores or None))]


def _linear_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count each coefficient once a sample."""
    return prod(outputs[0].sizes[:1]) * len(_coefficients(call))


def _unsaid(dtype: str) -> Outputs:
    """Return the rule of an operator that makes a map of a tensor, or a tensor of a map."""
    return lambda call: [Tensor(dtype, None)]


RULES: Rules = {
    "Scaler": Rule(same(dtype="float32")),
    "Normalizer": Rule(same(dtype="float32")),
    "Imputer": Rule(same()),
    "Binarizer": Rule(same()),
    "LabelEncoder": Rule(_looked_up),
    "CategoryMapper": Rule(_mapped),
    "ArrayFeatureExtractor": Rule(_picked, "shape"),
    "FeatureVectorizer": Rule(_joined, "join"),
    "OneHotEncoder": Rule(_one_hot),
    "LinearRegressor": Rule(_regressed, "linear", _linear_macs),
    "LinearClassifier": Rule(_classified, "linear", _linear_macs),
    "ZipMap": Rule(_unsaid("unknown")),
    "CastMap": Rule(_unsaid("float32")),
    "DictVectorizer": Rule(_unsaid("float32")),
}
