"""What MobileNetV3's paper prints of segmentation and detection, beyond convolutions: an h-swish as two operations for
each element, a sum and a score as one, explain Table 7 but for two rows, and Table 6 but for one."""

from math import prod

import pytest

from archprof.costs.report import analyze_graph
from archprof.language.expand import read_network
from archprof.spec.printed_number import parse_printed, verdict

LOW = 129 * 257 * 19  # positions of the finer map at 1025x2049, times classes
SCORES = 1025 * 2049 * 19


def operations(name: str) -> int:
    """Return MACs, with two operations for each element that an h-swish gives, and one for each of a sum."""
    graph = read_network(name)
    elements = {"hardswish": 2, "add": 1}
    more = sum(elements.get(node.op.name, 0) * prod(node.outputs[0].shape) for node in graph.nodes)
    return int(analyze_graph(graph).totals.macs + more)


def printed(counted: int, text: str) -> bool:
    return verdict(counted, parse_printed(text), noted=False) == "equal"


# How many channels more TF DeepLab's finer map has, which it takes behind the depthwise convolution of its block.
SEGMENTATION = [
    ("lraspp_mobilenet_v3_large_paper@resolution=1025x2049", 120 - 40, "9.74G"),
    ("lraspp_mobilenet_v3_large_paper@filters=256,resolution=1025x2049", 120 - 40, "10.33G"),
    ("lraspp_mobilenet_v3_small_paper@resolution=1025x2049", 88 - 24, "2.90G"),
    ("lraspp_mobilenet_v2@resolution=1025x2049", 192 - 32, "12.83G"),
    ("lraspp_mobilenet_v2@filters=128,resolution=1025x2049", 192 - 32, "12.57G"),
    ("lraspp_mobilenet_v2@filters=128,width=0.5,resolution=1025x2049", 96 - 16, "4.00G"),
    ("lraspp_mobilenet_v2@filters=128,width=0.35,resolution=1025x2049", 96 - 16, "2.54G"),
    ("raspp_mobilenet_v3_large@rf2=true,resolution=1025x2049", 0, "11.24G"),
    ("raspp_mobilenet_v2@rf2=true,resolution=1025x2049", 0, "13.68G"),
]


@pytest.mark.parametrize(("name", "finer", "text"), SEGMENTATION)
def test_segmentation_is_what_the_paper_prints(name, finer, text):
    assert printed(operations(name) + finer * LOW + SCORES, text)


@pytest.mark.parametrize(
    ("name", "text", "missing"),
    [("raspp_mobilenet_v3_large", "18.43G", 17_000_000), ("raspp_mobilenet_v2", "21.29G", 6_000_000)],
)
def test_two_rows_with_all_channels_have_a_rest(name, text, missing):
    counted = operations(f"{name}@resolution=1025x2049") + SCORES
    assert not printed(counted, text)
    assert printed(counted + missing, text)  # at most 5 million more or less


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ssdlite_mobilenet_v3_large", "0.62G"),
        ("ssdlite_mobilenet_v3_large@tail=80", "0.51G"),
        ("ssdlite_mobilenet_v3_small", "0.21G"),
        ("ssdlite_mobilenet_v1@classes=81", "1.3G"),
        ("ssdlite_mobilenet_v2@classes=81", "0.8G"),
    ],
)
def test_detection_is_what_the_papers_print(name, text):
    assert printed(operations(name), text)


def test_the_smallest_detector_fits_without_them():
    """0.165G with h-swish and sums, of which 0.16G is the whole digits; 0.162G without."""
    name = "ssdlite_mobilenet_v3_small@tail=48"
    assert verdict(operations(name), parse_printed("0.16G"), noted=False) == "truncated"
    assert printed(analyze_graph(read_network(name)).totals.macs, "0.16G")
