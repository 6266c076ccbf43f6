"""Files that something has damaged, and nodes that fit nothing: each is read, or said to be none; nothing is raised
that is no error of ours, and nothing takes long."""

import io
import random
import resource
import time
import tracemalloc
from contextlib import suppress
from math import prod

import numpy as np
import onnx
import pytest
from onnx import defs, helper

from archprof.analysis.summary import not_counted
from archprof.captures.onnx import file
from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from tests.captures.onnx.exported import export
from tests.captures.onnx.files import FLOAT, INT64, graph, model, node, weights
from tests.captures.onnx.modules import FAMILIES

_SEEDS = ("trunk", "mobile", "vision_transformer", "windows", "lstm", "detector", "signal")
_NUMBERS = (0, 1, 2, 127, 128, 255)
# What attributes may be given, whatever they should be; what stands where an operator wants a tensor.
_VALUES = (
    *(0, 1, -1, 2, 7, 1 << 62, -(1 << 63), 0.5, float("nan"), "a", "SAME_UPPER"),
    *([0], [1, 1], [2, 2], [-1, 5], [1 << 40, 1 << 40], [0.5], ["x"], [1, 1, 1, 1]),
)
_ELEMENTS = (0, 1, -1, 2, 5, 1 << 40, -(1 << 63), (1 << 63) - 1)
_SHAPES = ("N 3 8 8", "N 4", "N 2 8", "1 3 8 8", "N 3 4 8 8")
_FUSED = ("FusedConv", "NhwcConv", "QLinearConv", "MatMulNBits", "Attention", "GroupQueryAttention", "QGemm")
_SETTINGS = ("group", "strides", "pads", "kernel_shape", "num_heads", "N", "K", "bits", "block_size", "transB")
# Reading a file of a few KB takes milliseconds; a machine may be busy.
_SECONDS = 20


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    found = []
    for name in _SEEDS:
        for free in (False, True):
            exported = export(FAMILIES[name], tmp_path_factory.mktemp(name), dynamo=False, free=free)
            found.append((exported.path.read_bytes(), exported.sizes))
    return found


def test_no_file_is_a_fault(seeds, monkeypatch, request):
    rng = random.Random(13)
    read, damaged = 0, b""
    # Once: each change that monkeypatch is to take back holds the file of before.
    monkeypatch.setattr(file, "_bytes", lambda path: damaged)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100_000 if request.config.getoption("--thorough") else 1000):
        data, sizes = rng.choice(seeds)
        damaged = _damaged(bytearray(data), rng)
        start = time.monotonic()
        with suppress(InputError):
            analyze_graph(read_onnx("net.onnx", sizes))
            read += 1
        assert time.monotonic() - start < _SECONDS
    assert read > 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


def _damaged(data: bytearray, rng: random.Random) -> bytes:
    """Return bytes of which some are others, twice there, or gone; most of them near the front, where no weights
    are."""
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(max(1, len(data) if rng.random() < 0.5 else min(len(data), 3000)))
        kind = rng.random()
        if kind < 0.4:
            data[at : at + 1] = bytes([rng.choice((*_NUMBERS, rng.randrange(256)))])
        elif kind < 0.6:
            data[at : at + 1] = bytes([data[at] ^ (1 << rng.randrange(8))]) if data else b""
        elif kind < 0.7:
            del data[at : at + rng.choice((1, 2, 8, 100))]
        elif kind < 0.8:
            data[at:at] = rng.randbytes(rng.choice((1, 4, 20)))
        elif kind < 0.95:
            begin = rng.randrange(max(1, len(data)))
            data[at:at] = data[begin : begin + rng.choice((4, 40, 400))]
        else:
            del data[max(1, at) :]
    return bytes(data)


def test_no_node_is_a_fault(monkeypatch, request):
    """A node of any operator, with whatever inputs and attributes, some of whose shapes nobody knows."""
    rng = random.Random(13)
    data = b""
    monkeypatch.setattr(file, "_bytes", lambda path: data)
    for _ in range(20_000 if request.config.getoption("--thorough") else 600):
        data = _odd_file(rng)
        with suppress(InputError):
            analyze_graph(read_onnx("net.onnx"))


def _odd_file(rng: random.Random) -> bytes:
    schema = rng.choice([one for one in defs.get_all_schemas() if not one.domain])
    if rng.random() < 0.8:
        count = rng.randint(schema.min_input, max(schema.min_input, min(schema.max_input, 6)))
        odd = node(schema.name, "", " ".join(f"y{k}" for k in range(max(1, min(schema.max_output, 4)))))
    else:
        count = rng.randint(1, 6)
        odd = node(rng.choice(_FUSED), "", "y0", domain="com.microsoft")
    names = (*schema.attributes, *_SETTINGS)
    odd.attribute.extend(helper.make_attribute(name, rng.choice(_VALUES)) for name in names if rng.random() < 0.4)
    stored = [_odd_tensor(f"w{k}", rng) for k in range(count)]
    odd.input.extend(rng.choice(["unknown", "x", "", *2 * [f"w{k}"]]) for k in range(count))
    nodes = [node("Custom", "x", "unknown", domain="mine"), odd, node("Relu", "y0", "y")]
    shape = [int(size) if size.isdigit() else size for size in rng.choice(_SHAPES).split()]
    made = graph(nodes, {"x": shape})
    made.initializer.extend(stored)
    return model(made, rng.choice((7, 9, 11, 13, 17, 20, 22)))


