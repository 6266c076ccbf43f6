"""`python -m tests.libraries.rewrite`: write what the documentation shows of models of timm and torchvision anew."""

import warnings

import tests.libraries.conftest  # noqa: F401  # lets torchvision be imported beside a CPU build of torch
from tests.docs.rewrite import rewrite_console
from tests.libraries.test_docs import SHOWN

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for path in SHOWN:
        rewrite_console(path)
