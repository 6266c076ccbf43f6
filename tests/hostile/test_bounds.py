"""Whatever a spec within the limits asks for takes time and memory in proportion to its operators; what is beyond a
limit is refused at its line before it is built."""

import gc
import json
import subprocess
import sys
import time

import pytest

from archprof.costs.report import analyze_graph
from archprof.language.expand import read_network
from tests.cli.console import archprof

HEAD = "archprof: 1\ninput: 3x8x8\nlayers:\n  - {id: stem, conv: {k: 1, c: 8}}\n"
CONV = "conv: {k: 1, c: 8, norm: -, act: -}"
SUM = "{from: [stem, stem], add: }"


def nested(*repeats, inner=CONV):
    """Return a spec of repeats inside repeats."""
    body = inner
    for n in reversed(repeats):
        body = f"repeat: {{n: {n}, layers: [{body}]}}"
    return f"{HEAD}  - {body}\n"


def branched(*repeats, paths):
    return nested(*repeats, inner=f"branches: {{join: add, paths: [{', '.join(['[]'] * paths)}]}}")


def entries(key, entry, count):
    return HEAD + f"{key}:\n" + "".join(f"  - {{at: resolution={n + 1}, {entry}}}\n" for n in range(count))


def too_many(key, count):
    return f"net.yaml:106:5: `{key}` has {count} entries, more than 100, the limit\n"


OPERATORS = "more than 100,000 operators, the limit of a network\n"
MAPS = "operators that read more than 1,000,000 maps, the limit of a network\n"
DEEPEST = "layers[1]" + ".layers[0]" * 8
BEYOND = {
    "operators": (nested(1000, 101), f"net.yaml:5:32: {OPERATORS}  in layers[1].layers[0]\n"),
    "operators of nine levels": (nested(*[1000] * 9), f"net.yaml:5:221: {OPERATORS}  in {DEEPEST}\n"),
    "maps": (branched(1000, paths=2000), f"net.yaml:5:32: {MAPS}  in layers[1].layers[0]\n"),
    "expect": (entries("expect", "macs: 1", 101), too_many("expect", "101")),
    "published": (entries("published", "macs: 1M", 5000), too_many("published", "5,000")),
    "budget": (entries("budget", "macs: 1M", 101), too_many("budget", "101")),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_beyond_a_limit_is_refused_at_once(capsys, tmp_path, monkeypatch, name):
    spec, said = BEYOND[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(spec)
    start = time.process_time()
    code, out, err = archprof(capsys, "summary", "net.yaml")
    assert time.process_time() - start < 5
    assert (code, out, err) == (2, "", said)


def test_axes_of_a_sweep(capsys):
    axes = [word for n in range(65) for word in ("--set", f"layers[{n}].k=1,3")]
    start = time.process_time()
    assert archprof(capsys, "sweep", "mobilenet_v2", *axes) == (
        2,
        "",
        "a sweep over 65 axes, more than 64, the limit\n  help: sweep in steps, the best of some axes first\n",
    )
    assert time.process_time() - start < 5


def test_blocks_that_are_held_against_each_other(capsys, tmp_path, monkeypatch):
    """Networks of any length are aligned where they begin and end alike, and where paths are the same; what differs
    between has a limit."""
    monkeypatch.chdir(tmp_path)
    spec = nested(1000, 2)
    (tmp_path / "net.yaml").write_text(spec)
    (tmp_path / "other.yaml").write_text(spec.replace("c: 8", "c: 4"))
    assert archprof(capsys, "diff", "net.yaml", "net.yaml").code == 0
    found = archprof(capsys, "diff", "net.yaml", "other.yaml", "--format", "json")
    narrower = json.loads(found.out)["blocks"]
    assert found.code == 0
    assert len(narrower) > 1999
    assert {(one["status"], one["before"] == one["after"]) for one in narrower} == {("changed", True)}
    moved = spec.replace("c: 8", "c: 4").replace("layers:\n", "layers:\n  - conv: {k: 1, c: 16}\n")
    (tmp_path / "others.yaml").write_text(moved)
    code, _, err = archprof(capsys, "diff", "net.yaml", "others.yaml")
    assert (code, err) == (
        2,
        "networks of 2,000 and 2,000 blocks are too long to align\n  help: 1,414 blocks on each side can be\n",
    )


# Within the limits: what costs more than its operators would show here.
SHAPES = {
    "nested": lambda n: nested(n, 10, 10),
    "deep": lambda n: nested(n, 5, 2, 2, 1, 1, 1, 1, 5),
    "referring to the outside": lambda n: nested(n, 10, 10, inner=f"residual: {{body: [{SUM}]}}"),
    "rows": lambda n: HEAD + "  - conv: {columns: [k, c, n], rows: [" + "[1, 8, 10]," * (n * 10) + "]}\n",
    "joined": lambda n: branched(n, 1, paths=100),
}


def _seconds(spec):
    """Return the least processor time of two tries at costing a spec, without that of walking what other tests have
    left alive."""
    gc.collect()
    gc.freeze()
    times = []
    for _ in range(2):
        start = time.process_time()
        analyze_graph(read_network("net.yaml", text=spec))
        times.append(time.process_time() - start)
    gc.unfreeze()
    return min(times)


@pytest.mark.night
@pytest.mark.parametrize("name", SHAPES)
def test_time_is_in_proportion_to_operators(name):
    """Ten times the operators within thirty times the time: a square would take a hundred."""
    small, large = SHAPES[name](10), SHAPES[name](100)
    assert _seconds(large) < 30 * max(_seconds(small), 0.002)


# The most memory of a program, which the system counts anew where a process becomes another program (unlike that of
# `getrusage`, which keeps what its parent had).
MEASURED = """
import re, sys, time
from archprof.cli import run

code = run(sys.argv[1:])
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
sys.exit(f"{code} {time.process_time()} {peak}")
"""


@pytest.mark.few(1)
@pytest.mark.parametrize("command", ["validate net.yaml", "summary net.yaml --depth 1", "check net.yaml --max-macs 1G"])
def test_a_hundred_thousand_operators_in_400_mb(tmp_path, command):
    (tmp_path / "net.yaml").write_text(nested(10, 10, 10, 10, 9))
    called = [sys.executable, "-c", MEASURED, *command.split()]
    with (tmp_path / "out").open("wb") as out:
        ended = subprocess.run(called, cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    code, seconds, peak = ended.stderr.split()
    assert code == "0"
    assert float(seconds) < 30
    assert int(peak) < 400 << 10  # KiB
