"""Every truncated gradient is a mask over one tensor: who had influence on which loss, and when.

`credit[s, u]` is the derivative of the loss at step s to the parameters used at step u, found by
giving every step its own copy of the weights. The engine's gradient after t samples must be the sum
over the newest `loss_window` losses and the newest `truncation` uses, divided by `loss_window`.
"""

from functools import cache
from itertools import product

import numpy as np
import pytest
from estimator_helpers import plain
from naive import CELLS, LOSSES, complex_step, credit_tensor, masked_sum, random_weights, run_stream

import streamrnn
from streamrnn import cells

N_INPUTS, N_HIDDEN, LENGTH, MISSING = 2, 3, 17, (6, 13)
SIZES = (1, 2, 3, 5, 8)
CELL_NAMES = sorted(cells.registry())
TWIN_NAMES = [name for name in CELL_NAMES if name in CELLS]
PLAIN = ("squared", "sgd")
STORED_WITH = {
    "rnn": ("absolute", "momentum"),
    "gru": ("quantile", "rmsprop"),
    "lstm": ("huber", "nesterov"),
}


def broken_rules(truncation, update_every, loss_window, activations):
    """The pairs of parameters that contradict each other."""
    pairs = []
    if update_every > truncation:
        pairs.append(("update_every", "truncation"))
    if loss_window > truncation:
        pairs.append(("loss_window", "truncation"))
    if update_every > loss_window:
        pairs.append(("update_every", "loss_window"))
    if activations == "stored" and update_every != loss_window:
        pairs.append(("update_every", "loss_window"))
    return pairs


ACTIVATIONS = ("stored", "recomputed")
EVERY = range(1, max(SIZES) + 1)
LEGAL = [c for c in product(SIZES, EVERY, EVERY, ACTIVATIONS) if not broken_rules(*c)]
ILLEGAL = [c for c in product(SIZES, SIZES, SIZES, ACTIVATIONS) if broken_rules(*c)]


@cache
def stream():
    rng = np.random.default_rng(11)
    ys = list(rng.normal(size=LENGTH))
    for t in MISSING:
        ys[t] = None
    return rng.normal(size=(LENGTH, N_INPUTS)), ys


def weights_of(cell, num_layers):
    return random_weights(cell, N_INPUTS, N_HIDDEN, num_layers, seed=5)


@cache
def credit(cell, loss, num_layers):
    return credit_tensor(cell, LOSSES[loss], weights_of(cell, num_layers), *stream())


def loss_and_optimizer(cell, activations):
    return STORED_WITH.get(cell, PLAIN) if activations == "stored" else PLAIN


def untrained_model(cell, num_layers, activations, **parameters):
    """A model that computes gradients and never moves."""
    loss, optimizer = loss_and_optimizer(cell, activations)
    return plain(
        streamrnn.RNNRegressor,
        cell=cell,
        hidden_size=N_HIDDEN,
        num_layers=num_layers,
        activations=activations,
        loss=loss,
        optimizer=optimizer,
        lr=0.0,
        clip_norm=None,
        scale_inputs=False,
        scale_target=False,
        dtype="float64",
        **parameters,
    )


def frozen_model(cell, num_layers, activations, weights, **parameters):
    model = untrained_model(cell, num_layers, activations, **parameters)
    model.set_weights(weights, features=["a", "b"])
    return model


def gradients_of(model):
    """The stream through the model; yields `t, gradient` after every update, weights flattened."""
    for t, (x, y) in enumerate(zip(*stream(), strict=True), start=1):
        updates = model.counters["updates"]
        model.learn_one(dict(zip("ab", x.tolist(), strict=True)), y)
        if model.counters["updates"] > updates:
            yield t, np.concatenate([g.ravel() for g in in_order(model._gradients())])


