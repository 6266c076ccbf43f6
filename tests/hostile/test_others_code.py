"""Code of others that fails: the package, the spec's line and the exception are named, and everything else works."""

from importlib.util import find_spec

import pytest

from tests.language.installed import archprof, install

CODE = """
from archprof.ir.operators.act import Activation
from archprof.ir.operators.base import Elementwise
from archprof.ir.terms import term
from archprof.language.block import Block

def divides(net, x):
    return net.apply("act", Early(), x.channels / 0)

def leaves(net, x):
    raise SystemExit(7)

BLOCKS = {}
for name, apply in {
    "divides": divides,
    "leaves": leaves,
    "nothing": lambda net, x: None,
    "number": lambda net, x: 3,
    "garbage": lambda net, x: net.apply(None, None, x),
}.items():
    BLOCKS[name] = globals()[name.upper()] = Block(name, apply, (), "")

class Early(Activation):
    name = "early"
    @classmethod
    def of(cls, *inputs):
        return cls(inputs[0].no_such_field)

class Late(Activation):
    name = "late"
    def macs(self, inputs, outputs):
        return term(1 / 0)

class Half(Activation):
    name = "half"
    def parameters(self):
        return {"weight": term(0.5)}

class Vague(Activation):
    name = "vague"
    def outputs(self, *inputs):
        return None

class Unbuilt(Activation):
    name = "unbuilt"
    def module(self):
        raise OSError("no weights")

class Unrun(Activation):
    name = "unrun"
    def module(self):
        from torch import nn
        class Fails(nn.Module):
            def forward(self, x):
                raise KeyError("x")
        return Fails()
"""
BLOCKS = ("divides", "leaves", "nothing", "number", "garbage")
OPERATORS = ("early", "late", "half", "vague", "unbuilt", "unrun")
GROUPS = {
    "archprof.blocks": {name: f"odd:{name.upper()}" for name in BLOCKS},
    "archprof.operators": {name: f"odd:{name.title()}" for name in OPERATORS},
}
NET = "archprof: 1\ninput: 3x8x8\nlayers:\n  - conv: {{c: 8, k: 1}}\n  - {}\n"

FAILING = [
    ("divides", "ZeroDivisionError: division by zero"),
    ("leaves", "SystemExit: 7"),
    ("nothing", "TypeError: it returns NoneType, not a feature map"),
    ("number", "TypeError: it returns int, not a feature map"),
    ("garbage", "AttributeError: type object 'NoneType' has no attribute 'outputs'"),
    ("early", "AttributeError: 'Value' object has no attribute 'no_such_field'"),
    ("late", "ZeroDivisionError: division by zero"),
    ("half", "TypeError: its counts are no whole numbers"),
    ("vague", "TypeError: its outputs are no `Value`s with a shape of whole numbers"),
]


@pytest.fixture
def installed(tmp_path):
    install(tmp_path, "odd-blocks", GROUPS, {"odd.py": CODE})
    (tmp_path / "good.yaml").write_text(NET.format("relu"))
    return tmp_path


def failed(name, reason):
    """Return what is said of the last layer's package."""
    message = f"net.yaml:5:5: `{name}` of the package `odd-blocks` fails: {reason}"
    return f"{message}\n  in layers[1]\n  help: mend or uninstall the package\n"


@pytest.mark.few(4)
@pytest.mark.parametrize(("name", "reason"), FAILING, ids=[name for name, _ in FAILING])
def test_layer_that_fails(installed, name, reason):
    (installed / "net.yaml").write_text(NET.format(name))
    done = archprof(installed, "check", "net.yaml", "good.yaml", "--max-macs", "1M")
    assert (done.returncode, done.stderr) == (2, failed(name, reason))
    assert "✓  good.yaml" in done.stdout


@pytest.mark.few(1)
@pytest.mark.parametrize(("name", "reason"), FAILING[5:], ids=[name for name, _ in FAILING[5:]])
def test_activation_that_fails(installed, name, reason):
    (installed / "net.yaml").write_text(NET.format(f"conv: {{c: 8, k: 1, act: {name}}}"))
    for command in (
        ["summary"],
        ["sweep", "--resolution", "8,16"],
        ["solve", "--max-macs", "1M", "--resolution", "8,16"],
    ):
        done = archprof(installed, command[0], "net.yaml", *command[1:])
        assert done.returncode in (1, 2)
        assert "Traceback" not in done.stderr
        assert "a fault of archprof" not in done.stderr
    assert archprof(installed, "summary", "net.yaml").stderr == failed(name, reason)


@pytest.mark.few(1)
@pytest.mark.skipif(find_spec("torch") is None, reason="modules are built with torch")
@pytest.mark.parametrize(("name", "reason"), [("unbuilt", "OSError: no weights"), ("unrun", "KeyError: 'x'")])
def test_module_that_fails(installed, name, reason):
    (installed / "net.yaml").write_text(NET.format(name))
    assert archprof(installed, "summary", "net.yaml").returncode == 0
    done = archprof(installed, "check", "net.yaml", "good.yaml", "--max-macs", "1M", "--measure")
    assert (done.returncode, done.stderr) == (2, failed(name, reason))
    assert "✓  good.yaml" in done.stdout
