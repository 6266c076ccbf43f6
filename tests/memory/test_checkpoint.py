"""Blocks that run again in the backward pass take what torch's checkpoints take."""

import pytest

import archprof
from archprof.allocation.checkpoint import segments
from archprof.allocation.report import analyze_memory
from archprof.allocation.saved import saved_by_calls
from archprof.allocation.timeline import BACKWARD, FORWARD, STEP
from archprof.ir.graph import Edge
from archprof.ir.setup import Setup

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from archprof.runtime.build import build_network  # noqa: E402
from tests.memory.recorder import Recorder, Step, training_step  # noqa: E402

# A call alone is no block: its output learns, which torch asks of what goes into the first checkpoint.
HEAD = """
archprof: 1
name: small
input: 3x32x32
classes: 10
defaults: {norm: batch_norm, act: relu6}
layers:
  - conv2d: {k: 3, c: 16}
"""
TAIL = """
  - avg_pool
  - linear: classes
"""
PLAIN = """
  - conv: {k: 3, c: 16}
  - conv: {k: 3, s: 2, c: 32, act: relu}
  - conv: {k: 3, c: 32}
"""
RESIDUAL = """
  - inverted_residual: {t: 6, c: 16, s: 1}
  - inverted_residual: {t: 6, c: 24, s: 2}
  - inverted_residual: {t: 3, c: 24, s: 1, act: swish}
"""


def small(tmp_path, rows):
    (tmp_path / "small.yaml").write_text((HEAD + rows.strip("\n") + TAIL).lstrip())
    return archprof.expand(str(tmp_path / "small.yaml"))


class Checkpointed:
    """A network whose blocks run in checkpoints."""

    def __init__(self, graph):
        self.graph = graph
        self.module = build_network(graph, initialise=False, device="meta").train()
        self.modules = dict(self.module.named_modules())

    def __call__(self, images):
        values = {Edge(-1): images}
        starts = {segment.first: segment for segment in segments(self.graph, blocks=True)}
        index = 0
        while index < len(self.graph.nodes):
            if index in starts:
                (output,) = starts[index].outputs
                given = [values[edge] for edge in starts[index].inputs]
                values = {output: checkpoint(self.block(starts[index]), *given, use_reentrant=True)}
                index = starts[index].last + 1
            else:
                values = {Edge(index): self.call(index, values)}
                index += 1
        return values.popitem()[1]

    def block(self, segment):
        def run(*given):
            values = dict(zip(segment.inputs, given, strict=True))
            for index in range(segment.first, segment.last + 1):
                values[Edge(index)] = self.call(index, values)
                for edge in [edge for edge in values if edge not in segment.outputs and self.is_last(edge, index)]:
                    del values[edge]
            return values[segment.outputs[0]]

        return run

    def is_last(self, edge, index):
        return all(edge not in node.inputs for node in self.graph.nodes[index + 1 :])

    def call(self, index, values):
        node = self.graph.nodes[index]
        given = [values[edge] for edge in node.inputs]
        return given[0] + given[1] if node.op.name == "add" else self.modules[node.path](*given)


@pytest.mark.parametrize("rows", [PLAIN, RESIDUAL], ids=["plain", "residual"])
def test_checkpointed_blocks_take_what_torchs_do(tmp_path, rows):
    graph = small(tmp_path, rows)
    network = Checkpointed(graph)
    images = torch.empty(4, 3, 32, 32, device="meta")
    classes = torch.zeros(4, dtype=torch.long, device="meta")
    recorder = Recorder([images, classes, *network.module.parameters(), *network.module.buffers()])
    with recorder:
        output = network(images)
        loss = cross_entropy(output, classes)
        forward = recorder.peak, recorder.now
        recorder.peak, recorder.accumulates = 0, True
        loss.backward()
        expected = Step(*forward, recorder.peak, recorder.now)
    found = analyze_memory(graph, Setup(batch=4, train="sgd", checkpoint="blocks", kernels="cpu"))
    timeline = found.timeline
    peaks = timeline.after(FORWARD), found.phase(BACKWARD), timeline.after(BACKWARD)
    assert Step(found.phase(FORWARD), *peaks) == expected
    del output


