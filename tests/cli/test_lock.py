"""`archprof lock`, and what takes locks."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.cli.console import archprof
from tests.cli.test_code import NET, WHOLE


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


def test_in_python(lock):
    import archprof as package

    assert package.analyze(lock).totals.macs == WHOLE[1]
    assert package.analyze(Path(lock)).totals.params == WHOLE[0]


ANEW = "help: a lock stands as it was captured; `archprof lock` captures anew"
TABLES = "help: name a network of the catalog, or a `.yaml` file"
NO_SPEC = "`net.lock.json` is a lock, not a spec"
OTHERS = "help: `summary`, `compare`, `diff` and `check` take it; the rest needs a block table"
MESSAGES = {
    "summary net.lock.json --width 0.5": ("`--width` needs a block table, and `net.lock.json` has none", ANEW),
    "summary net.lock.json --set act=relu": ("`--set` needs a block table, and `net.lock.json` has none", ANEW),
    "summary net.lock.json@width=0.5": ("`--width` needs a block table, and `net.lock.json` has none", ANEW),
    "compare net.lock.json --resolution 64": ("`--resolution` needs a block table, and `net.lock.json` has none", ANEW),
    "summary net.lock.json --input 3x9x9": ("`net.lock.json` has its input already", ANEW),
    "summary net.lock.json --measure": ("`--measure` needs a block table, and `net.lock.json` has none", TABLES),
    "show net.lock.json": (NO_SPEC, OTHERS),
    "sweep net.lock.json": (NO_SPEC, OTHERS),
    "validate net.lock.json": (NO_SPEC, OTHERS),
    "verify net.lock.json --analytic": (NO_SPEC, OTHERS),
    "solve net.lock.json --max-macs 1M": (NO_SPEC, OTHERS),
    "summary none.lock.json": (
        "no such file: `none.lock.json`", "help: `archprof lock net.py:Net -o none.lock.json` makes one",
    ),
    "lock mobilenet_v2": (
        "`mobilenet_v2` is no code that makes a module", "help: as in `torchvision:resnet50`, `net.py:Net`",
    ),
    "lock net.py:Net --check net.lock.json -o other.lock.json": (
        "`--check` and `-o` at once", "help: a lock is written, or compared",
    ),
    "lock net.py:Net --input 3x8x8 -o net.json": (
        "`net.json` would not be known as a lock", "help: its name ends with `.lock.json`",
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
