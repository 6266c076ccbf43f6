"""Locks held to budgets: limits, configurations, baselines, revisions, and what nobody counts."""

import json

import pytest

from tests.check.repository import commit
from tests.cli.console import archprof
from tests.docs.markdown import ROOT

LOCK = (ROOT / "tests" / "captures" / "schema_1.lock.json").read_text(encoding="utf-8")
# A 3×3 convolution from 3 to 8 channels at 16×16 positions, and a linear layer from 8 to 10.
MACS = 16 * 16 * 27 * 8 + 80
MORE_PARAMS, MORE_MACS = 9, 8


@pytest.fixture(autouse=True)
def lock(folder):
    (folder / "net.lock.json").write_text(LOCK)


def heavier(text):
    """Return the lock with an output more of the linear layer."""
    return text.replace('"out_features": 10', '"out_features": 11').replace('[{"shape": [10]}]', '[{"shape": [11]}]')


def uncounted(text):
    """Return the lock with another operator, twice."""
    found = json.loads(text)
    node = {
        "recorded": {"target": "aten._fft_r2c.default", "kind": "other", "macs": None},
        "inputs": [["head", 0]],
        "outputs": [{"shape": [6]}],
        "block": "a",
        "block_type": "A",
    }
    found["nodes"] += [{"path": f"a:fft[{k}]", **node} for k in range(2)]
    return json.dumps(found)


@pytest.mark.parametrize(("limit", "code"), [(MACS, 0), (MACS - 1, 1)])
def test_a_limit(capsys, limit, code):
    assert archprof(capsys, "check", "net.lock.json", "--max-macs", str(limit)).code == code


@pytest.mark.parametrize("model", ["net.lock.json", "*.lock.json", "./*.json"])
def test_a_configuration(capsys, folder, model):
    (folder / "archprof.yaml").write_text(f"budgets:\n  - {{model: '{model}', macs: {MACS - 1}}}\n")
    result = archprof(capsys, "check")
    assert (result.code, result.err) == (1, "")
    assert f"net.lock.json: MACs ≤ {MACS - 1}, counted {MACS:,}" in result.out


def test_patterns_of_specs_match_no_lock(capsys):
    result = archprof(capsys, "check", "./*", "--max-macs", "1M", "--allow-empty")
    assert (result.code, result.err) == (0, "")
    assert "net.lock.json" not in result.out


def test_a_baseline(capsys, folder):
    arguments = ("check", "net.lock.json", "--write-baseline", "baseline.json")
    assert archprof(capsys, *arguments).code == 0
    assert list(json.loads((folder / "baseline.json").read_text())["models"]) == ["net.lock.json"]
    (folder / "net.lock.json").write_text(heavier(LOCK))
    result = archprof(capsys, "check", "net.lock.json", "--baseline", "baseline.json")
    assert result.code == 1
    assert f"MACs ≤ +0, counted {MACS + MORE_MACS:,} (+{MORE_MACS} over {MACS:,})" in result.out
    assert f"params ≤ +0, counted 429 (+{MORE_PARAMS} over 420)" in result.out


def test_a_revision(capsys, folder):
    commit(folder)
    (folder / "net.lock.json").write_text(heavier(LOCK))
    result = archprof(capsys, "check", "net.lock.json", "--against", "HEAD")
    assert (result.code, result.err) == (1, "")
    assert f"MACs ≤ +0, counted {MACS + MORE_MACS:,} (+{MORE_MACS} over {MACS:,})" in result.out
    assert archprof(capsys, "diff", "git:HEAD:net.lock.json", "net.lock.json", "--exit-code").code == 1
    (folder / "new.lock.json").write_text(LOCK)
    assert archprof(capsys, "check", "new.lock.json", "--against", "HEAD").code == 0


def test_what_nobody_counts_holds_no_limit_of_macs(capsys, folder):
    (folder / "net.lock.json").write_text(uncounted(LOCK))
    result = archprof(capsys, "check", "net.lock.json", "--max-macs", "1M")
    assert (result.code, result.err) == (
        2,
        f"net.lock.json:1:1: MACs are at least {MACS:,}; not counted: aten._fft_r2c ×2\n"
        "  help: `--allow-uncounted=aten._fft_r2c` holds what is counted to the limit\n",
    )
    allowed = archprof(capsys, "check", "net.lock.json", "--max-macs", "1M", "--allow-uncounted")
    assert allowed.code == 0
    assert f"MACs of net.lock.json at least {MACS:,}; not counted: aten._fft_r2c ×2\n" in allowed.out
    assert archprof(capsys, "check", "net.lock.json", "--max-params", "1M").code == 0


