"""Recording a module's forward pass: every operator that torch dispatches, and the module that runs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from archprof.captures.bounds import (
    Bounds,
    FunctionOperatorError,
    UnknownElementError,
    asks_for_elements,
    is_bounded,
    largest,
)
from archprof.captures.calls import Dispatched, HeldTensor, Recording, SeenTensor
from archprof.captures.macs import is_whole, macs_of
from archprof.captures.shadow import has_elements
from archprof.ir.graph import INPUT, Edge
from archprof.runtime.dispatch import HigherOrderOperator, TorchDispatchMode


def record(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    gradients: bool = False,
) -> Recording:
    """Run a module once and return what it called; *inputs* names the tensors among its arguments.

    The module is run as it stands: its mode, its device (meta, where nothing is computed). Of what is as large as data
    has it, and there is no data, the most is taken that there can be. What its forward raises is raised, and
    UnknownElementError where it asks for elements that nobody has. One that asks for *gradients* gets them; then
    composite operators arrive as what they are made of.
    """
    recorder = _Recorder(module, inputs)
    with torch.inference_mode(not gradients), recorder.following(), recorder:
        returned = module(*args, **kwargs)
    outputs = dict(_named("", returned))
    found = {name: recorder.seen(tensor) for name, tensor in outputs.items()}
    return Recording(recorder.inputs, tuple(recorder.calls), found)


class _Visit(NamedTuple):
    """A module that is running: where it stands, its class, and which call of it this is."""

    path: str
    module: str
    number: int


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes each operator that is dispatched while it is active.

    A composite operator with a rule is noted as it is; any other is asked for what it is made of. Tensors are known by
    their identity, so that every one is held until the end.
    """

    supports_higher_order_operators = True

    def __init__(self, root: nn.Module, inputs: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Dispatched] = []
        self.inputs = {
            name: SeenTensor(_shape(x), _dtype(x), Edge(INPUT, k)) for k, (name, x) in enumerate(inputs.items())
        }
        self._paths = {id(part): path for path, part in root.named_modules()}
        self._visits: Counter[str] = Counter()
        self._running = [_Visit("", type(root).__name__, 1)]
        self._sources: dict[int, Edge | HeldTensor] = {}
        self._alive: list[Tensor] = []
        self._writers: dict[int, Edge] = {}  # the last call that wrote on a storage
        self._bounds = Bounds()
        for name, parameter in root.named_parameters():
            self._know(parameter, HeldTensor(name, "parameter"))
        for name, buffer in root.named_buffers():
            self._know(buffer, HeldTensor(name, "buffer"))
        for k, tensor in enumerate(inputs.values()):
            self._know(tensor, Edge(INPUT, k))

    def _know(self, tensor: Tensor, source: Edge | HeldTensor) -> None:
        self._sources[id(tensor)] = source
        self._alive.append(tensor)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow which module runs."""
        with ExitStack() as hooks:
            for hook in (
                register_module_forward_pre_hook(self._enter),
                register_module_forward_hook(self._leave, always_call=True),
            ):
                hooks.callback(hook.remove)
            yield

    def _enter(self, module: nn.Module, *_: Any) -> None:
        # A module that is made in forward stands nowhere: what it runs, the module around it runs.
        path = self._paths.get(id(module))
        if path is None:
            self._running.append(self._running[-1])
            return
        self._visits[path] += 1
        self._running.append(_Visit(path, type(module).__name__, self._visits[path]))

    def _leave(self, *_: Any) -> None:
        self._running.pop()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            return self._run_function(func, args, kwargs)
        if func.namespace == "prim":  # as to ask for a tensor's device
            return func(*args, **kwargs)
        if func.namespace == "aten" and not is_whole(func._schema.name):
            with self:
                made = func.decompose(*args, **kwargs)
            if made is not NotImplemented:
                return made
        named = _by_name(func._schema, args, kwargs)
        given = {name: self._plain(value) for name, value in named.items()}
        returned, bounded = self._run(func, named, args, kwargs)
        self._note_writes(func._schema, returned)
        self._note(str(func), given, returned, bounded=bounded)
        self._bounds.note(func._schema.name, named, returned)
        return returned

    def _run_function(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Run an operator of functions: attention by what it multiplies, a choice by what is chosen."""
        if func.name() == "flex_attention":
            returned = func(*args, **kwargs)
            given = {name: self.seen(tensor) for name, tensor in zip(("query", "key", "value"), args, strict=False)}
            self._note("higher_order.flex_attention.default", given, returned, bounded=_is_masked(args[4]))
            return returned
        if func.name() == "cond" and (not isinstance(args[0], Tensor) or has_elements(args[0])):
            with self:
                return args[1 if args[0] else 2](*args[3])
        raise FunctionOperatorError(func.name())

    def _run(self, func: Any, named: Mapping[str, Any], args: Any, kwargs: Any) -> tuple[Any, bool]:
        """Return what a call returns, and whether that is the most that it can."""
        operator = func._schema.name
        if operator in _NORMS and _is_fitting_norm(operator, named) and not has_elements(args[0]):
            # What a norm returns torch works out in dozens of steps, as if it were computed.
            return torch.empty_like(args[0]), False
        if operator == "aten::_grouped_mm" and not has_elements(args[0]):
            return _grouped_product(named), False  # torch works its shape out for bfloat16 alone
        if asks_for_elements(operator) and not _all_known(named):
            raise UnknownElementError(str(func).rpartition(".")[0], *self._running[-1][:2])
        if is_bounded(operator, named) and not _all_known(named):
            return largest(operator, named, self._bounds), True
        return func(*args, **kwargs), False

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.seen(value)
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        if isinstance(value, torch.ScriptObject) and hasattr(value, "unpack"):  # what is quantised packs its weights
            weight = value.unpack()[0]
            return SeenTensor(_shape(weight), _dtype(weight), HeldTensor("", "constant"))
        return value

    def seen(self, tensor: Tensor) -> SeenTensor:
        """Return a tensor as calls see it."""
        source = self._sources.get(id(tensor))
        if source is None:
            source = HeldTensor("", "constant")
            self._know(tensor, source)
        writer = self._writers.get(_storage(tensor)) if self._writers else None
        late = writer is not None and (isinstance(source, HeldTensor) or writer.node > source.node)
        return SeenTensor(_shape(tensor), _dtype(tensor), source, (writer,) if late and writer else ())

    def _note_writes(self, schema: Any, returned: Any) -> None:
        """Note on which storages a call that is about to be noted writes."""
        for tensor, argument in zip(_tensors(returned), schema.returns, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self._writers[_storage(tensor)] = Edge(len(self.calls))
                self._bounds.forget()

    def _note(self, target: str, given: dict[str, Any], returned: Any, *, bounded: bool) -> None:
        index = len(self.calls)
        outputs = []
        for k, tensor in enumerate(_tensors(returned)):
            self._know(tensor, Edge(index, k))
            outputs.append(SeenTensor(_shape(tensor), _dtype(tensor), Edge(index, k)))
        operator = "::".join(target.split(".")[:2])
        macs = macs_of(operator, given, outputs[0].shape if outputs else ())
        place, counted = self._running[-1], macs is not None
        self.calls.append(Dispatched(target, *place, given, tuple(outputs), macs or 0, counted, bounded))


def _grouped_product(named: Mapping[str, Any]) -> Tensor:
    """Return a product of rows, (rows, k) or (groups, rows, k), and (groups, k, n) or (k, n), of which those of a group
    meet; of what has no groups, (m, rows) and (rows, n), as many as there are offsets."""
    left, right = named["self"], named["mat2"]
    flat = left.dim() == right.dim() == 2
    groups = named["offs"].shape[:1] if flat else left.shape[:1] if left.dim() == right.dim() else ()
    made: Tensor = left.new_empty((*groups, left.shape[-2], right.shape[-1]), dtype=named["out_dtype"])
    return made


def _is_masked(block_mask: Sequence[Any]) -> bool:
    """Tell whether a block mask, as flex attention hands it on, leaves anything out."""
    from torch.nn.attention.flex_attention import noop_mask

    return block_mask[-1] is not noop_mask


def _by_name(schema: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(zip([one.name for one in schema.arguments], args, strict=False)) | dict(kwargs)
    return {one.name: given.get(one.name, one.default_value) for one in schema.arguments}


def _all_known(named: Mapping[str, Any]) -> bool:
    return all(has_elements(tensor) for value in named.values() for tensor in _tensors(value))


def _is_fitting_norm(operator: str, given: Mapping[str, Any]) -> bool:
    """Tell whether a norm, in evaluation, has tensors as large as its input asks for: then its output is as its input
    is."""
    if given.get("training"):
        return False
    shape = given["input"].shape
    normalized = tuple(given.get("normalized_shape", shape[1:2]))
    if "normalized_shape" in given:
        fits = shape[-len(normalized) :] == normalized
    else:
        fits = len(shape) > 1 and shape[1] % given.get("num_groups", 1) == 0
    tensors = [given.get(name) for name in ("weight", "bias", "running_mean", "running_var")]
    return fits and all(one is None or one.shape == normalized for one in tensors)


_NORMS = frozenset(("aten::batch_norm", "aten::layer_norm", "aten::group_norm"))


def _named(place: str, value: Any, above: tuple[int, ...] = ()) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of what forward returns, by where they stand: `output`, `output.0`, `features`, `heads.a`."""
    if isinstance(value, Tensor):
        yield place or "output", value
    elif id(value) not in above:  # an object may hold itself
        for key, item in _parts(value):
            yield from _named(f"{place}.{key}" if place else _outermost(key), item, (*above, id(value)))


def _outermost(key: Any) -> str:
    return f"output.{key}" if isinstance(key, int) else str(key)


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return what a value holds, each with its key: of a mapping, of a named or plain sequence, of an object."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, list | tuple):
        return zip(getattr(value, "_fields", range(len(value))), value, strict=True)
    return vars(value).items() if hasattr(value, "__dict__") else ()


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [tensor for item in value for tensor in _tensors(item)] if isinstance(value, list | tuple) else []


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(map(int, tensor.shape))


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _storage(tensor: Tensor) -> int:
    storage: int = tensor.untyped_storage()._cdata
    return storage
