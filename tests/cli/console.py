"""Running the command line inside the test's own process, as `archprof …` would run."""

from typing import NamedTuple

from archprof.cli import run


class Result(NamedTuple):
    """What a call left behind: its exit code, and what it wrote where."""

    code: int
    out: str
    err: str


def archprof(capsys, *arguments: str) -> Result:
    """Return the result of a call."""
    capsys.readouterr()
    code = run(list(arguments))
    out, err = capsys.readouterr()
    return Result(code, out, err)
