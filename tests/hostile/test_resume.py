"""A sweep that is killed, interrupted, tampered with or without room: every variant once, none lost, or a message."""

import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from archprof.errors import UsageError
from archprof.spec.axis import parse_axis
from archprof.spec.variant import settings_text
from archprof.sweep.compute import Stretch
from archprof.sweep.executors import Processes
from archprof.sweep.plan import Selection, plan_sweep
from archprof.sweep.run import settings_of, sweep
from tests.cli.console import archprof

SWEEP = ("sweep", "mobilenet_v2", "--width", "0.25:2:0.0001", "--resolution", "64:512:1", "--sample", "400000")
SUFFIXES = ("csv", "jsonl", "parquet")
COUNT = "400,000"


def program(path, *more, jobs="1"):
    return [sys.executable, "-m", "archprof", *SWEEP, "--jobs", jobs, "-o", str(path), *more]


def started(path, *more, jobs="1", **given):
    return subprocess.Popen(program(path, *more, jobs=jobs), stderr=subprocess.PIPE, text=True, **given)


def longer(command):
    """Return the command line of a sweep that goes on for minutes."""
    return [{"400000": "7000000"}.get(word, word) for word in command]


def under_way(path, process):
    """Wait until some stretch is noted."""
    note = Path(f"{path}.progress")
    while process.poll() is None and not (note.exists() and json.loads(note.read_text().partition("\n")[2])["fitting"]):
        time.sleep(0.002)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The files of a sweep that nobody interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    for suffix in SUFFIXES:
        subprocess.run(program(folder / f"sweep.{suffix}"), check=True)
    return {suffix: (folder / f"sweep.{suffix}").read_bytes() for suffix in SUFFIXES}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The folder of a sweep that was ended half-way."""
    folder = tmp_path_factory.mktemp("stopped")
    process = started(folder / "sweep.csv")
    under_way(folder / "sweep.csv", process)
    process.send_signal(signal.SIGTERM)
    _, message = process.communicate()
    assert process.returncode == 143, message
    return folder


@pytest.mark.few(1)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_at_any_moment(tmp_path, whole, suffix, request):
    """Killed again and again, and gone on with each time: in the end the very bytes of an undisturbed sweep, and no
    other file."""
    path, moments = tmp_path / f"sweep.{suffix}", random.Random(suffix)
    kills = 100 if request.config.getoption("--thorough") else 2
    while kills:
        process = started(path, *(["--resume"] if Path(f"{path}.progress").exists() else []))
        try:
            _, message = process.communicate(timeout=moments.uniform(0.2, 1.4))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills -= 1
            continue
        assert process.returncode == 0, message
        assert path.read_bytes() == whole[suffix]
        path.unlink(missing_ok=True)
    subprocess.run(program(path, *(["--resume"] if Path(f"{path}.progress").exists() else [])), check=True)
    assert path.read_bytes() == whole[suffix]
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("number", "code", "suffix"),
    [(signal.SIGINT, 130, "csv"), (signal.SIGTERM, 143, "parquet"), (signal.SIGHUP, 143, "jsonl")],
)
def test_asked_to_end(tmp_path, whole, number, code, suffix):
    """The stretch at hand is still written, the way to go on is told, and no process stays behind."""
    path = tmp_path / f"sweep.{suffix}"
    process = started(path, jobs="2", start_new_session=True)
    under_way(path, process)
    process.send_signal(number)
    _, message = process.communicate()
    done = message.removeprefix("interrupted after ").partition(" ")[0]
    told = f"interrupted after {done} of {COUNT} variants; `{path}.part` holds those, `--resume` goes on\n"
    assert (process.returncode, message) == (code, told)
    assert gone(process.pid)
    assert not path.exists()
    subprocess.run(program(path, "--resume"), check=True)
    assert path.read_bytes() == whole[suffix]


def test_a_document_that_is_interrupted_leaves_nothing(tmp_path):
    path = tmp_path / "sweep.json"
    process = subprocess.Popen(longer(program(path)), stderr=subprocess.PIPE, text=True)
    while not writes_below(tmp_path, process):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate()
    told = "nothing was written: what goes to `.jsonl`, `.csv` or `.parquet` can be resumed\n"
    assert (process.returncode, message.partition("; ")[2]) == (130, told), message
    assert [*tmp_path.iterdir()] == []


def writes_below(folder, process):
    """Tell whether a process has a file of a folder open, if it has a name or not."""
    assert process.poll() is None
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if os.readlink(link).startswith(str(folder)):
                return True
    return False


def gone(group):
    """Whether all processes of a group end within some seconds."""
    for _ in range(500):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_workers_of_a_killed_sweep_end(tmp_path):
    process = started(tmp_path / "sweep.csv", jobs="2", start_new_session=True)
    under_way(tmp_path / "sweep.csv", process)
    process.kill()
    process.communicate()
    assert gone(process.pid)


def children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_what_a_killed_worker_had_is_computed_again(tmp_path, whole):
    process = started(tmp_path / "sweep.csv", jobs="2")
    under_way(tmp_path / "sweep.csv", process)
    victims = [pid for pid in children(process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(victims[0], signal.SIGKILL)
    _, message = process.communicate()
    assert (process.returncode, message) == (0, "")
    assert (tmp_path / "sweep.csv").read_bytes() == whole["csv"]


def killed_while_it_writes():
    """Write the first bytes of a result, which says that more follow, and be killed."""
    frame: Any = sys._getframe()
    while "result_queue" not in frame.f_locals:
        frame = frame.f_back
    os.write(frame.f_locals["result_queue"]._writer.fileno(), struct.pack("!i", 1000) + b"half")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_while_it_writes_is_noticed():
    with closing(Processes(2)) as workers:
        assert workers.result(workers.submit(abs, -1)) == 1
        with pytest.raises(BrokenExecutor):
            workers.result(workers.submit(killed_while_it_writes))
        workers.renew()
        assert workers.result(workers.submit(abs, -2)) == 2


class Fragile:
    """Workers of which each is killed at stretches that begin at *fatal*; the others are killed with it, once."""

    ahead = 2

    def __init__(self, fatal):
        self.fatal, self.renewed, self._broken = fatal, 0, False

    def submit(self, function, *task):
        future: Future[Stretch] = Future()
        self._broken |= task[1] == self.fatal
        if self._broken:
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result(function(*task))
        return future

    def result(self, future):
        return future.result()

    def renew(self):
        self.renewed, self._broken = self.renewed + 1, False


def test_a_stretch_that_kills_every_worker_is_named():
    axes = [parse_axis(("width", "0.25:2:0.0001")), parse_axis(("resolution", "64:512:1"))]
    plan = plan_sweep("mobilenet_v2", axes, Selection(), sample=400_000)
    workers = Fragile(262_144)
    pieces: list[int] = []
    with pytest.raises(UsageError) as raised:
        pieces.extend(piece.stretch.stop for piece in sweep([plan], workers))
    begin = settings_text(settings_of(plan, 262_144).items())
    assert str(raised.value) == (
        "workers were killed 3 times at variants 262,144 to 393,215 of mobilenet_v2\n"
        f"  help: they begin with `{begin}`; if memory is short, `--jobs 1` takes least"
    )
    assert workers.renewed >= 4


def lines_cut(data):
    return b"".join(data.splitlines(keepends=True)[:1000])


def without_last_byte(data):
    return data[:-1]


def one_digit_changed(data):
    return data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]


SHORT = "`sweep.csv.part` has {size:,} bytes of {length:,} that were written"
BACK = "start the sweep without `--resume`, or bring the file back as it was"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lines_cut, SHORT),
        (without_last_byte, SHORT),
        (one_digit_changed, "`sweep.csv.part` is not what was written"),
    ],
)
def test_rows_that_are_not_those_that_were_noted(capsys, tmp_path, monkeypatch, stopped, change, message):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    part = Path("sweep.csv.part")
    length = json.loads(Path("sweep.csv.progress").read_text().partition("\n")[2])["rows"][0]
    part.write_bytes(change(part.read_bytes()[:length]))
    before = part.read_bytes()
    told = message.format(size=len(before), length=length)
    result = archprof(capsys, *SWEEP, "--jobs", "1", "-o", "sweep.csv", "--resume")
    assert result == (2, "", f"{told}\n  help: {BACK}\n")
    assert part.read_bytes() == before


def test_what_follows_the_proven_rows_is_cut_off(capsys, tmp_path, whole, stopped):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "sweep.csv.part").open("ab") as file:
        file.write(b"mobilenet_v2,0.3,64,1,2")
    result = archprof(capsys, *SWEEP, "--jobs", "1", "-o", str(tmp_path / "sweep.csv"), "--resume")
    assert result == (0, "", "")
    assert (tmp_path / "sweep.csv").read_bytes() == whole["csv"]


def edited(text):
    return text.replace('"done": [', '"done": [1')


def torn(text):
    return text[: len(text) // 2]


NO_NOTE = (
    "`sweep.csv.progress` is not as archprof left it\n  help: start the sweep without `--resume`\n",
    [edited, torn, lambda text: "", lambda text: "[[" * 10_000, lambda text: "\n{}", lambda text: "null\nnull"],
)


@pytest.mark.parametrize("change", NO_NOTE[1])
def test_a_note_that_somebody_changed(capsys, tmp_path, monkeypatch, stopped, change):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    note = Path("sweep.csv.progress")
    note.write_text(change(note.read_text()))
    assert archprof(capsys, *SWEEP, "-o", "sweep.csv", "--resume") == (2, "", NO_NOTE[0])


def remove_note(folder):
    (folder / "sweep.csv.progress").unlink()


def remove_rows(folder):
    (folder / "sweep.csv.part").unlink()


def remove_note_of_a_finished_one(folder):
    remove_note(folder)
    (folder / "sweep.csv.part").rename(folder / "sweep.csv")


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        (remove_note, (), "`sweep.csv` has nothing to resume\n  help: start the sweep without `--resume`\n"),
        (
            remove_note_of_a_finished_one,
            (),
            "`sweep.csv` has nothing to resume\n  help: it is finished, or was never interrupted\n",
        ),
        (
            remove_rows,
            (),
            "`sweep.csv.part` is gone, which held the rows\n  help: start the sweep without `--resume`\n",
        ),
        (
            lambda folder: None,
            ("--max-macs", "1G"),
            "`sweep.csv` is of another sweep\n  help: resume with the models, axes and options it was started with\n",
        ),
    ],
)
def test_what_does_not_fit(capsys, tmp_path, monkeypatch, stopped, change, more, message):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    change(tmp_path)
    assert archprof(capsys, *SWEEP, *more, "-o", "sweep.csv", "--resume") == (2, "", message)


def limit():
    """Let a process write no file of more than 18 MB."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (18_000_000, 18_000_000))


