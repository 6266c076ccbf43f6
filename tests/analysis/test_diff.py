"""archprof diff: alignment that survives insertions, changes with their costs."""

import pytest

import archprof
from archprof.analysis.diff import diff
from tests.cli import console


def between(before, after, **options):
    return diff(archprof.analyze(before), archprof.analyze(after), **options)


def test_nothing_changed():
    found = between("mobilenet_v2", "v2")
    assert found.empty
    assert not any(found.totals.delta.values())


def test_v3_large_against_its_14_rows():
    """The reference text that leaves a row out differs from the paper by that row and by the widths of its squeezes."""
    found = between("mobilenet_v3_large", "mobilenet_v3_large_14rows", ignore=("norm",))
    removed = [block for block in found.blocks if block.status == "removed"]
    assert [(block.inputs[0].shape, block.outputs[0].shape) for block in removed] == [((160, 7, 7), (160, 7, 7))]
    # one row (5, 960, 160): 160·960 + 960·25 + 960·160 weights, three norms, and a squeeze-excite 960 → 240 → 960 with
    # bias
    weights = 160 * 960 + 960 * 25 + 960 * 160
    squeeze = 2 * 960 * 240
    assert removed[0].delta.params == -(weights + 2 * (960 + 960 + 160) + squeeze + 240 + 960)
    assert removed[0].delta.macs == -(weights * 7 * 7 + squeeze)
    changed = [block for block in found.blocks if any(change.kind == "se" and change.costs for change in block.changes)]
    # squeezed channels: 72/4 = 18 instead of 24, 120/4 = 30 instead of 32; both biases gone everywhere
    squeezed = {72: (24, 18), 120: (32, 30), 480: (120, 120), 672: (168, 168), 960: (240, 240)}
    expected = []
    for channels in (72, 120, 120, 480, 672, 672, 960):
        before, after = squeezed[channels]
        expected.append((2 * channels * (after - before) - before - channels, 2 * channels * (after - before)))
    assert [(block.delta.params, block.delta.macs) for block in changed] == expected
    assert (found.totals.delta.params, found.totals.delta.macs) == (4_679_968 - 5_483_032, 199_898_336 - 216_589_760)
    assert found.hidden == 43  # every norm's eps and momentum


@pytest.mark.parametrize("row", [0, 3, 6])
def test_an_inserted_row_moves_nobody(row, tmp_path):
    channels = (16, 24, 32, 64, 96, 160, 320)[row]
    path = tmp_path / "longer.yaml"
    insertion = f'{{after: "layers[1].rows[{row}]", rows: [[3, {channels}, 1, 1]]}}'
    path.write_text(f"archprof: 1\nextends: mobilenet_v2\ninsert:\n  - {insertion}\n")
    found = between("mobilenet_v2", str(path))
    assert [block.status for block in found.blocks] == ["added"]
    assert found.blocks[0].after == f"1.{row + 1}.0"


def test_changed_fields():
    found = between("v3", "v3@layers[1].rows[4].k=3")
    ((change,),) = [block.changes for block in found.blocks]
    assert change.fields == {"kernel_size": ("5", "3"), "padding": ("2", "1")}
    # 120 channels, 25 → 9 taps, at 28×28
    assert (change.delta.params, change.delta.macs) == (-16 * 120, -16 * 120 * 28 * 28)


def test_ignored_kinds_and_fields_are_counted_as_hidden():
    found = between("v3", "v3@defaults.act=RE", ignore=("act",))
    assert found.empty
    assert found.hidden == 2  # the first and the last convolution; rows and linear layers say their own


def test_blocks_sum_to_the_whole():
    for before, after in (("v1", "v2"), ("v2", "v3"), ("resnet50", "resnet101"), ("mixnet_s", "mixnet_l")):
        found = between(before, after)
        assert sum(block.delta.macs for block in found.blocks) == found.totals.delta.macs
        assert sum(block.delta.params for block in found.blocks) == found.totals.delta.params


@pytest.mark.parametrize(
    ("setting", "change"),
    [
        ("layers[0].p=0", "conv: padding 1 → 0"),
        ("layers[0].p=[0, 1, 0, 1]", "conv: padding 1 → 0×1×0×1"),
        # The padding of a larger kernel follows from it.
        ("layers[1].k=7", "conv: kernel_size 5 → 7"),
        ("resolution=64", "as its input"),
    ],
)
def test_a_padding_that_was_changed_is_told(tmp_path, capsys, setting, change):
    file = tmp_path / "net.yaml"
    layers = "layers:\n  - conv2d: {k: 3, c: 8, p: 1}\n  - conv2d: {k: 5, c: 8}\n"
    file.write_text(f"archprof: 1\ninput: 3x32x32\n{layers}", encoding="utf-8")
    out = console.archprof(capsys, "diff", str(file), f"{file}@{setting}").out
    first = next(line for line in out.splitlines() if line.startswith("~"))
    assert change in " ".join(first.split())
