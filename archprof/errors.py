"""What can go wrong, said in one form: a place, a sentence, and what to change."""

from collections.abc import Callable, Iterable

from archprof.named_tuple import NamedTuple

# Nobody sees these, though Python calls them printable: a joiner, and fillers as wide as a letter.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MARKS = frozenset(("Mn", "Me"))
# No language puts more marks on a letter; a flood of them covers the lines above and below.
_MOST_MARKS = 4


def printable(text: str) -> str:
    """Return *text* on one line, without anything that a terminal would obey or a reader would miss, and without `##`,
    behind which CI's runners look for commands: such characters are written as escapes."""
    return escaped(text, lambda char: ascii(char)[1:-1]).replace("##", "#\\x23")


def escaped(text: str, escape: Callable[[str], str]) -> str:
    """Return *text* with each character that a terminal would obey or a reader would miss as *escape* writes it."""
    if text.isprintable() and text.isascii():
        return text
    from unicodedata import category

    if text.isprintable() and _UNSEEN.isdisjoint(text) and _MARKS.isdisjoint(map(category, text)):
        return text
    shown, marks = [], 0
    for char in text:
        marks = marks + 1 if category(char) in _MARKS else 0
        seen = char.isprintable() and char not in _UNSEEN and marks <= _MOST_MARKS
        shown.append(char if seen else escape(char))
    return "".join(shown)


def unobeyed(text: str) -> str:
    """Return lines of which none is a command to GitHub's runner: one that would begin with `::` begins with an
    escape."""
    import re

    return re.sub("^( *):(?=:)", r"\1\\x3a", text, flags=re.MULTILINE) if "::" in text else text


def printable_lines(text: str) -> str:
    """Return a message of several lines with nothing in it that a terminal or a runner would obey."""
    return unobeyed("\n".join(map(printable, text.split("\n"))))


class Location(NamedTuple):
    """A place in a file; line and column count from 1. In a setting, as in `--set act=relu7`, *file* is its text and
    the line 0."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Problem(NamedTuple):
    """One mistake: a lower-case sentence, where it is (in the file, in the spec), what to change, and facts worth
    knowing.

    Each may quote what comes from outside as it is: as text, each is one printable line.
    """

    message: str
    location: Location | None = None
    where: str = ""
    help: str = ""
    note: str = ""

    def __str__(self) -> str:
        lines = [f"{self.location}: {self.message}" if self.location else self.message]
        if self.where:
            lines.append(f"  in {self.where}")
        if self.help:
            lines.append(f"  help: {self.help}")
        if self.note:
            lines.append(f"  note: {self.note}")
        return unobeyed("\n".join(map(printable, lines)))


class ArchprofError(Exception):
    """Anything that a user can mend; `exit_code` is what a command line ends with."""

    exit_code = 2


class InputError(ArchprofError):
    """Bad input: every problem that was found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type["InputError"], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class SpecError(InputError):
    """A spec, a setting or an address that does not say what it should."""


class UsageError(InputError):
    """A request that cannot be carried out as asked: an unknown option value, a missing extra, a file that cannot be
    written."""


def problem(
    message: str, location: Location | None = None, *, where: str = "", help: str = "", note: str = ""
) -> SpecError:
    """Return a `SpecError` with a single problem, to be raised."""
    return SpecError([Problem(message, location, where, help, note)])


def usage_error(message: str, location: Location | None = None, *, help: str = "", note: str = "") -> UsageError:
    """Return a `UsageError` with a single problem, to be raised."""
    return UsageError([Problem(message, location, help=help, note=note)])


def problems_of(error: Exception, what: str) -> tuple[Problem, ...]:
    """Return what is wrong with one of several networks or commands, *what*: an InputError's own problems; what
    the system says of a file; of any other exception that archprof has a fault, with its place and how to report it.

    Where the environment has ARCHPROF_DEBUG, the whole traceback is printed on standard error.
    """
    if isinstance(error, InputError):
        return error.problems
    place = Location(what, 0, 0)
    if isinstance(error, MemoryError):
        return (Problem("there is not enough memory", place, help="ask for less, or of a smaller network"),)
    if isinstance(error, OSError) and error.filename:
        return (Problem(f"cannot use `{str(error.filename)[:60]}`: {(error.strerror or '').lower()}", place),)
    _debug(error)
    return (Problem(f"a fault of archprof: {described(error)}", place, _risen(error), REPORT),)


REPORT = "please report it, with the command and the spec; ARCHPROF_DEBUG=1 in the environment prints the traceback"


