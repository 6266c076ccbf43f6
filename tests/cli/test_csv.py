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
        "diff v3 v3@layers[1].rows[4].k=3",
        "blocks",
        {
            "status": "status",
            "before": "before",
            "after": "after",
            "delta_params": "delta.params",
            "delta_macs": "delta.macs",
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


# command line; where in the document the columns' keys stand; columns that are named by settings or by the spec's cells
HEADERS = [
    ("summary v2 --convention fvcore,torch", "layers", ()),
    ("show v2", "rows", ("t", "c", "n", "s", "k", "rate")),
    ("list", "models", ()),
    ("cost --conv std,dw", "answers", ()),
    ("cost --conv dw --bias", "answers", ()),
    ("compare v1 v2 --convention fvcore", "models", ()),
    ("diff v3 mobilenet_v3_large_14rows --full", "blocks", ()),
    ("solve v2 --max-macs 150M", "best", ("which", "width")),
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
