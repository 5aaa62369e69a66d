"""JAX with the backward sweep written out: ``vmap`` over streams, ``lax.scan`` over time.

A step of the sweep needs the local derivatives of its step forward alone, so they may be kept from
when the sample came, as ours are, or made again by a scan over the window. Rings are carried arrays
which are written in place, a row a sample. The whole chunk of samples is one compiled call, whose
state is donated. Products are of float32 all through.

A row of the window that is all zeros, the constant inputs of the biases included, leaves a zero
state alone and has no share in the gradient, so a window that is not yet full needs no masks.
"""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any, NamedTuple

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
from jax import lax

from device.jobs import BETA1, BETA2, CLIP_NORM, EPS, Job, make_rows, packed, weights

jax.config.update("jax_default_matmul_precision", "highest")

#: Steps of the window in one turn of XLA's loop: as this variable says, or as `tune` found.
_UNROLL = "BENCHMARK_JAX_UNROLL"
_TRIED = (1, 4, 16)
_TRIED_SAMPLES = 8


def _unroll() -> int:
    return int(os.environ.get(_UNROLL, "4"))


class Learner(NamedTuple):
    """What one stream has of its own."""

    weights: Any  # of gates, (4 H, D), and head, (H + 1,)
    means: Any
    squares: Any
    h: Any  # (H,)
    c: Any
    rows: Any  # (K, D), ring: [x, 1, h, 1], h before the step
    cells: Any  # (K, H), ring: c before the step; recomputed activations alone
    factors: Any  # (K, 6, H), ring: local derivatives; stored activations alone


def _step(of_gates, row, c):
    i, f, g, o = jnp.split(of_gates @ row, 4)
    i, f, g, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)
    after = f * c + i * g
    squashed = jnp.tanh(after)
    factors = [
        g * (i - i * i),
        c * (f - f * f),
        i - i * g * g,
        squashed * (o - o * o),
        o - o * squashed * squashed,
        f,
    ]
    return o * squashed, after, jnp.stack(factors)


def _again(job, unroll, of_gates, rows, cells, order):
    """Run the window again; return its rows and derivatives, the newest first, and its end."""
    n = job.inputs

    def step(carry, r):
        h, c = carry
        row = lax.dynamic_index_in_dim(rows, r, keepdims=False)
        row = lax.dynamic_update_slice(row, h, (n + 1,))
        h, c, factors = _step(of_gates, row, c)
        return (h, c), (row, factors)

    oldest = order[-1]
    start = (rows[oldest, n + 1 : -1], cells[oldest])
    (h, _), (again, factors) = lax.scan(step, start, order[::-1], unroll=unroll)
    return again[::-1], factors[::-1], h


def _sweep(unroll, of_state, factors, order, d_h):
    """Return the deltas, the newest step first."""

    def back(carry, r):
        d_h, d_c = carry
        f = lax.dynamic_index_in_dim(factors, r, keepdims=False)
        d_c = d_c + d_h * f[4]
        delta = jnp.concatenate([d_c * f[0], d_c * f[1], d_c * f[2], d_h * f[3]])
        return (delta @ of_state, d_c * f[5]), delta

    _, deltas = lax.scan(back, (d_h, jnp.zeros_like(d_h)), order, unroll=unroll)
    return deltas


def _update(lr, learner, gradient, updates):
    norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in gradient))
    scale = CLIP_NORM / jnp.maximum(norm, CLIP_NORM)
    rate, root = lr / (1 - BETA1**updates), 1 / jnp.sqrt(1 - BETA2**updates)
    moved = []
    kept = zip(learner.weights, learner.means, learner.squares, gradient, strict=True)
    for number, mean, square, g in kept:
        mean = BETA1 * mean + (1 - BETA1) * g * scale
        square = BETA2 * square + (1 - BETA2) * (g * scale) ** 2
        moved.append((number - rate * mean / (jnp.sqrt(square) * root + EPS), mean, square))
    numbers, means, squares = (tuple(each) for each in zip(*moved, strict=True))
    return learner._replace(weights=numbers, means=means, squares=squares)


