"""How long a network takes: measured points, formulas, rooflines, and what a network takes beside them."""

from math import exp

import pytest

from archprof import expand
from archprof.analysis.summary import summarize
from archprof.analysis.traffic import with_traffic
from archprof.costs.report import analyze_graph
from archprof.devices.kernels import Kernel
from archprof.devices.predict import Predictor, predict
from archprof.devices.profile import BatchFit, Ceilings, KindFit, NetworkTerms, Residual
from archprof.devices.profile_file import read_profile
from archprof.errors import UsageError
from archprof.ir.setup import Setup
from archprof.language.expand import read_network
from archprof.render.fold import view
from archprof.render.summary import summary_table
from archprof.render.table import to_markdown
from tests.devices.profiles import DEPTHWISE, MOVING, NORM, RELU, SPEC, TERMS, made_up


@pytest.fixture
def graph():
    return read_network("net.yaml", text=SPEC)


def test_measured_points_are_returned_exactly(graph):
    found = predict(graph, made_up(), 1)
    assert [call.us for call in found.calls] == [7.0, 5.0, 2.0]
    assert {call.source for call in found.calls} == {"measured"}
    assert (found.us, found.beside_us, found.shares) == (14.0, 0.0, {"measured": 1.0})
    assert (found.low, found.high) == (pytest.approx(14 * exp(-0.1)), pytest.approx(14 * exp(0.1)))


def test_what_was_not_measured_is_predicted_by_its_class(graph):
    profile = made_up({DEPTHWISE: 7.0, NORM: 5.0}, {"relu": MOVING})
    found = predict(graph, profile, 1)
    # 256 elements of two bytes, read and written, in 10⁻⁶ µs a byte behind 3 µs.
    us = 3 + 1024 / 1e6
    assert (found.calls[2].us, found.calls[2].source) == (pytest.approx(us), "predicted")
    assert found.shares["predicted"] == pytest.approx(us / (12 + us))
    half = (0.1**2 + (0.2 * us / (12 + us)) ** 2) ** 0.5
    assert found.high / found.us == pytest.approx(exp(half))


def test_an_activation_is_like_the_others(graph):
    found = predict(graph, made_up({DEPTHWISE: 7.0, NORM: 5.0}, {"activation": MOVING}), 1)
    assert found.calls[2].source == "predicted"


def test_what_the_profile_does_not_know_is_out_of_range(graph):
    found = predict(graph, made_up({DEPTHWISE: 7.0, RELU: 2.0}), 1)
    # The roofline: 256 elements of two bytes read and written, and 16 parameters and statistics, at 1000 bytes/µs.
    assert (found.calls[1].us, found.calls[1].source) == (pytest.approx((1024 + 32) / 1000), "out of range")


def words(rows, features=768, length=128):
    """Return a network that looks words up in a table, and tells which of 128,256 comes next."""
    layers = f"layers:\n  - embedding: {{size: {rows}, c: {features}}}\n  - linear: {{c: 128256}}\n"
    return read_network("net.yaml", text=f"archprof: 1\nname: net\ninput: {length}:int64\n{layers}")


def test_of_a_table_the_rows_that_are_asked_for_are_read():
    few, many = (predict(words(rows), read_profile("h100"), 1).calls[0] for rows in (100, 1_000_000))
    # 128 numbers of 8 bytes, and 128 rows of 768 features of two, read and written; 100 rows are all that there are.
    numbers, rows = 128 * 8, 128 * 768 * 2
    assert (few.traffic.bytes, many.traffic.bytes) == (numbers + 100 * 768 * 2 + rows, numbers + 2 * rows)
    assert few.us == many.us


def test_bytes_that_are_not_read_are_told():
    graph = words(1_000_000)
    found = with_traffic(summarize(analyze_graph(graph)), graph, Setup(dtype="fp16"))
    table, head = (layer.traffic for layer in found.layers)
    assert table is not None
    assert head is not None
    assert found.traffic is not None
    # Of a million rows of 768 features of two bytes, 128 are read.
    unread = (1_000_000 - 128) * 768 * 2
    assert (table.unread_bytes, head.unread_bytes, found.traffic.unread_bytes) == (unread, None, unread)
    moved = [one.input_bytes + one.output_bytes + one.held_bytes for one in (table, head)]
    assert found.traffic.intensity == 128 * 768 * 128_256 / (moved[0] + moved[1] - unread)
    assert f"of which not read {unread:,}" in to_markdown(summary_table(found, view(found.layers)))


