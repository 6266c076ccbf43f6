"""The pytest plugin: each budget a test, a fixture, and nothing loaded where neither is used."""

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from tests.check.repository import MACS, SPEC
from tests.docs.markdown import ROOT

# An installation knows the plugin by its entry point; one from before there was one is told its name.
KNOWN = any(point.name == "archprof" for point in entry_points(group="pytest11"))


@pytest.fixture
def run(folder):
    """A function that runs pytest in the test's folder, in a process of its own."""
    (folder / "tiny.yaml").write_text(SPEC)
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugin = [] if KNOWN else ["-p", "archprof.pytest_plugin"]

    def call(*arguments):
        command = [
            sys.executable,
            "-m",
            "pytest",
            *plugin,
            "-p",
            "no:cacheprovider",
            "-rA",
            "--tb=short",
            "--color=no",
            *arguments,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return call


def config(folder, *budgets):
    (folder / "archprof.yaml").write_text("budgets:\n" + "".join(f"  - {budget}\n" for budget in budgets))


def test_each_budget_is_a_test(run, folder):
    config(folder, "{model: tiny.yaml, macs: 22k, params: 1k}", "{model: none.yaml, macs: 1}")
    ended = run("archprof.yaml")
    assert ended.returncode == 1
    assert "PASSED archprof.yaml::tiny.yaml: params ≤ 1k" in ended.stdout
    assert "FAILED archprof.yaml::tiny.yaml: MACs ≤ 22k" in ended.stdout
    assert (
        f"counted {MACS:,}; the limit is 22,000" in ended.stdout
        or "counted 22.02k; the limit is 22.00k, 16 too many" in ended.stdout
    )
    assert "no such file: `none.yaml`" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_the_configuration_adds_them_to_every_run(run, folder):
    (folder / "budgets.yaml").write_text("budgets: [{model: tiny.yaml, macs: 1M}]\n")
    (folder / "pytest.ini").write_text("[pytest]\narchprof_config = budgets.yaml\n")
    (folder / "test_own.py").write_text("def test_own():\n    pass\n")
    assert "2 passed" in run().stdout
    assert "1 passed" in run("test_own.py").stdout


def test_the_fixture(run, folder):
    (folder / "test_own.py").write_text(
        "def test_kept(archprof):\n    archprof.check('tiny.yaml', macs='22,016')\n"
        f"    assert archprof.report('tiny.yaml').totals.macs == {MACS}\n"
        "def test_exceeded(archprof):\n    archprof.check('tiny.yaml', macs='22,015')\n"
        "def test_wrong(archprof):\n    archprof.check('none.yaml', macs='1')\n"
        "def test_no_metric(archprof):\n    archprof.check('tiny.yaml', mcas='1')\n"
    )
    ended = run()
    assert "3 failed, 1 passed" in ended.stdout
    assert "tiny.yaml: MACs ≤ 22,015, counted 22,016; the limit is 22,015, 1 too many" in ended.stdout
    assert "SpecError: no such file: `none.yaml`" in ended.stdout
    assert "TypeError: no metric 'mcas'" in ended.stdout


MODULES = """
import pytest, torch
from archprof import UsageError, capture, lock
from pathlib import Path
from torch import nn

CONV = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1))
GRAPH = capture(CONV, (3, 8, 8))

class Spectrum(nn.Module):
    def forward(self, x):
        return torch.fft.fft(x).real

def test_kept(archprof):
    archprof.check(CONV, (3, 8, 8), macs="4,176", params=122)
    archprof.check(CONV, torch.rand(1, 3, 8, 8), macs="4.2k")
    archprof.check(Spectrum(), (8,), macs="0", allow_uncounted=True)
    archprof.check(Spectrum(), (8,), macs="0", allow_uncounted=["aten.fft"])
    archprof.check(Spectrum(), (8,), params="0")

def test_a_graph(archprof):
    archprof.check(GRAPH, macs="4,176", params=122)

def test_an_exceeding_graph(archprof):
    archprof.check(GRAPH, macs="4,175")

@pytest.mark.parametrize("model", ["net.lock.json", Path("net.lock.json"), "*.lock.json"])
def test_a_lock(archprof, model):
    lock(GRAPH, "net.lock.json")
    archprof.check(model, macs="4,176")
    with pytest.raises(pytest.fail.Exception, match="net.lock.json: MACs ≤ 4,175, counted 4.176k"):
        archprof.check(model, macs="4,175")

def test_exceeded(archprof):
    archprof.check(CONV, (3, 8, 8), macs="4,175", params="100")

def test_not_counted(archprof):
    archprof.check(Spectrum(), (8,), macs="1k")

@pytest.mark.parametrize(("given", "limits", "text"), [
    ((CONV, (3, 8, 8)), {"activations": "1k"}, "`activations` of a module is not measured"),
    ((CONV, (3, 8, 8)), {"macs": "+1%"}, "`+1%` counts from a baseline, and a module has none"),
    ((CONV,), {"macs": "1"}, "a module needs the shape of its input"),
    (("tiny.yaml", (3, 8, 8)), {"macs": "1"}, "`tiny.yaml` has an input of its own"),
    ((GRAPH, (3, 8, 8)), {"macs": "1"}, "`Sequential` has an input of its own"),
    ((None,), {"macs": "1"}, "takes a network or a torch module, not None"),
])
def test_wrong(archprof, given, limits, text):
    with pytest.raises(UsageError) as error:
        archprof.check(*given, **limits)
    assert text in str(error.value)
"""


def test_the_fixture_takes_modules(run, folder):
    (folder / "test_own.py").write_text(MODULES)
    ended = run("--tb=line")
    assert "3 failed, 11 passed" in ended.stdout
    # 3·4·3·3·6·6 and 4·2·6·6 MACs; 3·4·3·3 + 4 and 4·2 + 2 parameters.
    exceeded = "counted 4.176k; the limit is 4.175k, 1 too many: by fvcore; most in `0` (3,888), `1` (288)"
    assert f"Sequential: MACs ≤ 4,175, {exceeded}" in ended.stdout
    graph = "counted 4.176k; the limit is 4.175k, 1 too many. Has most: 0 +3,888 (Sequential); 1 +288 (Sequential)"
    assert f"Sequential: MACs ≤ 4,175, {graph}" in ended.stdout
    assert "Sequential: params ≤ 100, counted 122; the limit is 100, 22 too many" in ended.stdout
    named = "Spectrum: MACs are at least 0; not counted: fft ×1; `allow_uncounted=True` lets that pass"
    assert named in ended.stdout


def test_a_config_that_is_none_fails_beside_tests_that_run(run, folder):
    (folder / "archprof.yaml").write_text("[")
    (folder / "test_own.py").write_text("def test_own():\n    pass\n")
    ended = run()
    assert ended.returncode == 1
    assert "FAILED archprof.yaml::" in ended.stdout
    assert "archprof.yaml:2:1: " in ended.stdout
    assert "PASSED test_own.py::test_own" in ended.stdout


def test_a_new_network_is_told_apart(run, folder):
    (folder / "b.json").write_text('{"schema": 2, "models": {}}')
    (folder / "archprof.yaml").write_text("baseline: b.json\nbudgets: [{model: tiny.yaml, macs: +0}]\n")
    assert "1 skipped" in run("archprof.yaml").stdout


def test_nothing_is_loaded_where_it_is_not_used(run, folder):
    (folder / "test_own.py").write_text(
        "import sys\n\ndef test_own():\n"
        "    loaded = {name for name in sys.modules if name.startswith('archprof')}\n"
        "    assert loaded <= {'archprof', 'archprof.errors', 'archprof.named_tuple', 'archprof.pytest_plugin'}\n"
        "    assert 'yaml' not in sys.modules\n"
    )
    assert "1 passed" in run().stdout


def test_what_names_hold_is_obeyed_by_no_terminal_and_no_runner(run, folder):
    name = "::error title=x::\x1b]0;y\x07\u202e##[error].yaml"
    (folder / name).write_text(SPEC)
    config(folder, "{model: '*.yaml', macs: 1k}")
    (folder / "test_net.py").write_text(
        f"def test_net(archprof):\n    archprof.check({name!r}, macs='1k')\n    assert 0\n"
    )
    ended = run("-v", "archprof.yaml", "test_net.py")
    assert "MACs ≤ 1k, counted 22.02k" in ended.stdout
    # `-rA` quotes the test's own source too, where the name stands as Python writes it.
    lines = [line for line in ended.stdout.splitlines() if "archprof.check(" not in line]
    assert [line for line in lines if line.lstrip().startswith("::") or "##[" in line or not line.isprintable()] == []
