"""Inputs of an ONNX file as `--input` has them: as those of a module, but for names, which may be any."""

from archprof.captures.given import Given, read_given


def read_input(text: str) -> Given:
    """Return the input that a text gives: `input.1=3x224x224`, `data:0=128:int64`, `sr:=16000`. Raises UsageError for
    what is none."""
    name, sign, value = text.rpartition(":=")
    if sign:
        return read_given(f"n:={value}")._replace(name=name)
    name, _, shape = text.rpartition("=")
    return read_given(shape)._replace(name=name)
