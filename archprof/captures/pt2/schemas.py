"""What arguments torch's operators take, of those that have a rule or become operators of ours: a program leaves out
what stands at its default."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from archprof.captures.calls import SeenTensor, tensors_in
from archprof.json_fields import Refused, shown, text
from archprof.named_tuple import NamedTuple

# As torch's schemas have them, without the marks of views and of arguments by keyword alone.
_TEXT = """
mv.default: Tensor self, Tensor vec
dot.default: Tensor self, Tensor tensor
vdot.default: Tensor self, Tensor other
addmv.default: Tensor self, Tensor mat, Tensor vec, Scalar beta=1, Scalar alpha=1
addbmm.default: Tensor self, Tensor batch1, Tensor batch2, Scalar beta=1, Scalar alpha=1
baddbmm.default: Tensor self, Tensor batch1, Tensor batch2, Scalar beta=1, Scalar alpha=1
baddbmm.dtype: Tensor self, Tensor batch1, Tensor batch2, ScalarType out_dtype, Scalar beta=1, Scalar alpha=1
inner.default: Tensor self, Tensor other
tensordot.default: Tensor self, Tensor other, int[] dims_self, int[] dims_other
bilinear.default: Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None
_trilinear.default: Tensor i1, Tensor i2, Tensor i3, int[] expand1, int[] expand2, int[] expand3, int[] sumdim, \
int unroll_dim=1
lstm.input: Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, \
bool bidirectional, bool batch_first
lstm.data: Tensor data, Tensor batch_sizes, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, \
float dropout, bool train, bool bidirectional
gru.input: Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, \
bool bidirectional, bool batch_first
gru.data: Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int num_layers, \
float dropout, bool train, bool bidirectional
rnn_tanh.input: Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, \
bool train, bool bidirectional, bool batch_first
rnn_tanh.data: Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int num_layers, \
float dropout, bool train, bool bidirectional
rnn_relu.input: Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, \
bool train, bool bidirectional, bool batch_first
rnn_relu.data: Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int num_layers, \
float dropout, bool train, bool bidirectional
lstm_cell.default: Tensor input, Tensor[] hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None
gru_cell.default: Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None
rnn_tanh_cell.default: Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None
rnn_relu_cell.default: Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None
mkldnn_rnn_layer.default: Tensor input, Tensor weight0, Tensor weight1, Tensor weight2, Tensor weight3, Tensor hx_, \
Tensor cx_, bool reverse, int[] batch_sizes, int mode, int hidden_size, int num_layers, bool has_biases, \
bool bidirectional, bool batch_first, bool train
_cudnn_rnn.default: Tensor input, Tensor[] weight, int weight_stride0, Tensor? weight_buf, Tensor hx, Tensor? cx, \
int mode, SymInt hidden_size, SymInt proj_size, int num_layers, bool batch_first, float dropout, bool train, \
bool bidirectional, SymInt[] batch_sizes, Tensor? dropout_state
conv_tbc.default: Tensor self, Tensor weight, Tensor bias, int pad=0
_grouped_mm.default: Tensor self, Tensor mat2, Tensor? offs=None, Tensor? bias=None, ScalarType? out_dtype=None
_int_mm.default: Tensor self, Tensor mat2
scaled_dot_product_attention.default: Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, \
float dropout_p=0.0, bool is_causal=False, float? scale=None, bool enable_gqa=False
_scaled_dot_product_flash_attention_for_cpu.default: Tensor query, Tensor key, Tensor value, float dropout_p=0.0, \
bool is_causal=False, Tensor? attn_mask=None, float? scale=None
conv1d.default: Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], SymInt[1] padding=[0], \
SymInt[1] dilation=[1], SymInt groups=1
conv1d.padding: Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], str padding="valid", \
SymInt[1] dilation=[1], SymInt groups=1
conv2d.default: Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], SymInt[2] padding=[0, 0], \
SymInt[2] dilation=[1, 1], SymInt groups=1
conv2d.padding: Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], str padding="valid", \
SymInt[2] dilation=[1, 1], SymInt groups=1
conv3d.default: Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, 1, 1], \
SymInt[3] padding=[0, 0, 0], SymInt[3] dilation=[1, 1, 1], SymInt groups=1
conv3d.padding: Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, 1, 1], str padding="valid", \
SymInt[3] dilation=[1, 1, 1], SymInt groups=1
conv_transpose1d.default: Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], \
SymInt[1] padding=[0], SymInt[1] output_padding=[0], SymInt groups=1, SymInt[1] dilation=[1]
conv_transpose2d.input: Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], \
SymInt[2] padding=[0, 0], SymInt[2] output_padding=[0, 0], SymInt groups=1, SymInt[2] dilation=[1, 1]
conv_transpose3d.input: Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, 1, 1], \
SymInt[3] padding=[0, 0, 0], SymInt[3] output_padding=[0, 0, 0], SymInt groups=1, SymInt[3] dilation=[1, 1, 1]
convolution.default: Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, \
SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups
_convolution.default: Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, \
SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups, bool benchmark, bool deterministic, \
bool cudnn_enabled, bool allow_tf32
linear.default: Tensor input, Tensor weight, Tensor? bias=None
matmul.default: Tensor self, Tensor other
mm.default: Tensor self, Tensor mat2
mm.dtype: Tensor self, Tensor mat2, ScalarType out_dtype
bmm.default: Tensor self, Tensor mat2
bmm.dtype: Tensor self, Tensor mat2, ScalarType out_dtype
_scaled_mm.default: Tensor self, Tensor mat2, Tensor scale_a, Tensor scale_b, Tensor? bias=None, \
Tensor? scale_result=None, ScalarType? out_dtype=None, bool use_fast_accum=False
addmm.default: Tensor self, Tensor mat1, Tensor mat2, Scalar beta=1, Scalar alpha=1
addmm.dtype: Tensor self, Tensor mat1, Tensor mat2, ScalarType out_dtype, Scalar beta=1, Scalar alpha=1
einsum.default: str equation, Tensor[] tensors, int[]? path=None
batch_norm.default: Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, \
bool training, float momentum, float eps, bool cudnn_enabled
layer_norm.default: Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, \
float eps=1e-05, bool cudnn_enable=True
group_norm.default: Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, \
bool cudnn_enabled=True
max_pool2d.default: Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=[0, 0], \
int[2] dilation=[1, 1], bool ceil_mode=False
avg_pool2d.default: Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=[0, 0], \
bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None
adaptive_avg_pool2d.default: Tensor self, SymInt[2] output_size
mean.default: Tensor self, ScalarType? dtype=None
mean.dim: Tensor self, int[1]? dim, bool keepdim=False, ScalarType? dtype=None
add.Tensor: Tensor self, Tensor other, Scalar alpha=1
mul.Tensor: Tensor self, Tensor other
cat.default: Tensor[] tensors, int dim=0
flatten.using_ints: Tensor self, int start_dim=0, int end_dim=-1
permute.default: Tensor self, int[] dims
dropout.default: Tensor input, float p, bool train
relu.default: Tensor self
hardtanh.default: Tensor self, Scalar min_val=-1, Scalar max_val=1
hardswish.default: Tensor self
hardsigmoid.default: Tensor self
silu.default: Tensor self
sigmoid.default: Tensor self
tanh.default: Tensor self
gelu.default: Tensor self, str approximate="none"
_embedding_bag.default: Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, \
bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False, int padding_idx=-1
_embedding_bag_forward_only.default: Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, \
int mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False, int padding_idx=-1
_safe_softmax.default: Tensor self, int dim, ScalarType? dtype=None
_scaled_dot_product_cudnn_attention.default: Tensor query, Tensor key, Tensor value, Tensor? attn_bias, \
bool compute_log_sumexp, float dropout_p=0.0, bool is_causal=False, bool return_debug_mask=False, float? scale=None
_scaled_dot_product_efficient_attention.default: Tensor query, Tensor key, Tensor value, Tensor? attn_bias, \
bool compute_log_sumexp, float dropout_p=0.0, bool is_causal=False, float? scale=None
_scaled_dot_product_flash_attention.default: Tensor query, Tensor key, Tensor value, float dropout_p=0.0, \
bool is_causal=False, bool return_debug_mask=False, float? scale=None
_scaled_dot_product_fused_attention_overrideable.default: Tensor query, Tensor key, Tensor value, \
Tensor? attn_bias=None, float dropout_p=0.0, bool is_causal=False, bool return_debug_mask=False, float? scale=None
_scaled_grouped_mm.default: Tensor self, Tensor mat2, Tensor scale_a, Tensor scale_b, Tensor? offs=None, \
Tensor? bias=None, Tensor? scale_result=None, ScalarType? out_dtype=None, bool use_fast_accum=False
_to_copy.default: Tensor self, ScalarType? dtype=None, Layout? layout=None, Device? device=None, \
bool? pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None
_upsample_bicubic2d_aa.default: Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, \
float? scales_w=None
_upsample_bilinear2d_aa.default: Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, \
float? scales_w=None
_upsample_nearest_exact1d.default: Tensor self, SymInt[1] output_size, float? scales=None
_upsample_nearest_exact2d.default: Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None
_upsample_nearest_exact3d.default: Tensor self, SymInt[3] output_size, float? scales_d=None, float? scales_h=None, \
float? scales_w=None
addcdiv.default: Tensor self, Tensor tensor1, Tensor tensor2, Scalar value=1
addcmul.default: Tensor self, Tensor tensor1, Tensor tensor2, Scalar value=1
all.dim: Tensor self, int dim, bool keepdim=False
all.dims: Tensor self, int[]? dim=None, bool keepdim=False
amax.default: Tensor self, int[1] dim=[], bool keepdim=False
amin.default: Tensor self, int[1] dim=[], bool keepdim=False
any.dim: Tensor self, int dim, bool keepdim=False
any.dims: Tensor self, int[]? dim=None, bool keepdim=False
argmax.default: Tensor self, int? dim=None, bool keepdim=False
argmin.default: Tensor self, int? dim=None, bool keepdim=False
avg_pool1d.default: Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], bool ceil_mode=False, \
bool count_include_pad=True
avg_pool3d.default: Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=[0, 0, 0], \
bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None
celu.default: Tensor self, Scalar alpha=1.0
chunk.default: Tensor self, int chunks, int dim=0
clamp.default: Tensor self, Scalar? min=None, Scalar? max=None
clamp.Tensor: Tensor self, Tensor? min=None, Tensor? max=None
clone.default: Tensor self, MemoryFormat? memory_format=None
constant_pad_nd.default: Tensor self, SymInt[] pad, Scalar value=0
contiguous.default: Tensor self, MemoryFormat memory_format=0
copy.default: Tensor self, Tensor src, bool non_blocking=False
cumsum.default: Tensor self, int dim, ScalarType? dtype=None
elu.default: Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1
embedding.default: Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, \
bool sparse=False
empty_like.default: Tensor self, ScalarType? dtype=None, Layout? layout=None, Device? device=None, \
bool? pin_memory=None, MemoryFormat? memory_format=None
expand.default: Tensor self, SymInt[] size, bool implicit=False
full_like.default: Tensor self, Scalar fill_value, ScalarType? dtype=None, Layout? layout=None, Device? device=None, \
bool? pin_memory=None, MemoryFormat? memory_format=None
hardshrink.default: Tensor self, Scalar lambd=0.5
leaky_relu.default: Tensor self, Scalar negative_slope=0.01
linalg_vector_norm.default: Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, ScalarType? dtype=None
log_softmax.int: Tensor self, int dim, ScalarType? dtype=None
logit.default: Tensor self, float? eps=None
logsumexp.default: Tensor self, int[1] dim, bool keepdim=False
max.dim: Tensor self, int dim, bool keepdim=False
max_pool1d.default: Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], int[1] dilation=[1], \
bool ceil_mode=False
max_pool1d_with_indices.default: Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], \
int[1] dilation=[1], bool ceil_mode=False
max_pool2d_with_indices.default: Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=[0, 0], int[2] \
dilation=[1, 1], bool ceil_mode=False
max_pool3d.default: Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=[0, 0, 0], int[3] dilation=[1, \
1, 1], bool ceil_mode=False
max_pool3d_with_indices.default: Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=[0, 0, 0], \
int[3] dilation=[1, 1, 1], bool ceil_mode=False
min.dim: Tensor self, int dim, bool keepdim=False
ones_like.default: Tensor self, ScalarType? dtype=None, Layout? layout=None, Device? device=None, \
bool? pin_memory=None, MemoryFormat? memory_format=None
pad.default: Tensor self, SymInt[] pad, str mode="constant", float? value=None
prod.default: Tensor self, ScalarType? dtype=None
prod.dim_int: Tensor self, int dim, bool keepdim=False, ScalarType? dtype=None
rms_norm.default: Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None
roll.default: Tensor self, SymInt[1] shifts, int[1] dims=[]
rsub.Tensor: Tensor self, Tensor other, Scalar alpha=1
rsub.Scalar: Tensor self, Scalar other, Scalar alpha=1
slice.Tensor: Tensor self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1
softmax.int: Tensor self, int dim, ScalarType? dtype=None
softplus.default: Tensor self, Scalar beta=1, Scalar threshold=20
split.Tensor: Tensor self, SymInt split_size, int dim=0
split.sizes: Tensor self, SymInt[] split_size, int dim=0
split.default: Tensor self, int[] split_sizes, int dim=0
split_with_sizes.default: Tensor self, SymInt[] split_sizes, int dim=0
stack.default: Tensor[] tensors, int dim=0
std.default: Tensor self, bool unbiased=True
std.dim: Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False
std.correction: Tensor self, int[1]? dim=None, Scalar? correction=None, bool keepdim=False
sub.Tensor: Tensor self, Tensor other, Scalar alpha=1
sub.Scalar: Tensor self, Scalar other, Scalar alpha=1
sum.dim_IntList: Tensor self, int[1]? dim, bool keepdim=False, ScalarType? dtype=None
sum.default: Tensor self, ScalarType? dtype=None
to.device: Tensor self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, \
MemoryFormat? memory_format=None
to.dtype: Tensor self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None
to.other: Tensor self, Tensor other, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None
to.dtype_layout: Tensor self, ScalarType? dtype=None, Layout? layout=None, Device? device=None, \
bool? pin_memory=None, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None
to.prim_Device: Tensor self, Device? device, int? dtype=None, bool non_blocking=False, bool copy=False
to.prim_dtype: Tensor self, int? dtype=None, bool non_blocking=False, bool copy=False
to.prim_other: Tensor self, bool non_blocking=False, bool copy=False
tril.default: Tensor self, SymInt diagonal=0
triu.default: Tensor self, SymInt diagonal=0
unbind.int: Tensor self, int dim=0
upsample_bicubic2d.default: Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, \
float? scales_w=None
upsample_bilinear2d.default: Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, \
float? scales_w=None
upsample_linear1d.default: Tensor self, SymInt[1] output_size, bool align_corners, float? scales=None
upsample_nearest1d.default: Tensor self, SymInt[1] output_size, float? scales=None
upsample_nearest2d.default: Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None
upsample_nearest3d.default: Tensor self, SymInt[3] output_size, float? scales_d=None, float? scales_h=None, \
float? scales_w=None
upsample_trilinear3d.default: Tensor self, SymInt[3] output_size, bool align_corners, float? scales_d=None, \
float? scales_h=None, float? scales_w=None
var.default: Tensor self, bool unbiased=True
var.dim: Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False
var.correction: Tensor self, int[1]? dim=None, Scalar? correction=None, bool keepdim=False
zeros_like.default: Tensor self, ScalarType? dtype=None, Layout? layout=None, Device? device=None, \
bool? pin_memory=None, MemoryFormat? memory_format=None
"""
_REQUIRED = object()
_WORDS = {"None": None, "True": True, "False": False}


class Argument(NamedTuple):
    """An argument: its name, the type that torch's schema states, and what it is where it is left out."""

    name: str
    kind: str
    default: Any = _REQUIRED


