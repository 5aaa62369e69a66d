"""Streams with known anomalies: bundled with River, made by it or here, and those of NAB."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from report import data_folder
from river import datasets
from river.datasets import synth

#: Samples, each with 1 for an anomaly and 0 otherwise.
Samples = list[tuple[Mapping[Hashable, Any], int]]


def shuttle(n: int) -> Samples:
    """Sensors of a space shuttle; a state that is rare is the anomaly."""
    return list(datasets.Shuttle().take(n))


def sine(n: int) -> Samples:
    """Two sines with single values out of place, one in twenty."""
    n = min(n, 5000)
    return list(synth.AnomalySine(n_samples=n, n_anomalies=n // 20, replace=True, seed=12))


def sine_context(n: int) -> Samples:
    """Two sines with noise, and as many values again that are wrong only at their time.

    Those are labelled normal by River.
    """
    n = min(n, 5000)
    return list(
        synth.AnomalySine(
            n_samples=n,
            n_anomalies=n // 20,
            contextual=True,
            n_contextual=n // 20,
            shift=4,
            noise=0.2,
            replace=True,
            seed=12,
        )
    )


def context(n: int) -> Samples:
    """Return `sine_context` with every cosine labelled that is off by five times the noise."""
    return [
        (x, int(abs(x["cosine"] - math.cos(t / 4)) > 5 * 0.2))
        for t, (x, _) in enumerate(sine_context(n))
    ]


def water(n: int) -> Samples:
    """River's WaterFlow, with 25 values that are off by one and a half standard deviations."""
    rng = np.random.default_rng(3)
    flow = np.array([y for _, y in datasets.WaterFlow()])[:n]
    at = rng.choice(np.arange(len(flow) // 6, len(flow)), 25, replace=False)
    label = np.zeros(len(flow), int)
    label[at] = 1
    flow = flow + 1.5 * flow.std() * label * rng.choice([-1, 1], len(flow))
    return [
        ({"flow": value}, one) for value, one in zip(flow.tolist(), label.tolist(), strict=True)
    ]


def phase(n: int) -> Samples:
    """Two waves, a pulse and noise; in one of a hundred a wave or the pulse has the wrong phase."""
    n = min(n, 6000)
    rng = np.random.default_rng(4)
    t = np.arange(n)
    columns = {
        "wave": np.sin(t / 8) + 0.1 * rng.normal(size=n),
        "pulse": (t % 5 == 0).astype(float),
        "slow": np.cos(t / 20) + 0.1 * rng.normal(size=n),
        "noise": rng.normal(size=n),
    }
    label = (t > n // 6) & (rng.random(n) < 0.01)
    is_wave = rng.random(n) < 0.5
    columns["wave"] = np.where(label & is_wave, -columns["wave"], columns["wave"])
    columns["pulse"] = np.where(label & ~is_wave, 1 - columns["pulse"], columns["pulse"])
    rows = np.column_stack(list(columns.values())).tolist()
    return [
        (dict(zip(columns, row, strict=True)), one)
        for row, one in zip(rows, label.astype(int).tolist(), strict=True)
    ]


STREAMS = {
    "shuttle": shuttle,
    "sine": sine,
    "sine-context": sine_context,
    "context": context,
    "water": water,
    "phase": phase,
}


def nab_names() -> list[str]:
    """Return the files of NAB that there are, where ``STREAMRNN_DATA`` says where they lie."""
    folder = data_folder()
    if folder is None:
        return []
    return sorted(json.loads((folder / "nab" / "windows.json").read_text()))


def nab(name: str, n: int) -> Samples:
    """Return one of NAB's streams; what lies in one of its windows is labelled."""
    folder = data_folder()
    assert folder is not None
    windows = json.loads((folder / "nab" / "windows.json").read_text())[name]

    def samples() -> Iterator[tuple[Mapping[Hashable, Any], int]]:
        with (folder / "nab" / name).open() as file:
            for row in csv.DictReader(file):
                at = row["timestamp"]
                label = any(first[:19] <= at <= last[:19] for first, last in windows)
                yield {"value": float(row["value"])}, int(label)

    return list(samples())[:n]


def samples_of(name: str, n: int) -> Samples:
    """Return at most `n` samples of a stream by its name: one of `STREAMS`, or a file of NAB."""
    return STREAMS[name](n) if name in STREAMS else nab(name, n)
