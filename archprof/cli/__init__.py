"""The command line: one file a command, imported when it is called; here the way in, and the way out of every error."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from archprof.cli.groups import ungrouped
from archprof.cli.output import say
from archprof.errors import InputError, Problem, did_you_mean, problems_of, suggest
from archprof.inputs import forget
from archprof.ir.setup import OPTIMIZERS

# typer brings its own click (since 0.26) and names of it only what applications raise; a usage error is what a bad
# parameter is.
UsageError: Any = typer.BadParameter.__base__

# Numbers by the first word of click's name of their type, and what it says of one that is none or too small.
_NUMBERS: Mapping[str, str] = {"int": "a whole number", "integer": "a whole number", "float": "a number"}
_INVALID = re.compile(r"Invalid value for (?P<option>`[^`]+`): `?(?P<value>.*?)`? is not ", re.DOTALL)

# Each command's file in this folder, with the line that `--help` shows.
COMMANDS: Mapping[str, str] = {
    "summary": "What a network costs, block by block.",
    "show": "A network's block table as its paper prints it, with costs.",
    "list": "The catalog: names, aliases, sources, exact numbers.",
    "validate": "Check specs: every error of every file, and what they expect.",
    "cost": "What one convolution costs, before any network exists.",
    "draw": "A network or a block as a diagram, for a paper or a page: SVG or PDF.",
    "memory": "What a network holds in memory, and what sits there at the peak.",
    "latency": "How long a network takes on a device, predicted from its profile.",
    "bench": "How long networks take on this machine, measured beside the roofline.",
    "calibrate": "A profile of this machine: its ceilings, operators and networks, measured and fitted.",
    "compare": "Networks side by side: totals, kinds of layer, stages, published accuracy.",
    "report": "One page of networks: a file that opens anywhere.",
    "diff": "What changed between two networks, and what each change costs.",
    "sweep": "The cost of every variant on a grid, or of a sample.",
    "solve": "Which width, resolution or scale meets a budget.",
    "space": "Whole search spaces, exactly: how many networks, which fit, which are best.",
    "explain": "Why other tools and papers print other numbers.",
    "lock": "A torch module's graph as a file, for git and CI.",
    "check": "Budgets in CI: what a network may cost, and where it costs more.",
    "verify": "Prove specs: formulas = fvcore = torch = what is expected, and what was published.",
    "schema": "The JSON Schema of the spec language, or of a result.",
}


# Options whose value may be left out, where their command has them so, what they are then, and which values may stand
# behind a space; others stand behind `=`.
_ALONE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "--allow-uncounted": ("--allow-uncounted=all", ()),
    "--train": ("--train=", OPTIMIZERS),
}

# Stands before what would be taken for an option, and is standard input with settings: `-@H=320`.
_HIDDEN = "\0"


def _shown_again(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_shown_again(one) for one in value]
    return value.removeprefix(_HIDDEN) if isinstance(value, str) else value


class OneCommand(TyperCommand):
    """A command whose help ends with examples."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = [f"{_HIDDEN}{one}" if one.startswith("-@") else one for one in self._completed(args)]
        parsed: list[str] = super().parse_args(ctx, words)
        ctx.params = {name: _shown_again(value) for name, value in ctx.params.items()}
        return parsed

    def _completed(self, args: list[str]) -> Iterator[str]:
        """Yield the words of a line, with what an option is whose value is left out."""
        able = {name for one in self.params for name in one.opts if (getattr(one, "metavar", "") or "").startswith("[")}
        for one, behind in pairwise([*args, ""]):
            alone, values = _ALONE.get(one, (one, ()))
            yield one if one not in able or behind in values else alone

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(ctx.info_name, formatter)


