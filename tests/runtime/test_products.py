"""What counters skip by themselves: counted, or named as not counted; never zero in silence."""

import pytest
import torch
import torch.backends.opt_einsum  # which torch imports by itself in newer releases alone
from torch import Tensor, nn
from torch.nn import functional

from archprof.runtime.einsum import einsum_macs
from archprof.runtime.measure import MeasuredRow, measure_module
from archprof.runtime.products import RULES, multiplies
from tests.runtime.modules import Function

BOTH, FVCORE, TORCH = "both", "fvcore", "torch"


def ones(*shape: int) -> Tensor:
    return torch.ones(shape)


STEPS = 5 * 3  # of a batch of 3
COUNTED = {
    "lstm": (nn.LSTM(10, 20), [ones(5, 3, 10)], STEPS * 4 * 20 * (10 + 20)),
    "lstm, two layers, two directions": (
        nn.LSTM(10, 20, num_layers=2, bidirectional=True),
        [ones(5, 3, 10)],
        STEPS * 2 * 4 * 20 * ((10 + 20) + (40 + 20)),
    ),
    "lstm, projected": (nn.LSTM(10, 20, proj_size=7), [ones(5, 3, 10)], STEPS * (4 * 20 * (10 + 7) + 20 * 7)),
    "lstm, without a batch": (nn.LSTM(10, 20), [ones(5, 10)], 5 * 4 * 20 * (10 + 20)),
    "lstm, batch first": (nn.LSTM(10, 20, batch_first=True), [ones(3, 5, 10)], STEPS * 4 * 20 * (10 + 20)),
    "gru": (nn.GRU(10, 20), [ones(5, 3, 10)], STEPS * 3 * 20 * (10 + 20)),
    "rnn": (nn.RNN(10, 20), [ones(5, 3, 10)], STEPS * 20 * (10 + 20)),
    "rnn of relu": (nn.RNN(10, 20, nonlinearity="relu"), [ones(5, 3, 10)], STEPS * 20 * (10 + 20)),
    "lstm cell": (nn.LSTMCell(10, 20), [ones(3, 10)], 3 * 4 * 20 * (10 + 20)),
    "gru cell": (nn.GRUCell(10, 20), [ones(3, 10)], 3 * 3 * 20 * (10 + 20)),
    "rnn cell": (nn.RNNCell(10, 20), [ones(3, 10)], 3 * 20 * (10 + 20)),
    "tensordot": (lambda x, y: torch.tensordot(x, y, 2), [ones(2, 3, 4), ones(3, 4, 5)], 2 * 3 * 4 * 5),
    "inner": (torch.inner, [ones(2, 3), ones(4, 3)], 2 * 4 * 3),
    "bilinear": (nn.Bilinear(3, 4, 5), [ones(2, 3), ones(2, 4)], 2 * 3 * 4 * 5),
    "addbmm": (torch.addbmm, [ones(2, 4), ones(5, 2, 3), ones(5, 3, 4)], 5 * 2 * 3 * 4),
    "mv": (torch.mv, [ones(2, 3), ones(3)], 2 * 3),
    "matmul by a vector": (torch.matmul, [ones(2, 3), ones(3)], 2 * 3),
    "addmv": (torch.addmv, [ones(2), ones(2, 3), ones(3)], 2 * 3),
    "dot": (torch.dot, [ones(3), ones(3)], 3),
    "vdot": (torch.vdot, [ones(3), ones(3)], 3),
    "conv_tbc": (torch.conv_tbc, [ones(7, 2, 4), ones(3, 4, 5), ones(5)], (7 - 3 + 1) * 2 * 3 * 4 * 5),
    "outer": (torch.outer, [ones(3), ones(4)], 0),
    "attention": (
        functional.scaled_dot_product_attention,
        [ones(1, 2, 5, 8), ones(1, 2, 7, 8), ones(1, 2, 7, 6)],
        2 * 5 * 7 * (8 + 6),
    ),
    # Four projections, two products of attention, two layers of the perceptron: not the fused kernel of inference.
    "encoder layer": (
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        [ones(1, 5, 8)],
        5 * (4 * 8 * 8 + 2 * 5 * 8 + 2 * 8 * 16),
    ),
}
if hasattr(functional, "grouped_mm"):  # an older torch has none for CPUs
    GROUPS = [ones(2, 16, 32).bfloat16(), ones(2, 32, 8).bfloat16()]
    COUNTED["grouped product"] = (torch._grouped_mm, GROUPS, 2 * 16 * 32 * 8)


