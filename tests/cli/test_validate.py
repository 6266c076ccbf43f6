"""archprof validate: silence when all is well, every mistake of every file when not."""

from archprof.spec import catalog
from tests.cli.console import archprof

GOOD = "archprof: 1\ninput: 3x8x8\nlayers:\n  - conv: {k: 1, c: 4}\n"


def test_the_catalog_is_valid(capsys):
    assert archprof(capsys, "validate", *map(str, catalog.files().values())) == (0, "", "")


def test_a_wrong_expectation_is_exit_1(capsys, tmp_path):
    path = tmp_path / "net.yaml"
    # 1×1 from 3 to 4 channels without a norm: 3·4 weights and 4 biases, 12 multiply-accumulates at 8·8 positions
    path.write_text(GOOD + "expect:\n  - {params: 16, macs: 768}\n  - {at: resolution=4, params: 17, macs: 193}\n")
    assert archprof(capsys, "validate", str(path)) == (
        1,
        "",
        f"{path}:7:32: expected 17 params at resolution=4, counted 16 (-1)\n"
        "  in expect[1].params\n  help: correct the number or the table\n"
        f"{path}:7:42: expected 193 macs at resolution=4, counted 192 (-1)\n"
        "  in expect[1].macs\n  help: correct the number or the table\n",
    )


def test_errors_win_over_expectations_and_all_files_are_read(capsys, tmp_path):
    first, second, third = (tmp_path / f"{name}.yaml" for name in ("first", "second", "third"))
    first.write_text(GOOD.replace("conv", "cnv"))
    second.write_text(GOOD + "expect: [{params: 1}]\n")
    third.write_text(GOOD.replace("3x8x8", "3x8"))
    result = archprof(capsys, "validate", str(first), str(second), str(third))
    assert (result.code, result.out) == (2, "")
    for start in (
        f"{first}:4:5: unknown block `cnv`\n",
        f"{second}:5:19: expected 1 params, counted 16 (+15)\n",
        f"{third}:2:8: expected `CxHxW`, not `3x8`\n",
    ):
        assert start in result.err
