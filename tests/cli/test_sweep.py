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
    for suffix in ("csv", "jsonl", "parquet"):
        assert archprof(capsys, *SWEEP, "-o", str(tmp_path / f"sweep.{suffix}")) == (0, "", "")
    lines = [json.loads(line) for line in (tmp_path / "sweep.jsonl").read_text().splitlines()]
    assert rows((tmp_path / "sweep.csv").read_text()) == wanted
    assert [{key: str(value) for key, value in line.items()} for line in lines] == wanted
    table = parquet.read_table(tmp_path / "sweep.parquet").to_pylist()
    assert table == lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sweep.csv", "sweep.jsonl", "sweep.parquet"]


def test_several_networks(capsys):
    found = rows(archprof(capsys, "sweep", "v1", "v2", "v3", "--width", "0.5,1", "--format", "csv").out)
    assert [(row["model"], row["width"]) for row in found] == [
        (name, width) for name in ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large") for width in ("0.5", "1")
    ]
    assert {row["macs"] for row in found} >= {"300774272", "216589760"}


def test_nothing_within_the_limits(capsys):
    result = archprof(capsys, *SWEEP, "--max-macs", "1k")
    assert (result.code, result.err) == (1, "no variant is within the limits\n")


def test_what_cannot_be_is_counted(capsys):
    result = archprof(capsys, "sweep", "resnet18", "--set", "layers[0].g=1,3", "--resolution", "32:64:32")
    assert result.code == 0
    reason = "layers[0].g: 64 output channels are not divisible by 3 groups"
    assert f"2 variants cannot be, such as resnet18 at layers[0].g=3,resolution=32: {reason}" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--width", "1:2:0"), "`width=1:2:0` has no values\n  help: a step above 0, from the smaller to the larger\n"),
        (("--format", "parquet"), "Parquet goes to a file\n  help: name it: `-o sweep.parquet`\n"),
        (
            ("--pareto", "mac"),
            (
                "`--pareto` names no count: `mac`\n  help: did you mean `macs`? counts: params, trainable, buffers, "
                "macs, activations\n"
            ),
        ),
        (
            ("--width", "2", "--resume", "-o", "no.csv"),
            "`no.csv` has nothing to resume\n  help: start the sweep without `--resume`\n",
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


LARGE = ("sweep", "mobilenet_v3_large", "--width", "0.25:2:0.0001", "--resolution", "64:512:1", "--sample", "300000")


@pytest.mark.processes
def test_processes_give_what_one_gives(tmp_path):
    texts = []
    for jobs in ("1", "2"):
        path = tmp_path / f"{jobs}.csv"
        subprocess.run(
            [sys.executable, "-m", "archprof", *LARGE, "--max-macs", "60M", "--jobs", jobs, "-o", str(path)], check=True
        )
        texts.append(path.read_text())
    assert texts[0] == texts[1]
