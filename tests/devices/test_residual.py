"""The stored Gaussian process says what scikit-learn's does, one kernel at a time and many at once."""

import numpy
import pytest

from archprof.devices.profile import Residual
from archprof.devices.residual import evaluate

RANDOM = numpy.random.default_rng(0)
ROWS = RANDOM.uniform(0, 8, (40, 3))
LEFT = numpy.sin(ROWS.sum(axis=1)) / 5
CENTER, WIDE, LENGTHS = numpy.array([4.0, 4.0, 4.0]), numpy.array([2.0, 3.0, 2.5]), numpy.array([0.9, 1.5, 3.0])
VARIANCE, NOISE = 0.04, 0.002


@pytest.fixture(scope="module")
def process():
    # Not by whoever only collects: it takes seconds.
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    shape = ConstantKernel(VARIANCE) * RBF(LENGTHS) + WhiteKernel(NOISE)
    return GaussianProcessRegressor(shape, optimizer=None).fit((ROWS - CENTER) / WIDE, LEFT)


@pytest.fixture(scope="module")
def stored(process):
    points = (ROWS - CENTER) / (WIDE * LENGTHS)
    numbers = (
        tuple(CENTER.tolist()),
        tuple((WIDE * LENGTHS).tolist()),
        tuple(map(tuple, points.tolist())),
        tuple(process.alpha_.tolist()),
    )
    return Residual(VARIANCE, NOISE / VARIANCE, *numbers)


def test_it_is_the_process_of_scikit_learn(process, stored):
    asked = RANDOM.uniform(-2, 10, (25, 3))
    expected = process.predict((asked - CENTER) / WIDE)
    assert [evaluate(stored, tuple(map(float, one)))[0] for one in asked] == pytest.approx(expected, abs=1e-10)


def test_many_at_once_are_the_same_as_one(stored):
    asked = RANDOM.uniform(-2, 10, (25, 3))
    means, left = evaluate(stored, tuple(asked.T))
    alone = [evaluate(stored, tuple(map(float, one))) for one in asked]
    assert means == pytest.approx([mean for mean, _ in alone], abs=1e-10)
    assert left == pytest.approx([share for _, share in alone], abs=1e-9)


def test_nothing_is_left_beside_a_point_and_all_far_away(stored):
    assert evaluate(stored, tuple(map(float, ROWS[7])))[1] == pytest.approx(0, abs=1e-10)
    mean, left = evaluate(stored, (1000.0, 1000.0, 1000.0))
    assert (mean, left) == (0.0, 1.0)
