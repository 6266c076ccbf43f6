"""Programs of torch.export at the command line, none of them with torch: a fixture that torch 2.13 wrote."""

import io
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.captures.programs import MODEL, texts, write
from tests.cli.console import archprof
from tests.cli.test_lock import totals

# Of an image of 16×24: the stem, two calls of the block, of two heads the one that is counted and the tied one, and an
# einsum of all positions and the token.
POSITIONS = 4 * 6 + 1
MACS = 4 * 6 * 8 * 3 * 16 + 2 * POSITIONS * 64 + 2 * POSITIONS * 40 + POSITIONS * POSITIONS * 8
PARAMS = (8 * 3 * 16 + 8) + 16 + 8 + (16 + 72) + 45 + 5 + 63
AT = "net.pt2@s53=16,s0=24"
NOTE = (
    "net.pt2: `cond` runs one of two branches, `true_graph_0`, 1,000 MACs and `false_graph_0`, 1,000 MACs:"
    " the costlier one is counted\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = texts()
    write(tmp_path / "net.pt2", found)
    del found[MODEL]["graph_module"]["graph"]["nodes"][-1]
    found[MODEL]["graph_module"]["signature"]["output_specs"].pop()
    write(tmp_path / "less.pt2", found)


def counted(capsys, *arguments):
    result = archprof(capsys, *arguments, "--format", "json")
    assert result.code == 0
    return json.loads(result.out)


def test_summary(capsys):
    result = archprof(capsys, "summary", AT)
    assert (result.code, result.err) == (0, NOTE)
    assert result.out.startswith("net.pt2@s53=16,s0=24 · input 3×16×24\n")
    found = counted(capsys, "summary", AT)
    assert (found["totals"]["params"], found["totals"]["macs"]) == (PARAMS, MACS)
    assert counted(capsys, "summary", "net.pt2", "--input", "3x16x24") == found
    assert counted(capsys, "summary", "net.pt2", "--input", "x=3x16x24") == found
    assert counted(capsys, "summary", "net.pt2", "--resolution", "16x24") == found


TOLD = {
    "summary -@s53=16,s0=24": f" · MACs {MACS:,} (",
    "lock -@s53=16,s0=24": '"model": "<stdin>@s53=16,s0=24"',
    f"check -@s53=16,s0=24 --max-macs {MACS}": f"  {MACS:,}  ",
}


@pytest.mark.parametrize("command", TOLD)
@pytest.mark.parametrize("seekable", [True, False])
def test_standard_input(capsys, monkeypatch, command, seekable):
    data = Path("net.pt2").read_bytes()
    with open("net.pt2", "rb") if seekable else io.BytesIO(data) as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file if seekable else io.BufferedReader(file)))
        result = archprof(capsys, *command.split())
    assert (result.code, result.err) == (0, NOTE.replace("net.pt2", "<stdin>"))
    assert TOLD[command] in result.out


def test_what_takes_it(capsys):
    assert next(one["totals"]["macs"] for one in counted(capsys, "compare", AT, "mobilenet_v2")["models"]) == MACS
    assert counted(capsys, "diff", AT, AT)["blocks"] == []
    less = counted(capsys, "diff", AT, "less.pt2@s53=16,s0=24")
    assert less["totals"]["after"]["macs"] == MACS - POSITIONS * POSITIONS * 8
    assert [one["before"] for one in less["blocks"]] == [":einsum[0]"]
    archprof_macs = next(one for one in counted(capsys, "explain", AT)["conventions"] if one["name"] == "archprof")
    assert archprof_macs["total"] == MACS


def test_check(capsys):
    limit = str(MACS)
    assert archprof(capsys, "check", AT, "less.pt2@s53=16,s0=24", "--max-macs", limit).code == 0
    assert archprof(capsys, "check", AT, "--max-macs", str(MACS - 1)).code == 1
    assert archprof(capsys, "check", "net.pt2", "--max-macs", limit).code == 2
    Path("archprof.yaml").write_text(f"budgets: [{{model: '*.pt2@s53=16,s0=24', macs: {limit}}}]\n")
    assert archprof(capsys, "check").code == 0


def test_a_lock_of_it(capsys):
    result = archprof(capsys, "lock", AT, "-o", "net.lock.json")
    assert (result.code, result.err) == (0, NOTE)
    captured = json.loads(Path("net.lock.json").read_text())["captured"]
    assert (captured["model"], captured["inputs"], captured["torch"]) == (AT, [], "2.13.0")
    assert totals(capsys, "summary", "net.lock.json")["totals"] == counted(capsys, "summary", AT)["totals"]
    calls = len(json.loads(Path("net.lock.json").read_text())["nodes"])
    same = archprof(capsys, "lock", AT, "--check", "net.lock.json")
    assert (same.code, same.out) == (0, f"net.lock.json is what {AT} is now: {calls} calls\n")
    assert archprof(capsys, "lock", "less.pt2@s53=16,s0=24", "--check", "net.lock.json").code == 1
    assert archprof(capsys, "lock", "net.pt2", "--input", "3x16x24", "-o", "other.lock.json").code == 0
    assert archprof(capsys, "lock", "net.pt2", "--check", "other.lock.json").code == 0


