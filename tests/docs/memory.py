"""The page that says how memory is counted, whose table of rules is what the operators answer."""

from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import NamedTuple

from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators import TABLE, all_operators
from archprof.ir.operators.norm import GroupNorm
from archprof.ir.setup import Setup
from tests.ir.operators_table import ROWS, Row

PICTURE = (
    "![Bytes in memory over the steps of a pass of training, of MobileNetV1 with 32 images](../images/training.svg"
    ' "archprof memory mobilenet_v1 --batch 32 --train sgd --plot training.svg")'
)
PAGE = """<!-- The table is read off the code. `python -m tests.docs.rewrite` writes this page anew. -->

# How memory is counted

`archprof memory` follows a pass call by call and adds up tensors, in bytes, as torch asks its allocator for them.
Nothing runs. [Will it fit?](../how-to/will-it-fit.md) shows what to do with it.

## What is there all along

Weights and buffers, each tensor once, in the number format of `--dtype` (under `--amp` in fp32); inputs; in training
the number of each image's class, 8 bytes, and what the optimiser keeps: nothing for `sgd`, as much as what learns for
`momentum`, twice that for `adam` and `adamw`. Where `--accumulate` adds up several passes, the gradients of those
before.

## What comes and goes

An output has a storage of its own, unless it is a view of the input or is written over it. It lives until its last
reader has run; inputs and outputs of a call are there at once. Outputs of the network stay. An activation writes over
its input where nobody else reads that. The order is the one in which the network runs.

## On microcontrollers

In `int8` inference is counted as microcontrollers run it. Each rule has its source, and `archprof memory` says below
its tables which were applied.

- A batch norm becomes part of the weights and the bias of the convolution or linear layer before it, where nothing
  else reads what is between them (Jacob et al. 2018, section 3.2). ReLU and ReLU6 are bounds of the numbers that a
  convolution, a linear layer or a sum puts out (section 2.4). Neither has a map of its own. Other activations are
  looked up in tables; those that torch can compute in place write over their input where they alone read it.
- What torch's kernels have beside their tensors is not there: indices of a max-pool, statistics, copies.
- `--in-place depthwise`: each channel of a depthwise convolution depends on that channel alone, so that it writes
  over its input, with room for one channel more: (N + 1)·H·W bytes for 2·N·H·W (Lin et al. 2020, MCUNet, section
  3.2).
- `--patches N`: the first stage is computed in N × N patches of its output, which alone is there as a whole. A patch
  needs of the maps before it what its windows reach: of a window of k with stride s and dilation d, (h − 1)·s + d·(k
  − 1) + 1 rows for h (Lin et al. 2021, MCUNetV2, section 3.1). The stage that leaves the least peak is chosen.

MobileNetV2's peak in int8 is 1,372 KiB with depthwise convolutions in place, which is what MCUNetV2 prints (Figure
1). In 4 × 4 patches it prints 172 kB, the input and the output of a block's expansion at 28×28; with the block's
input, which the shortcut needs until the sum, it is 196 KiB. Buffers of a library's kernels, such as CMSIS-NN's for
columns of an image, are not counted.

## The order of execution

Calls run in the network's own order. `--order best` looks for the one with the least peak: what is in memory depends
on which calls have run and not on their order, so that the search is for a path through such sets, whose largest step
is the least. Where there are too many sets to prove anything it says so, and keeps the network's order.

## In training

What a call needs for its backward pass stays: its input, its output, or tensors of its own, as the table has it. The
loss is a cross-entropy of the network's output, with a log-softmax in float32; where there is more than a vector of
features, a sum. The backward pass goes through the calls in reverse: a call makes the gradients of its inputs, where
something upstream learns, and of its weights, and lets go of what was saved. Where several calls read one tensor
their gradients are summed up: in place, but where the first is a view, as that of a linear layer's weight is. A
derivative is computed through maps of its own, those of its formula in torch. Gradients of weights stay for the
optimiser's step, which for `adam` and `adamw` takes as much again for a moment.

{picture}

`saved for backward` is what is there when the forward pass is over: of 19 networks of the catalog, at batches of 8,
32 and 64, to the byte what an NVIDIA H100 was measured to hold, which the tests repeat.

## Operators without a rule

What a recurrent layer keeps is for cuDNN to know, and what an operator of another library does, for that one. Such a
call takes at least its output; at most, it keeps all that goes in and comes out, a recurrent layer also its gates and
two states at every position, and takes as much as goes in and comes out again while it runs. On a CPU oneDNN keeps
more of an LSTM, some 17 maps in pages of their own, of which the upper end has 20; other layers run there step by step,
which is less. Bytes that hang on it are then an interval, with the operators named: `--fits` goes by its upper end, and
`check` fails where the lower end is beyond a limit, and warns where only the upper one is.

## What is no tensor

Kernels of convolutions take workspace, the allocator reserves more than it gives, and a device has a context of some
hundred MiB. None of these is among the bytes; `--rounding 512` counts what torch's
allocator gives for each tensor, whole blocks. Of the workspace of CUDA's kernels it is said beside them between which
bounds all lies with it, drawn from what 361 convolutions took on an H100.

## Room between blocks

torch's caching allocator takes segments of a GPU's memory and gives blocks of them: blocks of up to 1 MiB of segments
of 2 MiB, those below 10 MiB of segments of 20 MiB, larger ones of segments of their own, in whole MiB by twos. It gives
the smallest free block that is large enough; what is left of it stays free, if it is more than 1 MiB or the block is
small, and free neighbours become one. When there is no room for a segment, those of which nothing is given are let go.
`--fits` follows two steps through these rules, with as much workspace as kernels may take and 32 MiB that torch has for
cuBLAS: the optimiser makes its state in the first step, of blocks in which activations lay before. Of 23 batches that
an H100 tried in 8 GiB none ran out for which the rules find room. They are one-sided: where they find none, four of
those ran all the same, as torch tries another kernel where there is no room for a workspace.

## The rules

*x* and *y* are what a call reads and puts out, *N* images, *C* channels, *G* groups of them, *L* positions. What a
call has beside its tensors, in fp32 with the kernels of CUDA, in bytes (B):

{rules}
An operator that can write over its input does so where nobody else reads that. The tensors of code lie where it was
recorded that they do.
"""


