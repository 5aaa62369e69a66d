"""PyTorch with weights of each stream's own, which ``nn.LSTM`` cannot have: batched, by hand.

The backward sweep is written out, so activations may be kept from when the sample came. A sample of
all streams is one CUDA graph; the ring's position lies on the device, so one graph serves all. What
is element-wise is fused by ``torch.compile``. Products of a step are ``torch.bmm``, or sums that
the compiler fuses; whichever is faster at that size.

A row of the window that is all zeros, the constant inputs of the biases included, leaves a zero
state alone and has no share in the gradient, so a window that is not yet full needs no masks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from device import capture
from device.capture import DEVICE, fused
from device.jobs import BETA1, BETA2, CLIP_NORM, EPS, Job, packed, weights


def _multiplied(of_gates, row):
    return torch.bmm(of_gates, row.unsqueeze(2)).squeeze(2)


def _multiplied_back(delta, of_state):
    return torch.bmm(delta.unsqueeze(1), of_state).squeeze(1)


def _summed(of_gates, row):
    return (of_gates * row.unsqueeze(1)).sum(2)


def _summed_back(delta, of_state):
    return (delta.unsqueeze(2) * of_state).sum(1)


def _forward(pre, c):
    i, f, g, o = pre.chunk(4, dim=1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    after = f * c + i * g
    squashed = after.tanh()
    factors = [
        g * (i - i * i),
        c * (f - f * f),
        i - i * g * g,
        squashed * (o - o * o),
        o - o * squashed * squashed,
        f,
    ]
    return o * squashed, after, torch.stack(factors)


def _read(head, h):
    return (head[:, :-1] * h).sum(1) + head[:, -1]


def _backward(factors, r, d_h, d_c, delta):
    """Write one step's deltas; return what reaches the cell state before it."""
    f = factors.index_select(0, r).squeeze(0)
    d_c = d_c + d_h * f[4]
    delta.copy_(torch.cat([d_c * f[0], d_c * f[1], d_c * f[2], d_h * f[3]], dim=1))
    return d_c * f[5]


def _norm(of_gates, of_head):
    return (of_gates.square().sum((1, 2)) + of_head.square().sum(1)).sqrt()


def _move(lr, number, mean, square, gradient, norm, updates):
    scale = CLIP_NORM / norm.clamp(min=CLIP_NORM)
    g = gradient * scale.view(-1, *[1] * (gradient.dim() - 1))
    new_mean = BETA1 * mean + (1 - BETA1) * g
    new_square = BETA2 * square + (1 - BETA2) * g * g
    rate, root = lr / (1 - BETA1**updates), (1 - BETA2**updates).rsqrt()
    mean.copy_(new_mean)
    square.copy_(new_square)
    number.sub_(rate * new_mean / (new_square.sqrt() * root + EPS))


_forward, _backward, _norm, _move = map(fused, (_forward, _backward, _norm, _move))
_summed, _summed_back = fused(_summed), fused(_summed_back)

WAYS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "steps by bmm": (_multiplied, _multiplied_back),
    "steps by fused sums": (_summed, _summed_back),
}


