"""Streams on which ways to scale are compared, as they are and with bad readings."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from drift_streams import Arrays, elec2, etth1, season
from report import data_folder
from river import datasets

#: Of a hundred values, and in standard deviations of their column.
BAD_PERCENT, BAD_SIZE = 0.5, 100.0


class Stream(NamedTuple):
    """How a stream is made, of a seed and so many samples at most, and what kind it is."""

    make: Callable[[int, int], Arrays]
    is_classification: bool = False


def _column(name: str, column: str) -> np.ndarray:
    """Return a column of a file in the data folder."""
    folder = data_folder()
    assert folder is not None
    with (folder / name).open() as file:
        return np.array([float(row[column]) for row in csv.DictReader(file)])


def _series(values: np.ndarray) -> Arrays:
    """Return the values as targets; the only feature is the one before."""
    return np.concatenate([values[:1], values[:-1]])[:, None], values


def water(seed: int, n: int) -> Arrays:
    """River's WaterFlow, hourly, without its gaps."""
    return _series(np.array([y for _, y in datasets.WaterFlow()])[:n])


def polls(seed: int, n: int) -> Arrays:
    """River's TrumpApproval: approval from the polls of the day."""
    rows = list(datasets.TrumpApproval().take(n))
    return np.array([list(x.values()) for x, _ in rows], float), np.array([y for _, y in rows])


def temperatures(seed: int, n: int) -> Arrays:
    """Daily least temperatures in Melbourne."""
    return _series(_column("daily-min-temperatures.csv", "Temp")[:n])


def machine(seed: int, n: int) -> Arrays:
    """Temperature of a machine that fails, of NAB, 3000 rows later for each seed."""
    values = _column("nab/machine_temperature_system_failure.csv", "value")
    return _series(values[3000 * seed :][:n])


def pollution(seed: int, n: int) -> Arrays:
    """Particles in the air of Beijing an hour later, from weather and from what is there now."""
    folder = data_folder()
    assert folder is not None
    names = ["pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"]
    with (folder / "pollution.csv").open() as file:
        rows = [[row[name] for name in names] for row in csv.DictReader(file)]
    text = rows[10_000 * seed :][: n + 1]
    values = np.array([[np.nan if cell == "NA" else float(cell) for cell in row] for row in text])
    return values[:-1], values[1:, 0]


def peaks(seed: int, n: int, percent: float) -> Arrays:
    """Noise with peaks of fifty times its size, in so many samples; a feature tells the next."""
    rng = np.random.default_rng(seed)
    told = (rng.random(n) < percent / 100).astype(float)
    return told[:, None], 5.0 * np.concatenate([[0.0], told[:-1]]) + 0.1 * rng.normal(size=n)


EMBEDDED = {"water": Stream(water), "polls": Stream(polls), "season": Stream(season)}
REAL = {
    "etth1": Stream(etth1),
    "pollution": Stream(pollution),
    "temperatures": Stream(temperatures),
    "machine": Stream(machine),
    "elec2": Stream(elec2, True),
}


def streams() -> dict[str, Stream]:
    """Return all that there are: the real ones where ``STREAMRNN_DATA`` says where they lie."""
    return EMBEDDED | (REAL if data_folder() is not None else {})


def with_bad_readings(X: np.ndarray, y: np.ndarray, seed: int) -> tuple[Any, Any, np.ndarray]:
    """Return copies in which some values are far off, and which targets are good.

    Labels are left as they are.
    """
    rng = np.random.default_rng(100 + seed)

    def spoilt(values: np.ndarray) -> np.ndarray:
        bad = rng.random(values.shape) < BAD_PERCENT / 100
        size = BAD_SIZE * np.nanstd(values, axis=0) * rng.choice([-1.0, 1.0], values.shape)
        return np.where(bad, values + size, values)

    if y.dtype == bool:
        return spoilt(X), y, np.ones(len(y), bool)
    goals = spoilt(y)
    return spoilt(X), goals, goals == y
