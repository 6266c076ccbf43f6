"""Where a command runs: streams that are closed, full or broken, a folder that is gone, encodings that lack letters,
sizes that are none, and names of what is no file. An answer or a message each, and the exit code of the answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import archprof.cli.process as process
from archprof.spec.config import find_config
from tests.cli.console import archprof

SPEC = "archprof: 1\ntitle: Größe\ninput: 3x32x32\nlayers:\n  - conv: {k: 3, c: 16}\n"
FILES = {
    "net.yaml": SPEC,
    "größe.yaml": SPEC,
    "of_stdin.yaml": "archprof: 1\nextends: /dev/stdin\n",
    "of_pipe.yaml": "archprof: 1\nextends: ./pipe.yaml\n",
    "of_zero.yaml": "archprof: 1\nextends: /dev/zero\n",
    "models.yaml": 'budgets: [{model: [/dev/stdin, "-", /dev/fd/0], macs: 1G}]\n',
    "baseline.yaml": "baseline: /dev/stdin\nbudgets: [{model: v2, macs: 1G}]\n",
}
SECONDS = 30  # what has not ended by then waits for what never comes


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder of specs, configurations and a named pipe that nobody writes to."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def shell(command):
    """Return the exit code of a command of bash, and what it wrote to standard output and standard error."""
    program = f'python() {{ {sys.executable} "$@"; }}; archprof() {{ python -m archprof "$@"; }}; {command}'
    root = str(Path(process.__file__).parents[2])
    done = subprocess.run(
        ["bash", "-c", program],
        env={**os.environ, "PYTHONPATH": root},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


CLOSED = "cannot write to standard output: it is closed\n  note: the answer is not whole\n"
FULL = "cannot write to standard output: no space left on device\n  note: the answer is not whole\n"
NO_INPUT = "standard input is closed\n  help: give it a spec: `archprof summary - <my_net.yaml`\n"
NO_STREAM = "2:10: a spec cannot extend standard input\n  help: name a spec of the catalog or a file\n"
BESIDE = "  help: a path counts from this file's folder\n"
NOT_NAMED = "a configuration cannot name standard input\n  help: name"
GONE = "there is no current folder: no such file or directory\n  help: change to a folder that exists\n"
PREPARED = "import sys; from archprof.cli import process; process.prepare()"
STREAMS = [
    # Standard output that takes nothing: the answer is lost, and that is an error.
    ("archprof summary v2 >&-", 2, CLOSED),
    ("archprof summary v2 >/dev/full", 2, FULL),
    ("archprof --version >&-", 2, CLOSED),
    ("archprof summary --help >/dev/full", 2, FULL),
    ("PYTHONUNBUFFERED=1 archprof schema >/dev/full", 2, FULL),
    ("archprof sweep v2 --width 0.5,1 --format csv >&-", 2, CLOSED),
    ("archprof sweep v2 --width 0.5,1 --format csv >/dev/full", 2, FULL),
    ("archprof check v2 --max-macs 1M --report json=report.json >/dev/full; code=$?; test -s report.json && exit $code",
     2, FULL),
    (f"python -c '{PREPARED}; print(1); sys.exit(process.finish(0))' >/dev/full", 2, FULL),
    # A reader that has enough: the answer is what it is.
    ("archprof summary v2 | true; exit ${PIPESTATUS[0]}", 0, ""),
    ("archprof --help | true; exit ${PIPESTATUS[0]}", 0, ""),
    ("archprof check v2 --max-macs 1M | true; exit ${PIPESTATUS[0]}", 1, ""),
    ("archprof sweep v2 --width 0.1:1:0.001 --format csv | true; exit ${PIPESTATUS[0]}", 0, ""),
    ("archprof sweep v2 --width 0.5,1 --max-macs 1 --format csv | true; exit ${PIPESTATUS[0]}", 1,
     "no variant is within the limits\n"),
    ("PYTHONDEVMODE=1 archprof schema | true; exit ${PIPESTATUS[0]}", 0, ""),
    # Messages that nobody can read change nothing.
    ("archprof summary nothing 2>&-", 2, ""),
    ("archprof summary nothing 2>/dev/full", 2, ""),
    ("archprof summary nothing --unknown >&- 2>&-", 2, ""),
    ("archprof sweep v2 --width 0.5,1 2>&- >/dev/null", 0, ""),
    ("archprof verify v1 v2 --analytic --jobs 2 2>&- >/dev/null", 0, ""),
    # A message is there when it is said, also where nothing is to be buffered: not behind the answer.
    (f"PYTHONUNBUFFERED=1 python -c '{PREPARED}; import os; print(1, file=sys.stderr); os._exit(0)'", 0, "1\n"),
    # The numbers of closed streams are not given to files, for others to write into.
    ("archprof summary v2 -o v2.csv <&- >&- 2>&-; code=$?; grep -q '^path,op' v2.csv && exit $code", 0, ""),
    (f"python -c '{PREPARED}; sys.exit(open(\"net.yaml\").fileno())' <&- >&- 2>&-", 3, ""),
    ("archprof summary - <&-", 2, NO_INPUT),
    ("archprof summary - 0>/dev/null", 2, "cannot read `<stdin>`: bad file descriptor\n"),
    # What is no file: refused where it could keep a reader waiting, read where the shell opened it.
    ("archprof summary pipe.yaml", 2, "cannot read `pipe.yaml`: it is a named pipe, not a file\n"),
    ("archprof summary of_pipe.yaml", 2,
     "of_pipe.yaml:2:10: cannot extend `./pipe.yaml`: cannot read `pipe.yaml`: it is a named pipe, not a file\n"
     + BESIDE),
    ("archprof check v2 --config pipe.yaml", 2, "cannot read `pipe.yaml`: it is a named pipe, not a file\n"),
    ("archprof check './p*.yaml' --max-macs 1G >/dev/null", 2,
     "cannot read `pipe.yaml`: it is a named pipe, not a file\n"),
    ("archprof summary of_zero.yaml", 2,
     "of_zero.yaml:2:10: cannot extend `/dev/zero`: cannot read `/dev/zero`: it is a device, not a file\n" + BESIDE),
    ("archprof summary /proc/self/mem", 2, "cannot read `/proc/self/mem`: input/output error\n"),
    ("archprof summary of_stdin.yaml <net.yaml", 2, f"of_stdin.yaml:{NO_STREAM}"),
    ("cat net.yaml | archprof summary of_stdin.yaml", 2, f"of_stdin.yaml:{NO_STREAM}"),
    ("cat net.yaml | archprof check --config models.yaml >/dev/null", 2,
     "".join(f"models.yaml:1:{column}: {NOT_NAMED} it on the command line\n" for column in (20, 32, 37))),
    ("cat net.yaml | archprof check --config baseline.yaml >/dev/null", 2,
     f"baseline.yaml:1:11: {NOT_NAMED} a file\n"),
    ("archprof validate <(cat net.yaml) /dev/stdin - <net.yaml", 0, ""),
    ("cat net.yaml | archprof validate /dev/stdin", 0, ""),
    # Sizes of a terminal that are none.
    ("COLUMNS=² LINES=² archprof summary v2 >/dev/null", 0, ""),
    ("COLUMNS=$(printf '%05000d' 9) archprof summary v2 >/dev/null", 0, ""),
    # A home that cannot be written.
    ("HOME=/dev/null archprof compare v1 v2 --plot v.svg >/dev/null 2>&1; code=$?; test -s v.svg && exit $code", 0, ""),
    ("mkdir gone && cd gone && rmdir ../gone && archprof check v2 --max-macs 1G", 2, GONE),
]  # fmt: skip


@pytest.mark.few(14)
@pytest.mark.parametrize(("command", "code", "messages"), STREAMS, ids=[command for command, *_ in STREAMS])
def test_an_answer_or_a_message(folder, command, code, messages):
    assert shell(command) == (code, "", messages)


ASCII = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
ENCODINGS = [
    (f"{ASCII} archprof summary größe.yaml", "Gr??e - input 3x32x32\n", ""),
    (f"{ASCII} archprof summary net.yaml -o größe.txt && cat größe.txt", "Größe · input 3×32×32\n", ""),
    ("PYTHONIOENCODING=ascii:strict archprof summary ü.yaml", "", "no such file: `\\xfc.yaml`\n"),
    ("PYTHONIOENCODING=latin-1 archprof summary --help | tail -n 1",
     "Read on: docs/tutorial/first-network.md\n", ""),
]  # fmt: skip


@pytest.mark.parametrize(("command", "start", "messages"), ENCODINGS, ids=[command for command, *_ in ENCODINGS])
def test_specs_are_utf_8_and_what_an_encoding_lacks_is_replaced(folder, command, start, messages):
    _, out, err = shell(command)
    assert (out[: len(start)], err) == (start, messages)


def test_a_reader_is_waited_for_where_its_pipe_does_not_block(folder):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    command = [sys.executable, "-m", "archprof", "summary", "resnet152", "--format", "json"]
    # A quarter of a megabyte: four times what a pipe holds.
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE) as program:
        os.close(writer)
        received = b""
        while part := os.read(reader, 512):
            received += part
        _, messages = program.communicate(timeout=SECONDS)
    assert (program.returncode, messages) == (0, b"")
    os.close(reader)
    assert received.endswith(b"}\n")


@pytest.fixture
def gone(tmp_path, monkeypatch):
    """A current folder that was deleted."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


