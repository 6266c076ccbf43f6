"""What functions keep for their backward pass is what torch's own derivatives name."""

import re
from pathlib import Path

import pytest

from archprof.ir.operators import derivatives

torchgen = pytest.importorskip("torchgen")
loading = pytest.importorskip("torchgen.packaged.autograd.load_derivatives")


@pytest.fixture(scope="module")
def torchs():
    """Return torch's derivatives of each function, by its name with the overload."""
    folder = Path(torchgen.__file__).parent / "packaged"
    files = [folder / "autograd/derivatives.yaml", folder / "ATen/native/native_functions.yaml"]
    found, _ = loading.load_derivatives(*map(str, files), str(folder / "ATen/native/tags.yaml"))
    each = [by_key["Default"] for by_key in found.values() if "Default" in by_key]
    return {str(one.func.func.name): one for one in each}


def row(derivative):
    """Return what each gradient needs, as the table writes it."""
    function = derivative.func.func
    tensors = [one.name for one in function.arguments.flat_non_out if one.type.is_tensor_like()]
    cells = []
    for tensor in tensors:
        found = next((one for one in derivative.derivatives if tensor in one.var_names), None)
        read = {one.nctype.name for one in found.saved_inputs} & set(tensors) if found else set()
        returned = [str(one.nctype.name) for one in found.saved_outputs] if found else []
        letters = "".join(letter(one, [value.name for value in function.returns]) for one in returned)
        cells.append("".join(sorted(str(tensors.index(one)) for one in read)) + letters)
    return ",".join(cells).rstrip(","), len(tensors)


def letter(name, returned):
    if name in ("result", "self"):
        return "a"
    place = int(name[-1]) if re.fullmatch(r"result\d", name) else returned.index(name)
    return "abcdefgh"[place]


def without(text, tensors):
    """Return a row without the tensors that an overload does not take."""
    cells = [re.sub(f"[{tensors}-9]", "", cell) for cell in text.split(",")[:tensors]]
    return ",".join(cells).rstrip(",")


def test_every_row_is_torchs(torchs):
    known = {name.split(".")[0] for name in torchs}
    rows = {name for names in derivatives._NEEDS.values() for name in names.split()}
    assert {name.split(".")[0] for name in rows} <= known
    for name, derivative in torchs.items():
        plain, _, overload = name.partition(".")
        if plain in rows:
            expected, tensors = row(derivative)
            found = derivatives.needs_of(plain, overload or "default")
            assert without(found, tensors) == expected, name


def test_what_writes_over_its_input_may_need_what_it_made(torchs):
    """Where the input is needed, it is copied; some need their output alone."""
    plain = {name.partition(".")[0].rstrip("_") for name, one in torchs.items() if name.partition(".")[0].endswith("_")
             and row(one)[0] == "a"}  # fmt: skip
    assert set(derivatives._IN_PLACE) == plain
