"""What other tools say of the memory of networks: `python -m tests.benchmarks.memory_tools` prints it as JSON, of which
docs/explanation/memory-tools.md is made, beside what an H100 was measured to hold.

Every tool is given the same module of the catalog, in evaluation, or the ONNX file that torch makes of it, with 32
images: a minute or two. With `--write`, memory_tools.json is written; with `--check`, it has to say the same.
"""

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx_tool
import torch
import torchinfo
from accelerate.commands.estimate import estimate_training_usage
from accelerate.utils import calculate_maximum_sizes

import archprof
from tests.captures.onnx.exported import write
from tests.docs.memory_tools import BATCH, NETWORKS, OUTCOME

TOOLS = ("torchinfo", "onnx-tool", "accelerate", "torch", "onnx")


def of_torchinfo(module: torch.nn.Module, images: torch.Tensor) -> dict[str, int]:
    """Return the three sizes that it prints below its table, and adds up, in bytes."""
    found = torchinfo.summary(module, input_data=images, verbose=0)
    return {
        "input": found.total_input,
        "forward/backward": found.total_output_bytes,
        "params": found.total_param_bytes,
    }


def of_onnx_tool(module: torch.nn.Module, images: torch.Tensor) -> dict[str, int]:
    """Return the sum of its column `Memory`, and what it calls compressed memory."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        write(module, [images], path, dynamo=False)
        graph = onnx_tool.Model(str(path), {"verbose": False}).graph
    graph.shape_infer()
    graph.profile()
    _, compressed = graph.get_compute_graph().compress_memory()
    return {"memory": int(graph.memory), "compressed": compressed}


def of_accelerate(module: torch.nn.Module) -> dict[str, int]:
    """Return what `accelerate estimate-memory` has in its columns, of a module that is on no hub."""
    total, _ = calculate_maximum_sizes(module)
    return {"total": total, "adam": max(estimate_training_usage(total, "float32").values())}


def of_all(name: str) -> dict[str, dict[str, int]]:
    """Return what every tool says of a network."""
    module = archprof.build(name).eval()
    images = torch.zeros(BATCH, *archprof.expand(name).inputs["input"].shape)
    return {
        "torchinfo": of_torchinfo(module, images),
        "onnx-tool": of_onnx_tool(module, images),
        "accelerate": of_accelerate(module),
    }


def main() -> None:
    """Print what they say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {OUTCOME.name} anew")
    parser.add_argument("--check", action="store_true", help=f"fail where {OUTCOME.name} says otherwise")
    given = parser.parse_args()
    found: dict[str, Any] = {
        "versions": {tool: version(tool).partition("+")[0] for tool in TOOLS},
        "networks": {name: of_all(name) for name in NETWORKS},
    }
    text = json.dumps(found, indent=2) + "\n"
    print(text, end="")
    if given.write:
        OUTCOME.write_text(text, encoding="utf-8")
    if given.check and text != OUTCOME.read_text(encoding="utf-8"):
        sys.exit(f"{OUTCOME} says otherwise: `--write` writes it anew")


if __name__ == "__main__":
    main()
