"""Networks and operators timed as onnxruntime runs them on the CPU, and what its profile tells of each node."""

from __future__ import annotations

import io
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import described, usage_error
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from torch import Tensor, nn

# What onnxruntime inserts where a map goes from one layout of its own to another.
REORDERS = ("ReorderInput", "ReorderOutput")
_KERNEL = "_kernel_time"
_OPSET = 17


class NodeTimes(NamedTuple):
    """A node that onnxruntime ran: its name, its operator, the µs of each run, the bytes that it moves, and the shapes
    of its inputs, weights among them, and of its output."""

    name: str
    operator: str
    us: tuple[float, ...]
    bytes: int = 0
    shapes: tuple[tuple[int, ...], ...] = ()
    output: tuple[int, ...] = ()


def require_onnxruntime() -> None:
    """Raise UsageError where onnxruntime is not installed."""
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        message = "`--runtime onnxruntime` needs onnxruntime, and it is not installed"
        raise usage_error(message, help="pip install onnx onnxruntime") from None


def exported(module: nn.Module, arguments: Sequence[Any], inputs: Sequence[str] = (), output: str = "output") -> bytes:
    """Return a module as an ONNX file. Raises UsageError for one that torch cannot export."""
    import torch

    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), torch.no_grad(), _told_apart():
        torch.onnx.export(
            module, tuple(arguments), out,  # type: ignore[arg-type]
            dynamo=False, opset_version=_OPSET, input_names=list(inputs) or None,
            output_names=[output], training=torch.onnx.TrainingMode.PRESERVE,  # norms stay, for onnxruntime to fold
        )  # fmt: skip
    return out.getvalue()


@contextmanager
def _told_apart() -> Iterator[None]:
    """Raise UsageError for whatever torch's exporter raises, which prints what it has done so far before."""
    try:
        with redirect_stdout(io.StringIO()):
            yield
    except Exception as error:
        raise usage_error(f"torch cannot export it to ONNX: {described(error)}") from error


class Session:
    """A model in onnxruntime, on so many threads, with what it is fed; where it is *profiled*, the times of its nodes
    are written down while it runs, until they are asked for. One that is not *optimised* runs the nodes of its file."""

    def __init__(
        self,
        model: bytes,
        arguments: Sequence[Tensor],
        threads: int,
        profile: Path | None = None,
        *,
        optimised: bool = True,
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        if not optimised:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        if profile is not None:
            options.enable_profiling, options.profile_file_prefix = True, str(profile)
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [one.name for one in self._session.get_inputs()]
        self._fed = {name: one.numpy() for name, one in zip(names, arguments, strict=True)}

    def run(self) -> None:
        """Run the model once."""
        self._session.run(None, self._fed)

    def nodes(self) -> list[NodeTimes]:
        """Return the nodes in the order in which they run, and end the profile."""
        return nodes_in(Path(self._session.end_profiling()).read_text(encoding="utf-8"))


def nodes_in(profile: str) -> list[NodeTimes]:
    """Return the nodes of a profile of onnxruntime's, in the order in which they ran first."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in json.loads(profile):
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL):
            found.setdefault((event["name"], event["args"].get("node_index", "")), []).append(event)
    return [_node(events) for events in found.values()]


def _node(events: Sequence[dict[str, Any]]) -> NodeTimes:
    told = events[0]["args"]
    moved = sum(int(told.get(name, 0)) for name in ("activation_size", "output_size", "parameter_size"))
    shapes, outputs = (_shapes(told.get(name, [])) for name in ("input_type_shape", "output_type_shape"))
    us = tuple([float(event["dur"]) for event in events])
    name = events[0]["name"].removesuffix(_KERNEL)
    return NodeTimes(name, told["op_name"], us, moved, shapes, outputs[0] if outputs else ())


def _shapes(listed: Sequence[dict[str, list[int]]]) -> tuple[tuple[int, ...], ...]:
    return tuple([tuple(shape) for one in listed for shape in one.values()])


@contextmanager
def profiles() -> Iterator[Callable[[], Path]]:
    """Give names for profiles, in a folder that is gone behind it."""
    with tempfile.TemporaryDirectory(prefix="archprof-") as folder:
        numbers = iter(range(1 << 30))
        yield lambda: Path(folder) / f"profile{next(numbers)}"
