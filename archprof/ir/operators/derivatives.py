"""What torch's functions keep for their backward pass, and what they make of gradients, by name.

Each row of `_NEEDS` says, for every tensor that a function takes, what the gradient of that tensor needs: digits are
tensors that it takes, by their place, letters those that it returns, `a` the first; what is 1 of several overloads
stands as `max.default`. Facts out of derivatives.yaml, which lies in torch's wheel (torchgen/packaged/autograd).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archprof.ir.dims import Dim, maximum, same_shape
from archprof.ir.footprint import Footprint, Gradients, Run

_NEEDS: Mapping[str, str] = {
    "": (
        "_unsafe_view _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d "
        "_upsample_nearest_exact2d _upsample_nearest_exact3d add affine_grid_generator alias all any as_strided "
        "bernoulli cat ceil channel_shuffle chunk clone col2im constant_pad_nd cumsum diag_embed diagonal eq expand "
        "fill flip floor ge gt im2col isnan le lift_fresh lt mean ne neg normal permute pixel_shuffle pixel_unshuffle "
        "poisson repeat roll round rsub select select_scatter sign slice slice_scatter split split_with_sizes squeeze "
        "stack sub sum t transpose tril triu trunc unbind unfold unsafe_split unsafe_split_with_sizes "
        "unsqueeze upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d "
        "upsample_nearest3d upsample_trilinear3d view view_as_complex view_as_real"
    ),
    "0": (
        "_adaptive_avg_pool2d _adaptive_avg_pool3d abs acos acosh asin asinh atan atanh avg_pool2d avg_pool3d celu "
        "cos cosh elu erf erfinv gelu glu hardshrink hardsigmoid hardswish hardtanh leaky_relu log log10 log1p log2 "
        "logit max_pool2d mish reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d "
        "replication_pad3d silu sin sinh softplus softshrink threshold var var_mean"
    ),
    "1": "embedding index index_select max_unpool2d max_unpool3d",
    "a": "_log_softmax _safe_softmax _softmax exp exp2 expm1 reciprocal relu rsqrt sigmoid sqrt tan tanh",
    "b": "max min native_dropout sort topk",
    "01": "gather",
    "0a": "amax amin linalg_vector_norm logcumsumexp logsumexp max.default min.default pow.Scalar prod std std_mean",
    "0b": "adaptive_max_pool2d adaptive_max_pool3d log_sigmoid_forward",
    ",,1": "scatter_add",
    ",01": "fmod remainder",
    "1,0": "bmm linalg_cross mm mul mv",
    ",,12": "index_add",
    ",0,0": "where",
    ",2,1": "addcmul addmm addmv baddbmm",
    "1,,1": "index_fill index_put masked_fill scatter",
    "1,01": "div",
    ",2,12": "addcdiv",
    "01,01": "_prelu_kernel atan2 clamp_max clamp_min grid_sampler_2d matmul maximum minimum xlogy",
    "12,02": "_grouped_mm",
    "01,01a": "pow",
    "2,2,01": "lerp",
    "012,012": "binary_cross_entropy",
    "01b,01b": "_fused_rms_norm",
    "01,01,01": "_convolution convolution linear",
    "0123,0123": "binary_cross_entropy_with_logits",
    "012a,,012a": "scatter_reduce",
    "012,012,012": "clamp conv_tbc",
    "123bcd,,,012b": "_embedding_bag",
    "01bc,01bc,01bc": "native_group_norm",
    "012bc,012bc,012bc": "native_layer_norm",
    "0134bc,0134bc,0134bc": "_native_batch_norm_legit _native_batch_norm_legit_no_training native_batch_norm",
    "01234b,01234b,01234b,01234b,01234b": "_thnn_fused_gru_cell",
    "01234bc,01234bc,01234bc,01234bc,01234bc": "_thnn_fused_lstm_cell",
}
# What writes over its input, and then needs what it has made of it.
_IN_PLACE = {"elu": "a", "celu": "a", "leaky_relu": "a"}
# What torch takes apart, or runs by a kernel that a table of derivatives does not have, and what only hands on.
_COMPOSITE: Mapping[str, str] = {
    "": (
        "_reshape_alias _to_copy adjoint channel_shuffle clone contiguous copy dropout expand_as flatten movedim "
        "narrow numpy_T pixel_shuffle positive reshape reshape_as squeeze swapaxes to type_as unflatten view_as"
    ),
    "0": "adaptive_avg_pool2d adaptive_avg_pool3d avg_pool1d clip max_pool1d max_pool3d relu6 selu square",
    "0a": "l2",  # a length, as it is called of files
    "a": "log_softmax softmax",
    "01,01": "grid_sampler prelu",
    "01,01,01": "batch_norm conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
    "1,01": "true_divide divide",
    "1,0": "multiply",
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What hangs on nothing that learns, whatever it is made from.
_DETACHED = _names(
    "arange detach empty empty_like empty_strided eye floor_divide full full_like linspace new_empty "
    "new_empty_strided new_full new_ones new_zeros ones ones_like rand rand_like randint randint_like "
    "randn randn_like scalar_tensor zeros zeros_like"
)
# Whose gradients lie in the storage of the output's: the first input's, or all inputs'.
_HANDS_ON_FIRST = _names("_to_copy alias clone contiguous lift_fresh sub sum to type_as")
_HANDS_ON = _names(
    "_reshape_alias _unsafe_view add cat flatten movedim permute reshape reshape_as squeeze stack "
    "swapaxes t transpose unflatten unsqueeze view view_as"
)
# What stretches its inputs to one shape.
_STRETCHING = _names("addcmul div mul sub")
# How many maps as large as the output the gradient of a function is computed through, beside itself: what its formula
# (derivatives.yaml) makes on the way, all of which lives to its end. A quotient's is that of its divisor.
_BESIDE: Mapping[int, str] = {
    1: "abs cosh exp2 expm1 log10 log1p log2 sin sinh sqrt",
    2: "atan cos cumsum reciprocal rsqrt square tan",
    3: "acosh asinh atanh",
    4: "asin erf erfinv",
    5: "acos",
}
# Likewise those of a reduction: maps as large as the input, bytes of a mask for each of its elements, and maps as large
# as the output.
_BESIDE_REDUCED: Mapping[str, tuple[int, int, int]] = {
    "amax": (0, 1, 3), "amin": (0, 1, 3), "logsumexp": (2, 0, 0), "std": (1, 0, 3), "var": (1, 0, 2),
}  # fmt: skip
# Masks of the elements within bounds, of a byte each.
_BOUNDED: Mapping[str, int] = {"clamp": 2, "clamp_max": 1, "clamp_min": 1}
# What autocast makes of functions, by the words of `Operator.autocast`.
_AUTOCAST: Mapping[str, str] = {
    "half": (
        "_convolution _thnn_fused_gru_cell _thnn_fused_lstm_cell addbmm addmm addmv baddbmm bmm conv1d conv2d conv3d "
        "conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution einsum gru_cell linear lstm_cell "
        "matmul mm mv prelu rnn_relu_cell rnn_tanh_cell scaled_dot_product_attention"
    ),
    "full": (
        "_upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d "
        "_upsample_nearest_exact3d acos asin binary_cross_entropy_with_logits cosh erfinv exp expm1 group_norm "
        "layer_norm log log10 log1p log2 logsumexp native_group_norm native_layer_norm pow reciprocal rsqrt sinh "
        "softplus tan upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d "
        "upsample_nearest2d upsample_nearest3d upsample_trilinear3d"
    ),
    "wide": "cumprod cumsum linalg_vector_norm log_softmax prod softmax sum",
}


def _by_name(table: Mapping[str, str]) -> Mapping[str, str]:
    return {name: row for row, names in table.items() for name in names.split()}


_NEEDS_OF = {**_by_name(_COMPOSITE), **_by_name(_NEEDS)}
_AUTOCAST_OF = _by_name(_AUTOCAST)
_BESIDE_OF = {name: maps for maps, names in _BESIDE.items() for name in names.split()}


def autocast_of(name: str) -> str:
    """Return what autocast makes of a function, as `Operator.autocast` has it."""
    return _AUTOCAST_OF.get(name, "")


def is_detached(name: str) -> bool:
    """Tell whether what a function returns hangs on nothing that learns."""
    return name in _DETACHED


def needs_of(name: str, overload: str = "") -> str | None:
    """Return what the gradients of a function need, by its name without the `_` of writing in place, as a row of the
    table; None where nobody knows."""
    return _NEEDS_OF.get(f"{name}.{overload}", _NEEDS_OF.get(name))


def footprint_of(name: str, run: Run, overload: str = "") -> Footprint:
    """Return what a call of a function keeps in memory."""
    shares = 0 if run.in_place else None
    row = needs_of(name, overload)
    if run.in_place:
        row = _IN_PLACE.get(name, row)
    if row is None:
        known = is_detached(name) or not any(value.is_float for value in run.outputs)
        return Footprint(shares, known=known)
    needed = _needed(row.split(","), run)
    inputs = [place for place, slot in enumerate(run.places) if str(_argument(name, slot)) in needed]
    returned = ["abcdefgh".index(one) for one in needed if one.isalpha()]
    outputs = tuple([one for one in sorted(returned) if one < len(run.outputs)])
    copied = run.in_place and 0 in inputs  # what it needs it writes over: a copy is kept
    return Footprint(
        shares,
        inputs=tuple([place for place in inputs if place or not copied]),
        outputs=outputs,
        own=run.bytes(run.inputs[0]) if copied else None,
        known=len(outputs) == len(returned),
    )


def _argument(name: str, slot: int) -> int:
    """Return which argument a tensor is, or belongs to: the indices along several axes are one."""
    return min(slot, 1) if name == "index" else slot


def _needed(cells: Sequence[str], run: Run) -> set[str]:
    """Return what the gradients need that are wanted: of inputs, and of the call's own parameters."""
    places = run.places
    wanted = {slot for slot, one in zip(places, run.wanted, strict=False) if one}
    if run.learns:
        wanted |= set(range(len(cells))) - set(places)
    return {one for slot in wanted if slot < len(cells) for one in cells[slot]}


