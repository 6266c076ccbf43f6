"""Words that cells compare a knob or a column with: those that it can be, or the comparison never holds."""

import re
from collections.abc import Iterator, Mapping, Sequence

from archprof.errors import Problem, suggest
from archprof.spec.nodes import Node, Scalar, Seq, describe
from archprof.spec.own_blocks import OwnBlock

Words = Mapping[str, Sequence[str]]

_NAME, _WORD, _SIGN = r"\$([A-Za-z_]\w*)", r"(?<![$\w])([A-Za-z_]\w*)", r"\s*[=!]=\s*"


def wrong_words(layers: Node, blocks: Mapping[str, OwnBlock], words: Words) -> Iterator[Problem]:
    """Yield a problem for each comparison in layers, and in the bodies of blocks, with what a name never is; *words*
    are what the knobs of choices can be."""
    yield from _wrong_words(layers, words)
    for block in blocks.values():
        outside = {name: known for name, known in words.items() if all(one.name != name for one in block.columns)}
        yield from _wrong_words(block.layers, {**outside, **words_of(block)})


def words_of(block: OwnBlock) -> Words:
    """Return what the columns of choices of a block can be."""
    return {column.name: column.choices for column in block.columns if column.choices}


def _wrong_words(node: Node, words: Words) -> Iterator[Problem]:
    if isinstance(node, Scalar):
        if words and "$" in node.text and "=" in node.text:
            yield from _compared(node, words)
        return
    for inside in node.items if isinstance(node, Seq) else [value for _, value in node.entries.values()]:
        yield from _wrong_words(inside, words)


def _compared(node: Scalar, words: Words) -> Iterator[Problem]:
    pairs = re.findall(_NAME + _SIGN + _WORD, node.text, re.ASCII)
    pairs += [pair[::-1] for pair in re.findall(_WORD + _SIGN + _NAME, node.text, re.ASCII)]
    for name, word in pairs:
        if name in words and word not in words[name]:
            message = f"{describe(node)} compares `{name}` with `{word}`, which it never is"
            yield Problem(message, node.location, help=suggest(word, words[name], "values"))
