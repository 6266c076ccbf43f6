"""`archprof verify`: the numbers that a spec expects, proven by counters on the module."""

import json
import re

from tests.check.repository import MACS, PARAMS, SPEC
from tests.cli.console import archprof


def test_counters_and_module_take_part(capsys, tmp_path):
    """Every setting that a spec expects numbers of is proven: twice the side has four times the MACs."""
    path = tmp_path / "tiny.yaml"
    path.write_text(
        f"{SPEC}expect:\n  - {{params: {PARAMS}, macs: {MACS}}}\n  - {{at: resolution=16, macs: {4 * MACS}}}\n"
    )
    result = archprof(capsys, "verify", str(path), "--jobs", "1", "--format", "json")
    assert result.code == 0, result.err
    for proof, macs in zip(json.loads(result.out)["proofs"], (MACS, 4 * MACS), strict=True):
        by = {check["by"]: (check["text"], check["counted"]) for check in proof["checks"]}
        assert by["fvcore"] == by["torch"] == (str(macs), macs)
        assert by["module"] == (str(PARAMS), PARAMS)


def test_a_terminal_is_told_which_setting_is_at_work(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(f"{SPEC}expect:\n  - {{at: resolution=16, macs: {4 * MACS}}}\n")
    drawn = archprof(capsys, "verify", "./tiny.yaml", "--jobs", "1").err.split("\r\x1b[K")
    assert drawn[1] == "1 of 2 · ./tiny.yaml, setting 1 of 2"
    assert re.fullmatch(r"2 of 2 · [0-9]+ s left · \./tiny\.yaml, setting 2 of 2: resolution=16", drawn[2])
    assert drawn[3:] == [""]
