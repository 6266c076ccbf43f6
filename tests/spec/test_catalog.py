"""From a name to a file."""

import pytest
import yaml

from archprof.errors import InputError
from archprof.spec import catalog

LISTED = "`archprof list` shows the catalog; the path of a file ends with `.yaml`"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        *((typed, "mobilenet_v2") for typed in ("v2", "V2", "MobileNet_V2", "MobileNetV2", "mobilenet-v2")),
        ("ResNeXt-50 32x4d", "resnext50_32x4d"),
        ("resnext5032x4d", "resnext50_32x4d"),
        ("SqueezeNet 1.0", "squeezenet1_0"),
        # A separator between two digits, where it was typed, is a decimal point.
        ("RegNetX-1.6GF", "regnet_x_1_6gf"),
        ("regnet_x_16gf", "regnet_x_16gf"),
    ],
)
def test_names_and_aliases_are_found_however_they_are_spelled(typed, name):
    assert catalog.find(typed).stem == name


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("VGG1?_bn", ["vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"]),
        ("v?", ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large"]),
        ("ghostnet1*", ["ghostnet_100", "ghostnet_130"]),
        ("regnet_x_8*", ["regnet_x_800mf", "regnet_x_8gf"]),
        ("resnet[!125-9]?", ["resnet34"]),
        ("shufflenet-v2-x1", ["shufflenet_v2_x1_0", "shufflenet_v2_x1_5"]),
        ("nothing*", []),
    ],
)
def test_patterns(pattern, names):
    assert catalog.matching(pattern, catalog.spellings()) == names


def test_an_alias_is_no_name_and_stands_once():
    specs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in catalog.files().values()]
    aliases = [str(alias) for spec in specs for alias in spec.get("aliases", ())]
    assert sorted(aliases) == sorted(catalog.aliases())
    assert not set(aliases) & set(catalog.files())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet35", f"there is no network `resnet35`\n  help: did you mean `resnet34` or `resnet50`? {LISTED}"),
        ("resent50", f"there is no network `resent50`\n  help: did you mean `resnet50`? {LISTED}"),
        ("vgg20", f"there is no network `vgg20`\n  help: did you mean `vgg19` or `vgg16`? {LISTED}"),
        ("regnetx16gf", "`regnetx16gf` may be `regnet_x_16gf` or `regnet_x_1_6gf`\n  help: say which one"),
        (
            "MobileNetV3",
            "there is no network `MobileNetV3`\n  help: did you mean `mobilenetv3_rw` or `mobilenet_v3_large`? "
            f"{LISTED}",
        ),
        (
            "efficientnet",
            "there is no network `efficientnet`\n  help: did you mean `efficientnet_b0` or `efficientnet_b1`? "
            f"{LISTED}",
        ),
        ("bananas", f"there is no network `bananas`\n  help: {LISTED}"),
        (
            "mobilenet_v2@width",
            f"there is no network `mobilenet_v2@width`\n  help: a setting is written `name@width=0.75`; {LISTED}",
        ),
        ("", "a network without a name\n  help: name one of the catalog, or a file; `archprof list` shows the catalog"),
        ("x" * 5000, f"there is no network `{'x' * 59}…`\n  help: {LISTED}"),
    ],
)
def test_unknown_name(name, message):
    with pytest.raises(InputError) as raised:
        catalog.find(name)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("target", "path"),
    [("-", True), ("a/b", True), ("net.yaml", True), ("net.yml", True), ("v2", False), ("net.json", False)],
)
def test_what_is_a_path(target, path):
    assert catalog.is_path(target) == path
