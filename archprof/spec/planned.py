"""What people ask for and archprof does not take yet: a line goes when what it names comes."""

import re
from collections.abc import Mapping

from archprof.errors import Location, SpecError, problem
from archprof.spec import catalog
from archprof.spec.git import is_git
from archprof.spec.nodes import shorten

# What a network is named by, and what that is.
NETWORKS: Mapping[str, str] = {
    r"torchvision:.*": "a model of torchvision",
    r"timm:.*": "a model of timm",
    r"transformers:.*": "a model of transformers",
    r".*\.py(:.*)?": "Python code",
    r"[A-Za-z_]\w+(\.\w+)*:[A-Za-z_]\w*(\(.*\))?": "Python code",
    r".*\.onnx": "an ONNX file",
    r".*\.(pt2|pt|pth)": "a file of torch",
}
# Options, and what there is instead.
OPTIONS: Mapping[str, str] = {
    "--batch": "counts are of one image; those of a batch are as many times that, but for the params",
    "--batch-size": "counts are of one image; those of a batch are as many times that, but for the params",
}
# What runs where it is named, and what takes it.
_CODE = r"[A-Za-z_][\w./-]*:.+"
_COMMANDS = "`archprof summary`, `compare`, `diff`, `explain` and `lock`"
_TAKEN = "networks of the catalog (`archprof list`) and specs: `my_net.yaml`, `git:REV:path`, `-`"


def not_yet(target: str, location: Location | None = None) -> SpecError | None:
    """Return what to say of a network that archprof cannot read yet, or not as it is written; None for any other."""
    if dotted := re.fullmatch(r"(torchvision|timm|transformers)(?:\.\w+)*\.(\w+)", target):
        library, name = dotted.groups()
        message = f"there is no network `{shorten(target)}`"
        return problem(message, location, help=f"a model of {library} is written `{library}:{shorten(name)}`")
    what = next((what for form, what in NETWORKS.items() if re.fullmatch(form, target)), None)
    if what is None or is_git(target):
        return None
    name = target.partition(":")[2]
    here = f"`{name}` is in the catalog; " if name in dict(catalog.spellings()) else ""
    code = re.fullmatch(_CODE, target)
    missing = f"which only {_COMMANDS} take so far" if code else "which archprof does not take yet"
    message = f"`{shorten(target)}` is {what}, {missing}"
    return problem(message, location, help=f"{here}it takes {_TAKEN}")
