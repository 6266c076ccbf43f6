"""Decoders of today as specs: with the weights of small ones of transformers they give its outputs, and cost what it
costs, at every size."""

import json
from importlib import import_module

import pytest
import torch

import archprof
from archprof.captures.given import Given, batched
from archprof.runtime.build import build_network
from tests.libraries.counters import counted_on_meta
from tests.zoo.twins import randomise

# Of a small decoder, as transformers calls its sizes, and as a spec has them.
SMALL = {
    "hidden_size": 32, "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 100, "rms_norm_eps": 1e-5, "rope_theta": 500.0,
    "attn_implementation": "sdpa",
}  # fmt: skip
SPEC = """
archprof: 1
import: [llama_3_2_1b]
input: {ids: 12:int64}
layers:
  - {id: words, embedding: {size: 100, c: 32}}
  - {id: decoder, decoder: {heads: 4, kv_heads: 2, ffn: 56, base: 500, bias: BIAS, n: 2}}
  - rms_norm: {eps: 1e-5}
  - {id: head, linear: {c: 100, bias: falseTIED}}
"""
# The parameters of a layer as ours come, and as those of transformers are called.
OURS = (
    *("input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
    *("post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
)


def made(kind, tied, **more):
    """Return a small causal language model of transformers."""
    library = import_module("transformers")
    config = getattr(library, f"{kind}Config")(**SMALL, tie_word_embeddings=tied, **more)
    return getattr(library, f"{kind}ForCausalLM")(config).eval()


def in_our_order(reference):
    """Yield the parameters of a causal language model as a table lists them; a tied head has none."""
    yield reference.model.embed_tokens.weight
    for layer in reference.model.layers:
        for name in OURS:
            yield from layer.get_submodule(name).parameters()
    yield reference.model.norm.weight
    if reference.lm_head.weight is not reference.model.embed_tokens.weight:
        yield reference.lm_head.weight


@pytest.mark.parametrize(("kind", "bias"), [("Llama", False), ("Qwen2", True)])
@pytest.mark.parametrize("tied", [False, True])
def test_gives_the_outputs_of_transformers(tmp_path, kind, bias, tied):
    torch.manual_seed(7)
    reference = made(kind, tied)
    randomise(reference)
    text = SPEC.replace("BIAS", json.dumps(bias)).replace("TIED", ", tied: words" if tied else "")
    (tmp_path / "small.yaml").write_text(text)
    graph = archprof.expand(str(tmp_path / "small.yaml"))
    network = build_network(graph, initialise=False).eval()
    pairs = zip(network.parameters(), in_our_order(reference), strict=True)
    ids = torch.randint(100, (2, 12))
    with torch.no_grad():
        for own, other in pairs:
            own.copy_(other)
        assert torch.equal(network(ids), reference(ids).logits)


CATALOG = {
    "llama_3_2_1b": ("Llama", (2048, 8192, 16, 32, 8, 128256), True),
    "tinyllama_1_1b": ("Llama", (2048, 5632, 22, 32, 4, 32000), False),
    "smollm2_135m": ("Llama", (576, 1536, 30, 9, 3, 49152), True),
    "qwen2_5_0_5b": ("Qwen2", (896, 4864, 24, 14, 2, 151936), True),
}


@pytest.mark.parametrize("name", CATALOG)
def test_costs_what_transformers_costs(name):
    kind, sizes, tied = CATALOG[name]
    config = {**dict(zip(SMALL, sizes, strict=False)), **dict([*SMALL.items()][len(sizes) :])}
    library = import_module("transformers")
    with torch.device("meta"):
        reference = getattr(library, f"{kind}ForCausalLM")(
            getattr(library, f"{kind}Config")(**config, tie_word_embeddings=tied)
        )
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert totals.macs == counted_on_meta(reference, batched([Given(shape=(1024,), dtype="int64")]).at(1))
