"""A sweep's numbers, counted by fvcore on the modules of some of its variants."""

import pickle
import random

import pytest

from archprof.costs.metrics import NAMES
from archprof.language.expand import expand
from archprof.runtime.measure import measure_network
from archprof.spec.axis import parse_axis
from archprof.sweep.compute import compute
from archprof.sweep.plan import Selection, plan_sweep
from archprof.sweep.run import settings_of

NETWORKS = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small_paper",
    "mixnet_s",
    "efficientnet_b0",
    "ghostnet_100",
    "mnasnet1_0",
)


@pytest.mark.few(2)
@pytest.mark.parametrize("model", NETWORKS)
def test_a_sample_of_a_sweep(model):
    axes = [parse_axis(("width", "0.2:1.4:0.001")), parse_axis(("resolution", "33:96:1"))]
    plan = plan_sweep(model, axes, Selection(), sample=1000, seed=11)
    stretch = compute(pickle.dumps(plan), 0, plan.size)
    for number in random.Random(model).sample(range(1000), 2):
        measured = measure_network(expand(plan.spec(settings_of(plan, number).items())), "fvcore")
        counts = dict(zip(NAMES, stretch.costs[:, number].tolist(), strict=True))
        assert (measured.params, measured.macs) == (counts["params"], counts["macs"])
