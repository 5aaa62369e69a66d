"""What is learnt on a device: sizes, first weights, rows; the same for all who take part.

An LSTM with a linear head learns from B streams. Every sample is predicted and then learnt: one
step from the carried state, back over the last K steps, clipping by norm, one update with Adam,
float32. Streams have weights of their own, or share them: then all take one step, and one update
follows, by the mean of their gradients.

Nothing but NumPy may be assumed here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

LR, BETA1, BETA2, EPS = 0.002, 0.9, 0.999, 1e-8
CLIP_NORM = 1.0


@dataclass(frozen=True)
class Job:
    """The sizes of what is learnt.

    ``activations``: "stored" when their sample came, or "recomputed" with today's weights, from the
    carried state before the window.
    """

    streams: int
    units: int
    truncation: int = 32
    inputs: int = 8
    activations: str = "stored"
    shared: bool = False
    lr: float = LR

    @property
    def id(self) -> str:
        """Name the job; permanent, since results are compared by it."""
        whose = "shared" if self.shared else "own"
        return f"{whose}-{self.streams}-{self.units}-k{self.truncation}-{self.activations}"

    @property
    def as_json(self) -> dict[str, Any]:
        """Return what makes it again."""
        return asdict(self)


def weights(job: Job, distinct: bool) -> dict[str, np.ndarray]:
    """Draw first weights under PyTorch's names, each with a leading axis.

    That axis has one entry a stream if they are to be distinct, and one for all if not, or if the
    streams share their weights.
    """
    H, n = job.units, job.streams if distinct and not job.shared else 1
    shapes = {
        "weight_ih_l0": (4 * H, job.inputs),
        "weight_hh_l0": (4 * H, H),
        "bias_ih_l0": (4 * H,),
        "bias_hh_l0": (4 * H,),
        "head.weight": (1, H),
        "head.bias": (1,),
    }
    rng = np.random.default_rng(1)
    return {
        name: (rng.uniform(-1, 1, (n, *shape)) / H**0.5).astype(np.float32)
        for name, shape in shapes.items()
    }


def packed(named: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Line up weights so that a step is one product: gates = cells @ [x, 1, h, 1].

    Returns
    -------
    cells, head
        (..., 4 H, inputs + H + 2), and (..., H + 1), the bias last.
    """
    columns = [
        named["weight_ih_l0"],
        named["bias_ih_l0"][..., None],
        named["weight_hh_l0"],
        named["bias_hh_l0"][..., None],
    ]
    head = np.concatenate([named["head.weight"][..., 0, :], named["head.bias"]], axis=-1)
    return np.concatenate(columns, axis=-1), head


def make_rows(job: Job, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make slowly moving inputs, (n, B, inputs), and targets that depend on the past, (n, B)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, job.streams, job.inputs)).astype(np.float32)
    for t in range(1, n):
        X[t] = 0.8 * X[t - 1] + 0.6 * X[t]
    y = np.tanh(X[..., 0] * X[..., -1])
    y[1:] = 0.5 * y[1:] + 0.5 * y[:-1]
    return X, y + 0.1 * rng.normal(size=y.shape).astype(np.float32)


def chunk_length(job: Job) -> int:
    """Return how many samples of each stream are learnt by one call, which is what is timed.

    Few where one sample of all streams is much work already; a multiple of 2 in any case.
    """
    work = max(job.streams, 132) * (job.units / 16) ** 2  # a device is not full with fewer
    return int(2 ** np.clip(np.floor(np.log2(2**20 / work)), 1, 8))
