"""The same learner by hand in PyTorch: truncated back-propagation, one update a sample.

The form that measured best: one single-step call a sample predicts and carries the state, one fused
call over the window from the carried state learns; Adam is the fused one.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and PyTorch are imported

import numpy as np
import torch
import worker

Stream = list[tuple[torch.Tensor, torch.Tensor]]


class TorchLearner:
    """One LSTM layer and a linear head; see the top of the file."""

    chunk = 1

    def __init__(self, job: worker.Job, weights: Mapping[str, np.ndarray] | None) -> None:
        assert (job.cell, job.layers) == ("lstm", 1)
        torch.set_num_threads(worker.threads())
        torch.manual_seed(1)
        self._dtype = getattr(torch, job.dtype)
        self._cell = torch.nn.LSTM(job.inputs, job.units, dtype=self._dtype)
        self._head = torch.nn.Linear(job.units, 1, dtype=self._dtype)
        if weights is not None:
            self._put(weights)
        self._parameters = [*self._cell.parameters(), *self._head.parameters()]
        self._optimizer = torch.optim.Adam(self._parameters, lr=worker.LR, fused=True)
        zero = torch.zeros(1, job.units, dtype=self._dtype)
        self._states = deque([(zero, zero)], maxlen=job.truncation + 1)
        self._window: deque[torch.Tensor] = deque(maxlen=job.truncation)

    def _put(self, weights: Mapping[str, np.ndarray]) -> None:
        of_head = {name: f"head.{name}" for name in ("weight", "bias")}
        of_cell = {name: name for name, _ in self._cell.named_parameters()}
        for module, names in ((self._cell, of_cell), (self._head, of_head)):
            module.load_state_dict({own: torch.from_numpy(weights[n]) for own, n in names.items()})

    def load(self, X: np.ndarray, y: np.ndarray) -> Stream:
        """Make a tensor of each sample."""
        rows = torch.from_numpy(X).to(self._dtype).unsqueeze(1)
        return list(zip(rows, torch.from_numpy(y).to(self._dtype), strict=True))

    def run(self, stream: Stream) -> list[float]:
        """Predict and learn sample after sample."""
        return [self._predict_and_learn(x, y) for x, y in stream]

    def _predict_and_learn(self, x: torch.Tensor, y: torch.Tensor) -> float:
        with torch.no_grad():
            h, state = self._cell(x, self._states[-1])
            prediction = self._head(h)
        self._states.append(state)
        self._window.append(x)
        outputs, _ = self._cell(
            torch.cat(tuple(self._window)), self._states[-1 - len(self._window)]
        )
        loss = (self._head(outputs[-1]) - y).square().sum()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, worker.CLIP_NORM, foreach=True)
        self._optimizer.step()
        return float(prediction)


def versions() -> dict[str, str]:
    """Say what is used."""
    return {"torch": torch.__version__}


if __name__ == "__main__":
    worker.serve(
        TorchLearner,
        "PyTorch, by hand",
        "The same learner written by hand: one fused `nn.LSTM` call over the window, fused Adam.",
        "recomputed",
        versions,
    )
