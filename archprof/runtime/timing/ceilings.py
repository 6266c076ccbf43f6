"""What a device does at most: bytes copied, matrix products, the smallest kernel, a launch from Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from archprof.devices.profile import Ceilings
from archprof.runtime.timing.alone import RunPlace
from archprof.runtime.timing.rounds import Sample, Sampler, host_sampler, interleaved

# Bytes of a copy: beyond all caches on a GPU, beyond that of a core on a CPU. Sides of the square matrices.
_COPIED = {"cpu": 64 << 20, "cuda": 1 << 30}
_SIDE = {"cpu": 512, "cuda": 8192}
_SMALL = 64
_ROUNDS = 12
# The smallest kernel is run so often at once: a CPU's clock is too coarse for one, and a graph begins late.
_MANY = {"cpu": 50, "cuda": 500}
# What else is run so often in a graph.
_RUNS = 20


def measured_ceilings(place: RunPlace, runtime: str, threads: int) -> Ceilings:
    """Return the ceilings of a device for a number format and a runtime. A copy reads and writes each byte; a product
    is one of matrices, or a 1×1 convolution where onnxruntime runs it."""
    import torch

    size = _COPIED[place.device]
    small = torch.rand(_SMALL, device=place.device).to(place.torch_dtype)
    product, macs = _convolution(threads) if runtime == "onnxruntime" else _product(place)
    kernel = partial(torch.relu_, small)
    samplers = {"copy": _sampler(_copy(size, place), place), "product": _sampler(product, place)}
    samplers |= _kernel_samplers(kernel, place)
    us = {name: timing.us for name, timing in interleaved(samplers, _ROUNDS).items()}
    return Ceilings(size / us["copy"], macs / us["product"], us["kernel"], us.get("launch", us["kernel"]))


def _copy(size: int, place: RunPlace) -> Callable[[], Any]:
    """Return what reads and writes so many bytes together. On a device a kernel does, as operators are: a copy of
    memory, replayed in a graph, takes a quarter longer."""
    import torch

    if place.device == "cpu":
        source = torch.ones(size // 2, dtype=torch.uint8)
        return partial(torch.empty_like(source).copy_, source)
    source = torch.ones(size // 2 // place.torch_dtype.itemsize, dtype=place.torch_dtype, device=place.device)
    return partial(torch.neg, source, out=torch.empty_like(source))


def _product(place: RunPlace) -> tuple[Callable[[], Any], int]:
    import torch

    side = _SIDE[place.device]
    left, right = (torch.rand(side, side, device=place.device).to(place.torch_dtype) for _ in range(2))
    return partial(torch.matmul, left, right), side**3


def _convolution(threads: int) -> tuple[Callable[[], Any], int]:
    import torch

    from archprof.runtime.timing.onnx_times import Session, exported

    side = _SIDE["cpu"]
    given = torch.rand(1, side, side // 16, 16)
    return Session(exported(torch.nn.Conv2d(side, side, 1), [given]), [given], threads).run, side**3


def _kernel_samplers(kernel: Callable[[], Any], place: RunPlace) -> dict[str, Sampler]:
    """Return what times the smallest kernel, and, on a device, its launch from Python; a CPU launches nothing."""
    if place.device == "cuda":
        from archprof.runtime.timing.cuda import eager_sampler

        return {"kernel": _sampler(kernel, place, _MANY["cuda"]), "launch": eager_sampler(kernel)}

    def many() -> None:
        for _ in range(_MANY["cpu"]):
            kernel()

    sample = host_sampler(many)
    return {"kernel": lambda: Sample(sample().us / _MANY["cpu"])}


def _sampler(run: Callable[[], Any], place: RunPlace, runs: int = _RUNS) -> Sampler:
    if place.device != "cuda":
        return host_sampler(run)
    from archprof.runtime.timing.cuda import graph_sampler

    return graph_sampler(run, runs)
