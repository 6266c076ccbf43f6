"""Private interfaces of torch: what is said by a release that has none of them, and that each is named in one file."""

import subprocess
import sys
from pathlib import Path

import pytest

import archprof

PACKAGE = Path(archprof.__file__).parent

# A release of torch without an interface, as far as anybody notices.
WITHOUT = """
import sys
import torch

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

for name in [one for one in sys.modules if one == {module!r}]:
    del sys.modules[name]
parent, _, last = {module!r}.rpartition(".")
delattr(sys.modules[parent], last)
sys.meta_path.insert(0, Gone())
torch.__version__ = "3.0.0"

import archprof
try:
    archprof.capture(torch.nn.Linear(3, 4), (3,))
except archprof.UsageError as error:
    print(error)
"""


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch.utils._python_dispatch", "torch.utils._python_dispatch.TorchDispatchMode"),
        ("torch._subclasses.fake_tensor", "torch._subclasses.fake_tensor"),
        ("torch._prims_common", "torch._prims_common.suggest_memory_format"),
    ],
)
def test_a_torch_without_them_is_named(module, name):
    code = WITHOUT.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    message = f"torch 3.0.0 has no `{name}`, which archprof counts by"
    assert done.stdout == f"{message}\n  help: install a release of torch from 2.10 to 2.13\n", done.stderr


@pytest.mark.parametrize(
    "module", ["torch.utils._python_dispatch", "torch._subclasses", "torch._ops", "torch._prims_common"]
)
def test_each_is_named_in_one_file(module):
    imports = f"        from {module} import ", f"    from {module} import "
    texts = [path.read_text(encoding="utf-8").splitlines() for path in PACKAGE.rglob("*.py")]
    assert sum(any(line.startswith(imports) for line in lines) for lines in texts) == 1
