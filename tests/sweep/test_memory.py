"""The peaks and weights of a sweep are those of `memory`, integer for integer, however its variants are computed."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from archprof.allocation.report import analyze_memory
from archprof.ir.setup import INFERENCE, Setup
from archprof.language.expand import expand
from archprof.sweep.plan import CountLimit, Selection
from tests.by_day import core_by_day, widened
from tests.sweep.test_sweep import CHOICES, SWEEPS, one_by_one, plan_of, settings_of, swept

PUBLISHED, APART = (Path(__file__).parent / name for name in ("published.yaml", "apart.yaml"))
WITH_MEMORY = Selection(memory=True)
SETUPS = [INFERENCE, Setup(batch=3, dtype="fp16"), Setup(dtype="int8")]
# Rows that write over what those before put out, which some of those are not for.
BEFORE_ROWS = {
    "published maps": (str(PUBLISHED), "width=0.25:2:0.25", "resolution=32:128:8"),
    "published maps of choices": (str(PUBLISHED), "c2.k=1,3,5", "c3.k=3,5", "c4.s=1,2", "fpn.c=8:64:8"),
    "norms and activations apart": (str(APART), "width=0.25:2:0.05", "layers[3].k=3,5"),
    "activations in front": ("densenet121", "growth_rate=8:40:8", "resolution=64:96:8"),
}


def checked(plan, numbers, stretch):
    """Compare some variants with what is known of each alone."""
    found = dict(zip(stretch.numbers.tolist(), map(tuple, stretch.costs.T.tolist()), strict=True))
    for number in numbers:
        expected = one_by_one(plan, number)
        if expected is not None:
            alone = analyze_memory(expand(plan.spec(settings_of(plan, number))), plan.setup)
            expected = (*expected, alone.peak, alone.resident.weights)
        assert found.get(number) == expected, settings_of(plan, number)


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("name", "setup"),
    [(name, SETUPS[index % 3]) for index, name in enumerate([*SWEEPS, *CHOICES])]
    + [(name, setup) for name in BEFORE_ROWS for setup in SETUPS],
    ids=lambda value: value if isinstance(value, str) else value.dtype,
)
def test_every_kind_of_sweep(name, setup, variants):
    model, *axes = {**SWEEPS, **CHOICES, **BEFORE_ROWS}[name]
    size = min(plan_of(model, *axes).product, 10 * variants)
    plan = plan_of(model, *axes, selection=WITH_MEMORY, sample=size, seed=3, setup=setup)
    stretch = swept(plan)
    assert stretch.fitting or name == "what cannot be"
    checked(plan, random.Random(name).sample(range(plan.size), min(plan.size, variants // 2)), stretch)


@pytest.mark.parametrize("model", core_by_day(widened()))
def test_random_variants_of_every_network_with_a_width(model, variants):
    plan = plan_of(model, "width=0.1:2:0.001", "resolution=32:256:1", selection=WITH_MEMORY, sample=500, seed=7)
    checked(plan, random.Random(model).sample(range(500), variants // 4), swept(plan))


CELLS = {"k": ["3", "5", "7"], "s": ["1", "2"], "se": ["-", "✓"], "act": ["RE", "HS"], "c": ["16", "40", "112"]}
AXES = {
    "width": st.sampled_from(["0.25", "0.5", "0.75", "1", "1.3", "1.75"]),
    "resolution": st.sampled_from(["32", "65", "96", "128x96", "224"]),
    **{
        f"layers[1].rows[{row}].{cell}": st.sampled_from(values)
        for row in (1, 4, 8, 12)
        for cell, values in CELLS.items()
    },
}


@given(
    st.fixed_dictionaries({}, optional={name: st.sets(values, min_size=1) for name, values in AXES.items()}),
    st.integers(1, 512),
    st.sampled_from(["fp32", "fp16", "bf16", "int8"]),
)
@settings(max_examples=4, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_drawn_axes(axes, batch, dtype):
    setup = Setup(batch, dtype)
    named = [f"{name}={','.join(sorted(values))}" for name, values in axes.items()]
    plan = plan_of("v3", *named, selection=WITH_MEMORY, sample=64, seed=1, setup=setup)
    checked(plan, random.Random(0).sample(range(plan.size), min(plan.size, 6)), swept(plan))


@pytest.mark.parametrize("setup", [INFERENCE, Setup(train="sgd")], ids=["inference", "training"])
@pytest.mark.parametrize("shape", ["2x400", "2x24x20", "2x6x16x20"], ids=["sequence", "image", "video"])
def test_one_size_for_every_side(tmp_path, shape, setup):
    """Kernels and strides that are swept side by side are those of as many dimensions as the map has."""
    path = tmp_path / "net.yaml"
    path.write_text(
        f"archprof: 1\ninput: {shape}\nlayers: [conv: {{k: 3, c: 8}}, max_pool: {{k: 2, s: 1}}, "
        "conv_transpose: {k: 3, s: 2, c: 4}, conv: {k: 3, s: 1, c: 8, g: 2}]\n"
    )
    cells = ("layers[0].k=1,3,4", "layers[1].k=2,3", "layers[2].s=1,2", "layers[3].k=3,5")
    plan = plan_of(str(path), *cells, selection=WITH_MEMORY, setup=setup)
    checked(plan, range(plan.size), swept(plan))


def test_limits_hold_for_peaks():
    axes = ("mobilenet_v2", "width=0.2:1.4:0.05", "resolution=64:256:8")
    everything = swept(plan_of(*axes, selection=WITH_MEMORY))
    peaks, weights = everything.costs[-2:]
    limits = (CountLimit("peak", 2_000_000, True), CountLimit("weights", 6_000_000, False))
    kept = swept(plan_of(*axes, selection=Selection(limits, memory=True)))
    assert kept.numbers.tolist() == np.flatnonzero((peaks <= 2_000_000) & (weights >= 6_000_000)).tolist()


def test_peaks_beyond_64_bits_are_computed_alone():
    """A peak that may be too large for an array, though none is, is computed in plain integers."""
    setup = Setup(batch=1 << 29)
    plan = plan_of("vgg16", "resolution=4096:4098:1", selection=WITH_MEMORY, setup=setup)
    checked(plan, range(plan.size), swept(plan))
