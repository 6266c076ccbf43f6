"""Modules of our operators that torch has not."""

from math import comb, sqrt
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]


class Swish(nn.Module):
    """x · sigmoid(βx) (Ramachandran et al. 2017), element by element; β is 1, or one learned parameter that starts
    there."""

    def __init__(self, learnable: bool = False) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.ones(1)) if learnable else None

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x if self.beta is None else self.beta * x)


class QuickGELU(nn.Module):
    """x · sigmoid(1.702x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class StarReLU(nn.Module):
    """s·max(x, 0)² + b with one learned s and b (Yu et al. 2022)."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.8944))
        self.bias = nn.Parameter(torch.full((1,), -0.4472))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * functional.relu(x) ** 2 + self.bias


# torch.fx calls it as it is: shapes that depend on the input's are unknown while it traces.
@fx.wrap
def stochastic_depth(x: Tensor, p: float) -> Tensor:
    """Return *x* in which each map is zero with probability *p*, and the others are scaled by 1/(1 − p)."""
    kept = x.new_empty([x.shape[0]] + [1] * (x.ndim - 1)).bernoulli_(1 - p)
    return x * (kept / (1 - p) if p < 1 else kept)


class StochasticDepth(nn.Module):
    """In training zeroes each map of a batch with probability p, and scales the others by 1/(1 − p) (Huang et al.
    2016)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return stochastic_depth(x, self.p) if self.training and self.p > 0 else x

    def extra_repr(self) -> str:
        return f"p={self.p}"


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation of (batch, C, H, W), a sound or a clip over the channels of each position."""

    def forward(self, x: Tensor) -> Tensor:
        last = x.dim() - 1  # the older ONNX exporter writes -1 into the file, which is no axis there
        positions = x.movedim(1, last)
        normal = functional.layer_norm(positions, self.normalized_shape, self.weight, self.bias, self.eps)
        return normal.movedim(last, 1)


class L2Norm(nn.Module):
    """The channels of each position over their Euclidean norm, times one learned factor each (Liu et al. 2015)."""

    def __init__(self, num_features: int, init: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((num_features,), float(init)))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight.view(1, -1, 1, 1) * functional.normalize(x)


class LayerScale(nn.Module):
    """One learned factor for each channel of (batch, C, H, W), or of the last axis (Touvron et al. 2021)."""

    def __init__(self, num_features: int, init: float, channels_last: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((num_features,) if channels_last else (num_features, 1, 1), float(init)))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x

    def extra_repr(self) -> str:
        return f"{len(self.weight)}"


