"""The pre-commit hooks, run by pre-commit; only where archprof comes from is another: the environment that runs the
tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.captures.onnx.files import graph, node, saved, weights
from tests.check.repository import MACS, SPEC, commit, git
from tests.docs.markdown import ROOT

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def hooks(folder, tmp_path_factory, monkeypatch):
    """A function that runs a hook over all files."""
    tools = tmp_path_factory.mktemp("tools")
    (tools / "archprof").write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m archprof "$@"\n')
    (tools / "archprof").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path_factory.mktemp("cache")))
    local = [{**hook, "language": "system"} for hook in HOOKS]
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": local}]}))
    (folder / "specs").mkdir()
    (folder / "specs" / "tiny.yaml").write_text(SPEC + f"expect: [{{macs: {MACS}}}]\n")
    (folder / "archprof.yaml").write_text(
        "budgets: [{model: specs/*.yaml, macs: 22,016}]\n".replace("22,016", '"22,016"')
    )
    commit(folder)
    return lambda hook: run(folder, hook)


def run(folder: Path, hook: str, *files: str) -> subprocess.CompletedProcess[str]:
    git(folder, "add", "--all")
    command = [sys.executable, "-m", "pre_commit", "run", hook, *(files or ["--all-files"]), "--color", "never"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_manifest_is_valid():
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 0


def test_validate(hooks, folder):
    ended = hooks("archprof-validate")
    assert (ended.returncode, "Passed" in ended.stdout) == (0, True), ended.stdout
    (folder / "specs" / "tiny.yaml").write_text(SPEC + f"expect: [{{macs: {MACS + 1}}}]\n")
    ended = hooks("archprof-validate")
    assert (ended.returncode, "expected 22,017 macs, counted 22,016 (-1)" in ended.stdout) == (1, True), ended.stdout


@pytest.mark.parametrize("name", ["net.onnx", "net.pt2", "net.lock.json", "specs/tiny.yaml", "pyproject.toml"])
def test_check_follows_every_file_that_a_budget_may_be_of(name):
    [pattern] = [hook["files"] for hook in HOOKS if hook["id"] == "archprof-check"]
    assert re.search(pattern, name)
    assert not re.search(pattern, f"{name}.md")


def test_check_runs_where_an_onnx_file_alone_has_changed(hooks, folder):
    made = graph([node("MatMul", "x w", "y")], {"x": (1, 8)}, stored={"w": weights(8, 4)})
    saved(folder, made)
    (folder / "archprof.yaml").write_text("budgets: [{model: net.onnx, macs: 32}]\n")
    commit(folder)
    saved(folder, graph([node("MatMul", "x w", "y")], {"x": (1, 8)}, stored={"w": weights(8, 5)}))
    ended = run(folder, "archprof-check", "--files", "net.onnx")
    assert (ended.returncode, "1 of 1 budget exceeded" in ended.stdout) == (1, True), ended.stdout


def test_check(hooks, folder):
    ended = hooks("archprof-check")
    assert (ended.returncode, "Passed" in ended.stdout) == (0, True), ended.stdout
    (folder / "specs" / "tiny.yaml").write_text(SPEC.replace("c: 16", "c: 17"))
    ended = hooks("archprof-check")
    assert (ended.returncode, "exit code: 1" in ended.stdout, "1 of 1 budget exceeded" in ended.stdout) == (
        1,
        True,
        True,
    ), ended.stdout
