"""archprof calibrate: a profile of this machine, and what becomes of it."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from functools import lru_cache
from importlib.util import find_spec

import jsonschema
import pytest

from archprof.analysis.candidates import candidates, chosen, kernels_in
from archprof.devices.fusion import RULES
from archprof.devices.profile import DeviceSetup
from archprof.devices.profile_file import read_profile
from archprof.language.expand import read_network
from archprof.spec import catalog
from tests.cli.console import archprof

NEEDED = ("torch", "scipy", "sklearn", "onnxruntime")
pytestmark = pytest.mark.skipif(not all(map(find_spec, NEEDED)), reason="torch is measured, and fitted to")

NETWORKS = "lenet5,squeezenet1_1"
QUICK = ("--operators", "12", "--networks", NETWORKS, "--rounds", "4")
# Whose operators are read where a few of them are measured.
READ = ("alexnet", "lenet5", "mobilenet_v2", "resnet18", "squeezenet1_1")


@lru_cache
def graph_of(name):
    return read_network(name)


def quickly(patch):
    """Let tests not hang on what else the machine does, nor read what is not measured."""
    patch.setattr("archprof.runtime.timing.rounds.NOISE", 1e9)
    patch.setattr("archprof.spec.catalog.tables", lambda: list(READ))


@pytest.fixture(autouse=True)
def every_time_counts(monkeypatch):
    quickly(monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A profile that was made in seconds, and what was said meanwhile."""
    from archprof.cli import run

    path = tmp_path_factory.mktemp("calibrated") / "cpu.json"
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        quickly(patch)
        assert run(["calibrate", *QUICK, "-o", str(path)]) == 0
    return path, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def profile(made):
    return made[0]


def test_a_dozen_operators_make_a_profile(profile):
    found = read_profile(str(profile))
    assert found.name == "cpu"
    assert found.setup == DeviceSetup("fp32", "channels_first", "torch", "eager", 1)
    assert (found.batches, set(found.fits)) == ((1,), {1})
    assert [one.model for one in found.networks] == ["lenet5", "squeezenet1_1"]
    assert len(found.points) == 12
    assert all(us > 0 for times in found.points.values() for us in times.values())
    assert {"hardware", "torch", "date"} <= set(found.provenance)


def test_a_profile_predicts(capsys, profile):
    result = archprof(capsys, "latency", "squeezenet1_0", "--device", str(profile), "--format", "json")
    assert json.loads(result.out)["estimates"]["latency"]["value"] > 0


def test_onnxruntime_has_its_rules_in_the_profile(capsys, tmp_path):
    path = tmp_path / "ort.json"
    few = ("--operators", "4", "--networks", "lenet5", "--rounds", "4")
    assert archprof(capsys, "calibrate", "--runtime", "onnxruntime", *few, "-o", str(path)).code == 0
    assert read_profile(str(path)).setup.fusion == RULES["onnxruntime"]


def test_what_it_does_is_said(made):
    path, out, err = made
    first, last = err.splitlines()
    assert first.startswith("measures 12 operators and 2 networks, batch 1: about ")
    assert last == f"wrote {path}: 12 operators, 2 networks"
    assert out == ""


def test_families_are_left_out_one_by_one(capsys, profile):
    result = archprof(capsys, "calibrate", "--verify", str(profile), "--format", "json")
    found = json.loads(result.out)
    jsonschema.validate(found, json.loads(archprof(capsys, "schema", "calibrate").out))
    assert [(one["model"], one["family"]) for one in found["judged"]] == [
        ("lenet5", "lenet"),
        ("squeezenet1_1", "squeezenet"),
    ]
    assert found["refitted_alike"]
    [batch] = found["batches"]
    assert (batch["batch"], batch["judged_networks"]) == (1, 2)
    text = archprof(capsys, "calibrate", "--verify", str(profile), "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["model"], row["family"], float(row["predicted_ms"])) for row in rows] == [
        (one["model"], one["family"], one["predicted_ms"]) for one in found["judged"]
    ]


@pytest.mark.parametrize("many", [1, 5])
def test_so_many_operators_are_added(capsys, profile, tmp_path, many):
    known, better = read_profile(str(profile)), tmp_path / "better.json"
    result = archprof(
        capsys, "bench", "mobilenet_v3_small", "--improve", str(profile), "-k", str(many), "--rounds", "4",
        "-o", str(better),
    )  # fmt: skip
    found = read_profile(str(better))
    assert result.err == f"wrote {better}: {many} operator{'s' if many > 1 else ''} more, {12 + many} in all\n"
    added = set(found.points) - set(known.points)
    assert len(added) == many
    assert added <= set(kernels_in(graph_of("mobilenet_v3_small"), known.setup))
    assert {kernel: found.points[kernel] for kernel in known.points} == known.points
    assert read_profile(str(profile)) == known


def test_a_profile_is_written_back_in_place(capsys, profile, tmp_path):
    path = tmp_path / "mine.json"
    path.write_bytes(profile.read_bytes())
    assert archprof(capsys, "bench", "lenet5", "--improve", str(path), "-k", "1", "--rounds", "4").code in (0, 2)
    assert archprof(capsys, "bench", "resnet18", "--improve", str(path), "-k", "2", "--rounds", "4").code == 0
    assert len(read_profile(str(path)).points) >= 14


