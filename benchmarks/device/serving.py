"""The requests that a contestant on a device answers; see `peers/worker.py` for the loop.

- ``{"do": "hello"}``: title, what is run, versions, the device;
- ``{"do": "check", "job": {...}, "samples": 60}``: the predictions of learners that start from
  distinct weights, and what was counted as clipped, where that is known;
- ``{"do": "time", "job": {...}, "seconds": 0.2, "repeats": 5, "limit": 20}``: how long it takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from device.jobs import Job, chunk_length, make_rows


class Learner(Protocol):
    """What a contestant brings along; all of its streams go forward together."""

    #: In words, how it came to do the job: fused, captured, or why not.
    how: str
    #: Seconds on the device so far, by its own events; None where only a clock on the wall is.
    device_seconds: float | None
    # It may have ``to_warm``, samples until the window is full, and ``further``, what else is to be
    # in the results.

    def __init__(self, job: Job, distinct: bool) -> None:
        """Build all learners, from `jobs.weights`; `distinct` is meant for comparing.

        Otherwise they are for timing, and may take their windows for full.
        """

    def load(self, X: np.ndarray, y: np.ndarray) -> Any:
        """Bring rows, (n, B, inputs) and (n, B), to where they are worked on; this is not timed."""

    def run(self, rows: Any) -> Any:
        """Predict and learn what `load` returned; return the predictions when all is done."""

    def numbers(self, predictions: Any) -> np.ndarray:
        """Turn what `run` returned into an array, (n, B)."""

    def memory(self) -> int | None:
        """Return the bytes in use on the device, None where that is not known."""


def check(make: type[Learner], job: dict[str, Any], samples: int) -> dict[str, Any]:
    """Return the predictions of fresh learners."""
    chosen = Job(**job)
    learner = make(chosen, True)
    predictions = learner.run(learner.load(*make_rows(chosen, samples)))
    found = learner.numbers(predictions)
    assert found.shape == (samples, chosen.streams)
    return {"predictions": found.astype(float).tolist(), "how": learner.how}


def timed(
    make: type[Learner],
    job: dict[str, Any],
    seconds: float,
    repeats: int,
    limit: float,
    chunk: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Build learners, fill their windows, and time so many repeats of about so many seconds.

    There are fewer repeats, but one at least, where they would take longer than `limit` seconds
    with the building. Learners are called with `chunk` samples of each stream, by default with
    `chunk_length`.
    """
    started, chosen = clock(), Job(**job)
    chunk = chunk or chunk_length(chosen)
    learner = make(chosen, False)
    rows = learner.load(*make_rows(chosen, chunk))
    n_chunks, warmed = 0, 0
    while warmed < getattr(learner, "to_warm", 1):
        learner.run(rows)
        warmed += chunk
    set_up = clock() - started
    walls, devices = [], []
    while len(walls) < repeats:
        before, on_device = clock(), learner.device_seconds
        if not n_chunks:  # settled by one that does not count
            learner.run(rows)
            n_chunks = max(1, round(seconds / max(clock() - before, 1e-9)))
            continue
        for _ in range(n_chunks):
            learner.run(rows)
        walls.append(clock() - before)
        if on_device is not None and learner.device_seconds is not None:
            devices.append(learner.device_seconds - on_device)
        if clock() - started + walls[-1] > limit:
            break
    return {
        "chunk": chunk,
        "samples": n_chunks * chunk * chosen.streams,
        "wall_s": walls,
        "device_s": devices,
        "set_up_s": set_up,
        "memory_bytes": learner.memory(),
        "how": learner.how,
        **getattr(learner, "further", {}),
    }
