"""The conventions of other tools, as what they count besides our MACs.

The rule of a tool is what it gives for the module that `archprof.build` returns, in evaluation mode, for one input.
tests/conventions runs the tools; docs/explanation/why-tools-differ.md compares them.
"""

from collections.abc import Iterable, Mapping

from archprof.costs.amounts import (
    ADDITIONS,
    BIAS_ONCE,
    BIAS_PRODUCTS,
    BIASES_BY_IMAGE,
    BY_OUTPUT,
    BY_OUTPUT_OF_GROUPS,
    CHANNELS,
    EINSUM,
    EINSUM_PRINTED,
    ELEMENTS_AND_CHANNELS,
    FLOAT_PARTS,
    FROZEN_NORM,
    HELD_BY_IMAGE,
    HELD_BY_POSITION,
    LEFT_OUT,
    PARTS,
    PRODUCTS,
    SAMPLES,
    SAMPLES_AND_PRODUCTS,
    SOFTMAX,
    SOFTMAX_AND_SCALE,
    SOFTMAX_OF_ATTENTION,
    SUMS,
    TAPS,
    TAPS_AND_DIVISION,
    TURNING,
    WEIGHTS_BY_IMAGE,
    WEIGHTS_ONCE,
    WHOLE_PARTS,
    WHOLE_PARTS_AND_DIVISION,
    WINDOWS,
    Amount,
    per_element,
    per_input,
    per_output,
    per_weight,
)
from archprof.costs.convention import ARCHPROF, Convention, Sees
from archprof.costs.price import ATTENTION, LINEAR, MATRIX_PRODUCTS, Price
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


def _tool(
    name: str,
    version: str,
    call: str,
    word: str,
    *prices: Price,
    unit: str = "MACs",
    sees: Sees = "calls",
    products: Iterable[str] = (),
    unknown: Iterable[str] = (),
    wholes: Iterable[str] = (),
    recorded: bool = False,
) -> Convention:
    text = f"what `{call}` calls {word}"
    return Convention(
        name,
        version,
        text,
        unit,
        prices,
        sees,
        frozenset(products),
        frozenset(unknown),
        frozenset(wholes),
        recorded,
    )


def _old_thop(name: str, version: str, word: str, *prices: Price) -> Convention:
    """Return the convention of the last release of thop that counted so; its name tells when that was."""
    return _tool(
        name, version, "thop.profile(model, (x,))", word, *prices, sees="modules", products=("Conv2d", "Linear"),
        unknown=_RARE_OF_2019, recorded=True,
    )  # fmt: skip


