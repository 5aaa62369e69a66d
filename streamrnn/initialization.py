"""Initial weights: ``init="default"`` for learning from streams, ``init="torch"`` for parity.

Every block is drawn from a generator of its own, seeded by the model's seed and the block's place:
one for each input, one for each lag, one for each output. What a model draws therefore does not
depend on the order of its growth beyond the number of inputs at that time, and no generator state
has to be kept.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from streamrnn.lags import ONE_HOT
from streamrnn.layout import Sizes, head_weights, layer_weights, row_width
from streamrnn.learner import Plugins

_INPUTS, _STATES, _BIASES, _HEAD, _LAGS = range(5)


class Scheme(Protocol):
    """How to draw each kind of block; `columns` are the gates' pre-activations, gates * H."""

    def input_row(self, rng: np.random.Generator, columns: int, n: int, H: int) -> np.ndarray:
        """Draw the weights of one of `n` inputs, (columns,)."""

    def states(self, rng: np.random.Generator, columns: int, H: int) -> np.ndarray:
        """Draw the recurrent weights, (H, columns)."""

    def bias(
        self, rng: np.random.Generator, columns: int, H: int, initial: dict[int, float]
    ) -> np.ndarray:
        """Draw a bias, (columns,); `initial` gives what the cell wants for a block of H."""

    def head(self, rng: np.random.Generator, shape: tuple[int, ...], H: int) -> np.ndarray:
        """Draw one output's part of a block of the head."""


class Default:
    """Orthogonal recurrent weights (Saxe et al. 2014), the cell's own biases, a zero head.

    Inputs are uniform within 1 / √(number of inputs), so that scaled inputs give pre-activations of
    order 1 however many there are. With a zero head the first predictions are the target's mean.
    """

    def input_row(self, rng: np.random.Generator, columns: int, n: int, H: int) -> np.ndarray:
        """Draw uniformly within 1 / √n."""
        return _uniform(rng, (columns,), n)

    def states(self, rng: np.random.Generator, columns: int, H: int) -> np.ndarray:
        """Draw an orthogonal matrix for each gate, uniformly over all of them."""
        blocks = []
        for _ in range(columns // H):
            q, r = np.linalg.qr(rng.normal(size=(H, H)))
            blocks.append(q * np.sign(np.diagonal(r)))
        return np.hstack(blocks)

    def bias(
        self, rng: np.random.Generator, columns: int, H: int, initial: dict[int, float]
    ) -> np.ndarray:
        """Return zeros but for what the cell wants."""
        bias = np.zeros((columns // H, H))
        for gate, value in initial.items():
            bias[gate] = value
        return bias.ravel()

    def head(self, rng: np.random.Generator, shape: tuple[int, ...], H: int) -> np.ndarray:
        """Return zeros."""
        return np.zeros(shape)


class Torch:
    """Everything uniform within 1 / √H, as ``torch.nn`` draws recurrent layers and their head."""

    def input_row(self, rng: np.random.Generator, columns: int, n: int, H: int) -> np.ndarray:
        """Draw uniformly within 1 / √H."""
        return _uniform(rng, (columns,), H)

    def states(self, rng: np.random.Generator, columns: int, H: int) -> np.ndarray:
        """Draw uniformly within 1 / √H."""
        return _uniform(rng, (H, columns), H)

    def bias(
        self, rng: np.random.Generator, columns: int, H: int, initial: dict[int, float]
    ) -> np.ndarray:
        """Draw uniformly within 1 / √H, whatever the cell wants."""
        return _uniform(rng, (columns,), H)

    def head(self, rng: np.random.Generator, shape: tuple[int, ...], H: int) -> np.ndarray:
        """Draw uniformly within 1 / √H."""
        return _uniform(rng, shape, H)


SCHEMES: dict[str, Scheme] = {"default": Default(), "torch": Torch()}


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], fan: int) -> np.ndarray:
    bound = 1.0 / math.sqrt(fan)
    return rng.uniform(-bound, bound, shape)


def initialise_layers(
    scheme: Scheme, plugins: Plugins, sizes: Sizes, parameters: np.ndarray, seed: int
) -> None:
    """Draw everything that does not depend on the number of inputs and outputs."""
    H = sizes.hidden_size
    initial: dict[int, float] = getattr(plugins.cell, "initial_bias", dict)()
    for layer in range(sizes.num_layers):
        weights = layer_weights(sizes, parameters, layer)
        columns = sizes.state_gates * H
        weights.states[:H] = scheme.states(_generator(seed, _STATES, layer), columns, H)
        weights.states[H] = scheme.bias(_generator(seed, _BIASES, layer, 1), columns, H, {})
        columns = sizes.input_gates * H
        weights.inputs[-1] = scheme.bias(_generator(seed, _BIASES, layer, 0), columns, H, initial)
        if layer > 0:
            initialise_inputs(scheme, sizes, parameters, seed, layer, 0)


def initialise_inputs(
    scheme: Scheme, sizes: Sizes, parameters: np.ndarray, seed: int, layer: int, first: int
) -> None:
    """Draw the weights of a layer's inputs, features or units, from the `first` on."""
    H = sizes.hidden_size
    n = sizes.n_inputs if layer == 0 else H
    weights = layer_weights(sizes, parameters, layer).inputs
    for i in range(first, n):
        weights[i] = scheme.input_row(_generator(seed, _INPUTS, layer, i), weights.shape[1], n, H)


def initialise_lags(
    scheme: Scheme, sizes: Sizes, parameters: np.ndarray, seed: int, first: int
) -> None:
    """Draw the weights of the lags from the `first` on, whatever features there are.

    Of lags that tell a class only one is not 0 at a time, so each is drawn as if it were alone.
    """
    n = 1 if sizes.lags_as == ONE_HOT else sizes.n_lags
    weights = layer_weights(sizes, parameters, 0).inputs
    for k in range(first, sizes.n_lags):
        rng = _generator(seed, _LAGS, k)
        drawn = scheme.input_row(rng, weights.shape[1], n, sizes.hidden_size)
        weights[sizes.n_inputs + k] = drawn


def initialise_outputs(
    scheme: Scheme, plugins: Plugins, sizes: Sizes, parameters: np.ndarray, seed: int, first: int
) -> None:
    """Draw the head's weights for the outputs from the `first` on."""
    head = head_weights(sizes, parameters)
    blocks = plugins.head.blocks(sizes.hidden_size, row_width(sizes, 0), sizes.n_outputs)
    for b, (start, shape) in enumerate(blocks.values()):
        block = head[start : start + math.prod(shape)].reshape(shape)
        for k in range(first, sizes.n_outputs):
            rng = _generator(seed, _HEAD, b, k)
            block[k] = scheme.head(rng, shape[1:], sizes.hidden_size)


def _generator(seed: int, *place: int) -> np.random.Generator:
    return np.random.default_rng([seed, *place])
