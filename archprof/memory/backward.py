"""The backward pass in memory: the forward pass in reverse, as torch's autograd runs it."""

from typing import NamedTuple

from archprof.ir.dims import Dim
from archprof.ir.graph import Edge, Graph, Node
from archprof.ir.setup import Setup
from archprof.ir.terms import total
from archprof.ir.values import Value
from archprof.memory.forward import Forward, Passed
from archprof.memory.timeline import BACKWARD, CAST, FORWARD, GRADIENT, LOSS, WEIGHT_GRADIENT, Builder

_SCALAR = 4


class _Gradient(NamedTuple):
    """The gradient of a value: the storage that it lies in, and whether it is only a part or another view of it."""

    storage: int
    view: bool = False


class Backward:
    """A backward pass while it is followed, from the loss to the first call that learns."""

    def __init__(self, graph: Graph, setup: Setup, builder: Builder, forward: Forward) -> None:
        self._graph, self._setup, self._builder = graph, setup, builder
        self._passed = forward.passed
        self._gradients: dict[Edge, _Gradient] = {}
        self._learned = set[str]()  # parameters that have a gradient
        self._root: int | None = None  # the loss's own gradient, which is there to the end
        # The network's outputs and the loss, until the step.
        self.returned = [lies for edge in graph.outputs.values() if (lies := forward.lies[edge]) is not None]

    def run(self) -> None:
        """Follow the loss and all calls."""
        self._loss()
        for index in range(len(self._passed) - 1, -1, -1):
            if self._passed[index].recorded:
                self._call(index, self._passed[index])
        self._builder.release(BACKWARD, [] if self._root is None else [self._root])

    # The loss

    def _loss(self) -> None:
        """Make the loss of the network's outputs, and the gradient of each of them.

        One vector of features has a cross-entropy: a log-softmax, which its gradient needs, the loss and the weight of
        the targets. Anything else is summed up.
        """
        outputs = {edge: self._value(edge) for edge in self._graph.outputs.values() if self._recorded(edge)}
        if len(outputs) == 1 and all(len(value.shape) == 1 for value in outputs.values()):
            self._cross_entropy(*outputs.items())
            return
        loss = self._builder.made(_SCALAR, LOSS, "loss")
        self.returned.append(loss)
        self._builder.step(FORWARD, "loss", (loss,))
        gradients = {edge: self._builder.made(self._bytes(value), GRADIENT, "loss") for edge, value in outputs.items()}
        self._builder.step(BACKWARD, "loss", tuple(gradients.values()))
        self._gradients.update((edge, _Gradient(storage)) for edge, storage in gradients.items())

    def _cross_entropy(self, output: tuple[Edge, Value]) -> None:
        edge, logits = output
        made = self._builder.made
        softmax, scalar = made(self._bytes(logits), LOSS, "loss"), made(_SCALAR, LOSS, "loss")
        weight = made(_SCALAR, LOSS, "loss")
        # Autocast leaves the log-softmax in half precision, and makes float32 of it for the loss.
        single = logits.elements_at(self._setup.batch) * 4 if self._setup.amp else self._bytes(logits)
        cast = [made(single, CAST, "loss")] if self._setup.amp else []
        self._builder.step(FORWARD, "loss", (softmax, *cast, scalar, weight))
        self.returned.append(scalar)
        one, first = made(_SCALAR, GRADIENT, "loss"), made(single, GRADIENT, "loss")
        self._root = one
        self._builder.drop((weight, *cast))
        self._builder.step(BACKWARD, "loss", (one, first))
        if cast:
            half = made(self._bytes(logits), GRADIENT, "loss")
            self._builder.drop((first,))
            self._builder.step(BACKWARD, "loss", (half,))
            first = half
        gradient = made(self._bytes(logits), GRADIENT, "loss")
        self._builder.drop((softmax, first))
        self._builder.step(BACKWARD, "loss", (gradient,))
        self._gradients[edge] = _Gradient(gradient)

    def _recorded(self, edge: Edge) -> bool:
        return edge.node >= 0 and self._passed[edge.node].recorded

    # Calls

    def _call(self, index: int, passed: Passed) -> None:
        edges = [Edge(index, k) for k in range(len(passed.node.outputs))]
        arrived = [self._gradients.pop(edge) for edge in edges if edge in self._gradients]
        if not arrived:  # nothing of the loss hangs on it
            self._builder.drop(passed.kept)
            return
        rule = passed.node.op.gradients(passed.run)
        made: list[int] = []
        found: list[tuple[Edge, _Gradient]] = []
        for place, edge in enumerate(passed.node.inputs[: len(passed.run.inputs)]):
            if not passed.run.wanted[place]:
                continue
            if rule.shared[place]:
                storage = arrived[0].storage
                self._builder.hold(storage)
                whole = self._same_size(passed.run.inputs[place], passed.run.outputs[0])
                found.append((edge, _Gradient(storage, arrived[0].view or not whole)))
            else:
                storage = self._builder.made(self._bytes(passed.run.inputs[place]), GRADIENT, passed.node.id)
                made.append(storage)
                found.append((edge, _Gradient(storage)))
        made += self._of_weights(passed.node)
        self._builder.drop((*passed.kept, *[one.storage for one in arrived]))
        self._builder.step(BACKWARD, passed.node.id, made, rule.scratch)
        for edge, gradient in found:
            self._arrive(passed.node, edge, gradient)

    def _of_weights(self, node: Node) -> list[int]:
        """Return the gradients of a call's parameters that learn; those of a second call are added to the first's."""
        if not node.trainable:
            return []
        made = []
        for name, terms in node.op.parameters().items():
            known = (node.parameters or {}).get(name, f"{node.path}.{name}")
            if name in node.frozen:
                continue
            storage = self._builder.made(total(terms) * self._setup.width("float32"), WEIGHT_GRADIENT, node.id)
            made.append(storage)
            if known in self._learned or self._setup.accumulate > 1:
                self._builder.drop((storage,))  # added to what is there
            self._learned.add(known)
        return made

    def _arrive(self, node: Node, edge: Edge, gradient: _Gradient) -> None:
        """Add a gradient to what has arrived for a value: in place where nobody else has that."""
        before = self._gradients.get(edge)
        if before is None:
            self._gradients[edge] = gradient
        elif not before.view and self._builder.holders(before.storage) == 1:
            self._builder.drop((gradient.storage,))
            self._builder.step(BACKWARD, node.id, ())
        else:
            made = self._builder.made(self._bytes(self._value(edge)), GRADIENT, node.id)
            self._builder.drop((before.storage, gradient.storage))
            self._builder.step(BACKWARD, node.id, (made,))
            self._gradients[edge] = _Gradient(made)

    def _value(self, edge: Edge) -> Value:
        return self._passed[edge.node].run.outputs[edge.output]

    def _bytes(self, value: Value) -> Dim:
        return value.elements_at(self._setup.batch) * self._setup.width(value.dtype)

    def _same_size(self, first: Value, second: Value) -> bool:
        return bool(first.elements == second.elements)
