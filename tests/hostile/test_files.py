"""Where results are written: through links, into devices and pipes as they are, whole or not at all, with the mode and
the owner that were there."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from archprof import outputs
from tests.check.repository import SPEC
from tests.cli.console import archprof

# A command line for each kind of file that is written, without the file's name, and the name's suffix.
WRITERS = {
    "-o": (("summary", "tiny.yaml", "--format", "csv", "-o"), ".csv"),
    "--report": (("check", "tiny.yaml", "--max-macs", "1G", "--report"), ".xml"),
    "--write-baseline": (("check", "tiny.yaml", "--write-baseline"), ".json"),
    "--plot": (("compare", "v1", "v2", "--plot"), ".svg"),
    "draw": (("draw", "tiny.yaml", "-o"), ".svg"),
    "draw pdf": (("draw", "tiny.yaml", "-o"), ".pdf"),
    "--write-spec": (("solve", "v2", "--max-macs", "150M", "--write-spec"), ".yaml"),
    "space --write-spec": (("space", "space_dna", "--minimize", "macs", "--write-spec"), ".yaml"),
    "space --plot": (("space", "space_dna", "--histogram", "macs", "--plot"), ".svg"),
    "sweep csv": (("sweep", "v2", "--width", "0.5,1", "-o"), ".csv"),
    "sweep json": (("sweep", "v2", "--width", "0.5,1", "-o"), ".json"),
    "sweep jsonl": (("sweep", "v2", "--width", "0.5,1", "-o"), ".jsonl"),
    "sweep parquet": (("sweep", "v2", "--width", "0.5,1", "-o"), ".parquet"),
    "sweep table": (("sweep", "v2", "--width", "0.5,1", "-o"), ".txt"),
    "sweep plot": (("sweep", "v2", "--width", "0.5,1", "--plot"), ".png"),
}
# What reads an old file is given one that it can read, or none.
EMPTY = {"--write-baseline": '{"schema": 2, "models": {}}\n'}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(SPEC)
    return tmp_path


def write(capsys, writer, path):
    (*line, option), _ = WRITERS[writer]
    result = archprof(capsys, *line, option, f"junit={path}" if writer == "--report" else str(path))
    assert (result.code, result.err) == (0, "")
    return result


def others(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "tiny.yaml")


@pytest.mark.few(6)
@pytest.mark.parametrize("writer", WRITERS)
def test_a_link_stays_and_what_it_names_is_replaced_with_its_mode(capsys, folder, writer):
    suffix = WRITERS[writer][1]
    (folder / "there").mkdir()
    target, link = folder / "there" / f"target{suffix}", folder / f"link{suffix}"
    target.write_text(EMPTY.get(writer, ""))
    target.chmod(0o640)
    link.symlink_to(f"there/target{suffix}")
    write(capsys, writer, link)
    assert link.is_symlink()
    assert target.stat().st_size > len(EMPTY.get(writer, ""))
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert (others(folder), others(folder / "there")) == ([link.name, "there"], [target.name])


@pytest.mark.parametrize("writer", ["-o", "--plot", "sweep csv"])
def test_a_link_to_nothing_makes_it(capsys, folder, writer):
    link = folder / f"link{WRITERS[writer][1]}"
    link.symlink_to("new")
    write(capsys, writer, link)
    assert link.is_symlink()
    assert (folder / "new").stat().st_size > 50
    assert others(folder) == [link.name, "new"]


def test_links_in_a_circle(capsys, folder):
    (folder / "a.csv").symlink_to("b.csv")
    (folder / "b.csv").symlink_to("a.csv")
    told = "cannot write `a.csv`: too many levels of symbolic links\n  help: nothing was written\n"
    for line in (("summary", "tiny.yaml"), ("sweep", "v2", "--width", "0.5,1")):
        assert archprof(capsys, *line, "-o", "a.csv") == (2, "", told)


@pytest.mark.few(5)
@pytest.mark.parametrize("writer", [name for name in WRITERS if name != "sweep parquet"])
def test_a_named_pipe_stays_one(capsys, folder, writer):
    suffix = WRITERS[writer][1]
    plain, pipe = folder / f"plain{suffix}", folder / f"pipe{suffix}"
    write(capsys, writer, plain)
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write(capsys, writer, pipe)
    reader.join(10)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert read[0] == plain.read_bytes().replace(b"name: plain", b"name: pipe")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices, or replaces them")
@pytest.mark.few(5)
@pytest.mark.parametrize("writer", [name for name in WRITERS if name != "sweep parquet"])
def test_a_device_stays_one(capsys, folder, writer):
    device = folder / f"null{WRITERS[writer][1]}"
    os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    write(capsys, writer, device)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert others(folder) == [device.name]


def test_a_baseline_to_standard_output(folder):
    """Nothing is read of it before, and nothing is left in its place."""
    command = [
        sys.executable,
        "-m",
        "archprof",
        "check",
        "tiny.yaml",
        "--write-baseline",
        "/dev/stdout",
        "-o",
        "/dev/null",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [*json.loads(ended.stdout)["models"]] == ["tiny.yaml"]


def test_parquet_into_a_pipe(capsys, folder):
    os.mkfifo(folder / "pipe.parquet")
    told = "Parquet goes to a file\n  help: name it: `-o sweep.parquet`\n"
    assert archprof(capsys, "sweep", "v2", "--width", "0.5,1", "-o", "pipe.parquet") == (2, "", told)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "link"])
def test_standard_output_by_its_name_goes_on_where_it_is(folder, name):
    (folder / "link").symlink_to("/dev/stdout")
    with (folder / "log").open("wb") as log:
        log.write(b"before\n")
        log.flush()
        command = [sys.executable, "-m", "archprof", "list", "v1", "--format", "csv", "-o", name]
        subprocess.run(command, stdout=log, check=True)
    assert (folder / "log").read_text().startswith("before\nmodel,aliases,title,params,macs")


def test_a_new_file_has_the_permissions_of_new_files(capsys, folder):
    before = os.umask(0o027)
    try:
        write(capsys, "-o", "new.csv")
        write(capsys, "sweep csv", "sweep.csv")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(Path(name).stat().st_mode) for name in ("new.csv", "sweep.csv")} == {0o640}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("writer", ["-o", "--plot", "sweep csv", "sweep parquet"])
def test_the_owner_stays(capsys, folder, writer):
    path = folder / f"out{WRITERS[writer][1]}"
    path.write_text("")
    os.chown(path, 1234, 4321)
    write(capsys, writer, path)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


@pytest.mark.parametrize("writer", ["-o", "sweep csv"])
def test_a_file_of_somebody_else_is_written_into(capsys, folder, monkeypatch, writer):
    """Who may write a file but not give one away leaves it its owner's, and in its place."""
    path = folder / "out.csv"
    path.write_text("x" * 100_000)
    made = os.stat(path)
    real = os.stat
    os.link(path, folder / "same")

    def foreign(place, *more, **given):
        found = real(place, *more, **given)
        if str(place) == str(path):
            return os.stat_result((*found[:4], found.st_uid + 1, *found[5:]))
        return found

    def refused(*given):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "stat", foreign)
    monkeypatch.setattr(os, "fchown", refused)
    write(capsys, writer, path)
    monkeypatch.undo()
    assert path.stat().st_ino == made.st_ino
    assert (folder / "same").read_bytes() == (folder / "out.csv").read_bytes()
    assert 10 < path.stat().st_size < 10_000
    assert others(folder) == ["out.csv", "same"]


