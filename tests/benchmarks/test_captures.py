"""How long a capture takes, as a ratio to a run of torch's own counter on the same module, and how much memory."""

import subprocess
import sys
import time

import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import archprof  # noqa: E402
from archprof.captures.given import Given, batched  # noqa: E402
from archprof.captures.module import capture_module  # noqa: E402
from archprof.runtime.build import build_network  # noqa: E402


def blocks(count):
    """Return transformer blocks of torch's own, on the meta device."""
    layer = torch.nn.TransformerEncoderLayer(192, 3, 768, batch_first=True, norm_first=True)
    return torch.nn.TransformerEncoder(layer, count, enable_nested_tensor=False).to("meta")


MODULES = {
    "resnet50": (lambda: build_network(archprof.expand("resnet50"), initialise=False, device="meta"), (3, 224, 224)),
    "12 transformer blocks": (lambda: blocks(12), (197, 192)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_capture(note, name):
    make, shape = MODULES[name]
    module = make().eval()
    given = batched([Given(shape=shape)])._replace(growing=False)

    def count():
        with torch.no_grad(), FlopCounterMode(display=False):
            module(torch.empty(1, *shape, device="meta"))

    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    runs = {"ours": lambda: archprof.analyze(capture_module(module, given)), "torch": count}
    taken = dict.fromkeys(runs, float("inf"))
    try:
        for _ in range(8):
            for which, run in runs.items():
                begin = time.process_time()
                run()
                taken[which] = min(taken[which], time.process_time() - begin)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    ratio = taken["ours"] / taken["torch"]
    note(f"capturing {name}", f"{ratio:.2f} × FlopCounterMode", "≤ 1.3 ×")
    assert ratio <= 1.3


PEAK = """
import resource, torch, archprof
from torch import nn
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
module = nn.Sequential(*(nn.Linear(8000, 8000, device="meta") for _ in range(10)))
assert archprof.analyze(archprof.capture(module, (8000,))).totals.params == 10 * (8000 * 8000 + 8000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory(note):
    peak = int(subprocess.run([sys.executable, "-c", PEAK], check=True, capture_output=True, text=True).stdout)
    note("capturing 640 M parameters", f"{peak} MB", "≤ 400 MB")
    assert peak <= 400
