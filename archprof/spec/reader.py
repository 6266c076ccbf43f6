"""YAML text → nodes. Nothing that a text contains can crash, hang or surprise: limits first, then events, then our own words for what is wrong."""

import sys
from pathlib import Path
from typing import Any

import yaml

from archprof.errors import Location, SpecError, problem
from archprof.spec.nodes import Map, Node, Scalar, Seq, shorten

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 100_000

# The C parser and the pure one give the same marks; only wheels without libyaml lack the first.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_file(path: str) -> str:
    """Return the text of a spec file; `-` is standard input.

    Raises SpecError when the file is missing, unreadable, too large or not UTF-8 text.
    """
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
            path = "<stdin>"
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise problem(f"no such file: `{shorten(path)}`") from None
    except IsADirectoryError:
        raise problem(f"`{shorten(path)}` is a directory, not a spec", help="name a file, such as `my_net.yaml`") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise problem(f"cannot read `{shorten(path)}`: {reason.lower()}") from None
    return decode(data, path)


def decode(data: bytes, file: str) -> str:
    """Return *data* as text, strictly UTF-8.

    Raises SpecError for more than 1 MiB, another encoding, or bytes that are no text.
    """
    start = Location(file, 1, 1)
    if len(data) > MAX_BYTES:
        raise problem("the file is larger than 1 MiB, the limit of a spec", start, help="is this really a spec?")
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        raise problem("the file starts with a byte-order mark", start, help="save it as UTF-8 without a byte-order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        here = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise problem(f"byte 0x{data[error.start]:02x} is not UTF-8", here, help="a spec is UTF-8 text") from None
    return text


def parse(text: str, file: str) -> Map:
    """Return the mapping that a spec's text holds.

    Raises SpecError, with the place, for anything that is not one plain YAML mapping.
    """
    try:
        root = _Builder(file).build(text)
    except yaml.YAMLError as error:
        raise _reworded(error, text, file) from None
    if not isinstance(root, Map):
        start = root.location if root else Location(file, 1, 1)
        what = "empty" if root is None else "a list" if isinstance(root, Seq) else "a single value"
        raise problem(f"the file is {what}, not a mapping", start, help="a spec starts with `archprof: 1`")
    return root


def parse_value(text: str, origin: str) -> Node:
    """Return the node for one value, as typed behind `--set address=`; *origin* names its source in messages."""
    root = _Builder(origin).build_value(text)
    return root if root is not None else Scalar("", origin, 1, 1)


class _Builder:
    """Nodes from yaml's events, refusing on sight what a spec has no use for."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.nodes = 0

    def build_value(self, text: str) -> Node | None:
        try:
            return self.build(text)
        except yaml.YAMLError as error:
            raise _reworded(error, text, self.file) from None

    def build(self, text: str) -> Node | None:
        root: Node | None = None
        # Open collections, each as [event, children]; a mapping's children alternate keys and values.
        stack: list[tuple[Any, list[Node]]] = []
        for event in yaml.parse(text, _Loader):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._check(event)
                mark = event.start_mark
                node: Node = Scalar(event.value, self.file, mark.line + 1, mark.column + 1)
            elif kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
                self._check(event)
                stack.append((event, []))
                if len(stack) > MAX_DEPTH:
                    raise self._refused(event, f"more than {MAX_DEPTH} levels of nesting, the limit of a spec")
                continue
            elif kind is yaml.SequenceEndEvent or kind is yaml.MappingEndEvent:
                start, children = stack.pop()
                mark = start.start_mark
                place = (self.file, mark.line + 1, mark.column + 1)
                node = Seq(tuple(children), *place) if kind is yaml.SequenceEndEvent else Map(self._entries(children), *place)
            elif kind is yaml.AliasEvent:
                raise self._refused(event, f"alias `*{event.anchor}`: a spec has no aliases", "write the value out, or use `extends`")
            elif kind is yaml.DocumentStartEvent and root is not None:
                raise self._refused(event, "a second document: a file holds one spec", "put it into a file of its own")
            else:
                continue
            if stack:
                stack[-1][1].append(node)
            else:
                root = node
        return root

    def _check(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refused(event, f"more than {MAX_NODES:,} values, the limit of a spec")
        if event.anchor is not None:
            raise self._refused(event, f"anchor `&{event.anchor}`: a spec has no anchors", "write the value out, or use `extends`")
        if event.tag is not None:
            raise self._refused(event, f"tag `{shorten(event.tag)}`: a spec is plain data", "remove the tag")

    def _entries(self, children: list[Node]) -> dict[str, tuple[Scalar, Node]]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise problem("a key must be a word, not a list or mapping", key.location)
            if key.text == "<<":
                raise problem("merge key `<<`: a spec has no merge keys", key.location, help="write the entries out, or use `extends`")
            if key.text in entries:
                first = entries[key.text][0].line
                raise problem(f"duplicate key `{shorten(key.text)}`", key.location, note=f"it stands in line {first} already")
            entries[key.text] = (key, value)
        return entries

    def _refused(self, event: Any, message: str, help: str = "") -> SpecError:
        mark = event.start_mark
        return problem(message, Location(self.file, mark.line + 1, mark.column + 1), help=help)


def _reworded(error: yaml.YAMLError, text: str, file: str) -> SpecError:
    """Say what the YAML parser met, by looking at the line it stopped at: its own messages depend on which parser runs."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        position = getattr(error, "position", 0)
        before = text[: position if isinstance(position, int) else 0]
        where = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        return problem("a character that YAML does not allow", where, help="a spec is plain text; remove control characters")
    lines = text.splitlines() or [""]
    number = min(mark.line, len(lines) - 1)
    line = lines[number]
    where = Location(file, mark.line + 1, mark.column + 1)
    return problem("this is not valid YAML", where, help=_yaml_help(line, lines[:number], mark.column))


def _yaml_help(line: str, above: list[str], column: int) -> str:
    import re

    if "\t" in line[: column + 1] or any(previous.lstrip(" ").startswith("\t") for previous in [line, *above[-1:]]):
        return "indent with spaces: YAML does not allow tabs"
    if re.search(r"[\[,]\s*-\s+[,\]]", line) or re.search(r"[\[,]\s*-\s*$", line):
        return "a dash for *none* stands right before its comma: `[1, -, 2]`, not `[1, - , 2]`"
    if re.search(r"[\[{,]\s*[\w.]+\[\d", line):
        return 'quote an address inside brackets: `"layers[1].rows[2].k"`'
    if re.search(r"[%@`]", line[column : column + 1]):
        return f"quote a value that starts with `{line[column]}`"
    if line.count("[") != line.count("]") or line.count("{") != line.count("}"):
        return "a bracket is not closed, or closed twice"
    if line.count(": ") > 1 and "{" not in line:
        return "two colons in a line: put the mapping in braces, or quote the text"
    return "check the indentation and the brackets here and in the line above"
