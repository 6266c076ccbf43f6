"""What the catalog holds, as a result: `archprof list`."""

from archprof.analysis.document import ConventionText
from archprof.named_tuple import NamedTuple
from archprof.spec.index import ListedNetwork


class Listing(NamedTuple):
    """Networks of the catalog, and what their numbers count."""

    convention: ConventionText
    models: tuple[ListedNetwork, ...]
