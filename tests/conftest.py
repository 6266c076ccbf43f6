"""What every test can rely on: the same examples on every run, and an environment that no user's settings reach."""

import gc
import os
import random
from importlib.util import find_spec
from itertools import pairwise

import pytest
from hypothesis import settings

# Modules are built and measured by the tests in these folders; all others run where torch is not installed, in seconds.
collect_ignore = [] if find_spec("torch") else ["conventions", "runtime", "zoo"]

# Of several workers each has a core to itself: torch would start as many threads in every one of them.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# What is collected stays: a million objects, through which the collector would walk at every turn.
gc.disable()

# A gate must not fail by luck, nor because the machine is busy; a night may find something new.
settings.register_profile("gate", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=5000, derandomize=False, print_blob=True)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Forget what a terminal or a user says about width and colour."""
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)


@pytest.hookimpl(tryfirst=True)  # before `-m night` looks for marks
def pytest_collection_modifyitems(config, items):
    _leave_to_the_night(items)
    if not config.getoption("--thorough"):
        later = [item for item in items if item.get_closest_marker("night")]
        config.hook.pytest_deselected(items=later)
        items[:] = [item for item in items if not item.get_closest_marker("night")]


def _leave_to_the_night(items):
    """Of tests of which a few cases are enough by day, mark all others: a case stays of each of as many equal stretches
    of them, drawn by the test's name, so that it is the same on every run and no pattern of the cases falls out."""
    tests: dict[tuple[str, int], list[pytest.Item]] = {}
    for item in items:
        if (few := item.get_closest_marker("few")) and not item.get_closest_marker("night"):
            tests.setdefault((item.nodeid.partition("[")[0], few.args[0]), []).append(item)
    for (name, count), cases in tests.items():
        generator = random.Random(name)
        ends = [-(-len(cases) * stretch // count) for stretch in range(count + 1)]
        day = {generator.randrange(*stretch) for stretch in pairwise(ends) if stretch[0] < stretch[1]}
        for at, item in enumerate(cases):
            if at not in day:
                item.add_marker(pytest.mark.night)


def pytest_collection_finish():
    gc.freeze()
    gc.set_threshold(100_000)
    gc.enable()


def pytest_configure(config):
    settings.load_profile("thorough" if config.getoption("--thorough") else "gate")


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="try a hundred times as many examples and variants")
    parser.addoption("--update-golden", action="store_true", help="write the golden renderings and messages anew")


@pytest.fixture(scope="session")
def variants(request):
    """How many variants of a sweep are compared with `summary`, one by one."""
    return 1000 if request.config.getoption("--thorough") else 12
