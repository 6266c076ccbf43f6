"""`archprof check --measure`: the numbers that budgets are held to, proven on the module."""

import json

from archprof.runtime import measure
from tests.check.repository import MACS, SPEC
from tests.cli.console import archprof


def test_the_module_has_the_numbers_of_the_formulas(capsys, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(SPEC)
    result = archprof(capsys, "check", str(path), "--max-macs", "1M", "--measure", "--format", "json")
    verdicts = json.loads(result.out)["verdicts"]
    assert (result.code, [(verdict["where"], verdict["actual"]) for verdict in verdicts]) == (
        0,
        [("", MACS), ("the module", MACS)],
    )


def test_a_disagreement_is_exit_1(capsys, tmp_path, monkeypatch):
    path = tmp_path / "tiny.yaml"
    path.write_text(SPEC)
    honest = measure.measure_network
    monkeypatch.setattr(measure, "measure_network", lambda *given: honest(*given)._replace(macs=MACS + 1))
    result = archprof(capsys, "check", str(path), "--max-macs", "1M", "--measure")
    assert (result.code, "the totals differ: 368 params, 22,016 MACs analytic, 368, 22,017 measured" in result.out) == (
        1,
        True,
    ), result.out
