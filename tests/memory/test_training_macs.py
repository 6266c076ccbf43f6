"""The multiply-accumulates of a step of training are those that torch's FlopCounterMode counts, forward and backward.

Two rules of its own are set right: the gradient of a grouped convolution's weight counts there for every pair of
channels, as if there were no groups, and fused attention, which does not run on meta, would compute its weights twice.
"""

import pytest

import archprof
from archprof.allocation.training import more_to_torch, train_macs
from archprof.ir.operators.bilinear import Bilinear
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.matmul import GroupedMatMul, MatMul
from archprof.ir.operators.recorded import Recorded
from archprof.ir.terms import total
from archprof.ir.values import Value
from archprof.spec.catalog import files
from tests.by_day import core_by_day

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from archprof.runtime.build import build_network  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def tensors_of(returned):
    if isinstance(returned, torch.Tensor):
        return [returned]
    return [one for part in (returned.values() if isinstance(returned, dict) else returned) for one in tensors_of(part)]


def counted_by_torch(module, *inputs):
    """Return half the FLOPs of a pass on meta, forward, and back from the sum of all outputs."""
    counter = FlopCounterMode(display=False)
    with counter:
        floats = [one for one in tensors_of(module.to("meta").train()(*inputs)) if one.requires_grad]
        sum(one.sum() for one in floats).backward()
    return counter.get_total_flops() // 2


# With products of maps, layers that recur, and convolutions of a line or a volume.
OTHERS = (
    *("convnextv2_atto", "crnn", "m5", "mc3_18", "mixer_s16_224", "swin_tiny_patch4_window7_224"),
    *("vit_tiny_patch16_224", "xcit_nano_12_p8_224"),
)


@pytest.mark.few(12)
@pytest.mark.parametrize(
    "name",
    [
        *core_by_day(sorted(files()), *OTHERS),
        "R-50-FPN@freeze=2,resolution=128",
        "R-50-FPN@freeze=4,norm=group_norm,resolution=128",
    ],
)
def test_a_network_costs_what_torch_counts(name):
    graph = archprof.expand(name)
    if any(node.op.name == "dynamic_conv" for node in graph.nodes):
        pytest.skip("of a kernel for each image torch counts the gradient once for all pairs of channels of all images")
    # Of two images, so that no norm has statistics of one value; of one where sines of positions are projected: that
    # is done once for all images.
    images = 1 if any(node.op.name == "fourier_positions" for node in graph.nodes) else 2
    inputs = [
        torch.zeros(images, *value.shape, device="meta", dtype=getattr(torch, value.dtype))
        for value in graph.inputs.values()
    ]
    counted = counted_by_torch(build_network(graph, initialise=False, device="meta"), *inputs)
    assert images * (train_macs(graph) + more_to_torch(graph)) == counted


class Of(nn.Module):
    """Layers that are called as *how* says; parameters whose names begin as *frozen* says do not learn."""

    def __init__(self, how, *layers, frozen=("none",)):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.how = how
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(not name.startswith(tuple(f"layers.{one}" for one in frozen)))

    def forward(self, x):
        return self.how(self.layers, x)