# What is allowed by an option and by a budget's key, and how the check ends: the exit code, and what is said.
ALLOWED: list[tuple[str, str, int, str]] = [
    ("", "true", 0, ""),
    ("=all", "yes", 0, ""),
    ("=aten._fft_r2c", "aten._fft_r2c", 0, ""),
    ("=aten._fft_r2c.default", "[aten._fft_r2c.default]", 0, ""),
    (
        "=aten._fft_r2c,aten.cdist", "[aten._fft_r2c, aten.cdist]", 2,
        "nothing called `aten.cdist` is uncounted\n  help: not counted: aten._fft_r2c\n",
    ),
    ("=_fft_r2c", "[_fft_r2c]", 0, ""),
    (
        "=aten._fft_r2c,aten._fft_c2r", "[aten._fft_r2c, aten._fft_c2r]", 2,
        "nothing called `aten._fft_c2r` is uncounted\n"
        "  help: did you mean `aten._fft_r2c`? not counted: aten._fft_r2c\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("option", "key", "code", "said"), ALLOWED)
def test_what_may_stay_uncounted(capsys, folder, option, key, code, said):
    (folder / "net.lock.json").write_text(uncounted(LOCK))
    result = archprof(capsys, "check", f"--allow-uncounted{option}", "net.lock.json", "--max-macs", "1M")
    place = f"--allow-uncounted{option}: " if said else ""
    assert (result.code, result.err) == (code, place + said)
    (folder / "archprof.yaml").write_text(
        f"budgets:\n  - {{model: '*.lock.json', macs: 1M}}\n  - {{model: net.lock.json, allow_uncounted: {key}}}\n"
    )
    result = archprof(capsys, "check")
    column = len("  - {model: net.lock.json, allow_uncounted: ") + 1
    column += len("[aten._fft_r2c, ") if "," in key else 0
    assert result.code == code
    assert result.err.startswith(f"archprof.yaml:3:{column}: {said}" if said else "")
    least = f"MACs of net.lock.json at least {MACS:,}; not counted: aten._fft_r2c ×2\n"
    assert least in result.out


def test_what_is_allowed_of_other_networks(capsys, folder):
    (folder / "net.lock.json").write_text(uncounted(LOCK))
    (folder / "exact.lock.json").write_text(LOCK)
    allowed = "--allow-uncounted=aten._fft_r2c"
    assert archprof(capsys, "check", "*.lock.json", "--max-macs", "1M", allowed).code == 0
    result = archprof(capsys, "check", "exact.lock.json", "--max-macs", "1M", allowed)
    assert (result.code, result.err) == (
        2, f"{allowed}: nothing called `aten._fft_r2c` is uncounted\n  help: every operator is counted\n",
    )  # fmt: skip
    # The same in a configuration, where only one of its networks is asked for.
    (folder / "archprof.yaml").write_text(
        "budgets: [{model: '*.lock.json', macs: 1M, allow_uncounted: [aten._fft_r2c]}]\n"
    )
    assert archprof(capsys, "check", "exact.lock.json").code == 0


def test_a_baseline_keeps_a_lower_bound(capsys, folder):
    (folder / "net.lock.json").write_text(uncounted(LOCK))
    allowed = ("check", "net.lock.json", "--allow-uncounted")
    archprof(capsys, *allowed, "--write-baseline", "baseline.json")
    [entry] = json.loads((folder / "baseline.json").read_text())["models"].values()
    assert entry["not_counted"] == {"aten._fft_r2c": 2}
    bound = f"MACs of net.lock.json at least {MACS:,} in the baseline\n"
    result = archprof(capsys, *allowed, "--baseline", "baseline.json")
    assert (result.code, bound in result.out) == (0, True)
    # Now with a rule for it: what there was before is as unknown as it was, and the file is written anew.
    (folder / "net.lock.json").write_text(uncounted(heavier(LOCK)).replace('"macs": null', '"macs": 0'))
    result = archprof(capsys, "check", "net.lock.json", "--baseline", "baseline.json")
    assert f"counted {MACS + MORE_MACS:,} (+{MORE_MACS} over at least {MACS:,})" in result.out
    assert bound in result.out
    [_, macs] = json.loads(
        archprof(capsys, "check", "net.lock.json", "--baseline", "baseline.json", "--format", "json").out
    )["verdicts"]
    assert macs["at_least"] == ["before"]
    archprof(capsys, "check", "net.lock.json", "--write-baseline", "baseline.json")
    assert "not_counted" not in (folder / "baseline.json").read_text()


def test_a_lower_bound_at_a_revision(capsys, folder):
    (folder / "net.lock.json").write_text(uncounted(LOCK))
    commit(folder)
    (folder / "net.lock.json").write_text(LOCK)
    result = archprof(capsys, "check", "net.lock.json", "--against", "HEAD")
    assert (result.code, result.err) == (0, "")
    assert f"MACs of net.lock.json at least {MACS:,} in git:HEAD\n" in result.out


def test_a_limit_that_a_lower_bound_exceeds(capsys, folder):
    (folder / "net.lock.json").write_text(uncounted(LOCK))
    result = archprof(capsys, "check", "net.lock.json", "--max-macs", "1k", "--allow-uncounted")
    assert "MACs ≤ 1k, counted at least 55.38k; the limit is 1.000k, 54,376 too many" in result.out


@pytest.mark.parametrize("calls", ['{"aten.cdist": 0}', '["aten.cdist"]', '{"aten.cdist": "1"}'])
def test_a_baseline_of_other_calls(capsys, folder, calls):
    archprof(capsys, "check", "net.lock.json", "--write-baseline", "baseline.json")
    text = (folder / "baseline.json").read_text()
    (folder / "baseline.json").write_text(text.replace('"totals"', f'"not_counted": {calls}, "totals"'))
    result = archprof(capsys, "check", "net.lock.json", "--baseline", "baseline.json")
    assert result.code == 2
    assert "an entry of another type than archprof writes" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("net.lock.json@width=0.5",), "`--width` needs a block table, and `net.lock.json` has none\n"),
        (("net.lock.json", "--measure"), "`--measure` runs a module, and `net.lock.json` holds none\n"),
        (("none.lock.json",), "no such file: `none.lock.json`\n"),
        (("half.lock.json",), "half.lock.json:1:15: this is not valid JSON: "),
    ],
)
def test_what_cannot_be_checked(capsys, folder, arguments, message):
    (folder / "half.lock.json").write_text('{"schema": 1, ')
    result = archprof(capsys, "check", *arguments, "--max-macs", "1M")
    assert result.code == 2
    assert result.err.startswith(message)
