"""YAML text → nodes. Nothing that a text contains can crash, hang or surprise: limits first, then events, then our own
words for what is wrong."""

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import yaml

from archprof.errors import Location, Problems, SpecError, problem
from archprof.inputs import read_bytes, remember, shown_name
from archprof.limits import MAX_BYTES, MAX_DEPTH, MAX_NODES
from archprof.spec import catalog
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe, shorten

# The C parser and the pure one give the same marks; only wheels without libyaml lack the first.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_made = tuple.__new__

# What YAML 1.1 does not allow (section 5.1), and the mark that its parsers would skip.
_FORBIDDEN = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
# What an escape in quotes may still spell, and no text in UTF-8 nor the name of a file has.
_NO_TEXT = "[\0\ud800-\udfff]"
# What no printer prints, and every text may have.
_BLANKS = str.maketrans("", "", "\n\r\t")


def read_file(path: str) -> str:
    """Return the text of a spec file; `-` is standard input, `git:REV:path` a file at a revision.

    Raises SpecError when the file is missing, unreadable, too large or not UTF-8 text, and for what holds a graph.
    """
    if catalog.is_lock(path) or catalog.is_program(path) or catalog.is_onnx(path):
        kind = "a lock" if catalog.is_lock(path) else "an ONNX file"
        kind = "a program of torch.export" if catalog.is_program(path) else kind
        more = "" if catalog.is_lock(path) else ", `lock`"
        takers = f"`summary`, `compare`, `diff`, `explain`, `draw`, `memory`, `latency`, `report`{more} and `check`"
        advice = f"{takers} take it; the rest needs a block table"
        raise problem(f"`{shown_name(path)}` is {kind}, not a spec", help=advice)
    try:
        if catalog.is_git(path):
            from archprof.spec.git import read_blob  # which loads what reads objects

            data = read_blob(path)
        elif path == "-":
            path = "<stdin>"
            data = _standard_input()
        else:
            data = read_bytes(path, MAX_BYTES + 1)
    except FileNotFoundError:
        raise problem(f"no such file: `{path}`", help=_without_suffix(path)) from None
    except IsADirectoryError:
        raise problem(f"`{path}` is a directory, not a spec", help="name a file in it, such as `my_net.yaml`") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise problem(f"cannot read `{path}`: {reason.lower()}") from None
    return decode(data, path)