def _odd_tensor(name: str, rng: random.Random) -> onnx.TensorProto:
    if rng.random() < 0.5:
        shape = [rng.randint(0, 4) for _ in range(rng.randint(0, 5))]
        return helper.make_tensor(name, FLOAT, shape, bytes(4 * prod(shape)), raw=True)
    count = rng.choice((1, 2, 4))
    return helper.make_tensor(name, INT64, [count], rng.choices(_ELEMENTS, k=count))


@pytest.mark.parametrize(
    ("inputs", "attributes"),
    [
        ("unknown", {}),
        ("unknown vector", {}),
        ("unknown weight", {"strides": "SAME"}),
        ("unknown weight", {"strides": 2}),
        ("unknown weight", {"group": "all"}),
    ],
)
def test_what_stands_around_an_unknown_shape_may_be_anything(monkeypatch, inputs, attributes):
    odd = node("NhwcConv", inputs, "y", domain="com.microsoft", **attributes)
    nodes = [node("Custom", "x", "unknown", domain="mine"), odd]
    stored = {"vector": weights(4), "weight": weights(4, 3, 1, 1)}
    data = model(graph(nodes, {"x": ["N", 3, 8, 8]}, stored=stored))
    monkeypatch.setattr(file, "_bytes", lambda path: data)
    assert "NhwcConv" in " ".join(not_counted(analyze_graph(read_onnx("net.onnx"))) or ())


def test_groups_of_a_transposed_convolution_divide_its_channels(monkeypatch):
    for groups in (0, -1, 2):
        nodes = [node("ConvTranspose", "x w", "y", group=groups)]
        data = model(graph(nodes, {"x": ["N", 3, 8, 8]}, stored={"w": weights(3, 4, 2, 2)}))
        monkeypatch.setattr(file, "_bytes", lambda path, data=data: data)
        with pytest.raises(InputError, match=f"3 input channels in {groups} groups"):
            read_onnx("net.onnx")


@pytest.mark.parametrize("text", [b"", b"\x08", b"{}", b"\xff" * 4096])
def test_what_is_no_file_is_said_to_be_none(text, monkeypatch):
    monkeypatch.setattr(file, "_bytes", lambda path: text)
    with pytest.raises(InputError, match=r"net\.onnx is no ONNX file: "):
        read_onnx("net.onnx")


def test_graphs_that_hold_each_other_have_an_end(monkeypatch):
    data = io.BytesIO()
    inner = b""
    for _ in range(5000):  # a node with an attribute that is a graph with a node …
        for key in (6 << 3 | 2, 5 << 3 | 2, 1 << 3 | 2):
            inner = bytes([key]) + _varint(len(inner)) + inner
    data.write(b"\x3a" + _varint(len(inner)) + inner)
    monkeypatch.setattr(file, "_bytes", lambda path: data.getvalue())
    with pytest.raises(InputError, match="graphs more than 16 deep in each other"):
        read_onnx("net.onnx")


_MANY = 1 << 24


def _claimed() -> onnx.TensorProto:
    """Return a tensor of integers that says how many it has, and has none."""
    return onnx.TensorProto(name="many", dims=[_MANY], data_type=INT64)


@pytest.mark.parametrize(
    ("made", "opset"),
    [
        (node("Reshape", "x many", "y"), 18),
        (node("Expand", "x many", "y"), 18),
        (node("ConstantOfShape", "many", "y"), 18),
        (node("Slice", "x many many", "y"), 18),
        (node("Pad", "x many", "y"), 18),
        (node("Tile", "x many", "y"), 18),
        (node("Resize", "x _ _ many", "y"), 18),
        (node("SplitToSequence", "many", "y"), 18),
        (node("Scan", "_ x", "y", num_scan_inputs=1, body=graph([node("Relu", "t", "u")], {"t": [1]}, ["u"])), 8),
        (node("Loop", "trips _ x", "y", body=graph([], {"i": [], "c": [], "t": [1]}, ["c", "t"])), 18),
    ],
)
def test_what_a_file_claims_takes_neither_memory_nor_time(monkeypatch, made, opset):
    claims = graph([made], {"x": [_MANY, 2, 1]}, stored={"trips": np.int64(1 << 40)})
    claims.initializer.append(_claimed())
    monkeypatch.setattr(file, "_bytes", lambda path: model(claims, opset))
    tracemalloc.start()
    try:
        with suppress(InputError):
            read_onnx("net.onnx")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
