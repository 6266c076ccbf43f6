"""How long commands take and how much memory, as ratios to what they are compared with: `pytest tests/benchmarks`.

A command's floor is the time that importing its libraries takes, with compiled bytecode.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

import archprof
from archprof.spec import catalog
from archprof.spec.head import read_head
from archprof.spec.variant import parse_reference
from tests.benchmarks.processes import archprof as command
from tests.benchmarks.processes import compare, libraries, python

NETWORK = "mobilenet_v3_large"
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
LIST = "sys.argv[1:] = ['list']; from archprof.__main__ import main; main()"
LOAD = """
import sys, yaml
with open(sys.argv[1]) as file:
    yaml.load(file, yaml.CSafeLoader)
"""
LOAD_ALL = """
import sys, yaml
for path in sys.argv[1:]:
    with open(path) as file:
        yaml.load(file, yaml.CSafeLoader)
"""


@pytest.mark.parametrize(
    ("arguments", "goal"),
    [
        (("summary", NETWORK), 1.3),
        (
            ("solve", NETWORK, "--max-macs", "100M", "--max-params", "4M", "--resolution", "128:288:32"),
            1.8,
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_command_against_its_libraries_imports(note, arguments, goal):
    ran, floor = compare(21, command(*arguments), libraries(*arguments))
    ratio = ran.seconds / floor.seconds
    shown = f"{ratio:.2f} × its libraries' imports ({1000 * floor.seconds:.0f} ms)"
    note(f"archprof {' '.join(arguments[:2])}", shown, f"≤ {goal} ×")
    assert ratio <= goal


def some_files(number):
    """Return so many files of the catalog, or a few more, with all that they extend."""
    chosen: dict[str, Path] = {}
    for name in catalog.files():
        if len(chosen) >= number:
            break
        while name and name not in chosen:
            chosen[name] = catalog.files()[name]
            above = read_head(str(chosen[name])).extends
            name = catalog.find(parse_reference(above).target).stem if above else ""
    return [*chosen.values()]


def test_listing_the_catalog_against_its_libraries_imports(note, tmp_path):
    """300 specs, and all that there are."""
    package = Path(archprof.__file__).parent
    shutil.copytree(package, tmp_path / "archprof", ignore=shutil.ignore_patterns("__pycache__"))
    for file in some_files(300):
        (tmp_path / "specs" / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / "specs" / file.parent.name)
    some = python(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {LIST}")
    every = python(f"import sys; sys.path.insert(0, {str(package.parent)!r}); {LIST}")
    few, whole, floor = compare(21, some, every, libraries("list"))
    ratios = {300: few.seconds / floor.seconds, len(catalog.files()): whole.seconds / floor.seconds}
    for number, ratio in ratios.items():
        note(f"archprof list of {number} specs", f"{ratio:.2f} × its libraries' imports", "≤ 1.3 ×")
    assert [number for number, ratio in ratios.items() if ratio > 1.3] == []


def test_a_page_against_summary(note):
    """All that a page shows, beside the counts alone."""
    page, summary = compare(21, command("report", NETWORK), command("summary", NETWORK))
    ratio = page.cpu_seconds / summary.cpu_seconds
    note(f"archprof report {NETWORK}", f"{ratio:.2f} × the CPU time of summary", "≤ 2 ×")
    assert ratio <= 2


def test_memory_against_summary(note):
    """A step of training of 515 calls, forward, backward and step, beside their counts."""
    memory, summary = compare(
        21, command("memory", "resnet152", "--train", "adamw", "--batch", "64"), command("summary", "resnet152")
    )
    ratio = memory.seconds / summary.seconds
    note("archprof memory resnet152 --train adamw --batch 64", f"{ratio:.2f} × its summary", "≤ 1.3 ×")
    assert ratio <= 1.3


@pytest.mark.parametrize("network", ["mobilenet_v2", "densenet121"], ids=["measured", "predicted"])
def test_latency_against_summary(note, network):
    """Calls of a network that was measured, and of one that was not, beside their counts."""
    latency, summary = compare(21, command("latency", network, "--device", "h100"), command("summary", network))
    ratio = latency.seconds / summary.seconds
    note(f"archprof latency {network} --device h100", f"{ratio:.2f} × its summary", "≤ 1.5 ×")
    assert ratio <= 1.5


def test_check_against_its_yaml(note):
    file = str(catalog.files()[NETWORK])
    checked, loaded = compare(21, command("check", file, "--max-macs", "1G"), python(LOAD, file))
    ratio = checked.seconds / loaded.seconds
    note(f"archprof check {NETWORK}", f"{ratio:.2f} × a Python that loads its YAML", "≤ 4.5 ×")
    assert ratio <= 4.5


def test_verifying_the_catalog_against_its_yaml(note):
    """All networks at all settings that they list, beside the parsing of their files alone."""
    files = [str(file) for file in catalog.files().values()]
    verified, loaded = compare(2, command("verify", "--analytic", "--jobs", "1"), python(LOAD_ALL, *files))
    _, imported = compare(2, command("--version"), python("import yaml"))
    ratio = verified.cpu_seconds / (loaded.cpu_seconds - imported.cpu_seconds)
    note("archprof verify --analytic", f"{ratio:.1f} × the CPU time of its files' YAML", "≤ 32 ×, to become 12 ×")
    assert ratio <= 32


def test_summary_against_fvcore(note):
    summary, fvcore = compare(5, command("summary", NETWORK), python(FVCORE_TABLE))
    faster, smaller = fvcore.seconds / summary.seconds, fvcore.peak_bytes / summary.peak_bytes
    note("against torch with fvcore's table", f"{faster:.1f} × faster", "≥ 10 ×")
    note("", f"{smaller:.1f} × smaller ({summary.peak_bytes / 1e6:.0f} MB)", "≥ 8 ×")
    assert faster >= 10
    assert smaller >= 8


def test_measure_against_one_forward(note, tmp_path):
    import torch

    saved = tmp_path / "network.pt"
    torch.save(archprof.build(NETWORK).eval(), saved)
    measured, forward = compare(7, command("summary", NETWORK, "--measure"), python(FORWARD, str(saved)))
    ratio = measured.seconds / forward.seconds
    note(f"archprof summary {NETWORK} --measure", f"{ratio:.2f} × one forward", "≤ 1.25 ×")
    assert ratio <= 1.25


def test_memory_of_many_specs(note, tmp_path):
    """100 budgets over 60 specs take the memory of the largest network, whatever their number."""
    specs = [*catalog.files()][:60]
    entries = [f"  - {{model: {name}, macs: 1T}}\n" for name in specs] + [
        f"  - {{model: {name}, params: 1G}}\n" for name in specs[:40]
    ]
    many, few = tmp_path / "many.yaml", tmp_path / "few.yaml"
    many.write_text(f"budgets:\n{''.join(entries)}")
    largest = max(specs, key=lambda name: len(archprof.expand(name).nodes))
    few.write_text(f"budgets:\n  - {{model: {largest}, macs: 1T}}\n")
    checked, one = compare(5, command("check", "--config", str(many)), command("check", "--config", str(few)))
    ratio = checked.peak_bytes / one.peak_bytes
    note("archprof check, 100 budgets over 60 specs", f"{ratio:.2f} × the memory of the largest alone", "≤ 1.3 ×")
    assert ratio <= 1.3


def test_summary_of_a_lock_against_its_spec(note, tmp_path):
    """A lock of the module that is built from a spec has as many operators as the spec."""
    network = "densenet121"
    code, lock = tmp_path / "net.py", str(tmp_path / "net.lock.json")
    code.write_text(f'import archprof\n\n\ndef make():\n    return archprof.build("{network}")\n')
    subprocess.run(command("lock", f"{code}:make", "--input", "3x224x224", "-o", lock), check=True, capture_output=True)
    locked, spec = compare(11, command("summary", lock), command("summary", str(catalog.files()[network])))
    ratio = locked.seconds / spec.seconds
    note(f"archprof summary of a lock of {network}", f"{ratio:.2f} × its spec", "≤ 1.5 ×")
    assert ratio <= 1.5


def test_help_loads_no_numpy(note):
    helped, other = compare(11, command("sweep", "--help"), command("summary", "--help"))
    note("sweep --help", f"{helped.seconds / other.seconds:.2f} × summary --help", "≤ 1.1 ×")
    assert helped.seconds / other.seconds <= 1.1
