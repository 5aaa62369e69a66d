"""deep-river's LSTM, another River estimator: ``predict_one`` and ``learn_one``, PyTorch inside.

It does another job: it carries no state. The last K samples are run from a zero state, once to
predict and once to learn. Clipping, optimizer and rate are as for all.

It pins older versions of River and PyTorch than streamrnn needs, so it wants an environment of its
own; see `benchmarks/README.md`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and PyTorch are imported

import numpy as np
import torch
import worker
from deep_river.regression import LSTMRegressor

Stream = list[tuple[dict[str, float], float]]


class DeepRiverLearner:
    """``LSTMRegressor`` with a window of K samples."""

    chunk = 1

    def __init__(self, job: worker.Job, weights: Mapping[str, np.ndarray] | None) -> None:
        assert (job.cell, job.dtype) == ("lstm", "float32")
        torch.set_num_threads(worker.threads())
        self._model = LSTMRegressor(
            n_features=job.inputs,
            hidden_size=job.units,
            num_layers=job.layers,
            window_size=job.truncation,
            optimizer_fn="adam",
            lr=worker.LR,
            gradient_clip_value=worker.CLIP_NORM,
        )
        if weights is not None:
            names = {name: name if name.startswith("head.") else f"lstm.{name}" for name in weights}
            self._model.module.load_state_dict(
                {names[name]: torch.from_numpy(array) for name, array in weights.items()}
            )

    def load(self, X: np.ndarray, y: np.ndarray) -> Stream:
        """Make a dict of each sample."""
        names = [f"x{i}" for i in range(X.shape[1])]
        rows = [dict(zip(names, row, strict=True)) for row in X.tolist()]
        return list(zip(rows, y.tolist(), strict=True))

    def run(self, stream: Stream) -> list[float]:
        """Predict and learn sample after sample."""
        predictions = []
        for x, y in stream:
            predictions.append(self._model.predict_one(x))
            self._model.learn_one(x, y)
        return predictions


def versions() -> dict[str, str]:
    """Say what is used."""
    return {name: version(name) for name in ("deep-river", "river", "torch")}


if __name__ == "__main__":
    worker.serve(
        DeepRiverLearner,
        "deep-river",
        "deep-river's `LSTMRegressor` with `window_size=K`, `predict_one` and `learn_one`: it "
        "carries no state, and runs the last K samples from zero to predict and to learn.",
        "loop",
        versions,
    )
