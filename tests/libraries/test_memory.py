"""What other libraries' models hold in memory: the peak of inference is what torch holds, and what is saved for
backward and the peaks of training are what an NVIDIA H100 was measured to hold."""

import csv
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from archprof.allocation.report import analyze_memory
from archprof.allocation.timeline import BACKWARD, FORWARD
from archprof.captures.given import Given, batched, read_given
from archprof.captures.module import capture_module
from archprof.captures.source import make, parse
from archprof.costs.report import analyze_graph
from archprof.ir.setup import Setup
from tests.libraries.architectures import ARCHITECTURES, write_config
from tests.libraries.test_models import TIMM, TORCHVISION
from tests.libraries.test_transformers import SOME
from tests.memory.recorder import peak_of_call

pytestmark = pytest.mark.filterwarnings("ignore")

MEASURED: dict[str, dict[str, str]] = {}
for file in ("h100.csv", "h100_timm.csv"):
    with (Path(__file__).parents[1] / "memory" / file).open() as lines:
        MEASURED.update((row["model"], row) for row in csv.DictReader(lines) if row["model"].startswith("timm:"))
MODELS = {*(f"torchvision:{one}" for one in TORCHVISION), *(f"timm:{one}" for one in TIMM)}
# Attention of windows, without a kernel, in parts of a tensor.
STACKS = {"timm:twins_svt_small"}
# What does not run on meta; and heads that share their keys, to whose scores torch adds a mask in place, but for who
# looks on.
ELSEWHERE = {"deberta", "qwen3_moe", "gemma", "llama", "mistral", "qwen2"}
# What nobody knows: what cuDNN reserves for a recurrent layer; a copy that newer versions of torch make of a product.
OTHERS = {"timm:sequencer2d_s", "timm:lambda_resnet26t"}
# Peaks that miss the span of tensors and workspace: by up to 0.3 % where nobody knows yet why, and by 5 % where a
# convolution of a tiny network takes a workspace of its own. Backward 5 of 201 models miss, with those above.
BEYOND = {
    FORWARD: {"timm:pvt_v2_b0", "timm:pvt_v2_b1", "timm:twins_pcpvt_small"},
    BACKWARD: {"timm:nest_tiny", "timm:tinynet_e", "timm:xcit_nano_12_p16_224"},
}
WIDE = 0.06  # of the measured peak
WIDER = {"timm:botnet26t_256", "timm:halonet26t"}  # up to 8 %


# Where what autocast saves is not to the byte: by up to half a per cent, and where code asks for float32 of its own or
# switches autocast off, which runs otherwise than was recorded, by up to 7 per cent.
IN_HALF = {
    "timm:beit_base_patch16_224", "timm:coatnet_0_rw_224", "timm:dm_nfnet_f0", "timm:eca_nfnet_l0",
    "timm:mobilevit_s", "timm:nf_regnet_b0", "timm:resmlp_12_224", "timm:swinv2_tiny_window8_256", "timm:tresnet_m",
    "timm:vit_relpos_small_patch16_224",
}  # fmt: skip
OTHERWISE = {"timm:efficientvit_b0", "timm:eva02_tiny_patch14_224", "timm:hiera_tiny_224"}
# Peaks of inference that miss the span: a table of biases that is made in the first run and kept, convolutions of
# what lies with its channels last, whose maps do so too, and one of a tiny network with a workspace of its own.
ANOTHER_PEAK = {"timm:levit_128", "timm:pvt_v2_b0", "timm:pvt_v2_b1", "timm:tinynet_e"}


# Of hundreds of models a gate follows a few of each sort; a night follows all.
GATE = {
    "torchvision:alexnet", "torchvision:densenet121", "torchvision:efficientnet_b0", "torchvision:swin_t",
    "torchvision:vit_b_16", "timm:levit_128", "timm:mobilevit_s", "timm:poolformer_s12", "timm:convnextv2_tiny",
    "timm:mobilenetv4_conv_small", "timm:vit_tiny_patch16_224", "timm:mixer_b16_224", "timm:eca_nfnet_l0",
    "bert", "gpt2", "t5", "clip",
}  # fmt: skip


def some(names):
    return [name if name in GATE else pytest.param(name, marks=pytest.mark.night) for name in names]


@pytest.fixture
def kernels(monkeypatch):
    """Have attention and linear layers run as by a kernel, where torch takes them apart for who looks on: attention
    whose output has the heads of a position side by side, and a bias that is added in place."""
    attention, linear = functional.scaled_dot_product_attention, functional.linear

    def attended(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, **options):
        alike = query.dim() == 4 and query.shape[1] == key.shape[1] and query.shape[3] == value.shape[3]
        if torch.is_inference_mode_enabled() or not alike or (is_causal and attn_mask is not None):
            return attention(query, key, value, attn_mask, dropout_p, is_causal, **options)
        return torch.empty_like(query.transpose(1, 2).contiguous()).transpose(1, 2)

    def added(x, weight, bias=None):
        if bias is None or x.is_contiguous() or torch.is_inference_mode_enabled():
            return linear(x, weight, bias)
        return linear(x, weight).add_(bias)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", attended)
    monkeypatch.setattr(functional, "linear", added)


