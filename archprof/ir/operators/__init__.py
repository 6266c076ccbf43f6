"""All operators, in two explicit tables; a class is imported when something names it."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from archprof.ir.operators.base import Operator
from archprof.named_tuple import NamedTuple


class Listed(NamedTuple):
    """An operator's place in the table: its name in specs, `module:Class` in this folder, and other spellings."""

    name: str
    place: str
    spellings: tuple[str, ...] = ()


# Where two operators share a name in specs (average pooling by window and to a size), the later one chooses.
TABLE = (
    Listed("conv2d", "conv_same:Conv2dSame"),
    Listed("conv2d", "conv:Conv2d", ("Conv2d",)),
    Listed("conv1d", "conv_ranks:Conv1dCausal"),
    Listed("conv1d", "conv_ranks:Conv1d", ("Conv1d",)),
    Listed("conv3d", "conv_ranks:Conv3d", ("Conv3d",)),
    Listed("conv_transpose1d", "conv_transpose:ConvTranspose1d", ("ConvTranspose1d",)),
    Listed("conv_transpose3d", "conv_transpose:ConvTranspose3d", ("ConvTranspose3d",)),
    Listed("conv_transpose", "conv_transpose:ConvTranspose2d", ("conv_transpose2d", "deconv", "ConvTranspose2d")),
    Listed("std_conv2d", "std_conv:StdConv2d"),
    Listed("linear", "linear:Linear"),
    Listed("deform_conv2d", "deform:DeformConv2d"),
    Listed("dynamic_conv", "dynamic_conv:DynamicConv2d"),
    Listed("channel_conv", "channel_conv:ChannelConv"),
    Listed("batch_norm", "batch_norm:BatchNorm2d", ("bn", "BatchNorm2d")),
    Listed("frozen_batch_norm", "frozen_batch_norm:FrozenBatchNorm2d"),
    Listed("group_norm", "norm:GroupNorm", ("gn", "GroupNorm")),
    Listed("layer_norm", "norm:LayerNorm", ("ln", "LayerNorm")),
    Listed("instance_norm", "norm_others:InstanceNorm", ("InstanceNorm2d",)),
    Listed("rms_norm", "norm_others:RMSNorm", ("RMSNorm",)),
    Listed("l2_norm", "norm:L2Norm"),
    Listed("evo_norm", "norm_gated:EvoNorm", ("EvoNorm",)),
    Listed("filter_response_norm", "norm_gated:FilterResponseNorm", ("frn", "FRN")),
    Listed("layer_scale", "norm:LayerScale"),
    Listed("learned_scale", "norm:LearnedScale"),
    Listed("relu", "act:ReLU", ("RE", "ReLU")),
    Listed("relu6", "act:ReLU6", ("RE6", "ReLU6")),
    Listed("hardswish", "act:Hardswish", ("HS", "h-swish", "h_swish", "hswish", "Hardswish")),
    Listed("hardsigmoid", "act:Hardsigmoid", ("h-sigmoid", "h_sigmoid", "hsigmoid", "Hardsigmoid")),
    Listed("silu", "act:SiLU", ("SiLU",)),
    Listed("sigmoid", "act:Sigmoid", ("Sigmoid",)),
    Listed("tanh", "act:Tanh", ("Tanh",)),
    Listed("gelu", "act:GELU", ("GELU",)),
    Listed("leaky_relu", "act:LeakyReLU", ("LeakyReLU",)),
    Listed("softmax", "pointwise:Softmax"),
    Listed("prelu", "act_more:PReLU", ("PReLU",)),
    Listed("elu", "act_more:ELU", ("ELU",)),
    Listed("mish", "act_more:Mish", ("Mish",)),
    Listed("softplus", "act_more:Softplus", ("Softplus",)),
    Listed("gelu_tanh", "act_more:GELUTanh"),
    Listed("quick_gelu", "act_more:QuickGELU", ("QuickGELU",)),
    Listed("star_relu", "act_more:StarReLU", ("StarReLU",)),
    Listed("part_softmax", "part_softmax:PartSoftmax"),
    Listed("swish", "swish:Swish", ("Swish",)),
    Listed("dropout", "drop:Dropout"),
    Listed("stochastic_depth", "drop:StochasticDepth"),
    Listed("max_pool", "pool:MaxPool2d"),
    Listed("avg_pool", "pool:AvgPool2d"),
    Listed("avg_pool", "global_pool:AdaptiveAvgPool2d", ("global_avg_pool",)),
    Listed("adaptive_max_pool", "global_pool:AdaptiveMaxPool2d"),
    Listed("blur_pool", "blur_pool:BlurPool2d"),
    Listed("mean", "mean:Mean"),
    Listed("context_pool", "context:ContextPool"),
    Listed("space_to_channels", "shape:SpaceToChannels"),
    Listed("add", "join:Add"),
    Listed("subtract", "join:Subtract", ("sub",)),
    Listed("multiply", "join:Multiply", ("mul",)),
    Listed("concat", "join:Concat", ("concatenate", "cat")),
    Listed("split", "shape:Split"),
    Listed("channel_shuffle", "shape:ChannelShuffle", ("shuffle",)),
    Listed("permute", "shape:Permute"),
    Listed("flatten", "flatten:Flatten"),
    Listed("unflatten", "flatten:Unflatten"),
    Listed("pad", "pad:Pad"),
    Listed("pad_shortcut", "pad:PadShortcut"),
    Listed("resize", "shape:ResizeLike"),
    Listed("upsample", "upsample:Upsample", ("interpolate",)),
    Listed("pixel_shuffle", "views:PixelShuffle", ("PixelShuffle",)),
    Listed("crop", "shape:CropLike"),
    Listed("abs", "called:Abs"),
    Listed("exp", "called:Exp"),
    Listed("identity", "flatten:Identity"),
    Listed("lstm", "recurrent:LSTM", ("LSTM",)),
    Listed("gru", "recurrent:GRU", ("GRU",)),
    Listed("rnn", "recurrent:RNN", ("RNN",)),
    Listed("global_response_norm", "grn:GlobalResponseNorm", ("grn", "GRN")),
    Listed("tokens", "tokens:Tokens"),
    Listed("tokens_to_map", "tokens:TokensToMap"),
    Listed("transpose", "tokens:Transpose"),
    Listed("token", "tokens:Token"),
    Listed("token_range", "tokens:TokenRange"),
    Listed("concat_tokens", "tokens:ConcatTokens"),
    Listed("normalize", "normalize:Normalize"),
    Listed("unfold", "unfold:Unfold"),
    Listed("fold", "unfold:Fold"),
    Listed("row_sum", "unfold:RowSum"),
    Listed("fourier_positions", "tokens:FourierPositions"),
    Listed("rotary_positions", "rotary:RotaryPositions"),
    Listed("class_token", "tokens:ClassToken", ("cls_token",)),
    Listed("position_embedding", "tokens:PositionEmbedding", ("pos_embed",)),
    Listed("scale", "tokens:Scale"),
    Listed("embedding", "embedding:Embedding"),
    Listed("split_heads", "tokens:SplitHeads"),
    Listed("merge_heads", "tokens:MergeHeads"),
    Listed("merge_patches", "tokens:PatchMerging"),
    Listed("matmul", "matmul:Product"),
    Listed("dot_product_attention", "heads:HeadAttention"),
    Listed("linear_attention", "heads:LinearAttention"),
    Listed("attention_scores", "scores:AttentionScores"),
    Listed("attended_values", "scores:AttendedValues"),
    Listed("cross_covariance_attention", "heads:CrossCovarianceAttention"),
    Listed("talking_heads_attention", "heads:TalkingHeadsAttention"),
    Listed("window_partition", "heads:WindowPartition"),
    Listed("window_reverse", "heads:WindowReverse"),
)
# What captured modules have and specs do not name.
CAPTURED = (
    Listed("matmul", "matmul:MatMul"),
    Listed("bilinear", "bilinear:Bilinear"),
    Listed("attention", "attention:Attention"),
    Listed("grouped_matmul", "matmul:GroupedMatMul"),
    Listed("einsum", "einsum:Einsum"),
    Listed("embedding_bag", "embedding:EmbeddingBag"),
    Listed("pointwise", "pointwise:Pointwise"),
    Listed("reduce", "pointwise:Reduce"),
    Listed("pool", "pool_ranks:Pool"),
    Listed("adaptive_pool", "pool_ranks:AdaptivePool"),
    Listed("interpolate", "views:Interpolate"),
    Listed("grid_sample", "views:GridSample"),
    Listed("reshape", "views:Reshape"),
    Listed("expand", "views:Expand"),
    Listed("slice", "views:Slice"),
    Listed("select", "views:Select"),
    Listed("chunk", "views:Chunk"),
    Listed("unbind", "views:Unbind"),
    Listed("concat_axis", "views:ConcatAxis"),
    Listed("stack", "views:Stack"),
    Listed("pad_axes", "views:PadAxes"),
)
_BY_SPELLING = {name: row for row in TABLE for name in (row.name, *row.spellings)}
_BY_CLASS = {row.place.partition(":")[2]: row.place for row in (*TABLE, *CAPTURED)}


