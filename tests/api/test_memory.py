"""`archprof.memory`: of names, graphs and modules, in the words of the command line."""

import json

import pytest

import archprof
from tests.cli.console import archprof as call


@pytest.mark.parametrize(
    ("line", "model", "words"),
    [
        ("v2", "v2", {}),
        ("v1 --batch 8 --dtype fp16 --width 0.5", "v1", {"batch": 8, "dtype": "fp16", "width": 0.5}),
        ("v2 --train adamw --amp bf16 --kernels cpu", "v2", {"train": "adamw", "amp": "bf16", "kernels": "cpu"}),
    ],
)
def test_it_is_what_the_command_prints(capsys, line, model, words):
    found = archprof.memory(model, **words)
    assert f"{found}\n" == call(capsys, "memory", *line.split()).out
    assert found.to_dict() == json.loads(call(capsys, "memory", *line.split(), "--format", "json").out)
    assert found.to_dict() == archprof.memory(archprof.expand(model, **_knobs(words)), **_setup(words)).to_dict()


def _knobs(words):
    return {key: value for key, value in words.items() if key == "width"}


def _setup(words):
    return {key: value for key, value in words.items() if key != "width"}


def test_the_parts_of_a_result():
    """mobilenet_v1's widest moment is two maps of 64×112×112 floats."""
    found = archprof.memory("v1", batch=2)
    assert isinstance(found, archprof.Memory)
    assert repr(found) == (
        f"<Memory of mobilenet_v1: {found.total:,} bytes at the peak, batch 2, fp32, inference, cuda>"
    )
    assert [(one.path, one.bytes) for one in found.alive] == [
        ("1.0.pointwise.conv", 2 * 64 * 112 * 112 * 4),
        ("1.0.pointwise.norm", 2 * 64 * 112 * 112 * 4),
    ]
    assert found.peaks == {"forward": 2 * 2 * 64 * 112 * 112 * 4}
    assert found.total == sum(found.resident) + found.peak_bytes
    assert max(moment.bytes for moment in found.timeline) == found.peak_bytes
    assert "<table>" in found._repr_html_()


def test_a_module():
    """A linear layer of 8 to 4 on 3 rows: weights, rows, sums; in training the rows wait for the weights' gradient."""
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(8, 4)
    found = archprof.memory(layer, (8,), batch=3)
    assert (found.resident.weight_bytes, found.resident.input_bytes) == (4 * (8 * 4 + 4), 4 * 3 * 8)
    assert found.peak_bytes == 4 * 3 * 4
    trained = archprof.memory(layer, (8,), batch=3, train="adam")
    assert trained.resident.optimizer_bytes == 2 * 4 * (8 * 4 + 4)
    assert {*trained.peaks} == {"forward", "backward", "step"}


def test_a_module_without_layers():
    torch = pytest.importorskip("torch")
    found = archprof.memory(torch.nn.Identity(), (3, 4, 4))
    assert (found.peak_bytes, found.total, found.timeline) == (0, 3 * 4 * 4 * 4, ())
    assert "nothing comes and goes" in str(found)


def test_a_graph_of_evaluation_does_not_train():
    torch = pytest.importorskip("torch")
    graph = archprof.capture(torch.nn.Linear(8, 4), (8,))
    with pytest.raises(archprof.UsageError) as raised:
        archprof.memory(graph, train="sgd")
    assert str(raised.value) == (
        "`Linear` was captured in evaluation\n  help: `archprof.capture(module, …, train=True)` captures it in training"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"train": "lion"}, "unknown optimiser `lion`\n  help: there are: sgd, momentum, adam, adamw"),
        ({"batch": 0}, "`batch` is a number from 1 on, not int `0`"),
        ({"batch": 1.5}, "`batch` is a number from 1 on, not float `1.5`"),
        (
            {"checkpoint": "blocks"},
            "`checkpoint` without `train`\n  help: a backward pass computes blocks again: say `train` too",
        ),
        (
            {"dtype": "int8", "train": "sgd"},
            '`dtype="int8"` and `train="sgd"` at once\n  help: nothing learns in int8; `amp` trains in half precision',
        ),
        (
            {"train": "sgd", "order": "best"},
            '`order="best"` and `train` at once\n  help: the backward pass goes by the order of the forward pass',
        ),
        ({"in_place": "all", "dtype": "int8"}, "unknown kind of convolution `all`\n  help: there are: depthwise"),
        (
            {"in_place": "depthwise"},
            '`in_place` without `dtype="int8"`\n  help: it is how microcontrollers run int8',
        ),
        ({"patches": 1, "dtype": "int8"}, "`patches` is a number from 2 on, not int `1`"),
        ({"patches": "3", "dtype": "int8"}, "`patches` is a number from 2 on, not str `3`"),
    ],
)
def test_words_that_are_wrong(words, message):
    with pytest.raises(archprof.UsageError) as raised:
        archprof.memory("v2", **words)
    assert str(raised.value) == message


def test_the_largest_batch_that_fits(capsys):
    found = archprof.memory("v2", train="sgd", fits="2GiB")
    assert found.to_dict() == archprof.memory("v2", train="sgd", fits=2 * 2**30).to_dict()
    assert found.to_dict() == json.loads(
        call(capsys, "memory", "v2", "--train", "sgd", "--fits", "2GiB", "--format", "json").out
    )
    with pytest.raises(archprof.UsageError) as raised:
        archprof.memory("v2", fits="2GiB", batch=4)
    assert str(raised.value) == (
        "`fits` and a batch or another order at once\n  help: `fits` finds a batch, of the network as it stands"
    )