def test_no_room(tmp_path, whole):
    """What was written stays, what to do is told, and with room it goes on."""
    path = tmp_path / "sweep.csv"
    ended = subprocess.run(program(path), preexec_fn=limit, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.splitlines()[1:]) == (
        2,
        [f"cannot write `{path}`: file too large", "  help: make room, then go on with `--resume`"],
    )
    subprocess.run(program(path, "--resume"), check=True)
    assert path.read_bytes() == whole["csv"]


def test_no_room_for_a_document(tmp_path):
    path = tmp_path / "sweep.json"
    path.write_text("old")
    ended = subprocess.run(program(path), preexec_fn=limit, capture_output=True, text=True, check=False)
    told = f"cannot write `{path}`: file too large\n  help: nothing was written\n"
    assert (ended.returncode, ended.stderr) == (2, told)
    assert [found.read_text() for found in tmp_path.iterdir()] == ["old"]


def test_one_sweep_at_a_time_writes_a_file(capsys, tmp_path, monkeypatch, stopped):
    import fcntl

    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    told = "another sweep writes `sweep.csv.part`\n  help: wait for it, or write to another file\n"
    with Path("sweep.csv.part").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for more in ([], ["--resume"]):
            assert archprof(capsys, *SWEEP, "-o", "sweep.csv", *more) == (2, "", told)
    assert Path("sweep.csv.progress").exists()


