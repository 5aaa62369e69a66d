"""PyTorch's ``nn.LSTM``: one wide learner, or streams that share their weights.

It has one set of weights, so streams with weights of their own are not for it. The window is run
again by cuDNN from the carried state, autograd goes back, Adam is the fused one; a sample of all
streams is one CUDA graph once the window is full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from device import capture
from device.capture import DEVICE, ON_CUDA
from device.jobs import BETA1, BETA2, CLIP_NORM, EPS, Job, weights


class Streams:
    """Streams of one ``nn.LSTM`` and a linear head."""

    def __init__(self, job: Job, distinct: bool) -> None:
        assert job.shared or job.streams == 1
        assert job.activations == "recomputed"
        capture.forget()
        self._job, self.how = job, "nn.LSTM"
        B, H, K = job.streams, job.units, job.truncation
        self._cell = torch.nn.LSTM(job.inputs, H, device=DEVICE)
        self._head = torch.nn.Linear(H, 1, device=DEVICE)
        self._parameters = [*self._cell.parameters(), *self._head.parameters()]
        self._optimizer = torch.optim.Adam(
            self._parameters,
            lr=job.lr,
            betas=(BETA1, BETA2),
            eps=EPS,
            fused=True,
            capturable=ON_CUDA,
        )
        self._n = 0 if distinct else K  # rows in the window
        self._x, self._y, self._z = _zeros(1, B, job.inputs), _zeros(B), _zeros(B)
        self._window = _zeros(K, B, job.inputs)  # the newest last
        self._states = [_zeros(K, B, H) for _ in range(2)]  # h and c before each step
        self._after = [_zeros(1, B, H) for _ in range(2)]
        self._work: Any = None
        self._clock = capture.Clock()
        self._put(weights(job, distinct))

    def _put(self, first: dict[str, np.ndarray]) -> None:
        named = {**dict(self._cell.named_parameters())}
        named |= {f"head.{name}": p for name, p in self._head.named_parameters()}
        with torch.no_grad():
            for name, array in first.items():
                named[name].copy_(torch.from_numpy(array[0]))

    @property
    def device_seconds(self) -> float | None:
        """Seconds on the device so far."""
        return self._clock.seconds

    def load(self, X: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Copy rows to the device."""
        return torch.from_numpy(X).to(DEVICE), torch.from_numpy(y).to(DEVICE)

    def run(self, rows: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Predict and learn sample after sample; wait for it."""
        X, y = rows
        out = torch.empty_like(y)
        with self._clock:
            for t in range(len(X)):
                self._x[0].copy_(X[t])
                self._y.copy_(y[t])
                self._sample()
                out[t].copy_(self._z)
        return out

    def numbers(self, predictions: torch.Tensor) -> np.ndarray:
        """Copy predictions to the host."""
        return predictions.cpu().numpy()

    def memory(self) -> int | None:
        """Return the bytes in use."""
        return capture.memory()

    def _sample(self) -> None:
        K = self._job.truncation
        if self._n < K:
            self._n += 1
            self._learn(self._n)
            return
        if self._work is None:
            # Trying it learns, so what was there is put back.
            kept = [tensor.detach().clone() for tensor in self._changing()]
            self._work, self.how = capture.fastest({"nn.LSTM": lambda: self._learn(K)})
            with torch.no_grad():
                for tensor, before in zip(self._changing(), kept, strict=True):
                    tensor.copy_(before)
        self._work()

    def _changing(self) -> list[torch.Tensor]:
        moments = [
            value
            for p in self._parameters
            for name, value in sorted(self._optimizer.state.get(p, {}).items())
            if torch.is_tensor(value)
        ]
        return [*self._parameters, *moments, self._window, *self._states, *self._after]

    def _learn(self, n: int) -> None:
        """Predict and learn the sample in _x and _y from a window of so many rows."""
        with torch.no_grad():
            before = [state.clone() for state in self._after]
            h, after = self._cell(self._x, (before[0], before[1]))
            self._z.copy_(self._head(h[0]).squeeze(1))
            for ring, new in zip([self._window, *self._states], [self._x, *before], strict=True):
                ring.copy_(torch.cat([ring[1:], new]))
            for state, new in zip(self._after, after, strict=True):
                state.copy_(new)
        start = tuple(state[-n].unsqueeze(0).contiguous() for state in self._states)
        outputs, _ = self._cell(self._window[-n:], start)
        loss = (self._head(outputs[-1]).squeeze(1) - self._y).square().mean()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, CLIP_NORM, foreach=True)
        self._optimizer.step()


def _zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.float32, device=DEVICE)


def hello() -> dict[str, Any]:
    """Say what is used."""
    return capture.hello() | {"title": "PyTorch, nn.LSTM"}
