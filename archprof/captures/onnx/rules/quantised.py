"""Numbers as integers with a scale: what makes them, what reads them, and products that stay among them."""

from __future__ import annotations

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.rules.rule import Rule, Rules
from archprof.captures.onnx.tensor import Tensor, made


def _quantised(call: Call) -> list[Tensor]:
    return [made(_stated(call) or (call.dtype(2) if call.has(2) else "uint8"), call.shape())]


def _dequantised(call: Call) -> list[Tensor]:
    return [made(_stated(call) or call.dtype(1), call.shape())]


def _stated(call: Call) -> str:
    """Return the type that an attribute asks for, if it does."""
    return call.element_type("output_dtype") if call.integer("output_dtype") else ""


def _dynamically(call: Call) -> list[Tensor]:
    """Return the integers, their scale and their zero point."""
    return [made("uint8", call.shape()), made("float32", ()), made("uint8", ())]


# Operators whose weights of few bits stand several in a byte, and the attribute that says of how many bits they are.
BITS = {"GatherBlockQuantized": "bits", "QMoE": "expert_weight_bits"}


def in_a_byte(call: Call, dtype: str) -> int:
    """Return how many weights stand in an element of a type."""
    bits = call.integer(BITS[call.op], 4)
    return 8 // bits if dtype == "uint8" and bits in (1, 2, 4) else 1


# What scales and zero points stand in is no slot of a weight.
_SCALED = ("weight", "", "")

RULES: Rules = {
    "QuantizeLinear": Rule(_quantised, slots=_SCALED, keeps=True),
    "DequantizeLinear": Rule(_dequantised, slots=_SCALED, keeps=True),
    "DynamicQuantizeLinear": Rule(_dynamically),
}
