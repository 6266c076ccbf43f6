"""What an installer is told, and what the tested set pins."""

import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import archprof
from tests.docs.markdown import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PINS = {
    canonicalize_name(pin.name): pin
    for pin in map(
        Requirement,
        filter(
            lambda line: line and line[0] != "#", (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        ),
    )
}


def test_installed_version_is_that_of_the_package():
    assert version("archprof") == archprof.__version__


def test_every_pin_lies_within_the_bounds():
    bounds = map(Requirement, [*PROJECT["dependencies"], *EXTRAS["torch"], *EXTRAS["test"], *EXTRAS["docs"]])
    assert [
        str(bound) for bound in bounds if not _pinned(bound.name) or not bound.specifier.contains(_pinned(bound.name))
    ] == []


def test_whatever_is_needed_is_pinned():
    wanted = [*PROJECT["dependencies"], *EXTRAS["torch"], *EXTRAS["test"], *EXTRAS["docs"]]
    seen: set[str] = set()
    while wanted:
        requirement = Requirement(wanted.pop())
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        wanted.extend(_requirements(name))
    assert seen - PINS.keys() == set()


def _pinned(name: str) -> str:
    return str(PINS[canonicalize_name(name)].specifier).removeprefix("==")


def _requirements(name: str) -> list[str]:
    """Return what an installed distribution requires; nothing of one that is not installed, such as torch where only
    the rest is tested."""
    try:
        return distribution(name).requires or []
    except PackageNotFoundError:
        return []
