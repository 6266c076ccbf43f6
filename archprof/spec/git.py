"""`git:REV:path`: a spec as it stands at a revision, read from git's objects; the work tree is not touched."""

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from archprof.errors import Location, SpecError, printable, problem
from archprof.limits import MAX_BYTES
from archprof.spec.nodes import shorten

if TYPE_CHECKING:
    import subprocess  # its import takes longer than reading a spec: only who reads from git pays for it

PREFIX = "git:"
_HASH = re.compile(r"[0-9a-f]{40}\Z")
_FORM = (
    "written `git:REV:path`, as in `git:origin/main:specs/mine.yaml`; the path counts from the repository's root, "
    "with `./` from here"
)


class Place(NamedTuple):
    """A file at a revision; *path* counts from the root of the repository that the current folder is in."""

    revision: str
    path: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.revision}:{self.path}"


def is_git(target: str) -> bool:
    """Tell whether a target names a file at a revision."""
    return target.startswith(PREFIX)


def parse_place(text: str, location: Location | None = None) -> Place:
    """Return the revision and the path of `git:REV:path`.

    Raises SpecError for another form and for a path that leaves the repository.
    """
    revision, _, path = text.removeprefix(PREFIX).partition(":")
    if not revision or not path:
        raise problem(f"`{shorten(text)}` names no file at a revision", location, help=_FORM)
    if path.startswith(("./", "../")):
        path = f"{_run(['rev-parse', '--show-prefix'], location).strip(os.linesep)}{path}"
    return Place(revision, _inside(path, text, location))


def sibling(child: str, target: str, location: Location | None = None) -> str:
    """Return the reference of a path that counts from the folder of *child*, a spec at a revision."""
    place = parse_place(child)
    path = str(PurePosixPath(place.path).parent / target)
    return str(place._replace(path=_inside(path, target, location)))


def at_revision(revision: str, file: str, location: Location | None = None, root: str = "") -> str:
    """Return the reference of a file of the work tree at *revision*; *root* is the repository's, where it is known
    already.

    Raises SpecError for a file outside of the repository.
    """
    root = os.path.realpath(root or repository(location))
    try:
        path = Path(file).resolve().relative_to(root)
    except ValueError:
        advice = "run it inside the spec's repository"
        raise problem(
            f"`{printable(file)}` is not in the repository {printable(root)}", location, help=advice
        ) from None
    return str(Place(revision, path.as_posix()))


def repository(location: Location | None = None) -> str:
    """Return the root of the repository that the current folder is in. Raises SpecError where there is none, or no
    git."""
    return _run(["rev-parse", "--show-toplevel"], location).rstrip("\n")


def commit_of(revision: str, location: Location | None = None) -> str:
    """Return the hash of the commit that a revision names. Raises SpecError for a revision that there is not."""
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    found = _call(asked, location)
    if found.returncode:
        repository(location)  # where there is none, that is what to say
        advice = "a shallow clone has few: `git fetch origin main`; `git log` shows those here"
        raise problem(f"there is no revision `{shorten(revision)}`", location, help=advice)
    return found.stdout.decode().strip()


def head() -> str:
    """Return the hash of the current commit, with `+` behind it where the work tree has changes; empty outside of a
    repository."""
    found = _quiet(["rev-parse", "--verify", "--quiet", "HEAD"])
    if not found:
        return ""
    return f"{found}+" if _quiet(["status", "--porcelain", "--untracked-files=no"]) else found


def read_blob(text: str, location: Location | None = None) -> bytes:
    """Return what a file at a revision holds, one byte more than a spec may have at most.

    Raises SpecError for a revision, a path or a repository that there is not.
    """
    import subprocess

    place = parse_place(text, location)
    name = _object(place, location)
    with subprocess.Popen(
        ["git", "cat-file", "blob", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        data = process.stdout.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            process.kill()
            return data
    if process.returncode:
        raise _no_blob(text, place, name, location)
    return data


def _no_blob(text: str, place: Place, name: str, location: Location | None) -> SpecError:
    """Return why git has no file of that name."""
    commit_of(place.revision, location)  # where there is no such commit, that is why
    kind = _call(["cat-file", "-t", name], location)
    if kind.stdout.strip() == b"tree":
        return problem(
            f"`{printable(text)}` is a directory, not a spec", location, help="name a file in it, such as `my_net.yaml`"
        )
    advice = f"`git ls-tree -r --name-only {printable(place.revision)}` lists those there"
    return problem(f"no such file: `{printable(text)}`", location, help=advice)


def exists(text: str) -> bool:
    """Tell whether a file stands at a revision. Raises SpecError for a revision that there is not."""
    place = parse_place(text)
    return not _call(["cat-file", "-e", _object(place, None)], None).returncode


def files_below(revision: str, folder: str) -> list[str]:
    """Return the paths of the files below a folder at a revision."""
    listed = _call(["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit_of(revision), f"{folder}/"], None)
    return [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


def _object(place: Place, location: Location | None) -> str:
    """Return git's name of a file; a whole hash need not be looked up, though it may be of no commit that is here."""
    commit = place.revision if _HASH.match(place.revision) else commit_of(place.revision, location)
    return f"{commit}:{place.path}"


def _inside(path: str, said: str, location: Location | None) -> str:
    """Return a path without `.` and `..`."""
    steps: list[str] = []
    for step in path.split("/"):
        if (step == ".." and not steps) or path.startswith("/"):
            raise problem(f"`{shorten(said)}` leaves the repository", location, help=_FORM)
        if step == "..":
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def _quiet(arguments: list[str]) -> str:
    import subprocess

    try:
        found = subprocess.run(["git", *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return "" if found.returncode else found.stdout.decode(errors="replace").strip()


def _run(arguments: list[str], location: Location | None) -> str:
    found = _call(arguments, location)
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip().splitlines()
        raise problem("the current folder is in no git repository", location, note=printable(said[0]) if said else "")
    return os.fsdecode(found.stdout)


def _call(arguments: list[str], location: Location | None) -> "subprocess.CompletedProcess[bytes]":
    import subprocess

    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise problem(
            f"git cannot be run: {(error.strerror or str(error)).lower()}",
            location,
            help="`git:` needs the program git",
        ) from None
    except ValueError:  # a null byte
        raise problem("a revision or path with a null byte", location, help=_FORM) from None