def test_at_a_revision(capsys):
    for command in ("init -q", "add .", "-c user.name=x -c user.email=x@example.org commit -qm net"):
        subprocess.run(["git", *command.split()], check=True)
    Path("net.pt2").unlink()
    assert counted(capsys, "summary", "git:HEAD:net.pt2@s53=16,s0=24")["totals"]["macs"] == MACS
    missing = archprof(capsys, "summary", "git:HEAD:none.pt2")
    assert missing.code == 2
    assert missing.err.startswith("no such file: `git:HEAD:none.pt2`\n")


@pytest.mark.parametrize("line", [f"summary {AT}", f"check {AT} --max-macs 1M", f"lock {AT}", f"explain {AT}"])
def test_no_torch_is_loaded(line):
    program = (
        "import sys\nfrom archprof.cli import run\ncode = run(sys.argv[1:])\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\nsys.exit(code)"
    )
    # A torch that fails stands first on the path.
    Path("torch.py").write_text("raise SystemExit('torch was imported')\n")
    ended = subprocess.run([sys.executable, "-c", program, *line.split()], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, NOTE)


def test_in_python():
    import archprof as package

    assert package.analyze(AT).totals.macs == MACS


AGAIN = '  help: export the module again: `torch.export.save(torch.export.export(module, inputs), "{}")`\n'
FREE = "  help: an exported program has the axes that were left free: `exported.pt2@s0=320`, or `--input 3x320x320`\n"
NO_SPEC = (
    "`net.pt2` is a program of torch.export, not a spec\n"
    "  help: `summary`, `compare`, `diff`, `explain`, `draw`, `memory`, `latency`, `report`, `lock` and `check` "
    "take it; the rest needs a block table\n"
)
LISTED = "  help: it has `s77` (from 1 to 64), `s53` (from 8 to 1,024), `s0` (from 8 to 1,024)\n"
MESSAGES = {
    "summary net.pt2": (
        "`net.pt2` needs a size for `s53` (from 8 to 1,024) and for `s0` (from 8 to 1,024)\n"
        "  help: `net.pt2@s53=…,s0=…`, or an `--input`; it takes `x` of s77×3×s53×s0\n"
    ),
    "summary net.pt2@s53=16": (
        "`net.pt2` needs a size for `s0` (from 8 to 1,024)\n"
        "  help: `net.pt2@s0=…`, or an `--input`; it takes `x` of s77×3×s53×s0\n"
    ),
    "summary net.pt2@s53=16,s0=4": (
        "s0=4: `s0` is from 8 to 1,024 in `net.pt2`, not 4\n  help: what it was exported for\n"
    ),
    "summary net.pt2@s53=16,s0=abc": "s0=abc: a size is an integer\n  help: as in `s0=320`\n",
    "summary net.pt2@s53=16,s0=24,s9=1": f"`net.pt2` has no free axis `s9`\n{LISTED}",
    "summary net.pt2@width=0.5": f"`net.pt2` has no free axis `width`\n{LISTED}",
    "summary net.pt2@s53=16,s0=24 --width 0.5": f"`--width` needs a block table, and `net.pt2` has none\n{FREE}",
    "summary net.pt2 --set act=relu": f"`--set` needs a block table, and `net.pt2` has none\n{FREE}",
    "compare net.pt2 --resolution 2000": (
        "3x2000x2000: `s53` is from 8 to 1,024 in `net.pt2`, not 2,000\n  help: what it was exported for\n"
    ),
    "summary net.pt2 --input 3x16x2000": (
        "3x16x2000: `s0` is from 8 to 1,024 in `net.pt2`, not 2,000\n  help: what it was exported for\n"
    ),
    "summary net.pt2 --input 4x16x24": f"`4x16x24` does not fit `x`, which is 3×s53×s0\n{LISTED}",
    "summary net.pt2 --input 16x24": f"`16x24` does not fit `x`, which is 3×s53×s0\n{LISTED}",
    "summary net.pt2 --input y=3x16x24": "`y=3x16x24` is no input of `net.pt2`\n  help: it takes `x`\n",
    "summary net.pt2@s0=32 --input 3x16x24": (
        "3x16x24: `s0` is 32 and 24 at once\n  help: axes of one name have one size\n"
    ),
    "summary fixed.pt2 --input 3x16x24": (
        "`fixed.pt2` was exported for `x` of 3×16×24, and takes no other\n"
        "  help: `torch.export.export(…, dynamic_shapes=…)` leaves axes free\n"
    ),
    "summary fixed.pt2@s0=24": (
        "`fixed.pt2` has no free axis `s0`\n  help: it has none: every axis was exported at one size\n"
    ),
    "summary net.pt2@s53=16,s0=24 --measure": (
        "`--measure` runs a module, and `net.pt2@s53=16,s0=24` holds none\n"
        "  help: `archprof summary CODE --measure` measures what a program was exported from\n"
    ),
    "show net.pt2": NO_SPEC,
    "sweep net.pt2": NO_SPEC,
    "validate net.pt2": NO_SPEC,
    "solve net.pt2 --max-macs 1M": NO_SPEC,
    "summary none.pt2": (
        "no such file: `none.pt2`\n"
        '  help: `torch.export.save(torch.export.export(module, inputs), "none.pt2")` writes one\n'
    ),
    "summary text.pt2": (
        "`text.pt2` is no exported program: its zip cannot be read: file is not a zip file\n" + AGAIN.format("text.pt2")
    ),
    "summary cut.pt2": (
        "`cut.pt2` is no exported program: its zip cannot be read: file is not a zip file\n" + AGAIN.format("cut.pt2")
    ),
    "summary other.pt2": (
        "`other.pt2` is no exported program: there is no `models/model.json` in it\n" + AGAIN.format("other.pt2")
    ),
    "summary old.pt2": "`old.pt2` is no exported program: it is of an older torch\n" + AGAIN.format("old.pt2"),
    "summary two.pt2": "`two.pt2` is no exported program: it holds 2 of them\n" + AGAIN.format("two.pt2"),
    "summary nine.pt2": (
        "`nine.pt2` is no exported program: its schema is 9.1, and 8 is read here\n" + AGAIN.format("nine.pt2")
    ),
    "summary empty.pt2": (
        "`empty.pt2` is no exported program: its zip cannot be read: file is not a zip file\n"
        + AGAIN.format("empty.pt2")
    ),
    "summary folder.pt2": "cannot read `folder.pt2`: is a directory\n",
    "summary broken.pt2@s53=16,s0=24": (
        "broken.pt2:1:1799: `weight` is missing\n  in nodes[1], `\"conv2d\"`\n"
        '  help: export the module again: `torch.export.save(…, "x.pt2")`\n'
    ),
}  # fmt: skip


