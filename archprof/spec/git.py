"""`git:REV:path`: a spec as it stands at a revision, read from git's objects; the work tree is not touched."""

import os
import re
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from archprof.errors import Location, SpecError, problem
from archprof.inputs import is_below, repository_root
from archprof.limits import MAX_BYTES
from archprof.named_tuple import NamedTuple
from archprof.spec.catalog import GIT
from archprof.spec.nodes import shorten

if TYPE_CHECKING:
    from archprof.spec.repository import Repository  # only who reads from git pays for its import

# What is listed of a revision's files: a tree that holds itself many times over has no end.
_MAX_LISTED = 1 << 26
_HASH = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\Z")
# The line that git prints before an object, and room for it.
_FOUND = re.compile(rb"[0-9a-f]{40,64} (\w+) ([0-9]+)\n")
_HEADER = 128
# The mode of a link.
_LINK = "120000"
# So many names along a path, and along the links on it.
_MAX_STEPS = 256
# Which branch another one follows is a setting.
_FOLLOWED = ("@{u}", "@{upstream}", "@{push}")
_FORM = (
    "written `git:REV:path`, as in `git:origin/main:specs/mine.yaml`; the path counts from the repository's root, "
    "with `./` from here"
)


class Place(NamedTuple):
    """A file at a revision; *path* counts from the root of the repository that the current folder is in."""

    revision: str
    path: str

    def __str__(self) -> str:
        return f"{GIT}{self.revision}:{self.path}"


def parse_place(text: str, location: Location | None = None) -> Place:
    """Return the revision and the path of `git:REV:path`.

    Raises SpecError for another form and for a path that leaves the repository.
    """
    revision, _, path = text.removeprefix(GIT).partition(":")
    if not revision or not path:
        raise problem(f"`{shorten(text)}` names no file at a revision", location, help=_FORM)
    if path.startswith(("./", "../")):
        path = f"{_here(location)}/{path}"
    return Place(revision, _inside(path, text, location))


def sibling(child: str, target: str, location: Location | None = None) -> str:
    """Return the reference of a path that counts from the folder of *child*, a spec at a revision."""
    place = parse_place(child)
    folder = PurePosixPath(place.path).parent
    if target.startswith("../"):  # behind a link, that is another folder
        folder = PurePosixPath(_led_to(place._replace(path=str(folder)), location) or folder)
    path = str(folder / target)
    return str(place._replace(path=_inside(path, target, location)))


def at_revision(revision: str, file: str, location: Location | None = None, root: str = "") -> str:
    """Return the reference of a file of the work tree at *revision*; *root* is the repository's, where it is known
    already.

    Raises SpecError for a file outside of the repository, and for one in a submodule.
    """
    root = os.path.realpath(root or repository(location))
    path = _path_in(root, file)
    own = repository_root(Path(file).parent)
    if path is None or (own != root and is_below(own, root) and os.path.exists(os.path.join(own, ".git"))):
        advice = "run it inside the spec's repository"
        raise problem(f"`{file}` is not in the repository {root}", location, help=advice)
    return str(Place(revision, path.as_posix()))


def _path_in(root: str, file: str) -> Path | None:
    """Return the path of a file as it counts from *root*; None outside of it.

    Links in the repository stay: at a revision they may lead elsewhere, or be none.
    """
    whole = Path(os.path.abspath(file))
    real = Path(os.path.realpath(file))
    if Path(os.path.realpath(whole)) == real:  # behind a link, `..` is another folder
        for folder in reversed(whole.parents):
            if os.path.realpath(folder) == root:
                return whole.relative_to(folder)
    return real.relative_to(root) if real.is_relative_to(root) else None


def repository(location: Location | None = None) -> str:
    """Return the root of the work tree that the current folder is in. Raises SpecError where there is none."""
    found = _repository(location)
    if not found.top:
        advice = "its files are named `git:REV:path`"
        raise problem(f"the repository {found.folder} has no work tree", location, help=advice)
    return found.top


def _here(location: Location | None) -> str:
    """Return the current folder, as it counts from the root of the work tree."""
    top = _repository(location).top
    return Path(os.path.relpath(os.getcwd(), top)).as_posix() if top else "."


