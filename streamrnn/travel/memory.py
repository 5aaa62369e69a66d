"""What a model carries beside the hidden state: features and targets of the steps before."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streamrnn.columns import n_told
from streamrnn.gradients.protocol import recall, remember
from streamrnn.lags import ONE_HOT, SIGNS, tell
from streamrnn.layout import Sizes, row_width
from streamrnn.model import Model
from streamrnn.statistics import FILLED, POSITION, statistics_parts
from streamrnn.workspace import workspace_parts, workspace_size


class Memory(NamedTuple):
    """What is known of the steps before; None for what a model does not look at."""

    #: Scaled features of the step before, (features,).
    x_before: np.ndarray | None = None
    #: Targets of the last K steps, the newest first, as inputs tell them, (K, outputs + 1): the
    #: last column is 1 where the target is known, and the row is 0 where it is not.
    targets: np.ndarray | None = None
    #: The last known value of each target, in its units, NaN if there is none, (targets,).
    last: np.ndarray | None = None


def take(model: Model) -> Memory:
    """Take what a model carries.

    Raises
    ------
    ValueError
        If the targets of a step come some steps after it.
    """
    sizes, parts = model.sizes, model.parts
    reads_targets = sizes.n_lags + sizes.recent_targets > 0
    if (reads_targets or sizes.is_change) and n_told(sizes) != sizes.n_outputs:
        raise ValueError(
            f"a forecast of {sizes.n_outputs} values at once cannot travel with a head that reads "
            "the last targets, or that predicts changes"
        )
    statistics = statistics_parts(sizes, model.statistics)
    position, filled = (int(statistics.counters[i]) for i in (POSITION, FILLED))
    slots = [(position - 1 - back) % sizes.truncation for back in range(filled)]
    x_before = targets = last = None
    if sizes.recent_inputs:
        x = np.zeros(row_width(sizes, 0), model.blueprint.dtype)
        if slots:
            h = np.zeros(sizes.hidden_size, model.blueprint.dtype)
            recall(model.plugins.algorithm, sizes, parts, slots[0], 0, h, x)
        x_before = x[: sizes.n_inputs].copy()
    if reads_targets:
        targets = np.zeros((sizes.truncation, sizes.n_outputs + 1), model.blueprint.dtype)
        for row, slot in zip(targets, slots, strict=False):
            tell(sizes, parts.targets[slot], row[:-1])
            row[-1] = parts.targets[slot, -1] != 0
    if sizes.is_change:
        last = np.where(statistics.change.last_at > 0, statistics.change.last, np.nan)
    return Memory(x_before, targets, last)


def put(model: Model, memory: Memory, state: np.ndarray) -> None:
    """Let a new model know what another one carried.

    The steps before that it reads targets of are in its window, but teach nothing, and stored
    activations let no gradient through them. Recomputed ones are run again from the carried state,
    with features at their mean, which stands in for what those steps were.

    Parameters
    ----------
    model
        It has taken no step.
    memory
        What it is to know.
    state
        The carried state, (num_layers, n_states * H), which is that after the newest of these
        steps.

    Raises
    ------
    ValueError
        If it does not fit the model.
    """
    sizes, statistics = model.sizes, statistics_parts(model.sizes, model.statistics)
    if memory.last is not None and sizes.is_change:
        last = checked("initial_last", memory.last, (sizes.n_targets,), may_lack=True)
        statistics.change.last[:] = np.nan_to_num(last)
        statistics.change.last_at[:] = ~np.isnan(last)
    n_steps = 0
    if memory.targets is not None and sizes.n_lags + sizes.recent_targets:
        n_steps = _put_targets(model, memory.targets)
    if memory.x_before is not None and sizes.recent_inputs:
        n_steps = max(n_steps, 1)
    model.parts.state[:] = state
    _put_steps(model, memory.x_before, n_steps)
    statistics.counters[FILLED] = n_steps
    statistics.counters[POSITION] = n_steps % sizes.truncation


def _put_targets(model: Model, given: np.ndarray) -> int:
    """Write those targets that are read; return how many steps back they go.

    These steps are in the first rows of the ring, the newest one last.
    """
    sizes, K = model.sizes, len(given)
    told = checked("initial_targets", given, (K, sizes.n_outputs + 1))[: sizes.truncation]
    is_known = told[:, -1] != 0
    places = np.flatnonzero(is_known)
    n_steps = min(places[-1] + 1, places[0] + max(sizes.recent_targets, 1)) if places.size else 0
    ring = model.parts.targets
    for back in range(n_steps):
        row = ring[n_steps - 1 - back]
        row[:-1] = _as_in_the_ring(sizes, told[back, :-1])
        # So small a weight that its error is none.
        row[-1] = np.finfo(ring.dtype).tiny if is_known[back] else 0.0
    return int(n_steps)


def _as_in_the_ring(sizes: Sizes, told: np.ndarray) -> Any:
    """Undo what `streamrnn.lags.tell` does."""
    if sizes.lags_as == ONE_HOT:
        return np.argmax(told)
    if sizes.lags_as == SIGNS:
        return np.where(told == 0, np.nan, told > 0)
    return told


def _put_steps(model: Model, x_before: np.ndarray | None, n_steps: int) -> None:
    """Let the gradient algorithm remember so many steps, of which only the newest had features."""
    sizes = model.sizes
    work = workspace_parts(sizes, np.zeros(workspace_size(sizes), model.blueprint.dtype), None)
    work.after[:] = model.parts.state
    for slot in range(n_steps):
        if slot == n_steps - 1 and x_before is not None:
            work.x[: sizes.n_inputs] = checked("initial_x_before", x_before, (sizes.n_inputs,))
        remember(model.plugins.algorithm, sizes, model.parts, work, slot)


def checked(name: str, given: Any, shape: tuple[int, ...], may_lack: bool = False) -> np.ndarray:
    """Return numbers of a module as float64; ValueError if their shape is another, or not finite.

    Parameters
    ----------
    name
        What they are, for the message.
    given
        The numbers.
    shape
        What the model needs.
    may_lack
        Whether NaN, for a number that is not known, will do.
    """
    array = np.asarray(given, np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} is {array.shape}, the model needs {shape}")
    if not (np.isfinite(array) | (np.isnan(array) & may_lack)).all():
        raise ValueError(f"{name} has values that are not finite")
    return array
