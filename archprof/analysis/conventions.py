"""What is counted, under a name and a version: our own rule, and those of other tools as what they count besides our
MACs.

The rule of a tool is what it gives for the module that `archprof.build` returns, in evaluation mode, for one input.
tests/conventions runs the tools; docs/explanation/why-tools-differ.md compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from archprof.analysis.amounts import (
    ADDITIONS,
    BIASES_ONCE,
    FLOAT_PARTS,
    FROZEN_NORM,
    LEFT_OUT,
    PARTS,
    PRODUCTS,
    SAMPLES,
    SAMPLES_AND_PRODUCTS,
    WEIGHTS_ONCE,
    WINDOWS,
    Amount,
    per_channel,
    per_element,
    per_input,
    per_output,
)
from archprof.errors import Problem, UsageError, suggest
from archprof.graph.operators.act import GELU, ReLU, ReLU6, SiLU, Swish
from archprof.graph.operators.base import Operator
from archprof.graph.operators.conv import Conv2d, Linear
from archprof.graph.operators.deform import DeformConv2d
from archprof.graph.operators.norm import BatchNorm2d, FrozenBatchNorm2d, GroupNorm, LayerNorm, LayerScale
from archprof.graph.operators.pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d, Mean
from archprof.graph.operators.shape import Multiply, ResizeLike

if TYPE_CHECKING:
    from archprof.analysis.report import Report, Row


class Term(NamedTuple):
    """What a tool counts for some operators besides their MACs; *when* narrows them down, by their fields, their form,
    or whether they are frozen."""

    label: str
    amount: Amount
    operators: tuple[type[Operator], ...]
    when: Mapping[str, object]

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that the term is about."""
        return [
            row
            for row in rows
            if isinstance(row.operator, self.operators)
            and all(_said(row, name) == self.when[name] for name in self.when)
        ]

    def count(self, rows: Iterable[Row]) -> int:
        """Return what the tool counts for rows besides their MACs."""
        return sum(map(self.amount.of, self.rows(rows)))


class Convention(NamedTuple):
    """A named rule of counting: our MACs, and the terms on top. *version* is that of the tool that it follows, *unit*
    what it counts."""

    name: str
    version: int | str
    text: str
    unit: str = "MACs"
    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def _said(row: Row, name: str) -> object:
    if name == "frozen":
        # A module that is applied again has its parameters in its first row.
        return row.cost.trainable < row.cost.params
    return row.form if name == "form" else getattr(row.operator, name)


def convention_row(row: Row, convention: Convention) -> int:
    """Return what an operator counts under a convention, in its unit."""
    return convention_sum((row,), convention)


def convention_total(report: Report, convention: Convention) -> int:
    """Return what a network counts under a convention, in its unit."""
    return convention_sum(report.rows, convention)


def convention_sum(rows: Sequence[Row], convention: Convention) -> int:
    """Return what operators count together under a convention, in its unit."""
    return sum(row.cost.macs for row in rows) + sum(term.count(rows) for term in convention.terms)


def find_conventions(names: Iterable[str]) -> tuple[Convention, ...]:
    """Return the conventions of these names, each once, a comma lists several; raises UsageError for a name that there
    is not."""
    found: dict[str, Convention] = {}
    for name in (part.strip() for text in names for part in text.split(",")):
        if name.lower() not in CONVENTIONS:
            raise UsageError([Problem(f"unknown convention `{name}`", help=suggest(name, CONVENTIONS, "conventions"))])
        found[name.lower()] = CONVENTIONS[name.lower()]
    return tuple(found.values())


def _term(label: str, amount: Amount, *operators: type[Operator], **when: object) -> Term:
    return Term(label, amount, operators, when)


def _tool(name: str, version: str, call: str, word: str, *terms: Term, unit: str = "MACs") -> Convention:
    return Convention(name, version, f"what `{call}` calls {word}", unit, terms)


_CONV_BIAS = _term("bias of convolutions", per_output(1), Conv2d, bias=True)
_LINEAR_BIAS = _term("bias of linear layers", per_output(1), Linear, bias=True)
_UNSEEN = _term("deformable convolution, not seen", LEFT_OUT, DeformConv2d)
_POOL_MODULES = (MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, AdaptiveMaxPool2d)

ARCHPROF = Convention("archprof", 1, "MACs of convolutions and linear layers, bias not counted; batch 1, inference")