@pytest.mark.parametrize("batch", [1, 32])
def test_nothing_multiplies_faster_than_the_fastest_that_was_measured(batch):
    profile = read_profile("h100")
    call = predict(words(100, 2048, 1024), profile, batch).calls[1]
    assert call.source == "predicted"
    # Of all operators the fastest took 0.94 of what its multiply-accumulates take at the ceiling.
    assert call.us >= 0.94 * batch * 1024 * 2048 * 128_256 / profile.ceilings.macs_per_us


# By its place: the call's bound and its µs, at 2000 multiply-accumulates and 1000 bytes in a µs, 1 µs a kernel.
ROOFLINES = [
    (0, 1, "compute", 64 * 4 * 9 / 2000),
    (0, 8, "compute", 8 * 64 * 4 * 9 / 2000),
    (1, 1, "memory", (2 * 2 * 256 + 2 * 16) / 1000),
    (2, 1, "memory", 2 * 2 * 256 / 1000),
]


@pytest.mark.parametrize(("place", "batch", "bound", "us"), ROOFLINES)
def test_roofline(graph, place, batch, bound, us):
    call = predict(graph, made_up(), batch).calls[place]
    assert (call.bound, call.roofline_us) == (bound, pytest.approx(us))


def test_nothing_is_faster_than_the_smallest_kernel(graph):
    slow = made_up(ceilings=Ceilings(1e6, 1e6, 1.0, 6.0))
    assert {(call.bound, call.roofline_us) for call in predict(graph, slow, 1).calls} == {("launch", 1.0)}


def test_terms_of_a_network(graph):
    """Three kernels half of which are cold: weights and statistics of 36 + 16 numbers, at the peak two maps and the
    norm's mean and deviation of 4 channels in fp32."""
    bytes = 2 * (36 + 16) + 2 * 2 * 256 + 4 * 2 * 4
    terms = NetworkTerms(0.5, 2.0, bytes - 50.0, 100.0, 1.0, 1.0, 20.0)
    found = predict(graph, made_up(fits={1: BatchFit({}, terms, (0.0, 0.0))}), 1)
    assert found.us == pytest.approx(0.5 * 14 + 2.0 * 3 * 0.5)


def test_called_from_python_it_takes_a_launch_of_each_kernel(graph):
    assert predict(graph, made_up(), 1, "eager").us == 3 * TERMS.eager_us
    assert predict(graph, made_up({DEPTHWISE: 70.0, NORM: 5.0, RELU: 2.0}), 1, "eager").us == 77.0


def test_a_batch_without_a_fit(graph):
    with pytest.raises(UsageError) as raised:
        predict(graph, made_up(), 2)
    assert str(raised.value) == "the profile `toy` has no fit for batch 2\n  help: it has: 1, 8"


def test_kernels_side_by_side_take_what_each_takes_alone():
    """Of the profile that comes with archprof, kernels that it has not measured."""
    kernels = [Kernel("pointwise", (c, 6 * c, 1, 1, 1, 1, 1, 0, 21, 21, 21, 21)) for c in (24, 40, 72, 136)]
    profile = read_profile("h100")
    alone, together = Predictor(profile, 32), Predictor(profile, 32)
    for one, many in zip(map(alone.time, kernels), together.times(kernels), strict=True):
        assert many is not None
        assert one is not None
        assert (many.us, many.source) == (pytest.approx(one.us, rel=1e-9), one.source)
        assert many.spread == pytest.approx(one.spread, abs=1e-6)


@pytest.mark.parametrize("model", ["mobilenet_v2", "resnet50", "densenet121", "ghostnet_100", "mixnet_s"])
def test_32_images_take_longer_than_one_and_less_than_32_times_that(model):
    profile, graph = read_profile("h100"), expand(model)
    one, many = predict(graph, profile, 1), predict(graph, profile, 32)
    assert one.us < many.us < 32 * one.us
    assert all(found.low < found.us < found.high for found in (one, many))


def test_the_residual_multiplies_the_formula():
    # One point with the weight of 0.5: beside it the formula is off by exp(0.5).
    residual = Residual(1.0, 0.04, (10.0,), (1.0,), ((0.0,),), (0.5,))
    kind = KindFit("moving", (3.0, 1e6, 1e6, 1e30), residual, 0.2)
    predictor = Predictor(made_up({}, {"relu": kind}), 1)
    near, far = predictor.time(Kernel("relu", (1024,))), predictor.time(Kernel("relu", (1024 * 2**40,)))
    assert near is not None
    assert far is not None
    assert near.us == pytest.approx((3 + 4096 / 1e6) * exp(0.5))
    assert (near.spread, far.spread) == (pytest.approx(0.2 * 0.2), pytest.approx(0.2 * 1.04**0.5))
    assert far.us == pytest.approx(3 + 4096 * 2**40 / 1e6)
