"""The backward pass in memory: the forward pass in reverse, as torch's autograd runs it."""

from archprof.allocation.checkpoint import Segment
from archprof.allocation.forward import Forward, Passed
from archprof.allocation.timeline import BACKWARD, CAST, FORWARD, GRADIENT, LOSS, WEIGHT_GRADIENT, Builder
from archprof.ir.dims import maximum, same
from archprof.ir.footprint import NO_WORKSPACE, NOTHING, SINGLE, Gradients, Span
from archprof.ir.graph import Edge, Graph, Node
from archprof.ir.learning import learned
from archprof.ir.setup import WIDTHS, Setup
from archprof.ir.terms import total
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple


class _Gradient(NamedTuple):
    """The gradient of a value: the storage that it lies in, whether it is only a part of that, whether it lies there in
    another order, and whether it is still to be cut out of one with padding."""

    storage: int
    part: bool = False
    permuted: bool = False
    around: bool = False

    @property
    def strided(self) -> bool:
        """Whether it is not contiguous."""
        return self.part or self.permuted


class _Learned(NamedTuple):
    """The gradient of a parameter: the storage that it lies in, and whether it is a view."""

    storage: int
    viewed: bool


class Backward:
    """A backward pass while it is followed, from the loss to the first call that learns."""

    def __init__(self, graph: Graph, setup: Setup, builder: Builder, forward: Forward) -> None:
        self._graph, self._setup, self._builder = graph, setup, builder
        self._forward, self._passed = forward, forward.passed
        self._gradients: dict[Edge, _Gradient] = {}
        self._learned: dict[str, _Learned] = {}  # by the name of the parameter
        self._root: int | None = None  # the loss's own gradient, which is there to the end
        # The network's outputs and the loss, until the step.
        self.returned = [lies for edge in graph.outputs.values() if (lies := forward.lies[edge]) is not None]

    def run(self) -> None:
        """Follow the loss and all calls."""
        self._loss()
        ends = {segment.last: segment for segment in self._forward.segments}
        held: dict[int, list[int]] = {}  # until the first call of a segment is behind
        for index in range(len(self._passed) - 1, -1, -1):
            if index in ends:
                held[ends[index].first] = self._again(ends[index])
            if self._passed[index].recorded:
                self._call(index, self._passed[index])
            self._builder.release(BACKWARD, held.pop(index, ()))
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
        loss = self._builder.made(SINGLE, LOSS, "loss")
        self.returned.append(loss)
        self._builder.step(FORWARD, "loss", (loss,))
        self._root = self._builder.made(SINGLE, GRADIENT, "loss")
        gradients = {
            edge: self._builder.made(self._setup.bytes(value), GRADIENT, "loss") for edge, value in outputs.items()
        }
        self._builder.step(BACKWARD, "loss", (self._root, *gradients.values()))
        self._gradients.update((edge, _Gradient(storage)) for edge, storage in gradients.items())

    def _cross_entropy(self, output: tuple[Edge, Value]) -> None:
        edge, logits = output
        made = self._builder.made
        softmax, scalar = made(self._setup.bytes(logits), LOSS, "loss"), made(SINGLE, LOSS, "loss")
        weight = made(SINGLE, LOSS, "loss")
        # Autocast leaves the log-softmax in half precision, and makes float32 of it for the loss.
        single = logits.elements_at(self._setup.batch) * SINGLE if self._setup.amp else self._setup.bytes(logits)
        cast = [made(single, CAST, "loss")] if self._setup.amp else []
        self._builder.step(FORWARD, "loss", (softmax, *cast, scalar, weight))
        self.returned.append(scalar)
        one, first = made(SINGLE, GRADIENT, "loss"), made(single, GRADIENT, "loss")
        self._root = one
        self._builder.drop((weight, *cast))
        self._builder.step(BACKWARD, "loss", (one, first))
        if cast:
            half = made(self._setup.bytes(logits), GRADIENT, "loss")
            self._builder.drop((first,))
            self._builder.step(BACKWARD, "loss", (half,))
            first = half
        gradient = made(self._setup.bytes(logits), GRADIENT, "loss")
        self._builder.drop((softmax, first))
        self._builder.step(BACKWARD, "loss", (gradient,))
        self._gradients[edge] = _Gradient(gradient)

    def _recorded(self, edge: Edge) -> bool:
        return edge.node >= 0 and self._passed[edge.node].recorded

    # Calls

    def _again(self, segment: Segment) -> list[int]:
        """Run a segment forward again, and return what is held meanwhile: what goes in, what comes out, and the
        gradients of that."""
        inputs = self._forward.storages(segment.inputs)
        gradients = [self._gradients[edge].storage for edge in segment.outputs if edge in self._gradients]
        if not gradients:
            return inputs
        if not segment.reentrant:
            self._forward.again(segment)
            return inputs
        for storage in gradients:
            self._builder.hold(storage)
        self._forward.again(segment)
        return [*inputs, *gradients, *self._forward.storages(segment.outputs)]

    def _call(self, index: int, passed: Passed) -> None:
        edges = [Edge(index, k) for k in range(len(passed.node.outputs))]
        arrived = [self._gradients.pop(edge) for edge in edges if edge in self._gradients]
        if not arrived:  # nothing of the loss hangs on it
            self._builder.drop(passed.kept)
            return
        rule = passed.node.op.gradients(passed.run)
        strided = any(one.strided for one in arrived)
        if rule.divided:
            self._builder.drop((passed.kept.pop(),))
        if rule.divided or (strided and rule.contiguous):
            arrived = [self._copied(passed, arrived)]
        found, made = self._of_inputs(passed, rule, arrived[0])
        learned = self._of_weights(passed)
        self._builder.drop((*passed.kept, *[one.storage for one in arrived]))
        beside = rule.scratch if not strided or rule.strided is None else rule.strided
        scratch = beside + passed.unknown
        workspace = self._workspace(passed, [storage for _, storage in learned])
        made += [storage for _, storage in learned]
        self._builder.step(BACKWARD, passed.node.id, made, scratch, workspace)
        for place, gradient in found:
            self._arrive(passed, place, gradient)
        self._learn(passed, learned)

    def _copied(self, passed: Passed, arrived: list[_Gradient]) -> _Gradient:
        made = [self._builder.made(passed.run.bytes(one), GRADIENT, passed.node.id) for one in passed.run.outputs]
        self._builder.drop([one.storage for one in arrived])
        self._builder.step(BACKWARD, passed.node.id, made)
        return _Gradient(made[0])

    def _of_inputs(
        self, passed: Passed, rule: Gradients, arrived: _Gradient
    ) -> tuple[list[tuple[int, _Gradient]], list[int]]:
        """Return the gradients of a call's inputs, by their places, and the storages that are made for them."""
        found, made = [], []
        for place, value in enumerate(passed.run.inputs):
            if not passed.run.wanted[place]:
                continue
            if rule.shared[place]:
                self._builder.hold(arrived.storage)
                part = arrived.part or not same(value.elements, passed.run.outputs[0].elements)
                found.append((place, arrived._replace(part=part, permuted=arrived.permuted != rule.permuted)))
            else:
                size = passed.run.bytes(value) if rule.around is None else rule.around
                made.append(self._builder.made(size, GRADIENT, passed.node.id))
                found.append((place, _Gradient(made[-1], around=rule.around is not None)))
        return found, made

    def _of_weights(self, passed: Passed) -> list[tuple[str, int]]:
        """Return the gradients of a call's parameters that learn, by name, in the precision that it ran in."""
        node, held = passed.node, passed.node.op.parameters()
        half = WIDTHS[self._setup.amp] if passed.halved else 0
        sizes = [(name, total(held[name]) * (half or self._width(node, name))) for name in learned(node)]
        return [(name, self._builder.made(size, WEIGHT_GRADIENT, node.id)) for name, size in sizes]

    def _width(self, node: Node, name: str) -> int:
        """Return the bytes of an element of a parameter, as its gradient has them."""
        dtypes = node.memory.dtypes if node.memory else {}
        return self._setup.width(dtypes.get(name, "float32"))

    def _workspace(self, passed: Passed, learned: list[int]) -> Span:
        """Return what kernels take beside all gradients: that of the input is made first, then the weight's, then the
        bias's."""
        space = passed.workspace
        if space is NO_WORKSPACE:
            return NOTHING
        weights, behind = self._builder.size(learned), self._builder.size(learned[1:])
        of_inputs = space.of_inputs if any(passed.run.wanted) else NOTHING
        of_weights = space.of_weights if learned else NOTHING
        low, high = (
            maximum(maximum(first - weights, second - behind), 0)
            for first, second in zip(of_inputs, of_weights, strict=True)
        )
        return Span(low, high)

    def _learn(self, passed: Passed, learned: list[tuple[str, int]]) -> None:
        """Keep the gradients of parameters, in their own types; views last, as a bias comes before a weight."""
        node = passed.node
        viewed = frozenset[str]() if passed.halved else node.op.viewed_gradients
        for name, storage in sorted(learned, key=lambda one: one[0] in viewed):
            if passed.halved:
                size = total(node.op.parameters()[name]) * self._width(node, name)
                single = self._builder.made(size, WEIGHT_GRADIENT, node.id)
                self._builder.drop((storage,))
                self._builder.step(BACKWARD, node.id, (single,))
                storage = single
            self._keep(node, name, _Learned(storage, name in viewed))

    def _keep(self, node: Node, name: str, found: _Learned) -> None:
        """Keep a parameter's gradient; that of a second call is added to the first's, in place but where that is a
        view."""
        before = self._learned.setdefault(node.tensor(name), found)
        if self._setup.accumulate > 1 or (before is not found and not before.viewed):
            self._builder.drop((found.storage,))
        elif before is not found:
            self._builder.release(BACKWARD, ())  # what was dropped since is there no more
            made = self._builder.made(self._builder.size((found.storage,)), WEIGHT_GRADIENT, node.id)
            self._builder.drop((before.storage, found.storage))
            self._builder.step(BACKWARD, node.id, (made,))
            self._learned[node.tensor(name)] = _Learned(made, False)

    def _arrive(self, passed: Passed, place: int, gradient: _Gradient) -> None:
        """Add a gradient to what has arrived for a value: in place where nobody else has that."""
        edge, id = passed.node.inputs[place], passed.node.id
        value = passed.run.inputs[place]._replace(dtype=passed.cast[place])
        if gradient.around or passed.cast[place] != passed.run.inputs[place].dtype:
            made = self._builder.made(passed.run.bytes(value), GRADIENT, id)
            self._builder.drop((gradient.storage,))
            self._builder.step(BACKWARD, id, (made,))
            gradient = _Gradient(made)
        before = self._gradients.get(edge)
        if before is None:
            self._gradients[edge] = gradient
        elif not before.part and self._builder.holders(before.storage) == 1:
            self._builder.drop((gradient.storage,))
            self._builder.step(BACKWARD, id, ())
        else:
            made = self._builder.made(passed.run.bytes(value), GRADIENT, id)
            self._builder.drop((before.storage, gradient.storage))
            self._builder.step(BACKWARD, id, (made,))
            self._gradients[edge] = _Gradient(made)

    def _value(self, edge: Edge) -> Value:
        return self._passed[edge.node].run.outputs[edge.output]
