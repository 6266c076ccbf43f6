"""Automata for tests: random small ones with all their networks, and the spaces that papers counted."""

from fractions import Fraction

from hypothesis import strategies as st

from archprof.space.automaton import Arc, Automaton

METRICS = ("macs", "params", "bytes")


@st.composite
def small_automata(draw, metrics=2, most=5):
    """Any graph of few nodes, all on a way from the first to the last: lines, jumps, parallel arcs, equal costs."""
    last = draw(st.integers(0, most))
    unit = draw(st.sampled_from([1, 1, 6, 1000]))
    cost = st.integers(0, 9).map(lambda number: number * unit)
    arc = st.tuples(*[cost] * metrics)
    arcs: list[list[Arc]] = [[] for _ in range(last + 1)]
    for node in range(last):
        targets = draw(st.lists(st.integers(node + 1, last), min_size=1, max_size=4))
        arcs[node] = [Arc(target, draw(arc)) for target in targets]
    for node in range(1, last + 1):
        if not any(found.target == node for before in arcs[:node] for found in before):
            arcs[draw(st.integers(0, node - 1))].append(Arc(node, draw(arc)))
    return Automaton(METRICS[:metrics], tuple(map(tuple, arcs)))


def networks(automaton, node=0):
    """Every path from a node on with its sums, in the order of their choices."""
    if node == len(automaton.arcs) - 1:
        return [((), (0,) * len(automaton.metrics))]
    return [
        ((choice, *path), tuple(map(sum, zip(arc.costs, sums, strict=True))))
        for choice, arc in enumerate(automaton.arcs[node])
        for path, sums in networks(automaton, arc.target)
    ]


def chance(automaton, path):
    """How probable a path is where every choice at a node is as probable as any other."""
    found, node = Fraction(1), 0
    for choice in path:
        found /= len(automaton.arcs[node])
        node = automaton.arcs[node][choice].target
    return found


def chain(metrics, layers):
    """Layers in a line, each a list of the costs of its options."""
    arcs = [tuple(Arc(node + 1, tuple(costs)) for costs in layer) for node, layer in enumerate(layers)]
    return Automaton(tuple(metrics), (*arcs, ()))


# Once-for-All (Cai et al. 2020), MobileNetV3-Large at width 1: channels, stride of the first, squeeze-excite.
STAGES = ((24, 2, False), (40, 2, True), (80, 2, False), (112, 1, True), (160, 2, True))


def once_for_all(resolution=224):
    """MACs and params (of convolutions, linear layers and norms) of kernels {3, 5, 7}, expansions {3, 4, 6}, depths
    {2, 3, 4}."""
    side = -(-resolution // 2)
    macs = side * side * 16 * (3 * 9 + 9 + 16)
    params = 3 * 16 * 9 + 32 + 16 * 9 + 32 + 16 * 16 + 32
    arcs, channels = [[Arc(1, (macs, params))]], 16
    for width, stride, excited in STAGES:
        start = len(arcs)
        for layer in range(4):
            before, side = side, (side + stride - 1) // stride if layer == 0 else side
            options = [_bottleneck(channels, width, k, e, before, side, excited) for k in (3, 5, 7) for e in (3, 4, 6)]
            # Before the third and the fourth, a stage may be left.
            leave = [Arc(start + 4, (0, 0))] if layer >= 2 else []
            arcs.append(leave + [Arc(start + layer + 1, costs) for costs in options])
            channels = width
    macs = side * side * 160 * 960 + 960 * 1280 + 1280 * 1000
    params = 160 * 960 + 2 * 960 + 960 * 1280 + 1280 * 1000 + 1000
    arcs.append([Arc(len(arcs) + 1, (macs, params))])
    return Automaton(("macs", "params"), (*map(tuple, arcs), ()))


def _bottleneck(inputs, outputs, kernel, expansion, before, side, excited):
    middle = _divisible(inputs * expansion)
    macs = before**2 * inputs * middle + side**2 * middle * (kernel**2 + outputs)
    params = inputs * middle + middle * kernel**2 + middle * outputs + 4 * middle + 2 * outputs
    if excited:
        reduced = _divisible(middle // 4)
        macs += 2 * middle * reduced
        params += 2 * middle * reduced + middle + reduced
    return macs, params


def _divisible(channels):
    """Round to a multiple of 8, as MobileNets do: the nearest, unless that is over a tenth less."""
    rounded = max(8, (channels + 4) // 8 * 8)
    return rounded + 8 if rounded * 10 < channels * 9 else rounded
