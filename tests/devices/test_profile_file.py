"""The file of a profile: what is written is read, and what is wrong is told with its place."""

import json

import pytest

from archprof.devices.profile_file import known_devices, read_profile
from archprof.devices.profile_text import profile_text, write_profile
from archprof.errors import UsageError
from tests.devices.profiles import MOVING, made_up


def test_what_is_written_is_read(tmp_path):
    path, profile = tmp_path / "toy.json", made_up(kinds={"relu": MOVING})
    write_profile(profile, str(path))
    assert read_profile(str(path)) == profile
    assert profile_text(read_profile(str(path))) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", known_devices())
def test_those_that_come_along_are_as_they_would_be_written(name):
    profile = read_profile(name)
    assert profile.name == name
    assert profile_text(profile) == (known(name)).read_text(encoding="utf-8")


def known(name):
    from archprof.devices import profile_file

    return profile_file._KNOWN / f"{name}.json"


HELP = "\n  help: `archprof calibrate -o my_device.json` makes one"
WRONG = {
    "archprof_profile": (9, "profile schema `9` is not known here: there is schema 1"),
    "batches": ([], "`batches`: expected batches, each once, not `[]`\n  in batches"),
    "ceilings": ({"bytes_per_us": 0}, "`ceilings`: `bytes_per_us`: expected more than 0, not `0`\n  in ceilings"),
    "kinds": (
        {"relu": {"columns": ["size"], "points": []}},
        '`kinds`: `relu`: expected the columns elements, not `["size"]`\n  in kinds',
    ),
    "setup": ({"dtype": "int4"}, '`setup`: `dtype`: expected one of fp32, fp16, bf16, not `"int4"`\n  in setup'),
    "fits": ({}, "`fits`: `1` is missing\n  in fits"),
}


@pytest.mark.parametrize("key", WRONG)
def test_what_is_wrong_is_told_with_its_place(tmp_path, key):
    path, (value, message) = tmp_path / "toy.json", WRONG[key]
    text = json.dumps({**json.loads(profile_text(made_up())), key: value}, indent=2)
    path.write_text(text, encoding="utf-8")
    line = next(number for number, one in enumerate(text.splitlines(), 1) if one.startswith(f'  "{key}"'))
    with pytest.raises(UsageError) as raised:
        read_profile(str(path))
    assert str(raised.value) == f"{path}:{line}:3: {message}{HELP}"


def test_a_profile_that_is_none(tmp_path):
    path = tmp_path / "net.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        read_profile(str(path))
    assert str(raised.value) == f"{path}:1:1: this is no profile of a device: `archprof_profile` is missing{HELP}"


def test_a_device_that_nobody_knows():
    with pytest.raises(UsageError) as raised:
        read_profile("h10")
    assert str(raised.value).startswith("no profile of a device `h10`\n  help: did you mean `h100`?")


def test_a_file_that_is_not_there():
    with pytest.raises(UsageError) as raised:
        read_profile("nowhere/my_gpu.json")
    assert str(raised.value) == (
        "no such file: `nowhere/my_gpu.json`\n  help: `archprof calibrate -o nowhere/my_gpu.json` makes one"
    )
