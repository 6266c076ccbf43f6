"""archprof sweep: what it writes where, interrupted or not, on one process, several, or a cluster."""

import csv
import io
import json
import subprocess
import sys

import pytest
from pyarrow import parquet

from tests.cli.console import archprof

SWEEP = ("sweep", "mobilenet_v2", "--width", "0.5:1:0.25", "--resolution", "64:128:32")


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_every_row_is_what_summary_prints(capsys):
    result = archprof(capsys, *SWEEP, "--format", "csv")
    assert (result.code, result.err) == (0, "")
    found = rows(result.out)
    assert [(row["width"], row["resolution"]) for row in found] == [
        (w, r) for w in ("0.5", "0.75", "1") for r in ("64", "96", "128")
    ]
    for row in found:
        summary = archprof(
            capsys,
            "summary",
            "mobilenet_v2",
            "--width",
            row["width"],
            "--resolution",
            row["resolution"],
            "--format",
            "json",
        )
        assert {key: int(row[key]) for key in ("params", "trainable", "buffers", "macs", "activations")} == json.loads(
            summary.out
        )["totals"]


def test_formats_say_the_same(capsys, tmp_path):
    wanted = rows(archprof(capsys, *SWEEP, "--format", "csv").out)
    for suffix in ("csv", "json", "jsonl", "parquet"):
        assert archprof(capsys, *SWEEP, "-o", str(tmp_path / f"sweep.{suffix}")) == (0, "", "")
    lines = [json.loads(line) for line in (tmp_path / "sweep.jsonl").read_text().splitlines()]
    assert rows((tmp_path / "sweep.csv").read_text()) == wanted
    assert [{key: str(value) for key, value in line.items()} for line in lines] == wanted
    table = parquet.read_table(tmp_path / "sweep.parquet").to_pylist()
    assert table == lines
    document = json.loads((tmp_path / "sweep.json").read_text())
    assert [
        {"model": one["model"], **one["settings"], **{key: str(count) for key, count in one["totals"].items()}}
        for one in document["variants"]
    ] == wanted
    assert (document["axes"], document["computed"], document["fitting"]) == (["width", "resolution"], 9, 9)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "sweep.csv", "sweep.json", "sweep.jsonl", "sweep.parquet",
    ]  # fmt: skip


def test_a_document_of_nothing_is_one(capsys, tmp_path):
    path = tmp_path / "sweep.json"
    assert archprof(capsys, *SWEEP, "--max-macs", "1k", "-o", str(path)).code == 1
    found = json.loads(path.read_text())
    assert (found["variants"], found["computed"], found["fitting"], found["impossible"]) == ([], 9, 0, [])


def test_a_document_names_what_cannot_be(capsys):
    axes = ("--set", "layers[0].g=1,3", "--format", "json")
    [one] = json.loads(archprof(capsys, "sweep", "resnet18", *axes).out)["impossible"]
    reason = "layers[0].g: 64 output channels are not divisible by 3 groups"
    assert one == {"model": "resnet18", "settings": {"layers[0].g": "3"}, "affected": 1, "reason": reason}


def test_several_networks(capsys):
    found = rows(archprof(capsys, "sweep", "v1", "v2", "v3", "--width", "0.5,1", "--format", "csv").out)
    assert [(row["model"], row["width"]) for row in found] == [
        (name, width) for name in ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large") for width in ("0.5", "1")
    ]
    assert {row["macs"] for row in found} >= {"300774272", "216589760"}


def table_rows(out):
    """Return the cells of a table as text."""
    return [line.split() for line in out.partition("──\n")[2].partition("\n\n")[0].splitlines()]


def test_a_network_is_listed_once_where_they_are_sorted(capsys):
    options = ("--width", "0.5:0.6:0.004", "--sort", "macs", "--top", "3")
    out = archprof(capsys, "sweep", "v2", "mobilenet_v2", *options).out
    # Channels are multiples of 8: the next one for 320 begins at 164/320 = 0.5125 and at 172/320 = 0.5375, for 160 at
    # 84/160 = 0.525.
    assert [row[0] for row in table_rows(out)] == ["0.5–0.512", "0.516–0.524", "0.528–0.536"]
    for row in table_rows(out):
        for width in row[0].split("–"):
            summary = json.loads(archprof(capsys, "summary", f"v2@width={width}", "--format", "json").out)
            assert row[1:4] == [f"{summary['totals'][count]:,}" for count in ("params", "macs", "activations")]
    assert "10 of 26 shown" in out


def test_equal_counts_of_other_cells_are_other_networks(capsys):
    cells = ("--set", "layers[1].rows[4].k=3,5", "--set", "layers[1].rows[5].k=3,5")
    found = table_rows(archprof(capsys, "sweep", "v3", *cells, "--sort", "macs").out)
    assert [row[:2] for row in found] == [["3", "3"], ["3", "5"], ["5", "3"], ["5", "5"]]
    assert found[1][2:] == found[2][2:]


