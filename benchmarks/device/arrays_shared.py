"""Shared weights in plain arrays: products by the vendor's library through CuPy, or by NumPy.

This is what a hand-written kernel has to beat: every step of all streams is one matrix product, and
one more over window and streams makes the weight gradient. The element-wise rest is fused by
``cupy.fuse``. With ``BENCHMARK_ARRAYS=numpy`` the same code runs on the CPU.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from device.jobs import BETA1, BETA2, CLIP_NORM, EPS, Job, packed, weights

ON_CPU = os.environ.get("BENCHMARK_ARRAYS") == "numpy"
if ON_CPU:
    xp: Any = np
    fuse: Any = lambda function: function  # noqa: E731
else:
    import cupy as xp

    fuse = xp.fuse


@fuse
def _forward(i, f, g, o, c):
    i, f, o = 1 / (1 + xp.exp(-i)), 1 / (1 + xp.exp(-f)), 1 / (1 + xp.exp(-o))
    g = xp.tanh(g)
    after = f * c + i * g
    squashed = xp.tanh(after)
    return (
        o * squashed,
        after,
        g * (i - i * i),
        c * (f - f * f),
        i - i * g * g,
        squashed * (o - o * o),
        o - o * squashed * squashed,
        f,
    )


@fuse
def _backward(f0, f1, f2, f3, f4, f5, d_h, d_c):
    d_c = d_c + d_h * f4
    return d_c * f0, d_c * f1, d_c * f2, d_h * f3, d_c * f5


@fuse
def _moved(number, mean, square, g, scale, rate, root):
    g = g * scale
    mean = BETA1 * mean + (1 - BETA1) * g
    square = BETA2 * square + (1 - BETA2) * g * g
    return number - rate * mean / (xp.sqrt(square) * root + EPS), mean, square


class Moments(NamedTuple):
    """A weight, and what Adam keeps of its gradient."""

    number: Any
    mean: Any
    square: Any


class Streams:
    """Streams that share one LSTM layer and a linear head."""

    def __init__(self, job: Job, distinct: bool) -> None:
        assert job.shared
        assert job.activations == "stored"
        self._job = job
        B, H, K = job.streams, job.units, job.truncation
        width = job.inputs + H + 2
        self.how = "NumPy" if ON_CPU else "CuPy: products by cuBLAS, cupy.fuse"
        self.device_seconds = None if ON_CPU else 0.0
        self._weights = [self._begin(array[0]) for array in packed(weights(job, distinct))]
        self._updates = 0
        self._h, self._c = self._zeros(B, H), self._zeros(B, H)
        self._rows = self._zeros(K, B, width)  # ring: what the gates' product read
        self._factors = self._zeros(K, 6, B, H)  # ring: local derivatives
        self._deltas = self._zeros(K, B, 4 * H)

    @staticmethod
    def _zeros(*shape: int) -> Any:
        return xp.zeros(shape, np.float32)

    @staticmethod
    def _begin(array: np.ndarray) -> Moments:
        number = xp.asarray(array)
        return Moments(number, xp.zeros_like(number), xp.zeros_like(number))

    def load(self, X: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        """Copy rows to the device."""
        return xp.asarray(X), xp.asarray(y)

    def run(self, rows: tuple[Any, Any]) -> Any:
        """Predict and learn round after round."""
        if ON_CPU:
            return xp.stack([self._round(x, y) for x, y in zip(*rows, strict=True)])
        begun, ended = xp.cuda.Event(), xp.cuda.Event()
        begun.record()
        out = xp.stack([self._round(x, y) for x, y in zip(*rows, strict=True)])
        ended.record()
        ended.synchronize()
        assert self.device_seconds is not None
        self.device_seconds += xp.cuda.get_elapsed_time(begun, ended) / 1e3
        return out

    def numbers(self, predictions: Any) -> np.ndarray:
        """Copy predictions to the host."""
        return predictions if ON_CPU else xp.asnumpy(predictions)

    def memory(self) -> int | None:
        """Return what the pool has taken."""
        return None if ON_CPU else xp.get_default_memory_pool().total_bytes()

    def _round(self, x: Any, y: Any) -> Any:
        (cells, *_), (head, *_) = self._weights
        n, H, K = self._job.inputs, self._job.units, self._job.truncation
        slot = self._updates % K
        row = self._rows[slot]
        row[:, :n], row[:, n + 1 : -1] = x, self._h
        row[:, n] = row[:, -1] = 1
        gates = row @ cells.T
        self._h, self._c, *local = _forward(
            *(gates[:, k * H : (k + 1) * H] for k in range(4)), self._c
        )
        for k, factor in enumerate(local):
            self._factors[slot, k] = factor
        z = self._h @ head[:-1] + head[-1]
        d_z = 2 * (z - y)
        of_cells = self._sweep(slot, d_z[:, None] * head[:-1], cells[:, n + 1 : -1])
        of_head = xp.concatenate([d_z @ self._h, d_z.sum(keepdims=True)])
        self._update([gradient / self._job.streams for gradient in (of_cells, of_head)])
        return z

    def _sweep(self, slot: int, d_h: Any, of_state: Any) -> Any:
        """Go back through the window; return the gradient of the gates' weights."""
        H, K = self._job.units, self._job.truncation
        d_c = xp.zeros_like(d_h)
        for back in range(min(K, self._updates + 1)):
            r = (slot - back) % K
            *deltas, d_c = _backward(*self._factors[r], d_h, d_c)
            for k, delta in enumerate(deltas):
                self._deltas[r, :, k * H : (k + 1) * H] = delta
            d_h = self._deltas[r] @ of_state
        flat = self._deltas.reshape(-1, 4 * H)
        return flat.T @ self._rows.reshape(len(flat), -1)

    def _update(self, gradients: list[Any]) -> None:
        self._updates += 1
        norm = xp.sqrt(sum((gradient * gradient).sum() for gradient in gradients))
        scale = CLIP_NORM / xp.maximum(norm, CLIP_NORM)
        rate = np.float32(self._job.lr / (1 - BETA1**self._updates))
        root = np.float32((1 - BETA2**self._updates) ** -0.5)
        self._weights = [
            Moments(*_moved(*kept, gradient, scale, rate, root))
            for kept, gradient in zip(self._weights, gradients, strict=True)
        ]


def hello() -> dict[str, Any]:
    """Say what is used."""
    if ON_CPU:
        return {"title": "NumPy", "versions": {"numpy": np.__version__}, "device": "CPU"}
    name = xp.cuda.runtime.getDeviceProperties(xp.cuda.Device().id)["name"].decode()
    versions = {"cupy": xp.__version__, "numpy": version("numpy")}
    return {"title": "cuBLAS through CuPy", "versions": versions, "device": name}
