"""JAX as one would write it: ``vmap`` over streams of the learner in `peers/jax_peer.py`.

That one is a ``lax.scan`` over time; each sample runs the window again and ``jax.grad`` goes back
through it. The state is donated, and products are of float32 all through.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("XLA_FLAGS", "")  # those that the peer would set are for one core

import jax
import jax.numpy as jnp
import jax_peer
import numpy as np
import worker
from jax import lax

from device import jax_by_hand
from device.jobs import Job, weights


@partial(jax.jit, static_argnames="is_full", donate_argnames="carry")
def _chunk(carry, X, y, is_full):
    of_one = partial(jax_peer._predict_and_learn, is_full=is_full)
    return lax.scan(jax.vmap(of_one), carry, (X, y))


class Streams:
    """Learners with weights of their own."""

    device_seconds = None

    def __init__(self, job: Job, distinct: bool) -> None:
        assert not job.shared
        assert job.activations == "recomputed"
        assert job.lr == worker.LR
        self.how = "one compiled scan, jax.grad through the window"
        B, H, K = job.streams, job.units, job.truncation
        self._missing = K if distinct else 0  # samples until the window is full
        own = {
            name: jnp.array(jnp.broadcast_to(array, (B, *array.shape[1:])))
            for name, array in weights(job, distinct).items()
        }
        self._carry = jax_peer.Carry(
            weights=own,
            means=jax.tree.map(jnp.zeros_like, own),
            squares=jax.tree.map(jnp.zeros_like, own),
            updates=jnp.zeros(B),
            h=jnp.zeros((B, H)),
            c=jnp.zeros((B, H)),
            inputs=jnp.zeros((B, K, job.inputs)),
            hs=jnp.zeros((B, K, H)),
            cs=jnp.zeros((B, K, H)),
            filled=jnp.full((B, K), not distinct),
        )

    def load(self, X: np.ndarray, y: np.ndarray) -> list[tuple[Any, Any, bool]]:
        """Copy rows to the device; the first ones go by a scan that knows of gaps."""
        parts = [slice(0, self._missing), slice(self._missing, None)]
        cuts = [
            (jnp.asarray(X[part]), jnp.asarray(y[part]), part.stop is None)
            for part in parts
            if len(X[part])
        ]
        self._missing = max(0, self._missing - len(X))
        return jax.block_until_ready(cuts)

    def run(self, rows: list[tuple[Any, Any, bool]]) -> Any:
        """Predict and learn; wait for it."""
        predictions = []
        for X, y, is_full in rows:
            self._carry, out = _chunk(self._carry, X, y, is_full)
            predictions.append(out)
        return jax.block_until_ready(predictions)

    def numbers(self, predictions: Any) -> np.ndarray:
        """Copy predictions to the host."""
        return np.concatenate([np.asarray(part) for part in predictions])

    def memory(self) -> int | None:
        """Return what XLA has in use."""
        return jax_by_hand.memory()


def hello() -> dict[str, Any]:
    """Say what is used."""
    return jax_by_hand.hello() | {"title": "JAX, jax.grad"}
