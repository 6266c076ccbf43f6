"""`archprof report` and `summary --open`: files, browsers, and what is said when that cannot be."""

import importlib
import sys
import webbrowser
from pathlib import Path

import pytest

from tests.cli.console import archprof

WRONG = {
    "report": (
        "archprof report: missing argument `MODEL...`\n  help: as in `archprof report v3 -o v3.html`; `archprof report "
        "--help` tells more\n"
    ),
    "report v3 -o v3.svg": "the suffix of `v3.svg` is not that of a page\n  help: suffixes: .html, .htm\n",
    "report v3 -o no/v3.html": ("cannot write `no/v3.html`: no such file or directory\n  help: nothing was written\n"),
    "report v3 --train adamw --device h100": (
        "`--device` and `--train` at once\n  help: a device's profile is of inference\n"
    ),
    "report v3 --runtime torch": "`--runtime` says how a device runs networks\n  help: `--device` names one\n",
    "report v2 v9 v3 v1x": (
        "there is no network `v9`\n  help: did you mean `v3` or `v2`? `archprof list` shows the catalog; the path of a "
        "file ends with `.yaml`\n"
        "there is no network `v1x`\n  help: did you mean `v1`? `archprof list` shows the catalog; the path of a file "
        "ends with `.yaml`\n"
    ),
    "report none.parquet": "no such file: `none.parquet`\n  help: a path counts from the current folder\n",
    "report v3 sweep.parquet": (
        "`v3` and `sweep.parquet` on one page\n  help: a page has the variants of one, or networks by name\n"
    ),
    "report sweep.parquet --device h100": (
        "`--device` and a sweep's Parquet at once\n  help: its variants are computed already: `archprof sweep` takes "
        "it\n"
    ),
    "summary v3 -o v3.html": (
        "the suffix of `v3.html` names no format\n  help: `archprof report NETWORK -o v3.html` writes a page\n"
    ),
    "summary v3 --open -o v3.html": (
        "`--open` and `-o` at once\n  help: `archprof report v3 -o page.html` writes the page\n"
    ),
    "summary v3 --open --format json": (
        "`--open` and `--format` at once\n  help: `archprof report v3 -o page.html` writes the page\n"
    ),
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_is_said_and_nothing_written(capsys, tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    result = archprof(capsys, *line.split())
    assert (result.code, result.out, result.err) == (2, "", WRONG[line])
    assert not [*tmp_path.iterdir()]


def test_a_terminal_gets_no_page(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    told = "a page is nothing that a terminal shows\n  help: `-o page.html` writes it to a file\n"
    assert archprof(capsys, "report", "v3") == (2, "", told)


def test_a_page_says_how_it_was_made(capsys):
    page = archprof(capsys, "report", "v2@width=0.75", "--batch", "2", "--set", "classes=10", "--real").err
    assert "`--real` runs code" in page
    page = archprof(capsys, "report", "v2@width=0.75", "--batch", "2", "--set", "classes=10").out
    assert "<code>archprof report v2@width=0.75 --set classes=10 --batch 2</code>" in page


def test_pages_of_a_command_are_equal(capsys):
    first, second = (archprof(capsys, "report", "v3", "v2").out for _ in range(2))
    assert first == second


@pytest.mark.parametrize("screen", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", ""])
def test_open_shows_the_page_or_prints_its_path(capsys, tmp_path, monkeypatch, screen):
    opened: list[str] = []

    def shown(address):
        opened.append(address)
        return True

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(webbrowser, "open", shown)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if screen:
        monkeypatch.setenv(screen, "x")
    result = archprof(capsys, "summary", "v3", "--open")
    (page,) = tmp_path.iterdir()
    assert (result.code, result.out, result.err) == (0, "" if screen else f"{page}\n", "")
    assert opened == ([page.as_uri()] if screen else [])
    assert "<code>archprof summary v3 --open</code>" in page.read_text("utf-8")


def test_a_browser_that_does_not_start(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert Path(archprof(capsys, "summary", "v3", "--open").out.strip()).is_file()


def test_a_file_that_is_no_parquet(capsys, tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 and nothing")
    told = f"`{path}` is not a file of Parquet\n  help: `archprof sweep … -o FILE.parquet` writes one\n"
    assert archprof(capsys, "report", str(path)) == (2, "", told)


def test_a_parquet_without_numpy(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    told = "`report x.parquet` needs numpy, which is not installed\n  help: pip install 'archprof[sweep]'\n"
    assert archprof(capsys, "report", "x.parquet") == (2, "", told)


def test_a_parquet_of_something_else(capsys, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    parquet.write_table(importlib.import_module("pyarrow").table({"a": [1]}), path)
    told = f"`{path}` holds no variants\n  help: `archprof sweep … -o FILE.parquet` writes one\n"
    assert archprof(capsys, "report", str(path)) == (2, "", told)
