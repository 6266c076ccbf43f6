"""A device made up for tests, whose times are arithmetic: each kernel was measured, or moves a byte in 10⁻⁶ µs."""

from archprof.devices.kernels import Kernel
from archprof.devices.profile import (
    BatchFit,
    Ceilings,
    DeviceSetup,
    KindFit,
    MeasuredNetwork,
    NetworkTerms,
    Profile,
)

# A network of a depthwise convolution, a norm and ReLU on 4 channels of 8×8, and its kernels.
SPEC = """
archprof: 1
input: 4x8x8
layers:
  - conv2d: {c: 4, k: 3, g: depthwise, bias: false}
  - batch_norm
  - relu
"""
DEPTHWISE = Kernel("depthwise", (4, 4, 3, 3, 1, 1, 4, 0, 8, 8, 8, 8))
NORM = Kernel("batch_norm", (4, 64))
RELU = Kernel("relu", (256,))
# Nothing is cold, nothing is copied.
TERMS = NetworkTerms(1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 20.0)


def made_up(points=None, kinds=None, **changes):
    """Return the profile of a device on which kernels take what *points* say, others what the fits of *kinds* do."""
    points = {DEPTHWISE: 7.0, NORM: 5.0, RELU: 2.0} if points is None else points
    profile = Profile(
        "toy",
        {"hardware": "Toy 1", "driver": "1"},
        DeviceSetup("fp16", "channels_last", "torch", "graph"),
        (1, 8),
        Ceilings(1000.0, 2000.0, 1.0, 6.0),
        {kernel: {1: us, 8: 8 * us} for kernel, us in points.items()},
        (MeasuredNetwork("toy_net", {1: 14.0, 8: 112.0}, {1: 60.0}),),
        {batch: BatchFit(kinds or {}, TERMS, (0.1, 1.0)) for batch in (1, 8)},
    )
    return profile._replace(**changes)


# A byte moves in 10⁻⁶ µs behind an overhead of 3 µs, from a cache that holds everything.
MOVING = KindFit("moving", (3.0, 1e6, 1e6, 1e30), None, 0.2)
