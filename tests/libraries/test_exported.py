"""Models of other libraries, exported by torch.export: what is read of the files is what capturing the models gives."""

import pytest
import torch
from torch.export import export, save

from archprof.captures.pt2.read import read_exported
from archprof.captures.source import capture, make, parse
from archprof.costs.report import analyze_graph

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    ("name", "decomposed"),
    [
        ("torchvision:resnet18", False),
        ("torchvision:resnet18", True),
        ("torchvision:maxvit_t", False),
        ("torchvision:swin_t", True),
        ("timm:vit_tiny_patch16_224", False),
    ],
)
def test_a_program_is_what_its_model_is(name, decomposed, tmp_path):
    made = make(parse(name))
    assert made.shape is not None
    program = export(made.module.to_empty(device="cpu").eval(), (torch.zeros(1, *made.shape),))
    save(program.run_decompositions() if decomposed else program, tmp_path / "net.pt2")
    theirs = analyze_graph(capture(name))
    ours = analyze_graph(read_exported(str(tmp_path / "net.pt2")).graph)
    assert ours.totals == theirs.totals
    if not decomposed:  # where calls are the module's own
        assert counted_rows(ours) == counted_rows(theirs)


def counted_rows(report):
    """Return what costs something, an einsum as the product that it becomes."""
    rows = [(row.path.replace(":einsum[", ":bmm["), row.cost) for row in report.rows]
    return [(path, cost) for path, cost in rows if cost.params or cost.macs]
