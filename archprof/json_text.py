"""JSON that anybody may have written, as values: what is wrong with it is told with its place."""

import json
from typing import Any

from archprof.errors import Location, Problem, UsageError
from archprof.named_tuple import NamedTuple


class FileKind(NamedTuple):
    """What sort of file it is, how large it may be, and what to do about one that is wrong."""

    name: str
    most: int
    advice: str


class JsonText:
    """A JSON file of which nothing is believed: a hand may have edited it, a merge mangled it."""

    def __init__(self, file: str, data: bytes, kind: FileKind) -> None:
        self._file = file
        self._data = data
        self._kind = kind
        self._text = ""

    def parse(self) -> Any:
        """Return what the file holds. Raises UsageError for what is no JSON, or leaves a reader in doubt."""
        name, most, _ = self._kind
        if len(self._data) > most:
            raise self.wrong(f"a {name} of more than {most >> 20} MiB")
        try:
            self._text = self._data.decode("utf-8")
            document = json.loads(self._text, object_pairs_hook=self._pairs, parse_constant=self._refused)
            if "\\ud" in self._text.lower():
                json.dumps(document, ensure_ascii=False).encode()
            return document
        except json.JSONDecodeError as error:
            message = f"this is not valid JSON: {error.msg.lower()}"
            raise self._located(message, Location(self._file, error.lineno, error.colno)) from None
        except UnicodeDecodeError:
            raise self.wrong("the file is not UTF-8 text") from None
        except UnicodeEncodeError as error:
            half = json.dumps(error.object[error.start])[1:-1]
            raise self.wrong(f"`{half}` is half of a character", half) from None
        except (RecursionError, ValueError) as error:  # int() limits its digits
            said = "nesting" if isinstance(error, RecursionError) else "a number of thousands of digits"
            raise self.wrong(f"this is no {name}: {said}") from None

    def wrong(self, message: str, near: str = "", where: str = "", behind: str = "") -> UsageError:
        """Return the error for something that stands where *near* first does, *behind* something else."""
        start = max(self._text.rfind(behind), 0) if behind else 0
        at = max(self._text.find(near, start), start) if near else 0
        line = self._text.count("\n", 0, at) + 1
        return self._located(
            message, Location(self._file, line, at - self._text.rfind("\n", 0, at) if at else 1), where
        )

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)  # a program has tens of thousands: the good case alone is fast
        if len(found) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise self.wrong(f"`{twice[:60]}` stands there twice", json.dumps(twice, ensure_ascii=False))
        return found

    def _refused(self, word: str) -> Any:
        raise self.wrong(f"{word} is no count", word)

    def _located(self, message: str, place: Location, where: str = "") -> UsageError:
        return UsageError([Problem(message, place, where, self._kind.advice)])
