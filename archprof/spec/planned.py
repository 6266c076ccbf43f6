"""What people ask for and archprof does not take yet: a line goes when what it names comes."""

import re
from collections.abc import Mapping

from archprof.errors import Location, SpecError, problem
from archprof.spec import catalog
from archprof.spec.nodes import shorten

# Code, by what names it, and files that archprof cannot read yet.
CODE: Mapping[str, str] = {
    r"torchvision:.*": "a model of torchvision",
    r"timm:.*": "a model of timm",
    r"transformers:.*": "a model of transformers",
    r".*\.py:.*": "Python code",
    r"[A-Za-z_]\w+(\.\w+)*:[A-Za-z_]\w*(\(.*\))?": "Python code",
}
FILES: Mapping[str, str] = {
    r".*\.(pt|pth)": "a file of torch",
}
_TAKEN = (
    "networks of the catalog (`archprof list`), specs, locks of models, programs of torch.export and ONNX files:"
    " `my_net.yaml`, `exported.pt2`, `net.onnx`, `git:REV:path`, `-`"
)


def not_yet(target: str, location: Location | None = None) -> SpecError | None:
    """Return what to say of what is no network as it is written, or none that archprof takes here; None for any
    other."""
    if catalog.is_git(target):
        return None
    shown = f"`{shorten(target)}`"
    if dotted := re.fullmatch(r"(torchvision|timm|transformers)(?:\.\w+)*\.(\w+)", target):
        library, name = dotted.groups()
        advice = f"a model of {library} is written `{library}:{shorten(name)}`"
        return problem(f"there is no network {shown}", location, help=advice)
    if target.endswith(".py"):
        advice = f"name a module, a class or a function in it: `{shorten(target)}:Net`"
        return problem(f"{shown} is Python code, and no network yet", location, help=advice)
    if what := _matched(CODE, target):
        name = target.partition(":")[2]
        here = f"`{name}` is in the catalog; " if name in dict(catalog.spellings()) else ""
        takers = "`archprof summary`, `compare`, `diff`, `explain`, `memory`, `latency`, `bench`, `report`, `draw`"
        message = f"{shown} is {what}, which only {takers} and `lock` take"
        advice = "`archprof lock` writes it to a file, `x.lock.json`, for `check`; the rest needs a block table"
        return problem(message, location, help=f"{here}{advice}")
    if what := _matched(FILES, target):
        return problem(f"{shown} is {what}, which archprof does not take yet", location, help=f"it takes {_TAKEN}")
    return None


def _matched(forms: Mapping[str, str], target: str) -> str | None:
    return next((what for form, what in forms.items() if re.fullmatch(form, target)), None)
