"""What is read is not written over, by whatever name; what a configuration names lies in its repository."""

import os
import subprocess
import sys

import pytest

from tests.check.repository import SPEC
from tests.cli.console import archprof

CHILD = "archprof: 1\nname: child\nextends: ./net.yaml\n"
SPACE = "archprof: 1\ninput: 3x8x8\nlayers:\n  - conv: {k: {choice: [1, 3]}, c: 8}\n"
SCORES = "place,choice,score\nlayers[0].k,3,1\n"
CONFIG = "budgets:\n  - {model: net.yaml, macs: 1G}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    (tmp_path / "child.yaml").write_text(CHILD)
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "scores.csv").write_text(SCORES)
    (tmp_path / "archprof.yaml").write_text(CONFIG)
    (tmp_path / "net.csv").symlink_to("net.yaml")
    os.link(tmp_path / "net.yaml", tmp_path / "hard.svg")
    (tmp_path / "sub").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("solve ./net.yaml --resolution 8:16:8 --max-macs 1G --write-spec", "net.yaml"),
        ("solve child.yaml --resolution 8:16:8 --max-macs 1G --write-spec", "net.yaml"),
        ("solve ./net.yaml --resolution 8:16:8 --max-macs 1G --write-spec", "sub/../net.yaml"),
        ("space space.yaml --minimize macs --write-spec", "space.yaml"),
        ("space space.yaml --maximize score --scores scores.csv --format csv -o", "scores.csv"),
        ("summary net.yaml --format csv -o", "net.yaml"),
        ("summary child.yaml -o", "net.csv"),
        ("show net.yaml --format json -o", "net.csv"),
        ("diff net.yaml child.yaml --format json -o", "child.yaml"),
        ("explain net.yaml --format json -o", "net.yaml"),
        ("verify net.yaml --analytic --format json -o", "net.yaml"),
        ("validate child.yaml --format json -o", "net.yaml"),
        ("compare net.yaml child.yaml --plot", "hard.svg"),
        ("compare net.yaml child.yaml -o", "net.csv"),
        ("sweep net.yaml --resolution 8,16 -o", "net.csv"),
        ("sweep child.yaml --resolution 8,16 --format table -o", "net.yaml"),
        ("sweep net.yaml --resolution 8,16 --plot", "hard.svg"),
        ("check net.yaml --max-macs 1G -o", "archprof.yaml"),
        ("check --format json -o", "net.yaml"),
        ("check net.yaml --max-macs 1G --report", "junit=net.yaml"),
        ("check --config archprof.yaml --report", "sarif=archprof.yaml"),
    ],
)
def test_an_output_that_is_an_input(capsys, folder, line, output):
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    if "-o" in line and "--format" not in line and output.endswith(".yaml"):
        line = line.replace(" -o", " --format json -o")
    result = archprof(capsys, *line.split(), output)
    name = output.partition("=")[2] or output
    told = f"`{name}` is read, and cannot be written as well\n  help: write to another file\n"
    assert (result.code, result.err) == (2, told)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_spec_on_standard_input(folder):
    with open("net.yaml", "rb") as spec:
        command = [sys.executable, "-m", "archprof", "summary", "-", "--format", "csv", "-o", "net.yaml"]
        ended = subprocess.run(command, stdin=spec, capture_output=True, text=True, check=False)
    told = "`net.yaml` is read, and cannot be written as well\n  help: write to another file\n"
    assert (ended.returncode, ended.stderr) == (2, told)
    assert (folder / "net.yaml").read_text() == SPEC


def test_what_another_command_line_read_may_be_written(capsys, folder):
    assert archprof(capsys, "summary", "net.yaml").code == 0
    assert archprof(capsys, "summary", "v2", "--format", "csv", "-o", "net.yaml").code == 0


def test_a_baseline_is_read_to_be_written_anew(capsys, folder):
    for _ in range(2):
        assert archprof(capsys, "check", "--write-baseline", "b.json").code == 0


@pytest.mark.parametrize(
    ("config", "place", "named"),
    [
        ("baseline: ../b.json\nbudgets: []\n", "1:11", "{repository}/../b.json"),
        ("baseline: /etc/hosts\nbudgets: []\n", "1:11", "/etc/hosts"),
        ("baseline: link.json\nbudgets: []\n", "1:11", "{repository}/link.json"),
        ("budgets:\n  - {model: ../net.yaml, macs: 1G}\n", "2:13", "../net.yaml"),
        ("budgets:\n  - {model: /etc/*.yaml, macs: 1G}\n", "2:13", "/etc/x.yaml"),
        ("budgets:\n  - {model: link.yaml, macs: 1G}\n", "2:13", "link.yaml"),
    ],
)
def test_a_configuration_names_nothing_outside_of_its_repository(capsys, folder, monkeypatch, config, place, named):
    """Nor by a link in it; what is typed may lie anywhere."""
    repository = folder / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / "archprof.yaml").write_text(config)
    (repository / "link.json").symlink_to("../b.json")
    (repository / "link.yaml").symlink_to("../net.yaml")
    (folder / "b.json").write_text('{"schema": 2, "models": {}}\n')
    monkeypatch.chdir(repository)
    monkeypatch.setattr("archprof.analysis.targets.glob", lambda *given, **more: ["/etc/x.yaml"])
    result = archprof(capsys, "check")
    shown = named.format(repository=repository).replace(f"{repository}/", "")
    told = f"archprof.yaml:{place}: `{shown}` is not in {repository}\n"
    advice = "  help: a configuration names what is in its repository, links followed\n"
    assert (result.code, result.err) == (2, told + advice)
    assert archprof(capsys, "check", "../net.yaml", "--max-macs", "1G", "--config", "../archprof.yaml").code == 0
