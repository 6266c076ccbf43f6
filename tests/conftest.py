"""What every test can rely on: the same examples on every run, and an environment that no user's settings reach."""

from importlib.util import find_spec

import pytest
from hypothesis import settings

# Modules are built and measured by the tests in these folders; all others run where torch is not installed, in seconds.
collect_ignore = [] if find_spec("torch") else ["conventions", "runtime", "zoo"]

# A gate must not fail by luck, nor because the machine is busy.
settings.register_profile("archprof", deadline=None, derandomize=True)
settings.load_profile("archprof")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Forget what a terminal or a user says about width and colour."""
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write the golden renderings and messages anew")
