"""How many models of torchvision and timm are captured exactly: `python -m tests.libraries.coverage torchvision timm`.

Exact means: as many parameters as the module has, as many multiply-accumulates as FlopCounterMode finds in a run of its
own, and no operator that is not counted.
"""

import sys
import warnings
from collections import Counter
from importlib import import_module

import tests.libraries.conftest  # noqa: F401  # lets torchvision be imported beside a CPU build of torch
from archprof.analysis.summary import not_counted
from archprof.captures.source import capture, make, parse
from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from tests.libraries.test_models import counted_by_torch

# A model with more parameters is left out.
LARGEST = 300_000_000


def names(library):
    """Return the models of a library, as they are typed."""
    module = import_module(library)
    listed = module.list_models() if library == "timm" else module.models.list_models()
    return [f"{library}:{name}" for name in listed]


def verdict(name):
    """Return what a capture of a model comes to, in a few words."""
    made = make(parse(name))
    params = sum(parameter.numel() for parameter in made.module.parameters())
    if params > LARGEST:
        return "too large"
    if made.shape is None:
        return "no default input"
    report = analyze_graph(capture(name))
    if not_counted(report):
        return "not counted in part"
    exact = (report.totals.params, report.totals.macs) == (params, counted_by_torch(made))
    return "exact" if exact else "differs"


def main(libraries):
    """Print a row for each library, and each model that is not captured exactly."""
    warnings.simplefilter("ignore")
    for library in libraries:
        found: Counter[str] = Counter()
        for name in names(library):
            try:
                said = verdict(name)
            except InputError as error:
                said = f"refused: {error.problems[0].message}"
            except Exception as error:  # torch's counter fails where ours does not, or the library does
                said = f"not judged: {type(error).__name__}: {str(error)[:80]}"
            found[said.partition(":")[0]] += 1
            if said not in ("exact", "too large"):
                print(f"  {name}: {said}", flush=True)
        print(library, dict(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["torchvision", "timm"])
