"""A model's numbers and the plug-ins that work on them: made, grown, run, copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from streamrnn.backends import cpu
from streamrnn.growth import carry_arena, carry_statistics
from streamrnn.initialization import (
    SCHEMES,
    initialise_inputs,
    initialise_layers,
    initialise_outputs,
)
from streamrnn.layout import (
    COUNTERS,
    FILLED,
    PENDING,
    POSITION,
    UPDATES,
    Parts,
    Sizes,
    arena_parts,
    arena_size,
    n_parameters,
    statistics_parts,
    statistics_size,
    workspace_size,
)
from streamrnn.learner import Plugins
from streamrnn.updates import Settings
from streamrnn.views import aligned_zeros


class Model:
    """The numbers of one learner and what works on them; the estimators wrap it for users.

    Parameters
    ----------
    plugins
        Cell, head, loss, optimizer and gradient algorithm.
    shape
        `Sizes` with the fields that a user chooses, and the number of outputs; what follows from
        the plug-ins is filled in here. There are no inputs yet.
    settings
        Clipping, regularisation, scaling.
    dtype
        ``"float32"`` or ``"float64"``: the precision of all but statistics and predictions.
    init
        Name of the initialisation scheme.
    seed
        Seed of the initial weights.

    Raises
    ------
    ValueError
        If the gradient algorithm cannot serve the sizes.
    """

    def __init__(
        self,
        plugins: Plugins,
        shape: Sizes,
        settings: Settings,
        dtype: str,
        init: str,
        seed: int,
    ) -> None:
        self.plugins = plugins
        self.settings = settings
        self.dtype = dtype
        self.init = init
        self.seed = seed
        self.sizes = _completed(shape, plugins)
        plugins.algorithm.check(self.sizes)
        self.arena = aligned_zeros(arena_size(self.sizes), dtype)
        self.statistics = np.zeros(statistics_size(self.sizes))
        self._prepare()
        scheme, parameters = SCHEMES[init], self.parts.parameters
        initialise_layers(scheme, plugins, self.sizes, parameters, seed)
        initialise_outputs(scheme, plugins, self.sizes, parameters, seed, 0)

    def _prepare(self) -> None:
        """Make what follows from the rest: the arguments of the compiled entry point."""
        lr = self.plugins.optimizer.lr
        self._schedule = lr if hasattr(lr, "get") else None
        self._rates = np.array([0.0 if self._schedule else lr], np.float64)
        self._numbers = _flat(self.settings, self.plugins)
        self._sizes = np.array(self.sizes, np.int64)
        self._types = tuple(type(plugin) for plugin in self.plugins)
        self.workspace = aligned_zeros(workspace_size(self.sizes), self.dtype)

    def __getstate__(self) -> dict[str, Any]:
        derived = ("_schedule", "_rates", "_numbers", "_sizes", "_types", "workspace")
        return {name: value for name, value in vars(self).items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        arena = aligned_zeros(self.arena.size, self.dtype)
        arena[:] = self.arena
        self.arena = arena
        self._prepare()

    @property
    def parts(self) -> Parts:
        """Views of the arena's parts."""
        return arena_parts(self.sizes, self.arena)

    @property
    def gradient(self) -> np.ndarray:
        """View of the gradient of the last update made in this process, regularised and clipped."""
        return self.workspace[: n_parameters(self.sizes)]

    @property
    def counters(self) -> dict[str, int]:
        """What was counted so far, for users."""
        counts = statistics_parts(self.sizes, self.statistics).counters
        return {name: int(counts[i]) for i, name in enumerate(COUNTERS[:POSITION])}

    def run(self, X: np.ndarray, Y: np.ndarray, out: np.ndarray, learning: bool) -> None:
        """Predict rows in their order and, if `learning`, learn from each before the next.

        Parameters
        ----------
        X
            Raw inputs, float64, (T, n_inputs); NaN is a missing value.
        Y
            Targets, float64, (T, n_targets); NaN is an unknown one.
        out
            Predictions, float64, (T, columns); written.
        learning
            Whether to learn; otherwise nothing but `out` and the workspace changes.
        """
        rates = self._rates if self._schedule is None else self._scheduled(self._schedule, len(X))
        cpu.run_for(self._types)(
            self._sizes,
            self._numbers,
            self.arena,
            self.statistics,
            self.workspace,
            X,
            Y,
            out,
            rates,
            learning,
        )

    def _scheduled(self, schedule: Any, n: int) -> np.ndarray:
        """Return the rates of as many updates as `n` samples can bring."""
        done = int(self.statistics[UPDATES])
        return np.array([schedule.get(done + i) for i in range(max(n, 1))], np.float64)

    def reset_state(self) -> None:
        """Start again from a zero state and an empty window; what was learnt stays."""
        self.parts.state[:] = 0
        self.statistics[[POSITION, FILLED, PENDING]] = 0

    def sized(self, n_inputs: int, n_outputs: int) -> Sizes:
        """Return the sizes that the model would have with so many inputs and outputs."""
        return _completed(self.sizes._replace(n_inputs=n_inputs, n_outputs=n_outputs), self.plugins)

    def grow(self, n_inputs: int, n_outputs: int) -> None:
        """Make room for more inputs or outputs; all that was learnt stays as it is."""
        old, old_arena, old_statistics = self.sizes, self.arena, self.statistics
        self.sizes = self.sized(n_inputs, n_outputs)
        self.arena = aligned_zeros(arena_size(self.sizes), self.dtype)
        self.statistics = np.zeros(statistics_size(self.sizes))
        carry_arena(self.plugins, old, old_arena, self.sizes, self.arena)
        carry_statistics(old, old_statistics, self.sizes, self.statistics)
        scheme, parameters = SCHEMES[self.init], self.parts.parameters
        initialise_inputs(scheme, self.sizes, parameters, self.seed, 0, old.n_inputs)
        initialise_outputs(scheme, self.plugins, self.sizes, parameters, self.seed, old.n_outputs)
        self._prepare()


def _completed(shape: Sizes, plugins: Plugins) -> Sizes:
    """Fill in the sizes that follow from the plug-ins."""
    cell: Any = plugins.cell
    head: Any = plugins.head
    optimizer: Any = plugins.optimizer
    algorithm: Any = plugins.algorithm
    head_shape = (shape.hidden_size, shape.n_inputs, shape.n_outputs)
    sizes = shape._replace(
        n_states=cell.n_states,
        gates=cell.gates,
        input_gates=cell.input_gates,
        state_gates=cell.state_gates,
        n_factors=cell.n_factors,
        n_head=head.n_parameters(*head_shape),
        n_head_memory=head.n_memory(*head_shape),
        n_slots=optimizer.n_slots,
        n_memory=0,
        n_scratch=0,
    )
    return sizes._replace(n_memory=algorithm.n_memory(sizes), n_scratch=algorithm.n_scratch(sizes))


def _flat(settings: Settings, plugins: Sequence[Any]) -> np.ndarray:
    """Line up the settings and the plug-ins' numbers as the compiled entry point reads them."""
    numbers = list(settings)
    for plugin in plugins:
        # The learning rate goes its own way: it may be a schedule.
        numbers += [0.0 if hasattr(number, "get") else float(number) for number in plugin]
    return np.array(numbers, np.float64)
