"""Networks that follow timm, and torchvision's MaxViT: with its weights, taken in order, they give its outputs, and
cost what it costs. One of each family by day, all of them by night."""

import inspect
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import nn

import archprof
from archprof.captures.given import Given, batched
from archprof.errors import SpecError
from archprof.spec import catalog
from tests.by_day import following, smallest_by_day
from tests.libraries.counters import counted_on_meta
from tests.zoo.twins import assert_same_outputs, built_with_weights_of, randomise

# Where sums are in another order, as those of mixed convolutions or attention, outputs agree but for the last places:
# of networks whose names begin so,
NEARLY = (
    "convnext_atto_rms",
    "efficientnet_cc_",
    "efficientvit_m",
    "fastvit_ma",
    "fastvit_sa",
    "gcresne",
    "ghostnetv3_",
    "mixnet_x",
    "mobileone_s0",
    "mobilenetv4_hybrid_",
    "mobilevit_",
    "tf_efficientnet_cc_",
    "tf_mixnet_",
)
# and of attention that timm takes apart into products: of all networks of these folders.
NEARLY_ALL = {
    "mambaout",
    "cait", "coatnet", "convnextv2", "efficientformer", "hiera", "levit",
    "maxvit", "pvt", "shvit", "swiftformer", "swin", "tinyvit", "xcit",
}  # fmt: skip
# Networks whose tables of biases, or windows, timm makes for one side alone; of a small one, others have no windows.
OF_ONE_SIDE = ("efficientformer_l", "efficientvit_m", "maxvit_", "tiny_vit_")


def made(name: str, side: int | None = None) -> nn.Module:
    """Return timm's model of as many classes as ours has, for inputs of that side where it has to be told."""
    timm = import_module("timm")
    entry = import_module("timm.models").model_entrypoint(name)
    sized = side is not None and "img_size" in inspect.getsource(import_module(entry.__module__))
    classes = archprof.load(name).classes
    given = {**({"img_size": side} if sized else {}), **({} if classes is None else {"num_classes": classes})}
    model: nn.Module = timm.create_model(name, **given)
    return model.eval()


def looked_up(reference: nn.Module) -> int:
    """Return the MACs of products with tables of ones and zeros by which timm looks biases up, as TensorFlow does, of h
    heads in windows of n×n positions first the rows of the table, then its columns: they are no part of a network."""
    tables: list[Any] = [one for one in reference.modules() if type(one).__name__ == "RelPosBiasTf"]
    sizes = [(one.num_heads, one.window_area, 2 * one.window_size[0] - 1) for one in tables]
    return sum(heads * area * (ways**2 + area * ways) for heads, area, ways in sizes)


def side_of(name: str) -> int:
    """Return a small side that the network can take, or its own."""
    for side in () if name.startswith(OF_ONE_SIDE) else (64, 96, 128):
        try:
            archprof.expand(name, resolution=side)
        except SpecError:
            continue
        return side
    own: int = archprof.load(name).input[-1]
    return own


@pytest.mark.parametrize("name", smallest_by_day(following("timm")))
def test_gives_the_outputs_of_timm(name):
    torch.manual_seed(7)
    side = side_of(name)
    reference = made(name, side)
    randomise(reference)
    network = built_with_weights_of(reference, name, resolution=side)
    x = torch.randn(2, 3, side, side)
    if name.startswith(NEARLY) or catalog.files()[name].parent.name in NEARLY_ALL:
        with torch.no_grad():  # in double precision: a few networks of random weights lose all places of single
            ours, theirs = network.double().eval()(x.double()), reference.double()(x.double())
        assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    else:
        assert_same_outputs(reference, network, x)


@pytest.mark.parametrize("name", smallest_by_day(following("timm")))
def test_costs_what_timm_costs(name):
    with torch.device("meta"):
        reference = made(name)
    totals = archprof.analyze(name).totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    counted = counted_on_meta(reference, batched([Given(shape=archprof.load(name).input)]).at(1))
    assert totals.macs == counted - looked_up(reference)


def test_maxvit_is_torchvisions():
    """Of torchvision's MaxViT outputs and costs; what it keeps besides is where in its tables biases stand."""
    torch.manual_seed(7)
    reference = import_module("torchvision").models.maxvit_t().eval()
    randomise(reference)
    network = built_with_weights_of(reference, "maxvit_t")
    x = torch.randn(2, 3, 224, 224, dtype=torch.float64)
    with torch.no_grad():
        ours, theirs = network.double().eval()(x), reference.double()(x)
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    totals = archprof.analyze("maxvit_t").totals
    assert totals.params == sum(parameter.numel() for parameter in reference.parameters())
    assert totals.macs == counted_on_meta(reference.float().to("meta"), batched([Given(shape=(3, 224, 224))]).at(1))