class LearnedScale(nn.Module):
    """One learned factor for all elements (De & Smith 2020), and one learned term."""

    def __init__(self, init: float, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float(init)))
        self.bias = nn.Parameter(torch.tensor(0.0)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        scaled = self.weight * x
        return scaled if self.bias is None else scaled + self.bias


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation of (batch, C, H, W), or of another rank, whose weight, bias, mean and variance are fixed:
    four buffers of C elements."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 0.0, rank: int = 2) -> None:
        """*rank* is that of the map, 0 of features (batch, C)."""
        super().__init__()
        self.eps = eps
        self.channels = (1, -1) + (1,) * rank
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * torch.rsqrt(self.running_var + self.eps)
        bias = self.bias - self.running_mean * scale
        return x * scale.reshape(self.channels) + bias.reshape(self.channels)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"


class PaddedConv2d(nn.Conv2d):
    """Convolution of a map with zeros around it, so many on the (left, right, top, bottom): torch's own has as many on
    opposite sides."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair,
        sides: Sides,
        dilation: Pair,
        groups: int,
        bias: bool,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)
        self.sides = sides

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = self._conv_forward(functional.pad(input, self.sides), self.weight, self.bias)
        return output

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, sides={self.sides}"  # type: ignore[no-untyped-call]


class SameConv2d(nn.Conv2d):
    """Convolution of a map with as many zeros around it as make the output 1/stride as large, rounded up, the odd one
    behind: TensorFlow's `SAME`."""

    def forward(self, input: Tensor) -> Tensor:
        sides = same_sides(input, self.kernel_size, self.stride, self.dilation)  # type: ignore[arg-type]
        padded = functional.pad(input, sides)
        output: Tensor = self._conv_forward(padded, self.weight, self.bias)
        return output


@fx.wrap
def same_sides(x: Tensor, kernel_size: Pair, stride: Pair, dilation: Pair) -> list[int]:
    """Return how many zeros make a convolution's output 1/stride as large, rounded up: left, right, top and bottom."""
    sides: list[int] = []
    for axis in (1, 0):
        size, step = x.shape[axis - 2], stride[axis]
        extent = dilation[axis] * (kernel_size[axis] - 1) + 1
        # No negative number is divided: ONNX rounds towards zero.
        more = max((size - 1) // step * step + extent - size, 0)
        sides += [more // 2, more - more // 2]
    return sides


class CausalConv1d(nn.Conv1d):
    """Convolution of a sequence with all zeros in front of it, so that no place sees one behind it."""

    def forward(self, input: Tensor) -> Tensor:
        padded = functional.pad(input, [self.dilation[0] * (self.kernel_size[0] - 1), 0])
        output: Tensor = self._conv_forward(padded, self.weight, self.bias)
        return output


class ChannelConv(nn.Conv1d):
    """A convolution along the channels of (batch, C, 1, 1), or as many ones as the map had dimensions, with one kernel
    for all (Wang et al. 2020)."""

    def __init__(self, kernel_size: int, rank: int = 2) -> None:
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=False)
        self.rank = rank

    def forward(self, input: Tensor) -> Tensor:
        channels = input.flatten(2).transpose(1, 2)
        along: Tensor = self._conv_forward(channels, self.weight, self.bias).transpose(1, 2)
        for _ in range(self.rank - 1):
            along = along.unsqueeze(-1)
        return along


def binomial(size: int) -> Tensor:
    """Return the coefficients of (1/2 + x/2)^(size − 1)."""
    return torch.tensor([comb(size - 1, k) / 2 ** (size - 1) for k in range(size)])


class DynamicConv2d(nn.Module):
    """A convolution by a kernel that comes in beside the map, one for each image: that of all images is grouped."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
        by_size: bool = False,
    ) -> None:
        super().__init__()
        self.out_channels, self.kernel_size = out_channels, kernel_size
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.by_size = by_size

    def forward(self, x: Tensor, kernel: Tensor) -> Tensor:
        if self.by_size:
            x = functional.pad(x, same_sides(x, self.kernel_size, self.stride, self.dilation))
        images, channels = x.shape[:2]
        weight = kernel.reshape(-1, channels // self.groups, *self.kernel_size)
        together = x.reshape(1, -1, *x.shape[2:])
        y = functional.conv2d(together, weight, None, self.stride, self.padding, self.dilation, images * self.groups)
        return y.reshape(images, self.out_channels, *y.shape[2:])


class BlurPool2d(nn.Module):
    """A depthwise convolution by a binomial filter, of a map that is reflected at its border (Zhang 2019), or with
    zeros around it."""

    def __init__(
        self, num_features: int, kernel_size: Pair, stride: Pair, padding: Pair, border: str = "reflect"
    ) -> None:
        super().__init__()
        self.mode = "constant" if border == "zeros" else border
        self.stride, self.sides = stride, [padding[1], padding[1], padding[0], padding[0]]
        down, across = map(binomial, kernel_size)
        filt = (down[:, None] * across[None, :]).repeat(num_features, 1, 1, 1)
        self.register_buffer("filt", filt, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        bordered = functional.pad(x, self.sides, mode=self.mode)
        return functional.conv2d(bordered, self.get_buffer("filt"), stride=self.stride, groups=x.shape[1])


class EvoNorm(nn.Module):
    """x·sigmoid(v·x) over the deviation of groups of channels (Liu et al. 2020)."""

    def __init__(self, num_features: int, groups: int, eps: float, act: bool) -> None:
        super().__init__()
        self.groups, self.eps = groups, eps
        self.weight = nn.Parameter(torch.ones(num_features, 1, 1))
        self.bias = nn.Parameter(torch.zeros(num_features, 1, 1))
        self.v = nn.Parameter(torch.ones(num_features, 1, 1)) if act else None

    def forward(self, x: Tensor) -> Tensor:
        grouped = x.reshape(x.shape[0], self.groups, -1, *x.shape[2:])
        deviation = grouped.var((2, 3, 4), unbiased=False, keepdim=True).add(self.eps).sqrt()
        gated = x if self.v is None else x * (x * self.v).sigmoid()
        normal: Tensor = gated / deviation.expand_as(grouped).reshape(x.shape)
        return normal * self.weight + self.bias


class FilterResponseNorm(nn.Module):
    """Each map over its root mean square, and not below a learned threshold (Singh & Krishnan 2020)."""

    def __init__(self, num_features: int, eps: float, act: bool) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features, 1, 1))
        self.bias = nn.Parameter(torch.zeros(num_features, 1, 1))
        self.tau = nn.Parameter(torch.zeros(num_features, 1, 1)) if act else None

    def forward(self, x: Tensor) -> Tensor:
        normal = x * x.square().mean((2, 3), keepdim=True).add(self.eps).rsqrt()
        scaled = normal * self.weight + self.bias
        return scaled if self.tau is None else torch.maximum(scaled, self.tau)


class ContextPool(nn.Module):
    """The mean of a map (batch, C, H, W) over its positions, weighted by the softmax of their scores (batch, 1, H,
    W)."""

    def forward(self, x: Tensor, scores: Tensor) -> Tensor:
        weights = torch.softmax(scores.flatten(2), -1).unsqueeze(3)
        context = x.flatten(2).unsqueeze(1) @ weights
        return context.view(x.shape[0], x.shape[1], 1, 1)


class PartSoftmax(nn.Module):
    """A softmax among the parts of the channels of (batch, C, 1, 1), in groups of which each has all parts."""

    def __init__(self, parts: int, groups: int) -> None:
        super().__init__()
        self.parts, self.groups = parts, groups

    def forward(self, x: Tensor) -> Tensor:
        apart = x.view(x.shape[0], self.groups, self.parts, -1).transpose(1, 2)
        return torch.softmax(apart, 1).reshape(x.shape)


class StdConv2d(nn.Conv2d):
    """Convolution whose weights are standardised over each filter (Qiao et al. 2019), with zeros around the map, so
    many on the (left, right, top, bottom)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair,
        sides: Sides,
        eps: float,
        **options: Any,
    ) -> None:
        left, right, top, bottom = sides
        alike = (left, top) == (right, bottom)
        padding = (top, left) if alike else 0
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, **options)
        self.sides, self.eps = None if alike else sides, eps

    def forward(self, input: Tensor) -> Tensor:
        padded = input if self.sides is None else functional.pad(input, self.sides)
        output: Tensor = self._conv_forward(padded, self._standardised(None), self.bias)
        return output

    def _standardised(self, factors: Tensor | None) -> Tensor:
        filters = self.weight.reshape(1, self.out_channels, -1)
        normal = functional.batch_norm(filters, None, None, factors, training=True, momentum=0.0, eps=self.eps)
        return normal.reshape_as(self.weight)


