"""Peaks and arithmetic of training in a sweep are those of `memory`, integer for integer."""

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from archprof.allocation.report import analyze_memory
from archprof.allocation.training import train_macs
from archprof.ir.setup import KERNELS, LAYOUTS, OPTIMIZERS, Setup
from archprof.language.expand import expand
from archprof.sweep.plan import CHANNEL, STRUCTURE, CountLimit, Selection
from archprof.sweep.run import stretches
from tests.by_day import widened
from tests.sweep.test_memory import AXES, BEFORE_ROWS, WITH_MEMORY
from tests.sweep.test_sweep import CHOICES, SWEEPS, cells, one_by_one, plan_of, settings_of, swept

EVERYTHING = Selection(memory=True, training=True)
SETUPS = [
    Setup(train="sgd"),
    Setup(batch=3, train="adamw", amp="bf16", layout="channels_last"),
    Setup(train="adam", checkpoint="blocks", kernels="cpu"),
    Setup(batch=2, dtype="fp16", train="momentum", accumulate=2),
    Setup(amp="fp16"),
    Setup(batch=5, layout="channels_last", kernels="cpu"),
    Setup(dtype="int8", in_place="depthwise"),
    Setup(dtype="int8", patches=2),
    Setup(dtype="int8", in_place="depthwise", patches=3),
]
# Of a network of which a part does not learn: no gradient goes into that.
FROZEN = {
    "frozen stages": ("R-50-FPN", "resolution=64:128:32", "layers[0].c=32,64"),
}


def checked(plan, numbers, stretch):
    """Compare some variants with what is known of each alone."""
    found = dict(zip(stretch.numbers.tolist(), map(tuple, stretch.costs.T.tolist()), strict=True))
    for number in numbers:
        expected = one_by_one(plan, number)
        if expected is not None:
            graph = expand(plan.spec(settings_of(plan, number)))
            alone = analyze_memory(graph, plan.setup)
            expected = (*expected, alone.peak, alone.resident.weights, train_macs(graph))
        assert found.get(number) == expected, settings_of(plan, number)


@pytest.mark.few(6)
@pytest.mark.parametrize(
    ("name", "setup"),
    [(name, SETUPS[index % len(SETUPS)]) for index, name in enumerate([*SWEEPS, *CHOICES, *BEFORE_ROWS, *FROZEN])]
    + [("widths", setup) for setup in SETUPS],
    ids=lambda value: value if isinstance(value, str) else value.train or value.dtype,
)
def test_every_kind_of_sweep(name, setup, variants):
    model, *axes = {**SWEEPS, **CHOICES, **BEFORE_ROWS, **FROZEN}[name]
    size = min(plan_of(model, *axes).product, 2 * variants)
    plan = plan_of(model, *axes, selection=EVERYTHING, sample=size, seed=3, setup=setup)
    stretch = swept(plan)
    assert stretch.fitting or name == "what cannot be"
    checked(plan, random.Random(name).sample(range(plan.size), min(plan.size, variants // 4)), stretch)


@pytest.mark.few(5)
@pytest.mark.parametrize("model", widened()[::4])
def test_random_variants_of_networks_with_a_width(model, variants):
    plan = plan_of(
        model, "width=0.1:2:0.001", "resolution=32:256:1", selection=EVERYTHING, sample=100, seed=7, setup=SETUPS[0]
    )
    checked(plan, random.Random(model).sample(range(100), min(variants // 8, 100)), swept(plan))


@given(
    st.fixed_dictionaries({}, optional={name: st.sets(values, min_size=1) for name, values in AXES.items()}),
    st.builds(
        Setup,
        batch=st.integers(1, 512),
        dtype=st.just("fp32"),
        train=st.sampled_from(OPTIMIZERS),
        amp=st.sampled_from(["", "fp16", "bf16"]),
        checkpoint=st.sampled_from(["", "blocks"]),
        accumulate=st.integers(1, 3),
        layout=st.sampled_from(LAYOUTS),
        kernels=st.sampled_from(KERNELS),
    ),
)
@settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_drawn_axes_and_setups(axes, setup):
    named = [f"{name}={','.join(sorted(values))}" for name, values in axes.items()]
    plan = plan_of("v3", *named, selection=EVERYTHING, sample=24, seed=1, setup=setup)
    checked(plan, random.Random(0).sample(range(plan.size), min(plan.size, 4)), swept(plan))


def test_limits_hold_for_the_arithmetic_of_training():
    axes = ("mobilenet_v2", "width=0.5:1.4:0.1", "resolution=64,96")
    everything = swept(plan_of(*axes, selection=Selection(training=True)))
    counted = everything.costs[-1]
    limit = CountLimit("train_macs", int(sorted(counted)[5]), True)
    kept = swept(plan_of(*axes, selection=Selection((limit,), training=True)))
    assert len(kept.numbers) == 6
    assert (kept.costs[-1] <= limit.value).all()


def test_what_may_be_beyond_64_bits_is_computed_alone():
    setup = Setup(batch=1 << 28, train="sgd")
    plan = plan_of("vgg16", "resolution=4096:4098:1", selection=EVERYTHING, setup=setup)
    checked(plan, range(plan.size), swept(plan))


@pytest.mark.parametrize("setup", SETUPS[:2])
def test_sizes_of_windows_and_strides_are_arrays(setup, variants):
    """Where a row tells nothing alone, networks that differ in these are followed side by side."""
    axes = (*cells("layers[1]", range(8), "k=3,5,7"), *cells("layers[1]", range(3), "s=1,2"), "width=0.5,1")
    plan = plan_of("v3", *axes, selection=EVERYTHING, sample=variants, seed=2, setup=setup)
    assert {*plan.roles} == {CHANNEL}
    checked(plan, range(0, plan.size, 5), swept(plan))
    assert {*plan_of("v3", *axes, selection=WITH_MEMORY).roles} == {STRUCTURE, CHANNEL}


@pytest.mark.parametrize(
    ("axes", "sample", "length"),
    [
        (("width=0.1:2:0.001", "resolution=32:256:1"), None, 131_072 // 225 * 225),
        (("layers[1].rows[2].act=RE,HS,-", "width=0.1:1:0.0025"), None, 361),
        (cells("layers[1]", range(6), "act=RE,HS,-"), None, 256),
        (("layers[1].rows[2].act=RE,HS,-", "width=0.1:1:0.001"), 2000, 256),
    ],
)
def test_what_is_computed_one_by_one_comes_in_short_stretches(axes, sample, length):
    """So that there is progress to tell, and something to go on with."""
    plan = plan_of("v3", *axes, selection=EVERYTHING, sample=sample)
    assert next(stretches(plan)) == (0, length)
