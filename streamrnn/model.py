"""A model's numbers and what works on them: made, grown, run, copied."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from streamrnn.backends import cpu
from streamrnn.backends.helpers import n_threads, run_with_helpers
from streamrnn.blueprint import Blueprint
from streamrnn.growth import carry_own, carry_statistics
from streamrnn.layout import (
    Parts,
    Sizes,
    arena_parts,
    common_size,
    n_parameters,
    own_size,
    workspace_size,
)
from streamrnn.learner import Plugins
from streamrnn.statistics import (
    COUNTERS,
    FILLED,
    PENDING,
    POSITION,
    UPDATES,
    statistics_parts,
    statistics_size,
)
from streamrnn.views import aligned_zeros

#: Samples in one compiled call, and parameters x truncation x samples: so an interrupt is heard
#: within a second or so.
SAMPLES_A_CALL, _WORK_A_CALL = 8192, 1 << 33


class Model:
    """The numbers of one learner and what works on them; the estimators wrap it for users.

    ``x``, ``y`` and ``out`` are arguments of `run` for one sample, to be used again and again;
    ``row``, ``answer`` and ``goal`` are views of the only rows of ``x``, ``out`` and ``y``; the
    last number of ``goal`` is the sample's weight, 1 until somebody changes it.
    Whoever runs or changes a model holds its ``lock``: compiled code releases the GIL.

    Parameters
    ----------
    blueprint
        What the model is made of. There are no inputs yet.
    """

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

    def _lay_out(self) -> None:
        sizes, blueprint = self.sizes, self.blueprint
        self.workspace = aligned_zeros(workspace_size(sizes), blueprint.dtype)
        self.x = np.full((1, sizes.n_inputs), np.nan)
        self.y = np.full((1, sizes.n_targets + 1), np.nan)
        self.y[0, -1] = 1.0
        self.out = np.zeros((1, self.n_columns))
        self.row, self.answer, self.goal = self.x[0], self.out[0], self.y.data.cast("B").cast("d")
        self._bounds = np.array([0, 1])
        self._is_scheduled = blueprint.is_scheduled
        self._rates = np.zeros(1) if self._is_scheduled else blueprint.rates(0, 1)
        self._address = np.array([self._located(self._rates)])
        call = cpu.Call(
            settings=cpu.address(blueprint.numbers),
            models=cpu.address(self._address),
            bounds=cpu.address(self._bounds),
            n_models=1,
            workspace=cpu.address(self.workspace),
            inputs=cpu.address(self.x),
            targets=cpu.address(self.y),
            out=cpu.address(self.out),
            n_columns=self.n_columns,
        )
        self._call = call
        self._predicting = cpu.words(call, sizes)
        self._learning = cpu.words(call._replace(task=cpu.LEARN), sizes)

    def _located(self, rates: np.ndarray) -> cpu.Address:
        """Say where the numbers are."""
        common, own = map(cpu.address, self._halves)
        kept = cpu.address(self.statistics)
        return cpu.Address(common, own, kept, cpu.address(rates), rates.size)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("blueprint", "sizes", "arena", "statistics")
        return {name: vars(self)[name] for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # Copies: what was unpickled may be read-only, and on any boundary.
        arena = aligned_zeros(self.arena.size, self.blueprint.dtype)
        arena[:] = self.arena
        self.arena = arena
        self.statistics = np.array(self.statistics)
        self._prepare()

    def __copy__(self) -> Model:
        """Copy deeply: two models that share some of their arrays would be none."""
        return copy.deepcopy(self)

    @property
    def plugins(self) -> Plugins:
        """Cell, head, loss, optimizer and gradient algorithm."""
        return self.blueprint.plugins

    @property
    def n_columns(self) -> int:
        """Numbers in a prediction."""
        return self.blueprint.n_columns(self.sizes)

    @property
    def parts(self) -> Parts:
        """Views of the arena's parts."""
        return arena_parts(self.sizes, *self._halves)

    @property
    def _halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Views of the arena's halves."""
        return halves(self.sizes, self.arena)

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
            Targets, float64, (T, n_targets + 1); NaN is an unknown one. The last column has the
            weights of the samples: their gradients are multiplied by them. Nothing is learnt from a
            row of weight 0, or one without a known target.
        out
            Predictions, float64, (T, columns); written.
        learning
            Whether to learn; otherwise nothing but `out` and the workspace changes.
        """
        self._check_block(X, Y, out)
        step = self._samples_a_call
        for start in range(0, len(X), step):
            part = slice(start, start + step)
            self._run_part(X[part], Y[part], out[part], learning)

    @property
    def _samples_a_call(self) -> int:
        """Samples that take a second or so at most."""
        work = n_parameters(self.sizes) * self.sizes.truncation
        return max(1, min(SAMPLES_A_CALL, _WORK_A_CALL // work))

    def run_from(
        self, start: int, X: np.ndarray, Y: np.ndarray, out: np.ndarray, learning: bool
    ) -> None:
        """Do as `run` does; where in a block the rows are does not matter to a single model."""
        self.run(X, Y, out, learning)

    def _check_block(self, X: np.ndarray, Y: np.ndarray, out: np.ndarray) -> None:
        """Refuse what compiled code would read wrong: it is told addresses only."""
        sizes = self.sizes
        for array in (X, Y, out):
            if array.dtype != np.float64 or not array.flags.c_contiguous or array.ndim != 2:
                raise ValueError("X, Y and out must be contiguous matrices of float64")
        if X.shape[1] != sizes.n_inputs or Y.shape[1] != sizes.n_targets + 1:
            raise ValueError(
                f"{X.shape[1]} inputs, {Y.shape[1]} targets with their weight: not as in {sizes}"
            )
        if out.shape[1] != self.n_columns or not len(X) == len(Y) == len(out):
            raise ValueError(f"X {X.shape}, Y {Y.shape} and out {out.shape} do not fit {sizes}")

    def _run_part(self, X: np.ndarray, Y: np.ndarray, out: np.ndarray, learning: bool) -> None:
        rates = self._rates
        if learning and self._is_scheduled:
            rates = self.blueprint.rates(int(self.statistics[UPDATES]), len(X))
        models = np.array([self._located(rates)])
        bounds = np.array([0, len(X)])
        call = self._call._replace(
            models=cpu.address(models),
            bounds=cpu.address(bounds),
            inputs=cpu.address(X),
            targets=cpu.address(Y),
            out=cpu.address(out),
            task=cpu.LEARN if learning else cpu.PREDICT,
        )
        self._compiled(cpu.words(call, self.sizes))

    def run_one(self, learning: bool) -> None:
        """Do as `run` does with the one sample in ``x``, ``y`` and ``out``, at less cost."""
        if learning and self._is_scheduled:
            self._run_part(self.x, self.y, self.out, learning)
        else:
            run = self._entry or self._compiled
            run(self._learning if learning else self._predicting)

    @property
    def _compiled(self) -> Callable[[np.ndarray], None]:
        """The compiled entry point."""
        if self._entry is None:
            run: Callable[[np.ndarray], None]
            if self._n_threads > 1:
                run = partial(run_with_helpers, self._kind, self._n_threads - 1)
            else:
                run = cpu.run_for(*self._kind)
            # In a function, since River's memory figure would count all of Numba behind it.
            self._entry = lambda words: run(words)
        return self._entry

    def reset_state(self) -> None:
        """Start again from a zero state and an empty window; what was learnt stays."""
        self.parts.state[:] = 0
        self.statistics[[POSITION, FILLED, PENDING]] = 0

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


def halves(sizes: Sizes, arena: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """View the halves of an arena, which lie one behind the other."""
    middle = common_size(sizes)
    return arena[:middle], arena[middle:]
