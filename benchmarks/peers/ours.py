"""Our own side of the table, under the same protocol as the peers'."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np
import worker
from plain import NUMBERS

import streamrnn
from streamrnn import RNNRegressor

#: Ways to do the job with the plain network; everything else is as by default.
VARIANTS: dict[str, dict[str, Any]] = {
    "stored": {},
    "recomputed": {"activations": "recomputed"},
    "loop": {},  # predict_one and learn_one
    "every16": {"update_every": 16, "loss_window": 16},
}
#: No plain network: changes, read out by least squares.
DEFAULTS = "defaults"


class OurLearner:
    """``RNNRegressor`` in one of the `VARIANTS`, or as it is by default."""

    chunk = 1

    def __init__(self, job: worker.Job, weights: Mapping[str, np.ndarray] | None) -> None:
        self._is_loop = job.variant == "loop"
        self._names = [f"x{i}" for i in range(job.inputs)]
        words = {} if job.variant == DEFAULTS else {**NUMBERS, **VARIANTS[job.variant]}
        raw = {"scale_inputs": False, "scale_target": False} if weights is not None else {}
        self._model = RNNRegressor(
            cell=job.cell,
            hidden_size=job.units,
            num_layers=job.layers,
            truncation=job.truncation,
            dtype=job.dtype,
            lr=worker.LR,
            clip_norm=worker.CLIP_NORM,
            **words,
            **raw,
        )
        if weights is not None:
            self._model.set_weights(weights, features=self._names)

    def load(self, X: np.ndarray, y: np.ndarray) -> Any:
        """Make a dict of each sample where they are learnt one by one."""
        if not self._is_loop:
            return X, y
        rows = [dict(zip(self._names, row, strict=True)) for row in X.tolist()]
        return list(zip(rows, y.tolist(), strict=True))

    def run(self, stream: Any) -> Any:
        """Predict and learn the stream, as a block or sample after sample."""
        if not self._is_loop:
            X, y = stream
            return self._model.replay(X, y, features=self._names)
        predictions = []
        for x, y in stream:
            predictions.append(self._model.predict_one(x))
            self._model.learn_one(x, y)
        return predictions


def sgemm(size: int = 1024, repeats: int = 5) -> dict[str, float]:
    """Return the speed of a large float32 matrix product, in GFLOP/s, the best of several."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, size, size)).astype(np.float32)
    out = np.empty_like(a)
    best = float("inf")
    for _ in range(repeats + 1):
        started = time.perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - started)
    return {"gflops": 2 * size**3 / best / 1e9}


def versions() -> dict[str, str]:
    """Say what is used."""
    names = ("numba", "river")
    return {"streamrnn": streamrnn.__version__, **{name: version(name) for name in names}}


if __name__ == "__main__":
    import growth

    worker.serve(
        OurLearner,
        "streamrnn",
        "`RNNRegressor`.",
        "stored",
        versions,
        {"sgemm": sgemm, "memory": growth.memory, "keys": growth.keys},
    )
