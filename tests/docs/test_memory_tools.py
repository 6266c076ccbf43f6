"""What the page about other tools compares is the same network each time, and what it says of archprof is so."""

import pytest

from archprof.allocation.timeline import FORWARD
from tests.docs.memory_tools import FLOAT, NETWORKS, networks

FOUND = {one.name: one for one in networks()}


def test_every_network_is_there():
    assert tuple(FOUND) == NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_tools_were_given_what_was_measured(name):
    one = FOUND[name]
    assert one.tools["torchinfo"]["params"] == FLOAT * one.measured["params"]
    assert one.tools["accelerate"]["total"] == one.loaded
    assert one.tools["accelerate"]["adam"] == 4 * one.loaded


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_measured_is_what_archprof_says(name):
    one = FOUND[name]
    inference, training = one.ours(), one.ours("adamw")
    assert training.timeline.after(FORWARD) == one.saved
    # Buffers were measured with the counters of norms, of 8 bytes each.
    counters = one.measured["buffer_bytes"] - inference.resident.buffers
    norms = sum(node.op.name == "batch_norm" for node in inference.graph.nodes)
    assert counters == 8 * norms
    for report, measured in ((inference, one.inference), (training, one.training)):
        low, high = (report.resident.total + counters + size for size in report.timeline.span())
        assert low <= measured <= high
