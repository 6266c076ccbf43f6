"""How long archprof takes and how much memory, as ratios to what it is compared with, in one run: `pytest
tests/benchmarks`."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import archprof
from archprof.spec import catalog

ARCHPROF = str(Path(sys.executable).parent / "archprof")
LAUNCH = str(Path(__file__).parent / "launch.py")
NETWORK = "mobilenet_v3_large"

FLOOR = "import typer, rich.table, rich.console, yaml"
# What one does without archprof: torch, the network, fvcore's own table.
FVCORE_TABLE = f"""
import torch, archprof
from fvcore.nn import FlopCountAnalysis, flop_count_table
print(flop_count_table(FlopCountAnalysis(archprof.build("{NETWORK}").eval(), torch.zeros(1, 3, 224, 224))))
"""
# The network comes from a file, so that nothing is in this process but torch, fvcore and one forward.
FORWARD = """
import sys, torch, fvcore.nn
with torch.no_grad():
    torch.load(sys.argv[1], weights_only=False)(torch.zeros(1, 3, 224, 224))
"""


class Cost(NamedTuple):
    """The median wall time and peak memory of a process."""

    seconds: float
    peak_bytes: float


def compare(rounds: int, *commands: list[str]) -> list[Cost]:
    """Return what each command costs; they run in turn, so that a busy moment meets all of them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    launch = [sys.executable, "-I", "-S", LAUNCH, str(rounds), json.dumps(commands)]
    runs = json.loads(subprocess.run(launch, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    return [Cost(*map(median, zip(*runs_of_one, strict=True))) for runs_of_one in zip(*runs, strict=True)]


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_summary_starts_quickly(note):
    summary, floor = compare(21, [ARCHPROF, "summary", NETWORK], python(FLOOR))
    ratio = summary.seconds / floor.seconds
    note(
        f"archprof summary {NETWORK}",
        f"{summary.seconds:.3f} s, {ratio:.2f} × its libraries' imports ({floor.seconds:.3f} s)",
        "≤ 1.6 ×",
    )
    assert ratio <= 1.6


def test_summary_against_fvcore(note):
    summary, fvcore = compare(5, [ARCHPROF, "summary", NETWORK], python(FVCORE_TABLE))
    faster, smaller = fvcore.seconds / summary.seconds, fvcore.peak_bytes / summary.peak_bytes
    note("against torch with fvcore's table", f"{faster:.1f} × faster ({fvcore.seconds:.2f} s)", "≥ 10 ×")
    note("", f"{smaller:.1f} × smaller ({summary.peak_bytes / 1e6:.0f} MB, {fvcore.peak_bytes / 1e6:.0f} MB)", "≥ 8 ×")
    assert faster >= 10
    assert smaller >= 8


def test_measure_against_one_forward(note, tmp_path):
    import torch

    saved = tmp_path / "network.pt"
    torch.save(archprof.build(NETWORK).eval(), saved)
    measured, forward = compare(7, [ARCHPROF, "summary", NETWORK, "--measure"], python(FORWARD, str(saved)))
    ratio = measured.seconds / forward.seconds
    note(
        f"archprof summary {NETWORK} --measure",
        f"{measured.seconds:.2f} s, {ratio:.2f} × one forward ({forward.seconds:.2f} s)",
        "≤ 1.25 ×",
    )
    assert ratio <= 1.25


def test_analysis_of_a_parsed_spec(note):
    spec = archprof.load(NETWORK)
    times = []
    for _ in range(101):
        start = time.perf_counter()
        archprof.analyze(spec)
        times.append(1000 * (time.perf_counter() - start))
    note(f"expanding and costing {NETWORK}", f"{median(times):.2f} ms", "≤ 3 ms")
    assert median(times) <= 3


def test_list_reads_only(note):
    listed, imports = compare(21, [ARCHPROF, "list"], python("import archprof.cli.list"))
    above = listed.seconds - imports.seconds
    note("archprof list", f"{listed.seconds:.3f} s, {above:.3f} s above its imports", "≤ 0.1 s")
    assert above <= 0.1


def test_check_of_many_specs(note, tmp_path):
    """100 budgets over 60 specs; memory is that of the largest network, whatever their number."""
    specs = [str(path) for path in catalog.files().values()][:60]
    entries = [f"  - {{model: {path}, macs: 1T}}\n" for path in specs] + [
        f"  - {{model: {path}, params: 1G}}\n" for path in specs[:40]
    ]
    many, few = tmp_path / "many.yaml", tmp_path / "few.yaml"
    many.write_text(f"budgets:\n{''.join(entries)}")
    largest = max(specs, key=lambda path: len(archprof.expand(path).nodes))
    few.write_text(f"budgets:\n  - {{model: {largest}, macs: 1T}}\n")
    imports = (
        "import rich.table, rich.console, archprof.cli.check, archprof.render.check, archprof.language.blocks.conv"
    )
    checked, one, floor = compare(
        9, [ARCHPROF, "check", "--config", str(many)], [ARCHPROF, "check", "--config", str(few)], python(imports)
    )
    each = 1000 * (checked.seconds - floor.seconds) / len(specs)
    note("archprof check, 100 budgets over 60 specs", f"{each:.1f} ms a spec above the imports", "≤ 15 ms")
    note(
        "",
        (
            f"{checked.peak_bytes / one.peak_bytes:.2f} × the memory of the largest alone "
            f"({checked.peak_bytes / 1e6:.0f} MB)"
        ),
        "≤ 1.3 ×",
    )
    assert each <= 15
    assert checked.peak_bytes <= 1.3 * one.peak_bytes
