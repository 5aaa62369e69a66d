"""Heads that read more than the hidden state, and changes predicted, against the slow twin."""

import copy

import numpy as np
import pytest
from engine_helpers import bits
from readout_helpers import Pair
from test_rolling import roll

STORED = {"activations": "stored", "truncation": 5}
IN_GROUPS = {"activations": "stored", "truncation": 6, "update_every": 3, "loss_window": 3}
RECOMPUTED = {
    "activations": "recomputed",
    "truncation": 5,
    "update_every": 2,
    "loss_window": 4,
}
SHORT = {"activations": "stored", "truncation": 2}
CHANGE = {"change": True, "scale_clip": 1.5}
CASES = {
    "lstm": {"cell": "lstm", "lr": 0.05, **STORED},
    "lstm in groups, two layers": {"cell": "lstm", "num_layers": 2, **IN_GROUPS},
    "window shorter than lags": {"cell": "lstm", **SHORT},
    "lstm recomputed, two layers": {"cell": "lstm", "num_layers": 2, **RECOMPUTED},
    "gru huber": {"cell": "gru", "loss": "huber", **RECOMPUTED},
    "rnn absolute": {"cell": "rnn", "loss": "absolute", **STORED},
    "rnn quantile": {"cell": "rnn", "loss": "quantile", **STORED},
    "gru one-hot": {"cell": "gru", "loss": "cross_entropy", "lagged_target": True, **STORED},
    "gru signs": {"cell": "gru", "loss": "logistic", **STORED},
    "gru many signs": {"cell": "gru", "loss": "binary_cross_entropy", **RECOMPUTED},
    "lagged": {"cell": "lstm", "lagged_target": True, **STORED},
    "unscaled": {"cell": "lstm", "scale_target": False, **STORED},
    "change": {"cell": "lstm", **STORED, **CHANGE},
    "change in groups": {"cell": "lstm", "num_layers": 2, **IN_GROUPS, **CHANGE},
    "change recomputed": {"cell": "lstm", "lagged_target": True, **RECOMPUTED, **CHANGE},
    "change huber": {"cell": "gru", "loss": "huber", **RECOMPUTED, **CHANGE},
    "change quantile": {"cell": "rnn", "loss": "quantile", **STORED, **CHANGE},
    "change unscaled": {
        "cell": "lstm",
        "scale_target": False,
        "scale_clip": 1.1,
        **STORED,
        "change": True,
    },
    "change of a series": {"cell": "lstm", "is_series": True, **STORED, **CHANGE},
    "series": {"cell": "lstm", "is_series": True, **STORED},
    "skip": {"cell": "gru", "head": "linear_skip", "lagged_target": True, **STORED},
    "skip recomputed": {"cell": "gru", "head": "linear_skip", **RECOMPUTED},
    "linear change": {"cell": "gru", "head": "linear", "lagged_target": True, **STORED, **CHANGE},
}


def pair(case, **words):
    return Pair(**{"optimizer": "sgd", "lr": 0.02, **CASES[case], **words})


@pytest.mark.interpreted
@pytest.mark.parametrize("case", CASES)
def test_as_the_twin_has_it(case, rng):
    both = pair(case)
    both.go(rng)
    both.assert_same()


@pytest.mark.parametrize("case", ["lstm", "change", "gru one-hot"])
def test_in_single_precision(case, rng):
    both = pair(case, dtype="float32")
    both.go(rng, tolerance=1e-3)
    both.assert_same(tolerance=1e-3)


@pytest.mark.parametrize("case", ["lstm", "lagged", "change", "change recomputed", "gru one-hot"])
def test_rolling_forward(case, rng):
    """What is predicted stands for the target; afterwards every byte is as it was."""
    both = pair(case)
    both.go(rng, 40)
    before, twin = bits(both.model), copy.deepcopy(both.twin)
    X = rng.normal(size=(9, 3))
    found = roll(both.model, X)
    assert bits(both.model) == before
    if case == "gru one-hot":  # a class is not assumed
        return
    expected = [twin.roll(x) for x in X]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    both.go(rng, 20)
