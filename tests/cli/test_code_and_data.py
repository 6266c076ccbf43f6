"""What runs code and what does not: code alone that was typed, for a few commands; data is read everywhere; and every
command says why it takes neither."""

import json
import os
import subprocess
import sys

import pytest

from archprof.cli import run
from tests.check.test_lock import LOCK
from tests.cli.console import archprof
from tests.docs.markdown import ROOT

# A module whose import leaves a trace, talks in every way, and looks for another when it runs.
NET = """
import sys
from pathlib import Path
Path("ran").touch()
import torch
from torch import nn

print("imported")
sys.__stdout__.write("")


class Net(nn.Module):
    def __init__(self):
        print("made")
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        import beside_net

        print("run")
        return self.a(x)
"""


@pytest.fixture(autouse=True)
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "beside_net.py").write_text("")
    (tmp_path / "net.lock.json").write_text(LOCK)
    yield
    sys.modules.pop("beside_net", None)


PATHS = {"PYTHONPATH": str(ROOT)}
CODE = "net.py:Net"
NO_CODE = (
    f"`{CODE}` is Python code, which only `archprof summary`, `compare`, `diff`, `explain`, `memory`, `latency`, "
    "`bench`, `report`, `draw` and `lock` take\n"
    "  help: `archprof lock` writes it to a file, `x.lock.json`, for `check`; the rest needs a block table\n"
)
NO_LOCK = (
    "`net.lock.json` is a lock, not a spec\n"
    "  help: `summary`, `compare`, `diff`, `explain`, `draw`, `memory`, `latency`, `report` and `check` take it; "
    "the rest needs a block table\n"
)
LISTED = "no network matches `{}`\n  help: `archprof list` without a pattern shows all\n"
NO_MODULE = (
    "`--measure` runs a module, and `net.lock.json` holds none\n"
    "  help: `archprof summary CODE --measure` measures what a lock was captured from\n"
)
CAPTURED = "  help: a lock stands as it was captured; `archprof lock` captures anew\n"
OTHER_CODE = "  help: give its code other arguments, `net.py:Net(…)`, or an `--input`\n"


def no_table(option, model, help):
    return f"`{option}` needs a block table, and `{model}` has none\n{help}"