def in_a_row(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def heads(x, count):
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def attend(*learned, mask=False):
    """Return a call of attention of which only so many inputs hang on layers; the others are the network's input."""

    def call(layers, x):
        queries, keys, values = (heads(layers[learned.index(k)](x) if k in learned else x, 2) for k in range(3))
        added = layers[0](x)[:, None, :, :6] if mask else None
        return functional.scaled_dot_product_attention(queries, keys, values, added)

    return call


def attend_in_groups(layers, x):
    queries, keys, values = (heads(layer(x), layer.out_features // 4) for layer in layers)
    return functional.scaled_dot_product_attention(queries, keys, values, enable_gqa=True)


def from_state(layers, x):
    return layers[1](x, layers[0](x)[:, 0][None].contiguous())[0]


def linear(count=1, out=8):
    return [nn.Linear(8, out) for _ in range(count)]


TOKENS, MAP = (1, 6, 8), (1, 8, 6, 6)
CASES = {
    "convolutions": (MAP, in_a_row, nn.Conv2d(8, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, dilation=2, padding=2)),
    "convolutions of a sound": (TOKENS, in_a_row, nn.Conv1d(6, 4, 3), nn.Conv1d(4, 4, 3, stride=2)),
    "convolutions of a clip": ((1, 8, 4, 5, 6), in_a_row, nn.Conv3d(8, 4, 3), nn.Conv3d(4, 2, 1)),
    "convolutions in groups": (MAP, in_a_row, nn.Conv2d(8, 4, 3, groups=2), nn.Conv2d(4, 4, 3, groups=4)),
    "transposed convolutions": (MAP, in_a_row, nn.ConvTranspose2d(8, 4, 3, 2), nn.ConvTranspose2d(4, 6, 2, groups=2)),
    "transposed convolution of a sound": (TOKENS, in_a_row, nn.Conv1d(6, 4, 3), nn.ConvTranspose1d(4, 8, 3)),
    "transposed convolution of a clip": ((1, 2, 3, 4, 5), in_a_row, nn.Conv3d(2, 4, 2), nn.ConvTranspose3d(4, 2, 2)),
    "convolution by an activation": (
        MAP, lambda of, x: functional.conv2d(x, of[0](x.mean((2, 3)))[0].reshape(2, 8, 1, 1)), *linear(out=16)
    ),
    "linear layers": (TOKENS, in_a_row, nn.Linear(8, 5), nn.Linear(5, 7, bias=False)),
    "linear layers, the first frozen": (TOKENS, Of(in_a_row, *linear(3), frozen=("0",))),
    "linear layers, the second frozen": (TOKENS, Of(in_a_row, *linear(3), frozen=("1",))),
    "linear layers, the last frozen": (TOKENS, Of(in_a_row, *linear(3), frozen=("2",))),
    "linear layers, biases alone learn": (TOKENS, Of(in_a_row, *linear(2), frozen=("0.weight", "1.weight"))),
    "one linear layer twice": (TOKENS, lambda of, x: of[0](of[0](x)), *linear()),
    "detached": (TOKENS, lambda of, x: of[1](of[0](x).detach()), *linear(2)),
    "returned as a number of a class": (TOKENS, lambda of, x: (of[0](x), of[1](x).argmax(-1)), *linear(2)),
    "product of two that learn": (TOKENS, lambda of, x: of[0](x) @ of[1](x).transpose(1, 2), *linear(2)),
    "product of one that learns": (TOKENS, lambda of, x: of[0](x) @ x.transpose(1, 2), *linear()),
    "attention": (TOKENS, attend(0, 1, 2), *linear(2), nn.Linear(8, 12)),
    "attention, queries learn": (TOKENS, attend(0), *linear()),
    "attention, keys learn": (TOKENS, attend(1), *linear()),
    "attention, values learn": (TOKENS, attend(2), *linear()),
    "attention, its mask learns": (TOKENS, attend(mask=True), *linear()),
    "attention, keys in groups": (TOKENS, attend_in_groups, *linear(out=16), *linear(2)),
    "attention, as a module": (TOKENS, lambda of, x: of[0](x, x, x)[0], nn.MultiheadAttention(8, 2, batch_first=True)),
    "transformer": (TOKENS, in_a_row, nn.TransformerEncoderLayer(8, 2, 16, dropout=0, batch_first=True)),
    "einsum": (TOKENS, lambda of, x: torch.einsum("bij,bkj->bik", of[0](x), of[1](x)), *linear(2)),
    "einsum, one learns": (TOKENS, lambda of, x: torch.einsum("bij,bkj->bik", x, of[0](x)), *linear()),
    "LSTM": (TOKENS, lambda of, x: of[0](x)[0], nn.LSTM(8, 5, batch_first=True)),
    "LSTM, both ways, behind a layer": (
        TOKENS, lambda of, x: of[1](of[0](x))[0], *linear(), nn.LSTM(8, 5, 2, bidirectional=True, batch_first=True)
    ),
    "LSTM, projected": (TOKENS, lambda of, x: of[0](x)[0], nn.LSTM(8, 5, 2, proj_size=3, batch_first=True)),
    "LSTM, its first layer frozen": (
        TOKENS, Of(lambda of, x: of[0](x)[0], nn.LSTM(8, 5, 2, batch_first=True), frozen=[
            f"0.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ])
    ),
    "LSTM, only what projects learns": (
        TOKENS, Of(lambda of, x: of[0](x)[0], nn.LSTM(8, 5, proj_size=3, batch_first=True), frozen=[
            f"0.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ])
    ),
    "GRU": (TOKENS, lambda of, x: of[0](x)[0], nn.GRU(8, 5, 2, batch_first=True)),
    "RNN of two sequences, steps first": ((6, 2, 8), lambda of, x: of[0](x)[0], nn.RNN(8, 5, 2)),
    "RNN, from a state": (TOKENS, from_state, *linear(out=5), nn.RNN(8, 5, batch_first=True)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_captured_module_costs_what_torch_counts(case):
    shape, how, *layers = CASES[case]
    module = how if isinstance(how, Of) else Of(how, *layers)
    graph = archprof.capture(module.eval(), args=(torch.zeros(shape),))
    assert train_macs(graph) + more_to_torch(graph) == counted_by_torch(module, torch.empty(shape, device="meta"))


def test_a_grouped_convolution_costs_what_its_groups_cost_apart():
    """Torch counts them rightly where each is a convolution of its own: forward, dX and dW, but for the dX of the
    first."""
    first, second = nn.Conv2d(8, 4, 3, groups=2), nn.Conv2d(4, 4, 3, groups=4)

    def apart(layers, x):
        found = [layer(part) for layer, part in zip(layers[:2], x.chunk(2, 1), strict=True)]
        return torch.cat([layer(part) for layer, part in zip(layers[2:], torch.cat(found, 1).split(1, 1), strict=True)])

    split = [nn.Conv2d(4, 2, 3), nn.Conv2d(4, 2, 3), *[nn.Conv2d(1, 1, 3) for _ in range(4)]]
    graph = archprof.capture(Of(in_a_row, first, second).eval(), args=(torch.zeros(MAP),))
    # 4·(8/2)·3² weights at 4×4 places, twice; 4·(4/4)·3² at 2×2, three times.
    assert train_macs(graph) == 2 * 144 * 16 + 3 * 36 * 4
    assert train_macs(graph) == counted_by_torch(Of(apart, *split), torch.empty(MAP, device="meta"))


PLACES = (Value((5, 3), 1), Value((5, 4), 1))
DEFORMED = (Value((6, 7, 7)), Value((18, 5, 5)))
# Of which torch counts no product: what each costs by arithmetic, where so much is wanted.
ARITHMETIC = [
    (Bilinear(3, 4, 2), PLACES, (False, False), ("weight", "bias"), 5 * 3 * 4 * 2),
    (Bilinear(3, 4, 2), PLACES, (True, False), ("weight", "bias"), 2 * 5 * 3 * 4 * 2),
    (Bilinear(3, 4, 2), PLACES, (True, True), (), 2 * 5 * 3 * 4 * 2),
    (Bilinear(3, 4, 2), PLACES, (False, False), ("bias",), 0),
    (GroupedMatMul(2), (Value((5, 3), 1), Value((2, 3, 4), 2)), (True, True), (), 2 * 5 * 3 * 4),
    (GroupedMatMul(2, (3, 4)), (Value((5, 3), 1),), (False,), ("weight",), 5 * 3 * 4),
    (MatMul(), (Value((2, 5, 3), 2), Value((3, 4), 1)), (True, False), (), 2 * 5 * 3 * 4),
    # The gradient of the samples leads to the map and to the offsets alike.
    (DeformConv2d(6, 8, (3, 3), (1, 1), (0, 0), (1, 1)), DEFORMED, (False, True), ("weight",), 2 * 9 * 6 * 8 * 25),
    (DeformConv2d(6, 8, (3, 3), (1, 1), (0, 0), (1, 1)), DEFORMED, (True, True), ("weight",), 2 * 9 * 6 * 8 * 25),
    (DeformConv2d(6, 8, (3, 3), (1, 1), (0, 0), (1, 1)), DEFORMED, (False, False), ("weight",), 9 * 6 * 8 * 25),
    # What is added to a product is no factor of it.
    (Recorded("aten.addmm.default", 60, held=(("bias", 4), ("weight", 12))), (), (), ("bias", "weight"), 60),
    (Recorded("aten.baddbmm.default", 60), PLACES[:1] * 3, (True, True, True), (), 120),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "inputs", "wanted", "learned", "expected"), ARITHMETIC)
def test_gradients_cost_what_arithmetic_says(operator, inputs, wanted, learned, expected):
    outputs = operator.outputs(*inputs) if not isinstance(operator, Recorded) else ()
    assert total(operator.backward_macs(inputs, outputs, wanted, learned)) == expected
