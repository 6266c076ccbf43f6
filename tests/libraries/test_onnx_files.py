"""Files that ship inside packages, as their exporters made them: what they cost and store, as onnxruntime's profile and
onnx's own reading of them have it."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from archprof.analysis.summary import not_counted
from archprof.captures.given import read_given
from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph


class Real(NamedTuple):
    """A file of a package, the sizes and inputs that it is given, its MACs, the elements of its floats without running
    statistics, single ones among them, and integers of few bits."""

    package: str
    path: str
    sizes: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]
    macs: int
    floats: int
    scalars: int
    quantised: int = 0


_RAPID = "rapidocr_onnxruntime"
FILES = (
    Real(
        "silero_vad", "data/silero_vad.onnx", (), ("input=576", "state=2x1x128:whole", "sr:=16000"), 679552, 545286, 6,
    ),
    Real("silero_vad", "data/silero_vad_16k_sequence.onnx", (("sequence_length", "8"),), (), 5964800, 309635, 3),
    Real("silero_vad", "data/silero_vad_openvino_16k.onnx", (), (), 679552, 309635, 3),
    Real("silero_vad", "data/silero_vad_16k_op15.onnx", (("sequence", "576"),), ("sr:=16000",), 679552, 309635, 3),
    Real("ddddocr", "common_old.onnx", (("image_width", "160"),), (), 569118720, 18628, 22, 13501660),
    Real("ddddocr", "common.onnx", (("image_width", "160"),), (), 569118720, 13520258, 0),
    Real("magika", "models/standard_v3_3/model.onnx", (), (), 366717952, 784223, 9),
    Real(_RAPID, "models/ch_ppocr_mobile_v2.0_cls_infer.onnx", (), ("3x48x192",), 16315376, 129428, 72),
    Real(_RAPID, "models/ch_PP-OCRv4_rec_infer.onnx", (), ("3x48x320",), 702469440, 2688640, 243),
    Real(_RAPID, "models/ch_PP-OCRv4_det_infer.onnx", (), ("3x224x224",), 282085184, 1171713, 201),
)  # fmt: skip


@pytest.mark.parametrize("real", FILES, ids=lambda real: Path(real.path).stem)
def test_a_file_of_a_package(real):
    found = find_spec(real.package)
    assert found is not None, f"{real.package} is not installed"
    [folder] = list(found.submodule_search_locations or [])
    graph = read_onnx(str(Path(folder, real.path)), real.sizes, tuple(map(read_given, real.inputs)))
    report, stored = analyze_graph(graph), graph.origin.stored
    assert not_counted(report) is None
    assert report.totals.macs == real.macs
    assert (stored["floats"], stored["scalars"], stored["quantised"]) == (real.floats, real.scalars, real.quantised)
