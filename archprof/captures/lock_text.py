"""A captured graph as a lock, JSON to be kept in git: a node a line, so that what changes in a network is what changes
in the file."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from archprof.errors import usage_error
from archprof.ir.graph import INPUT, Edge, Graph, Memory, Node
from archprof.ir.operators.base import Operator
from archprof.ir.operators.recorded import Recorded
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

SCHEMA = 1
# How an operator is run: as a module of torch's own, or by code as a function of torch.nn.functional, as another
# function or a method, as one that writes over its input, as an operator (`x + y`).
FORMS = ("module", "function", "method", "in place", "operator")


class Captured(NamedTuple):
    """How a network was captured: the model and the inputs as they are typed, by which versions, the library's empty
    where none made the model; *how* is on `meta` or `fake` tensors, or in a `real` run."""

    model: str
    inputs: tuple[str, ...]
    mode: str
    archprof: str
    torch: str
    library: str
    how: str = ""

    @property
    def versions(self) -> str:
        """Whose code it was, besides ours: `torch 2.13.0, timm 1.0.31`."""
        torch = f"torch {self.torch}" if self.torch else ""
        return ", ".join(filter(None, [torch, self.library]))


class Lock(NamedTuple):
    """A graph, how it was captured, and how the module runs while it trains, if that was captured too."""

    graph: Graph
    captured: Captured
    training: Graph | None = None


def lock_text(lock: Lock) -> str:
    """Return a lock as the text of its file. Raises UsageError for a graph of which two nodes have one name."""
    graph, captured, training = lock
    record = graph_record(graph)
    how = {key: value for key, value in captured._asdict().items() if key != "how" or value}
    parts = {"schema": SCHEMA, "captured": how, **record}
    if training is not None:
        parts["training"] = _beside(graph_record(training), record)
    return _object(parts) + "\n"


def _beside(record: dict[str, Any], evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return a graph's record beside that of evaluation: of calls that are the same there the name alone."""
    known = {node_name(node): node for node in evaluation["nodes"]}
    nodes = ((node_name(node), node) for node in record["nodes"])
    own = {key: value for key, value in record.items() if key != "modules"}  # a mode changes no class
    return {**own, "nodes": [name if known.get(name) == node else node for name, node in nodes]}


def node_name(record: Mapping[str, Any]) -> str:
    """Return what edges call a node, as `Node.id` does."""
    return f"{record['path']}#{record['call']}" if "call" in record else str(record["path"])


def _object(parts: Mapping[str, Any], indent: str = "") -> str:
    """Return an object with a line for each entry of what it holds."""
    shown = ",\n".join(f'{indent}  "{key}": {_part(key, value, f"{indent}  ")}' for key, value in parts.items())
    return f"{{\n{shown}\n{indent}}}"


def _part(key: str, value: Any, indent: str) -> str:
    if key == "training":
        return _object(value, indent)
    if not isinstance(value, dict | list):
        return _json(value)
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{indent}  {_json(one)}" for one in value) + f"\n{indent}]"
    entries = ",\n".join(f"{indent}  {_json(name)}: {_json(one)}" for name, one in value.items())
    return f"{{\n{entries}\n{indent}}}"


def graph_record(graph: Graph) -> dict[str, Any]:
    """Return a graph as it is written down. Raises UsageError where two of its nodes have one name."""
    ids = node_ids(graph)
    return {
        **({"single_batch": True} if graph.single_batch else {}),
        **({} if graph.storages == "recorded" else {"storages": False}),
        "inputs": {name: tensor_record(value) for name, value in graph.inputs.items()},
        "outputs": {name: edge_record(edge, ids) for name, edge in graph.outputs.items()},
        **({"modules": dict(class_records(graph))} if graph.modules else {}),
        "nodes": [_node(node, ids) for node in graph.nodes],
    }


def class_records(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield the class of each module, by path: `nn.Linear`; `net.Small(nn.Linear)`, with what it is made from;
    `nn.Linear ×2`, of one that stands in two places."""
    for path, (name, base, _, places) in graph.modules.items():
        made = f"{name}(nn.{base})" if base and name != f"nn.{base}" else name
        yield path, made if places == 1 else f"{made} ×{places}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def node_ids(graph: Graph) -> list[str]:
    """Return what edges call each node. Raises UsageError where two are called alike."""
    ids = [node.id for node in graph.nodes]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise usage_error(f"two calls are called `{twice}`", help="give the module a name without `#`")
    return ids


def _node(node: Node, ids: list[str]) -> dict[str, Any]:
    """Return a node; what most nodes have alike is left out."""
    record: dict[str, Any] = {"path": node.path}
    if node.call > 1:
        record["call"] = node.call
    record |= _operator(node.op)
    if node.form != "module":
        record["form"] = node.form
    record["inputs"] = [edge_record(edge, ids) for edge in node.inputs]
    record["outputs"] = [tensor_record(value) for value in node.outputs]
    record |= {"block": node.block, "block_type": node.block_type}
    if not node.trainable:
        record["trainable"] = False
    if node.frozen:
        record["frozen"] = sorted(node.frozen)
    if node.parameters:
        record["parameters"] = dict(node.parameters)
    if node.folds_norm:
        record["folds_norm"] = True
    if node.memory is not None:
        record |= {key: value for key, value in node.memory._asdict().items() if value != _PLAIN[key]}
    return record


# What is said of no call: that its outputs have storages of their own, and so on.
_PLAIN = Memory()._asdict()


def _operator(op: Operator) -> dict[str, Any]:
    """Return an operator of ours by its class and attributes, of which its costs are computed; any other by what was
    recorded."""
    if not isinstance(op, Recorded):
        return {"op": type(op).__name__, "attributes": {name: getattr(op, name) for name in op.__match_args__}}
    facts: Mapping[str, Any] = {
        "target": op.target,
        "kind": op.sort,
        "macs": op.multiplies if op.counted or op.multiplies else None,
        "parameters": dict(op.held),
        "buffers": dict(op.kept),
    }
    unusual: dict[str, Any] = {} if op.divides == 1 else {"divides": op.divides}
    if op.bounded:
        unusual["bounded"] = True
    if op.multiplies and not op.counted:  # so many at least, as of a single trip of a loop
        unusual["counted"] = False
    if op.puts_out is not None:
        unusual["activations"] = op.puts_out
    return {"recorded": {key: value for key, value in facts.items() if value != {}} | unusual}


def tensor_record(value: Value) -> dict[str, Any]:
    """Return a tensor, without what it is taken to be: channels and batch in front, of floats."""
    usual = Value((0,))._asdict()
    return {key: item for key, item in value._asdict().items() if key == "shape" or item != usual[key]}


def edge_record(edge: Edge, ids: list[str]) -> list[Any]:
    """Return an edge: a node by its name, or null for the graph itself, and which of its outputs or inputs."""
    return [None if edge.node == INPUT else ids[edge.node], edge.output]
