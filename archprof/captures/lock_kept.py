"""A lock written over an older one of the same network: what is not known here of the older one is kept."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from archprof.captures.lock import MAX_BYTES
from archprof.captures.lock_schema import lock_schema
from archprof.captures.lock_text import SCHEMA
from archprof.inputs import read_bytes
from archprof.outputs import goes_by, write_file

_CAPTURED = re.compile(r'(\n  "captured": \{\n.*?)(\n  \})', re.DOTALL)
_Record = Mapping[str, Any]


def write_lock(path: str, text: str) -> None:
    """Write a lock's text to a file, over an older lock if one stands there. Raises UsageError where it cannot be
    written."""
    older = b""
    if not goes_by(path):
        with suppress(OSError, ValueError):  # no such file, or none that can be read: it is written as it is
            older = read_bytes(path, MAX_BYTES)
    write_file(path, keeping(text, older), anew=True)


def keeping(text: str, older: bytes) -> str:
    """Return a lock's *text* with the fields of an older one that archprof does not write: those of the file, of how it
    was captured, and of each call that is as it was. What is no lock of this schema has none."""
    try:
        before = json.loads(older)
    except (ValueError, RecursionError):
        return text
    if not isinstance(before, dict) or before.get("schema") != SCHEMA:
        return text
    schema = lock_schema()
    known = schema["properties"]
    training = before.get("training")
    nodes = [*_records(before.get("nodes")), *_records(training.get("nodes") if isinstance(training, dict) else ())]
    text = _with_nodes(text, nodes, schema["$defs"]["node"]["properties"])
    captured = _unknown(before.get("captured"), known["captured"]["properties"])
    text = _CAPTURED.sub(lambda found: found[1] + _entries(captured, "    ") + found[2], text, count=1)
    return text.removesuffix("\n}\n") + _entries(_unknown(before, known), "  ") + "\n}\n"


def _unknown(record: Any, known: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in known} if isinstance(record, dict) else {}


def _entries(record: _Record, indent: str) -> str:
    return "".join(f",\n{indent}{_json(key)}: {_json(value)}" for key, value in record.items())


def _with_nodes(text: str, before: Iterable[_Record], known: Collection[str]) -> str:
    """Return a text whose lines of calls have what is not known of the same calls before."""
    kept = {_json(_known(record, known)): _unknown(record, known) for record in before}
    lines = text.split("\n")
    for place, line in enumerate(lines):
        record = line.strip().removesuffix(",")
        if record.startswith("{") and (more := kept.get(record)):
            lines[place] = line.replace(record, _json({**json.loads(record), **more}))
    return "\n".join(lines)


def _records(nodes: Any) -> Iterator[dict[str, Any]]:
    yield from (record for record in (nodes if isinstance(nodes, list) else ()) if isinstance(record, dict))


def _known(record: _Record, known: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key in known}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