def commit_of(revision: str, location: Location | None = None) -> str:
    """Return the hash of the commit that a revision names. Raises SpecError for a revision that there is not."""
    code, found = _call(
        ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"], location, _MAX_LISTED
    )
    if code:
        advice = "a shallow clone has few: `git fetch origin main`; `git log` shows those here"
        if any(sign in revision.lower() for sign in _FOLLOWED):
            advice = "no setting of the repository is read: name the branch itself, such as `origin/main`"
        elif ".." in revision:
            advice = f"of two, `git merge-base {revision.replace('...', ' ').replace('..', ' ')}` finds where they part"
        elif revision == "HEAD":
            advice = "nothing is committed yet"
        raise problem(f"there is no revision `{shorten(revision)}`", location, help=advice)
    return found.decode().strip()


def head() -> str:
    """Return the hash of the current commit, with `+` behind it where a tracked file of the work tree has changed;
    empty outside of a repository."""
    # Submodules would be asked by their own settings.
    changes = ["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"]
    try:
        commit = commit_of("HEAD")
        return f"{commit}+" if _repository(None).top and any(_call(changes, None, 1)) else commit
    except SpecError:
        return ""


def read_blob(text: str, location: Location | None = None, most: int = MAX_BYTES) -> bytes:
    """Return what a file at a revision holds, links followed, at most one byte more than *most*, which is what a spec
    may have.

    Raises SpecError for a revision, a path or a repository that there is not.
    """
    place = parse_place(text, location)
    kind, data = _followed("--batch", place, location, most + 1)
    if kind != "blob":
        raise _no_blob(text, place, location)
    return data


def _followed(how: str, place: Place, location: Location | None, most: int) -> tuple[str, bytes]:
    """Return what stands at a path, links followed, `blob` or `tree`, and, with `--batch`, *most* bytes of it; an
    empty kind where nothing is found."""
    asked = _object(place, location)
    if "\n" in asked or "\0" in asked:  # which would end it: by its hash then
        asked = _call(["rev-parse", "--verify", "--quiet", "--end-of-options", asked], location, 65)[1].decode().strip()
    asks = ["cat-file", how, "--follow-symlinks"]
    printed = _call(asks, location, most + _HEADER, f"{asked}\n")[1]
    if found := _FOUND.match(printed):
        return found[1].decode(), printed[found.end() :][: min(int(found[2]), most)]
    # Links with a `.` in them git does not follow.
    path = _led_to(place, location) if printed.startswith(b"dangling ") else None
    return ("", b"") if path in (None, place.path) else _followed(how, place._replace(path=path), location, most)


def _led_to(place: Place, location: Location | None) -> str | None:
    """Return the path that a path leads to, each link followed; None where one leads out of the repository, or on and
    on."""
    left, found = place.path.split("/")[::-1], list[str]()
    for _ in range(_MAX_STEPS):
        if not left:
            return "/".join(found)
        step = left.pop()
        link = "" if step in ("", ".", "..") else _link(place._replace(path="/".join([*found, step])), location)
        if link.startswith("/") or (step == ".." and not found):
            return None
        if link:
            left += link.split("/")[::-1]
        elif step == "..":
            found.pop()
        elif step not in ("", "."):
            found.append(step)
    return None


def _link(place: Place, location: Location | None) -> str:
    """Return where the link at a path leads; nothing where it is none."""
    if _listed(place, location)[0] != _LINK:
        return ""
    return os.fsdecode(_call(["cat-file", "blob", _object(place, location)], location, _HEADER << 5)[1])


def _no_blob(text: str, place: Place, location: Location | None) -> SpecError:
    """Return why git has no file of that name."""
    kind = _kind(place, location)
    if kind == "blob":
        advice = f"a partial clone fetches nothing here; `git cat-file -p {text.removeprefix(GIT)}` does"
        return problem(f"`{text}` is not in this clone", location, help=advice)
    if kind == _LINK:
        advice = "it names no file of that revision"
        return problem(f"`{text}` is a link that leads nowhere", location, help=advice)
    if kind:
        return problem(
            f"`{text}` is a directory, not a spec", location, help="name a file in it, such as `my_net.yaml`"
        )
    advice = f"`git ls-tree -r --name-only {place.revision}` lists those there"
    return problem(f"no such file: `{text}`", location, help=advice)


