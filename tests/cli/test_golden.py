"""What people see, character for character, at several widths. After a change that is meant: pytest
tests/cli/test_golden.py --update-golden."""

from pathlib import Path

import pytest

from tests.cli.console import archprof

GOLDEN = Path(__file__).parents[1] / "golden"

# name of the file: (columns, arguments)
CASES = {
    "summary_v3_large": (None, "summary mobilenet_v3_large"),
    "summary_v3_large_60": (60, "summary mobilenet_v3_large"),
    "summary_v2_top": (80, "summary v2 --width 0.75 --resolution 192 --classes 10 --full --sort macs --top 10"),
    "summary_v2_markdown": (None, "summary v2@width=1.4 --format markdown"),
    "summary_v3_small_csv": (None, "summary mobilenet_v3_small --format csv"),
    "summary_v1_odd": (None, "summary v1 --resolution 129x161 --depth 1"),
    "show_v2_80": (80, "show mobilenet_v2"),
    "show_v3_large": (100, "show v3"),
    "list_mobilenets_80": (80, "list mobilenet_v? v3*"),
    "memory_v3_large_80": (80, "memory v3 --batch 32 --dtype fp16"),
    "memory_v2_training": (100, "memory v2 --batch 32 --train adamw --sort bytes --top 8"),
    "memory_v1_csv": (None, "memory v1 --format csv"),
    "compare_mobilenets": (None, "compare v1 v2 v3 v3_small"),
    "compare_conventions": (120, "compare v1 v2 --convention fvcore --convention torch"),
    "diff_14rows_100": (100, "diff v3 mobilenet_v3_large_14rows"),
    "diff_full": (None, "diff v3 v3@layers[1].rows[4].k=3 --full"),
    "compare_mobilenets_80": (80, "compare v1 v2 v3"),
    "compare_kind_80": (80, "compare v1 v2 v3 --by kind"),
    "diff_same": (None, "diff v2 mobilenet_v2"),
    "explain_v3_large": (None, "explain v3"),
    "explain_v3_large_60": (60, "explain v3"),
    "explain_steps": (100, "explain mixnet_s --resolution 192 --convention ptflops --convention torchprofile"),
    "verify_csv": (None, "verify v1 --analytic --format csv"),
    "explain_number": (80, "explain v3 --number 234.8M"),
    "summary_bytes_100": (100, "summary v2 --bytes --batch 8 --train adamw"),
    "compare_bytes_120": (120, "compare v1 v2 v3 --bytes --batch 32 --dtype fp16"),
    "summary_conventions": (80, "summary v3_small --convention fvcore --convention torch"),
    "cost_dw_80": (80, "cost --conv dw --k 3"),
    "cost_group": (
        None,
        "cost --conv group --k 11 --in 3 --out 6 --groups 3 --size 227 --stride 4 --padding 0 --bias-flops",
    ),
    "cost_side_by_side": (
        100,
        "cost --conv std,dw,dw-linear,bottleneck,inverted --k 3,5,7 --in 64 --out 128 --size 56",
    ),
    "cost_markdown": (None, "cost --conv dw --k 3 --format markdown"),
}


@pytest.mark.parametrize("name", CASES)
def test_rendering(name, capsys, monkeypatch, request):
    columns, arguments = CASES[name]
    if columns:
        monkeypatch.setenv("COLUMNS", str(columns))
    result = archprof(capsys, *arguments.split())
    assert (result.code, result.err) == (0, "")
    if columns:
        assert max(map(len, result.out.splitlines())) <= columns
    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(result.out, encoding="utf-8")
    assert result.out == path.read_text(encoding="utf-8")
