"""Locks: what is written is what is read, and nothing else is believed."""

import json
import random
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import archprof
from archprof.captures.lock import read_lock
from archprof.captures.lock_text import Captured, Lock, lock_text
from archprof.costs.report import analyze_graph
from archprof.language.expand import read_network
from archprof.runtime.build import build_network
from archprof.spec import catalog
from tests.by_day import these_by_day
from tests.captures.test_modules import Filled, Net

# Of other families each, whose locks are written in no time.
_SMALL = ("alexnet", "mc3_18", "mobilenet_v3_small", "resnet18", "shufflenet_v2_x2_0", "vit_tiny_patch16_224")
HOW = Captured("net.py:Net", ("3x16x16",), "eval", "0.1.0", "2.13.0", "timm 1.0.31")


def read_again(graph, tmp_path, training=None):
    file = tmp_path / "net.lock.json"
    file.write_text(lock_text(Lock(graph, HOW._replace(how=graph.captured), training)), encoding="utf-8")
    return read_lock(str(file))


def check_same(graph, tmp_path, training=None):
    found = read_again(graph, tmp_path, training)
    assert found.captured == HOW._replace(how=graph.captured)
    for read, captured in zip(found[::2], (graph, training), strict=True):
        if read != captured:
            assert read._replace(name=captured.name, origin=captured.origin) == captured
            assert analyze_graph(read).columns == analyze_graph(captured).columns


@pytest.mark.parametrize("network", these_by_day(catalog.files(), _SMALL))
def test_a_network_of_the_catalog_is_read_as_it_was_captured(network, tmp_path):
    spec = read_network(network)
    if "input" not in spec.inputs or not spec.inputs["input"].is_float:
        pytest.skip("it takes no image")
    module = build_network(spec, initialise=False, device="meta")
    graph = archprof.capture(module, tuple(spec.inputs["input"].shape))
    check_same(graph, tmp_path)
    assert analyze_graph(read_again(graph, tmp_path).graph).totals == analyze_graph(spec).totals


def test_a_lock_of_resnet50_is_small_and_has_a_node_a_line(tmp_path):
    module = build_network(read_network("resnet50"), initialise=False, device="meta")
    graph, training = (archprof.capture(module, (3, 224, 224), train=train) for train in (False, True))
    written = lock_text(Lock(graph, HOW._replace(how="meta"), training))
    assert len(written.encode()) <= 500_000
    lines = written.splitlines()
    assert sum(line.startswith('    {"path": ') for line in lines) == len(graph.nodes)
    # What trains as it is evaluated stands there once: all but the counting of batches.
    assert sum(line.startswith('      {"path": ') for line in lines) == len(training.nodes) - len(graph.nodes) == 53
    assert lock_text(read_again(graph, tmp_path, training)) == written


class Words(nn.Module):
    def forward(self, ids, scale):
        first, second = torch.ones(6, 4)[ids].split(2, dim=-1)
        return first * scale, torch.fft.rfft(second)


class Trains(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm, self.drop = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.3)
        self.head, self.auxiliary = nn.Linear(4, 5), nn.Linear(4, 5)

    def forward(self, x):
        x = self.drop(self.norm(self.stem(x)).relu_().mean((2, 3)))
        return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)


_shared = nn.Linear(6, 6)
_frozen = nn.Sequential(nn.Linear(6, 6).requires_grad_(False), nn.Linear(6, 5))
MODULES: dict[str, tuple[nn.Module, dict[str, Any]]] = {
    "a network with buffers, views and what is not run": (Net(), {"input": (3, 16, 16)}),
    "a module that is called twice": (nn.Sequential(_shared, nn.ReLU(), _shared), {"input": (6,)}),
    "frozen parameters": (_frozen, {"input": (6,)}),
    "integers, several outputs, what is not counted": (
        Words(), {"args": (torch.zeros(3, dtype=torch.int64), torch.ones(()))},
    ),
    "what has no form of ours": (nn.RNNCell(3, 4), {"args": (torch.zeros(1, 3), torch.zeros(1, 4))}),
    "a tensor that is filled piece by piece": (Filled(), {"input": (2, 4)}),
    "attention": (nn.TransformerEncoderLayer(8, 2, batch_first=True), {"input": (5, 8)}),
    "what is captured at one batch size": (nn.TransformerEncoderLayer(8, 2), {"args": (torch.zeros(5, 3, 8),)}),
    "a batch inside a layout": (nn.LSTM(3, 4, batch_first=True), {"input": (5, 3)}),
    "elements of half the size": (nn.Linear(6, 6, dtype=torch.bfloat16), {"input": (6,)}),
    "auxiliary heads, dropout and statistics": (Trains(), {"input": (3, 6, 6)}),
}  # fmt: skip


