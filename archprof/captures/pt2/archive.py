"""The zip that torch.export writes: its JSON texts, and nothing else of it."""

import io
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile
from zlib import error as ZlibError

from archprof.errors import UsageError, usage_error
from archprof.inputs import open_bytes, shown_name, standard_input
from archprof.named_tuple import NamedTuple
from archprof.spec import catalog, git

MAX_BYTES = 1 << 26
# Of a blob in git and of a pipe, which hold the weights too.
_MAX_BLOB = 1 << 30
# Of what is read at once: the list of files at a zip's end.
_MAX_READ = 1 << 23


class Texts(NamedTuple):
    """A program, and what is said of its weights beside them: JSON, the latter empty where it is missing."""

    program: bytes
    weights: bytes


def read_texts(path: str) -> Texts:
    """Return the texts of an exported program, of each at most a byte more than it may have; `git:REV:path` is one at a
    revision, `-` one from standard input.

    Raises UsageError for a file that is none, and SpecError where git has no such file.
    """
    file_of, path = path, shown_name(path)
    try:
        with _opened(file_of) as file, ZipFile(_Bounded(file)) as archive:
            return _texts(path, archive)
    except FileNotFoundError:
        advice = f'`torch.export.save(torch.export.export(module, inputs), "{path}")` writes one'
        raise usage_error(f"no such file: `{path}`", help=advice) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise usage_error(f"cannot read `{path}`: {reason}") from None
    # Of a file that is no zip, is cut off, or was packed as no program is.
    except (BadZipFile, ZlibError, EOFError, ValueError, NotImplementedError, RuntimeError, LookupError) as error:
        raise no_program(path, f"its zip cannot be read: {str(error).lower()[:80]}") from None


def no_program(path: str, reason: str) -> UsageError:
    """Return the error for a file that holds no program that can be read here, with how one is made."""
    advice = f'export the module again: `torch.export.save(torch.export.export(module, inputs), "{path}")`'
    return usage_error(f"`{path}` is no exported program: {reason}", help=advice)


def _opened(path: str) -> BinaryIO:
    if path == "-":
        return standard_input(_MAX_BLOB)
    return io.BytesIO(git.read_blob(path, most=_MAX_BLOB)) if catalog.is_git(path) else open_bytes(path)


class _Bounded(io.BufferedIOBase):
    """A file of which nothing large is read at once, whatever it says of the length of its parts."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_READ:
            raise BadZipFile(f"a part of {size:,} bytes")
        return self._file.read(_MAX_READ if size is None or size < 0 else size)

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _texts(path: str, archive: ZipFile) -> Texts:
    names = archive.namelist()
    programs = [name for name in names if _is_program(name)]
    if not programs:
        older = any(name.endswith("serialized_exported_program.json") for name in names)
        raise no_program(path, "it is of an older torch" if older else "there is no `models/model.json` in it")
    if len(programs) > 1:
        raise no_program(path, f"it holds {len(programs)} of them")
    root, _, name = programs[0].rpartition("models/")
    weights = f"{root}data/weights/{name.removesuffix('.json')}_weights_config.json"
    return Texts(_text(archive, programs[0]), _text(archive, weights) if names.count(weights) == 1 else b"")


def _is_program(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return (folder == "models" or folder.endswith("/models")) and file.endswith(".json")


def _text(archive: ZipFile, name: str) -> bytes:
    if archive.getinfo(name).compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadZipFile(f"`{name}` is packed in a way of its own")
    with archive.open(name) as file:
        return file.read(MAX_BYTES + 1)