@pytest.mark.parametrize(
    "command",
    [
        "summary v2", "show v2", "list v2", "validate v2", "cost --conv dw", "compare v1 v2", "diff v1 v2", "schema",
        "sweep v2 --width 0.5,1", "solve v2 --max-macs 150M", "space space_dna --minimize macs",
        "explain v2", "verify v2 --analytic",
    ],
)  # fmt: skip
def test_a_catalog_needs_no_current_folder(gone, capsys, command):
    result = archprof(capsys, *command.split())
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize(
    ("command", "messages"),
    [
        ("check v2 --max-macs 1G", GONE),
        ("check v2 --max-macs 1G --config budgets.yaml", GONE),
        ("summary v2 --measure", GONE),
        ("verify v2", GONE),
        ("summary ./net.yaml", "no such file: `./net.yaml`\n"),
        ("summary v2 -o v2.csv", "cannot write `v2.csv`: no such file or directory\n  help: nothing was written\n"),
    ],
)
def test_what_needs_a_current_folder_says_so(gone, capsys, command, messages):
    assert archprof(capsys, *command.split()) == (2, "", messages)


def test_a_spec_from_standard_input_needs_no_current_folder(gone, capsys, monkeypatch):
    for target, code, messages in (
        ("mobilenet_v2", 0, ""),
        ("./a.yaml", 2, "<stdin>:2:10: cannot extend `./a.yaml`: no such file: `a.yaml`\n" + BESIDE),
    ):
        reader, writer = os.pipe()
        os.write(writer, f"archprof: 1\nextends: {target}\n".encode())
        os.close(writer)
        with open(reader) as text:
            monkeypatch.setattr("sys.stdin", text)
            result = archprof(capsys, "validate", "-")
        assert (result.code, result.err) == (code, messages)