KILLED = """
import os, signal, sys
from archprof import outputs
from archprof.cli import run

outputs._made_like = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.few(3)
@pytest.mark.parametrize("writer", ["-o", "--report", "--plot", "--write-spec"])
@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="this system knows no file without a name")
def test_a_killed_write_leaves_nothing(folder, writer):
    """Killed with everything written and nothing in its place yet: the old file, and no other."""
    (*line, option), suffix = WRITERS[writer]
    path = folder / f"out{suffix}"
    path.write_text("old")
    typed = f"junit={path.name}" if writer == "--report" else path.name
    ended = subprocess.run([sys.executable, "-c", KILLED, *line, option, typed], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (path.read_text(), others(folder)) == ("old", [path.name])


@pytest.mark.parametrize("writer", ["-o", "--report", "--plot", "--write-spec", "--write-baseline", "sweep parquet"])
@pytest.mark.parametrize("nameless", [True, False])
def test_a_failed_write_leaves_the_old_file(capsys, folder, monkeypatch, writer, nameless):
    (*line, option), suffix = WRITERS[writer]
    path = folder / f"out{suffix}"
    path.write_text(old := EMPTY.get(writer, "old"))
    if not nameless:
        monkeypatch.setattr(outputs, "_nameless", lambda folder: None)

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "_made_like", full)
    result = archprof(capsys, *line, option, f"junit={path.name}" if writer == "--report" else path.name)
    assert (result.code, result.err.splitlines()[-2]) == (2, f"cannot write `{path.name}`: no space left on device")
    assert path.read_text() == old
    assert [name for name in others(folder) if not name.startswith(f"{path.name}.p")] == [path.name]


@pytest.mark.parametrize("nameless", [True, False])
def test_with_and_without_a_file_that_has_no_name(capsys, folder, monkeypatch, nameless):
    if not nameless:
        monkeypatch.setattr(outputs, "_nameless", lambda folder: None)
    for _ in range(2):  # a new file, then one in the place of another
        write(capsys, "-o", "out.csv")
    assert others(folder) == ["out.csv"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none/out.csv", "no such file or directory"),
        ("tiny.yaml/out.csv", "not a directory"),
        ("there", "is a directory"),
        ("x" * 300 + ".csv", "file name too long"),
    ],
)
@pytest.mark.parametrize("line", [("summary", "tiny.yaml"), ("sweep", "v2", "--width", "0.5,1")])
def test_what_cannot_be_written(capsys, folder, path, reason, line):
    (folder / "there").mkdir()
    result = archprof(capsys, *line, "--format", "csv", "-o", path)
    assert result == (2, "", f"cannot write `{path}`: {reason}\n  help: nothing was written\n")
    assert others(folder) == ["there"]
