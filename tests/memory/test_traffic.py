"""What a call computes and moves, by arithmetic."""

import pytest

import archprof
from archprof.allocation.traffic import Traffic, traffic
from archprof.ir.setup import Setup

# MobileNetV1 at 224: a standard convolution of 3×3 from 3 to 32 channels with stride 2, its batch norm and ReLU, which
# writes over its input, and a depthwise one; behind the pool a classifier from 1024 to 1000.
MAP = 32 * 112 * 112
FIRST = Traffic(27 * MAP, 3 * 224 * 224, MAP, 27 * 32)
CALLS = {
    "0.conv": FIRST,
    "0.norm": Traffic(0, MAP, MAP, 4 * 32),
    "0.act": Traffic(0, MAP, MAP, 0),
    "1.0.depthwise.conv": Traffic(9 * MAP, MAP, MAP, 9 * 32),
    "3.flatten": Traffic(0, 0, 0, 0),
    "3.linear": Traffic(1024 * 1000, 1024, 1000, 1024 * 1000 + 1000),
}


def at(places, images, width):
    """Return the traffic of so many images, in elements of so many bytes; weights are read once."""
    return Traffic(
        places.macs * images, places.inputs * images * width, places.outputs * images * width, places.weights * width
    )


@pytest.mark.parametrize(("setup", "images", "width"), [
    (Setup(), 1, 4),
    (Setup(batch=8), 8, 4),
    (Setup(batch=8, dtype="fp16"), 8, 2),
])  # fmt: skip
def test_a_call_moves_each_tensor_once(setup, images, width):
    graph = archprof.expand("mobilenet_v1")
    found = {node.path: moved for node, moved in zip(graph.nodes, traffic(graph, setup), strict=True)}
    assert {path: found[path] for path in CALLS} == {path: at(one, images, width) for path, one in CALLS.items()}


def test_under_autocast_a_convolution_reads_and_writes_half_precision():
    found = traffic(archprof.expand("mobilenet_v1"), Setup(amp="bf16"))
    assert found[0] == at(FIRST, 1, 2)


def test_in_int8_a_norm_and_its_relu_are_part_of_the_convolution():
    """Two images through MobileNetV1's first call: 150,528 bytes in and 401,408 out each; of the norm four numbers a
    channel are held."""
    convolution, norm, relu, *_ = traffic(archprof.expand("mobilenet_v1"), Setup(batch=2, dtype="int8"))
    assert convolution == at(FIRST, 2, 1)
    assert (norm, relu) == (Traffic(0, 0, 0, 4 * 32), Traffic(0, 0, 0, 0))


def test_intensity_is_macs_per_byte():
    first, norm, *_ = traffic(archprof.expand("mobilenet_v1"), Setup())
    assert first.intensity == pytest.approx(27 * MAP / (4 * (3 * 224 * 224 + MAP + 27 * 32)))
    assert norm.intensity == 0
    assert Traffic(0, 0, 0, 0).intensity == 0


def test_a_larger_batch_has_a_higher_intensity_where_there_are_weights():
    """A classifier of M to N at batch B: B·M·N over the bytes of B·M + B·N + M·N + N."""
    *_, one = traffic(archprof.expand("mobilenet_v1"), Setup())
    *_, many = traffic(archprof.expand("mobilenet_v1"), Setup(batch=64))
    assert one.intensity == pytest.approx(1_024_000 / (4 * (1024 + 1000 + 1_025_000)))
    assert many.intensity == pytest.approx(64 * 1_024_000 / (4 * (64 * 2024 + 1_025_000)))


def test_calls_sum_to_the_network():
    """MobileNetV1 has 568,740,352 multiply-accumulates an image."""
    found = traffic(archprof.expand("mobilenet_v1"), Setup(batch=2))
    assert sum(call.macs for call in found) == 2 * 568_740_352


def test_what_a_call_waits_for_is_not_read():
    """A product of a map of 3·4·4 and one as large, which was written into before."""
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):  # type: ignore[name-defined,misc]
        def forward(self, x):
            held = torch.zeros(1, 3, 4, 4)
            held[:, 1] = 1.0
            return x * held

    graph = archprof.capture(Net(), (3, 4, 4))
    assert len(graph.nodes[-1].inputs) == 3
    assert traffic(graph, Setup())[-1] == Traffic(0, 2 * 4 * 48, 4 * 48, 0)
