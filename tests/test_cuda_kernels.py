"""Banks and models through the kernels themselves: the numbers of the host, but for rounding."""

from itertools import cycle

import numpy as np
import pytest
from device_helpers import bank, rows_of

from streamrnn import cells, gradients
from streamrnn.backends.cuda import cutting, launching
from streamrnn.backends.cuda.models import run_block_on_device
from streamrnn.learner import LEARN


def close(made, other, slots):
    """Compare what the models are; sums are of other orders on a device."""
    for slot in slots:
        for part, twin in zip(made.contents(slot), other.contents(slot), strict=True):
            np.testing.assert_allclose(part, twin, rtol=1e-8, atol=1e-10)


def compare_banks(rng, n_rows, **words):
    words = {"dtype": "float64", "clip_norm": 1.0, "optimizer": "adam"} | words
    (here, slots), (there, _) = bank(3, **words), bank(3, **words)
    there.backend = "cuda"
    for counts in ([n_rows, 1, 2], [1, n_rows, 0]):
        bounds, X, Y, out = rows_of(rng, counts)
        answer = out.copy()
        here.run_groups(slots, bounds, X, Y, out, 1)
        there.run_groups(slots, bounds, X, Y, answer, 1)
        np.testing.assert_allclose(answer, out, rtol=1e-8, atol=1e-10)
    close(there, here, slots)


def compare_models(rng, n_rows, **words):
    made, slots = bank(1, dtype="float64", **words)
    made.select(slots[0])
    here, there = made.alone(), made.alone()
    _, X, Y, out = rows_of(rng, [n_rows])
    answer = out.copy()
    here.run(X, Y, out, True)
    run_block_on_device(there, X, Y, answer, LEARN)
    np.testing.assert_allclose(answer, out, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(there.arena, here.arena, rtol=1e-8, atol=1e-10)


@pytest.mark.simulated
@pytest.mark.parametrize(
    ("cell", "activations"), list(zip(cells.registry(), cycle(gradients.registry()), strict=False))
)
def test_a_bank_on_a_simulated_device(rng, monkeypatch, cell, activations):
    monkeypatch.setattr(cutting, "_FIRST_ROWS", 2)
    compare_banks(rng, 4, cell=cell, activations=activations)


@pytest.mark.simulated
@pytest.mark.parametrize("wide", [1, 256])
def test_a_model_on_a_simulated_device(rng, monkeypatch, wide):
    monkeypatch.setattr(launching, "_WIDE", wide)
    compare_models(rng, 4)


@pytest.mark.device
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-10), ("float32", 1e-4)])
@pytest.mark.parametrize("activations", gradients.registry())
@pytest.mark.parametrize("cell", cells.registry())
def test_a_thousand_updates_on_a_device(rng, cell, activations, dtype, bound):
    words = {"hidden_size": 16, "truncation": 8, "optimizer": "adam", "lr": 0.002}
    words |= {"clip_norm": 1.0, "dtype": dtype, "cell": cell, "activations": activations}
    (here, slots), (there, _) = bank(3, **words), bank(3, **words)
    there.backend = "cuda"
    bounds, X, Y, out = rows_of(rng, [1000] * 3)
    answer = out.copy()
    here.run_groups(slots, bounds, X, Y, out, 1)
    there.run_groups(slots, bounds, X, Y, answer, 1)
    np.testing.assert_allclose(answer, out, rtol=bound, atol=bound)


@pytest.mark.device
@pytest.mark.parametrize("hidden_size", [16, 300])
def test_a_model_on_a_device(rng, hidden_size):
    compare_models(rng, 300, hidden_size=hidden_size, truncation=8)


@pytest.mark.device
def test_many_models_on_a_device_are_as_each_of_them(rng):
    n = 1500
    (here, slots), (there, _) = bank(n, dtype="float64"), bank(n, dtype="float64")
    there.backend = "cuda"
    bounds, X, Y, out = rows_of(rng, rng.integers(0, 60, n))
    answer = out.copy()
    here.run_groups(slots, bounds, X, Y, out, 2)
    there.run_groups(slots, bounds, X, Y, answer, 1)
    np.testing.assert_allclose(answer, out, rtol=1e-8, atol=1e-10)
    close(there, here, slots[::100])
    assert there.driver.seconds > 0
