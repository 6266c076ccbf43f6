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
            "macs_ratio": "ratio.macs",
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
            "inputs": "asked.inputs",
            "weights": "totals.weights",
            "macs": "totals.macs",
            "intensity": "totals.intensity",
        },
    ),
    ("list v?", "models", {"name": "model", "title": "title", "params": "expect.0.params", "macs": "expect.0.macs"}),
    ("verify v1 --analytic", "proofs", {"model": "model", "params": "totals.params", "macs": "totals.macs"}),
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
