"""The contract of a gradient algorithm: what it keeps of a step, and the gradient it makes.

An algorithm is a NamedTuple class with a ``name``, float fields with defaults, and methods that
plain Python calls with the `Sizes` (their ``n_memory`` and ``n_scratch`` still 0):

- ``n_memory(sizes)``: numbers it keeps from sample to sample, in the arena;
- ``n_scratch(sizes)``: numbers it needs while it works, in the workspace;

together with ``check(sizes)``, which raises ValueError for sizes it cannot serve, and
``carry_memory(old, old_memory, new, new_memory)``, which copies its memory into a larger one when
inputs were added; `columns.places_of_columns` says where the old ones are then. A method
``tape(sizes, memory, scratch)``, if there is one, views the tape (see `layout.layer_tape`) of the
window after `backpropagate`, which tells `diagnostics` what the layers saw.
"""

from __future__ import annotations

import numpy as np

from streamrnn._dispatch import by_type
from streamrnn.layout import Parts, Sizes
from streamrnn.workspace import Workspace


@by_type
def remember(algorithm: tuple, sizes: Sizes, parts: Parts, work: Workspace, slot: int) -> None:
    """Keep what the gradient will need of the step that has just been computed.

    Parameters
    ----------
    algorithm
        The algorithm, a NamedTuple; its type chooses the implementation.
    sizes
        The sizes of the model.
    parts
        The arena. ``parts.state`` is still the state before the step; ``parts.memory`` is written.
    work
        The workspace: ``x``, ``after`` and ``factors`` are those of the step.
    slot
        Row of the rings that is the step's, in ``range(truncation)``.
    """


@by_type
def backpropagate(
    algorithm: tuple,
    plugins: tuple,
    sizes: Sizes,
    parts: Parts,
    work: Workspace,
    slot: int,
    n: int,
) -> None:
    """Write the gradient of the windowed loss to ``work.gradient``.

    Parameters
    ----------
    algorithm
        The algorithm, a NamedTuple; its type chooses the implementation.
    plugins
        The plug-ins of the model: a NamedTuple with ``cell``, ``head``, ``loss`` and ``optimizer``.
    sizes
        The sizes of the model.
    parts
        The arena; only ``parts.memory`` may be written.
    work
        The workspace.
    slot
        Row of the window's last step: the newest one, or that whose target has just come.
    n
        Steps in the window. They are the row `slot` of every ring and the rows before it, round the
        ring's end; ``range(n)`` if the last one is the newest.
    """


@by_type
def recall(
    algorithm: tuple,
    sizes: Sizes,
    parts: Parts,
    slot: int,
    age: int,
    h: np.ndarray,
    x: np.ndarray,
) -> None:
    """Tell what the head read in a step of the window, for a head that learns by itself.

    Parameters
    ----------
    algorithm
        The algorithm, a NamedTuple; its type chooses the implementation.
    sizes
        The sizes of the model.
    parts
        The arena, after the newest step; read only.
    slot
        Row of the step.
    age
        How many steps before the newest it was.
    h
        Hidden state of the top layer after the step, shape (H,); written.
    x
        Scaled inputs, shape (inputs,); written.
    """
