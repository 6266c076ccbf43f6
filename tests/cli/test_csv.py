"""What commands print as CSV is what they print as JSON: a line for each item of a list, the same numbers in its
cells."""

import csv
import io
import json

import pytest

from tests.cli.console import archprof

# command line, the list of the document, and where in an item what stands in a column
VIEWS = [
    (
        "compare v1 v2 mixnet_s",
        "models",
        {
            "model": "model",
            "params": "totals.params",
            "macs": "totals.macs",
            "activations": "totals.activations",
            "ratios_macs": "ratios.macs",
            "weighted_layers": "weighted_layers",
        },
    ),
    (
        "cost --conv std,dw --k 3,5",
        "answers",
        {
            "conv": "asked.conv",
            "in_channels": "asked.in_channels",
            "weights": "totals.weights",
            "macs": "totals.macs",
            "intensity": "totals.intensity",
        },
    ),
    ("list v?", "models", {"model": "model", "title": "title", "params": "expect.0.params", "macs": "expect.0.macs"}),
    (
        "space space_spos_shufflenet --sample 4",
        "found",
        {"network": "network", "params": "totals.params", "macs": "totals.macs"},
    ),
    ("check v2 --max-macs 200M", "verdicts", {key: key for key in ("status", "model", "metric", "limit", "actual")}),
]


def reached(item, path):
    for key in path.split("."):
        item = item[int(key) if isinstance(item, list) else key]
    return item


def read(cell, like):
    """A cell, read as what it should equal is: an integer exactly."""
    return cell if isinstance(like, str) else type(like)(cell)


@pytest.mark.parametrize(("line", "key", "columns"), VIEWS, ids=[line.split()[0] for line, _, _ in VIEWS])
def test_a_line_for_each_item_and_the_same_numbers(capsys, line, key, columns):
    items = json.loads(archprof(capsys, *line.split(), "--format", "json").out)[key]
    lines = list(csv.DictReader(io.StringIO(archprof(capsys, *line.split(), "--format", "csv").out)))
    assert len(lines) == len(items) > 0
    for found, item in zip(lines, items, strict=True):
        expected = {column: reached(item, path) for column, path in columns.items()}
        assert {column: read(found[column], expected[column]) for column in columns} == expected


# command line; where in the document the columns' keys stand; columns that are named by settings or by the spec's
# cells, or are computed
HEADERS = [
    ("summary v2 --convention fvcore,torch", "layers", ()),
    ("show v2", "rows", ("t", "c", "n", "s", "k", "rate")),
    ("list", "models", ()),
    ("cost --conv std,dw", "answers", ()),
    ("cost --conv dw --bias", "answers", ()),
    ("compare v1 v2 --convention fvcore", "models", ()),
    ("diff v3 mobilenet_v3_large_14rows", "blocks", ()),
    ("solve v2 --max-macs 150M", "best", ("which", "width")),
    ("space space_spos_shufflenet", "choices", ("share",)),
    ("space space_spos_shufflenet --histogram macs", "histogram", ("share", "up_to")),
    ("space space_spos_shufflenet --minimize macs", "found", ()),
    ("explain v3", "conventions", ()),
    ("explain v3 --number 234.8M", "guesses", ()),
    ("check v2 --max-macs 200M", "verdicts", ()),
    ("verify v1 --analytic", "proofs", ()),
    ("sweep v2 --width 0.5,1", "variants", ("width",)),
]
# What a column may leave out before its key.
UNSAID = ("totals_", "layers_", "asked_", "steps_", "checks_", "changes_", "expect_")


def keys(value, before=""):
    """Every key of a document's part, inner ones behind outer ones."""
    if isinstance(value, list):
        return {key for one in value for key in keys(one, before)}
    if not isinstance(value, dict):
        return set()
    found = {f"{before}{key}" for key in value} | {f"counts_{value['name']}" for _ in "1" if "total" in value}
    return found | {inner for key, one in value.items() for inner in keys(one, f"{before}{key}_")}


def without(key):
    return next((key.removeprefix(word) for word in UNSAID if key.startswith(word)), key)


@pytest.mark.parametrize(("line", "place", "own"), HEADERS, ids=[line for line, _, _ in HEADERS])
def test_columns_are_keys(capsys, line, place, own):
    part = json.loads(archprof(capsys, *line.split(), "--format", "json").out)
    for key in place.split("."):
        part = [one[key] for one in part] if isinstance(part, list) else part[key]
    header = next(csv.reader(io.StringIO(archprof(capsys, *line.split(), "--format", "csv").out)))
    assert set(header) - {without(key) for key in keys(part)} - set(own) == set()
    assert all(name.isascii() and name.replace("_", "").replace("-", "").isalnum() for name in header)


def test_solve_says_which_it_found(capsys):
    line = ("solve", "v2", "--max-macs", "150M", "--format")
    found = json.loads(archprof(capsys, *line, "json").out)
    rows = list(csv.DictReader(io.StringIO(archprof(capsys, *line, "csv").out)))
    assert [(row["which"], row["width"], int(row["macs"])) for row in rows] == [
        (key, found[key]["settings"]["width"], found[key]["totals"]["macs"]) for key in ("best", "above")
    ]


def test_diff_has_a_line_for_each_change(capsys):
    """A kernel of 5 as one of 3 takes 25 − 9 weights a channel, of 120 channels on 28×28; a block that goes has no
    changes of its own."""
    line = ("diff", "v3", "mobilenet_v3_large_14rows@layers[1].rows[4].k=3", "--format")
    blocks = json.loads(archprof(capsys, *line, "json").out)["blocks"]
    rows = list(csv.DictReader(io.StringIO(archprof(capsys, *line, "csv").out)))
    changes = [{**block, **change} for block in blocks for change in block["changes"] or [block]]
    for row, change in zip(rows, changes, strict=True):
        for key in ("status", "before", "after", "block_type", "label", "kind"):
            assert row[key] == (change.get(key) or "")
        assert {key: int(row[f"delta_{key}"]) for key in change["delta"]} == change["delta"]
    found = {row["before"]: row for row in rows}
    assert found["1.4.depthwise.conv"]["fields"] == "kernel_size 5 to 3, padding 2 to 1"
    assert int(found["1.4.depthwise.conv"]["delta_params"]) == -120 * (25 - 9)
    assert int(found["1.4.depthwise.conv"]["delta_macs"]) == -120 * (25 - 9) * 28 * 28
    assert "inverted_residual" in [row["block_type"] for row in rows if row["status"] == "removed"]
    assert archprof(capsys, "diff", "v2", "v2", "--format", "csv").out == f"{','.join(rows[0])}\n"


@pytest.mark.parametrize("line", ["diff resnet50 v2", "diff v3 v2", *(line for line, _, _ in HEADERS)])
def test_cells_have_no_signs(capsys, line):
    """But for what a spec prints, and formulas: shapes are joined by `x`, a change is told in words."""
    for row in csv.DictReader(io.StringIO(archprof(capsys, *line.split(), "--format", "csv").out)):
        assert "".join(row[key] for key in row if key not in ("title", "formula", "numbers")).isascii()