# Operators that multiply, as prices call them, and classes of torch.
_FLAT_CONVS = ("Conv1d", "Conv2d", "Conv3d")
_TRANSPOSED = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
_CONVOLUTIONS = (
    *(*_FLAT_CONVS, *_TRANSPOSED, "conv1d", "conv2d", "conv3d", "convolution", "_convolution"),
    *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
)
_CELLS = ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
_RECURRENT = ("RNN", "GRU", "LSTM", "lstm", "gru", "rnn_tanh", "rnn_relu", *_CELLS)
_RECURRENT_CLASSES = ("RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell")
_EINSUM = ("Einsum", "einsum")
# What `build` writes by functions, in classes of its own.
_OUR_CONVOLUTIONS = ("Conv2dSame", "Conv1dCausal", "StdConv2d", "ChannelConv", "BlurPool2d", "FourierPositions")
_OUR_ATTENTION = ("LinearAttention", "CrossCovarianceAttention")
# What tools that look at torch's operators see of both, and count as we do.
_ATEN_PRODUCTS = (
    *_CONVOLUTIONS, *LINEAR, *MATRIX_PRODUCTS, "addmm", "Einsum", *_OUR_CONVOLUTIONS, *_OUR_ATTENTION,
)  # fmt: skip
# Norms, pools and resizing, likewise.
_BATCH_NORM = ("BatchNorm2d", "batch_norm")
_GROUP_NORM = ("GroupNorm", "group_norm")
_LAYER_NORM = ("LayerNorm", "layer_norm")
_INSTANCE_NORM = ("InstanceNorm", "instance_norm")
_BATCH_NORM_CLASSES = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
_INSTANCE_NORM_CLASSES = ("InstanceNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
_AVG_POOLS = ("AvgPool2d", "avg_pool1d", "avg_pool2d", "avg_pool3d")
_ADAPTIVE_AVG_POOLS = ("AdaptiveAvgPool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
_MAX_POOLS = (
    *("MaxPool2d", "max_pool1d", "max_pool2d", "max_pool3d"),
    *("AdaptiveMaxPool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
)
_POOLS = (*_MAX_POOLS, *_AVG_POOLS, *_ADAPTIVE_AVG_POOLS)
_RESIZING = ("Interpolate", "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d")
_CONV_BIAS = _price("bias of convolutions", per_output(1), *_CONVOLUTIONS, biased=True)
_LINEAR_BIAS = _price("bias of linear layers", per_output(1), *LINEAR, biased=True)
# Convolutions in classes that are not torch's.
_HIDDEN = ("DeformConv2d", "DynamicConv2d", "BlurPool2d")
_UNSEEN = _price("convolutions in other classes, not seen", LEFT_OUT, *_HIDDEN)
_WITHOUT_WEIGHTS = _price("convolutions without weights, not seen", LEFT_OUT, "DynamicConv2d", "BlurPool2d")
_PARTS_OF_2019 = _price("adaptive average pool", WHOLE_PARTS_AND_DIVISION, "AdaptiveAvgPool2d", form="module")
_POOLS_OF_2019 = (_price("average pool", TAPS_AND_DIVISION, "AvgPool2d", form="module"), _PARTS_OF_2019, _UNSEEN)
_POOLS_OF_2020 = (_price("average pool", per_output(1), "AvgPool2d", form="module"), _PARTS_OF_2019, _UNSEEN)
# It counts timm's attention as a whole too, and so leaves out the linear layers in it.
_PTFLOPS_WHOLES = ("nn.MultiheadAttention", "timm.layers.attention.Attention")
# Classes for which the older releases of thop have a rule that is not followed here.
_RARE_OF_2019 = (
    *("Conv1d", "Conv3d", *_TRANSPOSED, *_RECURRENT_CLASSES, "BatchNorm3d", "LeakyReLU", "MaxPool1d", "MaxPool3d"),
    *("AdaptiveMaxPool1d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool3d"),
    *("Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"),
)

_ALL = (
    ARCHPROF,
    _tool(
        "fvcore", "0.1.5.post20221221", "fvcore.nn.FlopCountAnalysis(model, x).total()", "flops",
        _price("batch norm", per_element(2), *_BATCH_NORM, learned=True),
        _price("batch norm without affine", per_element(1), *_BATCH_NORM, learned=False),
        _price("group norm", per_element(5), *_GROUP_NORM, learned=True),
        _price("group norm without affine", per_element(4), *_GROUP_NORM, learned=False),
        _price("layer norm", per_element(5), *_LAYER_NORM, learned=True),
        _price("layer norm without affine", per_element(4), *_LAYER_NORM, learned=False),
        _price("instance norm", per_element(5), *_INSTANCE_NORM, learned=True),
        _price("instance norm without affine", per_element(4), *_INSTANCE_NORM, learned=False),
        _price("adaptive average pool", per_input(1), "AdaptiveAvgPool2d", "adaptive_avg_pool2d"),
        _price("resizing", per_output(1), "upsample_nearest2d"),
        _price("bilinear resizing, sampling", per_output(4), "upsample_bilinear2d", "GridSample"),
        _price("deformable sampling", SAMPLES, "DeformConv2d"),
        _price("standard weights", per_weight(4), "StdConv2d", scaled=False),
        _price("scaled standard weights", per_weight(5), "StdConv2d", scaled=True),
        _price("rounding of sums of products", EINSUM_PRINTED, "Einsum"),
        products=(*_ATEN_PRODUCTS, "TalkingHeadsAttention"),
        unknown=("einsum", "training batch_norm"),
    ),
    _tool(
        "ptflops", "0.7.5", "ptflops.get_model_complexity_info(model, shape, backend='pytorch')", "MACs",
        _CONV_BIAS,
        _price("bias of linear layers", per_output(1), *LINEAR, biased=True, form=("module", "function")),
        _price("bias of products that are called", BIAS_ONCE, "Linear", biased=True, form="method"),
        _price("batch norm", per_element(2), *_BATCH_NORM, learned=True, own=_BATCH_NORM_CLASSES),
        _price("batch norm without affine", per_element(1), *_BATCH_NORM, learned=False, own=_BATCH_NORM_CLASSES),
        _price("group norm", per_element(2), *_GROUP_NORM, learned=True, own="GroupNorm"),
        _price("group norm without affine", per_element(1), *_GROUP_NORM, learned=False, own="GroupNorm"),
        _price("layer norm, channels last", per_element(1), "LayerNorm", channels_last=True, own="LayerNorm"),
        _price("layer norm", per_element(1), "layer_norm", own="LayerNorm"),
        _price("instance norm", per_element(2), *_INSTANCE_NORM, learned=True, own=_INSTANCE_NORM_CLASSES),
        _price("instance norm", per_element(1), *_INSTANCE_NORM, learned=False, own=_INSTANCE_NORM_CLASSES),
        _price("ReLU", per_element(2), "ReLU", own="ReLU"),
        _price("ReLU", per_element(1), "ReLU", form="function"),
        _price("ReLU6", per_element(1), "ReLU6", own="ReLU6"),
        _price("leaky ReLU", per_element(1), "leaky_relu", "LeakyReLU", own="LeakyReLU"),
        _price("ELU", per_element(2), "ELU", "elu", own="ELU"),
        _price("ReLU inside", per_element(1), "StarReLU"),
        _price("sums inside", CHANNELS, "FilterResponseNorm"),
        _price("SiLU", per_element(1), "SiLU"),
        _price("GELU", per_element(2), "GELU", "GELUTanh", "gelu", own=("GELU", "GELUTanh")),
        _price("GELU", per_element(1), "GELU", "GELUTanh", "gelu", form="function"),
        _price("softmax", per_element(1), "Softmax", "softmax", form=("module", "function")),
        _price("softmax and scaling in attention", SOFTMAX_AND_SCALE, *ATTENTION, around=_PTFLOPS_WHOLES),
        _price("pool", per_input(2), *_POOLS, form="module"),
        _price("pool", per_input(1), *_POOLS, form=("method", "function")),
        _price("resizing", per_output(2), *_RESIZING, own="Upsample"),
        _price("resizing", per_output(1), *_RESIZING, form="function"),
        _price("sums and products that are called", per_output(1), "Add", "add", "Multiply", "mul", form="method"),
        _UNSEEN,
        sees="modules and functions",
        products=(*_FLAT_CONVS, *_TRANSPOSED, "Linear", *MATRIX_PRODUCTS),
        unknown=(*_RECURRENT_CLASSES, "PReLU", "prelu", "elu", "addmm", "baddbmm", "EvoNorm", "LinearAttention"),
        wholes=_PTFLOPS_WHOLES,
    ),
    _tool(
        "ptflops-aten", "0.7.5", "ptflops.get_model_complexity_info(model, shape, backend='aten')", "MACs",
        _price("bias of convolutions", per_output(1), *_CONVOLUTIONS, *_OUR_CONVOLUTIONS, biased=True),
        _LINEAR_BIAS,
        products=_ATEN_PRODUCTS,
        # Whether it sees these depends on how tensors lie in memory.
        unknown=(
            *_RECURRENT, "einsum", "attention in parts", "biased linear of positions", "TalkingHeadsAttention",
        ),
    ),
    _tool(
        "thop", "0.1.1.post2209072238", "thop.profile(model, (x,))", "macs",
        _price("batch norm", per_element(4), *_BATCH_NORM, learned=True),
        _price("batch norm without affine", per_element(2), *_BATCH_NORM, learned=False),
        _price("layer norm, channels last", per_element(4), "LayerNorm", channels_last=True, learned=True),
        _price("layer norm without affine", per_element(2), *_LAYER_NORM, learned=False),
        _price("instance norm", per_element(4), *_INSTANCE_NORM, learned=True),
        _price("instance norm without affine", per_element(2), *_INSTANCE_NORM, learned=False),
        _price("average pool", per_output(1), *_AVG_POOLS, form="module"),
        _price("adaptive average pool", FLOAT_PARTS, *_ADAPTIVE_AVG_POOLS, form="module"),
        _price("softmax", SOFTMAX, "Softmax", own="Softmax"),
        _price("PReLU", per_element(1), "prelu"),
        _price("resizing", per_output(1), "upsample_nearest2d", form="module"),
        _price("bilinear resizing", per_output(11), "upsample_bilinear2d", form="module"),
        _price("bicubic resizing", per_output(259), "upsample_bicubic2d", form="module"),
        _price("transposed convolutions", BY_OUTPUT_OF_GROUPS, *_TRANSPOSED),
        _UNSEEN,
        sees="modules",
        products=(*_FLAT_CONVS, *_TRANSPOSED, "Linear"),
        unknown=(*_RECURRENT_CLASSES, "PReLU"),
    ),
    _old_thop(
        "thop-2019-07", "0.0.23.post1907011323", "flops",
        _price("called again, not counted", LEFT_OUT, again=True),
        _price("bias of convolutions", BIAS_PRODUCTS, "Conv2d", bias=True, again=False),
        _price("additions of linear layers", SUMS, "Linear", again=False),
        _price("batch norm", per_element(4), "BatchNorm2d", again=False),
        _price("ReLU, ReLU6", per_element(1), "ReLU", "ReLU6", own=("ReLU", "ReLU6"), again=False),
        _price("max pool", TAPS, "MaxPool2d", form="module", again=False),
        _price("adaptive max pool", WHOLE_PARTS, "AdaptiveMaxPool2d", form="module", again=False),
        _price("average pool", TAPS_AND_DIVISION, "AvgPool2d", form="module", again=False),
        _price("adaptive average pool", WHOLE_PARTS_AND_DIVISION, "AdaptiveAvgPool2d", form="module", again=False),
        _price("convolutions in other classes, not seen", LEFT_OUT, *_HIDDEN, again=False),
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
        _price("batch norm", per_element(4), *_BATCH_NORM, learned=True),
        _price("batch norm without affine", per_element(2), *_BATCH_NORM, learned=False),
        _price("group norm", per_element(4), "GroupNorm", learned=True, base="GroupNorm"),
        _price("group norm without affine", per_element(2), *_GROUP_NORM, learned=False, base="GroupNorm"),
        _price("layer norm", per_element(4), "LayerNorm", learned=True, base="LayerNorm"),
        _price("layer norm without affine", per_element(2), *_LAYER_NORM, learned=False, base="LayerNorm"),
        _price("rms norm", per_element(4), "RMSNorm", base="RMSNorm"),
        _price("instance norm", per_element(4), *_INSTANCE_NORM, learned=True),
        _price("instance norm without affine", per_element(2), *_INSTANCE_NORM, learned=False),
        _price("softmax", SOFTMAX, "Softmax", base="Softmax"),
        _price("softmax of attention", SOFTMAX_OF_ATTENTION, *ATTENTION, base="MultiheadAttention"),
        _price("average pool", WINDOWS, "AvgPool2d", form="module"),
        _price("adaptive average pool", PARTS, "AdaptiveAvgPool2d", form="module"),
        _price("PReLU", per_element(1), "prelu"),
        _price("bilinear resizing", per_output(11), "upsample_bilinear2d", base="Upsample"),
        _UNSEEN,
        sees="kinds of modules",
        products=(*_FLAT_CONVS, *LINEAR, "MatMul", "matmul", "bmm", "Einsum", *ATTENTION, "MultiheadAttention"),
        unknown=(
            *(*_TRANSPOSED, *_RECURRENT_CLASSES, "Bilinear", "AvgPool1d", "AvgPool3d", "AdaptiveAvgPool1d"),
            *("AdaptiveAvgPool3d", "LogSoftmax", "Softmin", "Softmax2d"),
        ),
        recorded=True,
    ),
    _tool(
        "torchinfo", "1.8.0", "torchinfo.summary(model, shape).total_mult_adds", "mult-adds",
        _price("bias of convolutions", HELD_BY_POSITION, conv=True),
        _price("bias of linear layers", BIASES_BY_IMAGE, "Linear", conv=False),
        _price("linear layers on maps", WEIGHTS_BY_IMAGE, "Linear", conv=False),
        _price("batch norm", HELD_BY_IMAGE, "BatchNorm2d", conv=False),
        _price("group norm, layer norm", HELD_BY_IMAGE, "GroupNorm", "LayerNorm", conv=False),
        _price("layer scale", HELD_BY_IMAGE, "LayerScale", conv=False),
        _price("other layers", HELD_BY_IMAGE, named=False, conv=False),
        sees="leaves",
    ),
    _tool(
        "torchsummaryx", "1.3.0", "torchsummaryX.summary(model, x)", "Mult-Adds",
        _price("linear layers on maps", WEIGHTS_ONCE, "Linear", frozen=False, conv=False),
        _price("batch norm", WEIGHTS_ONCE, "BatchNorm2d", frozen=False, conv=False),
        _price("group norm, layer norm", WEIGHTS_ONCE, "GroupNorm", "LayerNorm", frozen=False, conv=False),
        _price("layer scale", WEIGHTS_ONCE, "LayerScale", frozen=False),
        _price("other layers", WEIGHTS_ONCE, named=False, frozen=False, conv=False),
        _price("frozen layers, left out", LEFT_OUT, frozen=True),
        _WITHOUT_WEIGHTS,
        sees="leaves",
        recorded=True,
    ),
    _tool(
        "torchprofile", "0.1.0", "torchprofile.profile_macs(model, x)", "MACs",
        _price("batch norm", per_element(1), *_BATCH_NORM, learned=True),
        _price("frozen batch norm", FROZEN_NORM, "FrozenBatchNorm2d"),
        _price("group norm", per_element(1), *_GROUP_NORM, learned=True),
        _price("layer norm", per_element(1), *_LAYER_NORM, learned=True),
        _price("instance norm", per_element(1), *_INSTANCE_NORM, learned=True),
        _price("layer scale", per_element(1), "LayerScale", "LearnedScale"),
        _price("swish", per_element(1), "Swish", learnable=False),
        _price("swish with a learned β", per_element(2), "Swish", learnable=True),
        _price("quick GELU", per_element(2), "QuickGELU"),
        _price("products of activations and scales", per_element(1), "StarReLU", "Scale", "L2Norm"),
        _price("EvoNorm", per_element(3), "EvoNorm", act=True),
        _price("EvoNorm without activation", per_element(1), "EvoNorm", act=False),
        _price("filter response norm", ELEMENTS_AND_CHANNELS, "FilterResponseNorm"),
        _price("pool", per_output(1), *_AVG_POOLS, *_ADAPTIVE_AVG_POOLS, "Mean", "mean"),
        _price("gates", PRODUCTS, "Multiply"),
        _price("products", per_output(1), "mul"),
        _price("rotary positions", TURNING, "RotaryPositions"),
        _price("bilinear resizing", per_output(4), "upsample_bilinear2d"),
        _price("deformable sampling", SAMPLES_AND_PRODUCTS, "DeformConv2d"),
        _price("sums of products", EINSUM, "Einsum"),
        _price("transposed convolutions", BY_OUTPUT, *_TRANSPOSED),
        products=(
            *(*_CONVOLUTIONS, *LINEAR, *MATRIX_PRODUCTS, "addmm", "addmv", "baddbmm", *ATTENTION, "LSTM", "lstm"),
            *("Einsum", "BlurPool2d", "ChannelConv", "Conv1dCausal"),
        ),
        unknown=(
            *("einsum", "GridSample", "grid_sampler_2d", "training batch_norm", "leaky_relu", "merging reshape"),
            # They multiply sizes, weights or what is added to scores, besides.
            *("HeadAttention", *_OUR_ATTENTION, "TalkingHeadsAttention", "FourierPositions", "Conv2dSame", "StdConv2d"),
            "GlobalResponseNorm",
            "LeakyReLU",  # not seen where it runs in place
        ),
    ),
    _tool(
        "torch", "2.13.0", "torch.utils.flop_counter.FlopCounterMode", "FLOPs",
        _price("additions", ADDITIONS),
        unit="FLOPs",
        products=(
            *(*_CONVOLUTIONS, *LINEAR, *MATRIX_PRODUCTS, "addmm", "baddbmm", "_scaled_mm", *ATTENTION, *_EINSUM),
        ),
        unknown=_RECURRENT,
    ),
)  # fmt: skip
CONVENTIONS: Mapping[str, Convention] = {convention.name: convention for convention in _ALL}
