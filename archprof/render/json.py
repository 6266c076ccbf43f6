"""Results as JSON: one object a line where there are many, keys in a stable order, exact integers."""

import json
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from archprof.analysis.document import SCHEMA, entries, is_object, plain
from archprof.errors import escaped


def to_json(document: Any, page: object = None) -> str:
    """Return a result as a JSON text that reads and diffs well: lists of objects have one object a line, everything
    else stays short."""
    out, comma = StringIO(), ""
    out.write("{")
    for key, value in (("schema", SCHEMA), *entries(document)):
        if isinstance(value, list | tuple) and not is_object(value) and value and is_object(value[0]):
            out.write(f"{comma}\n  {json_text(key)}: [\n    ")
            out.writelines(f",\n    {text}" if number else text for number, text in enumerate(_texts(value)))
            out.write("\n  ]")
        else:
            out.write(f"{comma}\n  {json_text(key)}: {json_text(plain(value))}")
        comma = ","
    out.write("\n}\n")
    return out.getvalue()


def _texts(items: Iterable[Any]) -> Iterator[str]:
    """Yield each of many as JSON. As objects, all of them would take many times the memory of their text."""
    return (json_text(plain(item)) for item in items)


def json_text(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON that is printable: in strings, what a terminal or CI's runner would obey is escaped."""
    lines = json.dumps(value, ensure_ascii=False, indent=indent).split("\n")
    return "\n".join([escaped(line, _escape) for line in lines]).replace("##", r"#\u0023")


def _escape(char: str) -> str:
    code = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[low : low + 4]}" for low in range(0, len(code), 4))
