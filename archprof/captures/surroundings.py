"""What a forward pass finds around it while it is recorded: the same random numbers, norms that take single images."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def repeatable() -> Iterator[None]:
    """Let a module draw the same numbers whenever it runs, and its batch norms take the statistics of a single element,
    which mean nothing and are not worked out. The states of the random generators are the caller's to put back."""
    import torch

    # Those of other devices would be seeded later, when those are first used.
    torch.default_generator.manual_seed(0)
    random.seed(0)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(0)
    functions: Any = torch.nn.functional
    checked = functions._verify_batch_size
    functions._verify_batch_size = lambda size: None
    try:
        yield
    finally:
        functions._verify_batch_size = checked