def as_given(value: object) -> str:
    """Return an argument that should have been another, with its type: `dict {}`."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class `{value.__name__}`"
    text = " ".join(str(value).split())
    return f"{type(value).__name__} `{_start(text, 40)}`"


def _start(text: str, most: int) -> str:
    """Return a text, or its start where it has more than so many characters."""
    return f"{text[:most]}…" if len(text) > most else text


def described(error: BaseException) -> str:
    """Return an exception's type and text on one line."""
    text = " ".join(str(error).split())
    return printable(f"{type(error).__name__}: {_start(text, 200)}" if text else type(error).__name__)


def _risen(error: Exception) -> str:
    """Return the innermost line of archprof through which an exception rose: `archprof/ir/dims.py:41`."""
    from pathlib import Path
    from traceback import extract_tb

    package = Path(__file__).parent
    lines = [frame for frame in extract_tb(error.__traceback__) if package in Path(frame.filename).parents]
    return f"{Path(lines[-1].filename).relative_to(package.parent).as_posix()}:{lines[-1].lineno}" if lines else ""


def _debug(error: Exception) -> None:
    import os

    if os.environ.get("ARCHPROF_DEBUG"):
        import sys
        from traceback import format_exception

        sys.stderr.write(printable_lines("".join(format_exception(error))))


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """Return "did you mean `x`?" when one of *allowed* is close to *word*, else an empty string."""
    from difflib import get_close_matches

    folded = {name.lower(): name for name in allowed}
    close = get_close_matches(word.lower(), folded, n=1, cutoff=0.7)
    return f"did you mean `{folded[close[0]]}`?" if close else ""


# A hostile file may have a hundred thousand names, each of them wrong.
_MAX_NAMES = 100
_MAX_COMPARED = 1000
# So many names are read by nobody who is told the right one.
_FEW_NAMES = 8
_MAX_PROBLEMS = 100


def suggest(word: str, allowed: Iterable[str], label: str, listed: Iterable[str] | None = None) -> str:
    """Return a help line: a close match if there is one, and all that is allowed (or *listed*) where that is short or
    there is no match."""
    names = list(allowed)
    shown = names if listed is None else list(listed)
    close = did_you_mean(word[:100], names[:_MAX_COMPARED])
    if close and len(shown) > _FEW_NAMES:
        return close
    more = ", …" if len(shown) > _MAX_NAMES else ""
    return f"{close} {label}: {', '.join(shown[:_MAX_NAMES]) or 'none'}{more}".strip()


def placed(error: InputError, where: str, help: str = "", location: Location | None = None) -> SpecError:
    """Return an error's problems with a place in the spec, a help and a location, each where a problem has none of its
    own."""
    return SpecError(
        found._replace(where=found.where or where, help=found.help or help, location=found.location or location)
        for found in error.problems
    )


def asked_of(error: SpecError, model: str) -> SpecError:
    """Return an error of one of several networks, which is named where neither a place nor a word tells."""

    def told(found: Problem) -> Problem:
        somewhere = found.location is not None and found.location.line
        named = f"`{model}`" in found.message
        return found if somewhere or named or found.note else found._replace(note=f"asked of `{model}`")

    return SpecError(map(told, error.problems))


class TooManyProblems(SpecError):
    """So many problems that looking for more helps nobody."""


class Problems:
    """A list of problems that grows while a file is read, so that all of them are told at once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def __enter__(self) -> "Problems":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Keep an InputError's problems and go on behind the `with`; anything else rises.

        Raises TooManyProblems where there are a hundred.
        """
        if not isinstance(error, InputError):
            return False
        self.found.extend(error.problems)
        if isinstance(error, TooManyProblems):
            raise TooManyProblems(self._in_order()) from None
        if len(self.found) >= _MAX_PROBLEMS:
            self.found[-1] = self.found[-1]._replace(
                note=f"these are {_MAX_PROBLEMS} problems; behind them, nothing was looked at"
            )
            raise TooManyProblems(self._in_order()) from None
        return True

    def add(self, message: str, location: Location | None, *, where: str = "", help: str = "") -> None:
        """Note a problem and go on. Raises TooManyProblems where there are a hundred."""
        with self:
            raise problem(message, location, where=where, help=help)

    def raise_any(self) -> None:
        """Raise SpecError with everything found, each once, in the order of the file."""
        if self.found:
            raise SpecError(self._in_order())

    def _in_order(self) -> list[Problem]:
        return sorted(dict.fromkeys(self.found), key=lambda found: found.location or Location("", 0, 0))
