"""Files that mean harm, or are none: refused within a limit of time and memory, each in a process of its own."""

import os
import resource
import subprocess
import sys

import pytest

HEAD = "archprof: 1\ninput: 3x32x32\n"
MEGABYTES = 512
SECONDS = 30  # of the processor's time; the machine may be busy
READ = "import sys\nfrom archprof.errors import InputError\nfrom archprof.language.expand import read_network\n"
TELL = "try:\n    read_network(sys.argv[1])\nexcept InputError as error:\n    print(error)\nelse:\n    print('fine')\n"


def outcome(path, cwd):
    """Return what reading a spec prints, in a process that may use half a gigabyte of address space and half a
    minute."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    done = subprocess.run(
        [sys.executable, "-c", READ + TELL, str(path)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


TOO_LARGE = "net.yaml:1:1: the file is larger than 1 MiB, the limit of a spec\n  help: is this really a spec?\n"
BOM = "net.yaml:1:1: the file starts with a byte-order mark\n  help: save it as UTF-8 without a byte-order mark\n"
DEEP = "net.yaml:1:33: more than 32 levels of nesting, the limit of a spec\n"
FILES = {
    "50 MB of rows": (b"- [1, 16, 1, 1]\n" * 3_300_000, TOO_LARGE),
    "a little over the limit": (b"#" * ((1 << 20) + 1), TOO_LARGE),
    "binary junk": (bytes(range(256)) * 100, "net.yaml:2:118: byte 0x80 is not UTF-8\n  help: a spec is UTF-8 text\n"),
    "an image": (b"\x89PNG\r\n\x1a\n\x00\x00", "net.yaml:1:1: byte 0x89 is not UTF-8\n  help: a spec is UTF-8 text\n"),
    "UTF-16": ("archprof: 1\n".encode("utf-16"), BOM),
    "UTF-8 with a mark": ("\ufeffarchprof: 1\n".encode(), BOM),
    "Latin-1": (
        b"archprof: 1\ntitle: R\xe9seau\n",
        "net.yaml:2:9: byte 0xe9 is not UTF-8\n  help: a spec is UTF-8 text\n",
    ),
    "a null": (
        b"archprof: 1\nname: a\x00b\n",
        "net.yaml:2:8: a character that YAML does not allow: \\x00\n  help: a spec is plain text; remove it\n",
    ),
    "a mark inside": (
        "archprof: 1\nname: a\ufeffb\n".encode(),
        "net.yaml:2:8: a character that YAML does not allow: \\ufeff\n  help: a spec is plain text; remove it\n",
    ),
    "100 KB of [": (b"[" * 100_000, DEEP),
    "100 KB of {": (b"{" * 100_000, DEEP),
    "100 KB of - ": (b"- " * 50_000, "net.yaml:1:65: more than 32 levels of nesting, the limit of a spec\n"),
    "as many values as fit": (
        b"[" + b"1," * 500_000 + b"]",
        "net.yaml:1:200000: more than 100,000 values, the limit of a spec\n",
    ),
}


@pytest.mark.few(7)
@pytest.mark.parametrize(("data", "message"), FILES.values(), ids=FILES)
def test_file_that_is_no_spec(tmp_path, data, message):
    (tmp_path / "net.yaml").write_bytes(data)
    assert outcome("net.yaml", tmp_path) == message


WIDE = {
    "unknown keys": HEAD + "".join(f"k{i}: 1\n" for i in range(40_000)),
    "unknown blocks": HEAD + "layers:\n" + "".join(f"  - konv{i}\n" for i in range(40_000)),
    "unknown inputs": HEAD
    + "layers:\n"
    + "".join(f"  - {{id: a{i}, conv: {{c: 3, k: 1}}}}\n" for i in range(6000))
    + "outputs: {"
    + ", ".join(f"o{i}: b{i}" for i in range(6000))
    + "}\n",
    "a long key": HEAD + "k" * 1_000_000 + ": 1\n",
    "a long word": HEAD + "layers: [" + "k" * 1_000_000 + "]\n",
    "a long line of signs": HEAD + "layers: [conv: {c: $" + "))" * 400_000 + ", k: 1}]\n",
    "a long expression": HEAD + "layers: [conv: {c: 1" + "+1" * 400_000 + ", k: 1}]\n",
    "a long cell": HEAD + "layers: [conv: {c: " + "9" * 1_000_000 + ", k: 1}]\n",
    "many open brackets": HEAD + "layers: " + "[-, " * 31 + "- ," * 300_000 + "\n",
    "repeats of repeats": HEAD
    + "layers: [repeat: {n: 1000, layers: [repeat: {n: 1000, layers: [repeat: {n: 1000, layers: [identity]}]}]}]\n",
    "a doubling map": HEAD + "layers:\n" + "  - branches: {paths: [[], []]}\n" * 20_000,
}


@pytest.mark.few(6)
@pytest.mark.parametrize("text", WIDE.values(), ids=WIDE)
def test_spec_that_exhausts_itself(tmp_path, text):
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    told = outcome("net.yaml", tmp_path)
    assert told.startswith("net.yaml:")
    assert len(told) < 200_000


def test_many_edits_of_a_large_parent(tmp_path):
    count = 6000
    (tmp_path / "parent.yaml").write_text(
        HEAD + "layers:\n" + "".join(f"  - {{id: a{i}, conv: {{c: 3, k: 1}}}}\n" for i in range(count)),
        encoding="utf-8",
    )
    (tmp_path / "net.yaml").write_text(
        "archprof: 1\nextends: parent.yaml\nset:\n" + "".join(f"  a{i}.k: 3\n" for i in range(count)), encoding="utf-8"
    )
    assert outcome("./net.yaml", tmp_path) == "fine\n"


def test_hundred_problems_are_enough(tmp_path):
    (tmp_path / "net.yaml").write_text(HEAD + "layers:\n" + "  - conv: {k: 1}\n" * 150, encoding="utf-8")
    told = outcome("net.yaml", tmp_path)
    assert told.count(": `conv` needs `c`: output channels\n") == 100
    assert told.endswith("  note: these are 100 problems; behind them, nothing was looked at\n")


def test_chain_of_extends_has_an_end(tmp_path):
    (tmp_path / "0.yaml").write_text(HEAD + "layers: [avg_pool]\n", encoding="utf-8")
    for i in range(1, 18):
        (tmp_path / f"{i}.yaml").write_text(f"archprof: 1\nextends: {i - 1}.yaml\n", encoding="utf-8")
    assert outcome("15.yaml", tmp_path) == "fine\n"
    assert outcome("17.yaml", tmp_path) == "2.yaml:2:10: a chain of more than 16 files that extend each other\n"


def test_directory(tmp_path):
    (tmp_path / "net.yaml").mkdir()
    assert (
        outcome("net.yaml", tmp_path)
        == "`net.yaml` is a directory, not a spec\n  help: name a file in it, such as `my_net.yaml`\n"
    )


def test_missing_file(tmp_path):
    assert outcome("nets/none.yaml", tmp_path) == "no such file: `nets/none.yaml`\n"


def test_unreadable_file(tmp_path):
    """Root may read everything, so the file is one that nobody can open: a link to itself."""
    os.symlink("net.yaml", tmp_path / "net.yaml")
    assert outcome("net.yaml", tmp_path) == "cannot read `net.yaml`: too many levels of symbolic links\n"


def test_path_of_odd_characters(tmp_path):
    name = "a\n[red]\x1b[31m`net`.yaml"
    (tmp_path / name).write_text("", encoding="utf-8")
    assert outcome(f"./{name}", tmp_path) == (
        "./a\\n[red]\\x1b[31m`net`.yaml:1:1: the file is empty, not a mapping\n"
        "  help: a spec starts with `archprof: 1`\n"
    )
    assert outcome("./b\n.yaml", tmp_path) == "no such file: `./b\\n.yaml`\n"


def test_path_too_long(tmp_path):
    assert outcome("x" * 5000 + ".yaml", tmp_path).startswith("cannot read `xxx")