def gradients_of(name: str, run: Run, held: Dim = 0) -> Gradients:
    """Return how the backward pass of a function makes the gradients of its inputs, beside that of its own parameters,
    which *held* elements."""
    whole = run.outputs[0].shape
    alike = [same_shape(value.shape, whole) for value in run.inputs]
    if name in _HANDS_ON_FIRST:
        return Gradients(tuple([not place and (name == "sum" or alike[0]) for place in range(len(run.inputs))]))
    if name in _HANDS_ON:
        sums = 0 if all(alike) else _sums(run)
        return Gradients(tuple([one or name != "add" for one in alike]), sums)
    return Gradients((False,) * len(run.inputs), _beside(name, run, held))


def _beside(name: str, run: Run, held: Dim) -> Dim:
    """Return the bytes of what lives only while the backward pass of a function runs."""
    whole, elements = run.outputs[0], run.elements(run.inputs[0]) if run.inputs else held
    if name == "linalg_vector_norm":
        return elements * run.width + run.elements(whole)  # the direction, and where it has none
    if name in _BESIDE_REDUCED:
        maps, mask, sums = _BESIDE_REDUCED[name]
        return elements * (maps * run.width + mask) + sums * run.bytes(whole)
    if name in _BOUNDED and len(run.inputs) + run.learns == 1:
        return _BOUNDED[name] * run.elements(whole) + run.width  # and the 0 of what is outside
    if name in ("maximum", "minimum"):  # what is as large in both is halved
        most = (sum(run.wanted) + run.learns + 1) * run.bytes(whole) + 2 * run.elements(whole)
        return maximum(most - _made(run, held), 0)
    if name in ("prelu", "_prelu_kernel"):
        return run.bytes(whole) * (len(run.stretched()) + run.learns)
    if name == "pow" and len(run.inputs) + run.learns == 1:
        return run.bytes(whole) * (1 if run.places == (1,) else 2)
    if name == "div" and _wants(run, 1):
        # That of the divisor, -g·((x / y) / y), is four maps with it before it is summed up; then comes the dividend's.
        return maximum(4 * run.bytes(whole) - _made(run, held), 0)
    return _BESIDE_OF.get(name, 0) * run.bytes(whole) + (_of_stretched(name, run) if name in _STRETCHING else 0)


def _wants(run: Run, slot: int) -> bool:
    """Tell whether the gradient of one of the tensors that a function takes is wanted."""
    return dict(zip(run.places, run.wanted, strict=False)).get(slot, run.learns)


def _made(run: Run, held: Dim) -> Dim:
    """Return the bytes of all gradients that a call makes."""
    inputs = zip(run.inputs, run.wanted, strict=False)
    return sum(run.bytes(value) for value, wanted in inputs if wanted) + held * run.width * run.learns


def _of_stretched(name: str, run: Run) -> Dim:
    """Return the gradients of what was stretched, as large as the output before they are summed; what is added has the
    output's own."""
    products = len(run.stretched()) - (name == "addcmul" and _stretches_first(run)) + run.learns
    return run.bytes(run.outputs[0]) * products + _sums(run)


def _stretches_first(run: Run) -> bool:
    first = run.places[:1] == (0,) and run.wanted[:1] == (True,)
    return first and not same_shape(run.inputs[0].shape, run.outputs[0].shape)


def _sums(run: Run) -> Dim:
    from archprof.ir.operators.gpu import stretched_sums

    return stretched_sums(run)
