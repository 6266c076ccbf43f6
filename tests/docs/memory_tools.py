"""The page that holds what tools say of memory against what a GPU was measured to hold: of other tools the outcome of
`python -m tests.benchmarks.memory_tools --write`, of archprof what it says now."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from archprof.allocation.report import MemoryReport, analyze_memory
from archprof.allocation.timeline import FORWARD
from archprof.ir.footprint import Span
from archprof.ir.setup import Setup
from archprof.language.expand import read_network
from archprof.units import binary
from tests.docs.markdown import ROOT

OUTCOME = ROOT / "tests" / "benchmarks" / "memory_tools.json"
MEASURED = ROOT / "tests" / "memory" / "h100.csv"
NETWORKS = (
    *("alexnet", "vgg16_bn", "resnet50", "regnet_x_1_6gf", "inception_v3", "shufflenet_v2_x1_0", "mobilenet_v2"),
    *("mobilenet_v3_large", "efficientnet_b0", "convnext_tiny"),
)
BATCH = 32
FLOAT = 4
TARGET = 8  # bytes of a class's number
_PASS, _TOTAL = "torchinfo, forward/backward", "torchinfo, total"
_COLUMNS = (
    *("params", "buffer_bytes", "infer_fp32_b32_peak"),
    *(f"adamw_b32_{what}" for what in ("after_forward", "forward_peak", "backward_peak", "step_peak")),
)

PAGE = """<!-- Read off the code and files of the tests. `python -m tests.docs.rewrite` writes this page anew. -->

# What tools say of memory

Ten networks of the catalog with 32 images in fp32: what an NVIDIA H100 was measured to hold, and what archprof and
three other tools say of it, without a GPU. torchinfo {torchinfo} and accelerate {accelerate} were given the module that
`archprof.build` returns, onnx-tool {onnx_tool} the ONNX file that torch {torch} exports of it (`dynamo=False`).
`python -m tests.benchmarks.memory_tools` asks them, as `.ci/nightly` does; what archprof says is computed as this page
is made.

In parentheses stands a figure divided by what was measured; `=` is the same to the byte. What was measured are the
bytes that torch's allocator was asked for, at the most, without the memory that it reserves beside them and the context
of the device. [How memory is counted](memory.md) has archprof's rules, and [will it fit?](../how-to/will-it-fit.md)
shows what to do with them.

## What comes and goes in inference

The peak beside weights and images.

{inference}

- **archprof** adds up the tensors that are there at once, each from the call that makes it to its last reader. What
  convolutions take beside them, their workspace, is for cuDNN to choose, and may be as much as the tensors, as in
  VGG-16. Where there may be any, the peak lies within the bounds of the next column; where that is empty, tensors are
  all there is.
- **torchinfo**'s *forward/backward pass size* is {inference_torchinfo} the measured peak. It adds up the outputs of all
  modules that have parameters, as if none were ever let go, and doubles the sum, "for gradients", of which inference
  has none. Outputs of modules without parameters, and of functions, are left out.
- **onnx-tool**'s *compressed memory* (`compress_memory`) is {inference_onnx} the measured peak. It does let go of
  tensors behind their last reader, but puts each at the first place that is large enough, and counts the gaps between
  them. Images are among them. And the file is not what torch runs: batch norms are part of convolutions there,
  activations have outputs of their own, and a SiLU is a sigmoid and a product, with three maps at once, as in
  EfficientNet. Workspace is left out.

## All that is there in inference

With weights, buffers and images.

{inference_total}

- **torchinfo**'s *estimated total size* is the figure above with the sizes of parameters and images. Buffers are left
  out. Where weights are most of it, as in AlexNet, it comes near.
- **onnx-tool**'s *memory*, the column of `model_profile`, is every weight once and what every node puts out, added up
  over the whole file. It is a sum and no peak, as if nothing were let go.
- **accelerate**'s *total size* (`accelerate estimate-memory`, here by the functions that it calls, since it reads
  models from a hub alone) is that of parameters and buffers, and says whether a model can be loaded. There are neither
  images nor activations in it, so that it does not depend on the batch.

Buffers were measured with the counters of batch norms, of 8 bytes each, which archprof does not count.

## What the forward pass leaves to the backward pass

What is there between them, in training, beside weights, images and what the optimiser keeps.

{training}

- **torchinfo** says the same as of inference: {training_torchinfo} what was measured. A step of training does keep
  nearly all activations, but once: gradients come in the backward pass, one after the other, when activations go. And
  what is kept is not what modules with parameters put out: a call keeps what its derivative needs. What a norm puts out
  is written over by the ReLU behind it, and counted all the same. ReLU6, SiLU and hard swish keep their inputs besides,
  and pools the places of their maxima; neither is counted.
- **onnx-tool** and **accelerate** say nothing of it.

## All that is there in a step of training

With AdamW: weights, buffers, its averages, images and their classes, and the peak above them, be it in the forward or
the backward pass or in the optimiser's step.

{training_total}

- **torchinfo**'s *estimated total size* is that of inference. Gradients of weights and what an optimiser keeps are left
  out, which hides some of what it has too much.
- **accelerate**'s *training using Adam* is four times the total size: weights, gradients, and Adam's two averages.
  There are no activations in it: it is {training_accelerate} what was measured. In AlexNet, whose weights outweigh all
  else, it lacks what AdamW's step takes for a moment, which is as much as the weights once more.
