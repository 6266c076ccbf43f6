"""What an element takes is what torch says of its type."""

import pytest

from archprof.ir.setup import Setup, width_of

torch = pytest.importorskip("torch")

DTYPES = sorted({str(dtype).removeprefix("torch.") for dtype in vars(torch).values() if isinstance(dtype, torch.dtype)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_element_of_each_type_takes_what_torch_says(dtype):
    assert width_of(dtype) == getattr(torch, dtype).itemsize


def test_what_is_float32_is_in_the_format_that_is_asked_for():
    assert [Setup(dtype="fp16").width(dtype) for dtype in ("float32", "float64", "int64")] == [2, 8, 8]
