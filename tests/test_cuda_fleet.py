"""Streams that share their weights, on a device: the numbers of the host, but for rounding."""

import copy

import numpy as np
import pytest
from device_helpers import rows_of
from engine_helpers import blueprint
from river.optim.schedulers import InverseScaling

from streamrnn.backends.cuda import cutting, rounds, stretches
from streamrnn.fleet import Fleet
from streamrnn.learner import LEARN, OBSERVE

TINY = {"hidden_size": 2, "truncation": 2, "dtype": "float64", "optimizer": "adam"}
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def fleet(n=6, **words):
    """A fleet of streams of two inputs, and their slots."""
    made = Fleet(blueprint(**TINY | words))
    made.grow(2, 1)
    return made, np.array([made.take() for _ in range(n)])


def pair(n=6, **words):
    """Two equal fleets, of which the second is run by the device."""
    (here, slots), (there, _) = fleet(n, **words), fleet(n, **words)
    there.backend = "cuda"
    return here, there, slots


def run_both(here, there, slots, rng, counts, task=LEARN):
    bounds, X, Y, out = rows_of(rng, counts)
    answer = out.copy()
    here.run_groups(slots, bounds, X, Y, out, 1, task)
    there.run_groups(slots, bounds, X, Y, answer, 1, task)
    np.testing.assert_allclose(answer, out, **CLOSE)


def check_equal(here, there, slots):
    """Compare streams, weights, what the optimizer knows, and counters."""
    one, other = here.state_of(slots), there.state_of(slots)
    for name in ("rows", "kept", "counters"):
        np.testing.assert_allclose(other[name], one[name], **CLOSE)
    np.testing.assert_allclose(other["fresh"].arena, one["fresh"].arena, **CLOSE)
    assert one["counters"].any()


OPTIONS = {
    "plain": {"clip_norm": 1.0},
    "regularised": {"l2": 0.1, "clip_norm": 0.05, "cell": "gru", "clip_value": 0.1},
    "scheduled": {"lr": InverseScaling(0.1), "optimizer": "sgd", "activations": "recomputed"},
    "paced": {"optimizer": "obgd", "lr": 0.5, "num_layers": 2},
    "seldom": {"update_every": 2, "loss_window": 2, "l2_init": 0.1, "perturb": 0.01},
}


@pytest.mark.simulated
@pytest.mark.parametrize("words", OPTIONS.values(), ids=OPTIONS)
def test_a_fleet_gives_the_numbers_of_the_host(rng, monkeypatch, words):
    """Streams of other lengths, some that begin later, in several launches."""
    monkeypatch.setattr(cutting, "_FIRST_ROWS", 8)
    monkeypatch.setattr(cutting, "_MOST_ROWS", 8)
    here, there, slots = pair(**words)
    run_both(here, there, slots[:3], rng, [1, 5, 2])
    run_both(here, there, slots, rng, [2, 0, 1, 3, 1, 1])
    check_equal(here, there, slots)
    assert there.driver.seconds > 0
