"""What a network takes: shapes as they are typed, resolutions of each, several inputs by name."""

import inspect
import pickle

import pytest
import torch

import archprof
from archprof.errors import InputError, Location
from archprof.ir.values import Value
from archprof.spec import inputs
from archprof.spec.axis import parse_axis
from archprof.spec.nodes import Scalar
from archprof.spec.reader import parse_value
from archprof.sweep.compute import compute
from archprof.sweep.plan import Selection, plan_sweep

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

PLACE = Location("net.yaml", 2, 8)


def read(text):
    return inputs.read_inputs(parse_value(text, PLACE))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3x224x224", Value((3, 224, 224))),
        ("1×16000", Value((1, 16000))),
        ("3x16x112x112", Value((3, 16, 112, 112))),
        ("1x16x112x112", Value((1, 16, 112, 112))),
        ("80x80:float32", Value((80, 80))),
        ("10:float32", Value((10,))),
        ("128:int64", Value((128,), None, dtype="int64")),
        ("14x14:int64", Value((14, 14), None, dtype="int64")),
        ("128:bool", Value((128,), None, dtype="bool")),
    ],
)
def test_input(text, value):
    assert read(text) == {"input": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "224x224",
            "net.yaml:2:8: expected `CxHxW`, not `224x224`\n"
            "  help: an image has channels: `3x224x224`; of a sequence say `224x224:float32`",
        ),
        (
            "16x112x112x3",
            "net.yaml:2:8: expected `CxTxHxW`, not `16x112x112x3`\n  help: channels first: `3x16x112x112`",
        ),
        ("1x3x32x32", "net.yaml:2:8: expected `CxHxW`, not `1x3x32x32`\n  help: without the batch: `3x32x32`"),
        (
            "128:int46",
            "net.yaml:2:8: unknown type of elements `int46`\n"
            "  help: did you mean `int64`? allowed: float32, int64, bool",
        ),
        ("0:int64", "net.yaml:2:8: `0` is out of range\n  help: a size from 1 to 1,000,000"),
        ("1x1000001", "net.yaml:2:8: `1000001` is out of range\n  help: a size from 1 to 1,000,000"),
        ("many:int64", "net.yaml:2:8: expected `L`, not `many`\n  help: as in `128`"),
        ("{}", "net.yaml:2:8: expected an input, not a mapping\n  help: as in `{ids: 128:int64, mask: 128:bool}`"),
    ],
)
def test_no_input(text, message):
    with pytest.raises(InputError) as raised:
        read(text)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "typed", "sides"),
    [
        ("3x224x224", "192", (192, 192)),
        ("3x224x224", "192x256", (192, 256)),
        ("3x224x224", "3x192x256", (192, 256)),
        ("3x16x112x112", "128x171", (128, 171)),
        ("3x16x112x112", "3x16x128x171", (128, 171)),
        ("1x16000", "8000", (8000,)),
        ("1x16000", "1x8000", (8000,)),
        ("128:int64", "64", (64,)),
        ("14x14:int64", "7x8", (7, 8)),
    ],
)
def test_resolution(text, typed, sides):
    assert inputs.read_resolution(Scalar(typed), read(text)) == sides


@pytest.mark.parametrize(
    ("text", "typed", "message"),
    [
        ("3x16x112x112", "3x32x112x112", "`3x32x112x112` has 32 frames, the network takes 16\n"
         "  help: `--set input=3x32x112x112` changes them"),
        ("1x16000", "2x8000", "`2x8000` has 2 channels, the network takes 1\n"
         "  help: `--set input=2x8000` changes them"),
        ("1x16000", "1x1x8000", "`1x1x8000` has a batch\n  help: without it: `1x8000`"),
        ("128:int64", "64x64", "`64x64` has a batch\n  help: without it: `64`"),
        ("128:int64", "many", "expected a resolution, not `many`\n  help: as in `128`"),
        ("1x16000", "1x2x3x4", "expected `L`, not `1x2x3x4`\n  help: as in `8000`"),
        ("10:float32", "20", "this network takes no map, whose size a resolution is"),
    ],
)  # fmt: skip
def test_no_resolution(text, typed, message):
    with pytest.raises(InputError) as raised:
        inputs.read_resolution(Scalar(typed, "typed"), read(text))
    assert str(raised.value) == f"typed: {message}"


def test_others_of_the_same_sides_are_resized_too():
    taken = read("{left: 3x32x48, depth: 1x32x48, ids: 9:int64}")
    assert inputs.resized(taken, (16, 24)) == read("{left: 3x16x24, depth: 1x16x24, ids: 9:int64}")


PAIR = """
archprof: 1
name: pair
input: {left: 3x32x32, right: 3x32x32}
layers:
  - {conv2d: {k: 3, c: 4}, id: a}
  - {conv2d: {k: 3, c: 5, s: 2, p: 1}, from: right, id: b}
  - avg_pool
  - {conv2d: {k: 1, c: 5, s: 2}, from: a, id: c}
  - {concat: , from: [b, c]}
"""


@pytest.fixture
def pair(tmp_path):
    # Both branches have 16 × 16 places: 27·4·32² + 27·5·16² + 4·5·16².
    file = tmp_path / "pair.yaml"
    file.write_text(PAIR.replace("  - avg_pool\n", ""))
    return str(file)


def test_several_inputs(pair):
    report = archprof.analyze(pair)
    assert {name: value.shape for name, value in report.inputs.items()} == {"left": (3, 32, 32), "right": (3, 32, 32)}
    assert report.totals.macs == 27 * 4 * 1024 + 27 * 5 * 256 + 4 * 5 * 256
    assert archprof.analyze(pair, resolution="16x48").totals.macs == (27 * 4 * 4 + 27 * 5 + 4 * 5) * 8 * 24
    network = archprof.build(pair).eval()
    assert str(inspect.signature(network.forward)) == "(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor"
    left, right = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    a, b = network.get_submodule("a")(left), network.get_submodule("b")(right)
    assert torch.equal(network(right=right, left=left), torch.cat([b, network.get_submodule("c")(a)], 1))
    assert torch.equal(torch.jit.script(network)(left, right), network(left, right))


def test_several_inputs_are_swept_and_measured(pair):
    measured = archprof.measure(pair)
    assert measured.macs == archprof.analyze(pair).totals.macs
    plan = plan_sweep(pair, [parse_axis(("resolution", "16:64:16"))], Selection())
    stretch = compute(pickle.dumps(plan), 0, plan.size)
    found = [dict(zip(plan.names, line, strict=True))["macs"] for line in stretch.costs.T.tolist()]
    assert found == [archprof.analyze(pair, resolution=side).totals.macs for side in (16, 32, 48, 64)]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("from: right, ", "", ":4:24: no layer reads the input `right`\n  help: `from: right` beside a layer does"),
        ("id: a", "id: right", ":6:32: duplicate id `right`\n  in layers[0]\n  note: it stands in line 4 already"),
    ],
)
def test_an_input_that_nobody_reads(pair, tmp_path, before, after, message):
    file = tmp_path / "wrong.yaml"
    file.write_text(PAIR.replace("  - avg_pool\n", "").replace(before, after))
    with pytest.raises(InputError) as raised:
        archprof.analyze(str(file))
    assert str(raised.value).startswith(f"{file}{message}")
