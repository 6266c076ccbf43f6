"""A git repository of which nothing is obeyed: found by us, and shown to git in a folder of our own without any of its
settings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archprof.errors import Location, problem
from archprof.named_tuple import NamedTuple

# A file that names a folder or a commit is short; the longest one is the log of what a branch was.
_MAX_BYTES = 1 << 26

# Neither the user's settings nor the system's; no hash that stands for another object; nothing is fetched or written.
_CLOSED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
}
# A file system that keeps no permissions would make every file a changed one.
_CONFIG = "[core]\n\tfileMode = false\n\trepositoryFormatVersion = 0\n"
_CONFIG_SHA256 = _CONFIG.replace("0", "1") + "[extensions]\n\tobjectFormat = sha256\n"


class Repository(NamedTuple):
    """A repository's git directory (that of a linked work tree, in one), the one that all its work trees share, and the
    root of the work tree, empty where there is none."""

    folder: str
    common: str
    top: str

    @property
    def objects(self) -> str:
        """The folder of its objects."""
        return os.path.abspath(os.environ.get("GIT_OBJECT_DIRECTORY") or os.path.join(self.common, "objects"))


def find_repository(location: Location | None = None) -> Repository:
    """Return the repository that the current folder is in, or that GIT_DIR names, as it does in a hook.

    Raises SpecError where there is none, and for references that are kept as a reftable.
    """
    named = os.environ.get("GIT_DIR")
    found = _repository(named, os.getcwd()) if named else _above(os.getcwd())
    if found is None:
        raise problem("the current folder is in no git repository", location)
    if os.path.isdir(os.path.join(found.common, "reftable")):
        advice = "`git refs migrate --ref-format=files` keeps them as files"
        raise problem(f"the references of {found.common} are a reftable", location, help=advice)
    top = os.environ.get("GIT_WORK_TREE")
    return found._replace(top=os.path.realpath(top)) if top else found


def _above(place: str) -> Repository | None:
    """Return the repository of a folder or of the nearest one above that has one."""
    listed = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    ceilings = [os.path.realpath(path) for path in listed if path]
    while True:
        inside = os.path.join(place, ".git")
        found = _repository(inside, place)
        if found is not None or os.path.isfile(inside):  # a file that leads nowhere is no reason to take another one
            return found
        found = _repository(place, "")
        parent = os.path.dirname(place)
        if found is not None or parent == place or parent in ceilings:
            return found
        place = parent


def _repository(path: str, top: str) -> Repository | None:
    """Return the repository whose git directory is at a path, or is named by a file there; None where there is none."""
    if os.path.isfile(path):
        path = os.path.join(os.path.dirname(path), _read(path).removeprefix("gitdir: "))
    folder = os.path.realpath(path)
    common = os.path.realpath(os.path.join(folder, _read(os.path.join(folder, "commondir"))))
    found = Repository(folder, common, top)
    whole = _read(os.path.join(folder, "HEAD")) and os.path.isdir(os.path.join(common, "refs"))
    return found if whole and os.path.isdir(found.objects) else None


def _read(path: str) -> str:
    """Return the path that a file holds, up to a null byte; empty where there is none."""
    return os.fsdecode(_content(path).partition(b"\0")[0]).rstrip("\r\n")


def _content(path: str) -> bytes:
    """Return what a file holds; nothing where it is none, cannot be read, or is too large."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > _MAX_BYTES:
            return b""
        with open(path, "rb") as file:
            return file.read(_MAX_BYTES)
    except OSError:
        return b""


@contextmanager
def closed(repository: Repository) -> Iterator[dict[str, str]]:
    """Give the environment in which git sees a repository's objects, references, index and work tree, and none of its
    settings.

    What is seen is data: whose it is does not matter, so git's check of the owner has nothing to protect.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="archprof-") as folder:
        _show(repository, Path(folder))
        kept = {name: value for name, value in os.environ.items() if not _steers_git(name)}
        index = os.environ.get("GIT_INDEX_FILE") or os.path.join(repository.folder, "index")
        seen = {
            "GIT_DIR": folder,
            "GIT_OBJECT_DIRECTORY": repository.objects,
            "GIT_INDEX_FILE": os.path.abspath(index),
            "GIT_WORK_TREE": repository.top or folder,
        }
        yield {**kept, **seen, **_CLOSED}


def _steers_git(name: str) -> bool:
    """Tell whether a variable could have git run or write something; a hook before a push is accepted needs the folders
    of further objects."""
    return name.upper().startswith("GIT_") and name != "GIT_ALTERNATE_OBJECT_DIRECTORIES"


def _show(repository: Repository, private: Path) -> None:
    """Fill a git directory of our own: settings of ours, and the references that the repository has."""
    (private / "config").write_text(_CONFIG_SHA256 if _is_sha256(repository.objects) else _CONFIG)
    for name in _names(repository.folder):
        if name.endswith("HEAD"):
            _copy(os.path.join(repository.folder, name), private / name)
        elif name.startswith("sharedindex."):
            _link(os.path.join(repository.folder, name), private / name)
    for name in ("packed-refs", "shallow"):
        _link(os.path.join(repository.common, name), private / name)
    for name in ("refs", "logs"):
        (private / name).mkdir()
        for child, path in _entries(repository, name).items():
            (_link if os.path.isdir(path) else _copy)(path, private / name / child)


def _entries(repository: Repository, name: str) -> dict[str, str]:
    """Return the paths of what a folder holds for all work trees, and for this one."""
    folders = [os.path.join(place, name) for place in (repository.common, repository.folder)]
    return {child: os.path.join(folder, child) for folder in folders for child in _names(folder)}


def _names(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def _link(path: str, to: Path) -> None:
    if os.path.exists(path):
        os.symlink(path, to)


def _copy(path: str, to: Path) -> None:
    """Copy a file of which git takes no link."""
    if content := _content(path):
        to.write_bytes(content)


def _is_sha256(objects: str) -> bool:
    """Tell by the name of an object, or of a pack, whether names are 64 digits long and not 40."""
    folder = Path(objects)
    found = next(folder.glob("[0-9a-f][0-9a-f]/*"), None) or next(folder.glob("pack/pack-*.pack"), Path())
    return len(found.stem.removeprefix("pack-")) > 40
