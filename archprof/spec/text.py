"""Nodes → YAML text: short collections in a line, long ones an item a line."""

import re

from archprof.errors import problem
from archprof.spec.layers import ABSENT
from archprof.spec.nodes import Map, Node, Scalar, Seq

_PLAIN = re.compile(r"[A-Za-z0-9_.$][A-Za-z0-9_.$/*+()×-]*|-")
_WIDTH = 110


def spec_yaml(entries: dict[str, Node]) -> str:
    """Return the text of a spec with these keys. Raises SpecError for cells that no text stands for."""
    return "".join(_entry(key, node, "") for key, node in entries.items())


def _entry(key: str, node: Node, indent: str) -> str:
    flow = _flow(node)
    opened = isinstance(node, Seq) and key in ("layers", "rows", "expect")
    if not opened and len(indent) + len(key) + len(flow) < _WIDTH:
        return f"{indent}{_word(key)}: {flow}\n"
    return f"{indent}{_word(key)}:\n{_block(node, f'{indent}  ')}"


def _block(node: Node, indent: str) -> str:
    if isinstance(node, Scalar):
        return f"{indent}{_flow(node)}\n"
    if isinstance(node, Map):
        return "".join(_entry(key, value, indent) for key, value in node.pairs())
    return "".join(_item(item, indent) for item in node.items)


def _item(node: Node, indent: str) -> str:
    flow = _flow(node)
    if isinstance(node, Map) and len(node.entries) == 1:
        [(key, value)] = node.pairs()
        if isinstance(value, Map) and not value.entries:
            return f"{indent}- {_word(key)}\n"
        inside = _entry(key, value, f"{indent}  ").lstrip()
        return f"{indent}- {inside}"
    if not isinstance(node, Map) or len(indent) + len(flow) < _WIDTH:
        return f"{indent}- {flow}\n"
    return f"{indent}- {_block(node, f'{indent}  ').lstrip()}"


def _flow(node: Node) -> str:
    if node is ABSENT:
        raise problem("a cell that its block's default fills cannot be written in a row", help="name it in every row")
    if isinstance(node, Scalar):
        return _word(node.text)
    if isinstance(node, Seq):
        return f"[{', '.join(map(_flow, node.items))}]"
    return f"{{{', '.join(f'{_word(key)}: {_flow(value)}' for key, value in node.pairs())}}}"


def _word(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