def test_counts_that_are_asked_for_are_shown(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    out = archprof(capsys, "sweep", "v2", "--width", "0.5,1", "--pareto", "-buffers,activations").out
    assert out.splitlines()[2].split() == ["width", "MACs", "activations", "buffers"]


def test_a_plot_of_characters_uses_its_range(capsys):
    lines = archprof(capsys, "sweep", "v2", "--width", "0.5:1.4:0.1").out.splitlines()
    start = lines.index("params")
    assert lines[start - 1] == ""
    plot = lines[start + 1 : start + 15]
    assert [plot[0].split()[0], plot[11].split()[0]] == ["6.109M", "1.969M"]
    assert plot[0].index("·") - plot[11].index("·") == 47
    assert plot[13].split() == ["97.13M", "582.2M", "MACs"]


def test_nothing_within_the_limits(capsys):
    result = archprof(capsys, *SWEEP, "--max-macs", "1k")
    assert (result.code, result.err) == (1, "no variant is within the limits\n")


def test_what_cannot_be_is_counted(capsys):
    result = archprof(capsys, "sweep", "resnet18", "--set", "layers[0].g=1,3", "--resolution", "32:64:32")
    assert result.code == 0
    reason = "layers[0].g: 64 output channels are not divisible by 3 groups"
    assert f"2 variants cannot be, such as resnet18 at layers[0].g=3,resolution=32: {reason}" in result.out


def test_what_cannot_be_without_a_setting_is_told_by_its_name(capsys):
    result = archprof(capsys, "sweep", "levit_128", "--device", "epyc")
    assert result.code == 1
    told = "1 variant cannot be, such as levit_128: its time is out of the profile's range: dot_product_attention ×14,"
    assert told in " ".join(result.out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--width", "1:2:0"), "`width=1:2:0` has no values\n  help: a step above 0, from the smaller to the larger\n"),
        (("--format", "parquet"), "Parquet goes to a file\n  help: name it: `-o sweep.parquet`\n"),
        (
            ("--pareto", "mac"),
            (
                "`--pareto` names no count: `mac`\n  help: did you mean `macs`? counts: params, trainable, buffers, "
                "macs, activations, peak, weights, train_macs\n"
            ),
        ),
        (
            ("--width", "1,2", "--seed", "0"),
            "`--seed` without `--sample`\n  help: it says which sample\n",
        ),
        (
            ("--width", "1,2", "--timeout", "60"),
            "`--timeout` without `--scheduler`\n  help: it says how long a cluster may be silent\n",
        ),
        (
            ("--width", "2", "--resume", "-o", "no.csv"),
            "`no.csv` has nothing to resume\n  help: start the sweep without `--resume`\n",
        ),
        (
            ("--resume", "-o", "no.json"),
            (
                "a JSON document is written whole, and cannot be resumed\n"
                "  help: write lines (`.jsonl`), CSV or Parquet: `--resume` goes on with those\n"
            ),
        ),
        (
            ("--width", "1,2", "-o", "all.csv", "--plot", "all.txt"),
            "cannot draw `all.txt`\n  help: a name that ends with .svg, .png, .pdf, or `-`\n",
        ),
        (
            ("--sort", "macs", "--format", "csv"),
            (
                "`--sort` without `--top`: a file is written as variants come\n"
                "  help: add `--top 1000`, or sort the file\n"
            ),
        ),
    ],
)
def test_what_is_asked_wrongly(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert archprof(capsys, "sweep", "v2", *arguments) == (2, "", message)
    assert not [*tmp_path.iterdir()]


LARGE = ("sweep", "mobilenet_v3_large", "--width", "0.25:2:0.0001", "--resolution", "64:512:1", "--sample", "300000")


def test_processes_give_what_one_gives(tmp_path):
    texts = []
    for jobs in ("1", "2"):
        path = tmp_path / f"{jobs}.csv"
        subprocess.run(
            [sys.executable, "-m", "archprof", *LARGE, "--max-macs", "60M", "--jobs", jobs, "-o", str(path)], check=True
        )
        texts.append(path.read_text())
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("command", "model"),
    [("sweep v2 v1 gpt2 --width 0.5,1", "gpt2"), ("compare v1 gpt2 --width 0.5", "gpt2"), ("sweep gpt2 --width 2", "")],
)
def test_of_several_networks_the_one_is_told_that_cannot(capsys, command, model):
    result = archprof(capsys, *command.split())
    assert result.code == 2
    assert (f"  note: asked of `{model}`\n" in result.err) is bool(model)
    assert "note" in result.err or not model
