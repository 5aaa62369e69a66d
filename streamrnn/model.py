"""A model's numbers and the plug-ins that work on them: made, grown, run, copied."""

from __future__ import annotations

import copy
import threading
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
from streamrnn.updates import Settings, check_rate
from streamrnn.views import aligned_zeros

#: Attributes of a `Model` that follow from the others and are no part of its state.
_DERIVED = {
    "_kind",
    "_numbers",
    "_one_sample",
    "_rates",
    "_schedule",
    "_sizes",
    "lock",
    "out",
    "workspace",
    "x",
    "y",
}

#: Samples in one compiled call, so that an interrupt is heard within a second or so.
_SAMPLES_A_CALL = 8192


class Model:
    """The numbers of one learner and what works on them; the estimators wrap it for users.

    ``x``, ``y`` and ``out`` are arguments of `run` for one sample, to be used again and again.
    Whoever runs or changes a model holds its ``lock``: compiled code releases the GIL.

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
        self.lock = threading.RLock()
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
        self._kind = tuple(type(plugin) for plugin in self.plugins), self.dtype
        self.workspace = aligned_zeros(workspace_size(self.sizes), self.dtype)
        self.x = np.full((1, self.sizes.n_inputs), np.nan)
        self.y = np.full((1, self.sizes.n_targets), np.nan)
        self.out = np.zeros((1, self.n_columns))
        self._one_sample = self._arguments(self.x, self.y, self.out, self._rates)

    def _arguments(
        self, X: np.ndarray, Y: np.ndarray, out: np.ndarray, rates: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Line up the arguments of the compiled entry point, but for whether to learn."""
        model = (self._sizes, self._numbers, self.arena, self.statistics, self.workspace)
        return (*model, X, Y, out, rates)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _DERIVED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # Copies: what was unpickled may be read-only, and on any boundary.
        arena = aligned_zeros(self.arena.size, self.dtype)
        arena[:] = self.arena
        self.arena = arena
        self.statistics = np.array(self.statistics)
        self.lock = threading.RLock()
        self._prepare()

    def __copy__(self) -> Model:
        """Copy deeply: two models that share some of their arrays would be none."""
        return copy.deepcopy(self)

    @property
    def n_columns(self) -> int:
        """Numbers in a prediction: the outputs, or one for each class, of two at least."""
        least = 2 if self.plugins.loss.task == "classification" else 0
        return max(least, self.sizes.n_outputs)

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
        sizes = self.sizes
        if X.shape[1] != sizes.n_inputs or Y.shape[1] != sizes.n_targets:
            raise ValueError(f"{X.shape[1]} inputs and {Y.shape[1]} targets do not fit {sizes}")
        if out.shape[1] != self.n_columns or not len(X) == len(Y) == len(out):
            raise ValueError(f"X {X.shape}, Y {Y.shape} and out {out.shape} do not fit {sizes}")
        for start in range(0, len(X), _SAMPLES_A_CALL):
            part = slice(start, start + _SAMPLES_A_CALL)
            self._run_part(X[part], Y[part], out[part], learning)

    def _run_part(self, X: np.ndarray, Y: np.ndarray, out: np.ndarray, learning: bool) -> None:
        rates = self._rates
        if learning and self._schedule is not None:
            rates = self._scheduled(self._schedule, len(X))
        cpu.run_for(*self._kind)(*self._arguments(X, Y, out, rates), learning)

    def run_one(self, learning: bool) -> None:
        """Do as `run` does with the one sample in ``x``, ``y`` and ``out``, at less cost."""
        if learning and self._schedule is not None:
            self._run_part(self.x, self.y, self.out, learning)
        else:
            cpu.run_for(*self._kind)(*self._one_sample, learning)

    def _scheduled(self, schedule: Any, n: int) -> np.ndarray:
        """Return the rates of as many updates as `n` samples can bring."""
        done = int(self.statistics[UPDATES])
        rates = np.array([schedule.get(done + i) for i in range(max(n, 1))], np.float64)
        for i, rate in enumerate(rates):
            check_rate(f"lr, from {schedule!r} for update {done + i}", rate)
        return rates

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
