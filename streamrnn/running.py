"""What a model does: it predicts and learns; what else steps are taken for is in `onward`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from streamrnn._checks import check_number
from streamrnn.backends import cpu
from streamrnn.backends.helpers import run_with_helpers
from streamrnn.blueprint import Blueprint
from streamrnn.layout import Parts, Sizes, arena_parts, common_size, n_parameters
from streamrnn.learner import ADVANCE, LABEL, LEARN, OBSERVE, PREDICT, ROLL
from streamrnn.onward import Onward
from streamrnn.statistics import UPDATES
from streamrnn.views import aligned_zeros
from streamrnn.workspace import workspace_parts, workspace_size

#: Samples in one compiled call, and parameters x truncation x samples: so an interrupt is heard
#: within a second or so.
SAMPLES_A_CALL, _WORK_A_CALL = 8192, 1 << 33

#: What is done with one sample at a time.
TASKS = (PREDICT, LEARN, LABEL, ADVANCE, ROLL, OBSERVE)

_AGE = cpu.Call._fields.index("age")


class Running(Onward):
    """Runs a model; `Model` has the numbers.

    ``x``, ``y`` and ``out`` are arguments of `run` for one sample, to be used again and again;
    ``row``, ``answer`` and ``goal`` are views of the only rows of ``x``, ``out`` and ``y``; the
    last number of ``goal`` is the sample's weight, 1 until somebody changes it. ``hidden`` views
    the top layer's hidden state, (H,), after the step of the sample that was predicted last. A
    growing model makes all of these anew.
    """

    blueprint: Blueprint
    sizes: Sizes
    arena: np.ndarray
    statistics: np.ndarray
    _kind: Any
    _n_threads: int
    _entry: Callable[[np.ndarray], None] | None
    _rate_factor = 1.0
    #: What runs it on a device, made when that is first asked for.
    driver: Any = None

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

    def _lay_out(self) -> None:
        """Make what follows from the sizes and from where the numbers are."""
        sizes, blueprint = self.sizes, self.blueprint
        self.workspace = aligned_zeros(workspace_size(sizes), blueprint.dtype)
        after = workspace_parts(sizes, self.workspace, None).after
        self.hidden = after[sizes.num_layers - 1, : sizes.hidden_size]
        self.x = np.full((1, sizes.n_inputs), np.nan)
        self.y = np.full((1, sizes.n_targets + 1), np.nan)
        self.y[0, -1] = 1.0
        self.out = np.zeros((1, self.n_columns))
        self.row, self.answer, self.goal = self.x[0], self.out[0], self.y.data.cast("B").cast("d")
        self._bounds = np.array([0, 1])
        self._is_scheduled = blueprint.is_scheduled
        self._rates = np.zeros(1) if self._is_scheduled else self._coming_rates(0, 1)
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
        self._words = {task: cpu.words(call._replace(task=task), sizes) for task in TASKS}
        self._predicting, self._learning = self._words[PREDICT], self._words[LEARN]

    def _located(self, rates: np.ndarray) -> cpu.Address:
        """Say where the numbers are."""
        common, own = map(cpu.address, self._halves)
        kept = cpu.address(self.statistics)
        return cpu.Address(common, own, kept, cpu.address(rates), rates.size)

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
        self._run_block(X, Y, out, LEARN if learning else PREDICT)

    def observe(self, X: np.ndarray, Y: np.ndarray, out: np.ndarray) -> None:
        """Predict rows in their order and take their steps, as `observe_one` does.

        The arguments are those of `run`.
        """
        self._run_block(X, Y, out, OBSERVE)

    def _run_block(self, X: np.ndarray, Y: np.ndarray, out: np.ndarray, task: int) -> None:
        self._check_block(X, Y, out)
        step = self._samples_a_call
        for start in range(0, len(X), step):
            part = slice(start, start + step)
            self._run_part(X[part], Y[part], out[part], task)

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

    def _run_part(
        self, X: np.ndarray, Y: np.ndarray, out: np.ndarray, task: int, age: int = 0
    ) -> None:
        rates = self._rates
        if task != PREDICT and self._is_scheduled:
            rates = self._coming_rates(int(self.statistics[UPDATES]), len(X))
        models = np.array([self._located(rates)])
        bounds = np.array([0, len(X)])
        call = self._call._replace(
            models=cpu.address(models),
            bounds=cpu.address(bounds),
            inputs=cpu.address(X),
            targets=cpu.address(Y),
            out=cpu.address(out),
            task=task,
            age=age,
        )
        self._compiled(cpu.words(call, self.sizes))

    def run_one(self, learning: bool) -> None:
        """Do as `run` does with the one sample in ``x``, ``y`` and ``out``, at less cost."""
        if learning and self._is_scheduled:
            self._run_part(self.x, self.y, self.out, LEARN)
        else:
            run = self._entry or self._compiled
            run(self._learning if learning else self._predicting)

    def _do_one(self, task: int, age: int = 0) -> None:
        """Do any task with the one sample in ``x``, ``y`` and ``out``."""
        if self._is_scheduled:
            self._run_part(self.x, self.y, self.out, task, age)
        else:
            words = self._words[task]
            words[_AGE] = age
            self._compiled(words)

    # --- learning rates

    @property
    def rate_factor(self) -> float:
        """What every learning rate is multiplied by: 1 until somebody changes it.

        Raises
        ------
        TypeError, ValueError
            On setting, if it is no finite number of at least 0, or the rate of the next update
            would be too large.
        """
        return self._rate_factor

    @rate_factor.setter
    def rate_factor(self, factor: float) -> None:
        check_number("rate_factor", factor, 0.0)
        rates = self.blueprint.rates(self._updates, 1, float(factor))
        self._rate_factor = float(factor)
        if not self._is_scheduled:
            self._rates[:] = rates

    def _coming_rates(self, done: int, n: int) -> np.ndarray:
        return self.blueprint.rates(done, n, self._rate_factor)

    @property
    def _updates(self) -> int:
        """How many updates were made of these weights."""
        return int(self.statistics[UPDATES])

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


def halves(sizes: Sizes, arena: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """View the halves of an arena, which lie one behind the other."""
    middle = common_size(sizes)
    return arena[:middle], arena[middle:]
