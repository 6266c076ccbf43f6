"""The baseline file: what it holds, that it is written whole or not at all, that nothing in it is believed."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import archprof as package
from archprof import outputs
from tests.check.repository import MACS, MORE_PARAMS, PARAMS, SPEC, commit, git, heavier
from tests.cli.console import archprof


@pytest.fixture(autouse=True)
def spec(folder):
    (folder / "tiny.yaml").write_text(SPEC)


def write(capsys, *models, file="b.json"):
    result = archprof(capsys, "check", *models, "--write-baseline", file)
    assert result.code == 0, result.err


def test_exact_integers_row_by_row(capsys, folder):
    write(capsys, "tiny.yaml")
    document = json.loads((folder / "b.json").read_text())
    model = document["models"]["tiny.yaml"]
    assert (document["schema"], model["archprof"], model["convention"]) == (2, package.__version__, "archprof 1")
    assert model["inputs"] == {"input": {"shape": [3, 8, 8], "dtype": "float32"}}
    assert (model["totals"]["params"], model["totals"]["macs"], model["weighted_layers"]) == (PARAMS, MACS, 2)
    assert [(layer["path"], layer["macs"]) for layer in model["layers"]] == [
        ("0.conv", 13824),
        ("1.conv", 8192),
        ("2", 0),
    ]


def test_the_commit_is_noted(capsys, folder):
    commit(folder)
    write(capsys, "tiny.yaml")
    head = git(folder, "rev-parse", "HEAD").strip()
    assert json.loads((folder / "b.json").read_text())["models"]["tiny.yaml"]["commit"] == head
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    write(capsys, "tiny.yaml")
    assert json.loads((folder / "b.json").read_text())["models"]["tiny.yaml"]["commit"] == f"{head}+"


def test_a_variant_has_one_entry_in_whatever_words(capsys, folder):
    write(capsys, "tiny.yaml@resolution=4")
    write(capsys, "tiny.yaml@resolution=4x4", "tiny.yaml@resolution=8")
    assert list(json.loads((folder / "b.json").read_text())["models"]) == [
        "tiny.yaml@resolution=4",
        "tiny.yaml@resolution=8",
    ]
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    for model in ("tiny.yaml@resolution=04", "tiny.yaml"):
        result = archprof(capsys, "check", model, "--baseline", "b.json", "--max-increase", "params=0")
        assert result.code == 1, result.out
        assert f"params ≤ +0, counted {PARAMS + MORE_PARAMS}" in result.out


def test_sorted_stable_and_merged(capsys, folder):
    write(capsys, "tiny.yaml", "mobilenet_v2", "mobilenet_v2@width=0.5")
    first = (folder / "b.json").read_text()
    commit(folder)  # another commit, the same counts: nothing to write
    write(capsys, "mobilenet_v2@width=0.5", "tiny.yaml")
    assert (folder / "b.json").read_text() == first
    assert list(json.loads(first)["models"]) == ["mobilenet_v2", "mobilenet_v2@width=0.5", "tiny.yaml"]


def test_only_what_changed_differs_in_git(capsys, folder):
    write(capsys, "tiny.yaml", "mobilenet_v2")
    commit(folder)
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    write(capsys, "tiny.yaml")
    changed = [line for line in git(folder, "diff", "--unified=0", "b.json").splitlines() if line.startswith("+ ")]
    assert len(changed) == 4  # the commit, the totals, the two convolutions


def test_names_count_from_the_file(capsys, folder, monkeypatch):
    (folder / "ci").mkdir()
    write(capsys, "tiny.yaml", file="ci/b.json")
    assert list(json.loads((folder / "ci" / "b.json").read_text())["models"]) == ["../tiny.yaml"]
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    monkeypatch.chdir(folder / "ci")
    assert archprof(capsys, "check", "../tiny.yaml", "--baseline", "b.json").code == 1


def test_a_network_that_is_new_fails_nothing(capsys, folder):
    write(capsys, "mobilenet_v2")
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json")
    assert (result.code, "tiny.yaml is not in the baseline: nothing to hold it to" in result.out) == (0, True)


def test_what_was_counted_otherwise_is_not_compared(capsys, folder):
    write(capsys, "tiny.yaml")
    (folder / "tiny.yaml").write_text(SPEC.replace("3x8x8", "3x4x4"))
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json")
    assert (
        result.code,
        "counted otherwise in the baseline: archprof 1 at 3×8×8, now archprof 1 at 3×4×4" in result.err,
    ) == (2, True)


def test_where_a_spec_is_wrong_nothing_is_written(capsys, folder):
    write(capsys, "tiny.yaml")
    before = (folder / "b.json").read_bytes()
    (folder / "bad.yaml").write_text("archprof: 1\n")
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    assert archprof(capsys, "check", "tiny.yaml", "bad.yaml", "--write-baseline", "b.json").code == 2
    assert (folder / "b.json").read_bytes() == before


HOSTILE = {
    "empty": "",
    "truncated": '{\n  "schema": 2,\n  "models": {\n    "tiny.ya',
    "a list": "[]",
    "a number": "1",
    "another file": '{"name": "x"}',
    "older": '{"schema": 0, "models": {}}',
    "newer": '{"schema": 3, "models": {}}',
    "a schema that is true": '{"schema": true, "models": {}}',
    "models of another type": '{"schema": 2, "models": []}',
    "a model of another type": '{"schema": 2, "models": {"tiny.yaml": 3}}',
    "twice": '{"schema": 2, "models": {}, "models": {}}',
    "not a number": '{"schema": 2, "models": {"a": NaN}}',
    "deep": "[" * 100_000,
    "long": '{"schema": ' + "9" * 10_000 + "}",
    "merge": '<<<<<<< HEAD\n{"schema": 2}\n=======\n',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("option", ["--baseline", "--write-baseline"])
def test_nothing_of_a_hostile_file_is_believed(capsys, folder, text, option):
    (folder / "b.json").write_text(text)
    result = archprof(capsys, "check", "tiny.yaml", option, "b.json", "--max-params", "1")
    assert (result.code, result.err.startswith("b.json:"), (folder / "b.json").read_text()) == (2, True, text), (
        result.err
    )
    assert "✗  tiny.yaml" in result.out


def test_bytes_that_are_no_text(capsys, folder):
    (folder / "b.json").write_bytes(b"\xff\xfe\x00")
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json")
    assert (result.code, result.err.splitlines()[0]) == (2, "b.json:1:1: the file is not UTF-8 text")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"params": 224', '"params": 223', "the totals are not the sums of the layers"),
        ('"params": 224', '"params": -224', "no layer as archprof writes them"),
        ('"params": 224', '"params": 224.0', "no layer as archprof writes them"),
        ('"params": 224', '"params": true', "no layer as archprof writes them"),
        ('"params": 224', '"params": "224"', "no layer as archprof writes them"),
        ('"params": 224', f'"params": {2**70}', "no layer as archprof writes them"),
        ('"kind": "standard"', '"kind": 3', "no layer as archprof writes them"),
        ('"commit": ""', '"commit": null', "another type"),
        ("[3, 8, 8]", '[3, "8", 8]', "another type"),
        ('{"shape": [3, 8, 8]', '{"size": [3, 8, 8]', "another type"),
        ('"weighted_layers": 2,', "", "a network has"),
    ],
)
def test_a_hand_that_edits_is_noticed(capsys, folder, old, new, told):
    write(capsys, "tiny.yaml")
    text = (folder / "b.json").read_text()
    assert old in text
    (folder / "b.json").write_text(text.replace(old, new, 1))
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json")
    assert (result.code, told in result.err, result.err.startswith("b.json:4:5: ")) == (2, True, True), result.err


def test_a_baseline_that_is_not_there(capsys):
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "none.json")
    assert (result.code, result.err.splitlines()[0]) == (
        2,
        "cannot read the baseline `none.json`: no such file or directory",
    )


# Writing, in a process of its own that fares badly.


def spawn(*arguments, preexec=None, prelude="pass"):
    code = f"{prelude}\nimport sys\nfrom archprof.cli import run\nsys.exit(run({list(arguments)!r}))"
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, preexec_fn=preexec, env=environment
    )


@pytest.fixture
def old(capsys, folder):
    write(capsys, "tiny.yaml")
    (folder / "tiny.yaml").write_text(heavier(SPEC))
    return (folder / "b.json").read_bytes()


def test_a_killed_write_leaves_the_old_file(folder, old):
    prelude = "import os, signal\nos.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)"
    assert spawn("check", "tiny.yaml", "--write-baseline", "b.json", prelude=prelude).returncode == -signal.SIGKILL
    assert (folder / "b.json").read_bytes() == old


def test_a_full_disk_leaves_the_old_file_and_no_other(folder, old):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    ended = spawn("check", "tiny.yaml", "--write-baseline", "b.json", preexec=limit)
    assert (ended.returncode, ended.stderr.startswith("cannot write `b.json`: file too large")) == (2, True), (
        ended.stderr
    )
    assert ((folder / "b.json").read_bytes(), sorted(path.name for path in folder.iterdir())) == (
        old,
        ["b.json", "tiny.yaml"],
    )


def test_no_space_left_is_told(capsys, folder, old, monkeypatch):
    def full(*names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    result = archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json")
    assert (result.code, result.err) == (
        2,
        "cannot write `b.json`: no space left on device\n  help: nothing was written\n",
    )
    assert ((folder / "b.json").read_bytes(), sorted(path.name for path in folder.iterdir())) == (
        old,
        ["b.json", "tiny.yaml"],
    )


def test_a_folder_that_cannot_be_written(capsys, folder, monkeypatch):
    def refused(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(outputs, "_nameless", refused)  # whoever runs the tests as root may write everywhere
    result = archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json")
    assert (result.code, result.err) == (2, "cannot write `b.json`: permission denied\n  help: nothing was written\n")


def test_a_growth_is_told_against_the_file(capsys, folder, old):
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json", "--max-increase", "params=0")
    assert f"(+{MORE_PARAMS} over {PARAMS})" in result.out
