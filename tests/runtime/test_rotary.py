"""Rotary positions turn features as products with complex numbers do (Su et al. 2021, equation 13)."""

import pytest

from archprof.ir.operators.rotary import RotaryPositions

torch = pytest.importorskip("torch")

# Of nine positions in a row, or 3×3; of two heads with eight features each.
PLACES = torch.arange(9.0)
X = torch.randn(2, 9, 16, generator=torch.Generator().manual_seed(7))


def unit(places, pairs, base=10000.0):
    """Return complex numbers of length 1 for each place and pair of features."""
    return torch.polar(torch.ones(len(places), pairs), places[:, None] / base ** (torch.arange(pairs) / pairs))


def multiplied(x, by):
    """Return tokens of two heads whose neighbours are multiplied as real and imaginary part."""
    numbers = torch.view_as_complex(x.unflatten(2, (2, -1, 2)).contiguous())
    return torch.view_as_real(numbers * by[:, None]).flatten(2)


def turned(x, **options):
    return RotaryPositions(16, 2, **options).module()(x)


BOTH = torch.cat([unit(PLACES // 3, 2), unit(PLACES % 3, 2)], 1)


@pytest.mark.parametrize(
    ("options", "by"),
    [
        ({}, unit(PLACES, 4)),
        ({"base": 100}, unit(PLACES, 4, 100)),
        ({"sides": (3, 3)}, BOTH),
        ({"sides": (3, 3), "columns_first": True}, BOTH.roll(2, 1)),
        (
            {"sides": (3, 3), "reference": (6, 12)},
            torch.cat([unit(PLACES // 3 * 2, 2), unit(PLACES % 3 * 4, 2)], 1),
        ),
    ],
)
def test_neighbours_are_multiplied_by_a_complex_number(options, by):
    torch.testing.assert_close(turned(X, pairs="neighbours", **options), multiplied(X, by))


def test_halves_are_neighbours_in_another_order():
    order = torch.arange(8).unflatten(0, (4, 2)).t().flatten()
    order = torch.cat([order, order + 8])
    assert torch.equal(turned(X[..., order]), turned(X, pairs="neighbours")[..., order])


def test_what_is_skipped_stays():
    found = turned(X, skip=2)
    assert torch.equal(found[:, :2], X[:, :2])
    assert torch.equal(found[:, 2:], turned(X[:, 2:]))


def test_a_map_turns_as_its_tokens_do():
    found = turned(X.unflatten(1, (3, 3)), sides=(3, 3))
    assert torch.equal(found.flatten(1, 2), turned(X, sides=(3, 3)))


def test_products_hang_on_the_distance_alone():
    """Of a query and a key that are the same wherever they stand."""
    query, key = X[:, :1].expand(-1, 9, -1), X[:, 1:2].expand(-1, 9, -1)
    products = turned(query) @ turned(key).mT
    torch.testing.assert_close(products[:, 1:, 1:], products[:, :-1, :-1])
