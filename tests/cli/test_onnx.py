"""ONNX files on the command line: what is asked for, what is refused, and every message whole."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("onnx")

from tests.captures.onnx.files import INT64, graph, node, saved, weights
from tests.cli.console import archprof


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _net(folder, shape, name="net.onnx", fixed=False):
    """Write a convolution (4, 3, 3, 3) and a norm, a pool, and a linear layer of 4 to 2; *fixed* reshapes to 4."""
    nodes = [
        node("Conv", "x k b", "c", name="/stem/conv/Conv", pads=(1, 1, 1, 1)),
        node("Relu", "c", "r", name="/stem/act/Relu"),
        node("Reshape", "r to", "p", name="/Reshape") if fixed else node("GlobalAveragePool", "r", "p", name="/pool/P"),
        node("Flatten", "p", "f", name="/Flatten"),
        node("Gemm", "f w wb", "y", name="/head/Gemm", transB=1),
    ]
    stored = {"k": weights(4, 3, 3, 3), "b": weights(4), "w": weights(2, 4), "wb": weights(2)}
    if fixed:
        stored["to"] = np.array([1, 4, 1, 1], np.int64) if fixed == 1 else np.array([-1, 4, 8, 8], np.int64)
        stored["w"] = weights(2, 4 if fixed == 1 else 256)
    return saved(folder, graph(nodes, {"x": shape}, stored=stored), name=name)


@pytest.mark.parametrize(
    ("shape", "arguments", "inputs"),
    [
        ((1, 3, 8, 6), (), [3, 8, 6]),
        (("N", 3, "H", "W"), ("@H=8,W=6",), [3, 8, 6]),
        (("N", 3, "H", "W"), ("@x[2]=8,x[3]=6",), [3, 8, 6]),
        ((None, 3, None, None), ("@x[2]=8,x[3]=6",), [3, 8, 6]),
        (("N", 3, "H", "H"), ("@H=8",), [3, 8, 8]),
        (("N", 3, "H", "W"), ("", "--input", "x=3x8x6"), [3, 8, 6]),
        (("N", 3, "H", "W"), ("", "--input", "3x8x6"), [3, 8, 6]),
        (("N", 3, "H", "W"), ("@W=6", "--input", "x=1x3x8x6:whole"), [3, 8, 6]),
        ((1, 3, "H", "W"), ("", "--input", "3x8x6"), [3, 8, 6]),
    ],
)
def test_sizes(capsys, folder, shape, arguments, inputs):
    _net(folder, shape)
    axes, *options = arguments or ("",)
    result = archprof(capsys, "summary", f"net.onnx{axes}", *options, "--format", "json")
    found = json.loads(result.out)
    assert result.code == 0
    assert found["inputs"] == {"x": {"shape": inputs, "dtype": "float32"}}
    assert found["totals"]["macs"] == 27 * 4 * inputs[1] * inputs[2] + 8
    assert found["totals"]["params"] == 27 * 4 + 4 + 8 + 2
    assert found["stored"] == {
        "floats": 122, "scalars": 0, "quantised": 0, "constants": 0, "weight_bytes": {"float32": 488},
        "external_bytes": 0,
    }  # fmt: skip
    assert [row["path"] for row in found["layers"]] == ["stem.conv", "stem.act", "pool", ":Flatten[0]", "head"]


@pytest.mark.parametrize("name", ["input.1", "data:0", "onnx::x", "serving_default/x"])
@pytest.mark.parametrize("how", ["@{}[2]=8,{}[3]=6", "{}=3x8x6", "{}=1x3x8x6:whole"])
def test_inputs_of_any_name(capsys, folder, name, how):
    saved(folder, graph([node("Relu", name, "y")], {name: (None, 3, None, None)}))
    asked = how.format(name, name)
    arguments = (f"net.onnx{asked}",) if how.startswith("@") else ("net.onnx", "--input", asked)
    result = archprof(capsys, "summary", *arguments, "--format", "json")
    assert json.loads(result.out)["inputs"] == {name: {"shape": [3, 8, 6], "dtype": "float32"}}


def test_an_input_of_any_rank_is_given(capsys, folder):
    saved(folder, graph([node("Relu", "x", "y")], {"x": None}))
    result = archprof(capsys, "summary", "net.onnx", "--input", "x=3x8x6", "--format", "json")
    assert json.loads(result.out)["outputs"]["y"]["shape"] == [3, 8, 6]
    assert archprof(capsys, "summary", "net.onnx") == (
        2,
        "",
        "net.onnx: the input `x` may have any number of axes\n  help: give its sizes, as in `--input x=3x320x320`\n",
    )


MESSAGES = {
    "free axes": (
        ("N", 3, "H", "W"), ("net.onnx",),
        "net.onnx: axes of the input are free: `x` N×3×H×W\n"
        "  help: give their sizes, as in `net.onnx@H=320,W=320`, or `--input x=3x320x320`\n",
    ),
    "free axes without a name": (
        (None, 3, None, None), ("net.onnx",),
        "net.onnx: axes of the input are free: `x` ?×3×?×?\n"
        "  help: give their sizes, as in `net.onnx@x[2]=320,x[3]=320`, or `--input x=3x320x320`\n",
    ),
    "an axis that there is not": (
        ("N", 3, "H", "W"), ("net.onnx@Z=3,H=8,W=8",),
        "net.onnx: there is no axis `Z`\n  help: axes: N, H, W, x[0], x[1], x[2], x[3]\n",
    ),
    "no size": (
        ("N", 3, "H", "W"), ("net.onnx@H=wide,W=8",),
        "`H=wide` is no size of an axis\n  help: as in `@H=320,W=320`, or `@x[2]=320`\n",
    ),
    "an axis that is fixed": (
        (1, 3, 8, 8), ("net.onnx@x[2]=9",),
        "net.onnx: axis 2 of `x` is 8 in the file, not 9\n",
    ),
    "a shape that does not fit": (
        ("N", 3, "H", "W"), ("net.onnx", "--input", "x=4x8x8"),
        "net.onnx: axis 1 of `x` is 3 in the file, not 4\n",
    ),
    "a shape of another rank": (
        ("N", 3, "H", "W"), ("net.onnx", "--input", "x=8x8"),
        "net.onnx: the input `x` has 4 axes, one of them the batch, which is not given\n"
        "  help: `x=8x8:whole` is a shape as it stands\n",
    ),
    "an input that there is not": (
        ("N", 3, "H", "W"), ("net.onnx", "--input", "image=3x8x8"),
        "net.onnx: there is no input `image`\n  help: inputs: x\n",
    ),
    "a width": (
        (1, 3, 8, 8), ("net.onnx", "--width", "0.5"),
        "`--width` needs a block table, and `net.onnx` has none\n"
        "  help: sizes of its axes stand behind it, `net.onnx@H=320,W=320`, or in `--input x=3x320x320`\n",
    ),
    "measuring": (
        (1, 3, 8, 8), ("net.onnx", "--measure"),
        "`--measure` runs a module, and `net.onnx` holds none\n"
        "  help: `archprof summary CODE --measure` measures what an ONNX file was exported from\n",
    ),
    "a file that is not there": (
        (1, 3, 8, 8), ("other.onnx",),
        "no such file: `other.onnx`\n  help: a path counts from the current folder\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES)
def test_what_is_refused(capsys, folder, case):
    shape, arguments, message = MESSAGES[case]
    _net(folder, shape)
    assert archprof(capsys, "summary", *arguments) == (2, "", message)


def test_a_size_that_the_file_has_not(capsys, folder):
    _net(folder, ("N", 3, "H", "W"), fixed=2)
    assert archprof(capsys, "summary", "net.onnx@H=8,W=8").code == 0
    assert archprof(capsys, "summary", "net.onnx@H=8,W=9") == (
        2,
        "",
        "net.onnx: `/Reshape` (Reshape): 288 elements 1×4×8×9 do not make -1×4×8×8\n"
        "  in a run on x 1×3×8×9\n"
        "  help: the file may have baked other sizes in: try those that it was exported with\n",
    )


def test_a_batch_that_the_file_fixes_is_said(capsys, folder):
    _net(folder, (4, 3, 8, 8))
    result = archprof(capsys, "summary", "net.onnx", "--format", "json")
    found = json.loads(result.out)
    assert found["totals"]["macs"] == 4 * (27 * 4 * 64 + 8)
    assert found["remarks"][0] == "a batch of 4 is counted, which the file fixes"


@pytest.mark.parametrize("command", ["show", "sweep", "solve", "verify", "validate"])
def test_what_needs_a_table_refuses(capsys, folder, command):
    _net(folder, (1, 3, 8, 8))
    more = {"sweep": ("--width", "0.5,1"), "solve": ("--max-macs", "1M")}.get(command, ())
    result = archprof(capsys, command, "net.onnx", *more)
    assert result.code == 2
    assert "`net.onnx` is an ONNX file, not a spec" in result.err + result.out


def test_compare_diff_explain_check_and_lock(capsys, folder):
    _net(folder, (1, 3, 8, 8), "a.onnx")
    _net(folder, (1, 3, 16, 16), "b.onnx")
    assert "MACs 6,920 → 27,656: +20,736 (+299.65 %)" in archprof(capsys, "diff", "a.onnx", "b.onnx").out
    assert archprof(capsys, "compare", "a.onnx", "b.onnx", "mobilenet_v2").code == 0
    assert archprof(capsys, "explain", "a.onnx").code == 0
    assert archprof(capsys, "check", "*.onnx", "--max-macs", "100k").code == 0
    assert archprof(capsys, "check", "*.onnx", "--max-macs", "10k").code == 1
    assert archprof(capsys, "lock", "a.onnx", "-o", "a.lock.json").code == 0
    locked, read = (
        json.loads(archprof(capsys, "summary", name, "--format", "json").out) for name in ("a.lock.json", "a.onnx")
    )
    assert locked["layers"] == read["layers"]
    assert archprof(capsys, "lock", "a.onnx", "--check", "a.lock.json").code == 0
    assert archprof(capsys, "lock", "b.onnx", "--check", "a.lock.json").code == 1


def test_what_is_not_counted_fails_a_check(capsys, folder):
    body = graph(
        [node("MatMul", "s w", "t"), node("Identity", "c", "on")],
        {"i": (), "c": (), "s": (1, 8)},
        ["on", "t"],
        {"w": weights(8, 8)},
        {"i": INT64, "c": 9, "on": 9},
    )
    saved(
        folder, graph([node("Loop", "n _ x", "y", name="loop", body=body)], {"x": (1, 8), "n": ()}, types={"n": INT64})
    )
    result = archprof(capsys, "check", "net.onnx", "--max-macs", "1M")
    assert result.code == 2
    assert "onnx.Loop (a trip)" in result.out + result.err


@pytest.mark.processes
@pytest.mark.parametrize("piped", [True, False])
def test_standard_input(folder, piped):
    path = _net(folder, (1, 3, 8, 8))
    command = [sys.executable, "-m", "archprof", "summary", "-", "--format", "json"]
    with open(path, "rb") as file:
        given = {"input": file.read()} if piped else {"stdin": file}
        ran = subprocess.run(command, capture_output=True, check=True, **given)
    assert json.loads(ran.stdout)["totals"]["macs"] == 27 * 4 * 64 + 8


@pytest.mark.processes
def test_a_file_at_a_revision(capsys, folder):
    _net(folder, (1, 3, 8, 8))
    for arguments in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    _net(folder, (1, 3, 16, 16))
    result = archprof(capsys, "diff", "git:HEAD:net.onnx", "net.onnx", "--format", "json")
    assert json.loads(result.out)["totals"]["delta"]["macs"] == 27 * 4 * (256 - 64)


def test_folded_norms_are_said(capsys, folder):
    nodes = [node("Conv", "x onnx::Conv_1 onnx::Conv_2", "y", name="/conv/Conv")]
    stored = {"onnx::Conv_1": weights(4, 3, 1, 1), "onnx::Conv_2": weights(4)}
    saved(folder, graph(nodes, {"x": (1, 3, 8, 8)}, stored=stored))
    result = archprof(capsys, "summary", "net.onnx")
    said = "1 convolution carries a folded norm: 16 params here, 20 before folding, if they had no biases of their own"
    assert said in " ".join(result.out.split())


def test_tensors_in_other_files_are_told_and_not_opened(capsys, folder):
    import onnx

    made = graph([node("MatMul", "x w", "y")], {"x": (1, 64)}, stored={"w": weights(64, 32)})
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)])
    onnx.save(model, folder / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    (folder / "net.data").unlink()
    result = archprof(capsys, "summary", "net.onnx")
    assert result.code == 0
    assert "8.192kB of them in other files, which are not opened" in result.out
