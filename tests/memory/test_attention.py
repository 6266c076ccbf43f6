"""What attention and operators of tokens keep for their backward pass is what torch keeps on a CPU."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.allocation.timeline import FORWARD
from archprof.ir.setup import Setup

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from archprof.runtime.build import build_network  # noqa: E402
from tests.memory.recorder import Summed, training_step  # noqa: E402

SPEC = """
archprof: 1
name: small
input: 3x32x32
classes: 10
layers:
  - conv2d: {{k: 4, s: 4, p: 0, c: 48}}
{rows}
  - linear: classes
"""
TOKENS = "  - tokens\n  - layer_norm\n{}\n  - mean"
LAST = "  - permute: channels_last\n  - layer_norm\n{}\n  - mean"
MAP = "{}\n  - conv2d: {{k: 1, c: 8}}\n  - avg_pool"
# What stands on 64 tokens, or a map of 8×8, of 48 features.
ROWS = {
    "tokens": (TOKENS, "  - identity"),
    "a class token, positions": (TOKENS, "  - class_token\n  - position_embedding"),
    "attention": (TOKENS, "  - attention: {heads: 3}"),
    "causal": (TOKENS, "  - attention: {heads: 3, causal: true}"),
    "norms of queries and keys": (TOKENS, "  - attention: {heads: 3, qk_norm: layer_norm}"),
    "turned positions": (TOKENS, "  - attention: {heads: 3, rotary: 10000}"),
    "turned positions of neighbours": (TOKENS, "  - attention: {heads: 3, rotary: {pairs: neighbours}}"),
    "turned rows and columns": (
        TOKENS,
        "  - class_token\n  - attention: {heads: 3, rotary: {axial: true, skip: 1, pairs: neighbours}}",
    ),
    "turned in grouped queries": (
        TOKENS,
        "  - attention: {heads: 4, kv_heads: 2, apart: true, key_bias: false, causal: true, rotary: 100}",
    ),
    "turned norms": (TOKENS, "  - attention: {heads: 3, qk_norm: rms_norm, rotary: 10000}"),
    "turned by itself": (TOKENS, "  - rotary_positions: {heads: 3, columns_first: true, axial: true}"),
    "a transposition": (TOKENS, "  - transpose\n  - linear: 20\n  - transpose"),
    "a constant, learned factors": (TOKENS, "  - linear: 20\n  - scale: 0.5\n  - layer_scale"),
    "an approximation": (TOKENS, "  - linear: 20\n  - gelu: {approximate: tanh}"),
    "tokens in a row": (
        TOKENS,
        "  - branches:\n      join: concat_tokens\n"
        "      paths: [[token_range: {start: 0, size: 1}, linear: 48], [token_range: 1]]",
    ),
    "lengths of features": (TOKENS, "  - linear: 20\n  - normalize"),
    "lengths of maps": (MAP, "  - conv2d: {k: 1, c: 20}\n  - normalize\n  - normalize: positions"),
    "attention on a map": (LAST, "  - attention: {heads: 3}"),
    "turned map": (LAST, "  - attention: {heads: 3, rotary: {}}"),
    "windows": (LAST, "  - attention: {heads: 3, window: 4}"),
    "shifted windows": (LAST, "  - attention: {heads: 3, window: 4, shift: 2}"),
    "relative positions": (LAST, "  - attention: {heads: 3, window: 4, shift: 2, position: relative}"),
    "a smaller map": (LAST, "  - attention: {heads: 3, reduce: 2}"),
    "patches merged": (LAST, "  - merge_patches\n  - linear: 20"),
    "channels first": (MAP, "  - attention: {heads: 3}"),
    "channels first, one head": (MAP, "  - attention: {heads: 1}"),
    "channels first, one head, a bias": (MAP, "  - attention: {heads: 1, position: relative}"),
    "distances": (MAP, "  - attention: {heads: 3, position: distance}"),
    "sines and cosines": (MAP, "  - fourier_positions"),
    "one head of keys": (
        MAP,
        "  - {id: q, conv2d: {k: 1, c: 48}}\n  - {id: k, from: q, conv2d: {k: 1, c: 16}}\n"
        "  - {id: v, from: q, conv2d: {k: 1, c: 16}}\n"
        "  - {from: [q, k, v], dot_product_attention: {heads: 3, kv_heads: 1}}",
    ),
    "one head of keys, distances": (
        MAP,
        "  - {id: q, conv2d: {k: 1, c: 48}}\n  - {id: k, from: q, conv2d: {k: 1, c: 16}}\n"
        "  - {id: v, from: q, conv2d: {k: 1, c: 16}}\n"
        "  - {from: [q, k, v], dot_product_attention: {heads: 3, kv_heads: 1, position: distance}}",
    ),
}


@pytest.mark.few(9)
@pytest.mark.parametrize(("around", "rows"), ROWS.values(), ids=ROWS)
def test_what_is_kept_is_what_torch_keeps(tmp_path, around, rows):
    (tmp_path / "small.yaml").write_text(SPEC.format(rows=around.format(rows)).lstrip())
    graph = archprof.expand(str(tmp_path / "small.yaml"))
    module = build_network(graph, initialise=False, device="cpu")
    step = training_step(module, torch.empty(4, 3, 32, 32), torch.zeros(4, dtype=torch.long))
    timeline = analyze_memory(graph, Setup(batch=4, train="sgd", kernels="cpu")).timeline
    assert timeline.after(FORWARD) == step[1]


class Dropping(nn.Module):
    """Attention of two heads that leaves weights out, or has a mask of yes and no."""

    def __init__(self, dropout, mask):
        super().__init__()
        self.parts, self.dropout, self.mask = nn.Linear(8, 24), dropout, mask

    def forward(self, x):
        q, k, v = [one.unflatten(-1, (2, 4)).transpose(1, 2) for one in self.parts(x).chunk(3, -1)]
        mask = torch.ones(50, 50, dtype=torch.bool, device=x.device).tril() if self.mask else None
        return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=self.dropout)


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_dropout_and_masks_of_yes_and_no_have_what_a_cpu_keeps(dropout, mask):
    module = Dropping(dropout, mask)
    graph = archprof.capture(module, args=(torch.zeros(1, 50, 8),), train=True)
    timeline = analyze_memory(graph, Setup(train="sgd", kernels="cpu")).timeline
    step = training_step(module, torch.zeros(1, 50, 8), loss=lambda output: Summed.apply(output))
    assert timeline.after(FORWARD) == step[1]
