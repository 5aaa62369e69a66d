"""Running standardisation against NumPy over the values so far."""

import math

import numpy as np
import pytest
from naive.online import Scaler

from streamrnn.scaling import (
    FOREVER,
    keep_and_scale_target,
    keep_inputs,
    scale_inputs,
    unscale,
)

pytestmark = pytest.mark.interpreted

#: No clip, and no end to the memory.
FOR_EVER = (math.inf, math.inf)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_inputs_are_standardised_by_everything_so_far(rng, offset):
    values = rng.normal(size=(50, 2)) * [1.0, 1e4] + offset
    moments, out = np.zeros((3, 2)), np.empty(2)
    for t in range(50):
        scale_inputs(values[t], moments, True, math.inf, out)
        before = moments.copy()
        scale_inputs(values[t], moments, True, math.inf, out)
        assert (before == moments).all(), "scaling must not keep anything"
        assert keep_inputs(values[t], moments, True, *FOR_EVER) == 0
        seen = values[: t + 1]
        std = seen.std(axis=0)
        expected = np.where(std > 0, (values[t] - seen.mean(axis=0)) / np.where(std > 0, std, 1), 0)
        np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-9)


def test_a_spike_is_bounded_by_the_number_of_values():
    moments, out = np.zeros((3, 1)), np.empty(1)
    for value in (*np.linspace(0, 1, 99), 1e12):
        row = np.array([value])
        scale_inputs(row, moments, True, math.inf, out)
        keep_inputs(row, moments, True, *FOR_EVER)
    assert out[0] == pytest.approx(math.sqrt(99), rel=1e-6)


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf, 1e200])
def test_missing_values_become_zero_and_leave_no_trace(missing):
    moments, out = np.zeros((3, 2)), np.empty(2)
    for row in ([1.0, 2.0], [3.0, 2.5]):
        keep_inputs(np.array(row), moments, True, *FOR_EVER)
    before = moments.copy()
    row = np.array([missing, 3.0])
    scale_inputs(row, moments, True, math.inf, out)
    assert keep_inputs(row, moments, True, *FOR_EVER) == 1
    assert out[0] == 0
    assert (moments[:, 0] == before[:, 0]).all()


def test_constants_are_zero():
    moments, out = np.zeros((3, 1)), np.empty(1)
    for _ in range(100):
        scale_inputs(np.array([1e6 + 0.1]), moments, True, math.inf, out)
        keep_inputs(np.array([1e6 + 0.1]), moments, True, *FOR_EVER)
        assert out[0] == 0


def test_target_is_scaled_and_comes_back(rng):
    values = rng.normal(size=30) * 7 - 3
    moments = np.zeros((3, 1))
    assert unscale(1.5, moments, 0, math.inf) == 1.5
    for t, value in enumerate(values):
        scaled = keep_and_scale_target(value, moments, 0, *FOR_EVER)
        seen = values[: t + 1]
        assert scaled == pytest.approx((value - seen.mean()) / (seen.std() or 1), abs=1e-12)
        assert unscale(scaled, moments, 0, math.inf) == pytest.approx(value, abs=1e-12)


# --- robust and forgetting: the slow twin keeps every value and its weight


def stream_with_everything(rng):
    """A level that changes, spikes alone and in a row, equal values at the start and later."""
    values = rng.normal(size=400) * 3 + 20
    values[150:] += 60.0
    values[rng.random(400) < 0.02] = 1e6
    values[250:256] = -9999.0
    values[300:304] = values[299]
    return values


