"""Budgets as tests: pytest shows each limit of a config file as a test, and tests of one's own hold networks to limits
by a fixture.

Nothing of archprof is imported before a config file is collected or the fixture is called.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import os

    from torch import nn

    from archprof import Report
    from archprof.analysis.budgets import Verdict
    from archprof.errors import Problem
    from archprof.ir.graph import Graph
    from archprof.spec.budget import Limit
    from archprof.spec.uncounted import Allowed

NAMES = ("archprof.yaml", "archprof.yml")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `archprof_config`: the config file whose budgets every run of all tests shows."""
    parser.addini("archprof_config", "config file of archprof; its budgets are tests of every run that names no files")


def pytest_configure(config: pytest.Config) -> None:
    """Collect the config file beside the tests, unless files to run were named."""
    chosen = config.getini("archprof_config")
    if chosen and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args.append(str(config.rootpath / chosen))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "Budgets | None":
    """Collect the budgets of an archprof.yaml, and of the file that `archprof_config` names."""
    chosen = parent.config.getini("archprof_config")
    if file_path.name in NAMES or (chosen and file_path == parent.config.rootpath / chosen):
        return Budgets.from_parent(parent, path=file_path)
    return None


class Budgets(pytest.File):
    """A config file; its budgets are checked once, when they are collected."""

    def collect(self) -> Iterator["Held"]:
        """Yield a test for each limit of each network, and one for each mistake."""
        from archprof.analysis.baseline import read_baseline
        from archprof.analysis.check import CheckRequest, check
        from archprof.errors import printable, problems_of
        from archprof.render.check import titled
        from archprof.spec.config import read_config

        try:
            config = read_config(str(self.path))
            before = read_baseline(str(config.folder / config.baseline)) if config.baseline else None
        except Exception as error:  # as a test that fails: an error of collection would keep all others from running
            for problem in problems_of(error, self.path.name):
                yield self._wrong(problem)
            return
        outcome = check(CheckRequest(config=config, before=before, folder=config.folder / Path(config.baseline).parent))
        for verdict in outcome.verdicts:
            yield Held.from_parent(self, name=printable(titled(verdict)), verdict=verdict)
        for problem in outcome.problems:
            yield self._wrong(problem)

    def _wrong(self, problem: "Problem") -> "Held":
        from archprof.errors import printable

        return Held.from_parent(self, name=printable(str(problem.location or problem.message)), problem=problem)


class Exceeded(Exception):
    """A budget that is not kept."""


class Held(pytest.Item):
    """One budget of one network."""

    def __init__(self, *, verdict: "Verdict | None" = None, problem: "Problem | None" = None, **rest: Any) -> None:
        super().__init__(**rest)
        self._verdict = verdict
        self._problem = problem

    def runtest(self) -> None:
        """Raise what is wrong, if anything is."""
        from archprof.errors import printable, unobeyed
        from archprof.render.check import absent
        from archprof.render.findings import explained

        if self._problem is not None:
            raise Exceeded(str(self._problem))
        assert self._verdict is not None
        if self._verdict.status == "new":
            pytest.skip(printable(absent(self._verdict)))
        if self._verdict.status == "fail":
            raise Exceeded(unobeyed(explained(self._verdict)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the failure as archprof says it, without a traceback."""
        return str(excinfo.value) if excinfo.errisinstance(Exceeded) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the budget stands."""
        found = self._verdict or self._problem
        location = found.location if found else None
        return self.path, max(location.line - 1, 0) if location else 0, self.name


class Archprof:
    """What the fixture `archprof` is: networks counted and held to limits."""

    def report(self, model: str, **knobs: object) -> "Report":
        """Return what a network costs, as `archprof.analyze` does."""
        from archprof import analyze

        return analyze(model, **knobs)

    def check(
        self,
        model: "str | os.PathLike[str] | Graph | nn.Module",
        input: Any = None,
        /,
        *,
        allow_uncounted: "bool | str | Sequence[str]" = False,
        **limits: object,
    ) -> None:
        """Fail the test unless a network keeps all limits: `archprof.check("specs/mine.yaml", macs="220M",
        params="5.5M")`, a lock, all that a pattern matches, or a graph; or a torch module, measured on *input* as
        `archprof.measure` does: `archprof.check(module, (3, 224, 224), macs="220M")`. Operators that are not counted
        fail a limit of MACs, unless *allow_uncounted*: all, or those named. Beside limits on bytes stand the words of
        `archprof.memory`: `archprof.check("v3", peak="8GiB", batch=32, train="adamw")`.

        Raises SpecError for a limit or a network that is wrong, UsageError for a module that cannot be measured.
        """
        from archprof.analysis.stated import allowance, limits_of
        from archprof.errors import unobeyed, usage_error
        from archprof.ir.graph import Graph
        from archprof.spec.catalog import reference_of

        held, allows = limits_of(limits), allowance(allow_uncounted)
        network = model if isinstance(model, Graph) else reference_of(model)
        if network is None:
            failures = _module(model, input, held, allows)
        else:
            if input is not None:
                name = network.origin.variant if isinstance(network, Graph) else network
                raise usage_error(f"`{name}` has an input of its own", help='`"v2@resolution=192x256"` changes it')
            failures = _network(network, held, allows)
        if failures:
            pytest.fail(unobeyed("\n".join(failures)), pytrace=False)


def _network(model: "str | Graph", limits: "tuple[Limit, ...]", allows: "Allowed") -> list[str]:
    """Return what exceeds the limits of a network, in sentences."""
    from archprof.analysis.stated import check_stated
    from archprof.render.findings import explained

    return list(map(explained, check_stated(model, limits, allows).failures))


def _module(module: Any, input: Any, limits: "Sequence[Limit]", allows: "Allowed") -> list[str]:
    """Return what exceeds the limits of a module, in sentences, and what was not counted, where that matters."""
    from archprof import measure
    from archprof.analysis.budgets import FAIL
    from archprof.analysis.module_budget import judge_module
    from archprof.errors import printable
    from archprof.render.findings import explained
    from archprof.units import listed

    found, name = measure(module, input), type(module).__name__
    failures = [explained(verdict) for verdict in judge_module(name, found, limits) if verdict.status == FAIL]
    refused = allows.refused(found.not_counted)
    if refused and any(limit.metric == "macs" for limit in limits):
        said = f"{name}: MACs are at least {found.macs:,}; not counted: {listed(refused)}"
        failures.append(printable(f"{said}; `allow_uncounted=True` lets that pass"))
    return failures


@pytest.fixture(scope="session")
def archprof() -> Archprof:
    """Networks counted and held to limits, as in `archprof.check("specs/mine.yaml", macs="220M")`."""
    return Archprof()
