"""The slow truth is itself true: written-out derivatives against the complex step."""

import numpy as np
import pytest
from naive import (
    CELLS,
    LOSSES,
    Twin,
    complex_step,
    credit_tensor,
    masked_sum,
    random_weights,
    run_stream,
)

LENGTH = 12


def stream(loss, n_inputs=2, seed=1):
    """Inputs of order one, and targets that the loss understands; the fourth is missing."""
    rng = np.random.default_rng(seed)
    xs = rng.normal(size=(LENGTH, n_inputs))
    if loss == "cross_entropy":
        ys = list(rng.integers(3, size=LENGTH))
    elif loss == "logistic":
        ys = list(rng.integers(2, size=LENGTH))
    else:
        ys = list(rng.normal(size=LENGTH))
    ys[3] = None
    return xs, ys


def outputs_of(loss):
    return 3 if loss == "cross_entropy" else 1


def assert_same(found, truth, tolerance=1e-13):
    assert found.keys() == truth.keys()
    for name in truth:
        np.testing.assert_allclose(
            found[name], truth[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("cell", CELLS)
def test_written_gradient_is_the_complex_step(cell, loss, num_layers):
    weights = random_weights(cell, 2, 3, num_layers, outputs_of(loss))
    xs, ys = stream(loss)
    truth = complex_step(
        lambda w: sum(run_stream(cell, LOSSES[loss], [w] * LENGTH, xs, ys)) / LENGTH, weights
    )
    twin = Twin(
        cell,
        weights,
        loss=loss,
        optimizer="sgd",
        lr=0.1,
        truncation=LENGTH,
        update_every=LENGTH,
        loss_window=LENGTH,
    )
    for x, y in zip(xs, ys, strict=True):
        twin.learn(x, y)
    assert twin.counters["updates"] == 1
    assert_same(twin.gradient, truth)
    assert max(abs(g).max() for g in truth.values()) > 0.01


@pytest.mark.parametrize("loss", LOSSES)
def test_slope_is_the_complex_step_of_the_value(loss):
    rng = np.random.default_rng(0)
    for p in rng.normal(scale=2, size=(20, outputs_of(loss))):
        for y in (0, 1):
            nudged = p + 1e-30j * np.eye(len(p))
            truth = np.imag(LOSSES[loss].value(nudged, y)) / 1e-30
            np.testing.assert_allclose(LOSSES[loss].slope(p, y), truth, rtol=1e-13)


@pytest.mark.parametrize("activations", ["stored", "recomputed"])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_truncated_gradient_is_the_masked_credit(cell, num_layers, activations):
    weights = random_weights(cell, 2, 3, num_layers)
    xs, ys = stream("squared")
    credit = credit_tensor(cell, LOSSES["squared"], weights, xs, ys)
    for truncation, every, window in [(1, 1, 1), (3, 1, 1), (5, 2, 2), (5, 2, 4), (8, 3, 8)]:
        if activations == "stored" and every != window:
            continue
        twin = Twin(
            cell,
            weights,
            optimizer="sgd",
            lr=0.0,
            truncation=truncation,
            update_every=every,
            loss_window=window,
            activations=activations,
        )
        for t, (x, y) in enumerate(zip(xs, ys, strict=True), start=1):
            updates = twin.counters["updates"]
            twin.learn(x, y)
            if twin.counters["updates"] > updates:
                found = np.concatenate([g.ravel() for g in twin.gradient.values()])
                truth = masked_sum(credit, t, truncation, window)
                np.testing.assert_allclose(found, truth, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cell", CELLS)
def test_credit_adds_up_to_the_whole_gradient(cell):
    weights = random_weights(cell, 2, 3)
    xs, ys = stream("squared")
    loss = LOSSES["squared"]
    credit = credit_tensor(cell, loss, weights, xs, ys)
    truth = complex_step(lambda w: sum(run_stream(cell, loss, [w] * LENGTH, xs, ys)), weights)
    whole = np.concatenate([g.ravel() for g in truth.values()])
    np.testing.assert_allclose(credit.sum(axis=(0, 1)), whole, rtol=1e-12, atol=1e-14)
    later_uses = np.triu(np.ones((LENGTH, LENGTH), dtype=bool), k=1)
    assert not credit[later_uses].any()  # no loss depends on what is used after it