_ALL = (
    ARCHPROF,
    _tool(
        "fvcore", "0.1.5.post20221221", "fvcore.nn.FlopCountAnalysis(model, x).total()", "flops",
        _term("batch norm", per_element(2), BatchNorm2d, affine=True),
        _term("batch norm without affine", per_element(1), BatchNorm2d, affine=False),
        _term("group norm", per_element(5), GroupNorm),
        _term("layer norm", per_element(5), LayerNorm),
        _term("adaptive average pool", per_input(1), AdaptiveAvgPool2d),
        _term("resizing", per_output(1), ResizeLike),
        _term("deformable sampling", SAMPLES, DeformConv2d),
    ),
    _tool(
        "ptflops", "0.7.5", "ptflops.get_model_complexity_info(model, shape, backend='pytorch')", "MACs",
        _CONV_BIAS,
        _LINEAR_BIAS,
        _term("batch norm", per_element(2), BatchNorm2d, affine=True),
        _term("batch norm without affine", per_element(1), BatchNorm2d, affine=False),
        _term("group norm", per_element(2), GroupNorm),
        _term("layer norm, channels last", per_element(1), LayerNorm, channels_last=True),
        _term("ReLU", per_element(2), ReLU, form="module"),
        _term("ReLU", per_element(1), ReLU, form="function"),
        _term("ReLU6", per_element(1), ReLU6),
        _term("SiLU", per_element(1), SiLU),
        _term("GELU", per_element(2), GELU, form="module"),
        _term("GELU", per_element(1), GELU, form="function"),
        _term("pool", per_input(2), *_POOL_MODULES, form="module"),
        _term("pool", per_input(1), *_POOL_MODULES, form="function"),
        _term("resizing", per_output(1), ResizeLike),
        _UNSEEN,
    ),
    _tool("ptflops-aten", "0.7.5", "ptflops.get_model_complexity_info(model, shape, backend='aten')", "MACs", _CONV_BIAS, _LINEAR_BIAS),
    _tool(
        "thop", "0.1.1.post2209072238", "thop.profile(model, (x,))", "macs",
        _term("batch norm", per_element(4), BatchNorm2d, affine=True),
        _term("batch norm without affine", per_element(2), BatchNorm2d, affine=False),
        _term("layer norm, channels last", per_element(4), LayerNorm, channels_last=True),
        _term("average pool", per_output(1), AvgPool2d, form="module"),
        _term("adaptive average pool", FLOAT_PARTS, AdaptiveAvgPool2d, form="module"),
        _UNSEEN,
    ),
    _tool(
        "ultralytics-thop", "2.2.3", "thop.profile(model, (x,))", "macs",
        _term("batch norm", per_element(4), BatchNorm2d, affine=True),
        _term("batch norm without affine", per_element(2), BatchNorm2d, affine=False),
        _term("group norm", per_element(4), GroupNorm),
        _term("layer norm", per_element(4), LayerNorm),
        _term("average pool", WINDOWS, AvgPool2d, form="module"),
        _term("adaptive average pool", PARTS, AdaptiveAvgPool2d, form="module"),
        _UNSEEN,
    ),
    _tool(
        "torchinfo", "1.8.0", "torchinfo.summary(model, shape).total_mult_adds", "mult-adds",
        _CONV_BIAS,
        _term("bias of linear layers", BIASES_ONCE, Linear),
        _term("linear layers on maps", WEIGHTS_ONCE, Linear),
        _term("batch norm", per_channel(2), BatchNorm2d, affine=True),
        _term("group norm, layer norm", per_channel(2), GroupNorm, LayerNorm),
        _term("layer scale", per_channel(1), LayerScale),
    ),
    _tool(
        "torchsummaryx", "1.3.0", "torchsummaryX.summary(model, x)", "Mult-Adds",
        _term("linear layers on maps", WEIGHTS_ONCE, Linear, frozen=False),
        _term("batch norm", per_channel(1), BatchNorm2d, affine=True, frozen=False),
        _term("group norm, layer norm", per_channel(1), GroupNorm, LayerNorm, frozen=False),
        _term("layer scale", per_channel(1), LayerScale, frozen=False),
        _term("frozen layers, left out", LEFT_OUT, Conv2d, Linear, DeformConv2d, frozen=True),
    ),
    _tool(
        "torchprofile", "0.1.0", "torchprofile.profile_macs(model, x)", "MACs",
        _term("batch norm", per_element(1), BatchNorm2d, affine=True),
        _term("frozen batch norm", FROZEN_NORM, FrozenBatchNorm2d),
        _term("group norm", per_element(1), GroupNorm),
        _term("layer norm", per_element(1), LayerNorm),
        _term("layer scale", per_element(1), LayerScale),
        _term("swish", per_element(1), Swish, learnable=False),
        _term("swish with a learned β", per_element(2), Swish, learnable=True),
        _term("pool", per_output(1), AvgPool2d, AdaptiveAvgPool2d, Mean),
        _term("gates", PRODUCTS, Multiply),
        _term("deformable sampling", SAMPLES_AND_PRODUCTS, DeformConv2d),
    ),
    _tool("torch", "2.13.0", "torch.utils.flop_counter.FlopCounterMode", "FLOPs", _term("additions", ADDITIONS, Operator), unit="FLOPs"),
)  # fmt: skip
CONVENTIONS: Mapping[str, Convention] = {convention.name: convention for convention in _ALL}
