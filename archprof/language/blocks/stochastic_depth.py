"""The column of blocks whose body training may drop (Huang et al. 2016)."""

from archprof.ir.columns import FLAG, Column, options, ratio
from archprof.language.cells import DropRate

_PROBABILITY = ratio(0, 1)
_COLUMNS = (
    Column("p", _PROBABILITY, "the probability behind the last block of the network", required=True),
    Column("reached", FLAG, "whether the last block itself has it"),
    Column("constant", FLAG, "whether every block has it"),
)
STOCHASTIC_DEPTH = Column(
    "stochastic_depth",
    options(
        "a probability, `{p: 0.1, reached: true}`, `{p: 0.1, constant: true}`, or `-`",
        _COLUMNS,
        DropRate,
        short="p",
        of=_PROBABILITY,
        what="`stochastic_depth`",
    ),
    "how likely training drops the body of a residual block (Huang et al. 2016): the probability behind the network's "
    "last block, where it is `reached` in that block; from 0 in the first block it grows in even steps, whatever the "
    "table, but where it is `constant`. A block of one's own that has this column is one block, whatever is in it",
    ("drop_path", "drop_connect"),
)
