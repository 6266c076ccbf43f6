"""From a name to a file."""

import pytest
import yaml

from archprof.errors import InputError
from archprof.spec import catalog

LISTED = "`archprof list` shows the catalog; the path of a file ends with `.yaml`"


def test_names_and_aliases_are_found_in_any_case():
    names = {catalog.find(name).stem for name in ("mobilenet_v2", "v2", "V2", "MobileNet_V2")}
    assert names == {"mobilenet_v2"}


def test_an_alias_is_no_name_and_stands_once():
    specs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in catalog.files().values()]
    aliases = [str(alias) for spec in specs for alias in spec.get("aliases", ())]
    assert sorted(aliases) == sorted(catalog.aliases())
    assert not set(aliases) & set(catalog.files())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobilenet-v2", f"there is no network `mobilenet-v2`\n  help: did you mean `mobilenet_v2`? {LISTED}"),
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