@pytest.mark.parametrize(("called", "inputs", "macs"), COUNTED.values(), ids=COUNTED.keys())
def test_both_counters_count(called, inputs, macs):
    module = called if isinstance(called, nn.Module) else Function(called)
    found = measure_module(module, inputs, BOTH)
    assert (found.macs, found.macs_torch, found.not_counted) == (macs, macs, {})


def test_packed_sequences_count_their_own_steps():
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(10, 20)

        def forward(self, x: Tensor) -> Tensor:
            sequences = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 2]))
            output: Tensor = self.lstm(sequences)[0].data
            return output

    macs = (5 + 2) * 4 * 20 * (10 + 20)
    found = measure_module(Packed(), [ones(5, 2, 10)], BOTH)
    assert (found.rows["lstm"].macs, found.rows["lstm"].macs_torch) == (macs, macs)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*deprecated")
def test_a_layer_whose_weights_are_packed_is_counted_without_a_trace():
    module = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(6, 4)), {nn.Linear})
    assert measure_module(module, [ones(2, 6)], TORCH).macs == 2 * 6 * 4


# Equation, shapes, MACs: the product of all sizes that meet, pair by pair from the left.
EINSUMS = [
    ("bhid,bhjd->bhij", [(1, 8, 197, 64), (1, 8, 197, 64)], 8 * 197 * 197 * 64),
    ("bhid, bhjd -> bhij", [(1, 2, 3, 4), (1, 2, 5, 4)], 2 * 3 * 5 * 4),
    ("ij,jk", [(2, 3), (3, 4)], 2 * 3 * 4),
    ("...ij,...jk->...ik", [(7, 2, 3), (3, 4)], 7 * 2 * 3 * 4),
    ("...ij,...jk", [(7, 2, 3), (1, 3, 4)], 7 * 2 * 3 * 4),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5),
    ("i,j->ij", [(2,), (3,)], 0),
    ("bi,bi->bi", [(2, 3), (2, 3)], 0),
    ("bi,bi->b", [(2, 3), (2, 3)], 2 * 3),
    ("ijm,jk->ik", [(2, 3, 9), (3, 4)], 2 * 3 * 4),  # what one operand has alone is summed before they meet
    ("ii,ij->j", [(3, 3), (3, 4)], 3 * 4),
    ("ij->ji", [(2, 3)], 0),
]


@pytest.mark.parametrize(("equation", "shapes", "macs"), EINSUMS)
def test_einsum_is_exact(monkeypatch, equation, shapes, macs):
    monkeypatch.setattr(torch.backends.opt_einsum, "enabled", False)
    module = Function(lambda *operands: torch.einsum(equation, *operands))
    found = measure_module(module, [ones(*shape) for shape in shapes], BOTH)
    assert (found.macs, found.macs_torch, einsum_macs(equation, shapes)) == (macs, macs, macs)


def test_einsum_takes_pairs_in_the_order_of_a_path():
    shapes = [(2, 3), (3, 4), (4, 5)]
    assert einsum_macs("ij,jk,kl->il", shapes, [1, 2, 0, 1]) == 3 * 4 * 5 + 2 * 3 * 5


def test_the_kernel_of_gpus_counts_as_that_of_cpus():
    weights = [(80, 10), (80, 20), (80,), (80,)]
    assert RULES["aten::_cudnn_rnn"]([(5, 3, 10), weights], (5, 3, 20)) == STEPS * 4 * 20 * (10 + 20)


