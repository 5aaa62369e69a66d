"""Microseconds a sample: LSTM, 8 inputs, Adam, norm clip, an update with every sample, one thread.

Shows ``replay`` (a block in one compiled call), the loop of ``predict_one`` and ``learn_one``, and,
where PyTorch is installed, the same learner written by hand in it. All are timed in turn, several
times; the medians are shown. The windows are full when the clock starts.

Run ``python benchmarks/speed.py --json benchmarks/results/speed.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and PyTorch are imported

import numpy as np

from streamrnn import RNNRegressor, __version__

try:
    import torch
except ImportError:
    torch = None

SIZES = [(16, 16), (32, 32), (64, 32), (128, 32)]  # (units, truncation)
N_INPUTS = 8
NAMES = [f"x{i}" for i in range(N_INPUTS)]


def make_stream(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Make slowly moving inputs and a noisy target that depends on the past."""
    rng = np.random.default_rng(0)
    X = np.zeros((n, N_INPUTS))
    for t in range(1, n):
        X[t] = 0.95 * X[t - 1] + 0.3 * rng.normal(size=N_INPUTS)
    y = np.convolve(np.tanh(X[:, 0] * X[:, 1]), np.ones(8) / 8)[:n] + 0.1 * rng.normal(size=n)
    return X, y


def timed(run: Callable[[], object], samples: int) -> float:
    """Return microseconds a sample."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) / samples * 1e6


def contestants(units: int, truncation: int, n: int) -> dict[str, Callable[[], float]]:
    """Return functions that each time a run over `n` samples."""
    X, y = make_stream(n)
    dicts = [dict(zip(NAMES, row, strict=True)) for row in X.tolist()]
    targets = y.tolist()

    def warm(activations: str) -> RNNRegressor:
        model = RNNRegressor(hidden_size=units, truncation=truncation, activations=activations)
        model.replay(X[: 2 * truncation], y[: 2 * truncation], features=NAMES)
        return model

    stored, recomputed, looped = warm("stored"), warm("recomputed"), warm("stored")

    def loop() -> None:
        for x, target in zip(dicts, targets, strict=True):
            looped.predict_one(x)
            looped.learn_one(x, target)

    runs = {
        "replay": lambda: timed(lambda: stored.replay(X, y, features=NAMES), n),
        "replay, recomputed": lambda: timed(lambda: recomputed.replay(X, y, features=NAMES), n),
        "predict_one + learn_one": lambda: timed(loop, n),
    }
    if torch is not None:
        from torch_peer import learn_stream

        few = min(n, 500)
        runs["PyTorch by hand"] = lambda: timed(
            lambda: learn_stream(X[:few], y[:few], units, truncation), few
        )
    return runs


def measure(units: int, truncation: int, repeats: int) -> dict[str, float]:
    """Return the median of each contestant, all timed in turn in every repeat."""
    n = max(500, 200_000 // units)
    runs = contestants(units, truncation, n)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats):
        order = list(runs) if repeat % 2 == 0 else list(reversed(runs))
        for name in order:
            times[name].append(runs[name]())
    return {name: round(median(values), 2) for name, values in times.items()}


def machine() -> dict[str, str | int | None]:
    """Say what the figures were measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if "model name" in line), model)
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__ if torch else None,
        "streamrnn": __version__,
    }


def main() -> None:
    """Measure, print a table, and write it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    results = {}
    for units, truncation in SIZES:
        figures = measure(units, truncation, arguments.repeats)
        if not results:
            print(f"{'units / K':<11}" + "".join(f"{name:>26}" for name in figures))
        print(f"{units} / {truncation:<7}" + "".join(f"{us:>26.2f}" for us in figures.values()))
        results[f"lstm-{N_INPUTS}-{units}-k{truncation}"] = figures
    if arguments.json:
        report = {"unit": "microseconds a sample", "machine": machine(), "results": results}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