def make_files():
    """Write what the messages are about."""
    Path("text.pt2").write_text("a text\n")
    Path("empty.pt2").write_bytes(b"")
    Path("cut.pt2").write_bytes(Path("net.pt2").read_bytes()[:9000])
    Path("folder.pt2").mkdir()
    write(Path("other.pt2"), {"data.pkl": b"\x80\x02}q\x00."})
    write(Path("old.pt2"), {"serialized_exported_program.json": "{}", "version": "8.7"})
    write(Path("two.pt2"), {MODEL: "{}", "models/other.json": "{}"})
    found = texts()
    found[MODEL]["schema_version"] = {"major": 9, "minor": 1}
    write(Path("nine.pt2"), found)
    found = texts()
    del found[MODEL]["graph_module"]["graph"]["nodes"][1]["inputs"][1]
    write(Path("broken.pt2"), found)
    found = json.loads(fixed(json.dumps(texts())))
    found[MODEL]["range_constraints"] = {}
    write(Path("fixed.pt2"), found)


def fixed(text):
    """Return texts with every axis at one size."""
    import re

    sizes = {"s77": 1, "s53": 16, "s0": 24}
    for name, size in sizes.items():
        text = re.sub(rf"Symbol\('{name}', positive=True, integer=True\)", f"Integer({size})", text)
    return re.sub(
        r'\{"as_expr": \{"expr_str": "Integer\((\d+)\)", "hint": \{"as_int": \d+\}\}\}', r'{"as_int": \1}', text
    )


@pytest.mark.parametrize("typed", MESSAGES)
def test_messages(capsys, typed):
    make_files()
    result = archprof(capsys, *typed.split())
    assert result.code == 2
    assert f"{result.out}{result.err}".endswith(MESSAGES[typed])


def test_a_newer_minor_is_read_with_a_warning(capsys):
    found = texts()
    found[MODEL]["schema_version"]["minor"] = 21
    found[MODEL]["graph_module"]["graph"]["novelty"] = [1]
    write(Path("net.pt2"), found)
    result = archprof(capsys, "summary", AT)
    warned = "`net.pt2` has schema 8.21, newer than 8.20: what that added is not looked at\n"
    assert (result.code, result.err) == (0, warned + NOTE)


def test_weights_are_not_read(capsys):
    with ZipFile("net.pt2", "a") as archive:
        archive.writestr("net/data/weights/weight_0", b"x" * 1000)
        archive.writestr("net/data/constants/evil.pkl", b"cos\nsystem\n(S'touch evil'\ntR.")
    data = bytearray(Path("net.pt2").read_bytes())
    at = data.index(b"x" * 1000)
    data[at] = 0  # its checksum is wrong now
    Path("net.pt2").write_bytes(data)
    assert archprof(capsys, "summary", AT).code == 0
    assert not Path("evil").exists()


def test_many_files_in_a_zip_are_not_listed(capsys):
    with ZipFile("net.pt2", "w") as archive:
        for number in range(2):
            archive.writestr(f"{number}{'x' * 60_000}", b"")
    data = Path("net.pt2").read_bytes()
    # The list of files claims to be longer than any.
    end = data.rindex(b"PK\x05\x06")
    Path("net.pt2").write_bytes(data[: end + 12] + (1 << 30).to_bytes(4, "little") + data[end + 16 :])
    result = archprof(capsys, "summary", "net.pt2")
    assert result.code == 2
    assert "its zip cannot be read: " in result.err
