"""Peers written by hand do the job that ours does: from equal weights, equal predictions.

The window is shorter than the stream, so its filling, its moving on and the state it starts from
all take part; the weights are large enough for some gradients to be clipped.
"""

import numpy as np
import processes
import pytest
from estimator_helpers import plain
from naive import random_weights

from streamrnn import RNNRegressor

UNITS, INPUTS, TRUNCATION, SAMPLES = 6, 3, 9, 60


@pytest.fixture
def pythons():
    return processes.peer_pythons([])


@pytest.fixture(params=["jax", "pytorch"])
def peer(request, pythons):
    process = processes.Process(
        processes.peer_files()[request.param], python=pythons.get(request.param)
    )
    try:
        process.ask("hello")
    except processes.PeerError as error:
        pytest.skip(f"{request.param} is not compared: {error}")
    else:
        yield process
    finally:
        process.close()


@pytest.fixture
def task(rng):
    X = rng.normal(size=(SAMPLES, INPUTS))
    y = X[:, 0] + np.roll(X[:, 1], 2) + 0.3 * rng.normal(size=SAMPLES)
    return random_weights("lstm", INPUTS, UNITS, 1, seed=3, scale=0.4), X, y


def ours(task, dtype, lr=0.002):
    weights, X, y = task
    model = plain(
        RNNRegressor,
        hidden_size=UNITS,
        truncation=TRUNCATION,
        activations="recomputed",
        lr=lr,
        scale_inputs=False,
        scale_target=False,
        dtype=dtype,
    )
    model.set_weights(weights, features=list("abc"))
    predictions = model.replay(X, y, features=list("abc"))
    assert 0 < model.counters["clipped"] < SAMPLES
    return predictions


# PyTorch adds 1e-6 to the norm it divides by when it clips.
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-3)])
def test_same_predictions(peer, task, dtype, tolerance):
    weights, X, y = task
    job = {"units": UNITS, "inputs": INPUTS, "truncation": TRUNCATION, "dtype": dtype}
    answer = peer.ask(
        "predict",
        job=job,
        weights={name: array.tolist() for name, array in weights.items()},
        X=X.tolist(),
        y=y.tolist(),
    )
    found = np.array(answer["predictions"])
    np.testing.assert_allclose(found, ours(task, dtype), rtol=0, atol=tolerance)
    # Learning has moved the predictions much further than that.
    unlearnt = ours(task, dtype, lr=0.0)
    assert abs(found - unlearnt)[TRUNCATION:].max() > 100 * tolerance


def test_time_request(peer):
    job = {"units": UNITS, "inputs": INPUTS, "truncation": TRUNCATION}
    answer = peer.ask("time", job=job, seconds=0.01)
    assert answer["us"] > 0
    assert answer["samples"] >= 20
