"""The caching allocator of torch: which segments it takes, which blocks it gives again, and when it has no room."""

import pytest

import archprof
from archprof.allocation.caching import CachingAllocator, OutOfMemory, has_room
from archprof.allocation.report import analyze_memory
from archprof.ir.setup import Setup

MIB = 1 << 20
ENDLESS = 1 << 60


def taken(*sizes, limit=ENDLESS):
    allocator = CachingAllocator(limit)
    return allocator, [allocator.take(size) for size in sizes]


@pytest.mark.parametrize(
    ("sizes", "reserved"),
    [
        ([1], 2 * MIB),
        ([MIB], 2 * MIB), ([MIB, MIB], 2 * MIB), ([MIB, MIB, 1], 4 * MIB),
        # 4,096 blocks of 512 bytes fill a small segment.
        ([512] * 4096, 2 * MIB), ([512] * 4097, 4 * MIB), ([513] * 2048, 2 * MIB), ([513] * 2049, 4 * MIB),
        ([MIB + 1], 20 * MIB), ([5 * MIB] * 4, 20 * MIB), ([10 * MIB - 512], 20 * MIB), ([9 * MIB] * 3, 40 * MIB),
        ([10 * MIB], 10 * MIB), ([11 * MIB], 12 * MIB), ([100 * MIB + 1], 102 * MIB),
        # What is left of a large segment is given where it is more than a MiB: of 20 here 2, then of 12 here 1.
        ([9 * MIB, 9 * MIB, 2 * MIB], 20 * MIB), ([11 * MIB, MIB + 512], 32 * MIB),
    ],
)  # fmt: skip
def test_segments(sizes, reserved):
    assert taken(*sizes)[0].reserved == reserved


def test_the_smallest_block_that_is_free_is_given_again():
    allocator, (large, _, medium) = taken(40 * MIB, 12 * MIB, 30 * MIB)
    allocator.give(large)
    allocator.give(medium)
    assert allocator.take(29 * MIB).size == 30 * MIB  # one MiB of it is not cut off
    assert allocator.take(29 * MIB).size == 29 * MIB
    assert allocator.take(11 * MIB).size == 11 * MIB  # what is left of 40
    assert allocator.reserved == (40 + 12 + 30) * MIB


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_free_neighbours_become_one_block(order):
    allocator, blocks = taken(5 * MIB, 6 * MIB, 9 * MIB)
    for index in order:
        allocator.give(blocks[index])
    assert allocator.take(20 * MIB).size == allocator.reserved == 20 * MIB


def test_segments_that_are_free_are_let_go_where_there_is_no_room():
    allocator, (first, _) = taken(60 * MIB, 40 * MIB, limit=100 * MIB)
    allocator.give(first)
    allocator.take(20 * MIB)
    with pytest.raises(OutOfMemory):
        allocator.take(50 * MIB)  # 40 are free, in one piece, beside the 20
    allocator, (first, _) = taken(60 * MIB, 30 * MIB, limit=100 * MIB)
    allocator.give(first)
    assert allocator.take(70 * MIB).size == allocator.reserved - 30 * MIB == 70 * MIB


@pytest.mark.parametrize(("train", "small"), [("sgd", 1), ("momentum", 1), ("adamw", 2)])
def test_room_for_a_step_of_training(train, small):
    """Of LeNet-5 all is small: no tensor of a step has a MiB, but what cuBLAS has for itself. Of 246,824 bytes of
    parameters there are two copies, three and, of AdamW, four and for a moment five, and there may be five times the
    193,200 bytes of a convolution beside them: more than a segment has then in one piece."""
    report = analyze_memory(archprof.expand("lenet5"), Setup(train=train))
    limit = (32 + 2 * small) * MIB
    assert has_room(report, limit)
    assert not has_room(report, limit - 1)