class Own(torch.autograd.Function):
    """A function with a gradient of its own."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x @ x


SQUARE = ones(3, 3)
NOT_COUNTED = {
    "fourier": (torch.fft.rfft2, BOTH, {"fft": 1}),
    "fourier and back": (lambda x: torch.fft.ifft2(torch.fft.fft2(x)).real, BOTH, {"fft": 2}),
    "distances": (lambda x: torch.cdist(x, x), BOTH, {"cdist": 1}),
    "singular values": (torch.linalg.svd, BOTH, {"linalg_svd": 1}),
    "solve": (lambda x: torch.linalg.solve(x, x), FVCORE, {"linalg_solve": 1}),
    "exponential": (torch.matrix_exp, BOTH, {"linalg_matrix_exp": 1}),
    "sparse product": (lambda x: SQUARE.to_sparse() @ x, TORCH, {"mm (sparse)": 1}),
    "sparse sum": (lambda x: torch.sparse.mm(SQUARE.to_sparse(), x), TORCH, {"sparse_addmm (sparse)": 1}),
    "several": (lambda x: torch.linalg.inv(torch.linalg.inv(x)), FVCORE, {"linalg_inv": 2}),
}


@pytest.mark.parametrize(("function", "counter", "names"), NOT_COUNTED.values(), ids=NOT_COUNTED.keys())
def test_what_has_no_rule_is_named(function, counter, names):
    module = nn.Sequential(nn.Linear(3, 3, bias=False), Function(function))
    found = measure_module(module, [torch.eye(3)], counter)
    second = 0 if counter == BOTH else None
    assert found.not_counted == names
    assert found.rows["1"] == MeasuredRow(0, 0, second, names)
    assert found.macs == 3 * 3 * 3


def test_a_function_with_a_gradient_of_its_own():
    """What it calls of torch is counted, whatever else it may do is named where it is traced."""
    found = measure_module(Function(Own.apply), [torch.eye(3)], BOTH)
    assert (found.macs, found.macs_torch, found.not_counted) == (3**3, 3**3, {"Own": 1})


WIDE, RECURRENT = nn.Linear(3, 5, bias=False).requires_grad_(False), nn.RNN(3, 4).requires_grad_(False)
UNREAD = {
    "layer": (lambda x: [WIDE(x), x][1], 3 * 3 * 5, {}),
    "function": (lambda x: [torch.mm(x, x), x][1], 3**3, {}),
    "method": (lambda x: [x @ x, x.matmul(x), x][2], 2 * 3**3, {}),
    "recurrent": (lambda x: [RECURRENT(x), x][1], 3 * (3 * 4 + 4 * 4), {}),
    "inside a function of functions": (lambda x: [torch.func.vmap(WIDE)(x), x][1], 3 * 3 * 5, {}),
    "written over": (lambda x: [WIDE(x).relu_(), x][1], 3 * 3 * 5, {}),
    "all": (lambda x: [WIDE(x), None][1], 3 * 3 * 5, {}),
    "no rule": (lambda x: [torch.fft.fft(x), x][1], 0, {"fft": 1}),
}


@pytest.mark.parametrize(("function", "macs", "names"), UNREAD.values(), ids=UNREAD.keys())
def test_what_reaches_no_output_counts_as_it_runs(function, macs, names):
    found = measure_module(Function(function), [torch.eye(3)], BOTH)
    assert (found.macs, found.macs_torch, found.not_counted) == (macs, macs, names)


# Of the whole process, as those of packages are: TorchScript knows an operator by where it lies in memory, and would
# take for it what lies there next.
OWN = torch.library.Library("archprof_test", "FRAGMENT")
OWN.define("mix(Tensor x) -> Tensor")
OWN.impl("mix", lambda x: x @ x, "CompositeExplicitAutograd")


@pytest.mark.parametrize(
    "function", [torch.ops.archprof_test.mix, lambda x: [torch.ops.archprof_test.mix(x), x][1]], ids=["all", "unread"]
)
def test_an_operator_of_a_package_is_named(function):
    found = measure_module(Function(function), [ones(3, 3)], FVCORE)
    assert found.not_counted == {"archprof_test::mix": 1}
    assert measure_module(Function(function), [ones(3, 3)], BOTH).not_counted == found.not_counted


MULTIPLY = """
    mm addmm _scaled_mm _weight_int4pack_mm _sparse_mm_reduce_impl mv dot vdot linalg_vecdot tensordot matmul
    chain_matmul linalg_multi_dot inner einsum linear bilinear _trilinear conv1d _convolution
    _conv_depthwise2d slow_conv3d conv_tbc thnn_conv2d miopen_convolution lstm quantized_lstm_cell _cudnn_rnn
    gru_cell _native_multi_head_attention _transformer_encoder_layer_fwd _efficient_attention_forward cdist
    _euclidean_dist _fft_c2c fft_irfftn stft linalg_qr linalg_solve_ex _linalg_svd cholesky_solve pinverse cov"""
DO_NOT = """
    add mul addcmul sum mean softmax layer_norm relu gelu max_pool2d upsample_bilinear2d upsample_linear1d
    grid_sampler_2d embedding_bag gather scatter_add cat linalg_vector_norm linalg_cross linalg_norm
    fft_fftshift fft_fftfreq _thnn_fused_lstm_cell _cudnn_rnn_flatten_weight normal gamma cosine_similarity
    im2col kron outer addr _weight_norm"""
OF_OTHERS = {
    "quantized::conv2d": True,
    "quantized::conv2d_prepack": False,
    "torchvision::deform_conv2d": True,
    "torchvision::nms": False,
    "prim::PythonOp.Own": True,
    "prim::ListConstruct": False,
    "flash_attn::_flash_attn_forward": True,
}
KNOWN = {f"aten::{name}": name in MULTIPLY.split() for name in (MULTIPLY + DO_NOT).split()} | OF_OTHERS


@pytest.mark.parametrize(("operator", "expected"), KNOWN.items())
def test_what_multiplies_is_known_by_name(operator, expected):
    assert multiplies(operator) is expected
