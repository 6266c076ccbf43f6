"""torch and fvcore, which the runtime alone needs: imported fast, or named with what to install."""

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from archprof.errors import UsageError, usage_error
from archprof.inputs import current_folder

# What is imported of a package, where that is not the package itself.
_MODULES = {"fvcore": "fvcore.nn"}
# The first and the last release of torch whose private interfaces are known to be as they are used here.
KNOWN_TORCH = ("2.10", "2.13")


def require_torch(what: str, *others: str) -> None:
    """Import torch, and the *others* that *what* needs.

    Raises UsageError, with what to install, where one is missing, and where there is no current folder.
    """
    current_folder()  # without one, the mathematics of torch find none of their own files and end the process
    packages = ("torch", *others)
    with importing():
        for package in packages:
            try:
                import_module(_MODULES.get(package, package))
            except ModuleNotFoundError as error:
                missing = (error.name or package).partition(".")[0]
                raise _missing(f"{what} needs {' and '.join(packages)}, and `{missing}` is not installed") from None


@contextmanager
def importing() -> Iterator[None]:
    """Import heavy modules without collecting garbage, without what they say to their own authors, and without warning
    filters left behind.

    fvcore compiles two losses as it is imported, which torch deprecates.
    """
    with uncollected(), warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        yield


@contextmanager
def not_public(name: str) -> Iterator[None]:
    """Import something that torch does not promise to keep. Raises UsageError where it is gone."""
    try:
        yield
    except ImportError:
        import torch

        advice = f"install a release of torch from {KNOWN_TORCH[0]} to {KNOWN_TORCH[1]}"
        raise usage_error(f"torch {torch.__version__} has no `{name}`, which archprof counts by", help=advice) from None


def use_one_thread() -> None:
    """Keep torch to one thread in this process."""
    import torch

    torch.set_num_threads(1)


@contextmanager
def uncollected() -> Iterator[None]:
    """Hold the garbage collector back: an import of a million objects that all stay wakes it dozens of times, for
    nothing."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _missing(message: str) -> UsageError:
    return usage_error(message, help="pip install 'archprof[torch]'")
