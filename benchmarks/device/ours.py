"""Our own side: a `Bank` of learners, or a `Fleet` that shares its weights, on either backend.

``BENCHMARK_BACKEND`` says which: "cuda", or "cpu" with so many threads as the process may use.
Rows lie in the host's memory, and what is timed includes their way to the device and that of the
predictions back; the learners stay where they are.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numba
import numpy as np
import worker

import streamrnn
from device import limits
from device.jobs import BETA1, BETA2, CLIP_NORM, EPS, Job, weights
from streamrnn import weights as named_weights
from streamrnn.bank import Bank
from streamrnn.blueprint import Blueprint
from streamrnn.cells.lstm import LSTM
from streamrnn.fleet import Fleet
from streamrnn.gradients.recomputed import Recomputed
from streamrnn.gradients.stored import Stored
from streamrnn.heads.linear import Linear
from streamrnn.layout import Sizes, common_size, own_size
from streamrnn.learner import Plugins
from streamrnn.losses.squared import Squared
from streamrnn.optimizers.adam import Adam
from streamrnn.updates import Settings

BACKEND = os.environ.get("BENCHMARK_BACKEND", "cpu")
_ALGORITHMS = {"stored": Stored, "recomputed": Recomputed}


def blueprint(job: Job) -> Blueprint:
    """Return what each learner is made of: LSTM and linear head, Adam, nothing scaled."""
    optimizer = Adam(lr=job.lr, beta1=BETA1, beta2=BETA2, eps=EPS)
    plugins = Plugins(LSTM(), Linear(), Squared(), optimizer, _ALGORITHMS[job.activations]())
    shape = Sizes(hidden_size=job.units, truncation=job.truncation, n_outputs=1)
    return Blueprint(plugins, shape, Settings(clip_norm=CLIP_NORM), "float32", "torch", 1)


class Streams:
    """All streams of a job, each in a slot of one bank."""

    def __init__(self, job: Job, distinct: bool) -> None:
        self._job = job
        self.to_warm = job.truncation  # a window that is not full is less work
        self._threads = worker.threads()
        made = blueprint(job)
        _check_memory(job.streams, made.sized(job.inputs, 1))
        self.bank = (Fleet if job.shared else Bank)(made)
        if BACKEND != "cpu":
            self.bank.backend = BACKEND
        self.bank.grow(job.inputs, 1)
        self._slots = np.array([self.bank.take() for _ in range(job.streams)])
        self.how = f"{type(self.bank).__name__}, backend {BACKEND!r}"
        if BACKEND == "cpu":
            self.how += f", threads: {self._threads}"
        is_counted = BACKEND != "cpu" and not job.shared  # rounds are launched otherwise
        self.further = {"on_chip": _on_chip(job, self.bank.sizes)} if is_counted else {}
        if distinct:
            self._put(weights(job, distinct))

    def _put(self, first: dict[str, np.ndarray]) -> None:
        plugins, sizes = self.bank.plugins, self.bank.sizes
        for i, slot in enumerate(self._slots):
            self.bank.select(int(slot))
            parts = self.bank.parts
            own = {name: array[i % len(array)] for name, array in first.items()}
            named_weights.put(plugins, sizes, parts.parameters, parts.head_memory, own)

    @property
    def device_seconds(self) -> float | None:
        """Seconds of the kernels so far, by the device's events."""
        return None if BACKEND == "cpu" else float(self.bank.driver.seconds)

    def load(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        """Line up the rows of each stream, one stream after the other."""
        n = len(X)
        inputs = np.ascontiguousarray(X.transpose(1, 0, 2).reshape(-1, X.shape[2]), np.float64)
        targets = np.column_stack([y.T.ravel(), np.ones(y.size)]).astype(np.float64)
        bounds = np.arange(self._job.streams + 1, dtype=np.int64) * n
        return inputs, targets, bounds

    def run(self, rows: tuple[np.ndarray, ...]) -> np.ndarray:
        """Predict and learn; return the predictions, one stream after the other."""
        X, Y, bounds = rows
        out = np.empty((len(X), 1))
        before = self.device_seconds
        self.bank.run_groups(self._slots, bounds, X, Y, out, self._threads)
        if before is not None and not before < self.bank.driver.seconds:
            raise RuntimeError("the device has done nothing: this was not run on it")
        return out

    def numbers(self, predictions: np.ndarray) -> np.ndarray:
        """Put the samples of all streams side by side."""
        return predictions.reshape(self._job.streams, -1).T

    def memory(self) -> int | None:
        """Return the bytes of all learners."""
        return self._job.streams * bytes_of(self.bank.sizes)


def bytes_of(sizes: Sizes) -> int:
    """Return the bytes of one learner's numbers in float32; statistics are little beside them."""
    return 4 * (common_size(sizes) + own_size(sizes))


def _check_memory(streams: int, sizes: Sizes) -> None:
    wanted = streams * bytes_of(sizes)
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if wanted > 0.8 * free:
        raise MemoryError(f"{wanted / 2**30:.1f} GiB of learners, {free / 2**30:.1f} GiB are free")


def _on_chip(job: Job, sizes: Sizes) -> list[str]:
    """Return what our kernel keeps on the chip, of `counts.PLACES`."""
    from streamrnn.backends.cuda import device, launching, placing

    if launching.is_wide(sizes, job.streams):
        return []
    there = device.properties()
    placed = placing.placing_for(sizes, "float32", there.shared, there.threads, warp=there.warp)
    places = {"parameters": placed.at_parameters, "deltas": placed.at_work}
    return [name for name, at in places.items() if at >= 0]


def hello() -> dict[str, Any]:
    """Say what is used; an error if the backend cannot work."""
    learner = Streams(Job(streams=1, units=2, truncation=2, inputs=1), False)
    learner.run(learner.load(np.ones((1, 1, 1)), np.ones((1, 1))))
    return {
        "title": f"streamrnn, {BACKEND}",
        "versions": {"streamrnn": streamrnn.__version__, "numba": numba.__version__},
        "device": "CPU" if BACKEND == "cpu" else limits.properties()["name"],
    }


#: The device's own limits are asked of us.
MORE = {"properties": limits.properties, "copy": partial(limits.copy_bandwidth, 2**28)}
