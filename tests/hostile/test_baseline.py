"""Baselines of any size, by any number of writers, with names that are no text."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import archprof as package
from archprof.analysis.baseline import read_baseline, to_text
from archprof.costs.metrics import NAMES, Counts
from archprof.limits import MAX_DIGITS
from tests.check.repository import SPEC
from tests.cli.console import archprof

# 65,536 channels to 1,000,000 by 255×255 at 65,536×65,536 positions
HUGE = """\
archprof: 1
name: huge
input: 65536x65536x65536
layers:
  - conv: {k: 255, c: 1000000}
  - avg_pool
"""
HUGE_MACS = 65_536 * 1_000_000 * 255**2 * 65_536**2


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty current folder, in no repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(SPEC)
    return tmp_path


# Integers


def test_a_huge_network_is_written_and_read_again(capsys, folder):
    (folder / "huge.yaml").write_text(HUGE + f"expect: [{{macs: {HUGE_MACS}}}]\nbudget: {{macs: {HUGE_MACS}}}\n")
    assert archprof(capsys, "validate", "huge.yaml").code == 0
    assert archprof(capsys, "check", "huge.yaml", "--write-baseline", "b.json").code == 0
    assert json.loads((folder / "b.json").read_text())["models"]["huge.yaml"]["totals"]["macs"] == str(HUGE_MACS)
    result = archprof(capsys, "check", "huge.yaml", "--baseline", "b.json", "--max-macs", str(HUGE_MACS))
    assert (result.code, result.err, f"{HUGE_MACS:,}" in result.out) == (0, "", True)
    assert archprof(capsys, "check", "huge.yaml", "--max-macs", str(HUGE_MACS - 1)).code == 1


@pytest.mark.parametrize("count", [0, 2**53, 2**53 + 1, 2**62, 2**62 + 1, 2**63, 2**64, 10**40, 10 ** (MAX_DIGITS - 1)])
def test_counts_have_no_limit(capsys, folder, count):
    archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json")
    [kept] = read_baseline("b.json").values()
    row = kept.parts[0]._replace(cost=Counts([(name, count) for name in NAMES]))
    changed = {"tiny.yaml": kept._replace(parts=(row,))}
    (folder / "b.json").write_text(to_text(changed))
    assert read_baseline("b.json") == changed
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json", "--max-increase", "macs=1%")
    assert (result.code in (0, 1), result.err) == (True, "")


LONG = "9" * 10_000


@pytest.mark.parametrize(
    ("name", "text", "arguments", "told"),
    [
        ("x.yaml", HUGE + f"expect: [{{macs: {LONG}}}]\n", ["validate"], "x.yaml:7:17: `999"),
        ("x.yaml", HUGE + f"budget: {{macs: {LONG}}}\n", ["check"], "x.yaml:7:16: `999"),
        ("x.yaml", HUGE + f"published: [{{macs: {LONG}}}]\n", ["verify", "--analytic"], "x.yaml:7:20: `999"),
        ("x.yaml", HUGE.replace("k: 255", f"k: {LONG}"), ["check", "--max-macs", "1"], "x.yaml:5:15: `999"),
        ("x.toml", f"[tool.archprof]\nbudgets = {LONG}", ["check", "--config"], "x.toml:1:1: a number of thousands"),
        ("x.toml", f"[tool.archprof]\nbudgets = 0x{LONG}", ["check", "--config"], "x.toml:1:1: a number of thousands"),
        ("x.json", f'{{"schema": {LONG}}}', ["check", "tiny.yaml", "--baseline"], "x.json:1:1: this is no baseline"),
    ],
)
def test_a_number_of_thousands_of_digits(capsys, folder, name, text, arguments, told):
    (folder / name).write_text(text)
    result = archprof(capsys, *arguments, name)
    assert (result.code, told in result.out + result.err, len(result.err) < 1000) == (2, True, True), result


def test_a_number_of_thousands_of_digits_as_an_option(capsys):
    for option in ("--max-macs", "--max-increase"):
        result = archprof(capsys, "check", "tiny.yaml", option, f"macs={LONG}" if option != "--max-macs" else LONG)
        assert (result.code, "is no limit" in result.err) == (2, True)


def test_a_count_of_more_digits_than_any_has(capsys, folder):
    archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json")
    text = (folder / "b.json").read_text()
    (folder / "b.json").write_text(text.replace('"params": 224', f'"params": "{LONG}"', 1))
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json")
    assert (result.code, "b.json:4:5: this is no layer as archprof writes them" in result.err) == (2, True)


# Names


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\udcff", "a\\ud83d"])
@pytest.mark.parametrize("option", ["--baseline", "--write-baseline"])
@pytest.mark.parametrize("place", ['"tiny.yaml": {', '"path": "0.conv"', '"commit": ""', '"kind": "standard"'])
def test_half_a_character_is_no_text(capsys, folder, half, option, place):
    archprof(capsys, "check", "tiny.yaml", "--write-baseline", "b.json")
    word = place.split('"')[1 if place.endswith("{") else 3]
    text = (folder / "b.json").read_text()
    assert place in text
    text = text.replace(place, place.replace(f'"{word}"', f'"{half}"'), 1)
    (folder / "b.json").write_text(text)
    result = archprof(capsys, "check", "tiny.yaml", option, "b.json")
    assert (result.code, "is half of a character" in result.err, (folder / "b.json").read_text()) == (2, True, text)


def test_a_whole_character_is_text(capsys, folder):
    (folder / "🦆.yaml").write_text(SPEC)
    archprof(capsys, "check", "🦆.yaml", "--write-baseline", "b.json")
    text = (folder / "b.json").read_text(encoding="utf-8")
    (folder / "b.json").write_text(text.replace("🦆", "\\ud83e\\udd86"))
    result = archprof(capsys, "check", "🦆.yaml", "--baseline", "b.json")
    assert (result.code, "not in the baseline" in result.out) == (0, False)


def test_a_file_name_that_is_not_utf8(capsys, folder):
    name = os.fsdecode(b"\xff.yaml")
    try:
        (folder / name).write_text(SPEC)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    result = archprof(capsys, "check", name, "tiny.yaml", "--write-baseline", "b.json")
    assert (result.code, result.err) == (
        2,
        "the name `\\udcff.yaml` is not UTF-8\n  help: a baseline is: rename the file\n",
    )
    assert not (folder / "b.json").exists()


def test_a_name_that_stands_there_twice_is_found_soon(capsys, folder):
    names = ", ".join(f'"{number}": 0' for number in [*range(200_000), 0])
    (folder / "b.json").write_text(f'{{"schema": 2, "models": {{{names}}}}}')
    started = time.process_time()
    result = archprof(capsys, "check", "tiny.yaml", "--baseline", "b.json")
    assert (result.code, "`0` stands there twice" in result.err) == (2, True)
    assert time.process_time() - started < 10


# Writers


def writer(model: str, prelude: str = "pass") -> "subprocess.Popen[bytes]":
    code = f"{prelude}\nimport sys\nfrom archprof.cli import run\n"
    code += f"sys.exit(run(['check', {model!r}, '--write-baseline', 'b.json']))"
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL)


# Between what a writer reads and what it writes, all others have time to do the same.
SLOW = """
import time
from archprof.analysis import baseline
read = baseline.merged
baseline.merged = lambda *both: (time.sleep(0.3), read(*both))[1]
"""


def test_every_writer_keeps_its_entry(folder):
    names = [f"net{number}.yaml" for number in range(6)]
    for name in names:
        (folder / name).write_text(SPEC)
    running = [writer(name, SLOW) for name in names]
    assert [process.wait(60) for process in running] == [0] * 6
    assert sorted(read_baseline("b.json")) == names
    assert sorted(path.name for path in folder.iterdir()) == sorted(["b.json", "tiny.yaml", *names])


def test_a_killed_writer_keeps_nobody_waiting(folder):
    stuck = writer("tiny.yaml", SLOW.replace("time.sleep(0.3)", "(open('in', 'w').close(), time.sleep(600))"))
    try:
        while not (folder / "in").exists():
            assert stuck.poll() is None
            time.sleep(0.01)
        waiting = writer("tiny.yaml")
        with suppress(subprocess.TimeoutExpired):
            waiting.wait(2)
        assert (waiting.poll(), (folder / "b.json").exists()) == (None, False)
    finally:
        stuck.send_signal(signal.SIGKILL)
        stuck.wait()
    assert (waiting.wait(60), list(read_baseline("b.json"))) == (0, ["tiny.yaml"])


def test_a_folder_that_is_not_there(capsys):
    result = archprof(capsys, "check", "tiny.yaml", "--write-baseline", "none/b.json")
    assert (result.code, result.err) == (
        2,
        "cannot write `none/b.json`: no such file or directory\n  help: nothing was written\n",
    )
