"""archprof lock: a torch module, or an ONNX file, as a file for git and CI that needs neither torch nor the weights."""

from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options
from archprof.cli.output import write
from archprof.errors import usage_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.captures.lock_text import Lock


def command(
    code: Annotated[
        str,
        typer.Argument(
            help="Code that makes a torch module: `torchvision:resnet50`, `timm:…`, `net.py:Net`,"
            " `pkg.models:make(width=0.5)`; or a program of torch.export, or an ONNX file: `exported.pt2`,"
            " `net.onnx`.",
            metavar="CODE",
        ),
    ],
    input: options.Input = None,
    modes: Annotated[
        str | None,
        typer.Option(
            "--modes",
            help="`eval`, or `eval,train`: the module as it trains too, with dropout and auxiliary heads.",
            metavar="MODES",
        ),
    ] = None,
    real: options.Real = False,
    check: Annotated[
        str | None,
        typer.Option("--check", help="Compare with a lock instead of writing one.", metavar="FILE"),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The lock to write: `net.lock.json`.", metavar="FILE")
    ] = None,
) -> None:
    """A torch module's graph as a file, from which everything is counted without torch.

    The module's code runs, without its weights being filled, at three batch sizes; with `--real` it computes, once; a
    program of torch.export is read, and an ONNX file. `summary`, `compare`, `diff` and `check` take the file as they
    take specs.

    A lock is of evaluation; `--modes eval,train` records training mode beside it, which `--train` elsewhere takes.

    `--check` captures again, as the lock was, in its modes and on the inputs that it names unless others are given, and
    says what differs; exit 1 where anything does. A lock that is written anew keeps fields that archprof does not know,
    but for calls that changed.
    """
    from archprof.captures.lock_kept import write_lock
    from archprof.spec.catalog import check_lock_name

    if modes not in (None, "eval", "eval,train"):
        raise usage_error(f"`--modes {modes}` are no modes of a lock", help="`eval`, or `eval,train`")
    if check is not None:
        if output is not None:
            raise usage_error("`--check` and `-o` at once", help="a lock is written, or compared")
        if modes is not None:
            raise usage_error("`--check` and `--modes` at once", help="a lock is compared in the modes that it has")
        check_lock_name(check)
        _compare(code, input, check, real=real)
        return
    if output is not None:
        check_lock_name(output)
    from archprof.captures.lock_text import lock_text

    text = lock_text(_captured(code, input or (), training=modes == "eval,train", real=real))
    if output is None:
        write(text, None)
    else:
        write_lock(output, text)


def _captured(code: str, inputs: "Sequence[str]", *, training: bool, real: bool) -> "Lock":
    from archprof import __version__
    from archprof.inputs import shown_name
    from archprof.spec.catalog import is_lock, is_onnx, is_program
    from archprof.spec.variant import parse_reference

    if options.is_code(code):
        from archprof.captures.source import lock

        return lock(code, inputs, __version__, training=training, real=real)
    file, settings = parse_reference(code)
    if is_lock(file):
        raise usage_error(f"`{code}` is a lock already", help="name the code that it was captured from")
    if not is_program(file) and not is_onnx(file):
        advice = "as in `torchvision:resnet50`, `net.py:Net`, `exported.pt2`, or `net.onnx`"
        raise usage_error(f"`{code}` is no code that makes a module", help=advice)
    for option, asked in (("--modes", training), ("--real", real)):
        if asked:
            raise usage_error(f"`{option}` runs code, and `{shown_name(code)}` has none", help="as in `net.py:Net`")
    if is_onnx(file):
        from archprof.captures.onnx.lock import lock_onnx

        return lock_onnx(file, settings, inputs, __version__)
    from archprof.captures.pt2.read import lock_exported

    return lock_exported(file, settings, inputs, __version__)


def _compare(code: str, input: list[str] | None, file: str, *, real: bool) -> None:
    from archprof.captures.lock import read_lock
    from archprof.captures.lock_changes import changes, versions
    from archprof.render.lock import changes_text

    before = read_lock(file)
    real = real or before.captured.how == "real"
    now = _captured(code, input or before.captured.inputs, training=before.training is not None, real=real)
    found = changes(before, now)
    calls = f"{len(now.graph.nodes):,} calls" + (f", {len(now.training.nodes):,} in training" if now.training else "")
    write(changes_text(file, code, calls, versions(before, now), found), None)
    if found:
        raise typer.Exit(1)