@pytest.fixture
def scheduler(tmp_path):
    """A Dask scheduler with a worker, as processes of their own; its address and its process."""
    place = tmp_path / "scheduler.json"
    files = ["--scheduler-file", str(place), "--no-dashboard"]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *files]
    served = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    command = [sys.executable, "-m", "distributed.cli.dask_worker", *files, "--no-nanny"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not place.exists():
        time.sleep(0.05)
    yield json.loads(place.read_text())["address"], served
    for process in (worker, served):
        process.kill()
        process.wait()


@pytest.mark.few(1)
def test_a_scheduler_that_is_lost(tmp_path, scheduler):
    """The sweep ends in time, with what it has on the disk."""
    address, served = scheduler
    path = tmp_path / "sweep.csv"
    command = longer(program(path, "--scheduler", address, "--timeout", "1"))
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    under_way(path, process)
    served.kill()
    begin = time.monotonic()
    _, message = process.communicate(timeout=60)
    assert time.monotonic() - begin < 30
    kept, _, told = message.partition("\n")
    lost = f"the Dask scheduler at `{address}` does not answer any more\n"
    assert (process.returncode, told) == (2, f"{lost}  help: start it again; a sweep goes on with `--resume`\n")
    assert kept.startswith("stopped after ")
    assert kept.endswith(f" of 7,000,000 variants; `{path}.part` holds those, `--resume` goes on")
