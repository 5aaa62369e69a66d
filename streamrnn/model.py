"""A model's numbers and what works on them: made, grown, run, copied."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from streamrnn.backends.helpers import n_threads
from streamrnn.blueprint import Blueprint
from streamrnn.growth import carry_own, carry_statistics
from streamrnn.layout import (
    Sizes,
    common_size,
    n_parameters,
    notes,
    own_size,
)
from streamrnn.learner import Plugins
from streamrnn.running import Running
from streamrnn.statistics import (
    COUNTERS,
    FILLED,
    OPTIMIZER_UPDATES,
    PENDING,
    POSITION,
    statistics_parts,
    statistics_size,
)
from streamrnn.views import aligned_zeros


class Model(Running):
    """The numbers of one learner and what works on them; the estimators wrap it for users.

    How it is run is told in `Running`. Whoever runs or changes a model holds its
    ``lock``: compiled code releases the GIL.

    Parameters
    ----------
    blueprint
        What the model is made of. There are no inputs yet.
    """

    #: Attributes that are part of the model beside its arrays: plain data, checked on setting.
    PLAIN: ClassVar[tuple[str, ...]] = ("rate_factor",)

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.sizes = blueprint.sized(0, blueprint.shape.n_outputs)
        self.arena, self.statistics = _zeros(self.sizes, blueprint.dtype)
        blueprint.start(self.sizes, self.parts)
        self._prepare()

    def _prepare(self) -> None:
        """Make what follows from the rest: scratch, and the argument of the compiled code."""
        self.lock = threading.RLock()
        self._kind = self.blueprint.kind
        self._entry: Callable[[np.ndarray], None] | None = None
        self._n_threads = n_threads(self.sizes.hidden_size)
        self._lay_out()

    def __getstate__(self) -> dict[str, Any]:
        kept = ("blueprint", "sizes", "arena", "statistics", *self.PLAIN)
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({name: state[name] for name in state if name not in self.PLAIN})
        # Copies: what was unpickled may be read-only, and on any boundary.
        arena = aligned_zeros(self.arena.size, self.blueprint.dtype)
        arena[:] = self.arena
        self.arena = arena
        self.statistics = np.array(self.statistics)
        self._prepare()
        for name in self.PLAIN:
            setattr(self, name, state[name])

    def __copy__(self) -> Model:
        """Copy deeply: two models that share some of their arrays would be none."""
        return copy.deepcopy(self)

    @property
    def plugins(self) -> Plugins:
        """Cell, head, loss, optimizer and gradient algorithm."""
        return self.blueprint.plugins

    @property
    def gradient(self) -> np.ndarray:
        """View of the gradient of the last update made by this process's CPU, as it was clipped.

        Regularised, too. Updates that a device makes leave no gradient here.
        """
        return self.workspace[: n_parameters(self.sizes)]

    @property
    def counters(self) -> dict[str, int]:
        """What was counted so far, for users."""
        counts = statistics_parts(self.sizes, self.statistics).counters
        return {name: int(counts[i]) for i, name in enumerate(COUNTERS[:POSITION])}

    def reset_state(self) -> None:
        """Start again from a zero state and an empty window; what was learnt stays."""
        self.parts.state[:] = 0
        self.statistics[[POSITION, FILLED, PENDING]] = 0
        statistics_parts(self.sizes, self.statistics).change.last_at[:] = 0

    def reset_optimizer(self) -> None:
        """Let the optimizer start again, as with the first update; weights and counters stay."""
        self.parts.slots[:] = 0
        notes(self.sizes, self.parts)[:] = 0
        self.statistics[OPTIMIZER_UPDATES] = 0

    def grow(self, n_inputs: int, n_outputs: int) -> None:
        """Make room for more inputs or outputs; all that was learnt stays as it is.

        If that fails, as for want of memory, nothing has changed.
        """
        before = dict(vars(self))
        try:
            self._grow(n_inputs, n_outputs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _grow(self, n_inputs: int, n_outputs: int) -> None:
        """Do as `grow` does; all arrays are new ones."""
        old, before, kept = self.sizes, self.parts, self.statistics
        self.sizes = new = self.blueprint.sized(n_inputs, n_outputs)
        self.arena, self.statistics = _zeros(new, self.blueprint.dtype)
        self.blueprint.grow(old, before, new, self.parts)
        carry_own(self.plugins, old, before, new, self.parts)
        carry_statistics(old, kept, new, self.statistics)
        self._lay_out()


def _zeros(sizes: Sizes, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Allocate an arena and statistics."""
    arena = aligned_zeros(common_size(sizes) + own_size(sizes), dtype)
    return arena, np.zeros(statistics_size(sizes))