def _learn(job, unroll, learner, slot, updates, x, y):
    """Predict and learn one sample of one stream."""
    (of_gates, head), n, one = learner.weights, job.inputs, jnp.ones(1, jnp.float32)
    row = jnp.concatenate([x, one, learner.h, one])
    put = partial(lax.dynamic_update_index_in_dim, index=slot, axis=0)
    rows, cells, factors = put(learner.rows, row), learner.cells, learner.factors
    h, c, local = _step(of_gates, row, learner.c)
    prediction = newest = head[:-1] @ h + head[-1]
    end = h
    order = (slot - jnp.arange(job.truncation)) % job.truncation
    if job.activations == "stored":
        factors = put(factors, local)
        window, used, places = jnp.take(rows, order, axis=0), factors, order
    else:
        cells = put(cells, learner.c)
        window, used, end = _again(job, unroll, of_gates, rows, cells, order)
        newest = head[:-1] @ end + head[-1]
        places = jnp.arange(job.truncation)
    slope = 2 * (newest - y)
    deltas = _sweep(unroll, of_gates[:, n + 1 : -1], used, places, slope * head[:-1])
    gradient = (deltas.T @ window, slope * jnp.append(end, 1))
    learner = _update(job.lr, learner, gradient, updates)
    return learner._replace(h=h, c=c, rows=rows, cells=cells, factors=factors), prediction


@partial(jax.jit, static_argnames=("job", "unroll"), donate_argnames="state")
def _chunk(job, unroll, state, X, y):
    def sample(state, now):
        learners, slot, updates = state
        of_all = jax.vmap(partial(_learn, job, unroll), in_axes=(0, None, None, 0, 0))
        learners, predictions = of_all(learners, slot, updates, *now)
        return (learners, (slot + 1) % job.truncation, updates + 1), predictions

    return lax.scan(sample, state, (X, y))


class Streams:
    """Learners with weights of their own."""

    device_seconds = None  # only the clock on the wall is JAX's

    def __init__(self, job: Job, distinct: bool) -> None:
        assert not job.shared
        self._job, self._unroll = job, _unroll()
        self.how = f"one compiled scan, {self._unroll} steps unrolled"
        B, H, K = job.streams, job.units, job.truncation
        is_stored = job.activations == "stored"
        own = tuple(
            jnp.array(jnp.broadcast_to(array, (B, *array.shape[1:])))
            for array in packed(weights(job, distinct))
        )
        learners = Learner(
            weights=own,
            means=jax.tree.map(jnp.zeros_like, own),
            squares=jax.tree.map(jnp.zeros_like, own),
            h=jnp.zeros((B, H)),
            c=jnp.zeros((B, H)),
            rows=jnp.zeros((B, K, job.inputs + H + 2)),
            cells=jnp.zeros((B, 0 if is_stored else K, H)),
            factors=jnp.zeros((B, K if is_stored else 0, 6, H)),
        )
        self._state = (learners, jnp.int32(0), jnp.float32(1))

    def load(self, X: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        """Copy rows to the device."""
        return jax.block_until_ready((jnp.asarray(X), jnp.asarray(y)))

    def run(self, rows: tuple[Any, Any]) -> Any:
        """Predict and learn a chunk; wait for it."""
        self._state, predictions = _chunk(self._job, self._unroll, self._state, *rows)
        return jax.block_until_ready(predictions)

    def numbers(self, predictions: Any) -> np.ndarray:
        """Copy predictions to the host."""
        return np.asarray(predictions)

    def memory(self) -> int | None:
        """Return what XLA has in use."""
        return memory()


def memory() -> int | None:
    """Return the bytes that XLA has in use between two calls, None where it does not say."""
    return (jax.devices()[0].memory_stats() or {}).get("bytes_in_use")


def tune(job: dict[str, Any]) -> dict[str, Any]:
    """Find out how many steps should be unrolled; return it, as a variable of the environment."""
    chosen, seconds = Job(**job), {}
    for unroll in _TRIED:
        os.environ[_UNROLL] = str(unroll)
        learner = Streams(chosen, False)
        rows = learner.load(*make_rows(chosen, _TRIED_SAMPLES))
        learner.run(rows)  # compiles
        started = time.perf_counter()
        learner.run(rows)
        seconds[unroll] = time.perf_counter() - started
    os.environ[_UNROLL] = str(min(seconds, key=lambda unroll: seconds[unroll]))
    return {"variables": {_UNROLL: os.environ[_UNROLL]}, "seconds": seconds}


def hello() -> dict[str, Any]:
    """Say what is used."""
    return {
        "title": "JAX, backward by hand",
        "versions": {"jax": jax.__version__, "jaxlib": jaxlib.__version__},
        "device": jax.devices()[0].device_kind,
    }


MORE = {"tune": tune}
