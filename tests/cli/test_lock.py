"""`archprof lock`, and what takes locks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from archprof.captures import source
from tests.cli.console import archprof
from tests.cli.test_code import NET, WHOLE

TRAINS = """
import torch
from torch import nn


class Trains(nn.Module):
    def __init__(self, features=4):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm2d(3), nn.Dropout(0.5)
        self.head, self.auxiliary = nn.Linear(3, features), nn.Linear(3, 7)

    def forward(self, x):
        x = self.drop(self.norm(x).mean((2, 3)))
        return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)


@pytest.fixture
def lock(capsys, folder):
    result = archprof(capsys, "lock", "net.py:Net", "--input", "3x8x8", "-o", "net.lock.json")
    assert result == (0, "", "ran net.py\n")
    return "net.lock.json"


def totals(capsys, *arguments):
    result = archprof(capsys, *arguments, "--format", "json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def test_a_lock_says_how_it_was_captured(capsys):
    found = json.loads(archprof(capsys, "lock", "net.py:Net", "--input", "3x8x8").out)
    assert {**found["captured"], "archprof": "", "torch": ""} == {
        "model": "net.py:Net", "inputs": ["3x8x8"], "mode": "eval", "archprof": "", "torch": "", "library": "",
        "how": "meta",
    }  # fmt: skip
    assert list(found) == ["schema", "captured", "inputs", "outputs", "modules", "nodes"]
    assert found["modules"]["blocks.0.0"] == "nn.Conv2d"


def test_a_lock_is_counted_as_the_module_is(capsys, lock):
    from_code = json.loads(archprof(capsys, "summary", "net.py:Net", "--input", "3x8x8", "--format", "json").out)
    Path("net.py").unlink()
    found = totals(capsys, "summary", lock)
    assert (found["totals"]["params"], found["totals"]["macs"]) == WHOLE
    assert found["totals"] == from_code["totals"]
    assert found["layers"] == from_code["layers"]
    assert archprof(capsys, "summary", lock, "--full").out.startswith("net.py:Net · input 3×8×8\n")


def test_locks_are_compared(capsys, lock):
    archprof(capsys, "lock", "net.py:Net(0.5)", "--input", "3x8x8", "-o", "half.lock.json")
    found = totals(capsys, "compare", lock, "half.lock.json", "mobilenet_v2")
    assert found["models"][0]["totals"]["macs"] == WHOLE[1]
    same = totals(capsys, "diff", lock, lock)
    assert same["blocks"] == []
    other = totals(capsys, "diff", lock, "half.lock.json")
    assert other["totals"]["before"]["macs"] == WHOLE[1]
    assert other["blocks"]
    # Of one model, what tells two revisions of its lock apart is where they stand.
    assert [other["before"], other["after"]] == ["net.py:Net", "net.py:Net(0.5)"]
    Path("then.lock.json").write_bytes(Path(lock).read_bytes())
    assert archprof(capsys, "diff", "then.lock.json", lock).out.startswith(f"then.lock.json → {lock}\n")


TOKENS = """
import torch
from torch import nn


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.head = nn.Parameter(torch.zeros(1, 1, 8)), nn.Linear(8, 4)

    def forward(self, x):
        return self.head(torch.cat([self.token.expand(len(x), -1, -1), x], 1))
"""


def test_a_lock_is_what_its_code_is_by_diff_too(capsys):
    """One image does not tell that the token stands in front of each; the input is that of the lock."""
    Path("tokens.py").write_text(TOKENS)
    given = ("--input", "5x8")
    archprof(capsys, "lock", "tokens.py:Tokens", *given, "-o", "tokens.lock.json")
    found = archprof(capsys, "diff", "tokens.lock.json", "tokens.py:Tokens", *given, "--exit-code")
    assert (found.code, found.out.splitlines()[2]) == (0, "no difference")
    refused = archprof(capsys, "diff", "tokens.lock.json", "tokens.py:Tokens", "--input", "6x8")
    assert refused.err.startswith("`tokens.lock.json` has its input already\n")


def test_in_python(lock):
    import archprof as package

    assert package.analyze(lock).totals.macs == WHOLE[1]
    assert package.analyze(Path(lock)).totals.params == WHOLE[0]


MESSAGES = {
    "summary none.lock.json": (
        "no such file: `none.lock.json`", "help: `archprof lock net.py:Net -o none.lock.json` makes one",
    ),
    "lock mobilenet_v2": (
        "`mobilenet_v2` is no code that makes a module",
        "help: as in `torchvision:resnet50`, `net.py:Net`, `exported.pt2`, or `net.onnx`",
    ),
    "lock net.py:Net --check net.lock.json -o other.lock.json": (
        "`--check` and `-o` at once", "help: a lock is written, or compared",
    ),
    "lock net.py:Net --input 3x8x8 -o net.json": (
        "`net.json` would not be known as a lock", "help: its name ends with `.lock.json`",
    ),
    "lock net.py:Net --modes train": ("`--modes train` are no modes of a lock", "help: `eval`, or `eval,train`"),
    "lock net.py:Net --check net.lock.json --modes eval": (
        "`--check` and `--modes` at once", "help: a lock is compared in the modes that it has",
    ),
    "summary net.lock.json --train": (
        "`net.lock.json` was captured in evaluation alone",
        "help: `archprof lock net.py:Net --modes eval,train -o net.lock.json` captures it in training too",
    ),
    "summary net.lock.json --train --width 0.5": (
        "`--width` needs a block table, and `net.lock.json` has none",
        "help: a lock stands as it was captured; `archprof lock` captures anew",
    ),
    "compare net.lock.json v3 --train": (
        "`v3` is a spec, which says how a network runs in evaluation",
        "help: `--train` takes code that makes a torch module, as in `net.py:Net`, or a lock of `--modes eval,train`",
    ),
    "summary net.py:Net --train --convention fvcore": (
        "`--convention` and `--train` at once", "help: what another tool counts is known of evaluation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("typed", MESSAGES)
def test_messages(capsys, lock, typed):
    message, more = MESSAGES[typed]
    result = archprof(capsys, *typed.split())
    assert result.code == 2
    assert f"{message}\n  {more}\n" in f"{result.out}{result.err}"


def test_no_spec_extends_a_lock(capsys, lock):
    Path("child.yaml").write_text("archprof: 1\nextends: net.lock.json\n")
    result = archprof(capsys, "summary", "child.yaml")
    assert result.err == (
        "child.yaml:2:10: cannot extend `net.lock.json`: `net.lock.json` is a lock, not a spec\n"
        "  help: a path counts from this file's folder\n"
    )


def edited(path, old, new):
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


def test_what_is_captured_again_is_the_same(capsys, lock):
    result = archprof(capsys, "lock", "net.py:Net", "--check", lock)
    assert result == (0, "net.lock.json is what net.py:Net is now: 7 calls\n", "ran net.py\n")


CHANGES = {
    # what changes in the code, whether other versions captured the lock, and what is said of it
    "a kernel": (
        ("nn.Conv2d(3, channels, 3, padding=1)", "nn.Conv2d(3, channels, 5, padding=2)"), False,
        ["changed stem: kernel_size [3, 3], now [5, 5]; padding [1, 1], now [2, 2]"],
    ),
    "a bias, seen by others": (
        ("channels, 3, padding=1)", "channels, 3, padding=1, bias=False)"), True,
        ["captured with timm 1.0.31, now no library; torch 2.0.0, now {torch}", "changed stem: bias true, now false"],
    ),
    "fewer blocks": (
        ("range(3)", "range(2)"), False,
        [
            "removed blocks.2.0", "removed blocks.2.1",
            'changed the outputs: output ["blocks.2.1", 0], now ["blocks.1.1", 0]',
        ],
    ),
    "more": (
        ("return torch", "x = x + 1\n        return torch"), False,
        ["added :add[0]", 'changed the outputs: output ["blocks.2.1", 0], now [":add[0]", 0]'],
    ),
    "other operators": (
        ("nn.ReLU()", "nn.Tanh()"), False,
        [f'changed blocks.{k}.1: op "ReLU", now "Tanh"' for k in range(3)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_captured_again_differs(capsys, lock, case):
    import torch

    (old, new), elsewhere, lines = CHANGES[case]
    edited("net.py", old, new)
    release = torch.__version__.partition("+")[0]
    if elsewhere:
        edited(lock, f'"torch": "{release}"', '"torch": "2.0.0"')
        edited(lock, '"library": ""', '"library": "timm 1.0.31"')
    result = archprof(capsys, "lock", "net.py:Net", "--check", lock)
    assert result.code == 1
    told = [line.format(torch=release) for line in lines]
    assert result.out.splitlines() == ["net.lock.json is not what net.py:Net is now", *told]


def test_versions_are_said_before_differences(capsys, lock, monkeypatch):
    own = source._own
    monkeypatch.setattr(source, "_own", lambda *given: own(*given)._replace(version="timm 1.0.40"))
    edited(lock, '"library": ""', '"library": "timm 1.0.31"')
    same = archprof(capsys, "lock", "net.py:Net", "--check", lock)
    assert same == (0, "net.lock.json is what net.py:Net is now: 7 calls\n", "ran net.py\n")
    edited("net.py", "range(3)", "range(2)")
    result = archprof(capsys, "lock", "net.py:Net", "--check", lock)
    assert result.out.splitlines()[:3] == [
        "net.lock.json is not what net.py:Net is now", "captured with timm 1.0.31, now 1.0.40", "removed blocks.2.0",
    ]  # fmt: skip


def written(lock):
    return json.loads(Path(lock).read_text())


def test_fields_that_are_not_known_are_kept(capsys, lock):
    first = Path(lock).read_text()
    found = written(lock)
    found["reviewed"] = {"by": "Ada"}
    found["captured"]["machine"] = "a"
    for node in found["nodes"]:
        node["note"] = [node["path"]]
    Path(lock).write_text(json.dumps(found))
    assert archprof(capsys, "lock", "net.py:Net", "--check", lock).code == 0
    assert archprof(capsys, "lock", "net.py:Net", "--input", "3x8x8", "-o", lock) == (0, "", "ran net.py\n")
    assert written(lock) == found
    kept = Path(lock).read_text().splitlines()
    assert len(kept) == len(first.splitlines()) + 2  # a line for each of two fields, those of a call in its line
    assert archprof(capsys, "lock", "net.py:Net", "--input", "3x8x8", "-o", lock).code == 0
    assert Path(lock).read_text().splitlines() == kept
    # Of a call that is another one now, nothing of what was said is known to be true.
    edited("net.py", "nn.ReLU()", "nn.Tanh()")
    archprof(capsys, "lock", "net.py:Net", "--input", "3x8x8", "-o", lock)
    assert written(lock)["reviewed"] == {"by": "Ada"}
    noted = [node["path"] for node in written(lock)["nodes"] if "note" in node]
    assert noted == ["stem", "blocks.0.0", "blocks.1.0", "blocks.2.0"]


@pytest.mark.parametrize(
    "older", ["", "[", "[]", '{"schema": 9, "later": 1}', '{"schema": 1, "nodes": 3}', "[" * 10**5]
)
def test_what_is_no_lock_is_written_over(capsys, lock, older):
    first = Path(lock).read_text()
    Path(lock).write_text(older)
    assert archprof(capsys, "lock", "net.py:Net", "--input", "3x8x8", "-o", lock).code == 0
    assert Path(lock).read_text() == first


def test_other_inputs_are_other_networks(capsys, lock):
    result = archprof(capsys, "lock", "net.py:Net", "--input", "3x9x9", "--check", lock)
    assert result.code == 1
    assert 'changed the inputs: x {"shape": [3, 8, 8]}, now {"shape": [3, 9, 9]}\n' in result.out


def test_what_a_lock_names_is_never_run(capsys, lock):
    edited(lock, '"model": "net.py:Net"', '"model": "net.py:Exits"')
    for arguments in (("summary", lock), ("check", lock, "--max-macs", "1G"), ("diff", lock, lock)):
        result = archprof(capsys, *arguments)
        assert (result.code, result.err) == (0, "")


def test_a_lock_is_what_its_schema_says(capsys, lock):
    schema = json.loads(archprof(capsys, "schema", "lock").out)
    found = json.loads(Path(lock).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    for spoilt in ({**found, "schema": 2}, {**found, "nodes": [{**found["nodes"][0], "recorded": {}}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(spoilt, schema)


@pytest.fixture
def trains(capsys, folder):
    Path("trains.py").write_text(TRAINS)
    modes = ("--modes", "eval,train", "-o", "trains.lock.json")
    assert archprof(capsys, "lock", "trains.py:Trains", "--input", "3x8x8", *modes) == (0, "", "ran trains.py\n")
    return "trains.lock.json"


# 3 · 4 of the head, 3 · 7 of the auxiliary one; both have a bias, and the norm two numbers for each channel.
PARAMS = 12 + 4 + 21 + 7 + 6


def test_a_lock_of_both_modes(capsys, trains):
    counted = [totals(capsys, "summary", trains, *mode) for mode in ((), ("--train",))]
    assert [(one["totals"]["params"], one["totals"]["macs"]) for one in counted] == [(PARAMS, 12), (PARAMS, 12 + 21)]
    assert [one.get("mode") for one in counted] == [None, "train"]
    assert [list(one["outputs"]) for one in counted] == [["output"], ["output.0", "output.1"]]
    assert not any(layer["constant"] for layer in counted[0]["layers"])  # nor what is not run
    from_code = json.loads(
        archprof(capsys, "summary", "trains.py:Trains", "--input", "3x8x8", "--train", "--format", "json").out
    )
    assert from_code == counted[1]
    schema = json.loads(archprof(capsys, "schema", "lock").out)
    found = json.loads(Path(trains).read_text())
    jsonschema.validate(found, schema)
    shared = [node for node in found["training"]["nodes"] if isinstance(node, str)]
    assert shared == ["norm", ":mean[0]", "head"]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        # Both heads forward, and the gradients of their weights and of their inputs, which hang on the norm's.
        (("--max-train-macs", "99", "--max-macs", "12"), 0),
        (("--max-train-macs", "98"), 1),
        # The weights are those of both modes; a peak of training is that of the module in training mode.
        (("--max-weights", str(4 * PARAMS), "--max-peak", "1MiB", "--train", "sgd"), 0),
        (("--max-weights", str(4 * PARAMS - 1), "--train", "adamw"), 1),
    ],
)
def test_of_a_lock_of_both_modes_the_one_in_training_trains(capsys, trains, limits, code):
    assert archprof(capsys, "check", trains, *limits).code == code


def test_a_peak_of_training_is_that_of_the_lock_in_training_mode(capsys, trains):
    found = json.loads(archprof(capsys, "memory", trains, "--train", "sgd", "--format", "json").out)
    peak = found["peak_bytes"]
    for limit, code in ((peak, 0), (peak - 1, 1)):
        assert archprof(capsys, "check", trains, "--max-peak", str(limit), "--train", "sgd").code == code


def test_training_is_named(capsys, trains):
    note = "bias not counted; batch 1, forward pass in training mode\n"
    for arguments in (("summary", trains), ("compare", trains, trains), ("diff", trains, trains)):
        assert note in archprof(capsys, *arguments, "--train").out
        assert json.loads(archprof(capsys, *arguments, "--train", "--format", "json").out)["mode"] == "train"
        assert note not in archprof(capsys, *arguments).out


def test_budgets_are_of_evaluation(capsys, trains):
    assert archprof(capsys, "check", trains, "--max-macs", "12").code == 0


TRAINED_OTHERWISE = {
    "what both modes have is told once": (
        "nn.BatchNorm2d(3)", "nn.BatchNorm2d(3, eps=0.1)", ["changed norm: eps 1e-05, now 0.1"],
    ),
    "what is of training alone": (
        "nn.Linear(3, 7)", "nn.Linear(3, 7, bias=False)",
        [
            'changed auxiliary: parameters {"weight": 21, "bias": 7}, now {"weight": 21}',
            "changed auxiliary in training: bias true, now false",
        ],
    ),
    "what differs between the modes": ("nn.Dropout(0.5)", "nn.Dropout(0.25)", ["changed drop: p 0.5, now 0.25"]),
    "how many calls there are": (
        "self.drop(self.norm(x)", "self.drop((self.norm(x) * 2 if self.training else self.norm(x))",
        ["added :mul[0] in training", 'changed :mean[0] in training: inputs [["norm", 0]], now [[":mul[0]", 0]]'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TRAINED_OTHERWISE)
def test_both_modes_are_captured_again(capsys, trains, case):
    old, new, lines = TRAINED_OTHERWISE[case]
    check = ("lock", "trains.py:Trains", "--check", trains)
    calls = "5 calls, 6 in training"
    assert archprof(capsys, *check) == (0, f"{trains} is what trains.py:Trains is now: {calls}\n", "ran trains.py\n")
    edited("trains.py", old, new)
    result = archprof(capsys, *check)
    assert (result.code, result.out.splitlines()) == (1, [f"{trains} is not what trains.py:Trains is now", *lines])


@pytest.mark.few(1)
@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_lock_is_the_same_whoever_writes_it(trains, seed):
    command = [sys.executable, "-m", "archprof", "lock", "trains.py:Trains"]
    written = subprocess.run(
        [*command, "--input", "3x8x8", "--modes", "eval,train"],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert written.stdout.decode() == Path(trains).read_text()
