"""Streams on which optimizers, clipping and regularisers are compared; the next value is asked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from drift_streams import Arrays, elec2, etth1, friedman
from report import data_folder
from river import datasets


class Stream(NamedTuple):
    """How a stream is made, of a seed and so many samples at most, and what its models are told."""

    make: Any
    is_classification: bool = False
    words: Any = ()  # further arguments of its models


def henon(seed: int, n: int) -> Arrays:
    """Next first coordinate of Hénon's map from this one: it needs the one before."""
    x = np.zeros(n + 101)
    x[:2] = np.random.default_rng(seed).uniform(-0.1, 0.1, 2)
    for t in range(2, len(x)):
        x[t] = 1 - 1.4 * x[t - 1] ** 2 + 0.3 * x[t - 2]
    return x[100:-1, None], x[101:]


def mackey_glass(seed: int, n: int) -> Arrays:
    """Mackey-Glass with a delay of 17, in steps of Euler's of length 1, ten steps ahead."""
    past = 1.2 + 0.1 * np.random.default_rng(seed).normal(size=18)
    x = np.concatenate([past, np.zeros(n + 210)])
    for t in range(18, len(x)):
        late = x[t - 18]
        x[t] = 0.9 * x[t - 1] + 0.2 * late / (1 + late**10)
    return x[-n - 10 : -10, None], x[-n:]


def flips(seed: int, n: int) -> Arrays:
    """Ask for what 100 threshold units answer to 20 bits: a regression that changes slowly.

    Five bits are random; of the others one flips every 200 samples, so what there is to learn
    changes 50 times in 10 000. After Dohare et al. (2024), where it takes millions.
    """
    rng = np.random.default_rng(seed)
    bits, slow = 20, 15
    X = rng.integers(0, 2, (n, bits)).astype(float)
    state = rng.integers(0, 2, slow).astype(float)
    for t in range(n):
        if t % 200 == 0:
            i = rng.integers(slow)
            state[i] = 1 - state[i]
        X[t, :slow] = state
    weights = rng.choice([-1.0, 1.0], (bits + 1, 100))
    ones = np.column_stack([X, np.ones(n)])
    threshold = 0.7 * (bits + 1) - (weights < 0).sum(axis=0)
    return X, (ones @ weights > threshold) @ rng.normal(size=100)


def noise(seed: int, n: int) -> Arrays:
    """Ask for what no feature tells: what is learnt is wrong."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.normal(size=n)


def trump(seed: int, n: int) -> Arrays:
    """River's TrumpApproval: a thousand days, the same for every seed."""
    rows = [(list(x.values()), y) for x, y in datasets.TrumpApproval()][:n]
    return np.array([x for x, _ in rows], float), np.array([y for _, y in rows])


OPEN = {
    "henon": Stream(henon),
    "mackey-glass": Stream(mackey_glass),
    "flips": Stream(flips),
    "friedman": Stream(friedman),
    "noise": Stream(noise),
    "trump": Stream(trump, words={"lagged_target": True}),
}
REAL = {
    "etth1": Stream(etth1, words={"lagged_target": True}),
    "elec2": Stream(elec2, True, {"lagged_target": True}),
}


def streams() -> dict[str, Stream]:
    """Return all that there are: the real ones where ``STREAMRNN_DATA`` says where they lie."""
    return OPEN | (REAL if data_folder() is not None else {})