@pytest.mark.parametrize("clip", [None, 1.5, 3.0, 10.0])
@pytest.mark.parametrize("memory", [None, 5, 60])
@pytest.mark.parametrize("start", ["noise", "spike", "second", "third", "constant", "two values"])
def test_robust_moments_are_those_of_weighted_values(rng, clip, memory, start):
    values = stream_with_everything(rng)
    if start in ("spike", "second", "third"):
        values[["spike", "second", "third"].index(start)] = -9999.0
    elif start != "noise":
        values[:50] = 20.0 if start == "constant" else np.arange(50) % 2
    twin = Scaler(clip, memory)
    words = [math.inf if word is None else word for word in (clip, memory)]
    moments, targets, out = np.zeros((3, 1)), np.zeros((3, 1)), np.empty(1)
    for value in values:
        expected = twin.scaled(value)
        scale_inputs(np.array([value]), moments, True, words[0], out)
        np.testing.assert_allclose(out[0], expected, rtol=1e-6, atol=1e-7)
        keep_inputs(np.array([value]), moments, True, *words)
        assert keep_and_scale_target(value, targets, 0, *words) == out[0]
        twin.keep(value)
        assert moments[0, 0] == pytest.approx(sum(twin.weights), rel=1e-6)
        assert unscale(1.0, moments, 0, math.inf) == pytest.approx(twin.restore(1.0), rel=1e-6)
        assert abs(out[0]) <= words[0]
        assert moments[0, 0] <= words[1] * (1 + 1e-12)
    assert (moments == targets).all()


def kept(values, clip=math.inf, memory=math.inf):
    """Mean and deviation after each value."""
    moments, found = np.zeros((3, 1)), []
    for value in values:
        keep_and_scale_target(value, moments, 0, clip, memory)
        mean = unscale(0.0, moments, 0, math.inf)
        found.append((mean, unscale(1.0, moments, 0, math.inf) - mean))
    return np.array(found).T


@pytest.mark.parametrize("clip", [3.0, 5.0, 10.0])
@pytest.mark.parametrize("at", [0, 1, 2, 30, 500])
def test_one_spike_leaves_the_moments_alone(rng, clip, at):
    values = rng.normal(size=1000)
    values[at] = 1e9
    mean, std = kept(values, clip)
    assert abs(mean[-1]) < 0.3
    assert 0.8 < std[-1] < 2.0
    assert kept(values)[1][-1] > 1e7


@pytest.mark.parametrize("clip", [3.0, 5.0])
def test_one_spike_in_a_hundred_leaves_them_near(rng, clip):
    values = rng.normal(size=5000)
    values[rng.random(5000) < 0.01] = 1e9
    mean, std = kept(values, clip)
    assert np.abs(mean[1000:]).max() < 1.0
    assert 0.8 < np.median(std[1000:]) < 1.5


@pytest.mark.parametrize("clip", [3.0, 5.0])
@pytest.mark.parametrize("change", [100.0, 1e4, 1e9])
def test_a_new_level_is_followed(rng, clip, change):
    values = rng.normal(size=2000)
    values[1000:] += change
    mean, std = kept(values, clip)
    assert np.abs(mean[1400:] - change).max() < 0.1 * change
    assert std[1300] > 0.1 * change
    slow, _ = kept(values)
    assert slow[1400] < 0.3 * change


def test_a_constant_that_begins_to_move_has_no_past(rng):
    moving = 5.0 + rng.normal(size=200)
    of_both, alone = (np.array(kept(v, 5.0)) for v in (np.r_[np.full(1000, 5.0), moving], moving))
    np.testing.assert_allclose(of_both[:, -1], alone[:, -1], atol=0.1)


def test_memory_forgets_at_its_rate(rng):
    values = rng.normal(size=20_000)
    values[10_000:] += 100.0
    mean, std = kept(values, memory=500)
    for after in (250, 500, 1000):
        assert 1 - mean[9999 + after] / 100 == pytest.approx(math.exp(-after / 501), abs=0.01)
    assert std[-1] == pytest.approx(1.0, abs=0.1)


def test_moments_that_are_to_stay_do_stay(rng):
    moments = np.array([[FOREVER], [7.0], [4.0 * FOREVER]])
    for value in (*rng.normal(size=50), *np.full(50, 1e9)):
        keep_and_scale_target(value, moments, 0, 3.0, 100.0)
    assert unscale(1.0, moments, 0, math.inf) == pytest.approx(9.0, abs=1e-3)


def test_no_prediction_lies_beyond_the_clip():
    moments = np.array([[4.0], [10.0], [16.0]])
    found = [unscale(z, moments, 0, 3.0) for z in (-1e30, -2.0, 2.5, 1e30)]
    assert found == [4.0, 6.0, 15.0, 16.0]
