"""Settings are compared by what they resolve to: spelling, order and defaults make no other network."""

import pytest

from archprof.errors import SpecError
from archprof.language.spellings import spellings
from archprof.spec.load import read_tree, resolve
from archprof.spec.same import is_at
from archprof.spec.variant import parse_settings

NET = """
archprof: 1
input: 3x32x32
classes: 10
width: {divisor: 8}
depth: {round: ceil}
defaults: {act: relu}
knobs:
  stem: {type: int, default: 16, min: 1, max: 64}
  drop: {type: float, default: 0.2, min: 0, max: 1}
  mean: {type: bool, default: no}
  kind: {choices: [a, b], default: a}
layers:
  - {id: first, conv: {k: 3, c: $stem}}
  - conv:
      columns: [k, c, s]
      rows: [[3, 16, 1], [5, 32, 2]]
  - avg_pool
  - linear: classes
"""
TREE = read_tree("net.yaml", spellings, NET)


def stands_at(asked, settings):
    return is_at(
        resolve(TREE, parse_settings(asked), spellings), parse_settings(settings) if settings else (), spellings
    )


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        ("width=0.50", "width=0.5"),
        ("width=5e-1", "width=.5"),
        ("width=0.5,resolution=64", "resolution=64,width=0.5"),
        ("width=0.25,width=0.5", "width=0.5"),
        ("resolution=064", "resolution=64"),
        ("resolution=64x64", "resolution=64"),
        ("classes=007", "classes=7"),
        ("stem=08", "stem=8"),
        ("drop=0.10", "drop=0.1"),
        ("mean=true", "mean=yes"),
        ("layers[1].rows[0].k=05", "layers[1].rows[0].k=5"),
        ("layers[1].rows[0].k=5x5", "layers[1].rows[0].k=5"),
        ("layers[1].rows[0].kernel_size=5", "layers[1].rows[0].k=5"),
        ("first.k=5", "layers[0].k=5"),
        ("layers[2].block=max_pool,width=0.5", "width=0.50,layers[2].block=max_pool"),
        ("width=1.0", ""),
        ("depth=1", ""),
        ("resolution=32", ""),
        ("classes=10,stem=16,drop=0.20,mean=false,kind=a", ""),
        ("layers[0].k=3", ""),
        ("layers[1].rows[1].s=2", ""),
        ("width=0.5,classes=10", "width=0.5"),
        ("layers[0].act=RE6", "layers[0].act=relu6"),
        ("defaults.nl=HS", "defaults.act=hardswish"),
        ("defaults.norm=BatchNorm2d", "defaults.norm=batch_norm"),
        ("layers[0].norm={bn: {eps: 1e-3}}", "layers[0].norm.batch_norm.eps=0.001"),
        ("layers[0].bias=yes", "layers[0].bias=true"),
        ("layers[0].s=2,layers[0].d=3", "layers[0].d=3,layers[0].s=2"),
    ],
)
def test_the_same_network(asked, settings):
    assert stands_at(asked, settings)
    assert stands_at(settings, asked) if settings else True


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        ("width=0.5", ""),
        ("width=0.5", "width=0.51"),
        ("width=0.5", "depth=0.5"),
        ("width=0.5,resolution=64", "width=0.5"),
        ("resolution=32x64", "resolution=64x32"),
        ("kind=b", "kind=a"),
        ("layers[0].act=RE6", "layers[0].act=RE"),
        ("layers[0].bias=yes", "layers[0].bias=no"),
        ("layers[1].rows[0].k=5x3", "layers[1].rows[0].k=5"),
        ("layers[1].rows[0].k=5", "layers[1].rows[0].k=7"),
    ],
)
def test_another_network(asked, settings):
    assert not stands_at(asked, settings)


def test_settings_that_cannot_be():
    with pytest.raises(SpecError, match="`stm` is neither a knob nor a place of this network"):
        stands_at("width=0.5", "stm=8")
