"""Where captured calls put what they return: views, writes, strides, against hand-written tables and real runs."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import archprof
from archprof.ir.graph import HELD, Edge, Memory
from archprof.runtime.build import build_network


class Runs(nn.Module):
    """A module whose forward is a function of it and its input."""

    def __init__(self, forward):
        super().__init__()
        self.run = forward
        self.weight = nn.Parameter(torch.zeros(4, 3, dtype=torch.float16))
        self.seen = nn.Buffer(torch.zeros(3))

    def forward(self, x):
        return self.run(self, x)


def written(own, x):
    y = x.clone()
    y[:, 0].mul_(2)
    return y


# What runs on (N, 4, 3), and of each call what it says.
STORAGES = {
    "a storage of its own": (lambda own, x: x.exp(), [None]),
    "a view": (lambda own, x: x.transpose(1, 2), [Memory((0,))]),
    "a view of a view": (lambda own, x: x.transpose(1, 2).unsqueeze(0), [Memory((0,)), Memory((0,))]),
    "views of one call": (lambda own, x: x.split(2, 1), [Memory((0, 0))]),
    "a copy": (lambda own, x: x.transpose(1, 2).reshape(-1, 12), [Memory((0,)), None]),
    "a view that might have been a copy": (lambda own, x: x.reshape(-1, 12), [Memory((0,))]),
    "a copy where there are more images": (
        lambda own, x: x.transpose(0, 1).reshape(-1, 3), [Memory((0,)), Memory((0,), aliases_of_many=())],
    ),
    "in place": (lambda own, x: x.exp().relu_(), [None, Memory((0,), writes=(0,))]),
    "in place, on a view": (written, [None, Memory((0,)), Memory((0,), writes=(0,))]),
    "over the second of two": (
        lambda own, x: torch.exp(x, out=x.clone()), [None, Memory((1,), writes=(1,))],
    ),
    "a part of a parameter": (
        lambda own, x: x + own.weight[0], [Memory((HELD,), dtypes={"self": "float16"}), None],
    ),
    "a parameter, seen otherwise": (lambda own, x: x + own.weight.T.T, [Memory(dtypes={"weight": "float16"})]),
    "a buffer": (lambda own, x: own.seen.add_(1) + x, [Memory((HELD,), writes=(HELD,)), None]),
}  # fmt: skip


@pytest.mark.parametrize("case", STORAGES)
def test_storages(case):
    forward, expected = STORAGES[case]
    graph = archprof.capture(Runs(forward), (4, 3))
    ran = [node for node in graph.nodes if node.path != ""]  # without the parameter that most do not use
    assert [node.memory for node in ran] == expected


def test_what_is_not_run_has_elements_of_its_type():
    graph = archprof.capture(Runs(lambda own, x: x), (4, 3))
    assert [node.memory for node in graph.nodes] == [Memory(dtypes={"weight": "float16"})]


def test_a_network_of_ours_says_nothing_of_memory():
    assert {node.memory for node in archprof.expand("mobilenet_v2").nodes} == {None}


def heads(x):
    """Return the parts of an attention, positions in front."""
    return x.repeat(1, 1, 3).unflatten(-1, (3, 2, -1)).permute(2, 1, 0, 3, 4).contiguous().unbind()


def windows(x):
    """Return windows of 2×2 positions, all in one axis, and their positions as the features of others."""
    whole = x.unflatten(1, (2, 2)).unflatten(3, (-1, 2)).permute(0, 1, 3, 2, 4).flatten(0, 1)
    return whole, whole.transpose(1, 2), whole[:, ::2], whole.transpose(0, 1)


class Layers(nn.Module):
    """What norms, convolutions and recurrent layers make of channels that lie last."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.rows = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.LayerNorm(3)
        self.seen, self.group = nn.LSTM(3, 4, batch_first=True), nn.GroupNorm(3, 3)

    def forward(self, x):
        rows = self.rows(x.permute(0, 2, 3, 1))
        last = rows.permute(0, 3, 1, 2)
        mixed = self.conv(last)
        turned = self.norm(x.transpose(2, 3))
        return rows, last, mixed, mixed.relu(), self.norm(mixed), self.group(mixed), turned, self.seen(x[:, :, 0].mT)


