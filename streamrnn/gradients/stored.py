"""Truncated back-propagation through time over stored activations.

Williams & Peng (1990), "An efficient gradient-based algorithm for on-line training of recurrent
network trajectories": BPTT(h) for ``update_every = 1``, BPTT(h; h') for larger ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._registry import plugin
from streamrnn.actions import copy_together
from streamrnn.columns import places_of_columns
from streamrnn.gradients.protocol import backpropagate, recall, remember
from streamrnn.gradients.sweep import backpropagate_window, record_inputs
from streamrnn.layout import Sizes, features, layer_tape, tape_size
from streamrnn.linalg import copy
from streamrnn.views import row


@plugin(
    name="stored",
)
class Stored(NamedTuple):
    """Use the activations that were computed when each sample arrived.

    The local derivatives are of the weights of that moment, while the error travels back through
    today's recurrent matrices: it is the gradient of no function once the weights have moved, but
    off by a term of the order of the learning rate only. An error may therefore be sent back just
    once: sent back again through activations that do not answer to it, it misleads.
    """

    def n_memory(self, sizes: Sizes) -> int:
        """Return the length of the tape."""
        return tape_size(sizes)

    def n_scratch(self, sizes: Sizes) -> int:
        """Return 0: the sweep works on the tape itself."""
        return 0

    def tape(self, sizes: Sizes, memory: np.ndarray, scratch: np.ndarray) -> np.ndarray:
        """View the tape: it is the memory."""
        return memory

    def check(self, sizes: Sizes) -> None:
        """Raise ValueError unless every loss is used exactly once."""
        if sizes.loss_window != sizes.update_every:
            raise ValueError(
                f"activations='stored' needs loss_window == update_every, got loss_window="
                f"{sizes.loss_window} and update_every={sizes.update_every}; set them equal or "
                "use activations='recomputed'"
            )

    def carry_memory(
        self, old: Sizes, old_memory: np.ndarray, new: Sizes, new_memory: np.ndarray
    ) -> None:
        """Copy the tape; inputs that are new were 0 in the steps gone by."""
        for layer in range(old.num_layers):
            before, after = layer_tape(old, old_memory, layer), layer_tape(new, new_memory, layer)
            after.states[:] = before.states
            after.factors[:] = before.factors
            places = places_of_columns(old, new) if layer == 0 else slice(None)
            after.inputs[:, places] = before.inputs
        features(new, new_memory)[:] = features(old, old_memory)


@remember.register(Stored)
def _(algorithm, sizes, parts, work, slot):
    for layer in range(sizes.num_layers):
        below = work.x if layer == 0 else row(work.after, layer - 1)
        record_inputs(work.team, sizes, parts.memory, layer, slot, below, row(parts.state, layer))
        factors = layer_tape(sizes, parts.memory, layer).factors
        copy_together(work.team, row(work.factors, layer), factors.shape[1], row(factors, slot))
    hidden = row(features(sizes, parts.memory), slot)
    copy_together(work.team, row(work.after, sizes.num_layers - 1), sizes.hidden_size, hidden)


@recall.register(Stored)
def _(algorithm, sizes, parts, slot, age, h, x):
    copy(row(features(sizes, parts.memory), slot), h.size, h)
    copy(row(layer_tape(sizes, parts.memory, 0).inputs, slot), x.size, x)


@backpropagate.register(Stored)
def _(algorithm, plugins, sizes, parts, work, slot, n):
    backpropagate_window(plugins, sizes, parts, work, parts.memory, slot, n)
