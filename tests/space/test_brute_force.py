"""The histogram of 5.4·10⁷ networks, each of which is summed for itself."""

import numpy as np

from archprof.language.spellings import spellings
from archprof.space.build import space_of
from archprof.space.distribution import Distribution
from archprof.spec.load import load

# Three of the five stages of Once-for-All, at their smallest: 7371² networks are left.
SMALLEST = {"k": "3", "t": "3", "n": "2"}
FIXED = [(f"layers[2].rows[{row}].{column}", value) for row in (0, 3, 4) for column, value in SMALLEST.items()]


def stage_sums(space, row):
    """Return the sums of MACs of all ways to draw a stage, way by way."""
    macs = space.automaton.metrics.index("macs")
    drawn = [(node, step) for node, steps in enumerate(space.steps) for step in steps if step.row == row]
    first = next(node for node, step in drawn if step.of == "repeat" and step.repeat == 0)
    sums, waiting = [], [(first, 0)]
    while waiting:
        node, total = waiting.pop()
        for arc, step in zip(space.automaton.arcs[node], space.steps[node], strict=True):
            if step.of == "depth":
                sums.append(total)
            else:
                waiting.append((arc.target, total + arc.costs[macs]))
    return np.array(sums, np.int64)


def test_histogram_of_54_million_networks():
    space = space_of(load("space_ofa_mbv3", FIXED, spellings=spellings))
    first, second = (stage_sums(space, row) for row in (1, 2))
    assert len(first) == len(second) == 81 + 729 + 6561 == 7371
    found = Distribution(space.automaton, "macs")
    fixed = found.least - int(first.min() + second.min())
    bins = found.histogram(50)
    counted = np.zeros(len(bins), np.int64)
    edges = np.array([one.low for one in bins])
    for one in first:  # 7,371 networks at a time
        places = np.searchsorted(edges, fixed + one + second, "right") - 1
        counted += np.bincount(places, minlength=len(bins))
    assert int(counted.sum()) == 7371**2 == found.total
    assert [one.number for one in bins] == counted.tolist()
