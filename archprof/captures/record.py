"""Recording a module's forward pass: every operator that torch dispatches, and the module that runs it."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from opcode import opmap
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from archprof.captures.bounds import (
    Bounds,
    FunctionOperatorError,
    UnknownElementError,
    asks_for_elements,
    is_bounded,
    largest,
    when_gone,
)
from archprof.captures.calls import Dispatched, HeldTensor, Recording, SeenTensor, tensors_in
from archprof.captures.macs import is_whole, macs_of
from archprof.captures.modes import Modes
from archprof.captures.shadow import has_elements
from archprof.ir.graph import INPUT, Edge
from archprof.named_tuple import NamedTuple
from archprof.runtime.dispatch import HigherOrderOperator, TorchDispatchMode, suggest_memory_format


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
    modes = Modes(gradients or module.training, real=gradients)
    recorder = _Recorder(module, inputs, modes)
    with torch.inference_mode(not gradients), modes, recorder.following(), recorder:
        returned = module(*args, **kwargs)
    outputs = dict(_named("", returned))
    found = {name: recorder.seen(tensor) for name, tensor in outputs.items()}
    remarks = (*modes.remarks(training=module.training), *recorder.remarks())
    return Recording(recorder.inputs, recorder.followed_calls(), found, remarks)


class _Visit(NamedTuple):
    """A module that is running: where it stands, its class, and which call of it this is."""

    path: str
    module: str
    number: int


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes each operator that is dispatched while it is active.

    A composite operator with a rule is noted as it is; any other is asked for what it is made of. Tensors are known by
    their identity, and storages by a number each, as long as there are any; nothing that a call returns is kept from
    being let go, so that it is known when it is.
    """

    supports_higher_order_operators = True

    def __init__(self, root: nn.Module, inputs: Mapping[str, Tensor], modes: Modes) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Dispatched] = []
        self._paths = {id(part): path for path, part in root.named_modules()}
        self._visits: Counter[str] = Counter()
        self._strangers: dict[str, None] = {}  # classes of modules that are none of its parts
        self._running = [_Visit("", type(root).__name__, 1)]
        self._known: dict[int, SeenTensor] = {}
        self._alive: list[Tensor] = []  # what is none that a call returns
        self._storages: dict[int, int] = {}
        self._numbers = itertools.count()
        self._freed: dict[int, int] = {}  # behind how many calls a storage was let go
        self._writers: dict[int, Edge] = {}  # the last call that wrote on a storage
        self._bounds = Bounds()
        self._written = "method"
        self._trains, self._modes = root.training, modes
        for name, parameter in root.named_parameters():
            self._know(parameter, HeldTensor(name, "parameter"))
        for name, buffer in root.named_buffers():
            self._know(buffer, HeldTensor(name, "buffer"))
        self.inputs = {name: self._know(x, Edge(INPUT, k)) for k, (name, x) in enumerate(inputs.items())}

    def _know(self, tensor: Tensor, source: Edge | HeldTensor) -> SeenTensor:
        if isinstance(source, Edge) and source.node != INPUT:
            when_gone(tensor, self._known.pop, id(tensor), None)
        else:
            self._alive.append(tensor)
        dense = tensor.layout is torch.strided
        strides = tensor.stride() if dense and not tensor.is_contiguous() else None
        storage = self._storage(tensor) if dense else next(self._numbers)
        seen = SeenTensor(tuple(map(int, tensor.shape)), _dtype(tensor), source, (), strides, storage)
        self._known[id(tensor)] = seen
        return seen

    def _storage(self, tensor: Tensor) -> int:
        """Return the number of a tensor's storage."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._storages:
            self._storages[key] = next(self._numbers)
            when_gone(storage, self._free, key)
        return self._storages[key]

    def _free(self, key: int) -> None:
        self._freed[self._storages.pop(key)] = len(self.calls)

    def followed_calls(self) -> tuple[Dispatched, ...]:
        """Return the calls, with the last during which each storage was there that they return."""
        last = len(self.calls)
        return tuple(
            call._replace(until=tuple([self._freed.get(one.storage, last) - 1 for one in call.outputs]))
            for call in self.calls
        )

    def remarks(self) -> Iterator[str]:
        """Yield what runs without being counted as a part of the module."""
        if self._strangers:
            named = ", ".join([f"`{name}`" for name in self._strangers])
            yield f"forward runs {named}, no part of the module: parameters of that are not counted"

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
            if any(True for _ in module.parameters(recurse=False)):
                self._strangers[type(module).__name__] = None
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
        self._written = _written(sys._getframe(1), func._overloadpacket.__name__) or self._written
        if func.namespace == "aten" and not is_whole(func._schema.name):
            with self:
                made = func.decompose(*args, **kwargs)
            if made is not NotImplemented:
                return made
        signature = _signature(func)
        named = dict(zip(signature.defaults, args, strict=False)) | kwargs
        named = {name: named.get(name, default) for name, default in signature.defaults.items()}
        given = {name: self._plain(value) for name, value in named.items()}
        returned, bounded = self._run(func, signature.operator, named, args, kwargs)
        self._note(str(func), given, returned, signature.writes, bounded=bounded)
        self._bounds.note(signature.operator, named, returned)
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

    def _run(self, func: Any, operator: str, named: Mapping[str, Any], args: Any, kwargs: Any) -> tuple[Any, bool]:
        """Return what a call returns, and whether that is the most that it can."""
        if operator in _NORMS and _is_fitting_norm(operator, named) and not has_elements(args[0]):
            # What a norm returns torch works out in dozens of steps, as if it were computed.
            return _normalized(operator, named["input"]), False
        if operator == "aten::_grouped_mm" and not has_elements(args[0]):
            return _grouped_product(named), False  # torch works its shape out for bfloat16 alone
        if asks_for_elements(operator) and not _all_known(named):
            raise UnknownElementError(str(func).rpartition(".")[0], *self._running[-1][:2])
        if is_bounded(operator, named) and not _all_known(named):
            return largest(operator, named, self._bounds), True
        return _laid_out(operator, named, func(*args, **kwargs)), False

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.seen(value)
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        if isinstance(value, torch.ScriptObject) and hasattr(value, "unpack"):  # what is quantised packs its weights
            weight = value.unpack()[0]
            return SeenTensor(tuple(weight.shape), _dtype(weight), HeldTensor("", "constant"))
        return value

    def seen(self, tensor: Tensor) -> SeenTensor:
        """Return a tensor as calls see it."""
        found = self._known.get(id(tensor)) or self._know(tensor, HeldTensor("", "constant"))
        writer = self._writers.get(found.storage)
        if writer is None or not (isinstance(found.source, HeldTensor) or writer.node > found.source.node):
            return found
        return found._replace(after=(writer,))

    def _note(
        self, target: str, given: dict[str, Any], returned: Any, writes: tuple[str, ...] = (), *, bounded: bool
    ) -> None:
        index = len(self.calls)
        outputs = tuple([self._know(tensor, Edge(index, k)) for k, tensor in enumerate(_tensors(returned))])
        for name in writes:
            for seen in tensors_in(given[name]):
                self._writers[seen.storage] = Edge(index)
                self._bounds.forget()
        macs = macs_of("::".join(target.split(".")[:2]), given, outputs[0].shape if outputs else ())
        place, counted = self._running[-1], macs is not None
        how = (writes, bounded, self._written)
        detached = self._trains and not self._modes.gradients
        call = Dispatched(target, *place, given, outputs, macs or 0, counted, *how, detached=detached)
        if self._trains and (number := self._modes.checkpoint):
            call = call._replace(checkpoint=number, reentrant=self._modes.reentrant)
        self.calls.append(call)


def _written(frame: FrameType | None, name: str) -> str:
    """Return how code calls an operator, by where it stands; empty where a composite operator is taken apart, which was
    called as a whole."""
    frame = _caller(frame, _BETWEEN)
    if frame is None or _module_of(frame) == __name__:
        return ""
    if _module_of(frame) == functional.__name__:
        # What its functions call of each other, code asks for by the outermost.
        while (outside := _caller(frame.f_back, _CHOOSING)) is not None and _module_of(outside) == functional.__name__:
            frame = outside
        asked = frame.f_code.co_name.lstrip("_")
        # What holds a function under another name does not ask torch.nn.functional for it.
        return "function" if outside is not None and asked in outside.f_code.co_names else "method"
    if frame.f_code.co_code[frame.f_lasti] == _BINARY:
        return "operator"
    return "function" if hasattr(torch._C._nn, name) and name in frame.f_code.co_names else "method"


def _caller(frame: FrameType | None, between: Sequence[str]) -> FrameType | None:
    while frame is not None and _module_of(frame) in between:
        frame = frame.f_back
    return frame


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals["__name__"])


# Where torch passes by on its way to a mode.
_BETWEEN = ("torch._dynamo.eval_frame", "torch._compile")
# Where a function of torch.nn.functional chooses among others.
_CHOOSING = ("torch._jit_internal",)
_BINARY = opmap["BINARY_OP"]


class _Signature(NamedTuple):
    """What an operator takes: its name, `aten::conv2d`, what each argument is unless it is given, and which are written
    over."""

    operator: str
    defaults: Mapping[str, Any]
    writes: tuple[str, ...]


@cache
def _signature(func: Any) -> _Signature:
    schema = func._schema
    arguments = schema.arguments
    writes = [one.name for one in arguments if one.alias_info is not None and one.alias_info.is_write]
    return _Signature(schema.name, {one.name: one.default_value for one in arguments}, tuple(writes))


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


def _all_known(named: Mapping[str, Any]) -> bool:
    return all(has_elements(tensor) for value in named.values() for tensor in _tensors(value))


def _is_fitting_norm(operator: str, given: Mapping[str, Any]) -> bool:
    """Tell whether a norm has tensors as large as its input asks for: then its output is as its input is."""
    shape = given["input"].shape
    normalized = tuple(given.get("normalized_shape", shape[1:2]))
    if "normalized_shape" in given:
        fits = shape[-len(normalized) :] == normalized
    else:
        fits = len(shape) > 1 and shape[1] % given.get("num_groups", 1) == 0
    tensors = [given.get(name) for name in ("weight", "bias", "running_mean", "running_var")]
    return fits and all(one is None or one.shape == normalized for one in tensors)


def _normalized(norm: str, tensor: Tensor) -> Tensor:
    layout = torch.contiguous_format if norm == "aten::layer_norm" else suggest_memory_format(tensor)
    return torch.empty_like(tensor, memory_format=layout)


def _laid_out(operator: str, given: Mapping[str, Any], returned: Any) -> Any:
    """Return what an operator returns as it lies in memory on devices that compute, where meta has it otherwise."""
    if not isinstance(returned, Tensor) or has_elements(returned):
        return returned
    if operator in _CONVOLUTIONS:  # channels last where the input or the weight is
        layouts = [suggest_memory_format(given[name]) for name in ("weight", "input")]
        last = [one for one in layouts if one is not torch.contiguous_format]
        return returned.contiguous(memory_format=(last or layouts)[0])
    if operator == "aten::scaled_dot_product_attention" and _is_fused(given):
        return torch.empty_like(given["query"].transpose(1, 2).contiguous()).transpose(1, 2)
    return returned


def _is_fused(given: Mapping[str, Any]) -> bool:
    """Tell whether an attention has a kernel, which lays out its output with the heads of a position side by side: one
    without dropout, of alike heads and of alike features that lie side by side."""
    query, key, value = (given[name] for name in ("query", "key", "value"))
    alike = query.dim() == 4 and query.shape[1] == key.shape[1] and query.shape[3] == value.shape[3]
    return alike and query.stride(3) == 1 and not given.get("dropout_p")


_CONVOLUTIONS = frozenset(f"aten::{name}{k}d" for name in ("conv", "conv_transpose") for k in (2, 3))
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


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