def page() -> str:
    """Return the page as it should be."""
    titles = ("operator", "its output", "while it runs, in inference", "saved for backward")
    lines = [titles, ("---",) * len(titles), *_rules()]
    return PAGE.format(picture=PICTURE, rules="".join(f"| {' | '.join(line)} |\n" for line in lines))


_SUBSCRIPTS = "₁₂₃₄"
_FACTORS = (1, 2, 3, 4, 8, 12, 16)


class _NoFormula(Exception):
    """Bytes that are no sum of a few sizes."""


class _Call(NamedTuple):
    """An operator as it is called: in training or not, over its input or not."""

    row: Row
    train: bool = False
    in_place: bool = False

    def footprint(self, images: int = 1) -> Footprint:
        """Return what it keeps of so many images."""
        values, outputs = self.row.values, self.row.op.outputs(*self.row.values)
        setup = Setup(batch=images, train="sgd" if self.train else "")
        return self.row.op.footprint(Run(values, outputs, setup, self.in_place, (True,) * len(values), learns=True))

    def amount(self, field: str) -> str:
        """Return the bytes of a field as a sum of at most two products, which holds for one image and for three."""
        wanted = [getattr(self.footprint(images), field) or 0 for images in (1, 3)]
        if not any(wanted):
            return ""
        sizes = [_sizes(self.row, images) for images in (1, 3)]
        for many in (1, 2):
            for names, factors in product(combinations(sizes[0], many), product(_FACTORS, repeat=many)):
                if [sum(f * size[n] for f, n in zip(factors, names, strict=True)) for size in sizes] == wanted:
                    return " + ".join(f"{f}·{n}" for f, n in zip(factors, names, strict=True)) + " B"
        raise _NoFormula

    def saved(self) -> str:
        """Return what it keeps for its backward pass."""
        found = self.footprint()
        several = len(self.row.inputs) > 1
        names = [f"*x*{_SUBSCRIPTS[place] if several else ''}" for place in found.inputs]
        names += ["*y*"] if found.outputs else []
        return ", ".join(filter(None, [*names, self.amount("own")])) or "nothing"


def _sizes(row: Row, images: int) -> Mapping[str, int]:
    """Return the sizes that rules are made of."""
    value, (output, *_) = row.values[0], row.op.outputs(*row.values)
    groups = {"*N*·*G*": images * row.op.groups} if isinstance(row.op, GroupNorm) else {}
    return {
        "*y*": output.elements_at(images),
        "*x*": value.elements_at(images),
        "*C*": value.channels,
        **groups,
        "*N*": images,
        "*N*·*L*": images * value.elements // value.channels,
    }


# What no sum of a few sizes says.
_ELSE = ("new", "as its kernels do", "as its kernels do")
_IN_WORDS: Mapping[str, tuple[str, str, str]] = {
    "dot_product_attention": ("new", "", "*x*, *y*, 4 B for each query of each head"),
    "conv1d": ("new", "*x* with zeros in front", "*x* with zeros in front"),  # where it is causal
    "fourier_positions": ("new", "sines and cosines of one image, projected", "sines and cosines of one image"),
    "rotary_positions": (
        "new",
        "8·*y* B, sines and cosines of one head of one image",
        "sines and cosines of one head of one image",
    ),
}


def _rules() -> Iterator[tuple[str, ...]]:
    """Yield the rule of each operator, from the first of its rows whose settings make no bytes of their own."""
    for listed, operator in zip(TABLE, all_operators(), strict=True):
        rows = [row for row in ROWS if type(row.op) is operator]
        yield (f"`{listed.name}`", *next(filter(None, map(_rule, rows)), _IN_WORDS.get(listed.name, _ELSE)))


def _rule(row: Row) -> tuple[str, str, str] | None:
    try:
        saved, over = _Call(row, train=True).saved(), _Call(row, train=True, in_place=True).saved()
        if row.op.inplace and over != saved:
            saved = f"{saved}; over *x*: {over}"
        return _lies(row), _Call(row).amount("scratch"), saved
    except _NoFormula:
        return None


def _lies(row: Row) -> str:
    if row.op.inplace:
        return "over *x*, or new"
    places = ["new" if _Call(row, train).footprint().shares is None else "a view of *x*" for train in (False, True)]
    return places[0] if places[0] == places[1] else f"{places[0]}; in training {places[1]}"
