"""The float32 approximations, and the exact float64 forms."""

import numpy as np
import pytest
from numba import njit

from streamrnn.activations import sigmoid, tanh


@njit
def _apply(x, out_tanh, out_sigmoid):
    for i in range(x.size):
        out_tanh[i] = tanh(x[i])
        out_sigmoid[i] = sigmoid(x[i])


@pytest.mark.parametrize(("dtype", "error"), [("float32", 4e-7), ("float64", 1e-15)])
def test_error_is_within_what_is_promised(dtype, error):
    x = np.linspace(-30, 30, 600_001).astype(dtype)
    squashed, gate = np.empty_like(x), np.empty_like(x)
    _apply(x, squashed, gate)
    exact = x.astype(float)
    assert np.abs(squashed - np.tanh(exact)).max() < error
    assert np.abs(gate - 1 / (1 + np.exp(-exact))).max() < error
    assert np.abs(squashed).max() <= 1
    assert gate.min() >= 0
    assert gate.max() <= 1


@pytest.mark.interpreted
def test_extremes_are_finite():
    for real in (np.float32, np.float64):
        assert tanh(real(1e30)) == pytest.approx(1, abs=1e-6)
        assert sigmoid(real(-1e30)) == pytest.approx(0, abs=1e-6)