class Halves(nn.Module):
    """A convolution of half the channels, which lie last by its weight; and one of a pixel."""

    def __init__(self):
        super().__init__()
        self.conv, self.pixel = nn.Conv2d(2, 3, 3), nn.Conv2d(3, 2, 1)
        for part in (self.conv, self.pixel):
            part.weight.data = part.weight.data.to(memory_format=torch.channels_last)

    def forward(self, x):
        conv = self.conv(x.chunk(2, 1)[0])
        return conv, self.pixel(conv), self.pixel(conv.contiguous())


# A module that returns tensors, and the shape of an image: how they lie in memory is what a run at other batches finds.
LAYOUTS = {
    "turned": (Runs(lambda own, x: (x.mT, x.transpose(0, 1), x.transpose(0, 2).contiguous().transpose(0, 2))), (4, 6)),
    "parts": (Runs(lambda own, x: (x[:, 1:], x[..., ::2], x.chunk(2, 1), x[:, 0], x.expand(3, -1, -1, -1))), (4, 6)),
    "attention": (Runs(lambda own, x: heads(x)), (5, 8)),
    "attention of torch's own": (nn.MultiheadAttention(8, 2), None),
    "windows": (Runs(lambda own, x: windows(x)), (4, 6)),
    "layers": (Layers(), (3, 6, 4)),
    "weights whose channels lie last": (Halves(), (4, 6, 4)),
}


@pytest.mark.parametrize("laid", [lambda one: one, lambda one: one.contiguous()], ids=["as they are", "in order"])
def test_attention_lies_as_a_gpus_kernel_returns_it(laid):
    """The heads of a position side by side, however the queries lie: a CPU's lays out its output as those are."""
    attend = functional.scaled_dot_product_attention
    graph = archprof.capture(Runs(lambda own, x: attend(*(laid(one.permute(1, 2, 0, 3)) for one in heads(x)))), (5, 8))
    [output] = graph.outputs.values()
    features, positions, heads_of_each = 4, 5, 2
    position = heads_of_each * features
    assert strides_at(graph.value(output), 2) == (positions * position, features, position, 1)


class OnItself(nn.Module):
    """Attention whose positions are in front, of images that are in front."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def forward(self, x):
        x = x.transpose(0, 1)
        return x, self.attention(x, x, x)


@pytest.mark.parametrize("case", LAYOUTS)
def test_layouts_are_those_of_real_runs(case):
    module, shape = LAYOUTS[case]
    if shape is None:
        module, shape = OnItself(module), (5, 8)
    graph = archprof.capture(module, shape)
    assert not graph.single_batch
    values = [graph.value(edge) for edge in graph.outputs.values()]
    for images in (1, 2, 5):
        with torch.no_grad():
            real = list(flat(module.eval()(torch.zeros(images, *shape))))
        assert [value.at_batch(images) for value in values] == [tuple(one.shape) for one in real]
        assert [strides_at(value, images) for value in values] == [
            between_places(one.shape, one.stride()) for one in real
        ]


def flat(found):
    for one in found:
        yield from [one] if isinstance(one, torch.Tensor) else flat(one)


def between_places(shape, strides):
    return tuple(stride if size > 1 else 0 for size, stride in zip(shape, strides, strict=True))


def strides_at(value, images):
    shape = value.at_batch(images)
    if value.strides is None:
        return between_places(shape, torch.empty(shape, device="meta").stride())
    pairs = (one if isinstance(one, tuple) else (one, 0) for one in value.strides)
    return between_places(shape, [start + more * (images - 1) for start, more in pairs])


def test_channels_that_lie_last_are_found_on_meta():
    module = Layers()
    graph = archprof.capture(module, (3, 6, 4))
    conv = next(node for node in graph.nodes if node.path == "conv")
    assert conv.output.strides == (72, 1, 12, 3)  # of (N, 3, 6, 4): 3 channels at each of 24 places


def test_activations_in_place_share_a_storage():
    graph = archprof.capture(
        build_network(archprof.expand("mobilenet_v2"), initialise=False, device="meta"), (3, 96, 96)
    )
    for index, node in enumerate(graph.nodes):
        if node.op.name == "relu6":
            assert node.memory == Memory((0,), writes=(0,))
            assert node.inputs == (Edge(index - 1),)
