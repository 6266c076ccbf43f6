"""An id names a sub-module, so it can be nothing that a module already has."""

import pytest
from torch import nn

from archprof.errors import InputError
from archprof.language.bind import RESERVED
from archprof.language.expand import read_network

TAKEN = sorted(name for name in dir(nn.Module()) if not name.startswith("_"))


@pytest.mark.parametrize("name", TAKEN)
def test_names_of_a_module_are_refused(name):
    assert name in RESERVED
    with pytest.raises(InputError, match=f"`{name}` cannot be an id: every torch module has something of that name"):
        read_network("net.yaml", text=f"archprof: 1\ninput: 3x8x8\nlayers:\n  - {{id: {name}, avg_pool: }}\n")
