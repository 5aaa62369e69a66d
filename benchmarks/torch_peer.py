"""The same learner by hand in PyTorch: truncated back-propagation, one update a sample.

The form that measured best: one single-step call a sample predicts and carries the state, one fused
call over the window from the carried state learns; Adam is the fused one.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import torch


class TorchLearner:
    """LSTM and linear head, recomputed activations, Adam, clipping by norm.

    Parameters
    ----------
    n_inputs, hidden_size, truncation
        As in ``RNNRegressor``.
    """

    def __init__(self, n_inputs: int, hidden_size: int, truncation: int) -> None:
        torch.manual_seed(1)
        self.cell = torch.nn.LSTM(n_inputs, hidden_size)
        self.head = torch.nn.Linear(hidden_size, 1)
        self.parameters = [*self.cell.parameters(), *self.head.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=1e-3, fused=True)
        zero = torch.zeros(1, hidden_size)
        self.states = deque([(zero, zero)], maxlen=truncation + 1)
        self.window: deque[torch.Tensor] = deque(maxlen=truncation)

    def predict_and_learn(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Predict one sample of shape (1, n_inputs), then learn from it."""
        with torch.no_grad():
            h, state = self.cell(x, self.states[-1])
            prediction = self.head(h)
        self.states.append(state)
        self.window.append(x)
        outputs, _ = self.cell(torch.cat(tuple(self.window)), self.states[-1 - len(self.window)])
        loss = (self.head(outputs[-1]) - y).square().sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        self.optimizer.step()
        return float(prediction)


def learn_stream(X: np.ndarray, y: np.ndarray, hidden_size: int, truncation: int) -> list[float]:
    """Predict and learn a whole stream, (T, n) and (T,), in one thread."""
    torch.set_num_threads(1)
    learner = TorchLearner(X.shape[1], hidden_size, truncation)
    rows = torch.from_numpy(X.astype(np.float32)).unsqueeze(1)
    targets = torch.from_numpy(y.astype(np.float32))
    return [learner.predict_and_learn(x, t) for x, t in zip(rows, targets, strict=True)]
