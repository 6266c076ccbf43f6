"""`python -m tests.libraries.rewrite`: write what the documentation shows of models of timm and torchvision anew."""

import warnings

import tests.libraries.conftest  # noqa: F401  # lets torchvision be imported beside a CPU build of torch
from tests.docs.markdown import ROOT
from tests.docs.rewrite import rewrite_console

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for name in ("docs/tour.md", "docs/how-to/your-own-model.md"):
        rewrite_console(ROOT / name)
