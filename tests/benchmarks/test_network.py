"""How long a built network runs, as a ratio to its own layers called one after the other by hand."""

import time

import pytest

torch = pytest.importorskip("torch")

import archprof  # noqa: E402

NETWORK = "mobilenet_v1"  # has no branches, so that its layers in a row are the network


def test_running(note):
    torch.set_num_threads(1)
    graph = archprof.expand(NETWORK)
    network = archprof.build(NETWORK).eval()
    layers = [network.get_submodule(node.path) for node in graph.nodes]
    x = torch.zeros(1, 3, 32, 32)

    def by_hand():
        y = x
        for layer in layers:
            y = layer(y)

    runs = {"network": lambda: network(x), "by hand": by_hand}
    taken = dict.fromkeys(runs, float("inf"))
    with torch.no_grad():
        for _ in range(200):
            for name, run in runs.items():
                begin = time.perf_counter()
                run()
                taken[name] = min(taken[name], time.perf_counter() - begin)
    ratio = taken["network"] / taken["by hand"]
    note(f"running {NETWORK} at 32×32", f"{ratio:.2f} × its layers in a row", "≤ 1.15 ×")
    assert ratio <= 1.15
