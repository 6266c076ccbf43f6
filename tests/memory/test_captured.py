"""What captured modules hold in memory is what torch holds, to the byte: at the peak of inference, and behind the
forward pass in training."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.allocation.saved import saved_by_calls
from archprof.allocation.timeline import BACKWARD, FORWARD
from archprof.ir.footprint import Run
from archprof.ir.operators.attention import Attention
from archprof.ir.setup import Setup
from archprof.ir.values import Value

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from tests.memory.recorder import inference_peak, saved_for_backward, training_step  # noqa: E402


class Runs(nn.Module):
    """A function of maps, between two layers that learn."""

    def __init__(self, function, channels=8):
        super().__init__()
        self.function, self.channels = function, channels
        self.before, self.after = nn.Conv2d(3, channels, 1), nn.LazyLinear(3)
        self.weight, self.table = nn.Parameter(torch.rand(channels, 1, 1)), nn.Embedding(5, channels)
        self.norm = nn.InstanceNorm2d(channels, affine=True)
        self.frozen = nn.Parameter(torch.rand(channels, 1, 1), requires_grad=False)
        self.register_buffer("kept", torch.rand(channels, 1, 1))
        self.eval()(torch.rand(2, 3, 8, 8))

    def forward(self, x):
        return self.after(self.function(self, self.before(x)).flatten(1).float())


def drawn(own, x):
    """Keep some images, as stochastic depth does."""
    return x * x.new_empty(len(x), 1, 1, 1).bernoulli_(0.5).div_(0.5)


def written(own, x):
    """Write into a part of what is new."""
    made = x.new_zeros(x.shape)
    made[:, ::2] = x[:, ::2].exp()
    return made.sin()


def held(own, x):
    """Have a variable of what nobody reads any more."""
    first = x.exp()
    second = first.exp()
    third = second.exp()
    return torch.cat((third, third), 1).exp()


def heads(x):
    return x.flatten(2).transpose(1, 2).unflatten(2, (2, -1)).transpose(1, 2)


def in_windows(x, step=1):
    """Attention of two heads in eight windows, which lie beside one another: queries of each, or of every other,
    position."""
    parts = x.unflatten(3, (2, 4)).permute(0, 3, 1, 2, 4)
    return functional.scaled_dot_product_attention(parts[:, :, :, ::step].contiguous(), parts, parts)


FUNCTIONS = {
    "square": lambda own, x: x**2,
    "power of a tensor": lambda own, x: x.abs() ** own.weight,
    "functions that need what they make": lambda own, x: x.exp().sigmoid().tanh().rsqrt().sqrt().reciprocal(),
    "functions that need what they read": lambda own, x: functional.mish(functional.softplus(x.sin().log1p().abs())),
    "functions that need nothing": lambda own, x: (-x + 1 - x.mean((2, 3), keepdim=True)).flip(3).roll(1, 2),
    "bounds": lambda own, x: x.clamp(-1, 1).clamp(min=0) + functional.leaky_relu(x) + functional.elu(x),
    "in place": lambda own, x: functional.leaky_relu(functional.elu(x.mul_(2), inplace=True), inplace=True).exp_(),
    "a copy in place": lambda own, x: functional.hardtanh(functional.silu(x, inplace=True), -1, 2, inplace=True),
    "a factor in place": lambda own, x: x.mul_(own.weight),
    "a learned factor": lambda own, x: x * own.weight,
    "a frozen factor": lambda own, x: x * own.frozen * own.kept,
    "a learned divisor": lambda own, x: x / own.weight,
    "itself": lambda own, x: x * x / (x + x),
    "the input of another": lambda own, x: x.detach() * x,
    "a choice": lambda own, x: torch.where(x > 0, x, own.weight * x),
    "pools with holes": lambda own, x: functional.max_pool2d(x, 2, dilation=2),
    "a mask": lambda own, x: x.masked_fill(x > 0, 1.0),
    "the largest": lambda own, x: x.amax(1, keepdim=True) + x.max(1, keepdim=True)[0] + x.max(),
    "sums": lambda own, x: x.sum(1, keepdim=True) + x.std(1, keepdim=True) + x.logsumexp(1, keepdim=True),
    "a length": lambda own, x: functional.normalize(x, dim=1),
    "a softmax": lambda own, x: x.softmax(1).log_softmax(2),
    "a softmax of what is turned": lambda own, x: x.transpose(1, 3).softmax(-1),
    "a product of parts": lambda own, x: torch.matmul(*x.chunk(2, 1)),
    "a product of what is turned": lambda own, x: x @ x.transpose(2, 3),
    "a product of what is stretched": lambda own, x: x[:, :1] @ x,
    "a product with a matrix": lambda own, x: x.transpose(1, 2) @ own.table.weight[:, :8].mT,
    "a product of heads": lambda own, x: heads(x) @ heads(x).transpose(2, 3),
    "attention in windows": lambda own, x: in_windows(x),
    "attention in windows of half the queries": lambda own, x: in_windows(x, 2),
    "letters": lambda own, x: torch.einsum("bchw,bcvw->bhv", x, x.exp()),
    "letters and weights": lambda own, x: torch.einsum("bchw,nc->bnhw", x, own.table.weight),
    "features of what is turned": lambda own, x: functional.linear(x.transpose(1, 3), own.table.weight),
    "mirrored borders": lambda own, x: functional.pad(functional.pad(x, (1, 1, 1, 1), "reflect"), (1, 0)),
    "pools": lambda own, x: functional.max_pool2d(functional.avg_pool2d(x, 2), 3, 1, 1),
    "pools of a line": lambda own, x: functional.max_pool1d(functional.avg_pool1d(x.flatten(2), 2), 2),
    "pools of a volume": lambda own, x: functional.max_pool3d(functional.avg_pool3d(x[:, None], (1, 2, 2)), (1, 2, 2)),
    "pools to a size": lambda own, x: nn.AdaptiveAvgPool1d(1)(functional.adaptive_avg_pool2d(x, 3).flatten(2)),
    "a larger map": lambda own, x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
    "a group's norm": lambda own, x: functional.group_norm(x, 2),
    "an image's norm": lambda own, x: own.norm(x),
    "the norm of positions": lambda own, x: functional.layer_norm(x, x.shape[2:]),
    "words": lambda own, x: own.table(x.argmax(1).clamp(max=4)).permute(0, 3, 1, 2) * x,
    "places": lambda own, x: x.gather(1, x.argsort(1)) + x[:, torch.arange(7, -1, -1)],
    "places along two axes": lambda own, x: x[:, torch.arange(7, -1, -1)[:, None], torch.arange(8)].exp(),
    "parts": lambda own, x: torch.stack((x[:, 1:5], x[:, :4]), 1).flatten(1, 2),
    "stochastic depth": drawn,
    "dropout": lambda own, x: functional.dropout(x, 0.5, own.training),
    "dropout in place": lambda own, x: functional.dropout(x, 0.5, own.training, inplace=True),
    "writing into parts": written,
    "variables": held,
}  # fmt: skip


@pytest.fixture(autouse=True)
def plain_linear(monkeypatch):
    """Let a linear layer add its bias in place: where somebody looks on, torch takes no tensor for one of its own, and
    makes another."""
    linear = functional.linear

    def added(x, weight, bias=None):
        if bias is None or x.is_contiguous() or torch.is_inference_mode_enabled():
            return linear(x, weight, bias)
        return linear(x, weight).add_(bias)

    monkeypatch.setattr(functional, "linear", added)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_peak_of_inference_is_torchs(name):
    module = Runs(FUNCTIONS[name])
    graph = archprof.capture(module, (3, 8, 8))
    for images in (1, 2):
        expected = inference_peak(module.to("meta"), torch.empty(images, 3, 8, 8, device="meta"))
        assert analyze_memory(graph, Setup(images, kernels="cpu")).peak == expected


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_saved_for_backward_is_torchs(name):
    module = Runs(FUNCTIONS[name])
    report = analyze_memory(archprof.capture(module, (3, 8, 8), train=True), Setup(2, train="sgd", kernels="cpu"))
    expected = saved_for_backward(module.to("meta"), torch.empty(2, 3, 8, 8, device="meta"))
    loss = 2 * 4 + 2 * 3 * 4  # the loss and its weight, and the logarithms of the softmax of three classes
    assert report.timeline.after(FORWARD) - loss == expected
    assert not report.unknown


@pytest.mark.parametrize(
    ("function", "width"),
    [(lambda own, x: (x + x.exp()).sigmoid(), 4), (lambda own, x: x.add_(x.exp()).sigmoid(), 2)],
    ids=["new", "in place"],
)
def test_what_autocast_writes_in_place_stays_in_half_precision(function, width):
    """An exponential is in float32, and so is the sum of a map and of it, of which the sigmoid is kept; but the sum
    that is written over the map is not."""
    graph = archprof.capture(Runs(function), (3, 8, 8), train=True)
    saved, _ = saved_by_calls(graph, Setup(2, train="sgd", amp="bf16"))
    by_name = {node.op.name: size for node, size in zip(graph.nodes, saved, strict=True)}
    assert by_name["sigmoid"] == 2 * 8 * 8 * 8 * width


def test_attention_in_half_precision_keeps_a_seed_and_an_offset():
    """Of heads of 8 features on 64 positions, the sum of each row of scores, in float32, and 16 bytes."""
    value = Value((1, 64, 8), 2, dtype="bfloat16")
    run = Run((value,) * 3, (value,), Setup(2, train="sgd", amp="bf16"))
    assert Attention(1, 1).footprint(run).own == 2 * 64 * 4 + 16
    single = value._replace(dtype="float32")
    assert Attention(1, 1).footprint(Run((single,) * 3, (single,), Setup(2, train="sgd"))).own == 2 * 64 * 4


class Derived(nn.Module):
    """A function of positions between linear layers, whose derivative has more in memory at once than theirs."""

    def __init__(self, function):
        super().__init__()
        self.function, self.before, self.after = function, nn.Linear(16, 16), nn.Linear(16, 3)
        self.weight, self.norm = nn.Parameter(torch.ones(16)), nn.RMSNorm(16)
        self.plain, self.slopes = nn.RMSNorm(16, elementwise_affine=False), nn.PReLU(12)

    def forward(self, x):
        return self.after(self.function(self, self.before(x)).mean(1))


DERIVED = {
    "powers": lambda own, x: x.square() - x**3,
    "a constant's power": lambda own, x: 2**x,
    "roots": lambda own, x: x.abs().sqrt() + (x * x + 1).rsqrt(),
    "waves": lambda own, x: x.sin() + x.cos() + x.tan(),
    "arcs": lambda own, x: (x / 9).asin() + (x / 9).acos() + x.atan() + x.asinh() + (x / 9).atanh(),
    "logarithms": lambda own, x: x.abs().log1p() + (x.abs() + 1).log2() + x.expm1(),
    "an error function": lambda own, x: x.erf(),
    "a reciprocal": lambda own, x: 1 / (x + 9),
    "a quotient": lambda own, x: x.tanh() / own.before(x),
    "a quotient of what is stretched": lambda own, x: x / x.sum(1, keepdim=True),
    "a learned divisor": lambda own, x: x / own.weight,
    "a learned dividend": lambda own, x: own.weight / x,
    "bounds": lambda own, x: x.clamp(-1, 1),
    "a lower bound": lambda own, x: x.clamp_min(0.5),
    "the larger": lambda own, x: torch.maximum(x, x.tanh()),
    "the larger of what is learned": lambda own, x: torch.minimum(x, own.weight),
    "sums so far": lambda own, x: x.cumsum(1),
    "largest": lambda own, x: x - x.amax(1, keepdim=True),
    "a spread": lambda own, x: (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True),
    "a variance": lambda own, x: x - x.var(1, keepdim=True),
    "a logarithm of sums": lambda own, x: x - x.logsumexp(2, keepdim=True),
    "a soft sign": lambda own, x: functional.softsign(x),
    "a norm by hand": lambda own, x: x * (x.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt(),
    "a norm of root mean squares": lambda own, x: own.norm(x),
    "one without factors": lambda own, x: own.plain(x),
    "learned slopes": lambda own, x: own.slopes(x),
    "of what is learned alone": lambda own, x: x * own.weight.exp().square() / own.weight.norm() * own.weight.std(),
}


@pytest.mark.parametrize("name", DERIVED)
def test_what_a_derivative_is_computed_through_is_torchs(name):
    module, images = Derived(DERIVED[name]), torch.rand(3, 12, 16)
    found = analyze_memory(archprof.capture(module, (12, 16), train=True), Setup(3, train="sgd", kernels="cpu"))
    expected = training_step(module, images, torch.zeros(3, dtype=torch.long))
    assert found.timeline.peak([BACKWARD]) == expected.backward_peak
    assert not found.unknown


class Again(nn.Module):
    """Weights that several calls read, larger than all maps."""

    def __init__(self, function):
        super().__init__()
        self.function, self.layer, self.after = function, nn.Linear(96, 96), nn.Linear(96, 3)
        self.table, self.filters = nn.Embedding(96, 96), nn.Conv2d(96, 96, 1)

    def forward(self, x):
        return self.after(self.function(self, x))


AGAIN = {
    "twice": lambda own, x: own.layer(own.layer(x).tanh()),
    "three times": lambda own, x: own.layer(own.layer(own.layer(x).tanh()).tanh()),
    "in place": lambda own, x: own.filters(own.filters(x[..., None, None]).tanh()).flatten(1),
    "words, and where they come from": lambda own, x: functional.linear(
        own.table(x.argmax(1)).tanh(), own.table.weight
    ),
}


@pytest.mark.parametrize("name", AGAIN)
def test_gradients_of_weights_that_are_read_again_are_summed_as_torch_sums_them(name):
    """A linear layer's is a view of a product, to which nothing is added in place: a third matrix is the sum."""
    module, images = Again(AGAIN[name]), torch.rand(3, 96)
    found = analyze_memory(archprof.capture(module, (96,), train=True), Setup(3, train="sgd", kernels="cpu"))
    expected = training_step(module, images, torch.zeros(3, dtype=torch.long))
    assert found.timeline.peak([BACKWARD]) == expected.backward_peak