def test_behind_the_forward_pass_there_is_what_goes_into_each_block(tmp_path):
    found = analyze_memory(small(tmp_path, PLAIN), Setup(batch=4, train="sgd", checkpoint="blocks")).timeline
    # Into the three blocks of convolutions, and from pooling into the linear layer.
    inputs = 4 * 4 * (16 * 32 * 32 + 16 * 32 * 32 + 32 * 16 * 16 + 32)
    # The logits and their log-softmax; the loss and its weight.
    assert found.after(FORWARD) == inputs + 2 * 4 * 4 * 10 + 2 * 4


class Stem(nn.Module):
    """A block whose code has its first map in a variable to the end."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 8, 1, bias=False), nn.Conv2d(8, 2, 1, bias=False)

    def forward(self, images):
        maps = self.first(images)
        return self.second(maps * 2)


class Headed(nn.Module):
    """The block, and what runs behind it in the same function."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = Stem(), nn.Conv2d(2, 4, 1, bias=False)

    def forward(self, images):
        maps = self.stem(images)
        return self.head(maps * 3)


@pytest.mark.parametrize("checkpoint", ["", "blocks"])
def test_nothing_that_code_held_is_there_at_the_step(checkpoint):
    """56 weights of 4 bytes, and their gradients alone."""
    graph = archprof.capture(Headed(), (4, 8, 8), train=True)
    found = analyze_memory(graph, Setup(train="sgd", checkpoint=checkpoint))
    assert (found.resident.weights, found.phase(STEP)) == (4 * 56, 4 * 56)


class Coded(nn.Module):
    """Positions, and a function of them whose code checkpoints parts of it."""

    def __init__(self, function, reentrant):
        super().__init__()
        self.function, self.reentrant = function, reentrant
        self.before, self.layer, self.after = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 3)
        self.block = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 16))
        self.maps = nn.Sequential(nn.Conv1d(12, 12, 3, padding=1), nn.BatchNorm1d(12), nn.ReLU(inplace=True))

    def again(self, function, *inputs):
        return checkpoint(function, *inputs, use_reentrant=self.reentrant)

    def forward(self, x):
        return self.after(self.function(self, self.before(x)).mean(1))


def given_up(own, x):
    """A checkpoint whose function fails, and what its code then does without."""

    def fails(x):
        own.layer(x)
        raise NotImplementedError

    try:
        return own.again(fails, x)
    except NotImplementedError:
        return own.block(x)


def without_gradients(own, x):
    with torch.no_grad():
        scale = own.again(own.layer, x)
    return x * scale


CODED = {
    "a block": lambda own, x: x + own.again(own.block, x),
    "a block with its shortcut": lambda own, x: own.again(lambda x: x + own.block(x), x),
    "maps": lambda own, x: own.again(own.maps, own.again(own.maps, x)),
    "a layer": lambda own, x: own.again(own.layer, x),
    "a product of two": lambda own, x: own.again(lambda x, y: (x * y).tanh().exp(), x, own.layer(x)),
    "what is seen otherwise": lambda own, x: own.again(lambda x: own.layer(x).exp().mT.contiguous(), x).mT,
    "what needs what it reads": lambda own, x: own.again(lambda x: nn.functional.gelu(own.layer(x)), x),
    "a layer without gradients": without_gradients,
    "what fails": given_up,
}


@pytest.mark.parametrize("reentrant", [False, True], ids=["", "reentrant"])
@pytest.mark.parametrize("name", CODED)
def test_what_code_checkpoints_takes_what_torchs_does(name, reentrant):
    module, images = Coded(CODED[name], reentrant), torch.rand(3, 12, 16)
    graph = archprof.capture(module, (12, 16), train=True)
    found = analyze_memory(graph, Setup(3, train="sgd", kernels="cpu"))
    expected = training_step(module, images, torch.zeros(3, dtype=torch.long))
    assert (found.phase(FORWARD), found.timeline.after(FORWARD)) == expected[:2]
    assert found.phase(BACKWARD) == expected.backward_peak
    saved, _ = saved_by_calls(graph, Setup(3, train="sgd", kernels="cpu"))
    outputs = 3 * 3 * 4
    assert sum(saved) == expected.after_forward - 2 * outputs - 2 * 4  # the loss has a log-softmax, itself and a weight
