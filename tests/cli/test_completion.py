"""Words at the cursor: what a shell is answered, what it does with that, and what is loaded meanwhile."""

import os
import shutil
import subprocess
import sys

import pytest

from archprof.cli.completion_scripts import SHELLS
from archprof.spec import catalog
from tests.cli.console import archprof

# What bash splits words at, unless somebody changes that.
BREAKS = " \t\n\"'@><=;|&(:"


def answered(capsys, monkeypatch, shell, line):
    """Return what is printed for the line up to the cursor."""
    monkeypatch.setenv("_ARCHPROF_COMPLETE", shell)
    monkeypatch.setenv("_ARCHPROF_LINE", f"archprof {line}")
    monkeypatch.setenv("_ARCHPROF_BREAKS", BREAKS)
    result = archprof(capsys)
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("su", "summary"),
        ("--inst", "--install-completion"),
        ("summary lenet", "lenet5 lenet"),
        ("summary SqueezeNet", "squeezenet1_0 squeezenet1_1 squeezenet"),
        ("summary mobilenet_v2@wi", "mobilenet_v2@width="),
        ("summary mobilenet_v2@width=0.7", "mobilenet_v2@width=0.75"),
        ("summary v2@width=0.75,re", "v2@width=0.75,resolution="),
        ("diff v1 v2@", "v2@width= v2@classes= v2@resolution="),
        ("compare v1 resnet50_f", "resnet50_fpn resnet50_fpn_retinanet"),
        ("summary v2 --set r", "resolution="),
        ("summary v2 --set lay", "layers["),
        ("summary lenet5 --set layers[0]", "layers[0]."),
        ("summary v2 --set layers[1].rows[6].", " ".join(f"layers[1].rows[6].{name}=" for name in "tcns")),
        ("summary v2 --set=wi", "--set=width="),
        ("summary v2 --convention thop --convention pt", "ptflops ptflops-aten"),
        ("explain v2 --convention=fv", "--convention=fvcore"),
        ("summary v2 --format m", "markdown"),
        ("check --format j", "json junit"),
        ("check v2 --max macs=1G,size_i", "macs=1G,size_int8="),
        ("compare v1 v2 --by k", "kind"),
        ("memory v2 --train a", "adam adamw"),
        ("memory v2 --dtype=b", "--dtype=bf16"),
        ("memory v2 --order ", "best own"),
        ("memory v2 --layout ", "channels_first channels_last"),
        ("cost --conv dw,gr", "dw,group"),
        ("summary v2 --wid", "--width"),
        ("schema expl", "explain explain-number"),
        ("summary ./my", ""),
        ("summary nothing@", ""),
        ('summary "mobilenet_v1_s', "mobilenet_v1_shallow"),
    ],
)
def test_words(capsys, monkeypatch, line, words):
    printed = answered(capsys, monkeypatch, "fish", line)
    assert sorted(one.partition("\t")[0] for one in printed) == sorted(words.split())


def test_every_network_and_alias_is_there(capsys, monkeypatch):
    printed = answered(capsys, monkeypatch, "fish", "summary ")
    assert sorted(one.partition("\t")[0] for one in printed) == sorted((*catalog.files(), *catalog.aliases()))


@pytest.mark.parametrize(
    ("shell", "line", "printed"),
    [
        # Of a word that it split, bash wants what is behind the split.
        ("bash", "summary v2@width=0.75,re", "0.75,resolution="),
        ("bash", "summary mobilenet_v2@wi", "width="),
        ("bash", "summary v2 --format=m", "markdown"),
        ("zsh", "summary mobilenet_v2@wi", "mobilenet_v2@width=\twidth multiplier"),
        ("fish", "summary mobilenet_v2@wi", "mobilenet_v2@width=\twidth multiplier"),
        ("fish", "summary v3_s", "v3_small\tmobilenet_v3_small"),
    ],
)
def test_forms(capsys, monkeypatch, shell, line, printed):
    assert answered(capsys, monkeypatch, shell, line) == [printed]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, and a program `archprof` in the path."""
    program = tmp_path / "bin" / "archprof"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m archprof "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_install(capsys, monkeypatch, home, shell):
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    (home / ".bashrc").write_text("alias ll='ls -l'", encoding="utf-8")
    file = home / SHELLS[shell].file
    for _ in range(2):
        result = archprof(capsys, "--install-completion")
        assert result == (0, "", f"completion is in {file}; it works in the next shell\n")
    assert file.read_text(encoding="utf-8") == archprof(capsys, "--show-completion").out
    if shell != "fish":  # which looks there by itself
        assert (home / SHELLS[shell].startup).read_text(encoding="utf-8").count(f"\n{SHELLS[shell].line}\n") == 1
    assert (home / ".bashrc").read_text(encoding="utf-8").startswith("alias ll='ls -l'")


@pytest.mark.parametrize(
    ("shell", "message"),
    [
        ("/bin/ksh", "no completion for the shell `ksh`\n  help: "),
        ("", "$SHELL names no shell\n  help: shells: bash, zsh, fish; `SHELL=zsh archprof --show-completion`\n"),
    ],
)
def test_another_shell(capsys, monkeypatch, shell, message):
    monkeypatch.setenv("SHELL", shell)
    result = archprof(capsys, "--show-completion")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)


def test_install_where_nothing_can_be_written(capsys, monkeypatch, home):
    monkeypatch.setenv("SHELL", "/bin/fish")
    (home / ".config").write_text("", encoding="utf-8")
    result = archprof(capsys, "--install-completion")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"cannot write `{home}/.config")


@pytest.mark.parametrize(
    ("words", "replies"),
    [
        (["archprof", "summary", "mobilenet_v2", "@", "wi"], ["width="]),
        (["archprof", "summary", "squeezenet1"], ["squeezenet1_0", "squeezenet1_1"]),
    ],
)
def test_bash_takes_the_answer(home, words, replies):
    line = " ".join(words).replace(" @ ", "@")
    script = f"""{SHELLS["bash"].script}
        COMP_LINE='{line}' COMP_POINT={len(line)} COMP_WORDS=({" ".join(words)}) COMP_CWORD={len(words) - 1}
        _archprof archprof && printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    found = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == replies


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_can_be_read_by_their_shells(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=SHELLS[shell].script, text=True, check=True)


@pytest.mark.parametrize("line", ["su", "summary mob", "show v2@wi", "show v2 --set lay", "summary v2 --convention f"])
def test_nothing_heavy_is_loaded(line):
    code = "import sys; from archprof.cli import run; run([]); print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "_ARCHPROF_COMPLETE": "fish", "_ARCHPROF_LINE": f"archprof {line}"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout
    assert not {"torch", "numpy", "rich", "matplotlib", "fvcore"} & {*found.stderr.split()}


def test_completion_is_loaded_for_shells_alone():
    code = "import sys; from archprof.cli import run; run(['summary', 'v2']); print(*sys.modules, file=sys.stderr)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in found.stderr.split() if name.startswith("archprof.cli.completion")]
