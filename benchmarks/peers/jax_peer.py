"""The same learner by hand in JAX: the whole stream is one compiled ``lax.scan``.

The carry holds parameters, Adam's moments, the state, the window of inputs and the ring of states.
Each sample takes a step from the carried state, predicts, runs the window again from the carried
state before its first step, takes the gradient of the newest loss, clips it by norm and updates.

The form that measured best on one core, of a dozen. The inputs' share of the window's
pre-activations is one product outside the recurrence. ``jax.grad`` takes the gradient of the
pre-activations (as that of zeros added to them), and one product over the window makes the weight
gradient of it, where reverse mode through the scan would add up a matrix at every step. Two steps
are unrolled: more make it slower from 64 units on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and JAX are imported
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault(
    "XLA_FLAGS",
    f"--xla_cpu_multi_thread_eigen={str(os.environ['OMP_NUM_THREADS'] != '1').lower()} "
    f"intra_op_parallelism_threads={os.environ['OMP_NUM_THREADS']}",
)

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
import worker
from jax import lax

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
CHUNK = 500  # samples of one compiled scan
UNROLL = 2

Weights = dict[str, Any]


class Carry(NamedTuple):
    """What goes from sample to sample."""

    weights: Weights
    means: Weights
    squares: Weights
    updates: Any
    h: Any  # (H,)
    c: Any
    inputs: Any  # (K, inputs), the newest last
    hs: Any  # (K, H), the states before each step
    cs: Any
    filled: Any  # (K,): whether a row of the window is a sample yet


def _cell(pre, c):
    i, f, g, o = jnp.split(pre, 4)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _read(weights, h):
    return (weights["head.weight"] @ h + weights["head.bias"])[0]


def _pre_of_inputs(weights, x):
    return x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"] + weights["bias_hh_l0"]


def _window_loss(nudges, head, weights, carry, y, is_full):
    """Run the window again; return the newest loss and the hidden state before each step."""
    pres = _pre_of_inputs(weights, carry.inputs) + nudges

    def step(state, now):
        pre, filled = now
        new = _cell(pre + weights["weight_hh_l0"] @ state[0], state[1])
        if not is_full:  # rows before the first sample leave the zero state alone
            new = jax.tree.map(lambda to, at: jnp.where(filled, to, at), new, state)
        return new, state[0]

    (h, _), hs = lax.scan(step, (carry.hs[0], carry.cs[0]), (pres, carry.filled), unroll=UNROLL)
    return (_read(head, h) - y) ** 2, hs


def _gradient(carry, y, is_full):
    weights = carry.weights
    head = {name: weights[name] for name in ("head.weight", "head.bias")}
    nudges = jnp.zeros((carry.inputs.shape[0], 4 * carry.h.size), carry.h.dtype)
    slopes = jax.grad(_window_loss, argnums=(0, 1), has_aux=True)
    (deltas, of_head), hs = slopes(nudges, head, weights, carry, y, is_full)
    of_bias = deltas.sum(0)
    return {
        "weight_ih_l0": deltas.T @ carry.inputs,
        "weight_hh_l0": deltas.T @ hs,
        "bias_ih_l0": of_bias,
        "bias_hh_l0": of_bias,
        **of_head,
    }


def _adam(carry, gradient):
    """Clip by norm and update."""
    norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in gradient.values()))
    scale = jnp.where(norm > worker.CLIP_NORM, worker.CLIP_NORM / norm, 1.0)
    n = carry.updates + 1
    correction1, correction2 = 1 - BETA1**n, 1 - BETA2**n
    weights, means, squares = {}, {}, {}
    for name, g in gradient.items():
        clipped = g * scale
        means[name] = BETA1 * carry.means[name] + (1 - BETA1) * clipped
        squares[name] = BETA2 * carry.squares[name] + (1 - BETA2) * clipped * clipped
        step = means[name] / correction1 / (jnp.sqrt(squares[name] / correction2) + EPS)
        weights[name] = carry.weights[name] - worker.LR * step
    return carry._replace(weights=weights, means=means, squares=squares, updates=n)


def _predict_and_learn(carry, sample, is_full):
    x, y = sample
    pre = _pre_of_inputs(carry.weights, x) + carry.weights["weight_hh_l0"] @ carry.h
    h, c = _cell(pre, carry.c)
    prediction = _read(carry.weights, h)
    carry = carry._replace(
        inputs=jnp.concatenate([carry.inputs[1:], x[None]]),
        hs=jnp.concatenate([carry.hs[1:], carry.h[None]]),
        cs=jnp.concatenate([carry.cs[1:], carry.c[None]]),
        filled=jnp.concatenate([carry.filled[1:], jnp.ones(1, bool)]),
    )
    carry = _adam(carry, _gradient(carry, y, is_full))
    return carry._replace(h=h, c=c), prediction


@partial(jax.jit, static_argnames="is_full", donate_argnames="carry")
def _stream(carry, X, y, is_full):
    return lax.scan(partial(_predict_and_learn, is_full=is_full), carry, (X, y))


class JaxLearner:
    """One LSTM layer and a linear head; see the top of the file."""

    chunk = CHUNK

    def __init__(self, job: worker.Job, weights: Mapping[str, np.ndarray] | None) -> None:
        assert (job.cell, job.layers) == ("lstm", 1)
        jax.config.update("jax_enable_x64", job.dtype == "float64")
        self._dtype, self._truncation = job.dtype, job.truncation
        H, K = job.units, job.truncation
        if weights is None:
            weights = _random_weights(job.inputs, H)
        own = {name: jnp.asarray(array, job.dtype) for name, array in weights.items()}
        row, ring = jnp.zeros(H, job.dtype), jnp.zeros((K, H), job.dtype)
        self._seen = 0
        self._carry = Carry(
            weights=own,
            means=jax.tree.map(jnp.zeros_like, own),
            squares=jax.tree.map(jnp.zeros_like, own),
            updates=jnp.zeros((), job.dtype),
            h=row,
            c=row.copy(),
            inputs=jnp.zeros((K, job.inputs), job.dtype),
            hs=ring,
            cs=ring.copy(),
            filled=jnp.zeros(K, bool),
        )

    def load(self, X: np.ndarray, y: np.ndarray) -> list[tuple[Any, Any, bool]]:
        """Cut the stream into chunks; the window's first rows go by a scan that knows of gaps."""
        cuts, at = [], 0
        while at < len(X):
            missing = self._truncation - (self._seen + at)
            to = min(len(X), at + (missing if missing > 0 else CHUNK))
            part = slice(at, to)
            cuts.append(
                (jnp.asarray(X[part], self._dtype), jnp.asarray(y[part], self._dtype), missing <= 0)
            )
            at = to
        return cuts

    def run(self, stream: list[tuple[Any, Any, bool]]) -> np.ndarray:
        """Predict and learn chunk after chunk."""
        predictions = []
        for X, y, is_full in stream:
            self._carry, out = _stream(self._carry, X, y, is_full)
            predictions.append(out)
            self._seen += len(X)
        return np.concatenate([np.asarray(out) for out in jax.block_until_ready(predictions)])


def _random_weights(inputs: int, H: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = {
        "weight_ih_l0": (4 * H, inputs),
        "weight_hh_l0": (4 * H, H),
        "bias_ih_l0": (4 * H,),
        "bias_hh_l0": (4 * H,),
        "head.weight": (1, H),
        "head.bias": (1,),
    }
    return {name: rng.uniform(-1, 1, shape) / H**0.5 for name, shape in shapes.items()}


def versions() -> dict[str, str]:
    """Say what is used."""
    return {"jax": jax.__version__, "jaxlib": jaxlib.__version__}


if __name__ == "__main__":
    worker.serve(
        JaxLearner,
        "JAX, by hand",
        "The same learner written by hand: the whole stream is one compiled `lax.scan`.",
        "recomputed",
        versions,
    )
