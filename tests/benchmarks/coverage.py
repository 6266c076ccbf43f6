"""How many models of other libraries are captured exactly: `python -m tests.benchmarks.coverage --cache coverage.jsonl`
prints the table of docs/explanation/coverage.md, and then each model that is not.

Exact means: as many parameters as the module has, as many multiply-accumulates as FlopCounterMode finds in a run of its
own, and no operator without a rule; bounded, at least as many as it finds, where data decides. A verdict is a line of
the cache, and what stands there is not tried again: some 20 minutes for all models on a core. With `--write`,
coverage.json is written; with `--check`, it has to say the same.
"""

import argparse
import gc
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from archprof.analysis.summary import not_counted
from archprof.captures.given import batched, read_given
from archprof.captures.source import capture, make, parse
from archprof.costs.at_most import at_most
from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from tests.docs.coverage import OUTCOME, table
from tests.libraries.architectures import ARCHITECTURES, write_config
from tests.libraries.conftest import let_detect  # and torchvision be imported beside a CPU build of torch
from tests.libraries.counters import counted_of_detection, counted_of_transformers, counted_on_meta

LIBRARIES = ("torchvision", "timm", "transformers")
# A model of timm with more parameters is not tried, but for one of each family that has no smaller.
LARGEST = 300_000_000
LARGE = ("deepseek_vit_412m",)


def names(library: str) -> list[str]:
    """Return the models of a library."""
    if library == "transformers":
        return [*ARCHITECTURES]
    module = import_module(library)
    return [*(module.list_models() if library == "timm" else module.models.list_models())]


def family(library: str, name: str) -> str:
    """Return what a model is one of: the file that defines it, or the model type of a configuration."""
    if library == "transformers":
        return name
    if library == "timm":
        return str(import_module("timm.models._registry")._model_to_module[name])
    return str(import_module("torchvision").models.get_model_builder(name).__module__)


def judge(library: str, name: str, folder: Path) -> dict[str, Any]:
    """Return what a capture of a model comes to."""
    if library == "transformers":
        reference, given = f"transformers:{write_config(name, folder)}", ARCHITECTURES[name].inputs
    else:
        reference, given = f"{library}:{name}", ()
    made = make(parse(reference))
    params = sum(parameter.numel() for parameter in made.module.parameters())
    if library == "timm" and params > LARGEST and name not in LARGE:
        return {"verdict": "too large", "params": params}
    report = analyze_graph(capture(reference, given))
    found = {"params": report.totals.params, "macs": report.totals.macs}
    if missing := not_counted(report):
        operators = ", ".join(f"`{operator}` ×{times}" for operator, times in missing.items())
        return {"verdict": "in part", "detail": f"not counted: {operators}", **found}
    arguments = batched(map(read_given, given or made.default_inputs)).at(1)
    if library == "transformers":
        counted, how = counted_of_transformers(name, folder, arguments)
    elif ".detection." in family(library, name):
        counted, how = counted_of_detection(name, arguments), "for real"
    else:
        counted, how = counted_on_meta(made.module, arguments), "on meta"
    bound = at_most(report)
    if params != report.totals.params or (counted > report.totals.macs if bound else counted != report.totals.macs):
        return {"verdict": "differs", "detail": f"{found}, and there are {params} and {counted}", **found}
    if bound:
        operators = ", ".join(f"`{operator}` ×{times}" for operator, times in bound.causes.items())
        return {"verdict": "bounded", "detail": f"at most so many MACs, since data decides: {operators}", **found}
    return {"verdict": "exact", "counted": how, **found}


def tried(library: str, name: str, folder: Path) -> dict[str, Any]:
    """Return the verdict on a model, also where something is raised."""
    about = {"model": f"{library}:{name}", "family": family(library, name)}
    try:
        return about | judge(library, name, folder)
    except InputError as error:
        message = error.problems[0].message.replace(f"`{about['model']}`", "it")
        return about | {"verdict": "refused", "detail": message}
    except Exception as error:  # torch's counter fails where ours does not
        return about | {"verdict": "not judged", "detail": f"{type(error).__name__}: {str(error)[:160]}"}


def verdicts(library: str, limit: int | None, cache: Path) -> Iterator[dict[str, Any]]:
    """Yield the verdict on each model of a library: from the cache, or found now and noted there."""
    lines = cache.read_text(encoding="utf-8").splitlines() if cache.exists() else []
    known = {one["model"]: one for one in map(json.loads, lines)}
    with TemporaryDirectory() as folder, cache.open("a", encoding="utf-8") as notes:
        for name in names(library)[:limit]:
            one = known.get(f"{library}:{name}")
            if one is None:
                one = tried(library, name, Path(folder))
                print(json.dumps(one, ensure_ascii=False), file=notes, flush=True)
                gc.collect()
            yield one


def outcome(library: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of a library, and why what is not exact is not."""
    small = [one for one in found if one["verdict"] != "too large" and one["model"].partition(":")[2] not in LARGE]
    exact = [one for one in small if one["verdict"] == "exact"]
    return {
        "version": version(library),
        "models": len(found),
        "tried": len(small),
        "exact": len(exact),
        "bounded": sum(one["verdict"] == "bounded" for one in small),
        "for_real": sum(one["counted"] == "for real" for one in exact),
        "families": len({one["family"] for one in found}),
        "exact_families": len({one["family"] for one in found if one["verdict"] == "exact"}),
        "others": {one["model"]: f"{one['verdict']}: {one['detail']}" for one in small if one["verdict"] != "exact"},
    }


def main() -> None:
    """Print the table, and what is not exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", action="append", choices=LIBRARIES, help="of which models are tried; all, if none")
    parser.add_argument("--limit", type=int, help="so many models of each, the first in its list")
    parser.add_argument("--cache", type=Path, required=True, help="a file that keeps a verdict a line")
    parser.add_argument("--write", action="store_true", help=f"write {OUTCOME.name} anew")
    parser.add_argument("--check", action="store_true", help=f"fail where {OUTCOME.name} says otherwise")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # transformers warns of small configurations
    libraries = given.library or LIBRARIES
    for library in libraries:
        import_module(library)
    gc.freeze()  # what is collected is a model, and not the libraries each time
    gc.disable()
    with pytest.MonkeyPatch.context() as patch:
        let_detect(patch)
        found = {one: outcome(one, [*verdicts(one, given.limit, given.cache)]) for one in libraries}
    print(table(found))
    for one in found.values():
        for model, reason in one["others"].items():
            print(f"{model}: {reason}")
    if given.write:
        OUTCOME.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if given.check and found != json.loads(OUTCOME.read_text(encoding="utf-8")):
        sys.exit(f"{OUTCOME} says otherwise: `--write` writes it anew")


if __name__ == "__main__":
    main()
