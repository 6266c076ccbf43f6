"""What is kept for the backward pass is what torch's allocator gave out while a module really ran on a CPU."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.allocation.timeline import BACKWARD, FORWARD
from archprof.ir.setup import Setup

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy, scaled_dot_product_attention  # noqa: E402
from torch.profiler import ProfilerActivity, profile  # noqa: E402

from archprof.runtime.build import build_network  # noqa: E402
from tests.memory.recorder import Recorder, Step, Summed, training_step  # noqa: E402

# All families of the catalog, small enough to run.
NETWORKS = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_lite0", "efficientnet_v2_s",
    "ghostnet_050", "ghostnet_100", "googlenet", "inception_v3", "lenet5", "mixnet_m", "mixnet_s", "mnasnet0_5",
    "mnasnet_a1", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_large_paper",
    "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18", "resnet50", "resnext50_32x4d", "se_resnet18",
    "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "squeezenet1_1", "vgg11_bn",
]  # fmt: skip
SIDES = {"alexnet": 96, "googlenet": 64, "inception_v3": 75, "squeezenet1_1": 64}  # 32 elsewhere


def given_out(profiled):
    """Return the bytes that the allocator gave out and did not get back."""
    return sum(event.nbytes() for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]")


def held(module, images, classes):
    """Return the bytes of what the allocator gave out for a pass forward and its loss, and did not get back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # others would wait for each other in maps this small
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        output = module(images)
        loss = cross_entropy(output, classes)
    left = given_out(profiled)
    del output, loss
    torch.set_num_threads(threads)
    return left


@pytest.mark.few(15)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_kept_for_the_backward_pass_is_what_the_allocator_gave_out(name):
    graph = archprof.expand(name, resolution=SIDES.get(name, 32))
    (value,) = graph.inputs.values()
    module = build_network(graph, initialise=False).train()
    expected = held(module, torch.zeros(2, *value.shape), torch.zeros(2, dtype=torch.long))
    found = analyze_memory(graph, Setup(batch=2, train="sgd", kernels="cpu"))
    assert found.timeline.after(FORWARD) == expected


class Grouped(nn.Module):
    """Attention whose heads of queries share those of keys and values, as language models have it."""

    def __init__(self, shared, grouped):
        super().__init__()
        self.shared, self.grouped = shared, grouped
        self.query, self.keys = nn.Linear(32, 32), nn.Linear(32, 2 * 4 * shared)

    def forward(self, x):
        queries = self.query(x).unflatten(-1, (8, 4)).transpose(1, 2)
        keys, values = self.keys(x).unflatten(-1, (2, self.shared, 4)).transpose(1, 3).unbind(2)
        found = scaled_dot_product_attention(queries, keys, values, is_causal=True, enable_gqa=self.grouped)
        return found.transpose(1, 2).flatten(2).mean(1)


@pytest.mark.parametrize(("shared", "grouped"), [(1, True), (2, True), (8, False), (1, False)])
def test_heads_that_share_keys_and_values_have_a_kernel_where_torch_is_told_so(shared, grouped):
    """Keys and values of one head are broadcast unless it is told, as timm's multi-query attention does."""
    module, x = Grouped(shared, grouped).train(), torch.zeros(2, 40, 32)
    expected = held(module, x, torch.zeros(2, dtype=torch.long))
    found = analyze_memory(archprof.capture(module, (40, 32), train=True), Setup(batch=2, train="sgd", kernels="cpu"))
    assert found.timeline.after(FORWARD) == expected


def test_attention_has_the_sums_of_its_rows_in_inference_too():
    """Of 8 heads in 40 positions, beside what goes in and comes out: they are returned, and nobody takes them."""

    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.after = nn.Linear(32, 32), nn.Linear(32, 3)

        def forward(self, x):
            heads = self.before(x).unflatten(-1, (8, 4)).transpose(1, 2)
            return self.after(scaled_dot_product_attention(heads, heads, heads).mean(2).flatten(1))

    module, x = Attends().eval(), torch.zeros(2, 40, 32)
    recorder = Recorder([x, *module.parameters()])
    with torch.no_grad(), recorder:
        returned = module(x)
    del returned
    found = analyze_memory(archprof.capture(module, (40, 32)), Setup(batch=2, kernels="cpu"))
    assert found.peak == recorder.peak == 2 * (2 * 40 * 32 * 4) + 2 * 8 * 40 * 4


