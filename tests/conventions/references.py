"""The networks on which the conventions are held against the tools that they follow."""

from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORDED = HERE / "recorded"

NETWORKS = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "mixnet_s",
    "resnet50",
    "shufflenet_v2_x1_0",
    "densenet121",
    "efficientnet_b0",
)
RESOLUTIONS = ("224", "97x128")
OPERATORS = "tests/conventions/operators.yaml"
# Where the rules have their corners: every operator in every form, shared and frozen layers, linear layers on maps.
CORNERS = (
    OPERATORS,
    f"{OPERATORS}@resolution=64x50",
    "R-50-FPN@resolution=64,norm=group_norm,freeze=2",
    "R-50-FPN@resolution=64,deform_c3=plain,deform_c4=modulated,deform_c5=modulated,deformable_groups=2",
    "resnet18@resolution=64,shortcut=A",
    "convnext_tiny@resolution=64",
)
REFERENCES = (*(f"{name}@resolution={resolution}" for name in NETWORKS for resolution in RESOLUTIONS), *CORNERS)
# What was made after some tools were recorded: those that run here are held against it too.
RUN_HERE = (*REFERENCES, "lraspp_mobilenet_v3_large@resolution=97", "yolox_nano@resolution=64")
# Operators that were tried on the installed tools alone, at two resolutions each, and of which of these some are not
# known.
_INSTALLED: dict[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "maps": (("8x12", "12x16"), ()),
    "tokens": (("8x12", "10x6"), ()),
    "sounds": (("24", "30"), ()),
    "clips": (("6x8", "8x10"), ()),
    "attention": (("8x12", "10x6"), ("torchprofile",)),
    "attention_in_parts": (("8x12", "12x16"), ("torchprofile", "ptflops", "ptflops-aten")),
    "evo_norm": (("8x12", "10x6"), ("ptflops",)),
    "prelu": (("8x12", "10x6"), ("ptflops", "thop")),
    "recurrent": (("8x12", "10x6"), ("ptflops", "ptflops-aten", "thop")),
}
INSTALLED = {
    f"tests/conventions/installed/{name}.yaml@resolution={size}": unknown
    for name, (sizes, unknown) in _INSTALLED.items()
    for size in sizes
}
# Releases of thop, by when they were the last that counted so.
OLD_THOPS = ("thop-2019-07", "thop-2019-09", "thop-2019-12", "thop-2020-01", "thop-2020-09")
