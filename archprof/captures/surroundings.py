"""What a forward pass finds around it while it is recorded: the same random numbers, norms that take single images."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SEED = 0


@contextmanager
def repeatable() -> Iterator[None]:
    """Let a module draw the same numbers whenever it runs, and its batch norms take the statistics of a single element,
    which mean nothing and are not worked out. The states of the random generators are the caller's to put back."""
    import torch

    seed()
    functions: Any = torch.nn.functional
    checked = getattr(functions, "_verify_batch_size", None)  # not public: without it, such norms say so themselves
    functions._verify_batch_size = lambda size: None
    try:
        yield
    finally:
        functions._verify_batch_size = checked


def seed() -> None:
    """Have whatever draws random numbers, of torch, Python and numpy, draw the same ones each time."""
    import torch

    # Those of other devices would be seeded later, when those are first used.
    torch.default_generator.manual_seed(_SEED)
    random.seed(_SEED)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(_SEED)
