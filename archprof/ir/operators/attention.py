"""Scaled dot-product attention, of several heads, of queries to keys and values that may be another sequence's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from archprof.ir.dims import Dim, ceil_div, maximum, same
from archprof.ir.footprint import SINGLE, Footprint, Run
from archprof.ir.operators.base import ShapeError, operator
from archprof.ir.operators.join import Function
from archprof.ir.operators.layout import folds_anew, lies_folded
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

# To so many positions a GPU's kernel fills up its sums, and the rows of a mask.
_SUMS = 32
_MASK = 8
_FEATURES = 8
# Bytes of the state of random numbers, seed and offset, that the kernel for half precision keeps, dropout or not.
_RANDOM = 16


@operator
class Attention(Function):
    """softmax(Q·Kᵀ)·V (Vaswani et al. 2017) of queries (h, L, E), keys (h, S, E) and values (h, S, V) for h heads.

    Counted are the two products, h·L·S·(E + V), whatever a mask leaves out. Of grouped queries (Ainslie et al. 2023)
    several heads share the keys and values of one of *kv_heads*; torch is told so (`enable_gqa`), or they are
    *repeated* by broadcasting, for which it has no kernel. A mask comes in fourth. With *dropout* weights are left out.
    """

    heads: Dim
    kv_heads: Dim
    causal: bool = False
    repeated: bool = False
    dropout: bool = False

    name: ClassVar[str] = "attention"
    formula: ClassVar[str] = "h·L·S·(E + V)"
    category: ClassVar[str] = "attention"
    joins: ClassVar[bool] = True
    as_layer: ClassVar[bool] = False
    autocast: ClassVar[str] = "half"

    def output(self, *inputs: Value) -> Value:
        if len(inputs) < 3 or any(len(value.shape) < 2 for value in inputs[:3]):
            raise ShapeError("attention needs queries, keys and values of positions and features")
        queries, keys, values = (value.shape for value in inputs[:3])
        self._check_heads(queries, self.heads)
        self._check_heads(keys, self.kv_heads)
        self._check_heads(values, self.kv_heads)
        beside = all(map(same, keys[:-1], values[:-1])) and all(map(same, queries[:-3], keys[:-3]))
        if not (len(queries) == len(keys) == len(values) and beside and same(queries[-1], keys[-1])):
            shapes = ", ".join(map(show_shape, (queries, keys, values)))
            raise ShapeError(f"queries, keys and values of {shapes} do not meet")
        if self.heads % self.kv_heads != 0:
            raise ShapeError(f"{self.heads} heads are not divisible among {self.kv_heads} of keys and values")
        return inputs[0].with_shape((*queries[:-1], values[-1]), len(queries) - 1)

    def _check_heads(self, shape: tuple[Dim, ...], heads: Dim) -> None:
        found = shape[-3] if len(shape) > 2 else 1
        if not same(found, heads):
            raise ShapeError(f"attention of {heads} heads on {found}")

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        *around, length, features = inputs[0].shape
        return term(features + outputs[0].shape[-1], (*around, length, inputs[1].shape[-2]))

    def footprint(self, run: Run) -> Footprint:
        # One kernel keeps what goes in and comes out, and for each query the sum that its softmax divides by.
        queries = run.inputs[0]
        if not self._has_kernel(run):
            return self.by_products(run)
        sums = run.elements(queries) // queries.shape[-1]
        if run.setup.kernels == "cuda" and run.width == SINGLE:
            length = queries.shape[-2]
            sums = sums // length * (ceil_div(length, _SUMS) * _SUMS)
        if self._is_flash(run) and not same(queries.shape[-1] % _FEATURES, 0):
            # Features are filled up in copies of all that goes in and comes out.
            features = queries.shape[-1]
            whole = sum(map(run.bytes, (*run.inputs, *run.outputs))) // features * ceil_div(features, _FEATURES)
            return Footprint(scratch=whole * _FEATURES, own=whole * _FEATURES + SINGLE * sums + _RANDOM)
        padded = self.padded(run)
        random = _RANDOM if self._is_flash(run) else 0
        inputs = (0, 1, 2) if padded else tuple(range(len(run.inputs)))
        own = SINGLE * sums + padded + random
        # A GPU's kernel for single precision leaves the sums out where nobody needs them.
        scratch = own if run.setup.kernels == "cpu" or self._is_flash(run) else padded
        return Footprint(scratch=scratch, inputs=inputs, outputs=(0,), own=own)

    def _has_kernel(self, run: Run) -> bool:
        """Tell whether torch has a kernel for it: of features that a GPU loads several at once, and of alike heads but
        in half precision and on a CPU, where grouped ones have it too."""
        queries, _, values, *mask = run.inputs
        if (self.causal and mask) or self.repeated or len(queries.at_batch(1)) != 4:
            return False
        if run.setup.kernels != "cuda":
            # A mask that learns, or of one axis less than the scores have, is none of the kernel's.
            fits = all(len(one.at_batch(1)) in (2, 4) for one in mask) and not any(run.wanted[3:])
            return fits and same(queries.shape[-1], values.shape[-1]) and not self.dropout
        if self._is_flash(run):
            return True
        aligned = 16 // run.width
        if not same(self.heads, self.kv_heads):
            return False
        return same(queries.shape[-1] % aligned, 0) and same(values.shape[-1] % aligned, 0)

    def _is_flash(self, run: Run) -> bool:
        """Tell whether a GPU has its kernel for half precision, which takes any number of features and no mask."""
        alike = same(run.inputs[0].shape[-1], run.inputs[2].shape[-1])
        return run.setup.kernels == "cuda" and run.width < SINGLE and len(run.inputs) == 3 and alike

    def padded(self, run: Run) -> Dim:
        """Return the bytes of the copy of a mask: one whose rows a GPU's kernel wants in full, or what a CPU's makes of
        yes and no; 0 where there is none."""
        if len(run.inputs) < 4:
            return 0
        mask = run.inputs[3]
        if run.setup.kernels != "cuda":
            return 0 if mask.is_float else run.elements(mask) * run.width
        length = mask.shape[-1]
        whole = ceil_div(length, _MASK) * _MASK
        if same(whole, length) and mask.is_float:
            return 0
        return run.elements(mask) // length * whole * run.width

    def by_products(self, run: Run) -> Footprint:
        """Return what attention takes as two products: scaled queries and keys, the scores, their softmax."""
        queries, keys, values, *mask = run.inputs
        shared = self.heads // self.kv_heads
        # In half precision a GPU makes float32 of all.
        wide = SINGLE // run.width if run.setup.kernels == "cuda" and run.width < SINGLE else 1
        scaled_queries, scaled_keys = run.bytes(queries) * wide, run.bytes(keys) * shared * wide
        scores = scaled_queries // queries.shape[-1] * keys.shape[-2]
        # Heads that share their values, or values that do not lie as one stack, have a copy each.
        alone = wide == 1 and same(shared, 1) and lies_folded(values, run.setup.batch, behind=2)
        copied = 0 if alone else run.bytes(values) * shared * wide
        # Scaled, queries and keys lie as before: those that are no stack are copied to be multiplied.
        scaled = ((queries, scaled_queries), (keys, scaled_keys))
        moved = sum(size for value, size in scaled if not folds_anew(value, run.setup.batch, behind=2))
        first = scaled_queries + scaled_keys + moved + scores
        most = maximum(first, scaled_queries + 2 * scores + self._unmasked(run, scores))
        scratch = maximum(most - run.bytes(run.outputs[0]), scores + copied)
        # What a mask of yes and no adds to the scores.
        added = sum(run.elements(one) * SINGLE for one in mask if not one.is_float)
        if self.causal:
            added = added + queries.shape[-2] * keys.shape[-2] * SINGLE
        own = scaled_queries + scaled_keys + scores + copied
        if self.dropout:  # what is left out, and what is left
            dropped = (scores // SINGLE if run.setup.kernels == "cuda" else scores) + scores
            scratch, own = scratch + dropped, own + dropped
        scratch = scratch + added
        return Footprint(scratch=scratch, inputs=(2,) if alone else (), own=own)

    def _unmasked(self, run: Run, scores: Dim) -> Dim:
        """Return the bytes with which a GPU looks for rows of scores that are masked as a whole: which of them are
        minus infinity, in which rows all are, and the zero that stands there."""
        if run.setup.kernels != "cuda":
            return 0
        elements = scores // SINGLE
        return elements + elements // run.inputs[1].shape[-2] + SINGLE

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        # The gradient of the weights dP = dO·Vᵀ is on the way to queries, keys and a mask; dV = Pᵀ·dO; then dQ = dS·K
        # and dK = dSᵀ·Q. That fused kernels compute the weights a second time is not counted.
        *around, length, features = inputs[0].shape
        queries, keys, values, *mask = wanted
        summed = outputs[0].shape[-1] * (any((queries, keys, *mask)) + values) + features * (queries + keys)
        return term(summed, (*around, length, inputs[1].shape[-2]))

    def expression(self, *tensors: str) -> str:
        grouped = ", enable_gqa=True" if self.heads != self.kv_heads and not self.repeated else ""
        given = f"{', '.join(tensors)}, is_causal={self.causal}{grouped}"
        return f"functional.scaled_dot_product_attention({given})"

    def describe(self) -> str:
        heads = "1 head" if self.heads == 1 else f"{self.heads} heads"
        return f"attention {heads}" if self.heads == self.kv_heads else f"attention {heads}, {self.kv_heads} shared"
