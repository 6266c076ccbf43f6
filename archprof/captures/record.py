"""Recording a module's forward pass: every operator that torch dispatches, and the module that runs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.captures.calls import Dispatched, HeldTensor, Recording, SeenTensor
from archprof.captures.macs import is_whole, macs_of
from archprof.ir.graph import INPUT, Edge


def record(
    module: nn.Module, inputs: Mapping[str, Tensor], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Recording:
    """Run a module once and return what it called; *inputs* names the tensors among its arguments.

    The module is run as it stands: its mode, its device (meta, where nothing is computed). What its forward raises is
    raised.
    """
    recorder = _Recorder(module, inputs)
    with torch.inference_mode(), recorder.following(), recorder:
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
        if func.namespace == "aten" and not is_whole(func._schema.name):
            with self:
                made = func.decompose(*args, **kwargs)
            if made is not NotImplemented:
                return made
        given = self._arguments(func._schema, args, kwargs)
        if _is_fitting_norm(func._schema.name, given):
            # What a norm returns torch works out in dozens of steps, as if it were computed.
            returned = torch.empty_like(args[0])
        elif func._schema.name == "aten::_grouped_mm":
            returned = _grouped_product(func, *args, **kwargs)
        else:
            returned = func(*args, **kwargs)
        self._note(func, given, returned)
        return returned

    def _arguments(self, schema: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        given = dict(zip([one.name for one in schema.arguments], args, strict=False)) | dict(kwargs)
        return {one.name: self._plain(given.get(one.name, one.default_value)) for one in schema.arguments}

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.seen(value)
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
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

    def _note(self, func: Any, given: dict[str, Any], returned: Any) -> None:
        index = len(self.calls)
        outputs = []
        for k, tensor in enumerate(_tensors(returned)):
            self._know(tensor, Edge(index, k))
            outputs.append(SeenTensor(_shape(tensor), _dtype(tensor), Edge(index, k)))
        for tensor, argument in zip(_tensors(returned), func._schema.returns, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self._writers[_storage(tensor)] = Edge(index)
        self._append(func, given, tuple(outputs))

    def _append(self, func: Any, given: dict[str, Any], outputs: tuple[SeenTensor, ...]) -> None:
        macs = macs_of(func._schema.name, given, outputs[0].shape if outputs else ())
        self.calls.append(Dispatched(str(func), *self._running[-1], given, outputs, macs or 0, macs is not None))


def _is_fitting_norm(operator: str, given: Mapping[str, Any]) -> bool:
    """Tell whether an operator is a norm, in evaluation, whose tensors are as large as its input asks for: then its
    output is as its input is."""
    if operator not in _NORMS or given.get("training"):
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


def _grouped_product(func: Any, left: Tensor, right: Tensor, *others: Any, **options: Any) -> Tensor:
    """Return what a grouped product does: torch has its shape for bfloat16 alone, and kernels for the other types."""
    product: Tensor = func(left.bfloat16(), right.bfloat16(), *others, **options)
    return product.to(options.get("out_dtype") or left.dtype)


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
