"""Truncated back-propagation through time over activations recomputed with today's weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn._registry import plugin
from streamrnn.actions import copy_together, fill_together
from streamrnn.columns import places_of_columns
from streamrnn.gradients.protocol import backpropagate, recall, remember
from streamrnn.gradients.sweep import backpropagate_window, record_inputs
from streamrnn.layout import (
    Sizes,
    features,
    layer_inputs,
    layer_tape,
    layer_weights,
    row_width,
    tape_size,
)
from streamrnn.linalg import copy
from streamrnn.network import layer_step
from streamrnn.views import matrix, row, vector


@plugin(
    name="recomputed",
)
class Recomputed(NamedTuple):
    """Run the window again from the carried state before its first step.

    This is the exact gradient of today's network on the window, from a starting state that is taken
    as a constant. Old losses may be used again and again (``loss_window > update_every``): each
    time they answer to today's weights. About twice the time of stored activations.
    """

    def n_memory(self, sizes: Sizes) -> int:
        """Return the length of two rings: the inputs, and the states before each step."""
        return sizes.truncation * (row_width(sizes, 0) + _state_size(sizes))

    def n_scratch(self, sizes: Sizes) -> int:
        """Return the length of a tape and of two states."""
        return tape_size(sizes) + 2 * _state_size(sizes)

    def tape(self, sizes: Sizes, memory: np.ndarray, scratch: np.ndarray) -> np.ndarray:
        """View the tape of the last run."""
        return scratch[: tape_size(sizes)]

    def check(self, sizes: Sizes) -> None:
        """Raise ValueError if losses would be lost."""
        if sizes.loss_window < sizes.update_every:
            raise ValueError(
                f"loss_window={sizes.loss_window} is less than update_every={sizes.update_every}: "
                "losses between updates would be lost"
            )

    def carry_memory(
        self, old: Sizes, old_memory: np.ndarray, new: Sizes, new_memory: np.ndarray
    ) -> None:
        """Copy both rings; inputs that are new were 0 in the steps gone by."""
        (old_inputs, old_states), (inputs, states) = (
            _rings(old, old_memory),
            _rings(new, new_memory),
        )
        inputs[:, places_of_columns(old, new)] = old_inputs
        states[:] = old_states


def _state_size(sizes: Sizes) -> int:
    return sizes.num_layers * sizes.n_states * sizes.hidden_size


@glue
def _rings(sizes, memory):
    """View the rings of inputs, (K, inputs), and of states, (K, num_layers * n_states * H)."""
    K, n_state = sizes.truncation, sizes.num_layers * sizes.n_states * sizes.hidden_size
    n_inputs = row_width(sizes, 0)
    return matrix(memory, 0, K, n_inputs), matrix(memory, K * n_inputs, K, n_state)


@remember.register(Recomputed)
def _(algorithm, sizes, parts, work, slot):
    inputs, states = _rings(sizes, parts.memory)
    copy_together(work.team, work.x, work.x.size, row(inputs, slot))
    before = row(states, slot)
    width = parts.state.shape[1]
    for layer in range(sizes.num_layers):
        old = vector(before, layer * width, width)
        copy_together(work.team, row(parts.state, layer), width, old)


@recall.register(Recomputed)
def _(algorithm, sizes, parts, slot, age, h, x):
    inputs, states = _rings(sizes, parts.memory)
    copy(row(inputs, slot), x.size, x)
    top = sizes.num_layers - 1
    if age == 0:
        copy(row(parts.state, top), h.size, h)
    else:  # the state before the next step
        width = parts.state.shape[1]
        copy(vector(row(states, (slot + 1) % sizes.truncation), top * width, width), h.size, h)


@backpropagate.register(Recomputed)
def _(algorithm, plugins, sizes, parts, work, slot, n):
    size = tape_size(sizes)
    tape = vector(work.scratch, 0, size)
    if slot + 1 != n and n < sizes.truncation:
        # The sweep goes over rows outside the window too, which another call may have written.
        fill_together(work.team, tape, 0.0)
    L, width = parts.state.shape
    before = matrix(work.scratch, size, L, width)
    after = matrix(work.scratch, size + L * width, L, width)
    inputs, states = _rings(sizes, parts.memory)
    oldest = (slot - n + 1) % sizes.truncation
    for layer in range(L):
        old = vector(row(states, oldest), layer * width, width)
        copy_together(work.team, old, width, row(before, layer))
    for ahead in range(n):
        r = (oldest + ahead) % sizes.truncation
        _rerun_step(plugins.cell, sizes, parts, work, tape, r, row(inputs, r), before, after)
    backpropagate_window(plugins, sizes, parts, work, tape, slot, n)


@glue
def _rerun_step(cell, sizes, parts, work, tape, r, x, before, after):
    """Run one recorded step again and write it to the tape; `before` becomes the state after it."""
    for layer in range(sizes.num_layers):
        n = layer_inputs(sizes, layer)
        below = x if layer == 0 else row(after, layer - 1)
        old, new = row(before, layer), row(after, layer)
        record_inputs(work.team, sizes, tape, layer, r, below, old)
        local = row(layer_tape(sizes, tape, layer).factors, r)
        weights = layer_weights(sizes, parts.parameters, layer)
        layer_step(work.team, cell, sizes, weights, n, below, old, new, local, work.pre)
        copy_together(work.team, new, new.size, old)
    hidden = row(features(sizes, tape), r)
    copy_together(work.team, row(after, sizes.num_layers - 1), sizes.hidden_size, hidden)