class ScaledStdConv2d(StdConv2d):
    """So, each filter times a learned gain and gamma / √fan-in (Brock et al. 2021)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair,
        sides: Sides,
        eps: float,
        gamma: float,
        **options: Any,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, sides, eps, **options)
        self.gain = nn.Parameter(torch.ones(out_channels, 1, 1, 1))
        self.scale = gamma * self.weight[0].numel() ** -0.5

    def forward(self, input: Tensor) -> Tensor:
        padded = input if self.sides is None else functional.pad(input, self.sides)
        weight = self._standardised((self.gain * self.scale).view(-1))
        output: Tensor = self._conv_forward(padded, weight, self.bias)
        return output


class PaddedMaxPool2d(nn.MaxPool2d):
    """Max pooling of a map with −∞ around it, so much on the (left, right, top, bottom)."""

    stride: Pair

    dilation: Pair

    def __init__(
        self, kernel_size: Pair, stride: Pair, sides: Sides, dilation: Pair = (1, 1), ceil_mode: bool = False
    ) -> None:
        super().__init__(kernel_size, stride, dilation=dilation, ceil_mode=ceil_mode)
        self.sides = sides

    def forward(self, input: Tensor) -> Tensor:
        padded, ceil = functional.pad(input, self.sides, value=float("-inf")), self.ceil_mode
        pooled = functional.max_pool2d(padded, self.kernel_size, self.stride, 0, self.dilation, ceil_mode=ceil)
        return _started(pooled, input, self.stride, self.sides)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, sides={self.sides}"


class PaddedAvgPool2d(nn.AvgPool2d):
    """Average pooling of a map with zeros around it, so many on the (left, right, top, bottom), which take part in the
    mean or do not."""

    stride: Pair

    def __init__(self, kernel_size: Pair, stride: Pair, sides: Sides, ceil_mode: bool, count_include_pad: bool) -> None:
        super().__init__(kernel_size, stride, 0, ceil_mode, count_include_pad)
        self.sides = sides

    def forward(self, input: Tensor) -> Tensor:
        mean = self._pooled(input)
        return mean if self.count_include_pad else mean / self._pooled(torch.ones_like(input))

    def _pooled(self, input: Tensor) -> Tensor:
        padded = functional.pad(input, self.sides)
        pooled = functional.avg_pool2d(padded, self.kernel_size, self.stride, ceil_mode=self.ceil_mode)
        return _started(pooled, input, self.stride, self.sides)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, sides={self.sides}"


def _started(pooled: Tensor, input: Tensor, stride: Pair, sides: Sides) -> Tensor:
    """Return what was pooled without the windows that start in the padding behind the map: rounded up, there may be
    one, which torch's own pooling drops too."""
    rows = (input.shape[2] + sides[2] - 1) // stride[0] + 1
    columns = (input.shape[3] + sides[0] - 1) // stride[1] + 1
    return pooled[:, :, :rows, :columns]