@cache
def schemas() -> Mapping[str, str]:
    """Return the arguments by operator and overload: `linear.default`."""
    entries = (line.partition(": ") for line in _TEXT.strip().splitlines())
    return {name: arguments for name, _, arguments in entries}


@cache
def arguments_of(operator: str) -> tuple[Argument, ...] | None:
    """Return the arguments of an operator, as in `linear.default`, in their order; None where they are not known."""
    found = schemas().get(operator)
    return None if found is None else tuple(map(_argument, _split(found)))


def _split(text: str) -> list[str]:
    """Return what stands between the commas; in a default of several numbers, a comma is followed by a digit."""
    import re

    return re.split(r", (?=[A-Za-z])", text)


def _argument(text: str) -> Argument:
    kind, _, rest = text.partition(" ")
    name, sign, default = rest.partition("=")
    if not sign:
        return Argument(name, kind)
    return Argument(name, kind, _WORDS[default] if default in _WORDS else json.loads(default))


def completed(operator: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a call by name, in the order of the operator's schema, with what it left out.

    Raises Refused for an argument that is missing or not of the schema's type; of an operator that has no schema here,
    all is as it is given.
    """
    known = arguments_of(operator)
    if known is None:
        return {text(name): value for name, value in given.items()}
    complete = {one.name: given.get(one.name, one.default) for one in known}
    for one in known:
        value = complete[one.name]
        if value is _REQUIRED:
            raise Refused(f"`{one.name}` is missing")
        if not _is(one.kind, value):
            raise Refused(f"`{one.name}`: expected {one.kind}, not {_described(value)}")
    return complete


def _is(kind: str, value: Any) -> bool:
    if kind.endswith("?"):
        return value is None or _is(kind[:-1], value)
    if kind.endswith("]"):
        item, _, size = kind[:-1].partition("[")
        if isinstance(value, list):
            return all(_is(item, one) for one in value)
        return bool(size) and _is(item, value)
    return isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "Tensor": (SeenTensor, int, float),  # a number is a tensor without axes
    **dict.fromkeys(("int", "SymInt"), int),
    "float": (int, float, str),  # what is not finite is a word
    "Scalar": (int, float, str),
    "bool": bool,
    "str": str,
    "ScalarType": str,
    # What no count depends on is not read.
    **dict.fromkeys(("Device", "Layout", "MemoryFormat"), (int, type(None))),
}


def _described(value: Any) -> str:
    if any(tensors_in(value)):
        return "a tensor" if isinstance(value, SeenTensor) else "tensors"
    return shown(value)
