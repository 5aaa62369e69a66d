"""What should not grow: time with the number of keys, memory with the number of samples."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import worker
from plain import NUMBERS

import streamrnn
from streamrnn import RNNRegressor

INPUTS = 8
NAMES = [f"x{i}" for i in range(INPUTS)]


def memory(samples: int, block: int, units: int, truncation: int) -> dict[str, Any]:
    """Replay a long stream in blocks; return resident memory, MiB, after each of 40 parts.

    To be asked of a fresh process: what other requests have left would be counted.
    """
    model = _model(units, truncation)
    X, y = worker.make_stream(block, INPUTS)
    seen, resident = [0], [resident_mib()]
    started = time.perf_counter()
    while seen[-1] < samples:
        to = min(samples, round(samples / 40 * len(seen)))
        for at in range(seen[-1], to, block):
            n = min(block, to - at)
            model.replay(X[:n], y[:n], features=NAMES)
        seen.append(to)
        resident.append(resident_mib())
    seconds = time.perf_counter() - started
    return {"samples": seen, "mib": [round(value, 2) for value in resident], "seconds": seconds}


def _model(units: int, truncation: int) -> RNNRegressor:
    return RNNRegressor(hidden_size=units, truncation=truncation, lr=worker.LR, **NUMBERS)


def resident_mib() -> float:
    """Return this process's resident memory in MiB; Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def keys(n_keys: int, samples: int, units: int, truncation: int, n_threads: int) -> dict[str, Any]:
    """Time one block of `samples`, that of `n_keys` keys in turn; all windows are full before.

    Later requests with the same figures go on with the same model.
    """
    model = _keyed(n_keys, units, truncation, n_threads)
    X, y = worker.make_stream(5000, INPUTS)
    rows = np.arange(max(samples, n_keys)) % len(X)
    labels = np.arange(len(rows)) % n_keys
    started = time.perf_counter()
    model.replay(labels, X[rows], y[rows], features=NAMES)
    return {"us": (time.perf_counter() - started) / len(rows) * 1e6, "samples": len(rows)}


@cache
def _keyed(n_keys: int, units: int, truncation: int, n_threads: int) -> Any:
    model = streamrnn.KeyedModel(
        _model(units, truncation),
        key="sensor",
        max_keys=None,
        n_threads=n_threads,
    )
    X, y = worker.make_stream(5000, INPUTS)
    rows = np.arange(n_keys * truncation) % len(X)
    labels = np.arange(len(rows)) % n_keys
    model.replay(labels, X[rows], y[rows], features=NAMES)
    return model
