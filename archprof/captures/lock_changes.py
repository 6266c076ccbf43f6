"""What differs between a lock and what is captured now, call by call."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from archprof.captures.lock_text import Lock, class_records, graph_record, node_ids, node_name
from archprof.ir.graph import Graph
from archprof.named_tuple import NamedTuple


class Changed(NamedTuple):
    """A call, or a part of the network, that is `added`, `removed`, `changed` or `moved`: its name, and the fields that
    differ, with what they were and are, as JSON; empty on the side that lacks them."""

    status: str
    name: str
    fields: Mapping[str, tuple[str, str]] = {}


def versions(before: Lock, now: Lock) -> list[str]:
    """Return whose versions are others: `torch 2.12.0, now 2.13.0`."""
    was, is_now = before.captured, now.captured
    found = []
    if was.library != is_now.library:
        found.append(_now(was.library or "no library", is_now.library or "no library"))
    for name in ("torch", "archprof"):
        old, new = getattr(was, name), getattr(is_now, name)
        if old != new:
            found.append(f"{name} {old}, now {new}")
    return found


def _now(was: str, is_now: str) -> str:
    """Return `timm 1.0.31, now 1.0.40`, the library once where it is the same one."""
    library = was.partition(" ")[0]
    return f"{was}, now {is_now.removeprefix(f'{library} ')}"


def changes(before: Lock, now: Lock) -> list[Changed]:
    """Return what differs, in the order of execution, then what does so in training alone; how the two were captured is
    no part of it."""
    found = _changes(before.graph, now.graph)
    if before.training is not None and now.training is not None:
        trained = [one for one in _changes(before.training, now.training) if one not in found]
        found += [one._replace(name=f"{one.name} in training") for one in trained]
    return found


def _changes(before: Graph, now: Graph) -> list[Changed]:
    old, new = _parts(before), _parts(now)
    found = [Changed("removed", name) for name in old if name not in new]
    for name, record in new.items():
        if name not in old:
            found.append(Changed("added", name))
        elif fields := dict(_fields(old[name], record)):
            found.append(Changed("changed", name, fields))
    # How long code holds what a call returns follows from the calls behind it: told where nothing else is.
    others = [one for one in map(_without_outlives, found) if one.status != "changed" or one.fields]
    return others or found or list(_moved(before, now)) or list(_classes(before, now))


def _without_outlives(change: Changed) -> Changed:
    return change._replace(fields={key: both for key, both in change.fields.items() if key != "outlives"})


def _classes(before: Graph, now: Graph) -> Iterator[Changed]:
    """Yield the modules whose classes are others, of networks whose calls are the same."""
    fields = dict(_fields(dict(class_records(before)), dict(class_records(now))))
    if fields:
        yield Changed("changed", "the modules", fields)


def _moved(before: Graph, now: Graph) -> Iterator[Changed]:
    """Yield the first call that is another one, of networks that have the same ones."""
    for old, new in zip(node_ids(before), node_ids(now), strict=True):
        if old != new:
            yield Changed("moved", new)
            return


def _parts(graph: Graph) -> dict[str, dict[str, Any]]:
    record = graph_record(graph)
    return {
        "the inputs": record["inputs"],
        "the batch": {"single": graph.single_batch},
        **{node_name(node): _flat(node) for node in record["nodes"]},
        "the outputs": record["outputs"],
    }


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's fields with those of its operator among them."""
    inner = record.get("attributes") or record.get("recorded") or {}
    return {**{key: value for key, value in record.items() if key not in ("attributes", "recorded")}, **inner}


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    for key in dict.fromkeys((*old, *new)):
        both = (_text(old, key), _text(new, key))
        if both[0] != both[1]:
            yield key, both


def _text(record: Mapping[str, Any], key: str) -> str:
    return json.dumps(record[key], ensure_ascii=False) if key in record else ""