def exists(text: str) -> bool:
    """Tell whether a file stands at a revision. Raises SpecError for a revision that there is not, and in a clone that
    cannot tell."""
    return bool(_kind(parse_place(text), None))


def _kind(place: Place, location: Location | None) -> str:
    """Return what stands at a path, `blob` or `tree`, whether or not the clone has it, or that it is a link which leads
    nowhere; empty for nothing.

    Raises SpecError for a revision that there is not, and in a clone without the folders above.
    """
    commit_of(place.revision, location)
    if not place.path:
        return "tree"
    if kind := _followed("--batch-check", place, location, 0)[0]:
        return kind
    mode, kind = _listed(place, location)
    return _LINK if mode == _LINK else kind


def _listed(place: Place, location: Location | None) -> tuple[str, str]:
    """Return the mode and the kind of what stands at a path itself; empty for nothing.

    Raises SpecError in a clone without the folders above.
    """
    commit = _commit(place.revision, location)
    code, listed = _call(["ls-tree", "-z", "--full-tree", commit, "--", place.path], location, _MAX_LISTED)
    if code:
        advice = f"a partial clone fetches nothing here; `git ls-tree -r {place.revision}` does"
        raise problem(f"the folders of `{shorten(place.revision)}` are not in this clone", location, help=advice)
    mode, kind, _ = listed.decode(errors="replace").split(" ", 2) if listed else ("", "", "")
    return mode, kind


def files_below(revision: str, folder: str) -> list[str]:
    """Return the paths of the files below a folder at a revision."""
    asked = ["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit_of(revision), "--", f"{folder}/"]
    return [os.fsdecode(name) for name in _call(asked, None, _MAX_LISTED)[1].split(b"\0") if name]


def renamed_since(revision: str) -> dict[str, str]:
    """Return the tracked files of the work tree that had other names at a revision, with these, as git finds them: of
    a file that is gone half or more is in the new one. Paths count from the root.

    Raises SpecError in a clone without the files that are gone.
    """
    commit = commit_of(revision)
    code, listed = _call(["diff-index", "-M", "-z", "--name-status", "--diff-filter=R", commit], None, _MAX_LISTED)
    if code:
        advice = f"a partial clone fetches nothing here; `git diff-index -M {commit}` does"
        raise problem(f"files of `{shorten(commit)}` that were renamed or removed are not in this clone", help=advice)
    fields = listed.split(b"\0")
    return {os.fsdecode(now): os.fsdecode(then) for _, then, now in zip(*[iter(fields)] * 3, strict=False)}


def _object(place: Place, location: Location | None) -> str:
    """Return git's name of a file."""
    return f"{_commit(place.revision, location)}:{place.path}"


def _commit(revision: str, location: Location | None) -> str:
    """Return the hash of a revision; a whole one need not be looked up, though it may be of no commit that is here."""
    return revision if _HASH.match(revision) else commit_of(revision, location)


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


def _repository(location: Location | None) -> "Repository":
    from archprof.spec.repository import find_repository

    return find_repository(location)


def _call(arguments: list[str], location: Location | None, most: int, asked: str = "") -> tuple[int, bytes]:
    """Return git's exit code and what it prints, of which *most* bytes are waited for; *asked* is its input."""
    from subprocess import DEVNULL, PIPE, Popen  # takes longer than reading a spec: only who reads from git pays for it

    from archprof.spec.repository import closed

    found = _repository(location)
    command = ["git", *arguments]
    try:
        with (
            closed(found) as environment,
            Popen(command, env=environment, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError), process.stdin:  # git that fails at once reads nothing
                process.stdin.write(os.fsencode(asked))
            printed = process.stdout.read(most)
            if len(printed) == most:
                process.kill()
    except OSError as error:
        raise problem(
            f"git cannot be run: {(error.strerror or str(error)).lower()}",
            location,
            help="`git:` needs the program git",
        ) from None
    except ValueError:  # a null byte
        raise problem("a revision or path with a null byte", location, help=_FORM) from None
    return process.returncode, printed
