"""At which stage a map is: by how much it is smaller than the network's input, whatever made it larger again."""

import json

import pytest

import archprof
from archprof.analysis.summary import stage_of
from archprof.spec import catalog
from tests.by_day import core_by_day
from tests.cli.console import archprof as run

# What a map is at 3×64×64, layer by layer.
STAGES = {
    "upsampling takes back a stride": ("[conv: {k: 3, s: 4, c: 8}, upsample: 2, upsample: 2]", [4, 2, 1]),
    "as transposed convolutions do": ("[conv: {k: 3, s: 4, c: 8}, conv_transpose: {k: 4, s: 4, c: 8}]", [4, 1]),
    "and channels that become pixels": ("[conv: {k: 3, s: 4, c: 8}, pixel_shuffle: 2]", [4, 2]),
    "a map that is larger": ("[upsample: 4, conv: {k: 3, s: 8, c: 8}, upsample: {size: 192}]", ["1/4", 2, "1/3"]),
    "to a size": ("[max_pool: {k: 3, s: 2}, max_pool: {k: 3, s: 2}, upsample: {size: 31}]", [2, 4, 2]),
    "between sizes": ("[max_pool: 2, upsample: {size: 48}]", [2, "4/3"]),
    "what the head has is no map": ("[conv: {k: 3, s: 4, c: 8}, avg_pool, upsample: {size: 16}]", [4, "head", "head"]),
}


@pytest.mark.parametrize("case", STAGES)
def test_stages(case, tmp_path):
    layers, stages = STAGES[case]
    file = tmp_path / "a.yaml"
    file.write_text(f"archprof: 1\ninput: 3x64x64\nlayers: {layers}\n", encoding="utf-8")
    assert [stage_of(row) for row in archprof.analyze(file).rows] == stages


JOINED = """archprof: 1
input: 3x64x64
layers:
  - {{id: f, conv2d: {{k: 3, c: 16}}}}
  - {{id: a, conv2d: {{k: 3, s: 4, c: 16}}}}
  - {{id: u, {up}: {how}}}
  - {{id: j, from: {paths}, concat: }}
  - {{id: b, conv2d: {{k: 3, c: 16}}}}
"""


@pytest.mark.parametrize("paths", ["[u, f]", "[f, u]"])
@pytest.mark.parametrize(("up", "how"), [("upsample", 4), ("from: [a, f], resize", "{mode: nearest}")])
def test_what_is_joined_is_at_one_stage(up, how, paths, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(JOINED.format(up=up, how=how, paths=paths), encoding="utf-8")
    assert [stage_of(row) for row in archprof.analyze(file).rows] == [1, 4, 1, 1, 1]


@pytest.mark.parametrize("model", core_by_day(catalog.files()))
def test_a_map_is_as_much_smaller_as_its_stage_says(model):
    """Sides of maps are rounded, and lose what a convolution without padding leaves out; gates see one pixel."""
    graph = archprof.expand(model)
    first = next(iter(graph.inputs.values()))
    for node in graph.nodes:
        value = node.outputs[0]
        is_map = len(first.shape) == len(value.shape) == 3 and value.channel == 0
        if is_map and node.op.name in ("conv2d", "add", "concat") and node.kind != "se" and min(value.space) >= 8:
            ratio = first.shape[1] / value.shape[1] / (node.stage or 1)
            assert 0.7 < ratio < 1.45, node.path


def test_a_budget_of_a_larger_map(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(
        "archprof: 1\ninput: 3x8x8\nlayers: [upsample: 2, conv: {k: 1, c: 4}, conv: {k: 1, s: 2, c: 4}]\n"
    )
    (tmp_path / "archprof.yaml").write_text(
        "budgets:\n  - {model: a.yaml, where: stage=1/2, macs: 3071}\n"
        "  - {model: a.yaml, where: {stage: 2/4}, macs: 3072}\n  - {model: a.yaml, where: stage=1, macs: 1023}\n"
    )
    found = json.loads(run(capsys, "check", "--format", "json").out)
    assert 16 * 16 * 3 * 4 == 3072
    assert 8 * 8 * 4 * 4 == 1024
    assert [(one["actual"], one["status"]) for one in found["verdicts"]] == [
        (3072, "fail"), (3072, "pass"), (1024, "fail"),
    ]  # fmt: skip