def test_a_profile_of_another_machine_is_not_improved_unless_allowed(capsys, profile, tmp_path):
    path = tmp_path / "other.json"
    document = json.loads(profile.read_text(encoding="utf-8"))
    here = document["provenance"]["torch"]
    document["provenance"]["torch"] = "1.0"
    path.write_text(json.dumps(document), encoding="utf-8")
    line = ("bench", "resnet18", "--improve", str(path), "-k", "1", "--rounds", "4")
    refused = archprof(capsys, *line)
    assert (refused.code, refused.err) == (
        2,
        f"the profile `cpu` was made elsewhere: torch 1.0, here {here}\n"
        "  help: make one here with `archprof calibrate`, or `--allow-other-versions` to mix both\n",
    )
    assert json.loads(path.read_text(encoding="utf-8")) == document
    assert archprof(capsys, *line, "--allow-other-versions").code == 0


def test_noise_makes_no_profile(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("archprof.runtime.timing.rounds.NOISE", -1.0)
    line = ("calibrate", "--operators", "1", "--networks", "lenet5", "--rounds", "4", "-o", str(tmp_path / "cpu.json"))
    result = archprof(capsys, *line)
    assert result.code == 2
    assert result.err.splitlines()[1:] == [
        "nothing was measured that repeats within 10 %",
        "  help: leave the machine alone while it measures, or ask for more `--rounds`",
    ]
    assert list(tmp_path.iterdir()) == []


MESSAGES = {
    "": "a profile is written to a file\n  help: as in `archprof calibrate --on cpu -o my_cpu.json`\n",
    "-o cpu.txt": "`cpu.txt` is no name of a profile\n  help: it ends with `.json`\n",
    "-o cpu.json --networks nothing_like_it": (
        "there is no network `nothing_like_it`\n"
        "  help: `archprof list` shows the catalog; the path of a file ends with `.yaml`\n"
    ),
    "-o nowhere/cpu.json": (
        "cannot write `nowhere/cpu.json`: no such file or directory\n  help: nothing was written\n"
    ),
    "-o cpu.json --format csv": "`--format` without `--verify`\n  help: a profile is JSON: `-o my_cpu.json`\n",
    "--verify epyc --operators 5": ("`--operators` and `--verify` at once\n  help: `--verify FILE` measures nothing\n"),
    "--verify nothing": "no profile of a device `nothing`\n  help: devices: epyc, h100; or a file of `archprof "
    "calibrate -o FILE.json`\n",
}


@pytest.mark.parametrize("line", MESSAGES)
def test_what_makes_no_profile_is_said(capsys, tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    result = archprof(capsys, "calibrate", *line.split())
    assert (result.code, result.out, result.err) == (2, "", MESSAGES[line])
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_ends_it_and_keeps_the_old_profile(tmp_path):
    (tmp_path / "cpu.json").write_text("old", encoding="utf-8")
    line = ["calibrate", "--operators", "12", "--networks", NETWORKS, "--rounds", "100000", "-o", "cpu.json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "archprof", *line], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    process.stderr.readline()  # what it will measure, and for how long
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert [path.name for path in tmp_path.iterdir()] == ["cpu.json"]
    assert (tmp_path / "cpu.json").read_text(encoding="utf-8") == "old"


# Choosing


SETUP = DeviceSetup("fp16", "channels_last", "torch", "graph")
# By day of every fourth network.
TABLES = sorted(catalog.tables())


@pytest.fixture(scope="module", params=[4, pytest.param(1, marks=pytest.mark.night)])
def met(request):
    return tuple(candidates(TABLES[:: request.param], graph_of, SETUP))


def test_the_same_operators_are_chosen_each_time(met):
    assert chosen(met, 300) == chosen(met, 300)


@pytest.mark.parametrize("many", [100, 1000])
def test_operators_are_of_all_kinds_each_once(met, many):
    found = chosen(met, many)
    assert len(found) == many
    assert len({one.kernel for one in found}) == len(found)
    assert {one.kernel.kind for one in found} == {one.kernel.kind for one in met}


def test_kinds_that_no_short_formula_tells_are_dense(met):
    """Of grouped and depthwise convolutions a larger part is chosen than of pointwise ones and of sums."""
    found, part = chosen(met, 1000), {}
    for kind in ("grouped", "depthwise", "pointwise", "batch_norm"):
        part[kind] = count(found, kind) / count(met, kind)
    assert part["grouped"] > part["depthwise"] > part["pointwise"]


def count(among, kind):
    return sum(one.kernel.kind == kind for one in among)


def test_misaligned_channels_are_among_them(met):
    found = [one.kernel.named() for one in chosen(met, 1000) if one.kernel.kind == "pointwise"]
    every = [one.kernel.named() for one in met if one.kernel.kind == "pointwise"]
    parts = [sum(sizes["in_channels"] % 8 > 0 for sizes in among) / len(among) for among in (found, every)]
    assert parts[0] > parts[1] > 0


def test_operators_of_code_are_added_too(capsys, profile, tmp_path, monkeypatch):
    layers = "nn.Sequential(nn.Conv2d(3, 7, 5), nn.ReLU(), nn.Conv2d(7, 9, 3))"
    (tmp_path / "net.py").write_text(f"from torch import nn\n\nNet = {layers}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    line = ("bench", "net.py:Net", "--input", "3x32x32", "--improve", str(profile), "-o", "better.json")
    assert archprof(capsys, *line, "-k", "9", "--rounds", "4").code == 0
    added = set(read_profile("better.json").points) - set(read_profile(str(profile)).points)
    assert sorted(kernel.kind for kernel in added) == ["relu", "standard", "standard"]
