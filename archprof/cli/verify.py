"""archprof verify: the numbers of the catalog, proven."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, write

if TYPE_CHECKING:
    from archprof.analysis.verify import Proof
    from archprof.errors import InputError


def command(
    models: Annotated[
        list[str] | None, typer.Argument(help="Names, paths, or patterns such as `mobilenet*`; all of the catalog unless given.")
    ] = None,
    analytic: Annotated[bool, typer.Option("--analytic", help="Without torch: only against `expect` and `published`.")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; all cores unless given.", metavar="N")] = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Prove specs: formulas = fvcore = torch = what is expected, and what was published.

    Each network is counted at every setting that its spec lists. A printed number is compared at the precision it is printed with: equal, cut
    (truncated instead of rounded), noted (the spec says why it differs) or differs. Exit 1 on any unequal integer and any difference without a note.
    """
    from archprof.errors import InputError, Problem, UsageError
    from archprof.render.verify import verify_document, verify_table

    chosen = choose_format(format, output)
    if not analytic:
        from archprof.runtime.require import require_torch

        require_torch("`verify` without `--analytic`")
    proofs: list[Proof] = []
    wrong: list[Problem] = []
    for found in _all(_chosen(models or ["*"]), analytic, jobs):
        if isinstance(found, InputError):
            wrong += found.problems
        else:
            proofs += found

    def json() -> str:
        from archprof.render.json import to_json

        return to_json(verify_document(proofs))

    if proofs:
        write(chosen, output, lambda: verify_table(proofs, notes=bool(models)), json, no_color=no_color)
    if wrong:
        raise UsageError(wrong)
    if not all(proof.holds for proof in proofs):
        raise typer.Exit(1)


def _chosen(patterns: list[str]) -> list[str]:
    """Return the references that patterns name; one that is no pattern is a reference by itself."""
    from fnmatch import fnmatchcase

    from archprof.errors import Problem, UsageError
    from archprof.spec import catalog

    chosen: dict[str, None] = {}
    for pattern in patterns:
        if ("*" not in pattern and "?" not in pattern) or catalog.is_path(pattern):
            chosen[pattern] = None
            continue
        names = [name for name in catalog.files() if fnmatchcase(name, pattern)]
        if not names:
            raise UsageError([Problem(f"no network matches `{pattern}`", help="`archprof list` shows the catalog")])
        chosen.update(dict.fromkeys(names))
    return list(chosen)


def _all(models: list[str], analytic: bool, jobs: int | None) -> Iterator["list[Proof] | InputError"]:
    """Yield the proofs of each model in turn, from several processes where there is more than one."""
    import os

    workers = min(jobs or os.cpu_count() or 1, len(models))
    if workers == 1:
        yield from _told(models, (_one(model, analytic) for model in models))
        return
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    with ProcessPoolExecutor(workers) as pool:
        size = max(1, len(models) // (workers * 8)) if analytic else 1
        yield from _told(models, pool.map(partial(_one, analytic=analytic), models, chunksize=size))


def _one(model: str, analytic: bool) -> "list[Proof] | InputError":
    """Return the proofs of a model, or what is wrong with it."""
    from archprof.analysis.verify import verify
    from archprof.errors import InputError

    try:
        return list(verify(model, None if analytic else _measure))
    except InputError as error:
        return error


def _measure(graph):  # type: ignore[no-untyped-def]
    from archprof.runtime.measure import measure_network

    return measure_network(graph, "both")


def _told(models: list[str], results: "Iterator[list[Proof] | InputError]") -> "Iterator[list[Proof] | InputError]":
    """Say on a terminal's standard error which model is done, while the work goes on."""
    if not sys.stderr.isatty():
        yield from results
        return
    for number, (model, result) in enumerate(zip(models, results, strict=True), 1):
        print(f"\r\x1b[K{number}/{len(models)} {model}", end="" if number < len(models) else "\r\x1b[K", file=sys.stderr, flush=True)
        yield result
