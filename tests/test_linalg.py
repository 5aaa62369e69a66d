"""The hand-written products against NumPy, for sizes that leave remainders in every block."""

import numpy as np
import pytest
from numba import njit

from streamrnn import linalg
from streamrnn.linalg import Alone


def _compiled(kernel):
    """Return a function that calls a kernel from compiled code; it is plain Python otherwise."""
    return njit(lambda *arguments: kernel(*arguments))


add_product = _compiled(linalg.add_product)
add_transposed_product = _compiled(linalg.add_transposed_product)
sum_of_outer_products = _compiled(linalg.sum_of_outer_products)
sum_of_rows = _compiled(linalg.sum_of_rows)
sum_of_squares = _compiled(linalg.sum_of_squares)

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
SIZES = [(1, 4, 1), (3, 5, 2), (8, 16, 4), (17, 12, 9), (33, 64, 32)]

pytestmark = pytest.mark.interpreted


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.mark.parametrize(("rows", "columns", "steps"), SIZES)
def test_products_equal_numpy(rng, dtype, rows, columns, steps):
    weights = rng.normal(size=(rows + 1, columns)).astype(dtype)
    values, deltas = rng.normal(size=rows).astype(dtype), rng.normal(size=columns).astype(dtype)
    out, back = rng.normal(size=columns + 2).astype(dtype), rng.normal(size=rows).astype(dtype)
    forward = out.astype(float)
    forward[:columns] += values.astype(float) @ weights[:rows]
    backward = back + weights[:rows].astype(float) @ deltas

    add_product(Alone(), weights, values, rows, out[:columns])
    add_transposed_product(Alone(), weights, deltas, rows, 0, back)

    np.testing.assert_allclose(out, forward, atol=TOLERANCE[dtype] * 10)
    np.testing.assert_allclose(back, backward, atol=TOLERANCE[dtype] * 10)


@pytest.mark.parametrize(("rows", "columns"), [(3, 7), (16, 24), (21, 1024), (9, 512)])
def test_transposed_product_in_either_direction(rng, dtype, rows, columns):
    """Bit by bit: the direction is for the cache only. Some rows are 4096 bytes long."""
    weights, deltas = rng.normal(size=(rows, columns)), rng.normal(size=columns)
    sums = [np.zeros(rows, dtype) for _ in range(2)]
    for turn, out in enumerate(sums):
        add_transposed_product(
            Alone(), weights.astype(dtype), deltas.astype(dtype), rows, turn, out
        )
    assert sums[0].tobytes() == sums[1].tobytes()
    np.testing.assert_allclose(sums[0], weights @ deltas, atol=TOLERANCE[dtype] * 100)


@pytest.mark.parametrize(("rows", "columns", "steps"), SIZES)
@pytest.mark.parametrize("first", [0, 3])
def test_weight_gradient_equals_numpy(rng, dtype, rows, columns, steps, first):
    inputs = rng.normal(size=(steps + 1, rows)).astype(dtype)
    deltas = rng.normal(size=(steps + 1, first + columns)).astype(dtype)
    out = np.full((rows, columns), np.nan, dtype)

    sum_of_outer_products(Alone(), inputs, deltas, first, steps, out)

    expected = inputs[:steps].T.astype(float) @ deltas[:steps, first:]
    np.testing.assert_allclose(out, expected, atol=TOLERANCE[dtype] * 10)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # interpreted, NumPy warns
def test_sum_of_squares_survives_overflow_and_shows_nan():
    assert sum_of_squares(Alone(), np.array([3.0, 4.0], "float32")) == 25.0
    large = np.full(10, 1e30, "float32")
    assert sum_of_squares(Alone(), large) == pytest.approx(1e61, rel=1e-6)
    assert np.isnan(sum_of_squares(Alone(), np.array([1.0, np.nan], "float32")))
    assert np.isinf(sum_of_squares(Alone(), np.array([1.0, np.inf], "float32")))


@pytest.mark.parametrize("n", [1, 4, 7])
@pytest.mark.parametrize("first", [0, 3])
def test_bias_gradient_equals_numpy(rng, dtype, n, first):
    deltas, out = rng.normal(size=(8, 12)).astype(dtype), np.ones(9, dtype)
    sum_of_rows(deltas, first, n, out)
    expected = deltas[:n, first : first + 9].astype(float).sum(axis=0)
    np.testing.assert_allclose(out, expected, atol=TOLERANCE[dtype] * 10)