@pytest.mark.parametrize("case", MODULES)
def test_a_module_is_read_as_it_was_captured(case, tmp_path):
    module, given = MODULES[case]
    check_same(archprof.capture(module, **given), tmp_path, archprof.capture(module, **given, train=True))


def document(train=False):
    """Return the lock of a convolution, an activation, two views, and what was recorded of a product; with *train*, of
    training too."""
    return json.loads(_written(train))


@cache
def _written(train):

    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2, 4))

        def forward(self, x):
            return torch.inner(x, self.weight)

    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Conv2d(3, 8, 3), Inner()

        def forward(self, x):
            return self.last(self.first(x).relu().transpose(2, 3).unsqueeze(1))

    training = archprof.capture(Both(), (3, 6, 6), train=True) if train else None
    return lock_text(Lock(archprof.capture(Both(), (3, 6, 6)), HOW, training))


def at(*keys, value):
    """Return what puts a value where keys lead."""

    def put(found):
        for key in keys[:-1]:
            found = found[key]
        found[keys[-1]] = value

    return put


FIRST = ("nodes", 0)
OPERATOR = (*FIRST, "attributes")
# What is done to a lock, where that is said to be, and how.
WRONG: dict[str, tuple[Any, str, str]] = {
    "another schema": (at("schema", value=2), "", "lock schema `2` is not known here: there is schema 1"),
    "a schema of another type": (
        at("schema", value=True), "", "lock schema `true` is not known here: there is schema 1",
    ),
    "no model": (lambda found: found["captured"].pop("model"), "captured", "`model` is missing"),
    "a text that a terminal obeys": (
        at("captured", "model", value="\x1b[2J"), "captured", "`model`: expected a plain text, not `\"\\u001b[2J\"`",
    ),
    "a command to a runner": (
        at(*FIRST, "path", value="::error::x"), "nodes[0], `\"::error::x\"`",
        "`path`: expected a plain text, not `\"::error::x\"`",
    ),
    "no inputs": (at("inputs", value={}), "inputs", "`inputs`: a network has an input"),
    "nodes by name": (at("nodes", value={}), "nodes", "`nodes`: expected a list, not `{}`"),
    "no node": (at("nodes", 1, value=7), "nodes[1]", "expected an object, not `7`"),
    "an edge ahead": (
        at(*FIRST, "inputs", value=[["last", 0]]), "nodes[0], `\"first\"`", "`inputs`: no call before is `\"last\"`",
    ),
    "an edge to itself": (
        at(*FIRST, "inputs", value=[["first", 0]]), "nodes[0], `\"first\"`", "`inputs`: no call before is `\"first\"`",
    ),
    "an output that there is not": (
        at("outputs", "output", value=["last", 1]), "outputs", "`outputs`: expected an integer from 0 to 0, not `1`",
    ),
    "an operator of nobody": (
        at(*FIRST, "op", value="os.system"), "nodes[0], `\"first\"`",
        "`op`: there is no operator `\"os.system\"` here; it may be of a newer archprof",
    ),
    "an attribute of nobody": (
        at(*OPERATOR, "dropped", value=1), "nodes[0], `\"first\"`",
        "`attributes`: `Conv2d` has no `\"dropped\"`; it may be of a newer archprof",
    ),
    "no attribute": (
        lambda found: found["nodes"][0]["attributes"].pop("in_channels"), "nodes[0], `\"first\"`",
        "`in_channels` is missing",
    ),
    "an attribute out of range": (
        at(*OPERATOR, "groups", value=0), "nodes[0], `\"first\"`",
        "`groups`: expected an integer from 1 to 2,147,483,648, not `0`",
    ),
    "an attribute of another type": (
        at(*OPERATOR, "kernel_size", value=[3, 3.0]), "nodes[0], `\"first\"`",
        "`kernel_size`: expected an integer from 1 to 2,147,483,648, not `3.0`",
    ),
    "too few sizes": (
        at(*OPERATOR, "kernel_size", value=[3]), "nodes[0], `\"first\"`",
        "`kernel_size`: expected a list of 2, not `[3]`",
    ),
    "what does not fit": (
        at(*OPERATOR, "in_channels", value=4), "nodes[0], `\"first\"`",
        "`Conv2d` does not fit what it reads: a convolution of 4 channels on 3",
    ),
    "another output": (
        at(*FIRST, "outputs", value=[{"shape": [8, 5, 5]}]), "nodes[0], `\"first\"`",
        "`outputs`: `Conv2d` returns `[8, 4, 4]`",
    ),
    "no output": (
        at(*FIRST, "outputs", value=[]), "nodes[0], `\"first\"`", "`outputs` is empty, and a call returns something",
    ),
    "more elements than there are": (
        at("inputs", "x", "shape", value=[1 << 30, 1 << 30]), "inputs",
        "`inputs`: a tensor of `[1073741824, 1073741824]` has too many elements",
    ),
    "an axis that there is not": (
        at("inputs", "x", "channel", value=3), "inputs",
        "`inputs`: `channel`: expected an integer from 0 to 2, not `3`",
    ),
    "a batch of another rank": (
        at("inputs", "x", "batch", value=[1, 0]), "inputs", "`inputs`: `batch`: expected a list of 3, not `[1, 0]`",
    ),
    "no type of elements": (
        at("inputs", "x", "dtype", value="float 32"), "inputs",
        "`inputs`: `dtype`: expected a type of elements, not `\"float 32\"`",
    ),
    "another call": (at(*FIRST, "call", value=2), "nodes[0], `\"first\"`", "`call`: this is call 1 of the path"),
    "a call that is not the first": (
        at("nodes", 1, "path", value="first"), "nodes[1], `\"first\"`", "`call`: this is call 2 of the path",
    ),
    "a name twice": (
        lambda found: found["nodes"].extend(
            {**found["nodes"][1], "path": path, "call": call} for path, call in (("a#2", 1), ("a", 1), ("a", 2))
        ),
        "nodes[7], `\"a\"`", "another call is `\"a#2\"` too",
    ),
    "strides of another rank": (
        at("nodes", 2, "outputs", 0, "strides", value=[16, 1, 4]), "nodes[2], `\":transpose[0]\"`",
        "`outputs`: `strides`: expected a list of 4, not `[16, 1, 4]`",
    ),
    "a stride below 0": (
        at("nodes", 2, "outputs", 0, "strides", value=[128, 16, -1, 4]), "nodes[2], `\":transpose[0]\"`",
        "`outputs`: `strides`: expected an integer from 0 to 9,007,199,254,740,992, not `-1`",
    ),
    "a stride that grows twice": (
        at("nodes", 2, "outputs", 0, "strides", value=[[128, 1, 1], 16, 1, 4]), "nodes[2], `\":transpose[0]\"`",
        "`outputs`: `strides`: expected a list of 2, not `[128, 1, 1]`",
    ),
    "strides out of memory": (
        at("nodes", 2, "outputs", 0, "strides", value=[128, 16, 1 << 52, 4]), "nodes[2], `\":transpose[0]\"`",
        "`outputs`: `strides`: they lead out of any memory",
    ),
    "an alias of a later output": (
        at("nodes", 2, "aliases", value=[1]), "nodes[2], `\":transpose[0]\"`",
        "`aliases`: expected an integer from 0 to 0, not `1`",
    ),
    "an alias of a call": (
        at("nodes", 2, "aliases", value=["last"]), "nodes[2], `\":transpose[0]\"`",
        "`aliases`: expected an integer from 0 to 0, not `\"last\"`",
    ),
    "an alias of no output": (
        at("nodes", 2, "aliases", value=[0, 0]), "nodes[2], `\":transpose[0]\"`",
        "`aliases`: expected a list of 0 or 1, not `[0, 0]`",
    ),
    "aliases of many that are none": (
        at("nodes", 2, "aliases_of_many", value=None), "nodes[2], `\":transpose[0]\"`",
        "`aliases_of_many`: expected a list of 0 or 1, not `null`",
    ),
    "a write to an output": (
        at("nodes", 2, "writes", value=[1]), "nodes[2], `\":transpose[0]\"`",
        "`writes`: expected an integer from 0 to 0, not `1`",
    ),
    "a write to nothing": (
        lambda found: found["nodes"][4].update(inputs=[], aliases=[], writes=[0]), "nodes[4], `\"last\"`",
        "`writes`: the call reads nothing, and nothing can lie at `0`",
    ),
    "a type of no elements": (
        at(*FIRST, "dtypes", value={"weight": 16}), "nodes[0], `\"first\"`",
        "`dtypes`: expected a plain text, not `16`",
    ),
    "a batch that is perhaps single": (
        at("single_batch", value=1), "single_batch", "`single_batch`: expected true or false, not `1`",
    ),
    "multiply-accumulates below 0": (
        at("nodes", 4, "recorded", "macs", value=-1), "nodes[4], `\"last\"`",
        "`recorded`: `macs`: expected an integer from 0 to 9,007,199,254,740,992, not `-1`",
    ),
    "a kind of nobody": (
        at("nodes", 4, "recorded", "kind", value="cheap"), "nodes[4], `\"last\"`",
        "`recorded`: `kind`: expected one of standard, pointwise, depthwise, grouped, mixed, se, linear,"
        " attention, matmul, recurrent, norm, act,"
        " pool, join, shape, dropout, other, not `\"cheap\"`",
    ),
}  # fmt: skip


