"""Files that something has damaged: each is read, or said to be none; nothing is raised that is no error of ours, and
nothing takes long."""

import io
import random
import resource
import time
from contextlib import suppress

import pytest

from archprof.captures.onnx import file
from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from tests.captures.onnx.exported import export
from tests.captures.onnx.modules import FAMILIES

_SEEDS = ("trunk", "mobile", "vision_transformer", "windows", "lstm", "detector", "signal")
_NUMBERS = (0, 1, 2, 127, 128, 255)
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
    read = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100_000 if request.config.getoption("--thorough") else 2000):
        data, sizes = rng.choice(seeds)
        damaged = _damaged(bytearray(data), rng)
        monkeypatch.setattr(file, "_bytes", lambda path, damaged=damaged: damaged)
        start = time.monotonic()
        with suppress(InputError):
            analyze_graph(read_onnx("net.onnx", sizes))
            read += 1
        assert time.monotonic() - start < _SECONDS
    assert read > 200
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


@pytest.mark.parametrize("text", [b"", b"\x08", b"version https://git-lfs.github.com/spec/v1\n", b"{}", b"\xff" * 4096])
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


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
