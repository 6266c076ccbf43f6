"""Exported programs that anybody has changed, in their JSON or in their bytes: counted or refused, never a fault of
ours."""

import json
import random
from typing import Any

import pytest

from archprof.captures.pt2.read import read_exported
from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from tests.captures.programs import MODEL, texts, write
from tests.cli.console import archprof

VALUES: tuple[Any, ...] = (
    *(0, 1, 2, 7, 8, 2**31, 2**53, 2**63 - 1, 10**40, -1, 1.5, 1e300, True, None, [], {}, [0], [1, 1], [[[[]]]]),
    *("", "x", "a.b", "conv2d", "s0", "s53", ":", "::error::", "\x1b[2J", "é", "\u202e", "p_head_weight", "add_1"),
    *("torch.ops.aten.conv2d.default", "torch.ops.aten.matmul.default", "torch.ops.aten.mean.dim", "_operator.add"),
    *("torch.ops.aten.convolution.default", "torch.ops.aten.lstm.input", "torch.ops.higher_order.while_loop"),
    *("Pow(Symbol('s0'), Integer(64))", "FloorDiv(Symbol('s0'), Integer(0))", "s0**s0**s0", "Symbol('u0')"),
    *("L__self__,,net.Net;L__self__block,block,net.Block", "L__self__,,", "bij,bjk->bik", "..."),
    *({"as_int": -1}, {"as_int": 2**40}, {"as_tensor": {"name": "x"}}, {"as_none": True}, {"as_float": "Infinity"}),
    *({"as_expr": {"expr_str": "Symbol('s0')"}}, {"as_ints": [0, 0]}, {"as_tensors": [{"name": "x"}] * 3}),
)
AXES = (("s53", "16"), ("s0", "24"))


def changed(found, dice):
    """Return texts with another value somewhere, of the same type more often than not, or without it."""
    places: list[tuple[Any, Any]] = [(found, key) for key in found]
    for holder, key in places:
        inner = holder[key]
        keys = inner.keys() if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        places += [(inner, one) for one in keys]
    holder, key = dice.choice(places)
    alike = [value for value in VALUES if type(value) is type(holder[key])]
    if dice.random() < 0.15:
        del holder[key]
    else:
        holder[key] = dice.choice(alike if alike and dice.random() < 0.7 else VALUES)
    return found


def counted(path):
    """Count a program. Raises InputError, with messages of one's own, where it cannot be."""
    try:
        report = analyze_graph(read_exported(str(path), AXES).graph)
        return str(report.totals.macs)
    except InputError as error:
        said = str(error)
        assert "\x1b" not in said
        assert "\n::" not in said
        return said


@pytest.mark.few(100)
@pytest.mark.parametrize("seed", range(400))
def test_no_value_is_a_fault_of_ours(tmp_path, seed):
    dice, found = random.Random(seed), texts()
    for _ in range(1 + seed % 3):
        found = changed(found, dice)
    write(tmp_path / "net.pt2", found)
    assert counted(tmp_path / "net.pt2")


@pytest.mark.parametrize("seed", range(150))
def test_no_byte_is_a_fault_of_ours(tmp_path, seed):
    dice = random.Random(seed)
    write(tmp_path / "net.pt2", packed=seed % 2 == 0)
    data = bytearray((tmp_path / "net.pt2").read_bytes())
    for _ in range(1 + seed % 4):
        # The list of files at the end decides more than what is packed.
        start = 0 if dice.random() < 0.4 else max(len(data) - 300, 0)
        data[dice.randrange(start, len(data))] = dice.randrange(256)
    if seed % 5 == 0:
        del data[dice.randrange(len(data)) :]
    (tmp_path / "net.pt2").write_bytes(data)
    assert counted(tmp_path / "net.pt2")


@pytest.mark.parametrize("seed", range(30))
def test_every_command_says_so(capsys, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "old.pt2")
    write(tmp_path / "net.pt2", changed(texts(), random.Random(seed)))
    at = "@s53=16,s0=24"
    for line in (f"summary net.pt2{at} --full", f"diff old.pt2{at} net.pt2{at}", f"check net.pt2{at} --max-macs 1M"):
        result = archprof(capsys, *line.split())
        assert result.code in (0, 1, 2)
        assert "a fault of archprof" not in result.err
        assert "\x1b" not in result.out + result.err
        assert not any(text.startswith("::") for text in (result.out + result.err).splitlines())


def nested(levels, inner, *, opening, closing):
    return f"{opening * levels}{inner}{closing * levels}"


def with_graph(change):
    found = texts()
    change(found[MODEL]["graph_module"]["graph"])
    return found


def nest_graphs(graph):
    """Put a function into a function, many times over."""
    cond = next(node for node in graph["nodes"] if "cond" in node["target"])
    one, function = json.dumps(cond), cond["inputs"][1]["arg"]["as_graph"]["graph"]
    for _ in range(20):
        function["nodes"] = [json.loads(one)]
        function = function["nodes"][0]["inputs"][1]["arg"]["as_graph"]["graph"]


def double(graph):
    graph["nodes"] += graph["nodes"][-1:]


def read_itself(graph):
    graph["nodes"][0]["inputs"][0]["arg"]["as_tensor"]["name"] = graph["nodes"][0]["name"]
    graph["nodes"][1]["inputs"][0]["arg"]["as_tensor"]["name"] = graph["nodes"][-1]["name"]


def grow(graph):
    graph["tensor_values"]["conv2d"]["sizes"] = [{"as_int": 2**31}] * 4


def rank(graph):
    graph["tensor_values"]["conv2d"]["sizes"] = [{"as_int": 1}] * 1000


HOSTILE = {
    "nesting": lambda: {MODEL: nested(100_000, "1", opening="[", closing="]")},
    "nested objects": lambda: {MODEL: nested(100_000, "1", opening='{"a":', closing="}")},
    "a long number": lambda: {MODEL: "9" * 10_000},
    "no JSON": lambda: {MODEL: b"\x80\x04\x95"},
    "no object": lambda: {MODEL: "[]"},
    "a bomb": lambda: {MODEL: " " * (80 << 20)},
    "half of a character": lambda: {MODEL: '"\\ud800"'},
    "twice a key": lambda: {MODEL: '{"a": 1, "a": 2}'},
    "functions in functions": lambda: with_graph(nest_graphs),
    "twice a name": lambda: with_graph(double),
    "a call that reads itself": lambda: with_graph(read_itself),
    "a huge tensor": lambda: with_graph(grow),
    "many axes": lambda: with_graph(rank),
    "weights that are none": lambda: {**texts(), "data/weights/model_weights_config.json": "{}"},
}
SAID = {
    "nesting": "this is no program: nesting",
    "nested objects": "this is no program: nesting",
    "a long number": "this is no program: a number of thousands of digits",
    "no JSON": "the file is not UTF-8 text",
    "no object": "expected an object, not `[]`",
    "a bomb": "a program of more than 64 MiB",
    "half of a character": "`\\ud800` is half of a character",
    "twice a key": "`a` stands there twice",
    "functions in functions": "functions of more than 16 levels",
    "twice a name": 'two tensors are called `"einsum"`',
    "a call that reads itself": "no tensor before is called",
    "a huge tensor": "has too many elements",
    "many axes": "expected a list, not",
    "weights that are none": "`config` is missing",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs(tmp_path, name):
    write(tmp_path / "net.pt2", HOSTILE[name](), packed=True)
    assert SAID[name] in counted(tmp_path / "net.pt2")
