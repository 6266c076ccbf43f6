"""ONNX files on the command line: what is asked for, what is refused, and every message whole."""

import io
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
        "external_bytes": 0, "zeros": 0,
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


NO_SPEC = (
    "`{}` is an ONNX file, not a spec\n"
    "  help: `summary`, `compare`, `diff`, `explain`, `draw`, `memory`, `latency`, `report`, `lock` and `check` "
    "take it; the rest needs a block table\n"
)
NO_MODULE = (
    "`--measure` runs a module, and `{}` holds none\n"
    "  help: `archprof summary CODE --measure` measures what an ONNX file was exported from\n"
)
NO_TRAINING = (
    "`{}` was exported as it runs in evaluation\n"
    "  help: `--train` takes code that makes a torch module, as in `net.py:Net`, or a lock of `--modes eval,train`\n"
)
NO_CODE = "`{}` runs code, and `{{}}` {}\n  help: as in `net.py:Net{}`\n"
REFUSED = {
    "show {}": NO_SPEC,
    "sweep {} --width 0.5,1": NO_SPEC,
    "solve {} --max-macs 1M": NO_SPEC,
    "verify {}": NO_SPEC,
    "validate {}": NO_SPEC,
    "summary {} --measure": NO_MODULE,
    "check {} --max-macs 1M --measure": NO_MODULE,
    "summary {} --train": NO_TRAINING,
    "compare {0} {0} --train": NO_TRAINING,
    "diff {0} {0} --train": NO_TRAINING,
    "lock {} --modes eval,train": NO_CODE.format("--modes", "has none", ""),
    "lock {} --real": NO_CODE.format("--real", "has none", ""),
    "summary {} --real": NO_CODE.format("--real", "is none", " --real"),
    "explain {} --real": NO_CODE.format("--real", "is none", " --real"),
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_an_onnx_file_is_not_refuses(capsys, folder, command):
    _net(folder, (1, 3, 8, 8))
    result = archprof(capsys, *command.format("net.onnx").split())
    assert (result.code, result.err) == (2, REFUSED[command].format("net.onnx"))


def test_too_many_names_are_told_as_they_were_typed(capsys):
    message = archprof(capsys, "summary", "net.onnx", "-@H=8").err
    assert message.startswith("archprof summary: got unexpected extra argument(s) (-@H=8)\n")


@pytest.mark.usefixtures("piped_in")
@pytest.mark.parametrize("command", ["summary -", "lock -", "explain -"])
def test_sizes_of_standard_input_are_asked_for(capsys, command):
    assert archprof(capsys, *command.split()) == (
        2,
        "",
        "<stdin>: axes of the input are free: `x` N×3×H×W\n"
        "  help: give their sizes, as in `-@H=320,W=320`, or `--input x=3x320x320`\n",
    )


@pytest.mark.usefixtures("piped_in")
@pytest.mark.parametrize("command", REFUSED)
def test_what_an_onnx_file_from_standard_input_is_not_refuses(capsys, command):
    result = archprof(capsys, *command.format("-").split())
    assert (result.code, result.err) == (2, REFUSED[command].format("<stdin>"))


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


def _loop(folder):
    """Write a loop of unknown length that multiplies (1, 8) by 8 × 8 each trip."""
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


def test_a_loop_of_unknown_length_costs_so_much_a_trip_and_fails_a_check(capsys, folder):
    _loop(folder)
    shown = archprof(capsys, "summary", "net.onnx").out
    assert shown.startswith("net · inputs x 8, n\n")
    assert "params 64 (64) · MACs at least 64 (64) · activations 8\nnot counted: onnx.Loop (a trip) ×1\n" in shown
    assert "\n`loop` runs as often as its inputs say: 64 MACs a trip are counted once\n" in shown
    result = archprof(capsys, "check", "net.onnx", "--max-macs", "1M")
    assert (result.code, result.err) == (
        2,
        "net.onnx:1:1: MACs are at least 64; not counted: onnx.Loop (a trip) ×1\n"
        '  help: `--allow-uncounted="onnx.Loop (a trip)"` holds what is counted to the limit\n',
    )
    allowed = ("check", "net.onnx", "--allow-uncounted=onnx.Loop (a trip)", "--max-macs")
    assert (archprof(capsys, *allowed, "1M").code, archprof(capsys, *allowed, "63").code) == (0, 1)


def test_a_lock_has_what_a_trip_of_a_loop_costs(capsys, folder):
    _loop(folder)
    assert archprof(capsys, "lock", "net.onnx", "-o", "net.lock.json").code == 0
    locked, read = (
        json.loads(archprof(capsys, "summary", name, "--format", "json").out) for name in ("net.lock.json", "net.onnx")
    )
    assert (locked["totals"], locked["layers"]) == (read["totals"], read["layers"])
    assert locked["not_counted"] == read["not_counted"] == {"onnx.Loop (a trip)": 1}


@pytest.mark.parametrize("piped", [True, False])
@pytest.mark.parametrize("command", ["summary -", "check - --max-macs 1M", "lock -"])
def test_standard_input(folder, command, piped):
    path = _net(folder, (1, 3, 8, 8))
    words = command.split() + (["--format", "json"] if "lock" not in command else [])
    with open(path, "rb") as file:
        given = {"input": file.read()} if piped else {"stdin": file}
        ran = subprocess.run([sys.executable, "-m", "archprof", *words], capture_output=True, check=True, **given)
    found = json.loads(ran.stdout)
    macs = 27 * 4 * 64 + 8
    if "summary" in command:
        assert (found["model"], found["totals"]["macs"]) == ("stdin", macs)
    elif "check" in command:
        assert [one["actual"] for one in found["verdicts"]] == [macs]
    else:
        assert (found["captured"]["model"], found["nodes"][0]["path"]) == ("<stdin>", "stem.conv")


@pytest.fixture
def piped_in(folder, monkeypatch):
    """Standard input that is an ONNX file with free axes."""
    with open(_net(folder, ("N", 3, "H", "W")), "rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        yield


BEHIND = {
    "summary -@H=8,W=8": 0,
    "summary - --input 3x8x8": 0,
    "explain -@H=8,W=8": 0,
    "compare -@H=8,W=8 mobilenet_v2": 0,
    "diff other.onnx@H=8,W=8 -@H=8,W=8": 0,
    "check --max-macs 1M -@H=8,W=8": 0,
    "check --max-macs 1k -@H=8,W=8": 1,
    "lock - --input 3x8x8 -o net.lock.json": 0,
    "lock --check other.lock.json -@H=8,W=8": 0,
}


@pytest.mark.usefixtures("piped_in")
@pytest.mark.parametrize("command", BEHIND)
def test_commands_that_take_standard_input(capsys, folder, command):
    _net(folder, ("N", 3, "H", "W"), "other.onnx")
    assert archprof(capsys, "lock", "other.onnx@H=8,W=8", "-o", "other.lock.json").code == 0
    result = archprof(capsys, *command.split())
    assert (result.code, result.err) == (BEHIND[command], "")


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


def _folded(folder, convolutions=1):
    """Write convolutions of 1 × 1, 3 channels to 3 on 8 × 8, each with a folded norm, and a norm that stands."""
    stored = {name: weights(3) for name in "gbmv"}
    nodes = []
    for k in range(convolutions):
        names = [f"onnx::Conv_{2 * k}", f"onnx::Conv_{2 * k + 1}"]
        nodes.append(node("Conv", " ".join([f"h{k}" if k else "x", *names]), f"h{k + 1}", name=f"/conv{k}/Conv"))
        stored |= {names[0]: weights(3, 3, 1, 1) + k, names[1]: weights(3) + k}
    nodes.append(node("BatchNormalization", f"h{convolutions} g b m v", "y", name="/norm/BatchNormalization"))
    saved(folder, graph(nodes, {"x": (1, 3, 8, 8)}, stored=stored))


def test_folded_norms_are_said(capsys, folder):
    _folded(folder)
    result = archprof(capsys, "summary", "net.onnx")
    assert (
        "\n1 convolution carries a folded norm: 18 params here, 21 before folding\n"
        "whether it had a bias before, the file does not tell: 24 before folding if it had\n"
    ) in result.out


GONE = {
    1: "1 norm folded into a convolution is not in it",
    2: "2 norms folded into convolutions are not in it",
}


@pytest.mark.parametrize("convolutions", GONE)
def test_conventions_that_count_norms_say_which_are_gone(capsys, folder, convolutions):
    _folded(folder, convolutions)
    fvcore = convolutions * 9 * 64 + 2 * 3 * 64  # the products, and two for each element of the norm that stands
    rule = "what `fvcore.nn.FlopCountAnalysis(model, x).total()` calls flops"
    shown = ("--convention", "fvcore,torch", "--format")
    for kind in ("table", "markdown"):
        out = archprof(capsys, "summary", "net.onnx", *shown, kind).out.replace("\\", "").splitlines()
        assert f"fvcore 0.1.5.post20221221: {fvcore:,} MACs, {rule}; {GONE[convolutions]}" in map(str.strip, out)
        assert sum("folded into" in line for line in out) == 1  # torch counts no norms
    archprof(capsys, "lock", "net.onnx", "-o", "net.lock.json")
    for name in ("net.onnx", "net.lock.json"):
        found = json.loads(archprof(capsys, "summary", name, *shown, "json").out)
        assert [one.get("folded_norms") for one in found["conventions"]] == [convolutions, None]
        where = [layer["path"] for layer in found["layers"] if layer.get("folds_norm")]
        assert where == [f"conv{k}" for k in range(convolutions)]
    compared = archprof(capsys, "compare", "net.onnx", "net.onnx", "--convention", "fvcore").out
    assert f"fvcore MACs of net {fvcore:,}; {GONE[convolutions]}" in compared
    explained = archprof(capsys, "explain", "net.onnx", "--convention", "fvcore,thop").out
    assert f"\nfvcore, thop: {GONE[convolutions]}\n" in explained


# A convolution has 9 weights and 3 biases, and 64 positions; the norm 3 × 64 elements, 3 weights and 3 biases.
PRICED = {
    "fvcore": 2 * 9 * 64 + 2 * 3 * 64,
    "ptflops": 2 * (9 + 3) * 64 + 2 * 3 * 64,
    "ptflops-aten": 2 * (9 + 3) * 64,
    "thop": 2 * 9 * 64 + 4 * 3 * 64,
    "thop-2020-09": 2 * (9 + 3) * 64 + 2 * 3 * 64,
    "ultralytics-thop": 2 * 9 * 64 + 4 * 3 * 64,
    "torchinfo": 2 * (9 + 3) * 64 + 6,
    "torchsummaryx": 2 * 9 * 64 + 3,
    "torchprofile": 2 * 9 * 64 + 3 * 64,
    "torch": 2 * 2 * 9 * 64,
}


def test_conventions_price_the_graph_as_it_stands(capsys, folder):
    _folded(folder, 2)
    asked = ("--convention", ",".join(PRICED), "--format", "json")
    found = json.loads(archprof(capsys, "summary", "net.onnx", *asked).out)
    assert {one["name"]: one["total"] for one in found["conventions"]} == PRICED
    assert not any(one.get("not_priced") for one in found["conventions"])


def test_tensors_in_other_files_are_told_and_not_opened(capsys, folder):
    import onnx

    made = graph([node("MatMul", "x w", "y")], {"x": (1, 64)}, stored={"w": weights(64, 32)})
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)])
    onnx.save(model, folder / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    (folder / "net.data").unlink()
    result = archprof(capsys, "summary", "net.onnx")
    assert result.code == 0
    assert "8.192kB of them in other files, which are not opened" in result.out
