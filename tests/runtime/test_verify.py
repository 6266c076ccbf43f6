"""`archprof verify`: the numbers that a spec expects, proven by counters on the module."""

import json

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
