"""What one counter found on a module."""

from collections.abc import Mapping

from archprof.named_tuple import NamedTuple


class Count(NamedTuple):
    """MACs by the path of the module that runs them itself, and there the operators that multiply and have no rule, by
    how often they ran."""

    macs: Mapping[str, int]
    not_counted: Mapping[str, Mapping[str, int]]
