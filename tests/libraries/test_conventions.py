"""Each convention gives, from the graph of a captured model of timm, torchvision or transformers, what its tool prints
for the model; where it leaves something open, it names that, and the tool prints no less."""

import contextlib
import io
import logging
from importlib import import_module

import pytest
import torch

from archprof.analysis.explain import explain
from archprof.captures.source import capture, make, parse
from archprof.costs.report import analyze_graph
from archprof.costs.tools import CONVENTIONS
from tests.conventions.tools import TOOLS
from tests.libraries.architectures import ARCHITECTURES, write_config

pytestmark = pytest.mark.filterwarnings("ignore")

# Of what repeats a block, few: a tool traces each.
MODELS = (
    *("timm:vit_tiny_patch16_224(depth=3)", "timm:deit3_small_patch16_224(depth=3)"),
    *("timm:swin_tiny_patch4_window7_224(depths=(2,2,2,2))", "timm:convnext_tiny(depths=(1,1,2,1))"),
    *("timm:mixer_s32_224", "timm:efficientformer_l1", "timm:poolformer_s12"),
    *("timm:levit_128s", "torchvision:vit_b_32"),
    *("transformers:bert", "transformers:vit", "transformers:segformer", "transformers:gpt2"),
)  # fmt: skip
ASKED = ("fvcore", "torchprofile", "torchinfo", "thop", "ptflops", "ptflops-aten", "torch")
# What a convention cannot tell of, wherever it is: products of sizes, how tensors lie in memory.
OPEN = {
    "torchprofile": {"reshape"},
    "ptflops-aten": {"linear", "attention"},
}
# What it cannot tell of in a model, and where a tool fails.
OPEN_IN = {("torchinfo", "transformers:gpt2"): {"linear"}}
FAILS = {("fvcore", "transformers:gpt2")}


class Model:
    """A captured model, and the module itself with the input that it takes, as often as a tool wants it."""

    def __init__(self, name, folder):
        library, _, kind = name.partition(":")
        self.inputs: tuple[str, ...] = ()
        self.name = name
        if library == "transformers":
            self.inputs = ARCHITECTURES[kind].inputs
            self.name = f"transformers:{write_config(kind, folder)}"
        self.reference = parse(self.name)
        self.report = analyze_graph(capture(self.name, self.inputs))

    def module(self):
        """Return the module with its weights and buffers, in evaluation mode."""
        library, name = self.reference.origin, self.reference.name
        if library == "timm":
            return import_module("timm").create_model(name, **self.reference.keywords).eval()
        if library == "torchvision":
            return import_module("torchvision").models.get_model(name, weights=None).eval()
        transformers = import_module("transformers")
        config = transformers.AutoConfig.from_pretrained(name)
        config._attn_implementation = "sdpa"
        return getattr(transformers, config.architectures[0])(config).eval()

    def example(self):
        """Return an input: words are all the first, pictures black."""
        [(name, value)] = self.report.inputs.items()
        return {name: torch.zeros(value.at_batch(1), dtype=getattr(torch, value.dtype))}


def printed(tool, model):
    module, given = model.module(), model.example()
    [x] = given.values()
    if tool == "torch":  # on the meta device, where no fused kernel of a CPU stands for attention
        module, x = module.to("meta"), x.to("meta")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if not tool.startswith("ptflops"):
            return TOOLS[tool](module, x)
        from ptflops import get_model_complexity_info

        backend = "aten" if tool == "ptflops-aten" else "pytorch"
        how = {"as_strings": False, "print_per_layer_stat": False, "backend": backend}
        return get_model_complexity_info(module, (1,), input_constructor=lambda _: given, **how)[0]


@pytest.mark.parametrize("name", MODELS)
def test_a_convention_is_what_its_tool_prints(name, tmp_path):
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    model = Model(name, tmp_path)
    for found in explain(model.report, [CONVENTIONS[tool] for tool in ASKED]).conventions:
        if (found.name, name) in FAILS:
            continue
        number = printed(found.name, model)
        left_open = {one.partition(".")[2] or one for one in found.not_priced or ()}
        known = OPEN.get(found.name, set()) | {
            one.partition(".")[2] or one for one in OPEN_IN.get((found.name, name), ())
        }
        assert left_open <= known, found.name
        assert found.total == number if not left_open else found.total <= number, found.name


def test_transformers_count_in_as_many_ways_as_there_are_tools():
    """A base ViT at 224 has 196 + 1 positions of 768 features, 12 blocks and 12 heads: its attention is 2·197²·768 MACs
    a block, its 25 norms are of 197·768 elements each; ptflops sees none of the linear layers in timm's attention."""
    macs = 196 * 768 * 768 + 12 * 197 * 12 * 768**2 + 12 * 2 * 197**2 * 768 + 768 * 1000
    attention, norms = 12 * 2 * 197**2 * 768, 25 * 197 * 768
    report = analyze_graph(capture("timm:vit_base_patch16_224"))
    asked = ("archprof", "fvcore", "thop", "torch", "ultralytics-thop")
    found = {one.name: one.total for one in explain(report, [CONVENTIONS[name] for name in asked]).conventions}
    assert found == {
        "archprof": macs,
        "fvcore": macs - attention + 5 * norms,
        "thop": macs - attention,  # timm's norms are of a class of its own
        "torch": 2 * macs,
        "ultralytics-thop": macs + 4 * norms,
    }
    assert make(parse("timm:vit_base_patch16_224")).shape == (3, 224, 224)
