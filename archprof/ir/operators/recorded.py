"""An operator that has no form of ours: known by what was recorded of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from archprof.ir.footprint import INDEX, NO_WORKSPACE, SINGLE, Footprint, Gradients, Run, Span, Workspace
from archprof.ir.operators.base import CONVOLUTIONS, Operator, operator
from archprof.ir.operators.derivatives import autocast_of, footprint_of, gradients_of, is_detached
from archprof.ir.operators.plain import is_plain
from archprof.ir.terms import NOTHING, Terms, term
from archprof.ir.values import Value

Held = tuple[tuple[str, int], ...]
# States that a recurrent cell keeps at most, as gates and what they are made of: those of a GRU's steps on a CPU.
_MOST_OF_CELL = 12
# What returns the widest type of the tensors that it takes, as those of parameters and buffers are.
_ARITHMETIC = frozenset(("add", "div", "maximum", "minimum", "mul", "sub", "where"))


@operator
class Recorded(Operator):
    """A call of a torch operator: its name, and what it was found to cost and to hold.

    *held* and *kept* are the elements of its parameters and buffers by name; *counted* tells whether there is a rule
    for its multiply-accumulates; *divides* by how much it divides the resolution, None where it ends the map; *bounded*
    that data decides how much it returns, and its outputs are the most that it can. *puts_out* are the activations of
    what stands for several calls.
    """

    target: str
    multiplies: int = 0
    held: Held = ()
    kept: Held = ()
    sort: str = "other"
    counted: bool = True
    divides: int | None = 1
    bounded: bool = False
    puts_out: int | None = None

    @property
    def name(self) -> str:  # type: ignore[override]
        """The operator's name in torch, without its overload: `aten.conv3d`."""
        return self.target.rpartition(".")[0] or self.target

    @property
    def kind(self) -> str:
        return self.sort

    @property
    def form(self) -> str:
        return "function"

    @property
    def weighted(self) -> bool:  # type: ignore[override]
        # Weights that are computed, as standardised or quantised ones, or fixed, as a blur's, are weights all the same.
        return bool(self.multiplies and (self.held or self.packed or self.sort in (*CONVOLUTIONS, "linear")))

    @property
    def ran(self) -> bool:
        """Whether it is a call; what holds parameters that no call reads is none."""
        return "." in self.target

    @property
    def packed(self) -> bool:
        """Whether its weights are packed, as those of quantised layers: they are no parameters."""
        return self.target.startswith("quantized.")

    @property
    def _function(self) -> str:
        """The function's name in torch's own table; empty where another library has it, and of what is no call."""
        return self.name.removeprefix("aten.").rstrip("_") if self.target.startswith("aten.") else ""

    @property
    def autocast(self) -> str:  # type: ignore[override]
        tensors = any(elements > 1 for _, elements in (*self.held, *self.kept))
        return autocast_of(self._function) or ("promote" if tensors and self._function in _ARITHMETIC else "")

    @property
    def viewed_gradients(self) -> frozenset[str]:  # type: ignore[override]
        """Those of a recurrent cell's matrices, which two linear layers multiply."""
        matrices = [name for name, _ in self.held if name.rpartition(".")[2] in ("w_ih", "w_hh")]
        return frozenset(matrices)

    @property
    def detaches(self) -> bool:  # type: ignore[override]
        return is_detached(self._function)

    def footprint(self, run: Run) -> Footprint:
        if not self.ran or (self.target.startswith("onnx.") and is_plain(self.name.removeprefix("onnx."))):
            return Footprint()
        found = footprint_of(self._function, run, self.target.rpartition(".")[2])
        if self._function == "batch_norm":
            beside = 2 * SINGLE * run.inputs[0].at_batch(run.setup.batch)[1]
        elif self._function.endswith("_cell") and not found.known:
            return found._replace(most=_MOST_OF_CELL * run.bytes(run.outputs[0]))
        elif self._function in ("max_pool1d", "max_pool2d", "max_pool3d"):
            beside = INDEX * run.elements(run.outputs[0])
        else:
            return found
        return found._replace(scratch=beside, own=beside)

    def gradients(self, run: Run) -> Gradients:
        return gradients_of(self._function, run, sum(elements for _, elements in self.held))

    def workspace(self, run: Run) -> Workspace:
        """Return that of a convolution whose weight was computed, so that its gradient is one of an input."""
        if self.name != "aten.conv2d" or len(run.inputs) < 2:
            return NO_WORKSPACE
        from archprof.ir.operators.conv import Conv2d
        from archprof.ir.operators.gpu import workspace

        (channels, height, _), weight = run.inputs[0].shape[-3:], run.inputs[1].shape
        stride = max(1, height // run.outputs[0].shape[-2])
        conv = Conv2d(channels, weight[0], tuple(weight[2:]), (stride, stride), groups=channels // weight[1])
        forward, *gradients = workspace(conv, run)
        return Workspace(forward, Span(*map(max, zip(*gradients, strict=True))))

    def stride_factor(self, *inputs: Value) -> int | None:
        return self.divides

    def parameters(self) -> Mapping[str, Terms]:
        return {name: term(elements) for name, elements in self.held}

    def buffers(self) -> Mapping[str, Terms]:
        return {name: term(elements) for name, elements in self.kept}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self.multiplies) if self.multiplies else NOTHING

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        # Whatever it is, it multiplies two tensors; what is added to the product is no factor.
        weights = [name for name in learned if name.rpartition(".")[2] != "bias"]
        return self.macs(inputs, outputs) * min(sum(wanted) + len(weights), 2)

    def activations(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        if self.puts_out is not None:
            return term(self.puts_out)
        return term(outputs[0].elements) if self.weighted else NOTHING

    def describe(self) -> str:
        return self.name.rpartition(".")[2] or self.target
