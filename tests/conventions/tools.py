"""`python -m tests.conventions.tools TOOL MODEL…`: what a tool prints for the modules that archprof builds, as a JSON
object.

A tool has a process of its own, since some leave patches or hooks behind.
"""

import collections
import collections.abc
import contextlib
import io
import json
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archprof import expand
from archprof.runtime.build import build_network
from tests.conventions.references import OLD_THOPS


def fvcore(model: nn.Module, x: Tensor) -> Any:
    from fvcore.nn import FlopCountAnalysis

    return FlopCountAnalysis(model, x).unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()


def ptflops(model: nn.Module, x: Tensor, backend: str = "pytorch") -> Any:
    from ptflops import get_model_complexity_info

    return get_model_complexity_info(
        model, tuple(x.shape[1:]), as_strings=False, print_per_layer_stat=False, backend=backend
    )[0]


def ptflops_aten(model: nn.Module, x: Tensor) -> Any:
    return ptflops(model, x, "aten")


def thop(model: nn.Module, x: Tensor) -> Any:
    from thop import profile

    return profile(model, (x,), verbose=False)[0]


def thop_until_2020(model: nn.Module, x: Tensor) -> Any:
    # It asks `collections` for what moved to `collections.abc`, and adds up in torch's default type, with 24 bits.
    collections.Iterable = collections.abc.Iterable  # type: ignore[attr-defined]
    torch.set_default_dtype(torch.float64)
    try:
        return thop(model, x)
    finally:
        torch.set_default_dtype(torch.float32)


def torchinfo(model: nn.Module, x: Tensor) -> Any:
    from torchinfo import summary

    return summary(model, input_data=x, verbose=0).total_mult_adds


def torchsummaryx(model: nn.Module, x: Tensor) -> Any:
    from torchsummaryX import summary

    return summary(model, x)["Mult-Adds"].sum()


def torchprofile(model: nn.Module, x: Tensor) -> Any:
    from torchprofile import profile_macs

    return profile_macs(model, x)


def flop_counter_mode(model: nn.Module, x: Tensor) -> Any:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as flops:
        model(x)
    return flops.get_total_flops()


TOOLS: Mapping[str, Callable[[nn.Module, Tensor], Any]] = {
    "fvcore": fvcore,
    "ptflops": ptflops,
    "ptflops-aten": ptflops_aten,
    "thop": thop,
    "ultralytics-thop": thop,
    **dict.fromkeys(OLD_THOPS, thop_until_2020),
    "torchinfo": torchinfo,
    "torchsummaryx": torchsummaryx,
    "torchprofile": torchprofile,
    "torch": flop_counter_mode,
}


def prints(tool: str, reference: str) -> int:
    """Return the number that a tool gives for a network, built and in evaluation mode, on one input."""
    graph = expand(reference)
    # Weights keep whatever their memory held: no tool looks at them.
    # On a CPU torch's own counter does not see the kernels that stand there for attention and recurrent layers.
    device = "meta" if tool == "torch" else "cpu"
    model = build_network(graph, initialise=False, device=device).eval()
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        number = TOOLS[tool](model, torch.zeros(1, *graph.inputs["input"].shape, device=device))
    assert number == int(number), number
    return int(number)


if __name__ == "__main__":
    tool, *references = sys.argv[1:]
    sys.stdout.write(json.dumps({reference: prints(tool, reference) for reference in references}) + "\n")
