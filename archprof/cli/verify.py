"""archprof verify: the numbers of the catalog, proven."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, deliver
from archprof.errors import UsageError, usage_error
from archprof.render.formats import Result
from archprof.sweep.executors import start_worker

if TYPE_CHECKING:
    from archprof.analysis.variants import Settings
    from archprof.analysis.verify import Proof
    from archprof.costs.agreement import CountedModules
    from archprof.errors import InputError, Problem
    from archprof.ir.graph import Graph

    # A model, and the setting to prove it at; None for all that its spec lists.
    Task = tuple[str, Settings | None]


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Names, paths, or patterns such as `mobilenet*`; all of the catalog unless given."),
    ] = None,
    analytic: Annotated[
        bool, typer.Option("--analytic", help="Without torch: only against `expect` and `published`.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 as well where no count is expected, and none was published.")
    ] = False,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="List the published numbers that nobody has read again, instead.")
    ] = False,
    jobs: options.Jobs = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Prove specs: formulas = fvcore = torch = what is expected, and what was published.

    Each network is counted at every setting that its spec lists. A printed number is compared at the precision it is
    printed with: equal, cut (truncated instead of rounded), noted (the spec says why it differs) or differs. Exit 1 on
    any unequal integer and any difference without a note.
    """
    chosen = choose_format("verify", format, output)
    named = options.networks(models or ["*"])
    result = _listed(named) if unchecked else _proven(named, analytic, jobs, strict, notes=bool(models))
    deliver(result, chosen, output, no_color=no_color)


def _listed(models: list[str]) -> Result:
    """Return the published numbers that nobody has read again. Raises SpecError with every spec that is wrong."""
    from archprof.analysis.document import convention_text
    from archprof.analysis.verify import UncheckedEntry, Verification, unchecked_entries
    from archprof.errors import Problems
    from archprof.render.verify import unchecked_table

    entries: list[UncheckedEntry] = []
    problems = Problems()
    for model in models:
        with problems:
            entries += unchecked_entries(model)
    problems.raise_any()
    found = Verification(convention_text(), (), unchecked=tuple(entries))
    return Result(found, lambda: unchecked_table(found))


def _proven(models: list[str], analytic: bool, jobs: int | None, strict: bool, *, notes: bool) -> Result:
    """Return the proofs of some networks. Raises UsageError where there are none."""
    from archprof.analysis.verify import verification
    from archprof.errors import InputError
    from archprof.render.verify import verify_table

    proofs: list[Proof] = []
    wrong: list[Problem] = []
    tasks: list[Task] = [(model, None) for model in models] if analytic else _tasks(models, wrong)
    if tasks and not analytic:
        from archprof.runtime.imports import require_torch

        require_torch("`verify` without `--analytic`")
    for outcome in _all(tasks, analytic, jobs):
        if isinstance(outcome, InputError):
            wrong += outcome.problems
        else:
            proofs += outcome
    if not proofs:
        raise UsageError(wrong)
    found = verification(proofs)
    failed = not all(proof.holds for proof in proofs) or (strict and found.without_numbers)
    code = 2 if wrong else 1 if failed else 0
    return Result(found, lambda: verify_table(found, notes=notes), code, "\n".join(map(str, wrong)))


def _tasks(models: list[str], wrong: "list[Problem]") -> "list[Task]":
    """Return a task for each setting of each model; what cannot be read is added to *wrong*."""
    from archprof.analysis.verify import listed_settings
    from archprof.errors import problems_of

    tasks: list[Task] = []
    for model in models:
        try:
            tasks += [(model, at) for at in listed_settings(model)]
        except Exception as error:  # whatever one spec raises, the others are proven
            wrong += problems_of(error, model)
    return tasks


def _all(tasks: "list[Task]", analytic: bool, jobs: int | None) -> Iterator["list[Proof] | InputError"]:
    """Yield the proofs of each task in turn, from several processes where there is more than one.

    A task is a model where formulas alone are asked, which takes milliseconds; one of its settings where modules are
    built and run.
    """
    import os
    from functools import partial

    work = partial(_one, analytic=analytic)
    workers = min(jobs or os.cpu_count() or 1, len(tasks))
    if workers <= 1:
        yield from _told(tasks, map(work, tasks))
        return
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

    chunk = max(1, len(tasks) // (workers * 8)) if analytic else 1
    with ProcessPoolExecutor(workers, initializer=start_worker if analytic else _alone) as pool:
        try:
            yield from _told(tasks, pool.map(work, tasks, chunksize=chunk))
        except BrokenExecutor:
            raise usage_error("a worker was killed", help="if memory is short, `--jobs 1` takes least") from None


def _alone() -> None:
    """Keep torch to one thread: there is a process for each core already."""
    from archprof.runtime.imports import use_one_thread

    start_worker()
    use_one_thread()


def _one(task: "Task", analytic: bool) -> "list[Proof] | InputError":
    """Return the proofs of a task, or what is wrong with its model."""
    from archprof.analysis.verify import verify
    from archprof.errors import InputError, problems_of

    model, at = task
    try:
        return list(verify(model, None if analytic else _measure, at))
    except Exception as error:  # whatever one network raises, the others are proven
        return InputError(problems_of(error, model))


def _measure(graph: "Graph") -> "CountedModules":
    from archprof.runtime.measure import measure_network

    return measure_network(graph, "both")


def _names(tasks: "list[Task]") -> Iterator[str]:
    """Yield the tasks in words: the network, and which of its settings it is."""
    from collections import Counter

    from archprof.spec.variant import settings_text

    sizes, seen = Counter(model for model, _ in tasks), Counter[str]()
    for model, at in tasks:
        seen[model] += 1
        which = f", setting {seen[model]} of {sizes[model]}" if sizes[model] > 1 else ""
        yield f"{model}{which}{f': {settings_text(at)}' if at else ''}"


def _told(tasks: "list[Task]", results: "Iterator[list[Proof] | InputError]") -> "Iterator[list[Proof] | InputError]":
    """Say on a terminal's standard error which task is waited for, while the work goes on."""
    from archprof.cli.progress import Steps

    steps = Steps(len(tasks))
    try:
        for done, name in enumerate(_names(tasks)):
            steps.show(done, name)
            yield next(results)
    finally:
        steps.clear()