@fx.wrap
def deform_conv2d(
    x: Tensor,
    offsets: Tensor,
    weight: Tensor,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    deformable_groups: int,
) -> Tensor:
    """Return the deformable convolution of a map, as `DeformConv2d` describes it; offsets of three numbers a tap, not
    two, are modulated."""
    batch, height, width, rows, columns = x.shape[0], x.shape[2], x.shape[3], offsets.shape[2], offsets.shape[3]
    tall, wide = kernel_size  # not the weight's: to a tracer, products of its sizes would be products of tensors
    split = 2 * deformable_groups * tall * wide
    shifts = offsets[:, :split].reshape(batch, deformable_groups, tall * wide, 2, rows, columns)
    # Taps are numbered row by row.
    down = _places(tall, rows, stride[0], padding[0], dilation[0], x).repeat_interleave(wide, 0)
    right = _places(wide, columns, stride[1], padding[1], dilation[1], x).repeat(tall, 1)
    down = down[:, :, None] + shifts[:, :, :, 0]
    right = right[:, None, :] + shifts[:, :, :, 1]
    # Where to sample in the coordinates of `grid_sample`: (batch·groups, K²·H', W', 2).
    grid = torch.stack([(2 * right + 1) / width - 1, (2 * down + 1) / height - 1], -1).flatten(2, 3).flatten(0, 1)
    maps = x.reshape(batch * deformable_groups, -1, height, width)
    samples = functional.grid_sample(maps, grid, align_corners=False)
    if offsets.shape[1] > split:
        weights = offsets[:, split:].sigmoid()
        samples = samples * weights.reshape(batch * deformable_groups, 1, -1, columns)
    samples = samples.reshape(batch, -1, rows, columns)
    return functional.conv2d(samples, weight.flatten(1)[:, :, None, None], groups=groups)


def _places(taps: int, outputs: int, stride: int, padding: int, dilation: int, like: Tensor) -> Tensor:
    """Return where an ordinary convolution samples along an axis, for every tap and output: (K, H') or (K, W')."""
    starts = dilation * torch.arange(taps, dtype=like.dtype, device=like.device)
    return starts[:, None] + stride * torch.arange(outputs, dtype=like.dtype, device=like.device) - padding


class DeformConv2d(nn.Module):
    """Deformable convolution: a map (batch, M, H, W) and where to sample it → (batch, N, H', W').

    The second input has the places of the taps, relative to those of an ordinary convolution: (dy, dx) for each of K²
    taps, for each deformable group; where *modulated*, then a weight before its sigmoid for each tap, for each
    deformable group. That is the layout of the original code and of torchvision. The map is sampled bilinearly, zero
    outside, and the samples go through one 1×1 convolution, so that counters see K²·M/g·N multiply-accumulates a
    position, those of the convolution that it replaces.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int = 1,
        deformable_groups: int = 1,
        modulated: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.groups, self.deformable_groups, self.modulated = groups, deformable_groups, modulated
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *kernel_size))
        self.bias = None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weight as torch draws that of a convolution."""
        nn.init.kaiming_uniform_(self.weight, a=sqrt(5))

    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
        return deform_conv2d(
            x,
            offsets,
            self.weight,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            self.deformable_groups,
        )

    def extra_repr(self) -> str:
        channels = f"{self.weight.shape[1] * self.groups}, {self.weight.shape[0]}"
        sizes = f"{channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        shape = f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}"
        return f"{sizes}, {shape}, deformable_groups={self.deformable_groups}, modulated={self.modulated}"


