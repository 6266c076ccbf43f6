"""The examples of every `--help`: what is printed there works."""

import shlex
import shutil

import pytest

from archprof.cli import COMMANDS
from archprof.cli.examples import EXAMPLES
from tests.cli.console import archprof
from tests.docs.markdown import ROOT

SPEC = "archprof: 1\ninput: 3x32x32\nclasses: 10\nlayers: [conv: {k: 3, s: 2, c: 16}, avg_pool, linear: classes]\n"
NET = """from torch import nn


class Net(nn.Sequential):
    def __init__(self, width=1):
        super().__init__(nn.Conv2d(3, 8 * width, 3), nn.ReLU())
"""


def test_every_command_has_examples():
    assert [*EXAMPLES] == ["archprof", *COMMANDS]


@pytest.mark.parametrize("command", EXAMPLES)
def test_help_ends_with_examples_and_a_page(capsys, command):
    examples = EXAMPLES[command]
    printed = archprof(capsys, *([] if command == "archprof" else [command]), "--help").out
    lines = "".join(f"  {line}\n" for line in examples.lines)
    assert printed.endswith(f"\nExamples:\n{lines}\nRead on: {examples.page}\n")
    assert max(map(len, printed.splitlines())) <= 80
    assert (ROOT / examples.page).is_file()


@pytest.mark.parametrize("line", [line for examples in EXAMPLES.values() for line in examples.lines])
def test_examples_work(capsys, monkeypatch, tmp_path, line):
    (tmp_path / "my_net.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    if line.startswith(("archprof bench", "archprof calibrate")):
        for package in ("torch", "scipy", "sklearn"):
            pytest.importorskip(package)
        monkeypatch.setattr("archprof.runtime.timing.rounds.NOISE", 1e9)  # whatever else the machine does
        monkeypatch.setattr("archprof.spec.catalog.tables", lambda: ["lenet5", "mobilenet_v2", "squeezenet1_1"])
        shutil.copy(ROOT / "tests" / "devices" / "small.json", tmp_path / "my_cpu.json")
    if line.endswith("--check net.lock.json"):
        archprof(capsys, *shlex.split(EXAMPLES["lock"].lines[0])[1:])
    program, *arguments = shlex.split(line)
    result = archprof(capsys, *arguments)
    assert (program, result.code) == ("archprof", 0), result.err