# Each command that refuses code or a lock, with its whole message.
REFUSED = {
    f"show {CODE}": NO_CODE,
    f"sweep {CODE} --width 0.5:1:0.25": NO_CODE,
    f"solve {CODE} --max-macs 1M": NO_CODE,
    f"verify {CODE}": NO_CODE,
    f"validate {CODE}": NO_CODE,
    f"check {CODE} --max-macs 1M": NO_CODE,
    f"list {CODE}": LISTED.format(CODE),
    f"summary {CODE} --input 3x8x8 --width 0.5": no_table("--width", CODE, OTHER_CODE),
    f"summary {CODE} --input 3x8x8 --resolution 64": (
        "`--input` and `--resolution` at once\n"
        "  help: a resolution is an input of three channels: `--input 3x192x192`\n"
    ),
    f"summary {CODE} --classes 5": no_table("--classes", CODE, OTHER_CODE),
    f"summary {CODE} --set a.k=5": no_table("--set", CODE, OTHER_CODE),
    f"summary {CODE} --set a.k=5 --measure": no_table("--set", CODE, OTHER_CODE),
    f"explain {CODE} --width 0.5 --number 3M": no_table("--width", CODE, OTHER_CODE),
    f"compare v2 {CODE} --width 0.5": no_table("--width", CODE, OTHER_CODE),
    f"diff v2 {CODE} --set layers[0].k=5": no_table("--set", CODE, OTHER_CODE) ,
    f"summary {CODE}@width=0.5": (
        "`Net@width=0.5` is no name in `net.py`\n  help: write `net.py:Net`, or `net.py:Net(width=0.5)`\n"
    ),
    f"lock {CODE} -o net.json": "`net.json` would not be known as a lock\n  help: its name ends with `.lock.json`\n",
    f"lock {CODE} --check net.py": "`net.py` would not be known as a lock\n  help: its name ends with `.lock.json`\n",
    "show net.lock.json": NO_LOCK,
    "sweep net.lock.json --width 0.5:1:0.25": NO_LOCK,
    "solve net.lock.json --max-macs 1M": NO_LOCK,
    "verify net.lock.json": NO_LOCK,
    "validate net.lock.json": NO_LOCK,
    "list net.lock.json": LISTED.format("net.lock.json"),
    "summary net.lock.json --width 0.5": no_table("--width", "net.lock.json", CAPTURED),
    "summary net.lock.json --resolution 64": no_table("--resolution", "net.lock.json", CAPTURED),
    "summary net.lock.json --classes 5": no_table("--classes", "net.lock.json", CAPTURED),
    "summary net.lock.json --set a.k=5": no_table("--set", "net.lock.json", CAPTURED),
    "summary net.lock.json@width=0.5": no_table("--width", "net.lock.json", CAPTURED),
    "explain net.lock.json --width 0.5": no_table("--width", "net.lock.json", CAPTURED),
    "compare v2 net.lock.json --width 0.5": no_table("--width", "net.lock.json", CAPTURED),
    "diff v2 net.lock.json --resolution 64": no_table("--resolution", "net.lock.json", CAPTURED),
    "check net.lock.json@width=0.5 --max-macs 1M": no_table("--width", "net.lock.json", CAPTURED),
    "summary net.lock.json --input 3x9x9": f"`net.lock.json` has its input already\n{CAPTURED}",
    "compare net.lock.json v2 --input 3x9x9": f"`net.lock.json` has its input already\n{CAPTURED}",
    "summary net.lock.json --measure": NO_MODULE,
    "check net.lock.json --max-macs 1M --measure": NO_MODULE,
    "lock net.lock.json": "`net.lock.json` is a lock already\n  help: name the code that it was captured from\n",
    "lock v2": (
        "`v2` is no code that makes a module\n"
        "  help: as in `torchvision:resnet50`, `net.py:Net`, `exported.pt2`, or `net.onnx`\n"
    ),
    "summary v2 --input ids=5:int64": (
        "`ids=5:int64` is no size of an image, which `v2` takes\n  help: as in `3x224x224`\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("resolution", "shape"), [("8", "3x8x8"), ("8x9", "3x8x9"), ("8×9", "3x8x9"), ("3x8x9", "3x8x9")]
)
def test_a_resolution_is_an_input_of_three_channels(capsys, resolution, shape):
    typed = archprof(capsys, "summary", CODE, "--resolution", resolution)
    assert typed.code == 0
    assert typed.out == archprof(capsys, "summary", CODE, "--input", shape).out


def test_a_resolution_that_is_none(capsys):
    result = archprof(capsys, "summary", CODE, "--resolution", "abc")
    assert (result.code, result.err.splitlines()[0]) == (2, "`abc` is no input")


@pytest.mark.parametrize("typed", REFUSED)
def test_refusals(capsys, tmp_path, typed):
    result = archprof(capsys, *typed.split())
    assert (result.code, result.err) == (2, REFUSED[typed])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("command", ["summary", "explain", "compare", "diff", "check"])
def test_a_lock_is_taken(capsys, command):
    models = ["net.lock.json"] * (2 if command == "diff" else 1)
    limits = ["--max-macs", "1M"] if command == "check" else []
    result = archprof(capsys, command, *models, *limits)
    assert (result.code, result.err) == (0, "")


TYPED = {
    "summary": ["summary", CODE, "--input", "3x8x8"],
    "compare": ["compare", CODE, "--input", "3x8x8"],
    "explain": ["explain", CODE, "--input", "3x8x8"],
    "diff": ["diff", CODE, CODE, "--input", "3x8x8"],
    "lock": ["lock", CODE, "--input", "3x8x8"],
}


@pytest.mark.parametrize("command", TYPED)
def test_code_that_was_typed_runs(capsys, tmp_path, command):
    before = list(sys.path)
    machine = [] if command == "lock" else ["--format", "json"]
    result = archprof(capsys, *TYPED[command], *machine)
    assert result.code == 0
    assert json.loads(result.out)
    said = result.err.splitlines()
    assert said[:3] == ["imported", "ran net.py", "made"]
    assert set(said) == {"imported", "ran net.py", "made", "run"}
    assert (tmp_path / "ran").exists()
    assert sys.path == before


TALKS = """
import os, sys
import torch

os.write(1, b"by the system\\n")
os.system("echo by a program")
sys.__stdout__.write("past Python\\n")
net = torch.nn.Linear(2, 3)
"""


def test_nothing_that_code_writes_is_a_result(tmp_path):
    (tmp_path / "talks.py").write_text(TALKS)
    command = [sys.executable, "-m", "archprof", "summary", "talks.py:net", "--input", "2", "--format", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | PATHS)
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["totals"]["macs"] == 6
    said = {"by the system", "by a program", "past Python", "ran talks.py"}
    assert set(ended.stderr.splitlines()) == said


def test_the_folder_is_left_alone_when_code_fails(capsys):
    before = list(sys.path)
    assert archprof(capsys, "summary", CODE, "--input", "5").code == 2
    assert sys.path == before


def test_a_folder_that_was_there_stays(capsys, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    before = list(sys.path)
    assert archprof(capsys, *TYPED["summary"]).code == 0
    assert sys.path == before


@pytest.mark.parametrize("model", [CODE, "net.p?:Net", "*:Net", "net.py:Net.lock.json", "net:Net", "timm:vit"])
def test_a_configuration_runs_no_code(capsys, tmp_path, model):
    (tmp_path / "archprof.yaml").write_text(f"budgets: [{{model: '{model}', macs: 1M}}]\n")
    result = archprof(capsys, "check")
    assert result.code == 2
    assert result.err.startswith("archprof.yaml:1:")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["net.py:Net.yaml", "net.py:Net.lock.json", "net:Net.yml"])
@pytest.mark.parametrize("command", ["summary", "compare", "explain", "check", "validate"])
def test_a_pattern_that_matches_the_name_of_code_runs_none(capsys, tmp_path, name, command):
    (tmp_path / name).write_text("archprof: 1\n")
    pattern = f"./net?*Net*{name.partition('Net')[2]}"
    archprof(capsys, command, pattern, *(["--max-macs", "1M"] if command == "check" else []))
    archprof(capsys, command, name, *(["--max-macs", "1M"] if command == "check" else []))
    assert not (tmp_path / "ran").exists()


def test_what_a_lock_says_of_its_origin_is_text(capsys, tmp_path):
    found = json.loads(LOCK)
    found["captured"] |= {"model": CODE, "inputs": ["3x8x8"]}
    (tmp_path / "own.lock.json").write_text(json.dumps(found))
    for typed in ("summary own.lock.json", "explain own.lock.json", "check own.lock.json --max-macs 1M"):
        assert archprof(capsys, *typed.split()).code == 0
    assert not (tmp_path / "ran").exists()


def test_completing_a_word_runs_no_code(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("_ARCHPROF_COMPLETE", "bash")
    monkeypatch.setenv("_ARCHPROF_LINE", f"archprof summary {CODE}")
    monkeypatch.setenv("_ARCHPROF_BREAKS", " ")
    run([])
    assert not (tmp_path / "ran").exists()
