"""What a runtime makes one kernel of: rules, which profiles hold as data, and the kernels of a network by them."""

from collections.abc import Mapping, Sequence

from archprof.allocation.forward import Passed
from archprof.devices.kernels import Kernel, columns_of, kernel_of
from archprof.devices.profile import FusionRule
from archprof.ir.graph import Edge, Graph
from archprof.ir.liveness import readers
from archprof.ir.operators.base import CONVOLUTIONS
from archprof.named_tuple import NamedTuple

# What folds into the weights of what is before it, which has a bias from then on.
_NORMS = ("batch_norm", "frozen_batch_norm")


# What is x·sigmoid(x) is one kernel to runtimes that fuse, however a network writes it.
_ALIKE = {"swish": "silu"}

# By runtime, what it runs by one kernel at no cost, as far as was measured. onnxruntime also runs activations within a
# convolution; what they add to it is what they are measured by.
RULES: Mapping[str, tuple[FusionRule, ...]] = {
    "onnxruntime": (FusionRule(CONVOLUTIONS, (_NORMS, ("add",))),),
}


class Fusion(NamedTuple):
    """The kernels of calls, None where a call has none that profiles can know; and which calls are run by the kernel of
    which call before them, by their places."""

    kernels: tuple[Kernel | None, ...]
    within: dict[int, int]


class _Run(NamedTuple):
    """A kernel so far: the call that it began with, its rule, and how many steps behind it are taken."""

    first: int
    rule: FusionRule
    steps: int


def fused(graph: Graph, passed: Sequence[Passed], rules: Sequence[FusionRule] = ()) -> Fusion:
    """Return the kernels of a network's calls, in their order, where what the *rules* say is one kernel."""
    kernels = [kernel_of(one) for one in passed]
    if not rules:
        return Fusion(tuple(kernels), {})
    kernels = [one and one._replace(kind=_ALIKE.get(one.kind, one.kind)) for one in kernels]
    by_kind = {kind: rule for rule in rules for kind in rule.kinds}
    read, ends, within = readers(graph), dict[Edge, _Run](), dict[int, int]()
    for index, node in enumerate(graph.nodes):
        found = next((edge for edge in reversed(node.inputs) if edge in ends and read[edge] == 1), None)
        run = _taken(ends[found], node.op.name) if found is not None else None
        kernel = kernels[index]
        if run is not None:
            within[index], kernels[index] = run.first, None
            if node.op.name in _NORMS:
                kernels[run.first] = _with_bias(kernels[run.first])
        elif kernel is not None and kernel.kind in by_kind:
            run = _Run(index, by_kind[kernel.kind], 0)
        if run is not None:
            ends[Edge(index)] = run
    return Fusion(tuple(kernels), within)


def _taken(run: _Run, operator: str) -> _Run | None:
    """Return a kernel that runs an operator too; None where it does not."""
    for step in range(run.steps, len(run.rule.behind)):
        if operator in run.rule.behind[step]:
            return run._replace(steps=step + 1)
    return None


def _with_bias(kernel: Kernel | None) -> Kernel | None:
    if kernel is None or "bias" not in columns_of(kernel.kind):
        return kernel
    place = columns_of(kernel.kind).index("bias")
    return kernel._replace(sizes=(*kernel.sizes[:place], 1, *kernel.sizes[place + 1 :]))