def in_order(gradient):
    """The arrays in the order of the slow weights: layers from the bottom up, then the head."""
    num_layers = sum(name.startswith("weight_hh_l") for name in gradient)
    names = [
        f"{kind}_l{layer}"
        for layer in range(num_layers)
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    return [gradient[name] for name in [*names, "head.weight", "head.bias"]]


def expected_updates(update_every):
    """An update every `update_every` samples, unless none of them had a target."""
    _, ys = stream()
    return [
        t
        for t in range(update_every, LENGTH + 1, update_every)
        if any(y is not None for y in ys[t - update_every : t])
    ]


@pytest.mark.parametrize(("truncation", "update_every", "loss_window", "activations"), LEGAL)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", TWIN_NAMES)
def test_gradient_is_the_masked_credit(
    cell, num_layers, truncation, update_every, loss_window, activations
):
    tensor = credit(cell, loss_and_optimizer(cell, activations)[0], num_layers)
    model = frozen_model(
        cell,
        num_layers,
        activations,
        weights_of(cell, num_layers),
        truncation=truncation,
        update_every=update_every,
        loss_window=loss_window,
    )
    updates = []
    for t, gradient in gradients_of(model):
        truth = masked_sum(tensor, t, truncation, loss_window)
        np.testing.assert_allclose(gradient, truth, rtol=1e-10, atol=1e-12, err_msg=f"t={t}")
        updates.append(t)
    assert updates == expected_updates(update_every)


@pytest.mark.parametrize(("truncation", "update_every", "loss_window", "activations"), ILLEGAL)
def test_a_contradiction_names_both_parameters(truncation, update_every, loss_window, activations):
    with pytest.raises(ValueError, match=r"\w") as caught:
        plain(
            streamrnn.RNNRegressor,
            truncation=truncation,
            update_every=update_every,
            loss_window=loss_window,
            activations=activations,
        )
    message = str(caught.value)
    pairs = broken_rules(truncation, update_every, loss_window, activations)
    assert any(one in message and other in message for one, other in pairs), message


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", [name for name in CELL_NAMES if name not in STORED_WITH])
def test_stored_and_recomputed_agree_while_the_weights_stand_still(cell, num_layers):
    """Without a twin; for cells with one, both agree with the same masks above."""
    weights = any_weights(cell, num_layers)
    both = [
        frozen_model(
            cell, num_layers, activations, weights, truncation=5, update_every=2, loss_window=2
        )
        for activations in ("stored", "recomputed")
    ]
    pairs = list(zip(*map(gradients_of, both), strict=True))
    assert len(pairs) == len(expected_updates(2))
    for (t, stored), (_, recomputed) in pairs:
        np.testing.assert_allclose(stored, recomputed, rtol=1e-12, atol=1e-14, err_msg=f"t={t}")
        assert abs(stored).max() > 1e-3


@pytest.mark.parametrize("activations", ["stored", "recomputed"])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", TWIN_NAMES)
def test_a_window_longer_than_the_stream_is_full_backpropagation(cell, num_layers, activations):
    weights = weights_of(cell, num_layers)
    loss = LOSSES[loss_and_optimizer(cell, activations)[0]]
    truth = complex_step(
        lambda w: sum(run_stream(cell, loss, [w] * LENGTH, *stream())) / LENGTH, weights
    )
    model = frozen_model(
        cell,
        num_layers,
        activations,
        weights,
        truncation=LENGTH + 8,
        update_every=LENGTH,
        loss_window=LENGTH,
    )
    ((t, gradient),) = gradients_of(model)
    assert t == LENGTH
    whole = np.concatenate([g.ravel() for g in truth.values()])
    np.testing.assert_allclose(gradient, whole, rtol=1e-10, atol=1e-12)


def any_weights(cell, num_layers):
    """Random weights for a cell of which nothing is known but what the model itself says."""
    model = untrained_model(cell, num_layers, "recomputed")
    model.learn_one({"a": 0.0, "b": 0.0}, 0.0)
    rng = np.random.default_rng(2)
    return {
        name: rng.uniform(-0.6, 0.6, array.shape)
        for name, array in sorted(model.get_weights().items())
    }


def loss_of_stream(cell, num_layers, weights):
    model = frozen_model(cell, num_layers, "recomputed", weights, truncation=LENGTH)
    total = 0.0
    for x, y in zip(*stream(), strict=True):
        features = dict(zip("ab", x.tolist(), strict=True))
        if y is not None:
            total += (model.predict_one(features) - y) ** 2
        model.learn_one(features, None)
    return total


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", CELL_NAMES)
def test_gradient_is_what_the_predictions_say(cell, num_layers):
    """A law for any cell, with no twin: central differences of the model's own squared errors."""
    weights = any_weights(cell, num_layers)
    model = frozen_model(
        cell,
        num_layers,
        "recomputed",
        weights,
        truncation=LENGTH,
        update_every=LENGTH,
        loss_window=LENGTH,
    )
    for _ in gradients_of(model):
        pass
    rng = np.random.default_rng(3)
    for name, gradient in model._gradients().items():
        for index in rng.permutation(list(np.ndindex(gradient.shape)))[:4]:
            ends = []
            for nudge in (1e-5, -1e-5):
                moved = {key: array.copy() for key, array in weights.items()}
                moved[name][tuple(index)] += nudge
                ends.append(loss_of_stream(cell, num_layers, moved))
            slope = (ends[0] - ends[1]) / 2e-5 / LENGTH
            assert gradient[tuple(index)] == pytest.approx(slope, rel=1e-6, abs=1e-8), name