@pytest.mark.parametrize(
    ("typed", "size"),
    [("80", 80), ("007", 7), ("0", None), ("", None), ("-5", None), ("²", None), ("٣", None), ("1e3", None),
     (" 80", None), ("9" * 20, None), ("9" * 5000, None)],
)  # fmt: skip
def test_a_terminal_has_a_number_of_columns_or_says_nothing(monkeypatch, typed, size):
    with monkeypatch.context() as typing:  # pytest itself reads it as soon as the test has run
        typing.setenv("COLUMNS", typed)
        assert process.terminal_size("COLUMNS") == size


def test_a_folder_that_nobody_may_enter_has_no_configuration(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr("os.stat", refuse)
    assert find_config(tmp_path) is None


def test_links_that_lead_in_a_circle_are_told_once(folder, capsys):
    (folder / "circle.yaml").symlink_to("circle.yaml")
    (folder / "of_circle.yaml").write_text("archprof: 1\nextends: ./circle.yaml\n")
    reason = "cannot read `circle.yaml`: too many levels of symbolic links\n"
    result = archprof(capsys, "check", "of_circle.yaml", "circle.yaml", "--max-macs", "1G")
    assert result.err == f"of_circle.yaml:2:10: cannot extend `./circle.yaml`: {reason}{BESIDE}{reason}"


def test_a_null_byte_in_a_configuration(folder, capsys):
    (folder / "pyproject.toml").write_text('[tool.archprof]\nbudgets = [{model = "a\\u0000.yaml", macs = "1G"}]\n')
    assert archprof(capsys, "check").err == "pyproject.toml:2:1: cannot read `a\\x00.yaml`: embedded null byte\n"


@pytest.mark.parametrize("line", ["compare v1 v2 --plot v.svg", "draw v1 -o v.pdf"])
def test_matplotlib_without_a_folder_for_its_files(monkeypatch, capsys, tmp_path, line):
    monkeypatch.chdir(tmp_path)

    class Refusing:
        def find_spec(self, name, *_):
            if name == "matplotlib":
                raise OSError("no writable folder")

    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
    told = "matplotlib finds no folder that it can write to\n  help: set MPLCONFIGDIR to one\n"
    assert archprof(capsys, *line.split()) == (2, "", told)
    assert not [*tmp_path.iterdir()]
