"""Running standardisation against NumPy over the values so far."""

import math

import numpy as np
import pytest

from streamrnn.scaling import (
    keep_and_scale_target,
    keep_inputs,
    scale_inputs,
    unscale,
)

pytestmark = pytest.mark.interpreted


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_inputs_are_standardised_by_everything_so_far(rng, offset):
    values = rng.normal(size=(50, 2)) * [1.0, 1e4] + offset
    moments, out = np.zeros((3, 2)), np.empty(2)
    for t in range(50):
        scale_inputs(values[t], moments, True, out)
        before = moments.copy()
        scale_inputs(values[t], moments, True, out)
        assert (before == moments).all(), "scaling must not keep anything"
        assert keep_inputs(values[t], moments, True) == 0
        seen = values[: t + 1]
        std = seen.std(axis=0)
        expected = np.where(std > 0, (values[t] - seen.mean(axis=0)) / np.where(std > 0, std, 1), 0)
        np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-9)


def test_a_spike_is_bounded_by_the_number_of_values():
    moments, out = np.zeros((3, 1)), np.empty(1)
    for value in (*np.linspace(0, 1, 99), 1e12):
        row = np.array([value])
        scale_inputs(row, moments, True, out)
        keep_inputs(row, moments, True)
    assert out[0] == pytest.approx(math.sqrt(99), rel=1e-6)


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf, 1e200])
def test_missing_values_become_zero_and_leave_no_trace(missing):
    moments, out = np.zeros((3, 2)), np.empty(2)
    for row in ([1.0, 2.0], [3.0, 2.5]):
        keep_inputs(np.array(row), moments, True)
    before = moments.copy()
    row = np.array([missing, 3.0])
    scale_inputs(row, moments, True, out)
    assert keep_inputs(row, moments, True) == 1
    assert out[0] == 0
    assert (moments[:, 0] == before[:, 0]).all()


def test_constants_are_zero():
    moments, out = np.zeros((3, 1)), np.empty(1)
    for _ in range(100):
        scale_inputs(np.array([1e6 + 0.1]), moments, True, out)
        keep_inputs(np.array([1e6 + 0.1]), moments, True)
        assert out[0] == 0


def test_target_is_scaled_and_comes_back(rng):
    values = rng.normal(size=30) * 7 - 3
    moments = np.zeros((3, 1))
    assert unscale(1.5, moments, 0) == 1.5
    for t, value in enumerate(values):
        scaled = keep_and_scale_target(value, moments, 0)
        seen = values[: t + 1]
        assert scaled == pytest.approx((value - seen.mean()) / (seen.std() or 1), abs=1e-12)
        assert unscale(scaled, moments, 0) == pytest.approx(value, abs=1e-12)
