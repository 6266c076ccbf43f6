"""A number of networks that is known, or between which two others it is."""

from archprof.named_tuple import NamedTuple


class Bracket(NamedTuple):
    """At least *lower* networks and at most *upper*; as many as either, where these are the same."""

    lower: int
    upper: int

    @property
    def exact(self) -> bool:
        """Whether the number is known."""
        return self.lower == self.upper
