"""Which module makes each call of an exported program, as torch.export noted it beside the call."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from archprof.captures.calls import Dispatched
from archprof.ir.graph import ModuleClass
from archprof.json_fields import Refused, text
from archprof.named_tuple import NamedTuple

# Of a module that runs nothing itself, no class is noted.
_UNNOTED = "Module"


class Stand(NamedTuple):
    """Where a call stands: the path of its module, and a text that tells the calls of that module apart."""

    path: str = ""
    call: str = ""


class Modules:
    """The modules of a program, as far as its calls tell."""

    def __init__(self) -> None:
        self.classes: dict[str, str] = defaultdict(lambda: _UNNOTED)
        self._stands: dict[str, Stand] = {}
        self._entries: dict[str, Stand] = {}

    def stand(self, stack: object, outer: Stand) -> Stand:
        """Return where a call stands that has this note; one without a note stands where the call around it does.

        A note is `key,path,class` of each module, from the outermost to the innermost: `L__self__,,net.Net`,
        `L__self__head@1,head,torch.nn.modules.linear.Linear` for the second call. Raises Refused for any other.
        """
        if not isinstance(stack, str) or not stack or stack.startswith("_empty_nn_module_stack"):
            return outer
        if stack not in self._stands:
            for entry in stack.split(";"):
                if entry not in self._entries:
                    self._entries[entry] = self._noted(entry)
                self._stands[stack] = self._entries[entry]
        return self._stands[stack]

    def _noted(self, entry: str) -> Stand:
        key, _, rest = entry.partition(",")
        path, sign, kind = rest.partition(",")
        if not sign:
            raise Refused("`nn_module_stack`: a module without a class")
        self.classes[path] = text(kind)
        return Stand(text(path), key)

    def known(self) -> Mapping[str, ModuleClass]:
        """Return the classes of the modules by path; of one of which nothing is noted, that it is a module."""
        holders = {path.rpartition(".")[0] for path in self.classes if path}
        known = {path: _class(name, holds=path in holders) for path, name in self.classes.items()}
        return defaultdict(lambda: ModuleClass(_UNNOTED), known)


def _class(name: str, *, holds: bool) -> ModuleClass:
    """Return a class; of one that is not torch's own, what it is made from is not noted."""
    if not name.startswith("torch.nn."):
        return ModuleClass(name, holds=holds)
    short = name.rpartition(".")[2]
    return ModuleClass(f"nn.{short}", short, holds)


def placed(
    calls: Sequence[Dispatched], stands: Sequence[Stand], modules: Modules, tied: Mapping[str, str]
) -> Iterator[Dispatched]:
    """Yield calls with their modules, and which call of the module each belongs to."""
    aliases = _aliases(modules, tied)
    visits: dict[str, dict[str, int]] = defaultdict(dict)
    for call, stand in zip(calls, stands, strict=True):
        path = _resolved(stand.path, aliases)
        visit = visits[path].setdefault(stand.call, len(visits[path]) + 1)
        yield Dispatched(call.target, path, modules.classes[path].rpartition(".")[2], visit, *call[4:])


def _resolved(path: str, aliases: Mapping[str, str]) -> str:
    """Return the first path of a module that has several, or is in one that has."""
    at = 0 if aliases else -1
    while at >= 0:
        at = path.find(".", at + 1)
        prefix = path[:at] if at >= 0 else path
        if prefix in aliases:
            return aliases[prefix] + path[len(prefix) :]
    return path


def _aliases(modules: Modules, tied: Mapping[str, str]) -> dict[str, str]:
    """Return modules that are other modules by another path: of the same class, with all parameters tied to the
    other's."""
    if all(name == first for name, first in tied.items()):
        return {}
    below: dict[str, list[str]] = defaultdict(list)
    for name in tied:
        at = name.find(".")
        while at >= 0:
            below[name[:at]].append(name)
            at = name.find(".", at + 1)
    aliases = {}
    for path, names in below.items():
        rest = names[0][len(path) :]
        other = tied[names[0]].removesuffix(rest)
        same = all(tied[name] == other + name[len(path) :] for name in names)
        kind = modules.classes.get(path)
        if other != path and same and kind is not None and kind == modules.classes.get(other):
            aliases[path] = other
    return aliases
