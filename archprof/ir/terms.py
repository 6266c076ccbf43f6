"""A count as a sum of products: what grows with channels times what grows with the map.

A sweep over widths and resolutions is a product of the two, so that it can compute each apart: of a thousand widths at
a thousand sizes, two thousand terms instead of a million.
"""

from collections.abc import Iterable

from archprof.ir.dims import Dim, Shape

# A factor that depends on channels (weights, heads, features), and the axes that it is needed at. A plain pair: every
# operator of a network makes several.
Term = tuple[Dim, Shape]
Terms = tuple[Term, ...]
NOTHING: Terms = ()


def term(channels: Dim, space: Shape = ()) -> Terms:
    """Return channels × the positions of *space* as a sum of one."""
    return ((channels, space),)


def total(terms: Iterable[Term]) -> Dim:
    """Return the number that terms sum to."""
    number: Dim = 0
    for product, space in terms:
        for dim in space:
            product = product * dim
        number = number + product
    return number