"""


class Network(NamedTuple):
    """What was measured of a network, by the columns of the file, and what other tools say of it, in bytes."""

    name: str
    measured: Mapping[str, int]
    tools: Mapping[str, Mapping[str, int]]

    @property
    def weights(self) -> int:
        """Parameters."""
        return FLOAT * self.measured["params"]

    @property
    def loaded(self) -> int:
        """Parameters and buffers."""
        return self.weights + self.measured["buffer_bytes"]

    @property
    def images(self) -> int:
        """The batch."""
        return FLOAT * BATCH * int(read_network(self.name).inputs["input"].elements)

    @property
    def inference_peak(self) -> int:
        """What came and went in inference."""
        return self.measured["infer_fp32_b32_peak"]

    @property
    def saved(self) -> int:
        """What the forward pass left in training."""
        return self.measured["adamw_b32_after_forward"]

    @property
    def inference(self) -> int:
        """All that was there in inference."""
        return self.loaded + self.images + self.inference_peak

    @property
    def training(self) -> int:
        """All that was there in a step of training, before which AdamW had its two averages."""
        peaks = (self.measured[f"adamw_b32_{part}_peak"] for part in ("forward", "backward", "step"))
        return self.loaded + 2 * self.weights + self.images + BATCH * TARGET + max(peaks)

    @property
    def torchinfo_total(self) -> int:
        """What torchinfo calls the estimated total size, the sum of its three sizes."""
        return sum(self.tools["torchinfo"].values())

    def ours(self, train: str = "") -> MemoryReport:
        """Return what archprof says."""
        return analyze_memory(read_network(self.name), Setup(batch=BATCH, train=train))


def outcome() -> Mapping[str, Any]:
    """Return what other tools say, and their versions."""
    found: Mapping[str, Any] = json.loads(OUTCOME.read_text(encoding="utf-8"))
    return found


def networks() -> list[Network]:
    """Return the networks, with what was measured."""
    with MEASURED.open(encoding="utf-8") as lines:
        rows = {row.pop("model"): row for row in csv.DictReader(lines)}
    measured = {name: {column: int(row[column]) for column in _COLUMNS} for name, row in rows.items()}
    return [Network(name, measured[name], tools) for name, tools in outcome()["networks"].items()]


def page() -> str:
    """Return the page as it should be."""
    found = networks()
    return PAGE.format(
        **{tool.replace("-", "_"): number for tool, number in outcome()["versions"].items()},
        inference=_table((_PASS, "onnx-tool, compressed"), map(_inference_peak, found)),
        inference_total=_table((_TOTAL, "onnx-tool, memory", "accelerate, total"), map(_inference, found)),
        training=_lines(("network", "H100", "archprof", _PASS), map(_saved, found)),
        training_total=_table((_TOTAL, "accelerate, Adam"), map(_training, found)),
        inference_torchinfo=_range((one.tools["torchinfo"]["forward/backward"], one.inference_peak) for one in found),
        inference_onnx=_range((one.tools["onnx-tool"]["compressed"], one.inference_peak) for one in found),
        training_torchinfo=_range((one.tools["torchinfo"]["forward/backward"], one.saved) for one in found),
        training_accelerate=_range((one.tools["accelerate"]["adam"], one.training) for one in found),
    )


def _inference_peak(one: Network) -> Iterator[str]:
    timeline = one.ours().timeline
    others = one.tools["torchinfo"]["forward/backward"], one.tools["onnx-tool"]["compressed"]
    yield from _cells(one.name, one.inference_peak, timeline.peak(), timeline.span(), others)


def _inference(one: Network) -> Iterator[str]:
    others = one.torchinfo_total, one.tools["onnx-tool"]["memory"], one.tools["accelerate"]["total"]
    yield from _in_all(one.name, one.inference, one.ours(), others)


def _training(one: Network) -> Iterator[str]:
    yield from _in_all(
        one.name, one.training, one.ours("adamw"), (one.torchinfo_total, one.tools["accelerate"]["adam"])
    )


def _in_all(name: str, measured: int, ours: MemoryReport, others: Iterable[int]) -> Iterator[str]:
    there, (low, high) = ours.resident.total, ours.timeline.span()
    yield from _cells(name, measured, there + ours.peak, Span(there + low, there + high), others)


def _cells(name: str, measured: int, tensors: int, span: Span, others: Iterable[int]) -> Iterator[str]:
    yield from (f"`{name}`", binary(measured), _against(measured, tensors))
    yield "" if span == (tensors, tensors) else _between(measured, span)
    yield from (_against(measured, other) for other in others)


def _saved(one: Network) -> Iterator[str]:
    ours = one.ours("adamw").timeline.after(FORWARD)
    yield from (f"`{one.name}`", binary(one.saved))
    yield from (_against(one.saved, size) for size in (ours, one.tools["torchinfo"]["forward/backward"]))


def _against(measured: int, size: int) -> str:
    """Return a size, with its ratio to what was measured."""
    return f"{binary(size)} ({'=' if size == measured else f'{_ratio(size, measured)} ×'})"


def _between(measured: int, span: Span) -> str:
    sizes, ratios = (
        dict.fromkeys(written) for written in (map(binary, span), (_ratio(size, measured) for size in span))
    )
    return f"{' to '.join(sizes)} ({' to '.join(ratios)} ×)"


def _ratio(size: int, measured: int) -> str:
    """Return size/measured with two decimals, or one where it is large."""
    ratio = size / measured
    return f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"


def _range(pairs: Iterable[tuple[int, int]]) -> str:
    """Return between how many times what was measured sizes lie."""
    low, *_, high = sorted(pairs, key=lambda pair: pair[0] / pair[1])
    return f"{_ratio(*low)} to {_ratio(*high)} times"


def _table(tools: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return _lines(("network", "H100", "archprof, tensors", "with workspace", *tools), rows)


def _lines(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head, *body = (" | ".join(cells) for cells in (titles, *rows))
    rule = " | ".join(["---"] * (head.count("|") + 1))
    return "\n".join(f"| {line} |" for line in (head, rule, *body))