def find_operator(name: str) -> type[Operator] | None:
    """Return the operator that a name or spelling means, if there is one."""
    row = _BY_SPELLING.get(name)
    return _loaded(row.place) if row else None


def find_class(name: str) -> type[Operator] | None:
    """Return the operator whose class has a name, if there is one; those of captured modules too."""
    place = _BY_CLASS.get(name)
    return _loaded(place) if place else None


def class_of(name: str) -> Any:
    """Return the operator whose class has a name: for one that chooses among its kin, which are made of it."""
    return _loaded(_BY_CLASS[name])


def plain_name(word: str) -> str:
    """Return the name of the operator that a word is a spelling of, or the word."""
    return _BY_SPELLING[word].name if word in _BY_SPELLING else word


def operator_names() -> Iterator[str]:
    """Yield the names of operators and their other spellings."""
    yield from _BY_SPELLING


def all_operators() -> tuple[type[Operator], ...]:
    """Return every operator that specs name, in the order of the table."""
    return tuple(_loaded(row.place) for row in TABLE)


def captured_operators() -> tuple[type[Operator], ...]:
    """Return the operators that only captured modules have, in the order of the table."""
    return tuple(_loaded(row.place) for row in CAPTURED)


@cache
def _loaded(place: str) -> type[Operator]:
    module, _, name = place.partition(":")
    found: type[Operator] = getattr(import_module(f"archprof.ir.operators.{module}"), name)
    return found
