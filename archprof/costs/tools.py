"""The conventions of other tools, as what they count besides our MACs.

The rule of a tool is what it gives for the module that `archprof.build` returns, in evaluation mode, for one input.
tests/conventions runs the tools; docs/explanation/why-tools-differ.md compares them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from archprof.costs.amounts import (
    ADDITIONS,
    BIAS_PRODUCTS,
    BIASES_ONCE,
    FLOAT_PARTS,
    FROZEN_NORM,
    LEFT_OUT,
    PARTS,
    PRODUCTS,
    SAMPLES,
    SAMPLES_AND_PRODUCTS,
    SUMS,
    TAPS,
    TAPS_AND_DIVISION,
    WEIGHTS_ONCE,
    WHOLE_PARTS,
    WHOLE_PARTS_AND_DIVISION,
    WINDOWS,
    Amount,
    per_channel,
    per_element,
    per_input,
    per_output,
)
from archprof.costs.convention import ARCHPROF, Convention, Price
from archprof.errors import suggest, usage_error


def find_conventions(names: Iterable[str]) -> tuple[Convention, ...]:
    """Return the conventions of these names, each once, a comma lists several; raises UsageError for a name that there
    is not."""
    found: dict[str, Convention] = {}
    for name in (part.strip() for text in names for part in text.split(",")):
        if name.lower() not in CONVENTIONS:
            raise usage_error(f"unknown convention `{name}`", help=suggest(name, CONVENTIONS, "conventions"))
        found[name.lower()] = CONVENTIONS[name.lower()]
    return tuple(found.values())


def _price(label: str, amount: Amount, *operators: str, **when: object) -> Price:
    return Price(label, amount, operators, when)


_Sees = Literal["calls", "modules", "modules and functions"]


def _tool(
    name: str, version: str, call: str, word: str, *prices: Price, unit: str = "MACs", sees: _Sees = "calls"
) -> Convention:
    return Convention(name, version, f"what `{call}` calls {word}", unit, prices, sees)


def _old_thop(name: str, version: str, word: str, *prices: Price) -> Convention:
    """Return the convention of the last release of thop that counted so; its name tells when that was."""
    return _tool(name, version, "thop.profile(model, (x,))", word, *prices, sees="modules")


_CONV_BIAS = _price("bias of convolutions", per_output(1), "Conv2d", bias=True)
_LINEAR_BIAS = _price("bias of linear layers", per_output(1), "Linear", bias=True)
_UNSEEN = _price("deformable convolution, not seen", LEFT_OUT, "DeformConv2d")
_PARTS_OF_2019 = _price("adaptive average pool", WHOLE_PARTS_AND_DIVISION, "AdaptiveAvgPool2d", form="module")
_POOLS_OF_2019 = (_price("average pool", TAPS_AND_DIVISION, "AvgPool2d", form="module"), _PARTS_OF_2019, _UNSEEN)
_POOLS_OF_2020 = (_price("average pool", per_output(1), "AvgPool2d", form="module"), _PARTS_OF_2019, _UNSEEN)
_POOL_MODULES = ("MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d")

_ALL = (
    ARCHPROF,
    _tool(
        "fvcore", "0.1.5.post20221221", "fvcore.nn.FlopCountAnalysis(model, x).total()", "flops",
        _price("batch norm", per_element(2), "BatchNorm2d", affine=True),
        _price("batch norm without affine", per_element(1), "BatchNorm2d", affine=False),
        _price("group norm", per_element(5), "GroupNorm"),
        _price("layer norm", per_element(5), "LayerNorm"),
        _price("adaptive average pool", per_input(1), "AdaptiveAvgPool2d"),
        _price("resizing", per_output(1), "ResizeLike"),
        _price("deformable sampling", SAMPLES, "DeformConv2d"),
    ),
    _tool(
        "ptflops", "0.7.5", "ptflops.get_model_complexity_info(model, shape, backend='pytorch')", "MACs",
        _CONV_BIAS,
        _LINEAR_BIAS,
        _price("batch norm", per_element(2), "BatchNorm2d", affine=True),
        _price("batch norm without affine", per_element(1), "BatchNorm2d", affine=False),
        _price("group norm", per_element(2), "GroupNorm"),
        _price("layer norm, channels last", per_element(1), "LayerNorm", channels_last=True),
        _price("ReLU", per_element(2), "ReLU", form="module"),
        _price("ReLU", per_element(1), "ReLU", form="function"),
        _price("ReLU6", per_element(1), "ReLU6"),
        _price("SiLU", per_element(1), "SiLU"),
        _price("GELU", per_element(2), "GELU", form="module"),
        _price("GELU", per_element(1), "GELU", form="function"),
        _price("pool", per_input(2), *_POOL_MODULES, form="module"),
        _price("pool", per_input(1), *_POOL_MODULES, form="function"),
        _price("resizing", per_output(1), "ResizeLike"),
        _UNSEEN,
        sees="modules and functions",
    ),
    _tool(
        "ptflops-aten", "0.7.5", "ptflops.get_model_complexity_info(model, shape, backend='aten')", "MACs",
        _CONV_BIAS,
        _LINEAR_BIAS,
    ),
    _tool(
        "thop", "0.1.1.post2209072238", "thop.profile(model, (x,))", "macs",
        _price("batch norm", per_element(4), "BatchNorm2d", affine=True),
        _price("batch norm without affine", per_element(2), "BatchNorm2d", affine=False),
        _price("layer norm, channels last", per_element(4), "LayerNorm", channels_last=True),
        _price("average pool", per_output(1), "AvgPool2d", form="module"),
        _price("adaptive average pool", FLOAT_PARTS, "AdaptiveAvgPool2d", form="module"),
        _UNSEEN,
        sees="modules",
    ),
    _old_thop(
        "thop-2019-07", "0.0.23.post1907011323", "flops",
        _price("called again, not counted", LEFT_OUT, again=True),
        _price("bias of convolutions", BIAS_PRODUCTS, "Conv2d", bias=True, again=False),
        _price("additions of linear layers", SUMS, "Linear", again=False),
        _price("batch norm", per_element(4), "BatchNorm2d", again=False),
        _price("ReLU, ReLU6", per_element(1), "ReLU", "ReLU6", form="module", again=False),
        _price("max pool", TAPS, "MaxPool2d", form="module", again=False),
        _price("adaptive max pool", WHOLE_PARTS, "AdaptiveMaxPool2d", form="module", again=False),
        _price("average pool", TAPS_AND_DIVISION, "AvgPool2d", form="module", again=False),
        _price("adaptive average pool", WHOLE_PARTS_AND_DIVISION, "AdaptiveAvgPool2d", form="module", again=False),
        _price("deformable convolution, not seen", LEFT_OUT, "DeformConv2d", again=False),
    ),
    _old_thop(
        "thop-2019-09", "0.0.31.post1909230639", "flops",
        _CONV_BIAS,
        _price("additions of linear layers", SUMS, "Linear"),
        _price("batch norm", per_element(4), "BatchNorm2d"),
        *_POOLS_OF_2019,
    ),
    _old_thop(
        "thop-2019-12", "0.0.31.post1912272122", "flops",
        _CONV_BIAS,
        _price("additions of linear layers", SUMS, "Linear"),
        _LINEAR_BIAS,
        _price("batch norm", per_element(4), "BatchNorm2d"),
        *_POOLS_OF_2019,
    ),
    _old_thop(
        "thop-2020-01", "0.0.31.post2001170342", "macs",
        _CONV_BIAS,
        _price("additions of linear layers", SUMS, "Linear"),
        _LINEAR_BIAS,
        _price("batch norm", per_element(2), "BatchNorm2d"),
        *_POOLS_OF_2020,
    ),
    _old_thop(
        "thop-2020-09", "0.0.4.post2009191310", "macs",
        _CONV_BIAS,
        _price("batch norm", per_element(2), "BatchNorm2d"),
        *_POOLS_OF_2020,
    ),
    _tool(
        "ultralytics-thop", "2.2.3", "thop.profile(model, (x,))", "macs",
        _price("batch norm", per_element(4), "BatchNorm2d", affine=True),
        _price("batch norm without affine", per_element(2), "BatchNorm2d", affine=False),
        _price("group norm", per_element(4), "GroupNorm"),
        _price("layer norm", per_element(4), "LayerNorm"),
        _price("average pool", WINDOWS, "AvgPool2d", form="module"),
        _price("adaptive average pool", PARTS, "AdaptiveAvgPool2d", form="module"),
        _UNSEEN,
        sees="modules",
    ),
    _tool(
        "torchinfo", "1.8.0", "torchinfo.summary(model, shape).total_mult_adds", "mult-adds",
        _CONV_BIAS,
        _price("bias of linear layers", BIASES_ONCE, "Linear"),
        _price("linear layers on maps", WEIGHTS_ONCE, "Linear"),
        _price("batch norm", per_channel(2), "BatchNorm2d", affine=True),
        _price("group norm, layer norm", per_channel(2), "GroupNorm", "LayerNorm"),
        _price("layer scale", per_channel(1), "LayerScale"),
        sees="modules",
    ),
    _tool(
        "torchsummaryx", "1.3.0", "torchsummaryX.summary(model, x)", "Mult-Adds",
        _price("linear layers on maps", WEIGHTS_ONCE, "Linear", frozen=False),
        _price("batch norm", per_channel(1), "BatchNorm2d", affine=True, frozen=False),
        _price("group norm, layer norm", per_channel(1), "GroupNorm", "LayerNorm", frozen=False),
        _price("layer scale", per_channel(1), "LayerScale", frozen=False),
        _price("frozen layers, left out", LEFT_OUT, "Conv2d", "Linear", "DeformConv2d", frozen=True),
        sees="modules",
    ),
    _tool(
        "torchprofile", "0.1.0", "torchprofile.profile_macs(model, x)", "MACs",
        _price("batch norm", per_element(1), "BatchNorm2d", affine=True),
        _price("frozen batch norm", FROZEN_NORM, "FrozenBatchNorm2d"),
        _price("group norm", per_element(1), "GroupNorm"),
        _price("layer norm", per_element(1), "LayerNorm"),
        _price("layer scale", per_element(1), "LayerScale"),
        _price("swish", per_element(1), "Swish", learnable=False),
        _price("swish with a learned β", per_element(2), "Swish", learnable=True),
        _price("pool", per_output(1), "AvgPool2d", "AdaptiveAvgPool2d", "Mean"),
        _price("gates", PRODUCTS, "Multiply"),
        _price("deformable sampling", SAMPLES_AND_PRODUCTS, "DeformConv2d"),
    ),
    _tool(
        "torch", "2.13.0", "torch.utils.flop_counter.FlopCounterMode", "FLOPs",
        _price("additions", ADDITIONS),
        unit="FLOPs",
    ),
)  # fmt: skip
CONVENTIONS: Mapping[str, Convention] = {convention.name: convention for convention in _ALL}
