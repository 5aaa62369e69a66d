"""What truncation does: it hides a lag beyond the window and may turn a long effect upside down."""

from typing import NamedTuple

import numpy as np
import pytest
from estimator_helpers import plain

import streamrnn
from streamrnn.cells.protocol import backward, forward

# Influence balancing (Tallec & Ollivier 2017, "Unbiasing truncated backpropagation through time"):
# s' = A s + theta v, loss (s[0] - 1)^2 / 2. Ten units pull one way at once, thirteen
# pull the other way later and win: d s[0] / d theta = -6 in the end, but positive in every window
# of up to 40 steps.
UNITS, POSITIVE = 23, 10
A = (np.eye(UNITS) + np.eye(UNITS, k=1)) / 2
V = np.where(np.arange(UNITS) < POSITIVE, 1.0, -1.0)
BEST_THETA = -1 / 6


class Linear(NamedTuple):
    """h' = W_x x + W_h h + b: a cell that comes as these few lines, from outside the package."""

    name = "linear"
    n_states = 1
    gates = 1
    input_gates = 1
    state_gates = 1
    n_factors = 1
    torch_gates = ((0, 0),)


@forward.register(Linear)
def _(cell, pre, before, after, factors):
    for j in range(pre.shape[1]):
        after[0, j] = pre[0, j]
        factors[0, j] = 1


@backward.register(Linear)
def _(cell, factors, d_state, deltas):
    for j in range(deltas.shape[1]):
        deltas[0, j] = d_state[0, j] * factors[0, j]
        d_state[0, j] = 0


def settled(truncation, theta):
    """The system at rest: `s[0]`, and the truncated gradient of the loss to theta."""
    model = plain(
        streamrnn.RNNRegressor,
        cell=Linear(),
        hidden_size=UNITS,
        truncation=truncation,
        optimizer="sgd",
        lr=0.0,
        clip_norm=None,
        scale_inputs=False,
        scale_target=False,
        dtype="float64",
    )
    model.set_weights(
        {
            "weight_ih_l0": theta * V[:, None],
            "weight_hh_l0": A,
            "bias_ih_l0": np.zeros(UNITS),
            "bias_hh_l0": np.zeros(UNITS),
            "head.weight": np.eye(1, UNITS),
            "head.bias": np.zeros(1),
        }
    )
    steps = 300
    predictions = model.replay(np.ones((steps, 1)), np.ones(steps), features=["a"])
    gradient = V @ model._gradients()["weight_ih_l0"][:, 0]
    return predictions[-1], gradient / 2  # the engine's squared loss has no factor 1/2


@pytest.mark.parametrize(
    ("truncation", "known"),
    [(1, 1), (5, 5), (10, 10), (19, 16.48), (30, 9.87), (40, 0.57), (50, -4.75), (100, -5.997)],
)
def test_influence_seen_through_a_window(truncation, known):
    state, gradient = settled(truncation, theta=0.1)
    assert state == pytest.approx(-0.6)
    powers = [np.linalg.matrix_power(A, k) for k in range(truncation)]
    influence = sum((power @ V)[0] for power in powers)
    assert influence == pytest.approx(known, abs=0.005)
    assert gradient == pytest.approx((state - 1) * influence, rel=1e-9)


def test_influence_changes_its_sign_at_41_steps():
    slopes = {truncation: settled(truncation, theta=0.0)[1] for truncation in range(38, 45)}
    # At theta = 0 descent has to go down, to -1/6: the gradient has to be positive.
    assert [truncation for truncation, slope in slopes.items() if slope > 0] == [41, 42, 43, 44]


@pytest.mark.parametrize(("truncation", "finds_it"), [(10, False), (40, False), (100, True)])
def test_descent_finds_the_balance_only_with_a_long_window(truncation, finds_it):
    theta = 0.0
    for _ in range(30):
        theta -= 0.01 * settled(truncation, theta)[1]
    if finds_it:
        assert theta == pytest.approx(BEST_THETA, abs=1e-4)
    else:
        assert abs(theta - BEST_THETA) > 1.05 * abs(BEST_THETA)


# The coin task (Marschall, Cho & Savin 2020, "A unified framework of online learning algorithms for
# training recurrent neural networks"): y is 1 with probability 1/2 + x[t - 2] / 2 - x[t - 8] / 4,
# the x are coins.
FIRST_LAG, SECOND_LAG = 2, 8
ENTROPY_NO_LAG, ENTROPY_FIRST_LAG, ENTROPY_BOTH_LAGS = 0.6616, 0.5192, 0.4545


def coins(length, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(2, size=length + SECOND_LAG)
    p = 0.5 + 0.5 * x[SECOND_LAG - FIRST_LAG : -FIRST_LAG] - 0.25 * x[:-SECOND_LAG]
    return x[SECOND_LAG:, None].astype(float), p, rng.random(length) < p


def cross_entropy(p, q):
    """Expected loss of the forecast q in nats where the truth is p."""
    return -np.mean(p * np.log(q) + (1 - p) * np.log(1 - q))


def test_entropies_of_the_coins():
    _, p, _ = coins(200_000)
    first = 0.375 + 0.5 * (p > 0.6)  # what the first lag alone can tell: .375 or .875
    assert cross_entropy(p, np.full_like(p, p.mean())) == pytest.approx(ENTROPY_NO_LAG, abs=2e-3)
    assert cross_entropy(p, first) == pytest.approx(ENTROPY_FIRST_LAG, abs=2e-3)
    forecast = np.clip(p, 1e-12, 1 - 1e-12)
    assert cross_entropy(p, forecast) == pytest.approx(ENTROPY_BOTH_LAGS, abs=2e-3)


@pytest.mark.parametrize(
    ("truncation", "update_every", "least", "greatest"),
    [
        (2, 2, ENTROPY_NO_LAG - 0.03, 0.75),
        (4, 4, ENTROPY_FIRST_LAG - 0.002, ENTROPY_FIRST_LAG + 0.007),
        (12, 8, ENTROPY_BOTH_LAGS, ENTROPY_BOTH_LAGS + 0.02),
    ],
    ids=["no-lag", "first-lag", "both-lags"],
)
def test_coins_are_learnt_as_far_as_the_window_reaches(truncation, update_every, least, greatest):
    """BPTT(h; h') with windows that hold no lag, the first lag, both lags."""
    model = plain(
        streamrnn.RNNClassifier,
        cell="lstm",
        hidden_size=16,
        truncation=truncation,
        update_every=update_every,
        loss_window=update_every,
        optimizer="adamw",
        lr=0.005,
        weight_decay=0.0,
        scale_inputs=False,
        dtype="float64",
        seed=1,
    )
    X, p, y = coins(300_000)
    measured = 10_000
    model.replay(X[:-measured], y[:-measured].tolist(), features=["x"])
    q = np.empty(measured)
    rows = zip(X[-measured:, 0].tolist(), y[-measured:].tolist(), strict=True)
    for t, (x, label) in enumerate(rows):
        q[t] = model.predict_proba_one({"x": x})[True]
        model.learn_one({"x": x}, label)
    assert least < cross_entropy(p[-measured:], q) < greatest
