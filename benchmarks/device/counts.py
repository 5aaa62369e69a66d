"""What a sample takes at least: operations, counted from the algorithm, and bytes that move.

Operations are those of `flops.py`. Bytes are of one LSTM layer and a linear head, of numbers that
stay in the device's memory between the launches; two counts:

- `least`: what no placing can spare. A launch fetches a learner and puts it back once, and rows go
  in and predictions out;
- `moved`: every pass of the algorithm over an array that does not lie on the chip moves it. Caches
  spare a part of that, which is not counted. Vectors of one step (x, the gates, the state after)
  count as on the chip.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import flops

from device.jobs import Job

ITEM, DOUBLE = 4, 8

#: What a kernel may keep on the chip.
PLACES = ("parameters", "slots", "gradient", "memory", "tape", "deltas")


class Traffic(NamedTuple):
    """Numbers of an array that a sample reads and writes, and what it holds between launches."""

    read: int
    written: int
    kept: int  # 0: scratch, which outlives no sample


def operations(job: Job) -> dict[str, float]:
    """Return floating-point operations a sample by kind; an update of shared weights is divided."""
    sizes = {"inputs": job.inputs, "units": job.units, "truncation": job.truncation}
    parts = flops.count({**sizes, "variant": job.activations})
    if job.shared:
        parts["norm_and_adam"] /= job.streams
    return parts


def n_parameters(job: Job) -> int:
    """Return the number of weights and biases."""
    H = job.units
    return 4 * H * (job.inputs + 1) + 4 * H * (H + 1) + H + 1


def traffic(job: Job) -> dict[str, Traffic]:
    """Return for each array what a sample of one learner reads and writes, its window full."""
    n, H, K, P = job.inputs, job.units, job.truncation, n_parameters(job)
    gates = P - (H + 1)
    runs = 1 + (K if job.activations == "recomputed" else 0)  # steps forward
    parameters = runs * gates  # products forward
    parameters += (K - 1) * 4 * H * H  # back through time
    parameters += 2 * (H + 1) + H  # the head: to predict, to learn, and back through it
    row = n + 8 * H  # of a tape: inputs, state before, six local derivatives, state after
    swept = K * (6 * H + n + H) + H  # the sweep, the weight gradient, the newest state after
    if job.activations == "stored":
        memory, tape = Traffic(swept, row, K * row), Traffic(0, 0, 0)
    else:
        kept = n + 2 * H  # inputs, and the two states before the step
        memory, tape = Traffic(K * n + 2 * H, kept, K * kept), Traffic(swept, K * row, 0)
    # The product back through time; weights and bias of the two matrices.
    deltas = (K - 1) * 4 * H + 4 * K * 4 * H
    return {
        "parameters": Traffic(parameters + P, P, P),  # and the update
        "slots": Traffic(2 * P, 2 * P, 2 * P),
        "gradient": Traffic(2 * P, P, 0),  # the norm, the update
        "memory": memory,
        "tape": tape,
        "deltas": Traffic(deltas, K * 4 * H, 0),
        "state": Traffic(2 * H, 2 * H, 2 * H),
    }


def least(job: Job, rows: int) -> float:
    """Return bytes a sample where a launch takes each learner `rows` samples on."""
    return moved(job, rows, [*PLACES, "state"])


def moved(job: Job, rows: int, on_chip: Collection[str]) -> float:
    """Return bytes a sample with some arrays on the chip, to which they are brought by a launch.

    Parameters
    ----------
    job
        Streams with weights of their own.
    rows
        Samples of one learner in a launch.
    on_chip
        Some of `PLACES`, or "state".
    """
    total = 0.0
    for name, (read, written, kept) in traffic(job).items():
        total += ITEM * (2 * kept / rows if name in on_chip else read + written)
    in_and_out = job.inputs + 2 + 1  # target and its weight; the prediction
    return total + DOUBLE * in_and_out
