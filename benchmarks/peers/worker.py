"""The process that every contestant runs in: requests in, answers out, one line of JSON each.

A contestant is a file of this folder that ends with ``worker.serve(...)``; nothing but NumPy may be
assumed, since it may run in an environment of its own. By hand::

    echo '{"do": "time", "job": {"units": 32, "truncation": 32}}' | python jax_peer.py

Requests:

- ``{"do": "hello"}``: title, one sentence on what is run, which of our ways it is set beside,
  versions;
- ``{"do": "time", "job": {...}, "seconds": 0.3}``: microseconds a sample, and how many samples
  were timed. The first request of a job builds the learner, fills its window, runs it for a while
  and settles the number of samples; it then stays, and learns on with each request;
- ``{"do": "predict", "job": {...}, "weights": {...}, "X": [...], "y": [...]}``: the predictions of
  a fresh learner that starts from these weights (PyTorch's names and layout).

The number of threads is that of ``OMP_NUM_THREADS``, 1 if it is not set; the process also stays on
as many cores.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

LR = 0.002  # of Adam, for all
CLIP_NORM = 1.0


@dataclass(frozen=True)
class Job:
    """What is learnt: the sizes of a network and of its window."""

    units: int = 32
    truncation: int = 32
    inputs: int = 8
    cell: str = "lstm"
    layers: int = 1
    dtype: str = "float32"
    variant: str = ""  # a contestant's own ways to do the job


class Learner(Protocol):
    """What a contestant brings along.

    It predicts and learns each sample of a stream in turn: one step from the carried state, back
    through the window, clipping by norm, one update with Adam.
    """

    #: Samples a run is made of: 1, or the length that was compiled.
    chunk: int

    def __init__(self, job: Job, weights: Mapping[str, np.ndarray] | None) -> None:
        """Build a network; without weights, from random ones."""

    def load(self, X: np.ndarray, y: np.ndarray) -> Any:
        """Bring a stream, (T, n) and (T,), into the library's own form; this is not timed."""

    def run(self, stream: Any) -> Any:
        """Predict and learn a stream that `load` returned; return the predictions, (T,)."""


def make_stream(n: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Make slowly moving inputs and a noisy target that depends on the past."""
    rng = np.random.default_rng(0)
    X = np.zeros((n, inputs))
    for t in range(1, n):
        X[t] = 0.95 * X[t - 1] + 0.3 * rng.normal(size=inputs)
    y = np.convolve(np.tanh(X[:, 0] * X[:, -1]), np.ones(8) / 8)[:n] + 0.1 * rng.normal(size=n)
    return X, y


class Timer:
    """A learner whose window is full, and a stream to time it on.

    The number of samples, a multiple of the learner's chunk, is settled once, so that all repeats
    do the same.
    """

    def __init__(self, make: type[Learner], job: Job, seconds: float) -> None:
        self._learner = make(job, None)
        X, y = make_stream(5000, job.inputs)
        chunk = self._learner.chunk
        self._run(X, y, job.truncation)  # fills the window
        few = _multiple(job.truncation, chunk)
        self._run(X, y, few)  # compiles, if that is not yet done
        a_sample = self._run(X, y, few) / few
        # The first guess is of a short run: warm up by a tenth, and guess again.
        few = _multiple(0.1 * seconds / a_sample, chunk)
        a_sample = min(a_sample, self._run(X, y, few) / few)
        self.samples = max(_multiple(seconds / a_sample, chunk), _multiple(20, chunk))
        self._stream = self._learner.load(*_repeated(X, y, self.samples))

    def _run(self, X: np.ndarray, y: np.ndarray, n: int) -> float:
        stream = self._learner.load(*_repeated(X, y, n))
        started = time.perf_counter()
        self._learner.run(stream)
        return time.perf_counter() - started

    def time(self) -> float:
        """Return microseconds a sample."""
        started = time.perf_counter()
        self._learner.run(self._stream)
        return (time.perf_counter() - started) / self.samples * 1e6


def _multiple(n: float, chunk: int) -> int:
    """Return the multiple of `chunk` next to `n`, at least one chunk."""
    return max(1, round(n / chunk)) * chunk


def _repeated(X: np.ndarray, y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(n) % len(X)
    return X[rows], y[rows]


def serve(
    make: type[Learner],
    title: str,
    about: str,
    beside: str,
    versions: Callable[[], dict[str, str]],
    more: Mapping[str, Callable[..., Any]] | None = None,
) -> None:
    """Answer requests until the input ends.

    Parameters
    ----------
    make
        The contestant's learner.
    title, about
        Its name in tables, and one sentence on what is run.
    beside
        The variant of ours that does the same job.
    versions
        Called for the versions of what it uses.
    more
        Further requests by name; each is called with the request's other fields.
    """
    stay_on_cores(threads())
    timers: dict[Job, Timer] = {}

    def hello() -> dict[str, Any]:
        found = {"python": platform.python_version(), "numpy": np.__version__, **versions()}
        return {"title": title, "about": about, "beside": beside, "versions": found}

    def timed(job: dict[str, Any], seconds: float = 0.3) -> dict[str, Any]:
        chosen = Job(**job)
        if chosen not in timers:
            timers[chosen] = Timer(make, chosen, seconds)
        return {"us": timers[chosen].time(), "samples": timers[chosen].samples}

    def predict(job: dict[str, Any], weights: Any, X: Any, y: Any) -> dict[str, Any]:
        learner = make(Job(**job), {name: np.array(values) for name, values in weights.items()})
        predictions = learner.run(learner.load(np.array(X), np.array(y)))
        return {"predictions": np.asarray(predictions, np.float64).tolist()}

    answer_requests({"hello": hello, "time": timed, "predict": predict, **(more or {})})


def answer_requests(known: Mapping[str, Callable[..., Any]]) -> None:
    """Answer requests by the functions of their names, until the input ends."""
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = known[request.pop("do")](**request)
        except Exception as error:  # the other contestants go on
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def threads() -> int:
    """Return how many threads this process may use."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def stay_on_cores(n: int) -> None:
    """Keep this process on the last `n` of its cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-n:])
