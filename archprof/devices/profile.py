"""The profile of a device: what was measured on it, and what was fitted to that."""

from collections.abc import Mapping

from archprof.devices.kernels import Kernel
from archprof.named_tuple import NamedTuple

DTYPES = ("fp32", "fp16", "bf16")
RUNTIMES = ("torch", "onnxruntime")
EXECUTIONS = ("graph", "eager", "compiled", "session")


class FusionRule(NamedTuple):
    """What is run with what by one kernel: kernels of these *kinds* run what is *behind* them as well: for each step in
    turn, operators that may come there, alone in reading what is before them. A step may be left out."""

    kinds: tuple[str, ...]
    behind: tuple[tuple[str, ...], ...]


class DeviceSetup(NamedTuple):
    """How networks ran: number format, layout of maps, by which runtime (`torch`, `onnxruntime`) and how it was called
    (`graph`: a CUDA graph is replayed; `eager`: from Python; `compiled`: by torch.compile; `session`: of onnxruntime),
    on how many threads (0: on a GPU), and what it runs by one kernel."""

    dtype: str
    layout: str
    runtime: str
    execution: str
    threads: int = 0
    fusion: tuple[FusionRule, ...] = ()


class Ceilings(NamedTuple):
    """What the device does at most: bytes copied and multiply-accumulates of a matrix product in a µs, the µs of the
    smallest kernel, and those of a launch from Python."""

    bytes_per_us: float
    macs_per_us: float
    kernel_us: float
    launch_us: float


class Residual(NamedTuple):
    """A Gaussian process on the logarithm of measured through formula: the covariance is variance·exp(−½·Σ(x − y)²) of
    features from which *center* is taken, and which are divided by *scale*; the *points* are there already, with their
    *weights*. *noise* is the part of the variance that is left beside a point."""

    variance: float
    noise: float
    center: tuple[float, ...]
    scale: tuple[float, ...]
    points: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]


class KindFit(NamedTuple):
    """How long kernels of a class take at a batch: the constants of its form, the residual, and the spread of what both
    leave far from all points, as the standard deviation of a logarithm."""

    form: str
    constants: tuple[float, ...]
    residual: Residual | None
    spread: float


class NetworkTerms(NamedTuple):
    """What a network takes beside its kernels at a batch.

    T = factor·Σ T_kernel + cold_us·(kernels + copies)·clip((weight bytes + peak bytes − cold_from)/cold_over, 0, 1)
    + Σ_copies (copy_us + bytes/copy_bytes_per_us); called from Python, no less than eager_us·kernels.
    """

    factor: float
    cold_us: float
    cold_from: float
    cold_over: float
    copy_us: float
    copy_bytes_per_us: float
    eager_us: float = 0.0


class MeasuredNetwork(NamedTuple):
    """A network that was measured whole: µs by batch, replayed or as the setup says, and called from Python."""

    model: str
    us: Mapping[int, float]
    eager_us: Mapping[int, float] = {}


class BatchFit(NamedTuple):
    """What was fitted at a batch: to kernels, by kind, to networks, and to what both leave over."""

    kinds: Mapping[str, KindFit]  # by class
    network: NetworkTerms
    interval: tuple[float, ...]


class Profile(NamedTuple):
    """The profile of a device: *points* are the kernels that were measured, with their µs by batch."""

    name: str
    provenance: Mapping[str, str]
    setup: DeviceSetup
    batches: tuple[int, ...]
    ceilings: Ceilings
    points: Mapping[Kernel, Mapping[int, float]]
    networks: tuple[MeasuredNetwork, ...]
    fits: Mapping[int, BatchFit]
