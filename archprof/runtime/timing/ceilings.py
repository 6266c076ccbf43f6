"""What a device does at most: bytes copied, matrix products, the smallest kernel, a launch from Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archprof.devices.profile import Ceilings
from archprof.runtime.timing.alone import Place
from archprof.runtime.timing.rounds import Sampler, host_sampler, interleaved

# Bytes of a copy: beyond all caches on a GPU, beyond that of a core on a CPU. Sides of the square matrices.
_COPIED = {"cpu": 64 << 20, "cuda": 1 << 30}
_SIDE = {"cpu": 1024, "cuda": 8192}
_SMALL = 64
_ROUNDS = 6


def measured_ceilings(place: Place) -> Ceilings:
    """Return the ceilings of a device for a number format. A copy reads and writes each byte."""
    import torch

    size, side = _COPIED[place.device], _SIDE[place.device]
    source = torch.ones(size // 2, dtype=torch.uint8, device=place.device)
    copy = torch.empty_like(source)
    left, right = (torch.rand(side, side, device=place.device).to(place.torch_dtype) for _ in range(2))
    small = torch.rand(_SMALL, device=place.device).to(place.torch_dtype)
    runs: dict[str, Callable[[], Any]] = {
        "copy": lambda: copy.copy_(source),
        "product": lambda: left @ right,
        "kernel": lambda: torch.relu_(small),
    }
    samplers = {name: _sampler(run, place) for name, run in runs.items()}
    samplers["launch"] = _launch(runs["kernel"], place)
    us = {name: timing.us for name, timing in interleaved(samplers, _ROUNDS).items()}
    return Ceilings(size / us["copy"], side**3 / us["product"], us["kernel"], us["launch"])


def _sampler(run: Callable[[], Any], place: Place) -> Sampler:
    if place.device != "cuda":
        return host_sampler(run)
    from archprof.runtime.timing.cuda import graph_sampler

    return graph_sampler(run, 20)


def _launch(run: Callable[[], Any], place: Place) -> Sampler:
    if place.device != "cuda":
        return host_sampler(run)
    from archprof.runtime.timing.cuda import eager_sampler

    return eager_sampler(run)
