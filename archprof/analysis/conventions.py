"""What is counted, under a name and a version: docs/explanation/counting.md in one value."""

from typing import NamedTuple


class Convention(NamedTuple):
    """A named rule of counting."""

    name: str
    version: int
    text: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


ARCHPROF = Convention("archprof", 1, "MACs of convolutions and linear layers, bias not counted; batch 1, inference")