def check_inference(module, inputs):
    graph = capture_module(module, inputs)
    assert not graph.single_batch
    module = module.to("meta")
    for images in (1, 2):
        found = analyze_memory(graph, Setup(images, kernels="cpu"))
        assert found.peak == peak_of_call(module, *inputs.at(images))


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("name", some(sorted(MODELS - STACKS)))
def test_the_peak_of_inference_is_torchs(name):
    made = make(parse(name))
    check_inference(made.module, batched([Given(shape=made.shape)]))


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("kind", some(one for one in SOME if one not in ELSEWHERE))
def test_the_peak_of_inference_is_torchs_of_transformers(tmp_path, kind):
    module = make(parse(f"transformers:{write_config(kind, tmp_path)}")).module
    check_inference(module, batched(map(read_given, ARCHITECTURES[kind].inputs)))


@pytest.mark.parametrize("name", some(sorted(MEASURED.keys() - OTHERS)))
def test_training_holds_what_the_gpu_held(name):
    made = make(parse(name))
    graph = capture_module(made.module, batched([Given(shape=made.shape)]), train=True)
    for batch in (8, 32):
        found = analyze_memory(graph, Setup(batch, train="momentum"))
        assert not found.unknown
        assert found.timeline.after(FORWARD) == int(MEASURED[name][f"sgd_b{batch}_after_forward"])
    for phase in (FORWARD, BACKWARD):
        low, high = found.timeline.span((phase,))
        peak = int(MEASURED[name][f"sgd_b32_{phase}_peak"])
        assert (low <= peak <= high) is (name not in BEYOND[phase])
        assert high - low <= WIDE * peak or name in WIDER


@pytest.mark.parametrize("name", some(sorted(MEASURED.keys() - OTHERS)))
def test_autocast_saves_what_the_gpu_held(name):
    made = make(parse(name))
    graph = capture_module(made.module, batched([Given(shape=made.shape)]), train=True)
    found = analyze_memory(graph, Setup(32, train="adamw", amp="bf16")).timeline.after(FORWARD)
    measured = int(MEASURED[name]["adamw_bf16_b32_after_forward"])
    assert (found == measured) is (name not in IN_HALF | OTHERWISE)
    assert abs(found - measured) <= measured * (0.07 if name in OTHERWISE else 0.005)


@pytest.mark.parametrize("name", some(sorted(MEASURED.keys() - OTHERS)))
def test_inference_takes_what_the_gpu_held(name):
    made = make(parse(name))
    graph = capture_module(made.module, batched([Given(shape=made.shape)]))
    spans = {batch: analyze_memory(graph, Setup(batch)).timeline.span() for batch in (1, 32)}
    measured = {batch: int(MEASURED[name][f"infer_fp32_b{batch}_peak"]) for batch in spans}
    within = [low <= measured[batch] <= high for batch, (low, high) in spans.items()]
    assert all(within) is (name not in ANOTHER_PEAK)


def test_what_a_recurrent_layer_may_reserve_holds_what_it_did():
    row, made = MEASURED["timm:sequencer2d_s"], make(parse("timm:sequencer2d_s"))
    graph = capture_module(made.module, batched([Given(shape=made.shape)]), train=True)
    found = analyze_memory(graph, Setup(32, train="momentum"))
    assert found.unknown == {"lstm": 36}
    assert found.timeline.after(FORWARD) < int(row["sgd_b32_after_forward"]) < found.upper.after(FORWARD)
    for phase in (FORWARD, BACKWARD):
        assert found.phase(phase) < int(row[f"sgd_b32_{phase}_peak"]) < found.upper.peak((phase,))


def test_googlenet_has_heads_in_training_that_it_has_not_in_evaluation():
    """Two auxiliary heads at 299: of each a convolution of 1×1 on 4×4, and two linear layers."""
    heads = 4 * 4 * (512 + 528) * 128 + 2 * (2048 * 1024 + 1024 * 1000)
    module = make(parse("torchvision:googlenet")).module
    inputs = batched([Given(shape=(3, 299, 299))])
    evaluation, training = (
        analyze_graph(capture_module(module, inputs, train=train)).totals.macs for train in (False, True)
    )
    assert (evaluation, training) == (2_579_479_808, 2_579_479_808 + heads)
    assert training == 2_587_852_032
