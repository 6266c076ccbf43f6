"""What every command prints, frozen while the house is moved: `python -m tests.frozen.freeze [--write] [--keep
FOLDER]`.

Each line of output is a hash of standard output, standard error and exit code of one command line; a folder keeps the
texts, to be compared with `diff -r`.
"""

import argparse
import hashlib
import io
import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from archprof.cli import run
from archprof.spec import catalog
from tests.docs.console import plain_terminal
from tests.docs.markdown import ROOT

FROZEN = Path(__file__).parent / "frozen.json"
COSTS = (
    "--conv std,pw,dw,dw-linear,group,mix,bottleneck,inverted,se,linear",
    "--conv dw --k 3,5,7 --in 32 --out 64 --size 57 --stride 2 --bias --bias-flops",
    "--conv mix --k 3+5+7+9 --in 120",
    "--conv std --k 5 --versus std:k=3,n=2",
    "--conv group --groups 8 --k 1x7 --dilation 2",
)
SWEEPS = (
    "mobilenet_v1 mobilenet_v2 mobilenet_v3_large --width 0.35:1.4:0.05 --resolution 96:320:32",
    "mobilenet_v3_large --width 0.25:2:0.01 --resolution 64:512:7 --sample 20000 --seed 3",
    "mobilenet_v3_large_paper --width 0.35:1.5:0.01 --resolution 128,192x256,225",
    "resnet50 --set layers[2].rows[1].n=1,2,3 --classes 10,100 --resolution 64:256:log:9",
    "mixnet_s --width 0.5:2:0.1 --set layers[1].rows[0].k=3,5 --resolution 96:256:32",
    "mobilenet_v2 --width 0.1:1.4:0.01 --pareto params,-macs",
    "mobilenet_v2 --width 0.1:1.4:0.01 --resolution 96:256:32 --max-macs 200M --min-params 1M --sort -macs --top 50",
    "efficientnet_b0 --set depth=1,1.2,1.4 --width 0.9:1.3:0.05 --resolution 224,240,260",
    "inception_v3 --resolution 60:320:7",
    "shufflenet_v2_x1_0 --set layers[0].c=8:48:1 --resolution 224",
)
SOLVES = (
    "mobilenet_v2 --max-macs 150M",
    "mobilenet_v3_large --max-macs 100M --max-params 4M --resolution 128:288:32",
    "mobilenet_v1 --target-macs 300M",
    "efficientnet_b0 --scale compound --max-macs 1G",
)


def command_lines() -> Iterator[str]:
    """Yield every command line whose answer must not change."""
    names = list(catalog.files())
    at: dict[str, list[str]] = {}
    for proof in _proofs():
        at.setdefault(proof["model"], []).append(",".join(f"{key}={value}" for key, value in proof["at"].items()))
    for name in names:
        for settings in at.get(name, [""]):
            reference = f"{name}@{settings}" if settings else name
            yield f"summary {reference} --format json"
        yield f"summary {name}"
        yield f"summary {name} --full --format csv"
        yield f"summary {name} --depth 1 --sort params --top 3 --format markdown"
        yield f"summary {name} --convention torchprofile,thop,torchinfo --format json"
        yield f"show {name}"
        yield f"show {name} --format json"
        yield f"explain {name}"
        yield f"explain {name} --format json"
        yield f"explain {name} --format csv"
        yield f"check {name} --max-macs 300M --max macs=4G,size_int8=2MiB --max-layers 60 --format json"
        yield f"verify {name} --analytic --format json"
    for first, second in itertools.pairwise(names):
        yield f"diff {first} {second} --format json"
        yield f"diff {first} {second} --full"
    for start in range(0, len(names), 5):
        for by in ("stage", "kind", "layer"):
            yield f"compare {' '.join(names[start : start + 5])} --by {by}"
        yield f"compare {' '.join(names[start : start + 5])} --format json --sort macs --convention fvcore"
    for name in names:
        yield f"sweep {name} --width 0.5:1.5:0.25 --resolution 160,224,225,299 --jobs 1 --format csv"
    yield from (f"cost {options} --format {form}" for options in COSTS for form in ("table", "json", "csv"))
    yield from (f"sweep {options} --jobs 1 --format {form}" for options in SWEEPS for form in ("csv", "json", "table"))
    yield from (f"solve {options} --format {form}" for options in SOLVES for form in ("table", "json"))
    yield from (
        "list",
        "list --format json",
        "list --format csv",
        "verify --analytic --jobs 1",
        "explain mobilenet_v2 --number 234.8M",
        "schema",
        "schema check",
    )
    yield "validate specs/mobilenet/mobilenet_v2.yaml"


def _proofs() -> list[dict[str, Any]]:
    text, _, _ = answer("verify --analytic --jobs 1 --format json")
    found: list[dict[str, Any]] = json.loads(text)["proofs"]
    return found


def answer(line: str) -> tuple[str, str, int]:
    """Return standard output, standard error and exit code of a command line."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with plain_terminal(ROOT), redirect_stdout(out), redirect_stderr(err), mock.patch("os.cpu_count", return_value=1):
        code = run(line.split())
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return texts[0], texts[1], code


def built(name: str) -> str:
    """Return the modules and the state of a built network, in its order."""
    from archprof import build

    with torch.device("meta"):
        network = build(name)
    state = [(key, tuple(value.shape)) for key, value in network.state_dict().items()]
    return f"{[(path, repr(module)) for path, module in network.named_modules() if not list(module.children())]}{state}"


def main() -> int:
    """Compare, or write anew."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    found = {}
    for line in dict.fromkeys(command_lines()):
        if options.only not in line:
            continue
        texts = answer(line)
        found[line] = hashlib.sha256(repr(texts).encode()).hexdigest()[:20]
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / line.replace("/", "_").replace(" ", "_")[:200]).write_text(
                f"{texts[0]}\n--- {texts[2]}\n{texts[1]}", encoding="utf-8"
            )
    for name in catalog.files() if not options.only else ():
        found[f"build {name}"] = hashlib.sha256(built(name).encode()).hexdigest()[:20]
    if options.write:
        FROZEN.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return 0
    known = json.loads(FROZEN.read_text(encoding="utf-8"))
    changed = [line for line, digest in found.items() if known.get(line) != digest]
    print(*changed[:40], sep="\n")
    print(f"{len(found)} answers, {len(changed)} changed")
    return bool(changed)


if __name__ == "__main__":
    sys.exit(main())