# The same of what a lock has of training.
WRONG_IN_TRAINING: dict[str, tuple[Any, str, str]] = {
    "no object": (at("training", value=[]), "training", "`training`: expected an object, not `[]`"),
    "no calls": (lambda found: found["training"].pop("nodes"), "training.nodes", "`nodes` is missing"),
    "a call of nobody": (
        at("training", "nodes", 1, value="nobody"), "training.nodes[1]", "no call of evaluation is `\"nobody\"`",
    ),
    "a call before what it reads": (
        at("training", "nodes", 0, value="last"), "training.nodes[0]",
        "`inputs`: no call before is `\":unsqueeze[0]\"`",
    ),
    "a call twice": (
        at("training", "nodes", 1, value="first"), "training.nodes[1]", "`call`: this is call 2 of the path",
    ),
    "another input": (
        at("training", "inputs", "x", "shape", value=[4, 6, 6]), "training.nodes[0]",
        "`Conv2d` does not fit what it reads: a convolution of 3 channels on 4",
    ),
    "an output that there is not": (
        at("training", "outputs", "output", value=["last", 1]), "training.outputs",
        "`outputs`: expected an integer from 0 to 0, not `1`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_IN_TRAINING)
def test_what_is_wrong_of_training_is_told_with_its_place(case, tmp_path):
    spoil, where, message = WRONG_IN_TRAINING[case]
    found = document(train=True)
    spoil(found)
    text = json.dumps(found, indent=1)
    problem = refused(text, tmp_path)
    assert (problem.where, problem.message) == (where, message)
    behind = text[: text.index('"training"')].count("\n") + 1
    assert problem.location.line >= behind


def refused(text, tmp_path):
    file = tmp_path / "net.lock.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(archprof.UsageError) as raised:
        read_lock(str(file))
    [problem] = raised.value.problems
    return problem


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_with_its_place(case, tmp_path):
    spoil, where, message = WRONG[case]
    found = document()
    spoil(found)
    problem = refused(json.dumps(found, indent=1), tmp_path)
    assert (problem.where, problem.message) == (where, message)
    assert problem.location is not None
    assert problem.location.line > 1
    assert problem.help == "take the file from git again, or write it anew with `archprof lock`"


TEXTS = {
    "nothing": ("", "1:1: this is not valid JSON: expecting value"),
    "a half": (
        '{"schema": 1,\n "captured": {',
        "2:15: this is not valid JSON: expecting property name enclosed in double quotes",
    ),
    "a list": ("[]", "1:1: this is no lock: there is schema 1"),
    "an object": ("{}", "1:1: this is no lock: there is schema 1"),
    "a key twice": ('{"schema": 1,\n "schema": 1}', '1:2: `schema` stands there twice'),
    "depth": ("[" * 100_000, "1:1: this is no lock: nesting"),
    "digits": ('{"schema": ' + "9" * 10_000 + "}", "1:1: this is no lock: a number of thousands of digits"),
    "no number": ('{"schema": NaN}', "1:12: NaN is no count"),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_what_is_no_lock_is_told_with_its_place(case, tmp_path):
    text, message = TEXTS[case]
    file = tmp_path / "net.lock.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(archprof.UsageError) as raised:
        read_lock(str(file))
    advice = "take the file from git again, or write it anew with `archprof lock`"
    assert str(raised.value) == f"{file}:{message}\n  help: {advice}"


def test_every_truncated_lock_is_refused(tmp_path):
    written = json.dumps(document())
    file = tmp_path / "net.lock.json"
    for length in range(0, len(written), 37):
        file.write_text(written[:length], encoding="utf-8")
        with pytest.raises(archprof.UsageError):
            read_lock(str(file))


def test_fields_that_nobody_knows_are_looked_over(tmp_path):
    found = document()
    file = tmp_path / "net.lock.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    before = read_lock(str(file))
    for record in (found, found["captured"], found["nodes"][0], found["nodes"][4]["recorded"], found["inputs"]["x"]):
        record["from_later"] = {"any": [1]}
    file.write_text(json.dumps(found), encoding="utf-8")
    assert read_lock(str(file)) == before


OLD = Path(__file__).with_name("schema_1.lock.json")


def test_a_lock_that_was_written_before_is_read():
    report = analyze_graph(read_lock(str(OLD)).graph)
    stem, head = 27 * 8, 8 * 10
    assert report.totals.macs == stem * 16 * 16 + head
    assert (report.totals.params, report.totals.trainable) == (
        stem + 8 + 16 + 2 * (head + 10),
        stem + 8 + 16 + head + 10,
    )


@pytest.mark.parametrize("seed", range(100))
def test_no_lock_is_a_fault_of_ours(seed, tmp_path):
    dice = random.Random(seed)
    written = OLD.read_text(encoding="utf-8")
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(written))
        other = dice.choice(("", "0", "-1", "9" * 30, "[]", "{}", "null", '"', ",", "true", "1.5", "\x1b", "é", "::"))
        written = written[:at] + other + written[at + dice.choice((0, 1, 1, 5)) :]
    file = tmp_path / "net.lock.json"
    file.write_text(written, encoding="utf-8")
    with suppress(archprof.UsageError):
        assert str(analyze_graph(read_lock(str(file)).graph).totals.macs)


# What may stand somewhere in JSON, and mostly should not.
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    -1,
    1.5,
    1 << 31,
    1 << 53,
    1 << 70,
    "",
    "x",
    "held",
    "last",
    [],
    [0],
    [[1, 1]],
    {},
    {"x": 1},
)


def places(value):
    """Yield where something stands in a document: what holds it, and its key."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


@pytest.mark.parametrize("seed", range(40))
def test_no_field_of_a_lock_is_a_fault_of_ours(seed, tmp_path):
    dice = random.Random(seed)
    written = json.dumps(document(train=True))
    file = tmp_path / "net.lock.json"
    for _ in range(10):
        found = json.loads(written)
        for _ in range(dice.randint(1, 2)):
            holder, key = dice.choice(list(places(found)))
            holder[key] = dice.choice(ODD)
        file.write_text(json.dumps(found), encoding="utf-8")
        with suppress(archprof.UsageError):
            for graph in filter(None, read_lock(str(file))[::2]):
                assert str(analyze_graph(graph).totals.macs)