# TorchScript does not look up what a recurrent layer of torch does by itself, and torch.fx does not know its batch.
@fx.wrap
def first_states(x: Tensor, layers: int, both_ways: bool, features: int) -> Tensor:
    """Return the states that layers on (batch, L, M) start from: zeros."""
    states = 2 * layers if both_ways else layers
    return torch.zeros([states, x.shape[0], features], dtype=x.dtype, device=x.device)


@fx.wrap
def as_sequences(x: Tensor) -> Tensor:
    """Return sequences (batch, L, M); of maps (batch, H, W, M) each row is one."""
    return x.flatten(0, 1) if x.dim() == 4 else x


@fx.wrap
def as_before(sequences: Tensor, x: Tensor) -> Tensor:
    """Return sequences as maps where they are the rows of these."""
    return torch.unflatten(sequences, 0, [x.shape[0], x.shape[1]]) if x.dim() == 4 else sequences


class SequenceLSTM(nn.LSTM):
    """An LSTM that returns its output alone, (batch, L, C), without its last states; of maps (batch, H, W, M) likewise
    for each row."""

    def forward(self, input: Tensor) -> Tensor:  # type: ignore[override]
        layers, ways = self.num_layers, self.bidirectional
        weights: list[Tensor] = self._flat_weights  # type: ignore[assignment]
        x = as_sequences(input)
        zeros = first_states(x, layers, ways, self.hidden_size)
        found = torch.lstm(x, [zeros, zeros], weights, self.bias, layers, 0.0, self.training, ways, True)
        return as_before(found[0], input)


class SequenceGRU(nn.GRU):
    """A GRU likewise."""

    def forward(self, input: Tensor) -> Tensor:  # type: ignore[override]
        layers, ways = self.num_layers, self.bidirectional
        weights: list[Tensor] = self._flat_weights  # type: ignore[assignment]
        x = as_sequences(input)
        zeros = first_states(x, layers, ways, self.hidden_size)
        found = torch.gru(x, zeros, weights, self.bias, layers, 0.0, self.training, ways, True)
        return as_before(found[0], input)


class SequenceRNN(nn.RNN):
    """A plain recurrent layer likewise."""

    def forward(self, input: Tensor) -> Tensor:  # type: ignore[override]
        layers, ways = self.num_layers, self.bidirectional
        weights: list[Tensor] = self._flat_weights  # type: ignore[assignment]
        x = as_sequences(input)
        zeros = first_states(x, layers, ways, self.hidden_size)
        found = torch.rnn_tanh(x, zeros, weights, self.bias, layers, 0.0, self.training, ways, True)
        return as_before(found[0], input)


def sequence_of(name: str, *sizes: int, **how: Any) -> nn.Module:
    """Return the recurrent layer of that name which returns its output alone."""
    kinds: dict[str, Any] = {"LSTM": SequenceLSTM, "GRU": SequenceGRU, "RNN": SequenceRNN}
    made: nn.Module = kinds[name](*sizes, **how)
    return made


class GlobalResponseNorm(nn.Module):
    """A map and, with learned factors, itself times how its channels' lengths compare (Woo et al. 2023)."""

    def __init__(self, num_features: int, eps: float, channels_last: bool) -> None:
        super().__init__()
        self.eps, self.channels_last = eps, channels_last
        self.weight, self.bias = nn.Parameter(torch.zeros(num_features)), nn.Parameter(torch.zeros(num_features))

    def forward(self, x: Tensor) -> Tensor:
        positions, channel = ([1, 2], -1) if self.channels_last else ([2, 3], 1)
        length = torch.linalg.vector_norm(x, 2, positions, keepdim=True)
        response = length / (length.mean(channel, keepdim=True) + self.eps)
        shape = [1, 1, 1, -1] if self.channels_last else [1, -1, 1, 1]
        return x + torch.addcmul(self.bias.view(shape), self.weight.view(shape), x * response)
