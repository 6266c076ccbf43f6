"""Models of transformers from small configurations that lie on the disk: exactly what torch's own counter finds."""

import json
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from archprof.analysis.at_most import at_most
from archprof.captures.source import capture, make, parse
from archprof.costs.report import analyze_graph
from tests.cli.console import archprof

pytestmark = pytest.mark.filterwarnings("ignore")

SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
WORDS, IMAGES = {**SMALL, "vocab_size": 100}, {**SMALL, "image_size": 32}
TEXT, PICTURE = ("input_ids=12:int64",), ("pixel_values=3x32x32",)
# The architecture, its configuration, and its inputs.
MODELS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "albert": ("AlbertModel", {**WORDS, "embedding_size": 16}, TEXT),
    "bert": ("BertModel", WORDS, TEXT),
    "beit": ("BeitModel", {**IMAGES, "patch_size": 8}, PICTURE),
    "deit": ("DeiTForImageClassification", {**IMAGES, "patch_size": 8}, PICTURE),
    "distilbert": (
        "DistilBertModel", {"vocab_size": 100, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}, TEXT,
    ),
    "electra": ("ElectraModel", {**WORDS, "embedding_size": 16}, TEXT),
    "gemma": ("GemmaForCausalLM", {**WORDS, "num_key_value_heads": 2, "head_dim": 8}, TEXT),
    "gpt2": ("GPT2LMHeadModel", {"vocab_size": 100, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}, TEXT),
    "llama": ("LlamaForCausalLM", {**WORDS, "num_key_value_heads": 2}, TEXT),
    "mistral": ("MistralForCausalLM", {**WORDS, "num_key_value_heads": 2}, TEXT),
    "opt": ("OPTForCausalLM", {**WORDS, "ffn_dim": 64, "word_embed_proj_dim": 32, "max_position_embeddings": 64}, TEXT),
    "qwen2": ("Qwen2ForCausalLM", {**WORDS, "num_key_value_heads": 2}, TEXT),
    "roberta": ("RobertaModel", WORDS, TEXT),
    "segformer": (
        "SegformerForImageClassification",
        {"hidden_sizes": [8, 16, 32, 64], "num_attention_heads": [1, 1, 2, 4], "depths": [1, 1, 1, 1]}, PICTURE,
    ),
    "t5": (
        "T5ForConditionalGeneration",
        {"vocab_size": 100, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4},
        ("input_ids=12:int64", "decoder_input_ids=5:int64"),
    ),
    "vit": ("ViTForImageClassification", {**IMAGES, "patch_size": 8}, PICTURE),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_counts_are_those_of_torch(tmp_path, kind):
    architecture, config, inputs = MODELS[kind]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": kind, "architectures": [architecture], **config}))
    totals = analyze_graph(capture(f"transformers:{path}", inputs)).totals
    module = make(parse(f"transformers:{path}")).module
    assert type(module).__name__ == architecture
    assert totals.params == sum(parameter.numel() for parameter in module.parameters())
    assert totals.macs == _counted(module, inputs)


EXPERTS: dict[str, Any] = {**WORDS, "num_key_value_heads": 2, "num_experts_per_tok": 2}
# The architecture, its configuration, and how wide an expert is.
MIXTURES: dict[str, tuple[str, dict[str, Any], int]] = {
    "mixtral": ("MixtralForCausalLM", {**EXPERTS, "num_local_experts": 4}, 64),
    "qwen2_moe": ("Qwen2MoeForCausalLM", {**EXPERTS, "num_experts": 4, "moe_intermediate_size": 16}, 16),
}


@pytest.mark.parametrize("kind", MIXTURES)
def test_each_position_meets_as_many_experts_as_it_chooses(tmp_path, kind):
    architecture, config, width = MIXTURES[kind]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": kind, "architectures": [architecture], **config}))
    report = analyze_graph(capture(f"transformers:{path}", TEXT))
    experts = sum(row.cost.macs for row in report.rows if row.path.partition(":")[0].endswith(".experts"))
    # Two layers, 12 positions, two experts each: gate and what it gates, and back.
    assert experts == 2 * 12 * 2 * (32 * 2 * width + width * 32)
    assert at_most(report) is None


def _counted(module, inputs):
    given = {}
    for text in inputs:
        name, _, form = text.partition("=")
        sizes, _, kind = form.partition(":")
        shape = (1, *map(int, sizes.split("x")))
        given[name] = torch.zeros(shape, dtype=getattr(torch, kind or "float32"), device="meta")
    module = module.to("meta").eval().requires_grad_(False)
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        module(**given)
    return counted.get_total_flops() // 2


def test_experts_count_what_runs_through_them(tmp_path):
    """FlopCounterMode sees nothing of it: 12 tokens, each through two of four experts of three matrices."""
    config = {**WORDS, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "mixtral", "architectures": ["MixtralForCausalLM"], **config}))
    rows = analyze_graph(capture(f"transformers:{path}", TEXT)).rows
    experts = 2 * (12 * 2 * 3 * 32 * 64)
    assert sum(row.cost.macs for row in rows if row.op == "grouped_matmul") == experts
    attention = 2 * (12 * 32 * (32 + 16 + 16 + 32) + 4 * 12 * 12 * (8 + 8))
    assert sum(row.cost.macs for row in rows) == experts + attention + 2 * 12 * 32 * 4 + 12 * 32 * 100


CONFIG = "a `config.json`, or the folder that holds one; nothing is downloaded"
MESSAGES = {
    "transformers:none.json": ("there is no file `none.json`", CONFIG),
    "transformers:bert-base-uncased": ("there is no file `bert-base-uncased`", CONFIG),
    "timm:vit_tinny_patch16_224": ("timm has no `vit_tinny_patch16_224`", "did you mean `vit_tiny_patch16_224`?"),
    "torchvision:resnet51": ("torchvision has no `resnet51`", "did you mean `resnet50`?"),
}  # fmt: skip


@pytest.mark.parametrize("model", MESSAGES)
def test_messages(capsys, model):
    message, advice = MESSAGES[model]
    assert archprof(capsys, "summary", model) == (2, "", f"{message}\n  help: {advice}\n")