def _without_suffix(path: str) -> str:
    """Return that a network of the catalog is called as a missing file is, or nothing."""
    name = os.path.splitext(os.path.basename(path))[0]
    return f"`{name}` is in the catalog, by its name alone" if name in dict(catalog.spellings()) else ""


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise problem("standard input is closed", help="give it a spec: `archprof summary - <my_net.yaml`")
    with suppress(OSError, ValueError):  # a test's standard input has no number
        remember(sys.stdin.fileno())
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def decode(data: bytes, file: str) -> str:
    """Return *data* as text, strictly UTF-8.

    Raises SpecError for more than 1 MiB, another encoding, or bytes that are no text.
    """
    start = Location(file, 1, 1)
    if len(data) > MAX_BYTES:
        raise problem("the file is larger than 1 MiB, the limit of a spec", start, help="is this really a spec?")
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        raise problem(
            "the file starts with a byte-order mark", start, help="save it as UTF-8 without a byte-order mark"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        here = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise problem(f"byte 0x{data[error.start]:02x} is not UTF-8", here, help="a spec is UTF-8 text") from None
    return text


def parse(text: str, file: str, form: str = "a spec starts with `archprof: 1`") -> Map:
    """Return the mapping that a spec's text holds; *form* is told of a text that holds none.

    Raises SpecError, with the place, for anything that is not one plain YAML mapping.
    """
    root = _Builder(file).build(text)
    if not isinstance(root, Map):
        start = root.location if root else Location(file, 1, 1)
        what = "empty" if root is None else "a list" if isinstance(root, Seq) else "a single value"
        raise problem(f"the file is {what}, not a mapping", start, help=form)
    return root


def parse_value(text: str, place: Location) -> Node:
    """Return the node for one value, as typed behind `--set address=`; every part of it stands at *place*.

    Raises SpecError for what is not plain YAML.
    """
    if text == "-":  # none, as in a cell; YAML would read a list of nothing
        return Scalar(text, *place)
    root = _Builder(place.file, place).build(text)
    return root if root is not None else Scalar("", *place)


def _search(forbidden: str, text: str) -> re.Match[str] | None:
    """Return the first of some characters that cannot be printed; such patterns are compiled for a text that may have
    one, which hardly any has."""
    if text.isprintable() or text.translate(_BLANKS).isprintable():
        return None
    return re.search(forbidden, text)


class _Builder:
    """Nodes from yaml's events, refusing on sight what a spec has no use for."""

    def __init__(self, file: str, place: Location | None = None) -> None:
        self.file = file
        self.place = place
        self.nodes = 0
        self.problems = Problems()

    def build(self, text: str) -> Node | None:
        """Return the node of a text, None where it is empty."""
        if found := _search(_FORBIDDEN, text):
            place = self._location(
                text.count("\n", 0, found.start()), found.start() - text.rfind("\n", 0, found.start()) - 1
            )
            raise problem(
                f"a character that YAML does not allow: {ascii(found[0])[1:-1]}",
                place,
                help="a spec is plain text; remove it",
            )
        try:
            root = self._root(text)
        except yaml.YAMLError as error:
            raise self._reworded(error, text) from None
        self.problems.raise_any()
        return root

    def _root(self, text: str) -> Node | None:
        root: Node | None = None
        # Open collections, each with its children; a mapping's children alternate keys and values.
        stack: list[tuple[Any, list[Node]]] = []
        event: Any
        for event in yaml.parse(text, _Loader):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._check(event)
                if found := _search(_NO_TEXT, event.value):
                    message = f"a character that no text has: {ascii(found[0])[1:-1]}"
                    raise self._refused(event, message, "a spec is plain text; remove it")
                mark = event.start_mark
                place = self.place or (self.file, mark.line + 1, mark.column + 1)
                # As `Scalar(…)`, without the function that names arguments: most nodes are such.
                node: Node = _made(Scalar, (event.value, *place, None))
            elif kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
                self._check(event)
                stack.append((event, []))
                if len(stack) > MAX_DEPTH:
                    raise self._refused(event, f"more than {MAX_DEPTH} levels of nesting, the limit of a spec")
                continue
            elif kind is yaml.SequenceEndEvent or kind is yaml.MappingEndEvent:
                start, children = stack.pop()
                place = self._at(start)
                node = (
                    Seq(tuple(children), *place)
                    if kind is yaml.SequenceEndEvent
                    else Map(self._entries(children), *place)
                )
            elif kind is yaml.AliasEvent:
                raise self._refused(
                    event,
                    f"alias `*{shorten(event.anchor)}`: a spec has no aliases",
                    "write the value out, or use `extends`",
                )
            elif kind is yaml.DocumentStartEvent and root is not None:
                raise self._refused(event, "a second document: a file holds one spec", "put it into a file of its own")
            else:
                continue
            if stack:
                stack[-1][1].append(node)
            else:
                root = node
        return root

    def _at(self, event: Any) -> Location:
        mark = event.start_mark
        return self.place or Location(self.file, mark.line + 1, mark.column + 1)

    def _location(self, line: int, column: int) -> Location:
        return self.place or Location(self.file, line + 1, column + 1)

    def _check(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refused(event, f"more than {MAX_NODES:,} values, the limit of a spec")
        if event.anchor is not None:
            raise self._refused(
                event,
                f"anchor `&{shorten(event.anchor)}`: a spec has no anchors",
                "write the value out, or use `extends`",
            )
        if event.tag is not None:
            raise self._refused(event, f"tag `{shorten(event.tag)}`: a spec is plain data", "remove the tag")

    def _entries(self, children: list[Node]) -> dict[str, tuple[Scalar, Node]]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if isinstance(key, Scalar) and key.text not in entries and key.text not in ("", "<<"):
                entries[key.text] = (key, value)
            else:
                with self.problems:
                    raise self._bad_key(key, entries)
        return entries

    def _bad_key(self, key: Node, entries: Mapping[str, tuple[Scalar, Node]]) -> SpecError:
        if not isinstance(key, Scalar) or not key.text:
            return problem(
                f"a key must be a word, not {describe(key)}",
                key.location,
                help="quote text that looks like a list or mapping",
            )
        if key.text == "<<":
            return problem(
                "merge key `<<`: a spec has no merge keys", key.location, help="write the entries out, or use `extends`"
            )
        first = entries[key.text][0].line
        return problem(
            f"duplicate key `{shorten(key.text)}`",
            key.location,
            note=f"it stands in line {first} already" if first else "",
        )

    def _refused(self, event: Any, message: str, help: str = "") -> SpecError:
        return problem(message, self._at(event), help=help)

    def _reworded(self, error: yaml.YAMLError, text: str) -> SpecError:
        """Say what the YAML parser met, by looking at the line it stopped at: its own messages depend on which parser
        runs."""
        mark: Any = getattr(error, "problem_mark", None)
        opened: Any = getattr(error, "context_mark", None)
        if opened and mark.line > opened.line and text[opened.index : opened.index + 1] in ("[", "{"):
            help = "close it before the next line's list or mapping begins, or quote the text that it is part of"
            return problem("a bracket that is not closed", self._location(opened.line, opened.column), help=help)
        line, column = (mark.line, mark.column) if mark else (0, 0)
        # Only these end a line for YAML 1.1; `splitlines` knows more.
        lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
        number = min(line, len(lines) - 1)
        return problem(
            "this is not valid YAML",
            self._location(line, column),
            help=_yaml_help(lines[number], lines[:number], column),
        )


def _yaml_help(line: str, above: list[str], column: int) -> str:
    if "\t" in line[: column + 1] or any(previous.lstrip(" ").startswith("\t") for previous in [line, *above[-1:]]):
        return "indent with spaces: YAML does not allow tabs"
    if re.search(r"[\[,]\s*-\s+[,\]]", line) or re.search(r"[\[,]\s*-\s*$", line):
        return "a dash for *none* stands right before its comma: `[1, -, 2]`, not `[1, - , 2]`"
    if re.search(r"[\[{,:]\s*[\w.]+\[\d", line):
        return 'quote an address inside brackets: `"layers[1].rows[2].k"`'
    if re.match("[%@`]", line[column : column + 1]):
        return f"quote a value that starts with `{line[column]}`"
    if line.count("[") != line.count("]") or line.count("{") != line.count("}"):
        return "a bracket is not closed, or closed twice"
    if line.count(": ") > 1 and "{" not in line:
        return "two colons in a line: put the mapping in braces, or quote the text"
    return "check the indentation and the brackets here and in the line above"
