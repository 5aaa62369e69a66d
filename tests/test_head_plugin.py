"""Another kind of head is one file: a linear one that reads the inputs beside the hidden state."""

from typing import NamedTuple

import numpy as np
import pytest
from estimator_helpers import plain, plain_gradient

from streamrnn import RNNClassifier, RNNRegressor
from streamrnn._registry import plugin
from streamrnn.heads.protocol import learn, read, send_back


@plugin(name="skip")
class Skip(NamedTuple):
    """z = W h + V x + b, and a count of labelled samples kept in its memory."""

    def n_parameters(self, H, inputs, outputs):
        return outputs * (H + inputs + 1)

    def n_memory(self, H, inputs, outputs):
        return 1

    def blocks(self, H, inputs, outputs):
        skip = outputs * H
        bias = skip + outputs * inputs
        return {
            "weight": (0, (outputs, H)),
            "skip": (skip, (outputs, inputs)),
            "bias": (bias, (outputs,)),
        }

    def start_memory(self, shape, memory):
        memory[0] = 0

    def carry_memory(self, old, old_memory, new, new_memory, places):
        new_memory[:] = old_memory


@read.register(Skip)
def _(head, parameters, memory, h, x, z):
    n, H = z.size, h.size
    for k in range(n):
        z[k] = parameters[n * (H + x.size) + k]
        for j in range(H):
            z[k] += parameters[k * H + j] * h[j]
        for i in range(x.size):
            z[k] += parameters[n * H + k * x.size + i] * x[i]


@send_back.register(Skip)
def _(head, parameters, memory, h, x, d_z, d_h, gradient):
    n, H, inputs = d_z.size, h.size, x.size
    for j in range(H):
        d_h[j] = 0
    for k in range(n):
        for j in range(H):
            d_h[j] += d_z[k] * parameters[k * H + j]
            gradient[k * H + j] += d_z[k] * h[j]
        for i in range(inputs):
            gradient[n * H + k * inputs + i] += d_z[k] * x[i]
        gradient[n * (H + inputs) + k] += d_z[k]


@learn.register(Skip)
def _(head, team, loss, parameters, memory, h, x, target, z, d_z):
    memory[0] += 1


def test_its_gradient_is_the_derivative(rng):
    T = 5
    arguments = {**plain_gradient(T), "head": Skip, "hidden_size": 3}
    X, y = rng.normal(size=(T, 2)), rng.normal(size=T)

    def run(weights=None):
        model = plain(RNNRegressor, **arguments)
        if weights is not None:
            model.set_weights(weights, features=["a", "b"])
        return model, np.mean((model.replay(X, y, features=["a", "b"]) - y) ** 2)

    # From weights set beforehand: with a skip the very first prediction depends on them.
    weights = run()[0].get_weights()
    model, _ = run(weights)
    for name, gradient in model._gradients().items():
        for index in np.ndindex(gradient.shape):
            moved = [{key: array.copy() for key, array in weights.items()} for _ in range(2)]
            moved[0][name][index] += 1e-6
            moved[1][name][index] -= 1e-6
            numeric = (run(moved[0])[1] - run(moved[1])[1]) / 2e-6
            assert gradient[index] == pytest.approx(numeric, abs=1e-7), (name, index)


def test_it_grows_and_keeps_its_memory(stream):
    model = plain(RNNClassifier, head=Skip, hidden_size=4, truncation=3)
    for t, (x, _) in enumerate(stream):
        if t == 20:
            before = model.get_weights()["head.skip"]
        model.learn_one(x if t < 20 else {**x, "new": 1.0}, t % 2 if t < 20 else t % 3)
        if t == 20:
            after = model.get_weights()["head.skip"]
            assert (before.shape, after.shape) == ((2, 3), (3, 4))
            np.testing.assert_allclose(after[:2, :3], before, atol=0.01)
    assert model._model.parts.head_memory[0] == len(stream)
    assert sum(model.predict_proba_one(stream[0][0]).values()) == pytest.approx(1.0, rel=1e-12)
