"""Streams on which actions against drift are compared; the made ones drift after each third."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from report import data_folder
from river.datasets import synth

#: Features (T, n) and targets (T,).
Arrays = tuple[np.ndarray, np.ndarray]


class Stream(NamedTuple):
    """How a stream is made: of a seed and so many samples at most."""

    make: Callable[[int, int], Arrays]
    is_classification: bool


def _arrays(samples: Any) -> Arrays:
    rows = [(list(x.values()), y) for x, y in samples]
    return np.array([row for row, _ in rows], float), np.array([y for _, y in rows])


def _parts(n: int, kinds: list[Any]) -> Arrays:
    """Join a third each of three streams of River."""
    parts = [_arrays(kind.take(n // 3)) for kind in kinds]
    return np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts])


def friedman(seed: int, n: int) -> Arrays:
    """River's FriedmanDrift, global and abrupt; the second drift brings back what was before."""
    third = n // 3
    return _arrays(synth.FriedmanDrift("gra", position=(third, 2 * third), seed=seed).take(n))


def lags(seed: int, n: int) -> Arrays:
    """Answer to the last three inputs, by other coefficients in each third."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    now, last, other, before = np.repeat(
        [(0.8, 0.0, -0.5, 0.3), (-0.5, 0.8, 0.3, 0.0), (0.2, -0.8, 0.6, 0.5)], -(-n // 3), axis=0
    )[:n].T
    back = np.concatenate([np.zeros((2, 2)), X])  # row t is what was two steps before
    y = now * X[:, 0] + last * back[1:-1, 0] + other * back[1:-1, 1]
    return X, y + before * np.tanh(2 * back[:-2, 0]) + 0.1 * rng.normal(size=n)


def season(seed: int, n: int) -> Arrays:
    """Two harmonics, whose period, size and level change; the feature is the value before."""
    period, size, level = np.repeat(
        [(24, 1.0, 0.0), (37, 1.6, 3.0), (15, 0.7, -1.0)], -(-n // 3), axis=0
    )[:n].T
    phase = np.cumsum(2 * np.pi / period)
    y = level + size * (np.sin(phase) + 0.4 * np.sin(2 * phase + 1))
    y = y + 0.1 * np.random.default_rng(seed).normal(size=n)
    return np.concatenate([[0.0], y[:-1]])[:, None], y


def sea(seed: int, n: int) -> Arrays:
    """River's SEA in three variants."""
    variants = enumerate((0, 2, 1))
    return _parts(n, [synth.SEA(variant=v, noise=0.05, seed=seed + i) for i, v in variants])


def sine(seed: int, n: int) -> Arrays:
    """River's Sine with three functions."""
    return _parts(n, [synth.Sine(classification_function=i, seed=seed + i) for i in range(3)])


def memory(seed: int, n: int) -> Arrays:
    """Label from this input and one of those before it, wrong in 5 %."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    now, last, before = np.repeat([(1, 0, -0.7), (-1, 0.7, 0), (0, -1, 0.7)], -(-n // 3), axis=0)[
        :n
    ].T
    back = np.concatenate([np.zeros((2, 2)), X])
    value = now * X[:, 0] + last * back[1:-1, 0] + before * back[:-2, 1]
    return X, (value > 0) ^ (rng.random(n) < 0.05)


def etth1(seed: int, n: int) -> Arrays:
    """Next oil temperature of ETTh1 from the row before, 500 rows later for each seed."""
    folder = data_folder()
    assert folder is not None
    with (folder / "ETTh1.csv").open() as file:
        rows = [list(row.values())[1:] for row in csv.DictReader(file)]
    values = np.array(rows, float)[seed * 500 : seed * 500 + n + 1]
    return values[:-1], values[1:, -1]


def elec2(seed: int, n: int) -> Arrays:
    """Price up or down, Elec2, 7000 rows later for each seed."""
    folder = data_folder()
    assert folder is not None
    rows = slice(seed * 7000, seed * 7000 + n)
    X = np.loadtxt(folder / "elec2" / "elec2_data.dat")[rows]
    return X, np.loadtxt(folder / "elec2" / "elec2_label.dat").astype(bool)[rows]


SYNTHETIC = {
    "friedman": Stream(friedman, False),
    "lags": Stream(lags, False),
    "season": Stream(season, False),
    "sea": Stream(sea, True),
    "sine": Stream(sine, True),
    "memory": Stream(memory, True),
}
REAL = {"etth1": Stream(etth1, False), "elec2": Stream(elec2, True)}


def streams() -> dict[str, Stream]:
    """Return all that there are: the real ones where ``STREAMRNN_DATA`` says where they lie."""
    return SYNTHETIC | (REAL if data_folder() is not None else {})