class Streams:
    """Learners with weights of their own; see the top of the file."""

    def __init__(self, job: Job, distinct: bool) -> None:
        assert not job.shared
        capture.forget()
        self._job = job
        B, H, K = job.streams, job.units, job.truncation
        width, is_stored = job.inputs + H + 2, job.activations == "stored"
        shapes = [(B, 4 * H, width), (B, H + 1)]
        # Each weight with what Adam keeps of its gradient.
        self._weights = [[_zeros(*shape) for _ in range(3)] for shape in shapes]
        self._slot = torch.zeros(1, dtype=torch.int64, device=DEVICE)
        self._updates, self._lr = _zeros(1), torch.full((1,), job.lr, device=DEVICE)
        self._back = torch.arange(K, device=DEVICE)
        self._x, self._y, self._z = _zeros(B, job.inputs), _zeros(B), _zeros(B)
        self._h, self._c = _zeros(B, H), _zeros(B, H)
        self._rows = _zeros(K, B, width)  # ring: [x, 1, h, 1], h before the step
        self._factors = _zeros(K, 6, B, H)  # ring: local derivatives
        self._deltas = _zeros(K, B, 4 * H)  # the newest step first
        self._cells = _zeros(0 if is_stored else K, B, H)  # ring: c before the step
        self._again = _zeros(0 if is_stored else K, B, width)  # the window run again
        ways = {name: partial(self._sample, *products) for name, products in WAYS.items()}
        with torch.no_grad():
            self._work, self.how = capture.fastest(ways)
        self._clock = capture.Clock()
        self._begin(packed(weights(job, distinct)))

    @property
    def device_seconds(self) -> float | None:
        """Seconds on the device so far."""
        return self._clock.seconds

    def _begin(self, first: tuple[np.ndarray, np.ndarray]) -> None:
        """Start anew, where all tensors are: capturing has learnt something."""
        for (number, *moments), array in zip(self._weights, first, strict=True):
            number.copy_(torch.from_numpy(array))  # to all streams, if it is of all
            for moment in moments:
                moment.zero_()
        for tensor in (self._slot, self._updates, self._h, self._c):
            tensor.zero_()
        for tensor in (self._rows, self._factors, self._cells, self._again):
            tensor.zero_()

    def load(self, X: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Copy rows to the device."""
        return torch.from_numpy(X).to(DEVICE), torch.from_numpy(y).to(DEVICE)

    def run(self, rows: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Predict and learn sample after sample; wait for it."""
        X, y = rows
        out = torch.empty_like(y)
        with torch.no_grad(), self._clock:
            for t in range(len(X)):
                self._x.copy_(X[t])
                self._y.copy_(y[t])
                self._work()
                out[t].copy_(self._z)
        return out

    def numbers(self, predictions: torch.Tensor) -> np.ndarray:
        """Copy predictions to the host."""
        return predictions.cpu().numpy()

    def memory(self) -> int | None:
        """Return the bytes in use."""
        return capture.memory()

    # --- one sample of all streams: reads _x and _y, writes _z

    def _sample(self, product: Callable[..., Any], product_back: Callable[..., Any]) -> None:
        (of_gates, *_), (head, *_) = self._weights
        n, slot = self._job.inputs, self._slot
        one = torch.ones_like(self._y).unsqueeze(1)
        row = torch.cat([self._x, one, self._h, one], dim=1)
        self._rows.index_copy_(0, slot, row.unsqueeze(0))
        order = (slot - self._back) % self._job.truncation
        before = self._c.clone()
        h, c, local = _forward(product(of_gates, row), before)
        self._h.copy_(h)
        self._c.copy_(c)
        self._z.copy_(_read(head, h))
        if self._job.activations == "stored":
            self._factors.index_copy_(0, slot, local.unsqueeze(0))
            window = self._rows.index_select(0, order)
        else:
            self._cells.index_copy_(0, slot, before.unsqueeze(0))
            window, h = self._run_again(product, of_gates, order)
        slope = (2 * (_read(head, h) - self._y)).unsqueeze(1)
        self._sweep(product_back, slope * head[:, :-1], of_gates[:, :, n + 1 : -1], order)
        gradient = torch.bmm(self._deltas.permute(1, 2, 0), window.transpose(0, 1))
        self._update(gradient, slope * torch.cat([h, one], dim=1))
        slot.copy_((slot + 1) % self._job.truncation)

    def _run_again(self, product: Callable[..., Any], of_gates: Any, order: Any) -> Any:
        """Run the window with today's weights; return its rows, the newest first, and its end."""
        n, K = self._job.inputs, self._job.truncation
        oldest = order[-1:]
        h = self._rows.index_select(0, oldest)[0, :, n + 1 : -1]
        c = self._cells.index_select(0, oldest)[0]
        for back in range(K - 1, -1, -1):
            r, row = order[back : back + 1], self._again[back]
            row.copy_(self._rows.index_select(0, r)[0])
            row[:, n + 1 : -1] = h
            h, c, local = _forward(product(of_gates, row), c)
            self._factors.index_copy_(0, r, local.unsqueeze(0))
        return self._again, h

    def _sweep(self, product_back: Callable[..., Any], d_h: Any, of_state: Any, order: Any) -> None:
        d_c = torch.zeros_like(d_h)
        for back in range(self._job.truncation):
            delta = self._deltas[back]
            d_c = _backward(self._factors, order[back : back + 1], d_h, d_c, delta)
            if back < self._job.truncation - 1:
                d_h = product_back(delta, of_state)

    def _update(self, *gradients: torch.Tensor) -> None:
        self._updates.add_(1)
        norm = _norm(*gradients)
        for kept, gradient in zip(self._weights, gradients, strict=True):
            _move(self._lr, *kept, gradient, norm, self._updates)


def _zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.float32, device=DEVICE)


def hello() -> dict[str, Any]:
    """Say what is used."""
    return capture.hello() | {"title": "PyTorch, batched by hand"}