class Biased(nn.Module):
    """Attention of two heads with positions that are learned, as a mask of three axes or of four."""

    def __init__(self, axes, learned):
        super().__init__()
        self.before, self.after, self.axes = nn.Linear(16, 16), nn.Linear(16, 3), axes
        self.table = nn.Parameter(torch.rand(2, 40), requires_grad=learned)
        self.places = nn.Buffer(torch.arange(40)[:, None].sub(torch.arange(40)).abs())

    def forward(self, x):
        heads = self.before(x).unflatten(-1, (2, 8)).transpose(1, 2)
        mask = self.table[:, self.places]
        mask = mask if self.axes == 3 else mask[None]
        return self.after(scaled_dot_product_attention(heads, heads, heads, mask).transpose(1, 2).flatten(2).mean(1))


@pytest.mark.parametrize(("axes", "learned"), [(3, False), (4, False), (3, True), (4, True)])
def test_attention_has_a_kernel_where_its_mask_lets_it(axes, learned):
    module, x = Biased(axes, learned).train(), torch.rand(2, 40, 16)
    expected = held(module, x, torch.zeros(2, dtype=torch.long))
    found = analyze_memory(archprof.capture(module, (40, 16), train=True), Setup(batch=2, train="sgd", kernels="cpu"))
    assert found.timeline.after(FORWARD) == expected


class Recurs(nn.Module):
    """A recurrent layer, or a cell step by step, on (N, L, M) features."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.after = layer, nn.LazyLinear(3)

    def forward(self, x):
        if not isinstance(self.layer, nn.RNNCellBase):
            return self.after(self.layer(x)[0].mean(1))
        states = x.new_zeros(len(x), self.layer.hidden_size)
        states = (states, states) if isinstance(self.layer, nn.LSTMCell) else states
        for step in range(x.shape[1]):
            states = self.layer(x[:, step], states)
        return self.after(states[0] if isinstance(states, tuple) else states)


RECURRENT = {
    "LSTM": lambda: nn.LSTM(32, 64, batch_first=True),
    "small LSTM": lambda: nn.LSTM(32, 5, batch_first=True),
    "LSTM, both ways": lambda: nn.LSTM(32, 24, 2, batch_first=True, bidirectional=True, dropout=0.5),
    "LSTM, projected": lambda: nn.LSTM(32, 64, batch_first=True, proj_size=8),
    "GRU": lambda: nn.GRU(32, 64, 2, batch_first=True),
    "RNN": lambda: nn.RNN(32, 8, batch_first=True),
    "LSTM's cell": lambda: nn.LSTMCell(32, 64),
    "GRU's cell": lambda: nn.GRUCell(32, 8),
    "RNN's cell": lambda: nn.RNNCell(32, 64),
}


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", RECURRENT)
def test_what_recurrent_layers_take_lies_in_their_interval(name):
    """oneDNN runs an LSTM, with gates and states of its own in pages; torch runs the others step by step."""
    module, x = Recurs(RECURRENT[name]()), torch.rand(3, 10, 32)
    module(x)
    module.eval()
    graphs = [archprof.capture(module, (10, 32), train=train) for train in (False, True)]
    recorder = Recorder([x, *module.parameters()])
    with torch.no_grad(), recorder:
        module(x)
    inference = analyze_memory(graphs[0], Setup(3, kernels="cpu"))
    assert inference.peak <= recorder.peak <= inference.upper_peak
    training = analyze_memory(graphs[1], Setup(3, train="sgd", kernels="cpu"))
    step = training_step(module, x, torch.zeros(3, dtype=torch.long))
    assert training.timeline.after(FORWARD) <= step.after_forward <= training.upper.after(FORWARD)
    assert training.phase(BACKWARD) <= step.backward_peak <= training.upper.peak([BACKWARD])


@pytest.mark.parametrize("name", ["resnet50_fpn", "resnet50_fpn_retinanet"])
def test_a_step_of_several_outputs_is_what_torch_holds(name):
    """What is there behind both passes is what the allocator gave out. Its peak has what kernels take beside tensors,
    so that the peaks are those without elements."""
    graph = archprof.expand(name, resolution=64)
    assert len(graph.outputs) > 1
    (value,) = graph.inputs.values()
    module, images = build_network(graph, initialise=False).train(), torch.zeros(2, *value.shape)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as forward:
        outputs = [*module(images).values()]
        loss = Summed.apply(*outputs)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as backward:
        loss.backward()
    found = analyze_memory(graph, Setup(batch=2, train="sgd", kernels="cpu"))
    behind = found.timeline.after(FORWARD), found.timeline.after(BACKWARD)
    assert behind == (given_out(forward), given_out(forward) + given_out(backward))
    on_meta = build_network(graph, initialise=False, device="meta")
    step = training_step(on_meta, images.to("meta"), loss=lambda outputs: Summed.apply(*outputs.values()))
    assert step == Step(found.phase(FORWARD), behind[0], found.phase(BACKWARD), behind[1])
