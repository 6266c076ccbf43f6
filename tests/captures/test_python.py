"""Captured graphs in Python: counted, compared, held to limits, kept as locks."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import archprof
from tests.cli.console import archprof as call
from tests.docs.markdown import ROOT

LOCK = ROOT / "tests" / "captures" / "schema_1.lock.json"
# A 3×3 convolution from 3 to 4 channels at 6×6 positions, and a linear layer from 4 to 2.
PARAMS, MACS = 3 * 4 * 9 + 4 + 4 * 2 + 2, 3 * 4 * 9 * 36 + 4 * 2


class Net(nn.Module):
    def __init__(self, classes=2, turned=False):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, classes)
        self.turned = turned

    def forward(self, x):
        x = self.head(self.conv(x).mean((2, 3)))
        return torch.fft.rfft(x) if self.turned else x


MODULE: Any = Net()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def captured(**arguments):
    return archprof.capture(Net(**arguments), (3, 8, 8))


def said(function, *arguments, **keywords):
    with pytest.raises(archprof.ArchprofError) as error:
        function(*arguments, **keywords)
    return str(error.value)


def locked(graph):
    archprof.lock(graph, "net.lock.json")
    return "net.lock.json"


FORMS = {
    "graph": lambda graph: graph,
    "lock": locked,
    "path": lambda graph: Path(locked(graph)),
    "pattern": lambda graph: locked(graph).replace("net", "*"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("macs", "failures"), [(MACS, 0), (MACS - 1, 1)])
def test_check(form, macs, failures):
    found = archprof.check(FORMS[form](captured()), macs=macs, params=PARAMS)
    assert len(found.failures) == failures
    assert [one.totals.macs for one in found.models] == [MACS]


def test_a_check_prints_as_its_command_does(capsys):
    found = archprof.check(locked(captured()), macs="1M")
    assert f"{found}\n" == call(capsys, "check", "net.lock.json", "--max-macs", "1M").out
    assert repr(found) == "<Outcome: 1 budget checked, none exceeded>"
    output = call(capsys, "check", "net.lock.json", "--max-macs", "1M", "--format", "json").out
    given = {"location": "--max-macs 1M"}
    expected = json.loads(output)
    assert expected["verdicts"][0] | given == expected["verdicts"][0]
    expected["verdicts"][0]["location"] = "archprof.check"
    assert found.to_dict() == expected


@pytest.mark.parametrize("allowed", [True, "aten._fft_r2c", ["aten._fft_r2c.default"], ("_fft_r2c",)])
@pytest.mark.parametrize("form", FORMS)
def test_what_may_stay_uncounted(form, allowed):
    model = FORMS[form](captured(turned=True))
    assert archprof.check(model, macs=MACS, allow_uncounted=allowed).exit_code == 0
    missing = f"MACs are at least {MACS:,}; not counted: aten._fft_r2c ×1\n"
    advice = '  help: `allow_uncounted="aten._fft_r2c"` holds what is counted to the limit'
    assert said(archprof.check, model, macs=MACS).endswith(missing + advice)


def test_compare_and_diff(capsys):
    names = []
    for classes in (2, 3):
        archprof.lock(captured(classes=classes), f"{classes}.lock.json")
        names.append(f"{classes}.lock.json")
    compared = archprof.compare(captured(), names[1])
    assert [one.totals.macs for one in compared.models] == [MACS, MACS + 4]
    assert f"{archprof.compare(*names)}\n" == call(capsys, "compare", *names).out
    assert repr(compared) == "<Comparison of Net, 3.lock.json>"
    changed = archprof.diff(captured(), captured(classes=3))
    assert [(one.after, one.delta.macs) for one in changed.blocks] == [("head", 4)]
    assert f"{archprof.diff(*names)}\n" == call(capsys, "diff", *names).out
    assert archprof.diff(names[1], captured(classes=3)).empty
    assert archprof.diff(captured(), captured(classes=3), ignore=["linear"]).hidden == 1
    assert repr(changed) == "<Diff of Net and Net: 1 change>"


@pytest.mark.parametrize("kind", ["Outcome", "Comparison", "Diff"])
def test_results_have_names(kind):
    assert isinstance(getattr(archprof, kind), type)


def test_a_lock_is_the_graph():
    graph = archprof.capture(Net(), (3, 8, 8))
    again = archprof.expand(locked(graph))
    assert [(node.path, node.op, node.outputs) for node in again.nodes] == [
        (node.path, node.op, node.outputs) for node in graph.nodes
    ]
    head = json.loads(Path("net.lock.json").read_text())["captured"]
    assert (head["model"], head["inputs"]) == ("Net", ["x=3x8x8"])


class Words(nn.Module):
    def forward(self, ids, mask, pair):
        return ids * mask * pair[0]


def test_inputs_as_they_are_typed():
    ids, mask = torch.zeros(1, 5, dtype=torch.int64), torch.ones(7, 5, dtype=torch.bool)
    graph = archprof.capture(Words(), args=(ids, mask, (torch.ones(()),)))
    locked(graph)
    head = json.loads(Path("net.lock.json").read_text())["captured"]
    assert head["inputs"] == ["ids=5:int64", "mask=7x5:bool:whole", ":whole"]


@pytest.mark.parametrize(
    ("graph", "file", "message"),
    [
        (captured, "net.json", "`net.json` would not be known as a lock\n  help: its name ends with `.lock.json`"),
        (captured, "no/net.lock.json", "cannot write `no/net.lock.json`: no such file or directory"),
        (lambda: "v3", "a.lock.json", "`lock` takes a captured graph, not str `v3`\n"),
        (
            lambda: archprof.expand("mobilenet_v2"), "a.lock.json",
            "`mobilenet_v2` is a spec, which needs no lock\n  help: its file can be kept in git",
        ),
        (lambda: archprof.expand(LOCK), "a.lock.json", f"`{LOCK}` is a lock already\n  help: copy the file"),
    ],
)  # fmt: skip
def test_what_is_no_lock(graph, file, message):
    assert said(archprof.lock, graph(), file).startswith(message)
    assert not Path(file).exists()


MEASURED = (
    "`measure` builds a module, and `Net` is a graph without a block table\n"
    "  help: measure the module itself: `archprof.measure(module, (3, 224, 224))`"
)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: archprof.measure(captured()), MEASURED),
        (lambda: archprof.build(captured()), "building a module needs a block table, and `Net` has none\n"),
        (lambda: archprof.analyze(captured(), width=2), "a Graph has its settings already: `width` comes too late"),
        (lambda: archprof.check(MODULE, macs=1), "`check` takes the name of a network, not Net"),
        (lambda: archprof.diff(MODULE, MODULE), "`diff` takes the name of a network, not Net"),
        (archprof.compare, "`compare` compares nothing"),
        (lambda: archprof.check("none.lock.json", macs=1), "no such file: `none.lock.json`"),
        (lambda: archprof.check("net.py:Net", macs=1), "`net.py:Net` is Python code, which "),
        (lambda: archprof.compare("timm:vit"), "`timm:vit` is a model of timm, which "),
        (lambda: archprof.analyze("net.py:Net"), "`net.py:Net` is Python code, which "),
    ],
)
def test_refusals(function, message):
    assert said(function).startswith(message)


def test_no_such_metric():
    with pytest.raises(TypeError, match="no metric 'mcas': there are params, "):
        archprof.check(captured(), mcas=1)
