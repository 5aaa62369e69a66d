"""Least squares and predicted changes over long streams, in single precision and with spikes."""

import math

import numpy as np
import pytest
from engine_helpers import engine, learn, rls, rls_memory, rows

COMMON = {"lr": 0.0, "truncation": 8, "scale_inputs": True, "scale_target": True}


def hard(length, rng):
    """Columns that are multiples of each other, constant, constant for long, and wandering."""
    x, slow = rng.normal(size=length), np.sin(np.arange(length) / 20)
    late = np.where(np.arange(length) > length // 2, rng.normal(size=length), 0.0)
    walk = np.cumsum(rng.normal(size=length))
    X = np.column_stack([x, 2 * x + 1, np.full(length, 3.0), late, slow, walk])
    return X, 0.7 * x + slow + 0.1 * rng.normal(size=length)


def run(X, Y, **words):
    model = engine(n_inputs=X.shape[1], **{**COMMON, **words})
    out = np.empty((len(X), 1))
    model.run(X, Y, out, True)
    return model, out[:, 0]


@pytest.mark.parametrize("forgetting", [0.99, 0.999])
@pytest.mark.parametrize("change", [False, True])
@pytest.mark.parametrize("weights", ["equal", "from 1e-6 to 1e6"])
def test_single_precision_is_enough(weights, change, forgetting, rng):
    X, y = hard(60_000, rng)
    Y = rows(y)
    if weights != "equal":
        Y[:, 1] = 10 ** rng.uniform(-6, 6, len(y))
    words = {"head": rls(lags=6, forgetting=forgetting), "predict_change": change}
    words["scale_clip"] = 8.0
    exact, expected = run(X, Y, dtype="float64", **words)
    model, found = run(X, Y, dtype="float32", **words)
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.1)
    assert abs(found - expected).mean() < 0.003
    variances = rls_memory(model)[1].diagonal()
    np.testing.assert_allclose(variances, rls_memory(exact)[1].diagonal(), rtol=0.1)
    assert (variances > 0).all()
    assert abs(found - y)[-1000:].mean() < 0.12


@pytest.mark.parametrize("change", [False, True])
@pytest.mark.parametrize("cell", ["gru", "rnn_relu"])
def test_spikes_leave_finite_numbers(cell, change, rng):
    X, y = hard(4000, rng)
    Y = rows(y)
    X[1500, 0] = X[1750, 5] = Y[2000, 0] = 1e9
    Y[2001, 0] = -1e9
    words = {"head": rls(lags=6), "predict_change": change, "dtype": "float32", "scale_clip": 8.0}
    model, found = run(X, Y, cell=cell, **words)
    assert np.isfinite(found).all()
    assert np.isfinite(model.arena).all()
    assert np.isfinite(model.statistics[: -2 * 8]).all()  # before the first target bases are NaN


def test_a_spike_of_the_target_is_soon_over_where_changes_are_clipped(rng):
    X, y = hard(8000, rng)
    words = {"head": rls(lags=6), "predict_change": True, "dtype": "float32", "scale_clip": 8.0}
    _, smooth = run(X, rows(y), cell="gru", **words)
    spiked = y.copy()
    spiked[4000] = 1e9
    _, found = run(X, rows(spiked), cell="gru", **words)
    error = abs(found - y)
    assert error[4001] > 1e8  # the last value was the spike
    assert error[-2000:].mean() < 1.5 * abs(smooth - y)[-2000:].mean()


def test_states_that_overflow_spoil_nothing(rng):
    """A hidden state so large that its squares are not finite is no sample to learn from."""
    model = engine(cell="rnn_relu", head=rls(lags=2), dtype="float32", lr=0.0)
    for _ in range(50):
        x = rng.normal(size=3)
        learn(model, x, x[0])
    kept = model.parts.parameters.copy()
    for size in (1e10, 1e18, 1e25, 1e37):
        model.parts.parameters[:] = np.float32(size) * np.sign(kept)
        for _ in range(3):
            learn(model, rng.normal(size=3), 1.0)
        assert np.isfinite(model.arena).all(), size
        model.parts.parameters[:] = kept
        model.reset_state()
    for _ in range(300):
        x = rng.normal(size=3)
        found = learn(model, x, x[0])[0]
        assert math.isfinite(found)
    assert found == pytest.approx(x[0], abs=0.1)


@pytest.mark.parametrize("weight", [1e-38, 1e-20, 1e20, 1e38])
def test_weights_of_any_size(weight, rng):
    model = engine(head=rls(lags=2, forgetting=0.9), dtype="float32", lr=0.0)
    for i in range(3000):
        x = rng.normal(size=3)
        learn(model, x, x[0], weight if i < 1500 else 1.0)
        assert np.isfinite(model.arena).all()
    assert model.answer[0] == pytest.approx(x[0], abs=0.05)