class Commands(TyperGroup):
    """The group of commands, which imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        # Not `list(…)`: once `archprof list` is imported, that name is its module here.
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        function = import_module(f"archprof.cli.{cmd_name}").command
        app.command(cmd_name, cls=OneCommand, help=f"{COMMANDS[cmd_name]}\n\n{_body(function)}")(ungrouped(function))
        return typer.main.get_command(app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples("archprof", formatter)


def _write_examples(command: str, formatter: Any) -> None:
    """Write examples as they are typed, however narrow the page, and where to read on."""
    from archprof.cli.examples import EXAMPLES

    examples = EXAMPLES[command]
    with formatter.section("Examples"):
        formatter.write("".join(f"  {line}\n" for line in examples.lines))
    formatter.write(f"\nRead on: {examples.page}\n")


def _body(function: Any) -> str:
    """Return what a command's docstring says below its first line, which is `COMMANDS`' own."""
    _, _, body = (function.__doc__ or "").partition("\n\n")
    return str(body)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from archprof import __version__

        typer.echo(f"archprof {__version__}")
        raise typer.Exit


def _install_completion(wanted: bool) -> None:
    if wanted:
        from archprof.cli.completion_scripts import install

        install()
        raise typer.Exit


def _show_completion(wanted: bool) -> None:
    if wanted:
        from archprof.cli.completion_scripts import show

        show()
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
    install_completion: bool = typer.Option(
        False,
        "--install-completion",
        callback=_install_completion,
        is_eager=True,
        help="Complete words in the shell that $SHELL names: bash, zsh or fish.",
    ),
    show_completion: bool = typer.Option(
        False, "--show-completion", callback=_show_completion, is_eager=True, help="Print what that installs."
    ),
) -> None:
    """What does a convolutional network cost, where, and why? Exactly, from its table, without torch."""


def run(arguments: list[str]) -> int:
    """Return the exit code of a command line: 0 fine, 1 the answer is no, 2 bad input or usage, 130 interrupted.

    What goes wrong is said on standard error, what nobody foresaw too: no exception but that of a signal rises.
    """
    forget()
    try:
        if "_ARCHPROF_COMPLETE" in os.environ:
            from archprof.cli.completion import answer

            return answer(os.environ["_ARCHPROF_COMPLETE"], app, COMMANDS)
        code = app(arguments or ["--help"], prog_name="archprof", standalone_mode=False)
    except InputError as error:
        say("\n".join(map(str, error.problems)))
        return error.exit_code
    except UsageError as error:
        say(str(_usage(error, _called(arguments))))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:  # the reader of a pipe has enough, and nothing is left to say
        return 0
    except Exception as error:  # a fault of ours, told like everything else
        say("\n".join(map(str, problems_of(error, _called(arguments)))))
        return 2
    return code if isinstance(code, int) else 0


def _answer(option: str) -> Problem | None:
    """Return what to say of an option that there is elsewhere."""
    from archprof.cli import elsewhere

    there = elsewhere.OPTIONS.get(option)
    return Problem(f"there is no `{option}`", help=there) if there else None


def _instead(word: str) -> str:
    """Return what to type instead of a command that there is not: a network's name wants one before it."""
    from archprof.cli import elsewhere
    from archprof.spec import catalog

    names = [name for name, _ in catalog.spellings()]
    if catalog.is_path(word) or catalog.spelled(word.partition("@")[0], names):
        return f"`archprof summary {word}` says what it costs"
    if word in elsewhere.COMMANDS:
        return elsewhere.COMMANDS[word]
    if not did_you_mean(word, COMMANDS) and catalog.matching(word, catalog.spellings()):
        return f"`archprof list {word}` shows the networks called so"
    return suggest(word, COMMANDS, "commands")


def _called(arguments: list[str]) -> str:
    """Return what was called: `archprof summary`."""
    return f"archprof {arguments[0]}" if arguments and arguments[0] in COMMANDS else "archprof"


def _usage(error: Any, called: str) -> Problem:
    """Return click's message about what was *called* in our form: lower case, no full stop, then help."""
    message = error.format_message().replace(repr(_HIDDEN).strip("'"), "").rstrip(".").replace("'", "`")
    message, _, advice = message.partition(" Did you mean ")
    message, _, possible = message.partition(" (Possible options: ")
    context = error.ctx
    command = context.command_path if context else called
    if answer := _answer(getattr(error, "option_name", "")):
        return answer._replace(message=f"{command}: {answer.message}")
    message = _wrong_number(error, message)
    if getattr(error, "possibilities", None):
        advice = f"`{'`, `'.join(sorted(error.possibilities))}`?"
    elif possible:
        advice = f"`{possible.rstrip(')')}`?"
    if advice:
        advice = f"did you mean {advice}"
    elif context and context.parent is None and "no such command" in message.lower():
        advice = _instead(message.partition("`")[2].partition("`")[0])
    elif _is_incomplete(message) and (name := command.rpartition(" ")[2]) in COMMANDS:
        from archprof.cli.examples import EXAMPLES

        advice = f"as in `{EXAMPLES[name].lines[0]}`; `{command} --help` tells more"
    else:
        advice = f"`{command} --help` lists what there is"
    return Problem(f"{command}: {message[:1].lower()}{message[1:].rstrip('.')}", help=advice)


def _wrong_number(error: Any, message: str) -> str:
    """Return click's message about a number in words: "`--top` takes a whole number from 1 on, not `x`"; any other as
    it is."""
    kind: Any = getattr(getattr(error, "param", None), "type", None)
    what = _NUMBERS.get(getattr(kind, "name", "").partition(" ")[0])
    said = _INVALID.match(message)
    if not what or not said:
        return message
    least = "" if getattr(kind, "min", None) is None else f" from {kind.min} on"
    return f"{said['option']} takes {what}{least}, not `{said['value']}`"


def _is_incomplete(message: str) -> bool:
    """Tell whether a call has too few or too many arguments, or lacks an option: then an example says more."""
    said = message.lower()
    return said.startswith("missing option") or (" argument" in said and "option" not in said)
