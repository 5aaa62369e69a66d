"""Sums by one lane are those of NumPy."""

import numpy as np
import pytest

from streamrnn.lanes.sums import TILE, add_column, add_outer, add_products, add_spaced, write_tile


@pytest.mark.parametrize("step", [1, 3, 8])
@pytest.mark.parametrize(("first", "stop"), [(0, 0), (2, 2), (0, 1), (1, 12), (5, 40), (7, 64)])
def test_products(rng, first, stop, step):
    a, b = rng.normal(size=(2, 64))
    some = slice(first, stop, step)
    assert add_products(1.0, a, b, first, stop, step) == pytest.approx(1.0 + a[some] @ b[some])
    weights = rng.normal(size=(64, 5))
    found = add_column(1.0, a, weights.ravel(), 5, 3, first, stop, step)
    assert found == pytest.approx(1.0 + a[some] @ weights[some, 3])


@pytest.mark.parametrize("n", [0, 1, 7])
def test_over_steps(rng, n):
    inputs, deltas = rng.normal(size=(7, 12)), rng.normal(size=(7, 5))
    assert add_spaced(1.0, deltas.ravel(), 2, n, 5) == pytest.approx(1.0 + deltas[:n, 2].sum())
    found = add_outer(1.0, inputs.ravel(), 12, 9, deltas.ravel(), 5, 4, n)
    assert found == pytest.approx(1.0 + inputs[:n, 9] @ deltas[:n, 4])
    out = np.full((12, 3), np.nan)
    write_tile(inputs.ravel(), 12, 2, deltas.ravel(), 5, 4, n, out.ravel(), 2 * 3 + 1, 3)
    np.testing.assert_allclose(out[2 : 2 + TILE, 1], inputs[:n, 2 : 2 + TILE].T @ deltas[:n, 4])
    assert np.isnan(out).sum() == out.size - TILE
