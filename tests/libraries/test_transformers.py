"""Models of transformers from small configurations that lie on the disk: exactly what torch's own counter finds."""

import json

import pytest

from archprof.captures.given import batched, read_given
from archprof.captures.source import capture, make, parse
from archprof.costs.at_most import at_most
from archprof.costs.report import analyze_graph
from archprof.ir.operators.matmul import GroupedMatMul
from tests.cli.console import archprof
from tests.libraries.architectures import ARCHITECTURES, write_config
from tests.libraries.counters import counted_of_transformers

pytestmark = pytest.mark.filterwarnings("ignore")

# Of each sort some that differ most; `tests/benchmarks/coverage.py` takes them all.
SOME = (
    "albert", "bert", "beit", "clip", "convnext", "deberta", "deit", "distilbert", "electra", "gemma", "gpt2", "llama",
    "mamba", "mistral", "opt", "qwen2", "qwen3_moe", "roberta", "segformer", "t5", "vit", "wav2vec2", "whisper",
)  # fmt: skip


@pytest.mark.parametrize("kind", SOME)
def test_counts_are_those_of_torch(tmp_path, kind):
    path, inputs = write_config(kind, tmp_path), ARCHITECTURES[kind].inputs
    totals = analyze_graph(capture(f"transformers:{path}", inputs)).totals
    module = make(parse(f"transformers:{path}")).module
    assert type(module).__name__ == ARCHITECTURES[kind].name
    assert totals.params == sum(parameter.numel() for parameter in module.parameters())
    counted, _ = counted_of_transformers(kind, tmp_path, batched(map(read_given, inputs)).at(1))
    assert totals.macs == counted


def test_a_mixture_of_experts_is_its_arithmetic(tmp_path):
    """FlopCounterMode sees nothing of grouped products."""
    report = analyze_graph(capture(f"transformers:{write_config('mixtral', tmp_path)}", ["input_ids=12:int64"]))
    tokens, hidden, keys, router, chosen = 12, 32, 2 * 8, 4, 2
    attention = tokens * hidden * (2 * hidden + 2 * keys) + 2 * tokens * tokens * hidden
    experts = tokens * chosen * 3 * hidden * 64
    layer = attention + tokens * hidden * router + experts
    assert report.totals.macs == 2 * layer + tokens * hidden * 100
    assert [type(node.op) for node in report.graph.nodes].count(GroupedMatMul) == 2 * 2
    assert at_most(report) is None


def test_a_configuration_names_no_kernel_that_has_to_be_fetched(tmp_path):
    path = write_config("llama", tmp_path)
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "_attn_implementation": "kernels-community/flash-attn"})
    )
    usual = analyze_graph(capture(f"transformers:{write_config('llama', tmp_path / 'usual')}", ["input_ids=12:int64"]))
    assert analyze_graph(capture(f"transformers:{path}", ["input_ids=12:int64"])).totals == usual.totals


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


ASKED = {"bert": "input_ids=128:int64", "vit": "3x224x224", "wav2vec2": "input_values=16000"}


@pytest.mark.parametrize("kind", ASKED)
def test_a_model_is_asked_for_what_it_takes(capsys, tmp_path, kind):
    model = f"transformers:{write_config(kind, tmp_path)}"
    advice = f"as in `--input {ASKED[kind]}`, without the batch"
    assert archprof(capsys, "summary", model) == (2, "", f"`{model}` needs its input\n  help: {advice}\n")
