"""How long an ONNX file takes as a process, as a ratio to a spec of the same network, and how much memory; and how much
CPU time less than another reader of such files."""

from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import archprof  # noqa: E402
from tests.benchmarks.processes import archprof as command  # noqa: E402
from tests.benchmarks.processes import compare, python  # noqa: E402
from tests.captures.onnx.exported import write  # noqa: E402

NETWORK = "mobilenet_v2"
FEATURES = 2000


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
def test_a_file(note, tmp_path, dynamo):
    module, path = archprof.build(NETWORK).eval(), tmp_path / "net.onnx"
    options = {"external_data": False} if dynamo else {}
    write(module, [torch.zeros(1, 3, 224, 224)], path, dynamo=dynamo, verbose=False, **options)
    _compared(note, f"an ONNX file of {NETWORK}", str(path), 1.2, 40)


def test_a_file_of_two_gigabytes(note, tmp_path):
    path = tmp_path / "large.onnx"
    _write_products(path, 120, _skip)
    assert path.stat().st_size > 1_900_000_000
    _compared(note, "an ONNX file of 1.9 GB", str(path), 1.6, 60)


def test_a_file_without_holes(note, tmp_path):
    """What is read of it comes with megabytes around it, which do not stay."""
    path = tmp_path / "dense.onnx"
    _write_products(path, 16, lambda file, size: file.write(bytes(size)))
    _compared(note, "an ONNX file of 256 MB, all of it written", str(path), 1.6, 40)


# A small file costs little beside the imports of either; the more weights there are, the more it is worth to leave them
# alone.
@pytest.mark.skipif(not find_spec("onnx_tool"), reason="onnx-tool is not installed")
@pytest.mark.parametrize(("network", "goal"), [("mobilenet_v2", 1.4), ("resnet50", 2.5), ("vgg16", 5)])
def test_a_file_against_onnx_tool(note, tmp_path, network, goal):
    path = tmp_path / "net.onnx"
    write(archprof.build(network).eval(), [torch.zeros(1, 3, 224, 224)], path, dynamo=False)
    ours, theirs = compare(7, command("summary", str(path)), python(_ONNX_TOOL, str(path)))
    ratio = theirs.cpu_seconds / ours.cpu_seconds
    note(f"an ONNX file of {network}, against onnx-tool", f"{ratio:.1f} × less CPU", f"≥ {goal} ×")
    assert ratio >= goal


_ONNX_TOOL = "import onnx_tool, sys; onnx_tool.model_profile(sys.argv[1])"


def _compared(note, what, path, most, megabytes):
    ran, spec = compare(21, command("summary", path), command("summary", NETWORK))
    ratio, peak = ran.seconds / spec.seconds, ran.peak_bytes / 1e6
    note(what, f"{ratio:.2f} × the spec ({peak:.0f} MB)", f"≤ {most} ×, ≤ {megabytes} MB")
    assert ratio <= most
    assert peak <= megabytes


def _write_products(path, layers, fill):
    """Write a file of so many products with weights of 2000 × 2000; what they hold, *fill* writes or skips."""
    nodes = [
        onnx.helper.make_node("MatMul", [f"x{k}", f"w{k}"], [f"x{k + 1}"], name=f"/{k}/MatMul") for k in range(layers)
    ]
    ends = [onnx.helper.make_tensor_value_info(name, 1, ["batch", FEATURES]) for name in ("x0", f"x{layers}")]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:])
    weights = [_stored(k) for k in range(layers)]
    size = 4 * FEATURES * FEATURES
    front = graph.SerializeToString()
    length = len(front) + sum(len(head) + size for head in weights)
    model = onnx.ModelProto(ir_version=8, opset_import=[onnx.helper.make_opsetid("", 17)]).SerializeToString()
    with open(path, "wb") as file:
        file.write(model + b"\x3a" + _varint(length) + front)
        for head in weights:
            file.write(head)
            fill(file, size)
        file.truncate()


def _skip(file, size):
    file.seek(size, 1)


def _stored(k):
    """Return an initialiser up to its elements, which stand last."""
    tensor = onnx.TensorProto(name=f"w{k}", data_type=1, dims=[FEATURES, FEATURES]).SerializeToString()
    size = 4 * FEATURES * FEATURES
    head = tensor + b"\x4a" + _varint(size)
    return b"\x2a" + _varint(len(head) + size) + head


def _varint(value):
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
